"""Whether block ids are chained: each has one position and one predecessor, so that it stands for a whole prefix."""

from __future__ import annotations

from bisect import bisect_left, insort

from explorer.reuse.intervals import IntervalSet


class Chain:
    """Positions and predecessors of the ids of a namespace."""

    def __init__(self) -> None:
        self.holds = True
        self._shifts: dict[int, IntervalSet] = {}  # id minus position -> the ids that have this shift
        self._heads: list[int] = []  # first ids of stretches, sorted: their predecessor is not the id before
        self._before: dict[int, int] = {}

    def add(self, first: int, end: int, position: int, predecessor: int, fresh: int, known: bool) -> None:
        """The ids [first, end) at ``position``, behind the id ``predecessor`` (-1 at the start of a prompt).

        ``fresh`` of them are new to the namespace; ``known`` says that the first is not.
        """
        if not self.holds:
            return
        head = not position or predecessor != first - 1
        if head and first not in self._before:
            if known:  # seen before inside a stretch, so behind first - 1
                self.holds = False
            self._before[first] = predecessor
            insort(self._heads, first)
        elif head and self._before[first] != predecessor:
            self.holds = False
        if fresh < end - first:
            inside = first + 1 if head else first
            if bisect_left(self._heads, end) > bisect_left(self._heads, inside):
                self.holds = False  # an id in here was once behind another than the one before it
        shift = self._shifts.get(first - position)
        if shift is None:
            shift = self._shifts[first - position] = IntervalSet()
        for start, stop in shift.add(first, end):
            fresh -= stop - start
        if fresh:
            self.holds = False  # an id in here was once at another position
