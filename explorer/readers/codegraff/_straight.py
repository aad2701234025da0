"""Runs that leave nothing to tell apart: a start, calls each with its result behind it, errors, an end that counts.

Nearly all are, and there are millions of such events: they are checked and written column by column, which takes a
fraction of what the general way takes. What is found here is what ``separate`` and ``write`` would find.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import compress
from operator import add, sub

from explorer.model import Repeated, Step, ToolCall
from explorer.readers import Rows
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._draft import RunDraft
from explorer.readers.codegraff._events import CALL, END, ERROR, RESULT, START, Columns, whole
from explorer.readers.codegraff._writing import Target, step_of_error


def straight(events: Columns) -> Chain | None:
    """The run that these events are, if they are one and nothing about it is in doubt; without the events."""
    seqs, times, kinds = events.seq, events.ts, events.kind
    count = len(seqs)
    if count < 4 or kinds[0] != START or kinds[-1] != END or seqs[-1] - seqs[0] != count - 1:
        return None
    end = events.event(-1)
    middle = _without_errors(events)
    calls, left = divmod(len(middle.row), 2)
    if not calls or left or whole(end.payload, "tool_calls") != calls:
        return None
    asked = middle.call_id[::2]
    plain = (
        middle.kind == [CALL, RESULT] * calls
        and asked == middle.call_id[1::2]
        and len(set(asked)) == calls
        and None not in asked
        and middle.payload.count(None) == len(middle.payload)
        and seqs == list(range(seqs[0], seqs[0] + count))
        and times[0] > 0
        and times == sorted(times)
    )
    return Chain(start=events.event(0), end=end) if plain else None


def _without_errors(events: Columns) -> Columns:
    """What is between start and end; an error may stand between calls, and not between a call and its result."""
    if ERROR not in events.kind:
        return Columns._make(column[1:-1] for column in events)
    chosen = [kind != ERROR for kind in events.kind[1:-1]]
    return Columns._make(list(compress(column[1:-1], chosen)) for column in events)


def rows_of(target: Target, run: RunDraft, events: Columns) -> Iterator[Step | Rows]:
    """The steps of such a run and their tool calls; one of each for a call and its result, a step for an error."""
    middle = _without_errors(events)
    base = target.base or 0
    calls = len(middle.row) // 2
    ordinals: Sequence[int] = range(1, calls + 1)
    asked = middle.seq[::2]
    if len(middle.row) < len(events.row) - 2:
        errors = [events.event(place) for place, kind in enumerate(events.kind) if kind == ERROR]
        before = [error.seq for error in errors]
        ordinals = [place + bisect(before, seq) for place, seq in enumerate(asked, 1)]
        for number, error in enumerate(errors):
            yield step_of_error(target, run, error, number + 1 + bisect(asked, error.seq))
    run.steps, run.tool_calls = len(events.row) - 2 - calls, calls
    called, answered = middle.ts[::2], middle.ts[1::2]
    starts, ends = [ts - base for ts in called], [ts - base for ts in answered]
    begins = middle.offset[::2]
    spans = list(map(sub, map(add, middle.offset[1::2], middle.length[1::2]), begins))
    both = {
        "run_id": Repeated(run.run_id, calls), "start_ms": starts, "end_ms": ends, "grade": Repeated("exact", calls),
        "source_id": Repeated(target.source_id, calls), "offset": begins, "length": spans,
    }  # fmt: skip
    steps = {
        "ordinal": ordinals, "started_at": [ts * 1000 for ts in called],
        "tokens_grade": Repeated("not_recorded", calls),
    }  # fmt: skip
    tool_calls = {
        "ordinal": range(1, calls + 1), "step_ordinal": ordinals, "tool_call_id": middle.call_id[::2],
        "name": middle.name[::2], "is_error": middle.is_error[1::2],
    }  # fmt: skip
    yield Rows.named(Step, both | steps)
    yield Rows.named(ToolCall, both | tool_calls)
