"""Runs that leave nothing to tell apart: a start, calls each with its result behind it, errors, an end that counts.

Nearly all are, and there are millions of such events: they are checked and written column by column, which takes a
fraction of what the general way takes. What is found here is what ``separate`` and ``write`` would find.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import compress
from operator import add, sub
from typing import NamedTuple

from explorer.model import Repeated, Step, ToolCall
from explorer.readers import Rows
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._draft import RunDraft
from explorer.readers.codegraff._events import CALL, END, ERROR, RESULT, START, Columns, whole
from explorer.readers.codegraff._steps import Pair
from explorer.readers.codegraff._writing import Target, step_of_error, tool_call_of


class Straight(NamedTuple):
    """Such a run."""

    chain: Chain
    """Without its events."""
    middle: Columns
    """Its calls, each with its result behind it."""


def straight(events: Columns) -> Straight | None:
    """The run that these events are, if they are one and nothing about it is in doubt."""
    seqs, times, kinds = events.seq, events.ts, events.kind
    count = len(seqs)
    if count < 4 or kinds[0] != START or kinds[-1] != END or seqs[-1] - seqs[0] != count - 1:
        return None
    middle = _without_errors(events)
    calls, left = divmod(len(middle.row), 2)
    if not calls or left or whole(events.payload[-1], "tool_calls") != calls:
        return None
    asked = middle.call_id[::2]
    plain = (
        middle.kind == [CALL, RESULT] * calls
        and asked == middle.call_id[1::2]
        and len(set(asked)) == calls
        and None not in asked
        and seqs == list(range(seqs[0], seqs[0] + count))
        and times[0] > 0
        and times == sorted(times)
    )
    return Straight(Chain(start=events.event(0), end=events.event(-1)), middle) if plain else None


def _without_errors(events: Columns) -> Columns:
    """What is between start and end; an error may stand between calls, and not between a call and its result."""
    inner = events.part(1, -1)
    if ERROR not in inner.kind:
        return inner
    chosen = [kind != ERROR for kind in inner.kind]
    return Columns._make(list(compress(column, chosen)) for column in inner)


def rows_of(target: Target, run: RunDraft, events: Columns, found: Straight) -> Iterator[Step | Rows]:
    """The steps of such a run and their tool calls; one of each for a call and its result, a step for an error."""
    middle = found.middle
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
    called, answered = middle.ts[::2], middle.ts[1::2]
    starts, ends = [ts - base for ts in called], [ts - base for ts in answered]
    begins = middle.offset[::2]
    spans = list(map(sub, map(add, middle.offset[1::2], middle.length[1::2]), begins))
    plain = _of_no_agents(target, run, found, ordinals)
    run.steps, run.tool_calls = len(events.row) - 2 - calls, calls
    both = {
        "run_id": Repeated(run.run_id, calls), "start_ms": starts, "end_ms": ends, "grade": Repeated("exact", calls),
        "source_id": Repeated(target.source_id, calls), "offset": begins, "length": spans,
    }  # fmt: skip
    steps = {
        "ordinal": ordinals, "started_at": [ts * 1000 for ts in called],
        "tokens_grade": Repeated("not_recorded", calls),
    }  # fmt: skip
    tool_calls: dict[str, Sequence[object]] = {
        "ordinal": range(1, calls + 1), "step_ordinal": ordinals, "tool_call_id": middle.call_id[::2],
        "name": middle.name[::2], "is_error": middle.is_error[1::2],
    }  # fmt: skip
    yield Rows.named(Step, both | steps)
    tool_calls |= both
    if len(plain) < calls:
        tool_calls = {name: [column[place] for place in plain] for name, column in tool_calls.items()}
    if plain:
        yield Rows.named(ToolCall, tool_calls)


def _of_no_agents(target: Target, run: RunDraft, found: Straight, ordinals: Sequence[int]) -> Sequence[int]:
    """Which calls, by their places, started no agents; those that did are held back with the run."""
    middle, calls = found.middle, range(len(found.middle.row) // 2)
    if middle.payload.count(None) == len(middle.payload):
        return calls
    started: set[int] = set()
    for place in calls:
        if middle.payload[2 * place] or middle.payload[2 * place + 1]:
            recorded = Pair(middle.event(2 * place), middle.event(2 * place + 1))
            run.steps, run.tool_calls = ordinals[place], place
            spawn, tool_call = tool_call_of(target, run, found.chain, None, recorded)
            if spawn is not None:
                run.hold_back(tool_call, spawn)
                started.add(place)
    return [place for place in calls if place not in started]
