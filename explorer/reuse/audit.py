"""How block ids are numbered: first appearance in three orders, density, chaining, coverage of the tail.

An id stands for a whole prefix when it has one position and one predecessor everywhere ("chained"). Builders number
ids by first appearance; the order in which that is perfect tells how the file was built, and a restart of the numbers
inside a file tells that namespaces were mixed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from typing import NamedTuple

from explorer.model import NamespaceAudit
from explorer.reuse.calls import Call, Lineage, Stretch, by_start
from explorer.reuse.intervals import IntervalSet


class Numbering(NamedTuple):
    """The events of one order."""

    perfect: bool
    gap_events: int
    missing_ids: int
    reset_events: int


def numbering(prompts: Iterable[list[Stretch]]) -> Numbering:
    """Scan prompts for ids that appear for the first time out of turn."""
    seen = IntervalSet()
    expected = highest = -1
    gaps = missing = resets = 0
    for prompt in prompts:
        for first, count in prompt:
            for start, end in seen.add(first, first + count):
                if expected >= 0 and start != expected:
                    if start > highest:
                        gaps += 1
                        missing += start - highest - 1
                    else:
                        resets += 1
                expected = end
                highest = max(highest, end - 1)
    return Numbering(not gaps and not resets, gaps, missing, resets)


def audit(conversation_id: str, scope: str | None, calls: list[Call], lineage: Lineage) -> NamespaceAudit:
    """The numbering facts of one conversation; ``calls`` in the order of the record."""
    document = [call.stretches for call in calls]
    roots = [c.stretches for c in calls if lineage.parent_run.get(c.run_id) is None]
    below = [c.stretches for c in calls if lineage.parent_run.get(c.run_id) is not None]
    started = [call.stretches for call in by_start(calls)]
    by_document = numbering(document)
    by_parent = by_document if not below else numbering(roots + below)
    in_turn = len(started) == len(document) and all(a is b for a, b in zip(started, document, strict=True))
    by_time = by_document if in_turn else numbering(started)
    ids = IntervalSet()
    for prompt in document:
        for first, count in prompt:
            ids.add(first, first + count)
    return NamespaceAudit(
        conversation_id,
        calls[0].namespace,
        scope,
        calls[0].block_tokens,
        ids.starts[0] if ids.starts else None,
        len(ids),
        len(ids.starts) <= 1,
        chained(document),
        coverage(calls),
        *by_document,
        *by_parent,
        *by_time,
    )


def coverage(calls: list[Call]) -> str | None:
    """How the number of blocks follows from the input tokens: only whole blocks, or the last one in part."""
    kinds = {"exact", "floor", "ceil"}
    known = False
    for call in calls:
        if call.input_tokens is None or not call.block_tokens:
            continue
        known = True
        blocks = sum(count for _, count in call.stretches)
        rest = call.input_tokens - blocks * call.block_tokens
        if rest:
            kinds.discard("exact")
        if not 0 <= rest < call.block_tokens:
            kinds.discard("floor")
        if not -call.block_tokens < rest <= 0:
            kinds.discard("ceil")
    if not known:
        return None
    return next((kind for kind in ("exact", "floor", "ceil") if kind in kinds), "mixed")


def chained(prompts: Iterable[list[Stretch]]) -> bool:
    """Whether every id has one position in its prompts and one predecessor."""
    check = _Chain()
    return all(check.agrees(prompt) for prompt in prompts)


class _Chain:
    """Positions and predecessors of the ids seen so far."""

    def __init__(self) -> None:
        self.verified: dict[tuple[int, int, int], int] = {}  # (first, position, predecessor) -> longest count seen
        self.shifts: dict[int, IntervalSet] = {}  # id minus position -> the ids that have this shift
        self.seen = IntervalSet()
        self.heads: list[int] = []  # first ids of stretches, whose predecessor is not the id before
        self.before: dict[int, int] = {}

    def agrees(self, prompt: list[Stretch]) -> bool:
        """Add a prompt; False as soon as an id contradicts what was seen."""
        position, predecessor = 0, -1
        for first, count in prompt:
            key = (first, position, predecessor)
            if self.verified.get(key, 0) < count:
                if not self._fits(first, count, position, predecessor):
                    return False
                self.verified[key] = count
            position += count
            predecessor = first + count - 1
        return True

    def _fits(self, first: int, count: int, position: int, predecessor: int) -> bool:
        end = first + count
        if first in self.before:
            if self.before[first] != predecessor:
                return False
        elif self.seen.reach(first) > first:  # seen inside a stretch, behind first - 1
            return False
        else:
            self.before[first] = predecessor
            insort(self.heads, first)
        if bisect_left(self.heads, end) > bisect_right(self.heads, first):
            return False  # an id in here was once behind another than the one before it
        same = self.shifts.setdefault(first - position, IntervalSet())
        fresh_overall = sum(b - a for a, b in self.seen.add(first, end))
        return sum(b - a for a, b in same.add(first, end)) == fresh_overall
