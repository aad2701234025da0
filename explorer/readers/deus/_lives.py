"""Runs by their times, for what is looked up among very many of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

from explorer.readers.deus._draft import Life

STARTED_MS = 7_000
"""How far the start of a container, and that of the answer it gives, may lie apart: memories are looked up between."""

ENDED_MS = 2_000
"""How far apart the ends of a container and of the task that it did are written down, and how late a last line is."""

EARLY_MS = 1_000
"""How much before the start of a run what is of it may be written down to have begun."""


class Lives:
    """Runs with a start and an end."""

    def __init__(self, lives: Iterable[Life]) -> None:
        timed = [(life.start, life.end, life) for life in lives if life.start is not None and life.end is not None]
        by_start = sorted(timed, key=lambda each: each[:2])
        self._lives = [life for *_, life in by_start]
        self._starts = [start for start, *_ in by_start]
        self._ends = [end for _, end, _ in by_start]
        self._latest = list(accumulate(self._ends, max))
        """The last end so far."""
        by_end = sorted(timed, key=lambda each: (each[1], each[0]))
        self._by_end = [life for *_, life in by_end]
        self._only_ends = [end for _, end, _ in by_end]

    def around(self, start: int, end: int) -> list[Life]:
        """The runs within whose lives something lies, but for what is written while they end; in order of start."""
        return list(self._around(start, end))[::-1]

    def _around(self, start: int, end: int) -> Iterator[Life]:
        at = bisect_right(self._starts, start + EARLY_MS) - 1
        while at >= 0 and self._latest[at] + ENDED_MS >= end:
            if self._ends[at] + ENDED_MS >= end:
                yield self._lives[at]
            at -= 1

    def begun(self, at: int) -> list[Life]:
        """Those that began about this time."""
        first, last = bisect_left(self._starts, at - STARTED_MS), bisect_right(self._starts, at + STARTED_MS)
        return self._lives[first:last]

    def ended(self, at: int, within: int = ENDED_MS) -> list[Life]:
        """Those that ended about this time."""
        first, last = bisect_left(self._only_ends, at - within), bisect_right(self._only_ends, at + within)
        return self._by_end[first:last]
