"""The rows of the timeline: which runs have one of their own, which are folded into one, and what each is called."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from rich.cells import cell_len

from explorer.tui import humanize
from explorer.tui.bands import Band, bands_of
from explorer.tui.text import clean, crop

if TYPE_CHECKING:
    from explorer.store.queries import Lane, Timeline

ROWS = 200
"""Rows from which agents are folded from the start."""
_SHORTEST = 4
"""Cells of a name, so that something can be made of it."""
_UNTIMED = 100
"""Runs without a time that are listed one by one."""


class Row(NamedTuple):
    """A row below the axis."""

    kind: Literal["lane", "group", "cluster", "band", "untimed", "note"]
    """A run; a conversation or an agent of several runs; everything below a folded run; some of hundreds of siblings; a
    run that no time was recorded of; a sentence."""
    lane: Lane | None
    first: int
    last: int
    """The lines of the tree whose runs it shows."""
    depth: int = 0
    foldable: bool = False
    folded: bool = False
    text: str = ""
    agent: str = ""
    """Of a run that has a row of its own: whose it is."""
    band: str = ""
    """Of some of hundreds of siblings: which."""

    @property
    def id(self) -> tuple[str, str]:
        """The same for the same row of other data."""
        return self.kind, self.fold_id or self.text

    @property
    def fold_id(self) -> str:
        """What is folded or opened at this row."""
        return self.band or (self.lane.node_id if self.lane else "")

    @property
    def hides(self) -> bool:
        """Whether lines of the tree have no row but this."""
        return self.folded or self.kind == "cluster"

    @property
    def grouped(self) -> bool:
        """Whether its cells say how many runs are active."""
        return self.kind in ("group", "cluster", "band")

    @property
    def own(self) -> bool:
        """Whether these are the runs of one agent only: those below it have rows of their own."""
        return self.kind == "group" and not self.folded and self.lane is not None and self.lane.kind == "agent"

    @property
    def drawn(self) -> bool:
        """Whether it has cells."""
        return self.kind == "lane" or self.grouped


def rows_of(timeline: Timeline, folded: Collection[str], wall: bool) -> list[Row]:
    """The rows, with what is below the ``folded`` nodes in one row each; runs without a time come last."""
    lanes = timeline.lanes
    rows: list[Row] = []
    untimed: list[Lane] = []
    base = 1 if is_frame(lanes) else 0
    hidden = -1
    agent: Lane | None = None
    bands = {band.first: band for band in bands_of(lanes)}
    inside: list[int] = []  # the last lines of the bands that are open here
    for index, lane in enumerate(lanes[base:], base):
        inside = [last for last in inside if last >= lane.position]
        if lane.position > hidden and (band := bands.pop(lane.position, None)) is not None:
            rows.append(_band_row(band, folded, lane.depth - base + len(inside)))
            if rows[-1].folded:
                hidden = band.last
            else:
                inside.append(band.last)
        if lane.below_start_ms is None or (wall and lane.clock_ms is None):
            untimed += [lane] if lane.run_id is not None else []
            continue
        if lane.position <= hidden:
            continue
        if lane.kind == "agent":
            agent = lane
        whose = agent.name if agent is not None and lane.kind == "run" and lane.position <= agent.last else ""
        below = index + 1 < len(lanes) and lanes[index + 1].position <= lane.last
        rows += _rows_of_lane(lane, lane.depth - base + len(inside), below, below and lane.node_id in folded, whose)
        if rows[-1].folded:
            hidden = lane.last
    rows += [_band_row(band, folded, band.lane.depth - base + 1) for at, band in bands.items() if at > hidden]
    return [*rows, *_last_rows(timeline, untimed, wall)]


def _rows_of_lane(lane: Lane, depth: int, below: bool, shut: bool, whose: str) -> Iterator[Row]:
    if lane.run_id is None:
        yield Row("group", lane, lane.position, lane.last, depth, below, shut)
        return
    yield Row("lane", lane, lane.position, lane.position, depth, below, shut, agent=whose)
    if shut:
        yield Row("cluster", lane, lane.position + 1, lane.last, depth + 1, True, True)


def _band_row(band: Band, folded: Collection[str], depth: int) -> Row:
    text = f"{band.start} to {band.end}" if band.listed else f"after {band.end}, not listed one by one"
    shut = not band.listed or band.id in folded
    return Row("band", band.lane, band.first, band.last, depth, band.listed, shut, text, band=band.id)


def is_frame(lanes: Sequence[Lane]) -> bool:
    """Whether the first line is all there is, with no run of its own: the row above the lanes says the same."""
    return len(lanes) > 1 and lanes[0].run_id is None and lanes[0].last >= lanes[-1].position


def _last_rows(timeline: Timeline, untimed: Sequence[Lane], wall: bool) -> Iterator[Row]:
    if untimed:
        what = "no wall clock recorded" if wall else "no times recorded"
        shown = untimed[:_UNTIMED]
        more = f", the first {len(shown)}" if len(shown) < len(untimed) else ""
        yield Row("note", None, 0, -1, text=f"{what}: {humanize.plural(len(untimed), 'run')}{more}")
        yield from (Row("untimed", lane, lane.position, lane.position, 1) for lane in shown)
    if timeline.lines > len(timeline.lanes):
        rest = timeline.lines - len(timeline.lanes)
        yield Row(
            "note", None, 0, -1, text=f"… {rest:,} more lines are not listed: choose a node further down the tree"
        )
    if timeline.left_out:
        yield Row("note", None, 0, -1, text=f"the filter leaves out {humanize.plural(timeline.left_out, 'run')}")


def row_at(rows: Sequence[Row], position: int | None) -> int | None:
    """The index of the row that shows a line of the tree: its own, or else what it is folded into."""
    if position is None:
        return None
    there = [index for index, row in enumerate(rows) if row.drawn and row.first <= position <= row.last]
    return min(there, key=lambda index: (rows[index].last - rows[index].first, -index), default=None)


def folded_down(timeline: Timeline, limit: int = ROWS) -> set[str]:
    """Which nodes to fold so that no more than ``limit`` rows are shown: crowds, and then the deepest first."""
    lanes = timeline.lanes
    crowds = {band.id for band in bands_of(lanes)}
    parents: dict[int, set[str]] = {}  # by their depth
    above: list[Lane] = []
    for lane in lanes:
        while above and above[-1].last < lane.position:
            above.pop()
        if above:
            parents.setdefault(above[-1].depth, set()).add(above[-1].node_id)
        above.append(lane)

    def folded_from(depth: int) -> set[str]:
        return crowds.union(*(nodes for at, nodes in parents.items() if at >= depth))

    # Not one by one: a chain of thousands of agents has as many depths. Folding more never shows more rows.
    depths = [*sorted(parents), len(lanes)]
    first = bisect(depths, False, key=lambda depth: len(rows_of(timeline, folded_from(depth), False)) > limit)
    return folded_from(depths[max(0, first - 1)])


def name_of(row: Row, width: int) -> str:
    """The name in the gutter, in at most ``width`` cells.

    What tells siblings apart is kept longest: the number of a run, else the label unless it is too long for any name.
    """
    indent = " " * min(row.depth, max(0, width - 8))
    if row.lane is None:
        return crop(row.text, width)
    fold = {(True, True): "▸", (True, False): "▾"}.get((row.foldable, row.folded), " ")
    room = width - len(indent) - 2
    if row.kind == "band":
        return crop(f"{indent}{fold} {humanize.plural(row.lane.runs, 'run')} {row.text}", width)
    if row.kind == "cluster":
        below = row.lane.runs - 1
        return crop(f"{indent}▸ {humanize.plural(below, 'run')} below", width)
    if row.kind == "lane" and row.folded:
        fold = " "  # the row below it has the arrow
    name = clean(row.lane.name) or "(no name)"
    label = clean(row.lane.label) if row.lane.label and row.lane.label != row.lane.name else ""
    if not row.lane.kept:
        name = f"({name})"
    if label and row.lane.kind != "run" and cell_len(name) + 1 + cell_len(label) > room:
        left = room - 1 - cell_len(label)
        name = crop(name, left if left >= _SHORTEST else room // 2)
    return indent + fold + " " + crop(f"{name} {label}" if label else name, max(0, room))
