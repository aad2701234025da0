"""Streaks: calls of one run in a row, of which each repeats all of the prompt before it and goes on.

That is what agents do: behind the first of its streak stand more than nine in ten recorded calls. Nothing comes in
between, and what their prompts grow by is new to the namespace, so that what reuse asks of them is known: each finds
the prompt before it, all of it in full blocks and nothing else. Only the first of a streak has to be looked for.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    found: list[list[Call]] = []
    last: Call | None = None
    for call in started:
        known = held.get(call.namespace)
        if known is None:
            known = held[call.namespace] = IntervalSet()
        if last is not None and _goes_on(last, call, known) and (len(found[-1]) > 1 or _has_each_once(last)):
            found[-1].append(call)
        else:
            found.append([call])
            for first, count in call.stretches:
                known.add(first, first + count)
        last = call
    return [Streak(calls, _growth(calls)) for calls in found]


def _goes_on(last: Call, call: Call, known: IntervalSet) -> bool:
    """Whether a call goes on from the one before it with blocks that were not ``known``; now they are."""
    if call.run_id != last.run_id or call.model != last.model or call.namespace != last.namespace:
        return False
    before, prompt = last.stretches, call.stretches
    at = len(before) - 1
    if not 0 <= at < len(prompt):
        return False
    (first, count), (start, more) = before[at], prompt[at]
    if start != first or more < count or (at and prompt[:at] != before[:at]) or call.full < last.blocks:
        return False
    if more > count and not _add(known, first + count, first + more):
        return False
    return len(prompt) == at + 1 or all(_add(known, start, start + count) for start, count in prompt[at + 1 :])


def _add(known: IntervalSet, first: int, end: int) -> bool:
    """Add the ids [first, end); whether all of them were new."""
    return known.add(first, end) == ((first, end),)


def _has_each_once(call: Call) -> bool:
    stretches = sorted(call.stretches)
    return all(first + count <= after for (first, count), (after, _) in pairwise(stretches))


def _growth(calls: list[Call]) -> list[Stretch]:
    return split_prefix(calls[0].stretches, calls[-1].stretches)[1] if len(calls) > 1 else []
