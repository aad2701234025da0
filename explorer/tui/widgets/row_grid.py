"""A grid of rows over the windowed table of its library, drawn a row at a time.

Importing this loads pyarrow and the grid's library, about 0.2 s: do it in a thread, on first use.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.geometry import Region
from textual.strip import Strip
from textual_fastdatatable import ArrowBackend, DataTable


class RowGrid(DataTable, inherit_bindings=False):
    """Rows with a cursor; columns scroll sideways."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_up", "Up", show=False, id="grid.up"),
        Binding("down,j", "cursor_down", "Down", show=False, id="grid.down"),
        Binding("right,l", "scroll_columns(1)", "Columns to the right", show=False, id="grid.right"),
        Binding("left,h", "scroll_columns(-1)", "Columns to the left", show=False, id="grid.left"),
        Binding("home,g", "cursor_table_start", "First", show=False, id="grid.first"),
        Binding("end,G", "cursor_table_end", "Last", show=False, id="grid.last"),
        Binding("pageup,ctrl+u", "page_up", "Page up", show=False, id="grid.page_up"),
        Binding("pagedown,ctrl+d,space", "page_down", "Page down", show=False, id="grid.page_down"),
    ]  # fmt: skip

    _plain = Style.null()

    def texts(self, row: int, left: int, width: int) -> tuple[str, str, int]:
        """A row, -1 for the header: what stays on the left, what scrolls, and the cell at which that begins.

        Of what scrolls, the ``width`` cells from ``left`` on are drawn; the text must be clean.
        """
        raise NotImplementedError

    def action_scroll_columns(self, by: int) -> None:
        """Scroll sideways by about a column."""
        self.scroll_to(x=self.scroll_x + 8 * by, animate=False)

    # The library runs each cell through a console, which takes 0.1 s a page; a row is two segments here.

    def render_lines(self, crop: Region) -> list[Strip]:
        """Compute once what is the same for all lines."""
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The header, a row, or nothing below the last."""
        width, (scroll_x, scroll_y) = self.size.width, self.scroll_offset
        row = y - 1 + scroll_y if y else -1
        if row >= self.row_count:
            return Strip.blank(width, self._plain)
        first, rest, start = self.texts(row, scroll_x, width)
        kind = "header" if row < 0 else "cursor" if row == self.cursor_row else "fixed"
        fixed = self.get_component_rich_style(f"datatable--{kind}")
        style = self._plain if kind == "fixed" else fixed
        # The library finds the row that was clicked in the style.
        meta = Style.from_meta({"row": row, "column": 0})
        left = scroll_x - start
        scrolled = Strip([Segment(rest, style + meta)]).crop(left, left + max(0, width - len(first)))
        return Strip([Segment(first, fixed + meta), *scrolled]).adjust_cell_length(width, style)

    def _set_tooltip_from_cell_at(self, coordinate: Coordinate) -> None:
        """No tooltips: the library would draw the trace's own text in them."""


class Window(ArrowBackend):
    """Does not measure a million cells for widths that are fixed anyway."""

    @property
    def column_content_widths(self) -> list[int]:
        """Any width: the columns have theirs already."""
        return [0] * self.column_count
