"""Who held blocks before everybody else."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from explorer.reuse.calls import Call, Stretch
from explorer.reuse.intervals import IntervalSet


class Written(NamedTuple):
    """Consecutive blocks that came into their namespace with one prompt."""

    first: int
    blocks: int
    call: Call


def first_writers(calls: Iterable[Call], wanted: Iterable[Stretch]) -> list[Written]:
    """The wanted blocks by the first of the calls that holds them, in order of their ids.

    ``calls`` are those of the namespace in order of arrival; blocks that none of them holds are left out.
    """
    blocks, known = IntervalSet(), IntervalSet()
    blocks.update(wanted)
    missing = len(blocks)
    found: list[Written] = []
    for call in calls:
        if not missing:
            break
        for first, count in call.stretches:
            stretch = IntervalSet()
            stretch.add(first, first + count)
            for start, end in stretch.shared(blocks):
                for fresh, stop in known.add(start, end):
                    found.append(Written(fresh, stop - fresh, call))
                    missing -= stop - fresh
    return sorted(found, key=lambda written: written.first)


def within(
    found: Sequence[Written], stretches: Iterable[Stretch], places: Iterable[int]
) -> Iterator[tuple[int, Written]]:
    """What of an answer of ``first_writers`` lies in some stretches, in their order, and the place where it begins.

    ``places`` are those of the stretches.
    """
    for (first, count), place in zip(stretches, places, strict=True):
        at = bisect_left(found, first + 1, key=_end)
        while at < len(found) and found[at].first < first + count:
            start, end = max(first, found[at].first), min(first + count, _end(found[at]))
            yield place + start - first, Written(start, end - start, found[at].call)
            at += 1


def _end(written: Written) -> int:
    return written.first + written.blocks
