"""What times mean in a corpus: what they count from, and whether a sub-agent's is its start or its end."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from explorer.readers._values import Fields
from explorer.readers.weka._request import split

if TYPE_CHECKING:
    from explorer.readers._outlines import Outline
    from explorer.readers._records import Buffer

Vote: TypeAlias = tuple[str, float, float]

END_STAMP_SECONDS = 5.0
"""A sub-agent's ``t`` is its end when, in the median, it lies this near to where its duration puts the end, and farther
from where it would lie as a start. Measured on kv-cache-tester: 0.08 to 1.06 s against minutes."""

SLACK = 1e-6
"""Seconds by which times may differ from rounding alone."""

SAMPLE = 8
"""Calls inside a sub-agent that are looked at; the first is the earliest but for damage."""


def settle(votes: Sequence[Vote]) -> dict[str, str]:
    """The clock of a corpus.

    ``stamp`` votes are the distances in seconds of a completed sub-agent's t from the end of the call before it, and
    from that end plus its duration. ``basis`` votes are (start of a sub-agent, least t inside it); where the start
    depends on the stamp there is one for either. The majority decides: damage to one record must not turn the clock.
    """
    stamps = [(as_start, as_end) for kind, as_start, as_end in votes if kind == "stamp"]
    at_end = bool(stamps) and (
        statistics.median(end for _, end in stamps)
        < END_STAMP_SECONDS
        < statistics.median(start for start, _ in stamps)
    )
    stamp = "end" if at_end else "start"
    kinds = ("basis", f"basis-{stamp}")
    earlier = [inner + SLACK < start for kind, start, inner in votes if kind in kinds and start > SLACK]
    return {"basis": "relative" if 2 * sum(earlier) > len(earlier) else "absolute", "stamp": stamp}


def votes_of(buffer: Buffer, container: Outline) -> Iterator[Vote]:
    """What the sub-agents of a list say about the clock of the corpus."""
    before: float | None = None  # end of the last model call before the sub-agent
    for index, child in container.nested.items():
        if index and index - 1 not in container.nested:
            start, response = _time(buffer, container, index - 1)
            before = None if start is None else start + (response or 0.0)
        yield from votes_of(buffer, child)
        fields = Fields(dict(child.fields))
        marker, duration_ms = fields.number("t"), fields.number("duration_ms", least=0)
        if marker is None:
            continue
        duration = duration_ms / 1000 if duration_ms is not None and fields.text("status") == "completed" else None
        inner = [time for i in range(min(len(child), SAMPLE)) if (time := _time(buffer, child, i)[0]) is not None]
        if inner and duration is None:
            yield "basis", marker, min(inner)
        elif inner and duration is not None:
            yield "basis-start", marker, min(inner)
            yield "basis-end", marker - duration, min(inner)
        if before is not None and duration is not None:
            yield "stamp", abs(marker - before), abs(marker - before - duration)


def _time(buffer: Buffer, container: Outline, index: int) -> tuple[float | None, float | None]:
    """Recorded time of a record in seconds, and the response time of a model call."""
    if index in container.nested:
        return Fields(dict(container.nested[index].fields)).number("t"), None
    try:
        fields = Fields(split(buffer, *container.span(index))[0])
    except ValueError:
        return None, None
    return fields.number("t"), fields.number("api_time", least=0)
