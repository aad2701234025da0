"""The rows of an answer as a grid. As heavy to import as ``row_grid``."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import pyarrow as pa
from rich.text import Text

from explorer.tui.answer_words import lay_out, starts
from explorer.tui.widgets.row_grid import RowGrid, Window

if TYPE_CHECKING:
    from explorer.store.queries import Answer


class AnswerGrid(RowGrid):
    """The rows as far as they were fetched; only the cells on screen are put into words."""

    def __init__(self, answer: Answer, room: int, *, id: str | None = None) -> None:
        """Columns are laid out for ``room`` cells."""
        self._answer = answer
        self._columns = lay_out(answer, room)
        self._starts = starts(self._columns)
        # Cells are drawn from the answer: of the library's table, it needs to know how many rows there are, how wide.
        rows = pa.table({"row": pa.array(range(len(answer.rows)), pa.int32())})
        super().__init__(
            backend=Window(rows),
            column_labels=[Text("")],
            column_widths=[max(1, self._starts[-1] - 2)],
            cursor_type="row",
            render_markup=False,
            cursor_foreground_priority="css",
            cursor_background_priority="css",
            id=id,
        )

    def texts(self, row: int, left: int, width: int) -> tuple[str, str, int]:
        """The columns of which something is seen."""
        first = max(0, bisect_right(self._starts, left) - 1)
        last = bisect_right(self._starts, left + width)
        shown = self._columns[first:last]
        if row < 0:
            cells = [column.header for column in shown]
        else:
            values = self._answer.rows[row][first:last]
            cells = [column.cell(value) for column, value in zip(shown, values, strict=True)]
        return "", "".join(cells), self._starts[first] if shown else left

    def action_scroll_columns(self, by: int) -> None:
        """Scroll sideways by a column."""
        at = bisect_right(self._starts, round(self.scroll_x)) - 1
        self.scroll_to(x=self._starts[max(0, min(at + by, len(self._columns) - 1))], animate=False)
