"""The timeline under the keys: the cursor, zooming and panning, folding, and what is asked for while they move."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Spacing
from textual.message import Message

from explorer.tui import lanes
from explorer.tui.lanes import Row
from explorer.tui.time_scale import Span, Window, fitted
from explorer.tui.widgets.timeline_canvas import TOP, TimelineCanvas

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.store.queries import Happening, Spot, Ticks, Timeline


Place: TypeAlias = tuple[tuple[str, str] | None, int, Window]
"""A row, a cell, and the stretch of time it is a cell of."""


class TimelineLanes(TimelineCanvas, can_focus=True):
    """Moves a cursor over the lanes. It says which cells it lacks, and is given them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1,0)", "Up", show=False, id="timeline.up"),
        Binding("down,j", "move(1,0)", "Down", show=False, id="timeline.down"),
        Binding("left,h", "move(0,-1)", "Earlier", show=False, id="timeline.earlier"),
        Binding("right,l", "move(0,1)", "Later", show=False, id="timeline.later"),
        Binding("enter", "choose", "to step", id="timeline.choose", tooltip="To the step in the cell, else to the run"),
        Binding("plus,equals_sign", "zoom(0.5)", "zoom", key_display="+ -", id="timeline.zoom_in", tooltip="Zoom in"),
        Binding("minus", "zoom(2)", "zoom out", show=False, id="timeline.zoom_out"),
        Binding("0", "whole", "all", id="timeline.whole", tooltip="The whole span of time"),
        Binding("i", "row_span", "row", id="timeline.row_span", tooltip="Zoom to the time of this row and those below"),
        Binding("greater_than_sign,full_stop", "beside(1)", "next", key_display="> <", id="timeline.next",
                tooltip="Next step or mark of this row"),
        Binding("less_than_sign,comma", "beside(-1)", "previous", show=False, id="timeline.previous",
                tooltip="Previous step or mark of this row"),
        Binding("v", "follow", "other end", id="timeline.follow",
                tooltip="Follow what is handed over here to its other end; again, back, then the next of this cell"),
        Binding("H,shift+left", "pan(-1)", "Half a screen earlier", show=False, id="timeline.pan_earlier"),
        Binding("L,shift+right", "pan(1)", "Half a screen later", show=False, id="timeline.pan_later"),
        Binding("w", "wall", "clock", id="timeline.wall", tooltip="Time of day, or time since the start"),
        Binding("a", "context", "context", id="timeline.context", tooltip="How full the context was, or the steps"),
        Binding("space", "fold", "fold", key_display="space", id="timeline.fold", tooltip="Fold or open what is below"),
        Binding("home", "edge(0)", "Start of the time shown", show=False, id="timeline.start"),
        Binding("end", "edge(1)", "End of the time shown", show=False, id="timeline.end"),
        Binding("g", "row(0)", "First row", show=False, id="timeline.first"),
        Binding("G", "row(1)", "Last row", show=False, id="timeline.last"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="timeline.page_up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="timeline.page_down"),
    ]  # fmt: skip

    class CellsWanted(Message):
        """Other rows or another stretch of time are on the screen."""

    class SpotWanted(Message):
        """The cursor came to another cell."""

    class StepWanted(Message):
        """Enter was pressed where a step starts."""

        def __init__(self, run_id: str, ordinal: int) -> None:
            super().__init__()
            self.run_id = run_id
            self.ordinal = ordinal

    class RunWanted(Message):
        """Enter was pressed on a row where no step starts."""

        def __init__(self, node_id: str) -> None:
            super().__init__()
            self.node_id = node_id

    class BesideWanted(Message):
        """The next or previous mark of the row is wanted."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._folded: set[str] = set()
        self._spot_pending = False
        self._then: Callable[[], None] | None = None
        """What a key asked for while what the cell holds was still on its way."""
        self._followed: str | None = None
        """The hand-off that was followed last."""

    # What it is given

    def show(self, timeline: Timeline, keep: bool) -> None:
        """Show other lanes; of the same node as before, keep the place in them."""
        same = keep and self._timeline is not None
        at = self.window.under(self.cell)
        whole = not same or self._is_whole
        row_id = self.rows[self.row].id if same and self.row < len(self.rows) else None
        self._timeline = timeline
        self.wall = self.wall and timeline.wall_start is not None
        if not same:
            self._folded = lanes.folded_down(timeline)
            self._drawn = {}
        self._make_rows(row_id)
        self._measure()
        window = fitted(self.span, self.window.cells) if whole else self.window.within(self.span)
        self._see(window, at if same else window.start)
        if not same:
            self.scroll_to(0, 0, animate=False, immediate=True)
        self._scroll_to_row()

    def take_cells(self, ticks: Ticks, window: Window, rows: list[Row]) -> None:
        """Draw what was asked for."""
        self._drawn = {row.id: drawn for row, drawn in zip(rows, ticks.rows, strict=True)}
        self._drawn_window = window
        self._at_once = ticks.at_once
        self._redraw()

    def take_spot(self, spot: Spot | None) -> None:
        """Say what the cursor's cell holds."""
        self._spot = spot
        self._spot_pending = False
        self._refresh_words()
        then, self._then = self._then, None
        if then is not None:
            then()

    def go_to_row(self, position: int | None, at: float) -> bool:
        """Put the cursor on a moment of the row that shows a line of the tree; whether there is such a row."""
        row = lanes.row_at(self.rows, position)
        if row is None:
            return False
        self.row = row
        self.go_to(at)
        return True

    def go_to(self, at: float) -> None:
        """Put the cursor on a moment, panning to it."""
        cell = self.window.cell(at)
        if not 0 <= cell < self.window.cells:
            self._see(self.window.panned(cell - self.window.cells // 2, self.span), at)
        self.cell = self.window.cell(at)

    # What it tells

    @property
    def chosen(self) -> tuple[str, int] | None:
        """Run and ordinal of the first step in the cursor's cell, for those who copy it."""
        steps = self._spot.steps if self._spot is not None else []
        return (steps[0].run_id, steps[0].ordinal) if steps else None

    @property
    def handoff(self) -> tuple[str, str | None] | None:
        """The node of the cursor's row, and the first hand-off of its cell, for those who list them."""
        row = self.current
        if row is None or row.lane is None:
            return None
        return row.lane.node_id, next((one.edge_id for one in self._handed_over), None)

    @property
    def _handed_over(self) -> list[Happening]:
        return [one for one in self._spot.happenings if one.edge_id is not None] if self._spot is not None else []

    @property
    def place(self) -> Place:
        """Where the cursor is."""
        return (self.current.id if self.current else None, self.cell, self.window)

    def rows_near(self) -> list[Row]:
        """The rows on the screen, and a page of those above and below."""
        height = max(1, self._height)
        top = self.scroll_offset.y
        return [row for row in self.rows[max(0, top - height) : top + 2 * height] if row.drawn]

    @property
    def _is_whole(self) -> bool:
        return self.window == fitted(self.span, self.window.cells)

    # Rows and cells

    def _make_rows(self, row_id: tuple[str, str] | None = None) -> None:
        timeline = self._timeline
        self.rows = lanes.rows_of(timeline, self._folded, self.wall) if timeline is not None else []
        found = next((index for index, row in enumerate(self.rows) if row.id == row_id), 0)
        self.set_reactive(TimelineLanes.row, found)

    def on_resize(self) -> None:
        """Follow the size."""
        self._measure()
        self._see(self.window)

    def _see(self, window: Window, at: float | None = None) -> None:
        """Show another stretch of time, the cursor where it is on the screen or on a moment."""
        at = window.at(self.cell + 0.5) if at is None else at
        self.window = window
        self._place_cursor(at)
        self._redraw()
        self.post_message(self.CellsWanted())
        self._ask_spot()

    def _ask_spot(self) -> None:
        self._spot = None
        self._spot_pending = True
        self._then = None
        self.post_message(self.SpotWanted())
        self._refresh_row(self.row)
        self._refresh_words()

    def validate_row(self, row: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(row, len(self.rows) - 1))

    def watch_row(self, old: int, _: int) -> None:
        """Keep the row in view."""
        self._refresh_row(old)
        self._scroll_to_row()
        self._ask_spot()

    def watch_cell(self) -> None:
        """Tell what is there."""
        self._ask_spot()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Other rows are on the screen."""
        super().watch_scroll_y(old, new)
        if round(old) != round(new):
            self._redraw()
            self.post_message(self.CellsWanted())

    def _scroll_to_row(self) -> None:
        region = Region(0, TOP + self.row, 1, 1)
        self.scroll_to_region(
            region, spacing=Spacing(TOP, 0, self._bottom, 0), animate=False, force=True, immediate=True
        )

    # Keys

    def action_move(self, rows: int, cells: int) -> None:
        """Move the cursor; at the edge of the window, the window."""
        if rows:
            self.row += rows
        if not cells:
            return
        cell = self.cell + cells
        if not 0 <= cell < self.window.cells:
            before = self.window
            self._see(self.window.panned(self.window.cells // 4 * cells, self.span))
            cell -= round((self.window.start - before.start) / self.window.width)
        self.cell = cell

    def action_zoom(self, factor: float) -> None:
        """Zoom around the cursor."""
        at = self.window.under(self.cell)
        self._see(self.window.zoomed(factor, self.cell, self.span), at)

    def action_whole(self) -> None:
        """Show the whole span."""
        self._see(fitted(self.span, self.window.cells), self.window.under(self.cell))

    def action_row_span(self) -> None:
        """Show the time of the row and what is below it."""
        lane = self.current.lane if self.current is not None else None
        shift = (lane.clock_ms or 0) if lane is not None and self.wall else 0
        if lane is None or lane.below_start_ms is None or lane.below_end_ms is None:
            return
        span = Span(lane.below_start_ms + shift, lane.below_end_ms + shift)
        self._see(fitted(span, self.window.cells).within(self.span), span.start)

    def action_pan(self, by: int) -> None:
        """Move the window by half of it."""
        self._see(self.window.panned(self.window.cells // 2 * by, self.span))

    def action_edge(self, end: int) -> None:
        """Go to the first or last cell of the window."""
        self.cell = (self.window.cells - 1) * end

    def action_row(self, end: int) -> None:
        """Go to the first or last row."""
        self.row = (len(self.rows) - 1) * end

    def action_page(self, by: int) -> None:
        """Go up or down by a screen."""
        self.row += by * max(1, self._height - 1)

    def action_beside(self, by: int) -> None:
        """Go to the next or previous step or mark of the row."""
        if self.current is not None and self.current.drawn:
            self.post_message(self.BesideWanted(by))

    def action_wall(self) -> None:
        """Between time of day and time since the start."""
        timeline = self._timeline
        if timeline is None:
            return
        if timeline.wall_start is None:
            self.notify("No wall clock was recorded here: times count from the conversation's start.", timeout=4)
            return
        row = self.current
        shift = (row.lane.clock_ms or 0) if row is not None and row.lane is not None else 0
        whole, at, old = self._is_whole, self.window.under(self.cell), self.window
        self.wall = not self.wall
        shift = shift if self.wall else -shift
        self._make_rows(row.id if row else None)
        self._measure()
        self._drawn = {}
        # The column of names may be wider than before, as other runs may be without a place.
        cells = self.window.cells
        moved = old._replace(start=old.start + shift).resized(cells, self.span)
        self._see(fitted(self.span, cells) if whole else moved, at + shift)
        self._scroll_to_row()

    def action_context(self) -> None:
        """Between steps and context fill."""
        if self._timeline is not None and self._timeline.peak_context is None:
            self.notify("No tokens were recorded here, so nothing says how full the context was.", timeout=4)
            return
        self.shows_context = not self.shows_context
        self._redraw()

    def action_fold(self) -> None:
        """Fold what is below the row, or open it."""
        row = self.current
        if row is None or row.lane is None or not row.foldable:
            self.notify("Nothing is below this row.", timeout=2)
            return
        self._folded ^= {row.fold_id}
        self._make_rows(("lane", row.lane.node_id) if row.kind == "cluster" else row.id)
        self._measure()
        self._see(self.window)
        self._scroll_to_row()

    def action_choose(self) -> None:
        """Go to the step in the cell, or to the run."""
        row = self.current
        if row is None or row.lane is None:
            return
        if row.kind in ("cluster", "band"):
            self.action_fold()
        elif row.kind == "lane" and self._spot_pending:
            self._then = self.action_choose
        elif row.kind == "lane" and self._spot is not None and self._spot.steps:
            step = self._spot.steps[0]
            self.post_message(self.StepWanted(step.run_id, step.ordinal))
        else:
            self.post_message(self.RunWanted(row.lane.node_id))

    def action_follow(self) -> None:
        """Go to the other end of what is handed over in the cell."""
        if self._spot_pending:
            self._then = self.action_follow
            return
        edges = self._handed_over
        if not edges:
            self.notify("Nothing is handed over in this cell; > goes to the next mark of the row.", timeout=3)
            return
        ids = [one.edge_id for one in edges]
        one = edges[(ids.index(self._followed) + 1) % len(ids) if self._followed in ids else 0]
        if one.other_ms is None or not self.go_to_row(one.other_position, one.other_ms):
            self.notify("Its other end is not among these rows; d shows both.", timeout=3)
            return
        self._followed = one.edge_id

    def on_click(self, event: events.Click) -> None:
        """Select a cell; twice, go to what is there."""
        offset = event.get_content_offset(self)
        if offset is None or not TOP <= offset.y < TOP + self._height:
            return
        row = offset.y - TOP + self.scroll_offset.y
        if row < len(self.rows):
            self.row = row
            if offset.x >= self._gutter:
                self.cell = min(offset.x - self._gutter, max(0, self.window.cells - 1))
            if event.chain == 2:
                self.action_choose()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """With ctrl, zoom in."""
        self._wheel(event, 0.5)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """With ctrl, zoom out."""
        self._wheel(event, 2)

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        if event.ctrl:
            event.stop()
            event.prevent_default()
            self.action_zoom(factor)
