"""When the runs of a node ran: their lanes, what happened in each cell of the screen, and what one cell holds.

Lanes are read once per node; steps only for the lanes and the stretch of time that are on the screen, and counted per
cell by the database, so that a million steps cost what a screen of cells costs. Times count from the conversation's
start, or with ``wall`` in milliseconds since 1970 (UTC); then runs of conversations without a clock are left out.
"""

from explorer.store.queries.timeline.failed import timeline_failed
from explorer.store.queries.timeline.lanes import timeline
from explorer.store.queries.timeline.shapes import (
    Bin,
    Cells,
    Drawn,
    Happening,
    Lane,
    Mark,
    Spot,
    SpotStep,
    Stretch,
    Ticks,
    Timeline,
)
from explorer.store.queries.timeline.spot import timeline_beside, timeline_spot, timeline_step
from explorer.store.queries.timeline.ticks import timeline_ticks

__all__ = [
    "Bin",
    "Cells",
    "Drawn",
    "Happening",
    "Lane",
    "Mark",
    "Spot",
    "SpotStep",
    "Stretch",
    "Ticks",
    "Timeline",
    "timeline",
    "timeline_beside",
    "timeline_failed",
    "timeline_spot",
    "timeline_step",
    "timeline_ticks",
]
