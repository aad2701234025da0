"""Events that are certainly of one run, and whether two such sets may be of the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from explorer.readers.codegraff._events import CALL, END, RESULT, START, Event, whole

CLOCK_MS = 50
"""How far apart two clock readings of one moment may be."""


class _Counts(NamedTuple):
    """What an end says of its run."""

    calls: int | None
    failed: int | None
    began: int | None
    """Milliseconds since 1970."""


class Part:
    """A set of events of one run. Joined to others as more becomes certain."""

    __slots__ = (
        "_order", "at", "bare", "calls", "counts", "end", "failed", "first", "first_row", "label", "labelled", "last",
        "last_row", "since", "start",
    )  # fmt: skip

    def __init__(self, event: Event, label: str | None, result: Event | None = None) -> None:
        """An event; a call with its result, where that stands right behind it."""
        self.at = {event.seq: event}
        self._order: list[int] | None = None
        self.start = event if event.kind == START else None
        self.end = event if event.kind == END else None
        self.counts = _counts(event) if self.end else None
        self.label = label
        self.bare = not (self.start or self.end or label)
        """Whether nothing is known of its run but calls and results."""
        # What an end sums up is good evidence, and only a call's id in a conversation's messages is proof.
        self.labelled = {event.row} if label and not self.end else set()
        self.first = self.last = event.seq
        self.first_row = self.last_row = event.row
        self.calls = int(event.kind == CALL)
        self.failed = int(event.kind == RESULT and event.is_error)
        self.since = event.ts if event.ts and event.kind != START else _NEVER
        """The earliest of its events but the start, in milliseconds since 1970."""
        if result is not None:
            self.at[result.seq] = result
            self.last, self.last_row = result.seq, result.row
            self.failed = int(result.is_error)
            if label:
                self.labelled.add(result.row)

    @property
    def began(self) -> int:
        """When its run was under way, in milliseconds since 1970: by its end if it has one."""
        if self.counts and self.counts.began:
            return self.counts.began
        return self.at[self.first].ts

    def ends(self) -> list[int]:
        """The numbers that it has without the next."""
        if self.last - self.first == len(self.at) - 1:
            return [self.last]
        return [seq for seq in self.at if seq + 1 not in self.at]

    def fits(self, other: Part, errors: Sequence[int]) -> bool:
        """Whether both may be of one run. ``errors`` are the numbers of what is neither call nor result, in order."""
        # A recorder writes in the order in which it counts.
        if self.last < other.first:
            in_order = self.last_row < other.first_row
        elif other.last < self.first:
            in_order = other.last_row < self.first_row
        else:
            in_order = self._encloses(other) if len(self.at) >= len(other.at) else other._encloses(self)
        return in_order and ((self.bare and other.bare) or self._is_between(other, errors))

    def _encloses(self, other: Part) -> bool:
        """Whether both together are in order, and no number is in both. Each by itself is in order."""
        if self._order is None:
            self._order = sorted(self.at)
        order = self._order
        place = bisect_left(order, other.first)
        if place == len(order) or other.last < order[place]:  # all of the other is between two of its own
            before = place == 0 or self.at[order[place - 1]].row < other.first_row
            return before and (place == len(order) or other.last_row < self.at[order[place]].row)
        if not self.at.keys().isdisjoint(other.at):
            return False
        rows = [event.row for _, event in sorted((self.at | other.at).items())]
        return rows == sorted(rows)

    def _is_between(self, other: Part, errors: Sequence[int]) -> bool:
        """Whether both may be of a run with what is known of its start, its end and its conversation."""
        if (self.start and other.start) or (self.end and other.end):
            return False
        if self.label and other.label and self.label != other.label:
            return False
        start, end = self.start or other.start, self.end or other.end
        if start and (self.first < start.seq or other.first < start.seq):
            return False
        return not (
            end and (self.last > end.seq or other.last > end.seq or not self._agrees(other, start, end.seq, errors))
        )

    def _agrees(self, other: Part, start: Event | None, end: int, errors: Sequence[int]) -> bool:
        """Whether what the end says of its run holds for both together."""
        counts = self.counts or other.counts
        assert counts
        if counts.calls is not None:
            if self.calls + other.calls > counts.calls:
                return False
            if start is not None:
                between = end - start.seq - 1 - 2 * counts.calls
                if not 0 <= between <= bisect_left(errors, end) - bisect_right(errors, start.seq):
                    return False
        if counts.failed is not None and self.failed + other.failed > counts.failed:
            return False
        if counts.began is None:
            return True
        if start is not None and start.ts > counts.began + CLOCK_MS:
            return False
        return min(self.since, other.since) >= counts.began - CLOCK_MS

    def take(self, other: Part) -> None:
        """Make the events of another part its own."""
        self.at |= other.at
        self._order = None
        self.start, self.end = self.start or other.start, self.end or other.end
        self.counts = self.counts or other.counts
        self.label = self.label or other.label
        self.bare = self.bare and other.bare
        self.labelled |= other.labelled
        if other.first < self.first:
            self.first, self.first_row = other.first, other.first_row
        if other.last > self.last:
            self.last, self.last_row = other.last, other.last_row
        self.calls += other.calls
        self.failed += other.failed
        self.since = min(self.since, other.since)


_NEVER = 1 << 62


def _counts(end: Event) -> _Counts:
    wall = whole(end.payload, "wall_ms")
    return _Counts(
        whole(end.payload, "tool_calls"),
        whole(end.payload, "tool_errors"),
        end.ts - wall if wall is not None and end.ts else None,
    )
