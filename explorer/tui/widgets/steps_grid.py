"""The steps as a grid over an Arrow table, drawn window by window.

Importing this loads pyarrow and the grid's library, about 0.2 s: do it in a thread, on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual_fastdatatable import ArrowBackend, DataTable

from explorer.tui import humanize
from explorer.tui.step_columns import HIDDEN, LOOKS, OURS, PLAIN, Look
from explorer.tui.text import fit

if TYPE_CHECKING:
    import pyarrow as pa


FAILED = "✗"
"""Behind the number of a step that failed."""
FAILED_TOOL = "e"
"""Behind the number of one of which a tool call failed, as on the timeline."""


class StepsGrid(DataTable, inherit_bindings=False):
    """Rows of steps; enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_up", "Up", show=False, id="steps.up"),
        Binding("down,j", "cursor_down", "Down", show=False, id="steps.down"),
        Binding("right,l", "scroll_columns(1)", "Columns to the right", show=False, id="steps.right"),
        Binding("left,h", "scroll_columns(-1)", "Columns to the left", show=False, id="steps.left"),
        Binding("home,g", "cursor_table_start", "First", show=False, id="steps.first"),
        Binding("end,G", "cursor_table_end", "Last", show=False, id="steps.last"),
        Binding("pageup,ctrl+u", "page_up", "Page up", show=False, id="steps.page_up"),
        Binding("pagedown,ctrl+d,space", "page_down", "Page down", show=False, id="steps.page_down"),
        Binding("enter", "select_cursor", "open step", id="steps.open"),
    ]  # fmt: skip

    class StepChosen(Message):
        """Enter was pressed on a step."""

        def __init__(self, run_id: str, ordinal: int, fields: dict[str, object]) -> None:
            super().__init__()
            self.run_id = run_id
            self.ordinal = ordinal
            self.fields = fields

    def __init__(self, table: pa.Table, *, id: str | None = None) -> None:
        self._table = table
        self._errors = table["error"]
        self._tools = table["failed tools"]
        self._plain = Style.null()
        known = [name for name in LOOKS if name in table.column_names]
        others = [name for name in table.column_names if name not in LOOKS and name not in HIDDEN]
        self._names = [name for name in (*known, *others) if not _says_nothing(table, name)]
        self._looks = [LOOKS.get(name, PLAIN) for name in self._names]
        super().__init__(
            backend=_Window(table.select(self._names)),
            column_labels=[Text(name) for name in self._names],
            # The library adds a cell on either side; one between columns is enough.
            column_widths=[look.width - 1 for look in self._looks],
            cursor_type="row",
            fixed_columns=1,
            render_markup=False,
            cursor_foreground_priority="css",
            cursor_background_priority="css",
            id=id,
        )

    @property
    def failed(self) -> int:
        """How many steps failed."""
        return len(self._errors) - int(self._errors.null_count)

    @property
    def failed_tools(self) -> int:
        """Of how many steps a tool call failed."""
        return len(self._tools) - int(self._tools.null_count)

    def next_failed(self, run_id: str | None, behind: int | None, forward: bool) -> int | None:
        """The next row after one (the one before) in which something failed, of a run; the first or last for None."""
        import pyarrow.compute as pc

        failed = pc.or_(pc.is_valid(self._errors), pc.is_valid(self._tools))
        if run_id is not None:
            failed = pc.and_(failed, pc.equal(self._table["run_id"], run_id))
        rows = pc.indices_nonzero(failed).to_pylist()
        if behind is not None:
            rows = [row for row in rows if (row > behind if forward else row < behind)]
        return rows[0 if forward else -1] if rows else None

    @property
    def left_out(self) -> list[str]:
        """Columns that are not shown, because no step has anything in them."""
        columns = self._table.column_names
        names = [name for name in LOOKS if name in columns and name not in OURS]
        return [name for name in names if self._table[name].null_count == len(self._table) > 0]

    @property
    def chosen(self) -> tuple[str, int] | None:
        """Run and ordinal of the step under the cursor."""
        row = self.cursor_row
        if not 0 <= row < self._table.num_rows:
            return None
        return str(self._table["run_id"][row].as_py()), int(self._table["#"][row].as_py())

    def find(self, run_id: str | None, ordinal: int) -> int | None:
        """The row of a step."""
        import pyarrow.compute as pc

        matches = pc.equal(self._table["#"], ordinal)
        if run_id is not None:
            matches = pc.and_(matches, pc.equal(self._table["run_id"], run_id))
        row = pc.index(matches, True).as_py()
        return int(row) if row >= 0 else None

    def action_scroll_columns(self, by: int) -> None:
        """Scroll sideways by about a column."""
        self.scroll_to(x=self.scroll_x + 8 * by, animate=False)

    def action_select_cursor(self) -> None:
        """Open the step under the cursor."""
        if (chosen := self.chosen) is not None:
            fields = {name: self._table[name][self.cursor_row].as_py() for name in self._table.column_names}
            for name in OURS:
                if fields.get(name) is None:
                    fields.pop(name, None)
            self.post_message(self.StepChosen(*chosen, fields))

    # Drawing. The library runs each cell through a console, which takes 0.1 s a page; a row is two segments here.

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
        first, *rest = self._cells(row)
        kind = "header" if row < 0 else "cursor" if row == self.cursor_row else "fixed"
        fixed = self.get_component_rich_style(f"datatable--{kind}")
        style = self._plain if kind == "fixed" else fixed
        # The library finds the row that was clicked in the style.
        meta = Style.from_meta({"row": row, "column": 0})
        scrolled = Strip([Segment("".join(rest), style + meta)]).crop(scroll_x, scroll_x + max(0, width - len(first)))
        return Strip([Segment(first, fixed + meta), *scrolled]).adjust_cell_length(width, style)

    def _cells(self, row: int) -> list[str]:
        if row < 0:
            return [_cell(name, look) for name, look in zip(self._names, self._looks, strict=True)]
        values = self.get_row_at(row)
        first, *rest = (
            _cell(humanize.NOT_RECORDED if value is None else look.show(value), look)
            for value, look in zip(values, self._looks, strict=True)
        )
        # The column that never scrolls away says it; what failed may be far to the right.
        mark = FAILED if self._errors[row].is_valid else FAILED_TOOL if self._tools[row].is_valid else first[-1]
        return [first[:-1] + mark, *rest]

    def _set_tooltip_from_cell_at(self, coordinate: Coordinate) -> None:
        """No tooltips: the library would draw the trace's own text in them."""


def _cell(text: str, look: Look) -> str:
    return fit(text, look.width, "left" if look.left else "right") + " "


class _Window(ArrowBackend):
    """Does not measure a million cells for widths that are fixed anyway."""

    @property
    def column_content_widths(self) -> list[int]:
        """Any width: the columns have theirs already."""
        return [0] * self.column_count


def _says_nothing(table: pa.Table, name: str) -> bool:
    """Whether a column says nothing about any step; the line above the grid names those that were not recorded."""
    if name == "#" or table.num_rows == 0:
        return False
    import pyarrow.compute as pc

    column = table[name]
    if name == "replay":
        return not pc.any(column).as_py()
    if name == "grade":
        return bool(pc.all(pc.equal(column, "exact")).as_py())
    return bool(column.null_count == table.num_rows)
