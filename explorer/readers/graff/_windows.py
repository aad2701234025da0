"""Who was at work at a time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from explorer.readers.graff._execution import Execution

SLACK_MS = 100
"""By how much a child's own window may be off: its time is taken before its report is rendered and written."""


class Children:
    """Executions that ended, by their window."""

    def __init__(self, executions: Sequence[Execution]) -> None:
        timed = [one for one in executions if one.start is not None and one.end is not None]
        self._sorted = sorted(timed, key=lambda one: (one.end or 0, one.run_id))
        self._ends = [one.end or 0 for one in self._sorted]
        # The earliest start from each place on: where it is late enough, nobody further on was there.
        starts = accumulate((one.start or 0 for one in reversed(self._sorted)), min)
        self._earliest = [*reversed([*starts])]

    def around(self, start: int, end: int) -> list[Execution]:
        """Those that were at work from ``start`` to ``end``; if none was, those that nearly were."""
        return self._around(start, end) or self._around(start + SLACK_MS, end - SLACK_MS)

    def _around(self, start: int, end: int) -> list[Execution]:
        found: list[Execution] = []
        for index in range(bisect_left(self._ends, end), len(self._sorted)):
            if self._earliest[index] > start:
                break
            if (self._sorted[index].start or 0) <= start:
                found.append(self._sorted[index])
        return found


class Turns:
    """Turns of the root agent, which follow each other."""

    def __init__(self, executions: Sequence[Execution]) -> None:
        self._sorted = sorted((one for one in executions if one.start is not None), key=lambda one: one.start or 0)
        self._starts = [one.start or 0 for one in self._sorted]

    def current(self, at: int) -> Execution | None:
        """The last that had begun."""
        index = bisect_right(self._starts, at)
        return self._sorted[index - 1] if index else None

    def around(self, start: int, end: int) -> Execution | None:
        """The one during which something went on from ``start`` to ``end``."""
        turn = self.current(start)
        if turn is None or (turn.end is not None and end > turn.end + SLACK_MS):
            turn = self.current(start + SLACK_MS)
        if turn is None or (turn.end is not None and end > turn.end + SLACK_MS):
            return None
        return turn

    def nearest(self, at: int | None) -> Execution | None:
        """The one that was current, else the first."""
        turn = self.current(at) if at is not None else None
        return turn or (self._sorted[0] if self._sorted else None)
