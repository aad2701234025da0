"""Sets of block ids as disjoint half-open intervals: a prompt of thousands of blocks is a handful of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class IntervalSet:
    """A set of integers, kept as sorted disjoint intervals that do not touch."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def __len__(self) -> int:
        return sum(self.ends) - sum(self.starts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.starts, self.ends, strict=True)

    def reach(self, block: int) -> int:
        """The end of the interval that holds ``block``; ``block`` itself when none does."""
        if not self.ends or block >= self.ends[-1]:
            return block
        at = bisect_right(self.starts, block) - 1
        return self.ends[at] if at >= 0 and self.ends[at] > block else block

    def add(self, first: int, end: int) -> tuple[tuple[int, int], ...]:
        """Add [first, end); returns the intervals of it that were not there."""
        starts, ends = self.starts, self.ends
        if starts and starts[-1] <= first <= ends[-1]:  # as mostly where ids are numbered as they come
            reached = ends[-1]
            if end <= reached:
                return ()
            ends[-1] = end
            return ((reached, end),)
        low = bisect_left(ends, first)  # the first that touches or overlaps
        high = bisect_right(starts, end, low)
        if low == high:
            starts.insert(low, first)
            ends.insert(low, end)
            return ((first, end),)
        if high == low + 1 and starts[low] <= first:
            reached = ends[low]
            if end <= reached:
                return ()
            ends[low] = end
            return ((reached, end),)
        fresh: list[tuple[int, int]] = []
        at = first
        for start, reached in zip(starts[low:high], ends[low:high], strict=True):
            if at < start:
                fresh.append((at, start))
            at = max(at, reached)
        if at < end:
            fresh.append((at, end))
        merged = min(first, starts[low]), max(end, ends[high - 1])
        starts[low:high], ends[low:high] = [merged[0]], [merged[1]]
        return tuple(fresh)

    def update(self, stretches: Iterable[tuple[int, int]]) -> None:
        """Add stretches, each a first integer and how many follow each other from it."""
        for first, count in stretches:
            self.add(first, first + count)

    def meets(self, first: int, end: int) -> bool:
        """Whether it holds any of [first, end)."""
        at = bisect_right(self.ends, first)
        return at < len(self.starts) and self.starts[at] < end

    def shared(self, other: IntervalSet) -> Iterator[tuple[int, int]]:
        """The intervals that both sets hold."""
        if len(self.starts) > len(other.starts):
            yield from other.shared(self)
            return
        for start, end in self:
            at = max(bisect_right(other.starts, start) - 1, 0)
            while at < len(other.starts) and other.starts[at] < end:
                first, last = max(start, other.starts[at]), min(end, other.ends[at])
                if first < last:
                    yield first, last
                at += 1

    def common(self, other: IntervalSet) -> int:
        """How many integers both sets hold."""
        return sum([last - first for first, last in self.shared(other)])
