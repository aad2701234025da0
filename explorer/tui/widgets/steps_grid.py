"""The steps as a grid over an Arrow table, drawn window by window.

Importing this loads pyarrow and the grid's library, about 0.2 s: do it in a thread, on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from explorer.tui import humanize
from explorer.tui.step_columns import HIDDEN, LOOKS, OURS, PLAIN, Look
from explorer.tui.text import fit
from explorer.tui.widgets.row_grid import RowGrid, Window

if TYPE_CHECKING:
    import pyarrow as pa


FAILED = "✗"
"""Behind the number of a step that failed."""
FAILED_TOOL = "e"
"""Behind the number of one of which a tool call failed, as on the timeline."""


class StepsGrid(RowGrid):
    """Rows of steps; enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
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
        known = [name for name in LOOKS if name in table.column_names]
        others = [name for name in table.column_names if name not in LOOKS and name not in HIDDEN]
        self._names = [name for name in (*known, *others) if not _says_nothing(table, name)]
        self._looks = [LOOKS.get(name, PLAIN) for name in self._names]
        super().__init__(
            backend=Window(table.select(self._names)),
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

    def action_select_cursor(self) -> None:
        """Open the step under the cursor."""
        if (chosen := self.chosen) is not None:
            fields = {name: self._table[name][self.cursor_row].as_py() for name in self._table.column_names}
            for name in OURS:
                if fields.get(name) is None:
                    fields.pop(name, None)
            self.post_message(self.StepChosen(*chosen, fields))

    def texts(self, row: int, left: int, width: int) -> tuple[str, str, int]:
        """The number of the step stays."""
        first, *rest = self._cells(row)
        return first, "".join(rest), 0

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


def _cell(text: str, look: Look) -> str:
    return fit(text, look.width, "left" if look.left else "right") + " "


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
