"""Runs that leave nothing to tell apart: a start, calls each with its result behind it, errors, an end that counts.

Nearly all are, and there are millions of such events: they are checked and written column by column, which takes a
fraction of what the general way takes. What is found here is what ``separate`` and ``write`` would find.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from operator import add, sub

from explorer.model import Step, ToolCall
from explorer.readers import Rows
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._draft import RunDraft
from explorer.readers.codegraff._events import CALL, END, ERROR, RESULT, START, Event, kind_of, whole
from explorer.readers.codegraff._writing import Target, step_of_error


def straight(events: Sequence[Event]) -> Chain | None:
    """The run that these events are, if they are one and nothing about it is in doubt."""
    count = len(events)
    if count < 4 or events[0].kind != START or events[-1].kind != END:
        return None
    if events[-1].seq - events[0].seq != count - 1:
        return None
    _, seqs, times, *_ = zip(*events, strict=True)
    middle = _without_errors(events)
    calls = len(middle) // 2
    if not calls or len(middle) % 2:
        return None
    _, _, _, kinds, _, ids, _, payloads, _, _ = zip(*middle, strict=True)
    asked = ids[::2]
    plain = (
        whole(events[-1].payload, "tool_calls") == calls
        and kinds[::2] == (CALL,) * calls
        and kinds[1::2] == (RESULT,) * calls
        and asked == ids[1::2]
        and len(set(asked)) == calls
        and None not in asked
        and payloads.count(None) == len(middle)
        and seqs == tuple(range(seqs[0], seqs[0] + count))
        and times[0] > 0
        and list(times) == sorted(times)
    )
    return Chain(list(events), events[0], events[-1]) if plain else None


def _without_errors(events: Sequence[Event]) -> Sequence[Event]:
    """What is between start and end; an error may stand between calls, and not between a call and its result."""
    middle = events[1:-1]
    return [event for event in middle if event.kind != ERROR] if ERROR in map(kind_of, middle) else middle


def columns(target: Target, run: RunDraft, events: Sequence[Event]) -> Iterator[Step | Rows]:
    """The steps of such a run and their tool calls; one of each for a call and its result, a step for an error."""
    middle = _without_errors(events)
    _, seqs, times, _, names, ids, failed, _, offsets, lengths = zip(*middle, strict=True)
    base = target.base or 0
    calls = len(middle) // 2
    ordinals: Sequence[int] = range(1, calls + 1)
    if len(middle) < len(events) - 2:
        errors = [event for event in events[1:-1] if event.kind == ERROR]
        before = [error.seq for error in errors]
        ordinals = [place + bisect(before, seq) for place, seq in enumerate(seqs[::2], 1)]
        for number, error in enumerate(errors):
            yield step_of_error(target, run, error, number + 1 + bisect(seqs[::2], error.seq))
    run.steps, run.tool_calls = len(events) - 2 - calls, calls
    called, answered = times[::2], times[1::2]
    starts, ends = [ts - base for ts in called], [ts - base for ts in answered]
    begins = offsets[::2]
    spans = list(map(sub, map(add, offsets[1::2], lengths[1::2]), begins))
    run_ids, sources = [run.run_id] * calls, [target.source_id] * calls
    exact = ["exact"] * calls
    steps = {
        "run_id": run_ids, "ordinal": ordinals, "started_at": [ts * 1000 for ts in called], "start_ms": starts,
        "end_ms": ends, "tokens_grade": ["not_recorded"] * calls, "grade": exact, "source_id": sources,
        "offset": begins, "length": spans,
    }  # fmt: skip
    tool_calls = {
        "run_id": run_ids, "ordinal": range(1, calls + 1), "step_ordinal": ordinals, "tool_call_id": ids[::2],
        "name": names[::2], "start_ms": starts, "end_ms": ends, "is_error": failed[1::2], "grade": exact,
        "source_id": sources, "offset": begins, "length": spans,
    }  # fmt: skip
    yield Rows.named(Step, steps)
    yield Rows.named(ToolCall, tool_calls)
