"""The lanes of runs over time: an axis, how many are active at once, a row per run, the cursor's cell in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from explorer.tui import lanes, timeline_words
from explorer.tui.lanes import Cell, Row
from explorer.tui.text import fit
from explorer.tui.time_scale import Span, Window, fitted, ticks, utc
from explorer.tui.widgets.sheet import wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Drawn, Spot, Ticks, Timeline

_TOP = 2
"""Lines above the rows: the axis, and how many runs are active at once."""
_TALL = 24
"""Lines from which the legend gets a second line, and half as many more for a third."""
_WORDS = 2
"""Lines for the cursor's cell in words."""
_GUTTER = (16, 34)
"""The narrowest and the widest column of names."""


class TimelineLanes(ScrollView, can_focus=True):
    """Draws what it is given. It says which cells it lacks, and is given them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1,0)", "Up", show=False, id="timeline.up"),
        Binding("down,j", "move(1,0)", "Down", show=False, id="timeline.down"),
        Binding("left,h", "move(0,-1)", "Earlier", show=False, id="timeline.earlier"),
        Binding("right,l", "move(0,1)", "Later", show=False, id="timeline.later"),
        Binding("enter", "choose", "to step", id="timeline.choose", tooltip="To the step in the cell, else to the run"),
        Binding("plus,equals_sign", "zoom(0.5)", "zoom", key_display="+ -", id="timeline.zoom_in", tooltip="Zoom in"),
        Binding("minus", "zoom(2)", "zoom out", show=False, id="timeline.zoom_out"),
        Binding("0", "whole", "all", id="timeline.whole", tooltip="The whole span of time"),
        Binding("greater_than_sign,full_stop", "beside(1)", "next", key_display="> <", id="timeline.next",
                tooltip="Next step or mark of this row"),
        Binding("less_than_sign,comma", "beside(-1)", "previous", show=False, id="timeline.previous",
                tooltip="Previous step or mark of this row"),
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

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--axis",
        "timeline--note",
        "timeline--name",
        "timeline--dim",
        "timeline--row",
        "timeline--cursor",
        *(f"timeline--{look.role}" for look in lanes.LOOKS.values()),
    }

    row: reactive[int] = reactive(0, repaint=False)
    """The row under the cursor."""
    cell: reactive[int] = reactive(0)
    """The cell under the cursor."""

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
        self._plain = Style.null()
        self._timeline: Timeline | None = None
        self.wall = False
        self.shows_context = False
        self.rows: list[Row] = []
        self.window = Window(0, 1, 0)
        self._folded: set[str] = set()
        self._drawn: dict[tuple[str, str], Drawn] = {}
        self._drawn_window = self.window
        self._at_once: list[int] = []
        self._spot: Spot | None = None
        self._spot_pending = False
        self._gutter = _GUTTER[0]
        self._pictures: dict[int, list[Cell]] = {}

    # What it is given

    def show(self, timeline: Timeline, keep: bool) -> None:
        """Show other lanes; of the same node as before, keep the place in them."""
        same = keep and self._timeline is not None
        at = self.window.at(self.cell + 0.5) if same and self.window.cells else None
        whole = not same or self._is_whole
        row_id = self.rows[self.row].id if same and self.row < len(self.rows) else None
        self._timeline = timeline
        self.wall = self.wall and timeline.wall_start is not None
        if not same:
            self._folded = lanes.folded_down(timeline)
            self._drawn = {}
        self._make_rows(row_id)
        self._measure()
        self._see(fitted(self.span, self.window.cells) if whole else self.window.within(self.span), at)
        if not same:
            self.scroll_to(0, 0, animate=False, immediate=True)
            self.set_reactive(TimelineLanes.cell, 0)
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
        self.refresh()

    def go_to(self, at: float) -> None:
        """Put the cursor on a moment, panning to it."""
        cell = self.window.cell(at)
        if not 0 <= cell < self.window.cells:
            self._see(self.window.panned(cell - self.window.cells // 2, self.span))
            cell = self.window.cell(at)
        self.cell = cell

    # What it tells

    @property
    def timeline(self) -> Timeline | None:
        """What is shown."""
        return self._timeline

    @property
    def span(self) -> Span:
        """From the first moment to the last on the scale that is shown."""
        timeline = self._timeline
        if timeline is None:
            return Span(0, 0)
        start, end = (timeline.wall_start, timeline.wall_end) if self.wall else (timeline.start_ms, timeline.end_ms)
        # Time since the start begins at the start, unless this node comes long after it.
        return Span(start or 0, end or 0)

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.row] if self.row < len(self.rows) else None

    @property
    def chosen(self) -> tuple[str, int] | None:
        """Run and ordinal of the first step in the cursor's cell, for those who copy it."""
        steps = self._spot.steps if self._spot is not None else []
        return (steps[0].run_id, steps[0].ordinal) if steps else None

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

    def _measure(self) -> None:
        # The last cell stays free, so that nothing touches the scroll bar.
        width = self.scrollable_content_region.width - 1
        longest = max((cell_len(lanes.name_of(row, 99)) for row in self.rows if row.lane), default=0)
        narrow, wide = _GUTTER
        self._gutter = min(max(longest + 1, narrow), wide, max(narrow, width * 2 // 5))
        self.window = self.window.resized(max(0, width - self._gutter), self.span)
        self.virtual_size = Size(width, _TOP + len(self.rows) + self._bottom)

    @property
    def _bottom(self) -> int:
        """Lines below the rows: the cursor in words, the legend."""
        height = self.scrollable_content_region.height
        return _WORDS + (1 if height < _TALL else 2 if height < _TALL * 3 // 2 else 3)

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height - _TOP - self._bottom

    def _see(self, window: Window, at: float | None = None) -> None:
        """Show another stretch of time, the cursor where it is or on a moment."""
        self.window = window
        if at is not None:
            self.set_reactive(TimelineLanes.cell, window.cell(at))
        self.set_reactive(TimelineLanes.cell, max(0, min(self.cell, window.cells - 1)))
        self._redraw()
        self.post_message(self.CellsWanted())
        self._ask_spot()

    def _redraw(self) -> None:
        self._pictures = {}
        self.refresh()

    def _ask_spot(self) -> None:
        self._spot = None
        self._spot_pending = True
        self.post_message(self.SpotWanted())
        self.refresh()

    def validate_row(self, row: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(row, len(self.rows) - 1))

    def watch_row(self) -> None:
        """Keep the row in view."""
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
        region = Region(0, _TOP + self.row, 1, 1)
        self.scroll_to_region(
            region, spacing=Spacing(_TOP, 0, self._bottom, 0), animate=False, force=True, immediate=True
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
            moved = round((self.window.start - before.start) / self.window.width)
            cell = max(0, min(cell - moved, self.window.cells - 1))
        self.cell = cell

    def action_zoom(self, factor: float) -> None:
        """Zoom around the cursor."""
        at = self.window.under(self.cell)
        self._see(self.window.zoomed(factor, self.cell, self.span), at)

    def action_whole(self) -> None:
        """Show the whole span."""
        self._see(fitted(self.span, self.window.cells), self.window.under(self.cell))

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
        whole, at, old = self._is_whole, self.window.at(self.cell + 0.5), self.window
        self.wall = not self.wall
        shift = shift if self.wall else -shift
        self._make_rows(row.id if row else None)
        self._measure()
        self._drawn = {}
        window = fitted(self.span, old.cells) if whole else old._replace(start=old.start + shift).within(self.span)
        self._see(window, at + shift)
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
        self._folded ^= {row.lane.node_id}
        self._make_rows(("lane", row.lane.node_id) if row.kind == "cluster" else row.id)
        self._measure()
        self._see(self.window)
        self._scroll_to_row()

    def action_choose(self) -> None:
        """Go to the step in the cell, or to the run."""
        row = self.current
        if row is None or row.lane is None:
            return
        if row.kind == "cluster":
            self.action_fold()
        elif row.kind == "lane" and self._spot_pending:
            # What the cell holds is on its way.
            self.set_timer(0.05, self.action_choose)
        elif row.kind == "lane" and self._spot is not None and self._spot.steps:
            step = self._spot.steps[0]
            self.post_message(self.StepWanted(step.run_id, step.ordinal))
        else:
            self.post_message(self.RunWanted(row.lane.node_id))

    def on_click(self, event: events.Click) -> None:
        """Select a cell; twice, go to what is there."""
        offset = event.get_content_offset(self)
        if offset is None or not _TOP <= offset.y < _TOP + self._height:
            return
        row = offset.y - _TOP + self.scroll_offset.y
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

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Compute once what is the same for all lines."""
        self._plain = self.rich_style
        if not self._pictures:
            self._draw_rows()
        return super().render_lines(crop)

    def _draw_rows(self) -> None:
        top = self.scroll_offset.y
        peak = self._timeline.peak_context if self.shows_context and self._timeline is not None else None
        pictures = {
            index: lanes.draw(self.rows[index], self._drawn_of(self.rows[index]), self.window, self.wall, peak)
            for index in range(top, min(len(self.rows), top + max(0, self._height)))
        }
        lanes.link(self.rows, pictures, self.window, self.wall)
        self._pictures = pictures

    def _drawn_of(self, row: Row) -> Drawn | None:
        """What there is for a row; of a window that is not on the screen any more, nothing."""
        return self._drawn.get(row.id) if self._drawn_window == self.window else None

    def render_line(self, y: int) -> Strip:
        """The axis, the runs at once, a row, the words, or the legend."""
        width, height = self.size.width, self.scrollable_content_region.height
        timeline = self._timeline
        if timeline is None or not self.rows:
            text = "" if timeline is None else "No runs are here."
            return Strip([Segment(fit(text if y == 0 else "", width), self._plain)])
        if y >= height - self._bottom:
            return self._below(y - height + self._bottom)
        if y == 0:
            return self._axis()
        if y == 1:
            cells = lanes.counts(self._at_once) if self._drawn_window == self.window else []
            return self._line("active at once", list(self._pieces(cells, None, self._plain)), self._role("note"))
        index = y - _TOP + self.scroll_offset.y
        return self._row(index) if index < len(self.rows) else Strip.blank(width, self._plain)

    def _role(self, role: str) -> Style:
        return self._plain + self.get_component_rich_style(f"timeline--{role}", partial=role not in ("cursor", "row"))

    def _line(self, name: str, pieces: list[tuple[str, Style]], style: Style) -> Strip:
        segments = [Segment(fit(name, self._gutter), style), *(Segment(text, look) for text, look in pieces)]
        return Strip(segments).adjust_cell_length(self.size.width, style)

    def _axis(self) -> Strip:
        style = self._role("axis")
        text = ""
        for tick in ticks(self.window, self.wall):
            text = text.ljust(tick.cell) + tick.label
        day = utc(self.window.start) if self.wall else None
        each = self._timeline is not None and self._timeline.conversations > 1
        since = "from each start" if each else "from start"
        name = (f"UTC {day:%Y-%m-%d}" if day else "UTC") if self.wall else since
        return self._line(name, [(text, style)], style)

    def _row(self, index: int) -> Strip:
        row = self.rows[index]
        here = index == self.row
        style = self._plain + self.get_component_rich_style("timeline--row") if here else self._plain
        if row.kind == "note":
            return Strip([Segment(fit(row.text, self.size.width), style + self._part("dim"))])
        dim = row.kind == "untimed" or (row.lane is not None and not row.lane.kept)
        name = style + self._part("dim") if dim else style
        cells = self._pieces(self._pictures.get(index, []), self.cell if here else None, style)
        return self._line(lanes.name_of(row, self._gutter - 1), list(cells), name)

    def _part(self, role: str) -> Style:
        return self.get_component_rich_style(f"timeline--{role}", partial=True)

    def _pieces(self, cells: Sequence[Cell], cursor: int | None, style: Style) -> Iterator[tuple[str, Style]]:
        """Cells of one look after the other in one piece."""
        text, before = "", "plain"
        for number, (glyph, key) in enumerate(cells):
            role = "cursor" if number == cursor else lanes.LOOKS[key].role
            if role != before and text:
                yield text, self._styled(style, before)
                text = ""
            text, before = text + glyph, role
        if text:
            yield text, self._styled(style, before)

    def _styled(self, style: Style, role: str) -> Style:
        if role == "cursor":
            return self._plain + self.get_component_rich_style("timeline--cursor")
        return style + self._part(role) if role != "plain" else style

    def _below(self, line: int) -> Strip:
        width = self.size.width
        if line < _WORDS:
            told = list(self._words(width - 1))
            text = told[line] if line < len(told) else ""
            return Strip([Segment(fit(text, width), self._role("note") if line else self._plain)])
        return self._legend(line - _WORDS, self._bottom - _WORDS)

    def _words(self, width: int) -> Iterator[str]:
        row = self.current
        if row is None:
            return
        here = timeline_words.where(row, self.window, self.cell, self.wall)
        yield here if self.has_focus else f"{here} · tab: move in here"
        active = None
        drawn = self._drawn_of(row)
        if drawn is not None and self.cell < len(drawn.at_once):
            active = drawn.at_once[self.cell]
        said = timeline_words.what(row, self._spot, active, self.wall)
        yield from ("".join(text for text, _ in line) for line in wrapped(said, width))

    def _legend(self, line: int, lines: int) -> Strip:
        """The marks that are on the screen, as many as there is room for."""
        keys = {key for cells in self._pictures.values() for _, key in cells}
        peak = self._timeline.peak_context if self._timeline is not None else None
        style = self._plain + self._part("note")
        room = self.size.width - 1
        placed: list[list[Segment]] = [[]]
        used = 0
        for glyph, role, text in lanes.legend(keys, peak):
            size = cell_len(glyph) + 1 + cell_len(text) + 2
            if used + size > room:
                placed.append([])
                used = 0
            used += size
            placed[-1] += [Segment(glyph, self._styled(self._plain, role)), Segment(f" {text}  ", style)]
        if len(placed) > lines and line == lines - 1:
            # Whole entries only, and a word on where the others are.
            kept = placed[line]
            while kept and sum(segment.cell_length for segment in kept) + len("? more") > room:
                kept = kept[:-2]
            return Strip([*kept, Segment("? more", style)]).adjust_cell_length(self.size.width, style)
        return Strip(placed[line] if line < len(placed) else []).adjust_cell_length(self.size.width, style)
