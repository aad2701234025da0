"""How the timeline looks: an axis, how many runs are active at once, a row per run, the cursor's cell in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from explorer.tui import lane_cells, lanes, timeline_words
from explorer.tui.lane_cells import Cell
from explorer.tui.lanes import Row
from explorer.tui.text import crop, fit
from explorer.tui.time_scale import Span, Window, ticks, utc
from explorer.tui.widgets.sheet import wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Drawn, Spot, Timeline

TOP = 2
"""Lines above the rows: the axis, and how many runs are active at once."""
_TALL = 24
"""Lines from which the words get a third line and the legend a second, and half as many more for a third."""
_GUTTER = (16, 34)
"""The narrowest and the widest column of names."""


class TimelineCanvas(ScrollView):
    """Draws lanes, cells and words; what they are and where the cursor is, the widget on top of it says."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "timeline--axis",
        "timeline--note",
        "timeline--name",
        "timeline--dim",
        "timeline--row",
        "timeline--cursor",
        *(f"timeline--{look.role}" for look in lane_cells.LOOKS.values()),
    }

    row: reactive[int] = reactive(0, repaint=False)
    """The row under the cursor."""
    cell: reactive[int] = reactive(0, repaint=False)
    """The cell under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plain = Style.null()
        self._timeline: Timeline | None = None
        self.wall = False
        self.shows_context = False
        self.rows: list[Row] = []
        self.window = Window(0, 1, 0)
        self._drawn: dict[tuple[str, str], Drawn] = {}
        self._drawn_window = self.window
        self._at_once: list[int] = []
        self._spot: Spot | None = None
        self._gutter = _GUTTER[0]
        self._pictures: dict[int, list[Cell]] = {}

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
        return Span(start or 0, end or 0)

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.row] if self.row < len(self.rows) else None

    def _measure(self) -> None:
        # The last cell stays free, so that nothing touches the scroll bar.
        width = self.scrollable_content_region.width - 1
        longest = max((cell_len(lanes.name_of(row, 99)) for row in self.rows if row.lane), default=0)
        narrow, wide = _GUTTER
        self._gutter = min(max(longest + 1, narrow), wide, max(narrow, width * 2 // 5))
        at = self.window.under(self.cell)
        self.window = self.window.resized(width - self._gutter, self.span)
        self._place_cursor(at)
        self.virtual_size = Size(width, TOP + len(self.rows) + self._bottom)

    def validate_cell(self, cell: int) -> int:
        """Keep the cursor in the window."""
        return max(0, min(cell, self.window.cells - 1))

    def _place_cursor(self, at: float) -> None:
        """Put the cursor on a moment, or as near as the window is to it, without telling of it."""
        self.set_reactive(TimelineCanvas.cell, self.validate_cell(self.window.cell(at)))

    @property
    def _words_height(self) -> int:
        return 2 if self.scrollable_content_region.height < _TALL else 3

    @property
    def _bottom(self) -> int:
        """Lines below the rows: the cursor in words, the legend."""
        height = self.scrollable_content_region.height
        return self._words_height + (1 if height < _TALL else 2 if height < _TALL * 3 // 2 else 3)

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height - TOP - self._bottom

    def _refresh_row(self, row: int) -> None:
        """Paint a row anew: a key that moves the cursor changes two lines and the words, and may be held down."""
        y = TOP + row - self.scroll_offset.y
        if TOP <= y < TOP + self._height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _refresh_words(self) -> None:
        top = self.scrollable_content_region.height - self._bottom
        self.refresh(Region(0, top, self.size.width, self._words_height))

    def _redraw(self) -> None:
        self._pictures = {}
        self.refresh()

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
        crowd = lane_cells.crowd_of(self._at_once)
        pictures = {
            index: lane_cells.draw(
                self.rows[index], self._drawn_of(self.rows[index]), self.window, self.wall, peak, crowd
            )
            for index in range(top, min(len(self.rows), top + max(0, self._height)))
        }
        lane_cells.link(self.rows, pictures, self.window, self.wall)
        self._pictures = pictures

    def _drawn_of(self, row: Row) -> Drawn | None:
        """What there is for a row; of a window that is not on the screen any more, nothing."""
        return self._drawn.get(row.id) if self._drawn_window == self.window else None

    def render_line(self, y: int) -> Strip:
        """The axis, the runs at once, a row, the words, or the legend."""
        width, height = self.size.width, self.scrollable_content_region.height
        timeline = self._timeline
        if timeline is None or not self.rows:
            text = timeline_words.READING if timeline is None else "No runs are here."
            return Strip([Segment(fit(text if y == 0 else "", width), self._plain)])
        if y >= height - self._bottom:
            return self._below(y - height + self._bottom)
        if y == 0:
            return self._axis()
        if y == 1:
            if self._drawn_window != self.window:
                return self._line(timeline_words.READING, [], self._role("note"))
            cells = lane_cells.counts(self._at_once)
            most = max(self._at_once, default=0)
            name = f"at once, █ is {most:,}" if lane_cells.crowd_of(self._at_once) else "active at once"
            return self._line(name, list(self._pieces(cells, None, self._plain)), self._role("note"))
        index = y - TOP + self.scroll_offset.y
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
            role = "cursor" if number == cursor else lane_cells.LOOKS[key].role
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
        words = self._words_height
        if line < words:
            text = self._words(width - 1)[line]
            return Strip([Segment(fit(text, width), self._role("note") if line else self._plain)])
        return self._legend(line - words, self._bottom - words)

    def _words(self, width: int) -> list[str]:
        """As many lines as there is room for; what does not fit is cut off at the end of the last."""
        room = self._words_height
        row = self.current
        if row is None:
            return [""] * room
        here = timeline_words.where(row, self.window, self.cell, self.wall)
        said = timeline_words.what(row, self._spot, self._drawn_of(row), self.cell, self.wall)
        below = ["".join(text for text, _ in line) for line in wrapped(said, width)]
        told = [here if self.has_focus else f"{here} · tab: move in here", *below[: room - 2]]
        rest = crop(" ".join(below[room - 2 :]), width)
        return [*told, rest, *[""] * (room - len(told) - 1)]

    def _legend(self, line: int, lines: int) -> Strip:
        """The marks that are on the screen, as many as there is room for; bars say nothing before all is there."""
        if self._drawn_window != self.window:
            return Strip.blank(self.size.width, self._plain)
        keys = {key for cells in self._pictures.values() for _, key in cells}
        peak = self._timeline.peak_context if self._timeline is not None else None
        style = self._plain + self._part("note")
        room = self.size.width - 1
        placed: list[list[Segment]] = [[]]
        used = 0
        for glyph, role, text in lane_cells.legend(keys, peak, lane_cells.crowd_of(self._at_once)):
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
