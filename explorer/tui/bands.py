"""Hundreds of siblings in the timeline: clustered, some dozens to a row that can be opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from explorer.store.queries import Lane

CROWD = 100
"""Siblings above which they are clustered."""
_SIZE = 25
"""How many go into one row at least."""
_MOST = 40
"""Rows that the siblings of one parent are clustered into at most."""


class Band(NamedTuple):
    """Neighbouring siblings and everything below them."""

    id: str
    """The same for the same place below the same parent."""
    lane: Lane
    """Their parent's, with the runs and the time of these alone."""
    first: int
    last: int
    """The lines of the tree."""
    start: str
    """What the first of them is called, and the last."""
    end: str
    listed: bool = True
    """False for those beyond the lines that were read, which cannot be opened."""


def bands_of(lanes: Sequence[Lane]) -> list[Band]:
    """The bands below every parent of a crowd, in the order of the tree."""
    children: dict[int, list[Lane]] = {}  # by the index of their parent
    above: list[tuple[int, Lane]] = []
    for index, lane in enumerate(lanes):
        while above and above[-1][1].last < lane.position:
            above.pop()
        if above:
            children.setdefault(above[-1][0], []).append(lane)
        above.append((index, lane))
    crowds = ((lanes[at], siblings) for at, siblings in children.items() if len(siblings) > CROWD)
    return sorted((band for crowd in crowds for band in _bands(*crowd)), key=lambda band: band.first)


def _bands(parent: Lane, siblings: Sequence[Lane]) -> Iterator[Band]:
    size = max(_SIZE, ceil(len(siblings) / _MOST))
    for number, first in enumerate(range(0, len(siblings), size)):
        members = siblings[first : first + size]
        yield _band(parent, number, members, sum(lane.runs for lane in members))
    rest = parent.runs - (parent.run_id is not None) - sum(lane.runs for lane in siblings)
    if parent.last > siblings[-1].last and rest > 0:
        unread = _band(parent, -1, siblings[-1:], rest)
        yield unread._replace(first=siblings[-1].last + 1, last=parent.last, listed=False)


def _band(parent: Lane, number: int, members: Sequence[Lane], runs: int) -> Band:
    starts = [lane.below_start_ms for lane in members if lane.below_start_ms is not None]
    ends = [lane.below_end_ms for lane in members if lane.below_end_ms is not None]
    clocks = [lane.clock_ms for lane in members if lane.clock_ms is not None]
    lane = parent._replace(
        run_id=None, runs=runs, below_start_ms=min(starts, default=None), below_end_ms=max(ends, default=None),
        clock_ms=min(clocks, default=None),
    )  # fmt: skip
    name, until = (one.label or one.name for one in (members[0], members[-1]))
    return Band(f"{parent.node_id}\0{number}", lane, members[0].position, members[-1].last, name, until)
