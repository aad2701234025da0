"""What a cache that forgets would have hit: the rows for every prompt of one cache.

The rows are tuples in the order of the columns of their tables, as there are many of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from explorer.reuse.calls import Call, Lineage, split_prefix
from explorer.reuse.recency import Recency, Touched

PromptRow: TypeAlias = tuple[str, int, int, int, int | None, int | None, int | None, int | None]
"""``model.PromptRecency`` as a tuple."""

StepRow: TypeAlias = tuple[str, int, int | None, int, int | None, int, int | None, int | None, int | None, int]
"""``model.StepRecency`` as a tuple."""

WINDOWS_MS = (60_000, 300_000, 900_000)
"""Of the working sets."""


class Recalled(NamedTuple):
    """The rows of one or several caches."""

    prompts: list[PromptRow]
    steps: list[StepRow]


def recall(started: list[Call], lineage: Lineage, into: Recalled) -> None:
    """Add the rows of one cache, whose calls are given in order of start (``calls.by_start``)."""
    cache = Recency(len(started))
    times = [call.start_ms for call in started if call.start_ms is not None]
    timed = len(times) == len(started)  # or else it is not known how long ago anything was
    latest: dict[str, Call] = {}
    short = middle = long = None
    for number, call in enumerate(started):
        found = cache.add(call.namespace, call.stretches)
        if timed:
            now = times[number]
            ages: Sequence[int | None] = [now - times[touched.call] for touched in found]
            short, middle, long = [cache.since(bisect_right(times, now - window, 0, number)) for window in WINDOWS_MS]
        else:
            ages = [None] * len(found)
        _add_prompt(into.prompts, call, found, ages)
        agent = lineage.agent_of.get(call.run_id, call.run_id)
        previous, repeated = None, 0
        if agent in latest:
            before = latest[agent]
            previous, repeated = before.blocks, split_prefix(before.stretches, call.stretches)[0]
        latest[agent] = call
        into.steps.append(
            (call.run_id, call.ordinal, call.start_ms, call.blocks, previous, repeated, short, middle, long,
             cache.since(0))
        )  # fmt: skip


def _add_prompt(rows: list[PromptRow], call: Call, found: list[Touched], ages: Sequence[int | None]) -> None:
    """A row for each stretch that would be hit alike, and one for the rest, which no cache would hit."""
    run, ordinal, _, most, size, _, _, in_all, _ = call
    full = in_all  # as many leading blocks are full, and whatever is behind the next is empty
    if size and most is not None:
        full = min(full, most // size)
    position = 0
    for (blocks, first, last, _), age in zip(found, ages, strict=True):
        end = position + blocks
        if end <= full:
            rows.append((run, ordinal, position, blocks, first, last, age, None if size is None else blocks * size))
            position = end
            continue
        for stop in (full, full + 1, end):
            if position < (stop := min(stop, end)):
                upto = last - (end - stop) if last > first else last
                tokens = _tokens(call, position, stop)
                rows.append((run, ordinal, position, stop - position, first, upto, age, tokens))
                first, position = upto + 1 if last > first else first, stop
    if position < in_all:
        rest = in_all - position
        rows.append((run, ordinal, position, rest, None, None, None, _tokens(call, position, in_all)))


def _tokens(call: Call, start: int, end: int) -> int | None:
    """Of the blocks [start, end) of a prompt: full ones, and no more in all than the prompt holds."""
    size, most = call.block_tokens, call.input_tokens
    if size is None:
        return None
    if most is None:
        return (end - start) * size
    return min(end * size, most) - min(start * size, most)
