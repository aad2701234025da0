"""Streaks: calls of one run in a row, of which each repeats all of the prompt before it and goes on.

That is what agents do: behind the first of its streak stand more than nine in ten recorded calls. Nothing comes in
between, and what their prompts grow by is new to the namespace, so that what reuse asks of them is known: each finds
the prompt before it, all of it in full blocks and nothing else. Only the first of a streak has to be looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from explorer.reuse.calls import Call, Stretch, split_prefix
from explorer.reuse.intervals import IntervalSet


class Streak(NamedTuple):
    """Calls of one run and one model, in order of arrival and nothing between them; at least one."""

    calls: list[Call]
    growth: list[Stretch]
    """What the last prompt has behind the blocks of the first: ids that no call before had, each once."""


def streaks(started: Iterable[Call]) -> list[Streak]:
    """All calls, which are given in order of arrival (``calls.by_start``), by streaks."""
    held: dict[str, IntervalSet] = {}  # by namespace
    found: list[Streak] = []
    for calls in _repeating(started):
        found += _growing(calls, held.setdefault(calls[0].namespace, IntervalSet()))
    return found


def _repeating(started: Iterable[Call]) -> Iterator[list[Call]]:
    """Calls in a row of which each repeats the one before it, whether what it has behind that is new or not."""
    calls: list[Call] = []
    for call in started:
        if calls and not _repeats(calls[-1], call):
            yield calls
            calls = []
        calls.append(call)
    if calls:
        yield calls


def _repeats(last: Call, call: Call) -> bool:
    if call.run_id != last.run_id or call.model != last.model or call.namespace != last.namespace:
        return False
    before, prompt = last.stretches, call.stretches
    at = len(before) - 1
    if not 0 <= at < len(prompt) or prompt[at][0] != before[at][0] or prompt[at][1] < before[at][1]:
        return False
    return (not at or prompt[:at] == before[:at]) and call.full >= last.blocks


def _growing(calls: list[Call], known: IntervalSet) -> Iterator[Streak]:
    """The streaks of calls that repeat each other. Their blocks are ``known`` afterwards."""
    known.update(calls[0].stretches)
    growth = _behind(calls[0], calls[-1])
    if len(calls) == 1 or _are_new(growth, calls[-1], known):
        known.update(growth)
        yield Streak(calls, growth)
        return
    begin = 0
    for at, (before, call) in enumerate(pairwise(calls), 1):
        rest = _behind(before, call)
        if not _are_new(rest, call, known):
            yield Streak(calls[begin:at], _behind(calls[begin], before))
            begin = at
        known.update(rest)
    yield Streak(calls[begin:], _behind(calls[begin], calls[-1]))


def _behind(before: Call, call: Call) -> list[Stretch]:
    return split_prefix(before.stretches, call.stretches)[1]


def _are_new(rest: list[Stretch], call: Call, known: IntervalSet) -> bool:
    """Whether nothing in the rest of a prompt was known, and the prompt has each block once."""
    if any(known.meets(first, first + count) for first, count in rest):
        return False
    stretches = sorted(call.stretches)
    return all(first + count <= after for (first, count), (after, _) in pairwise(stretches))
