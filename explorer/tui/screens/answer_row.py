"""One row of an answer, every value as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from explorer.tui import answer_words
from explorer.tui.screens.page import PageScreen
from explorer.tui.widgets.sheet import Row, Sheet

if TYPE_CHECKING:
    from explorer.store.queries import Answer


class AnswerRowScreen(PageScreen["tuple[int, bool]"]):
    """Answers with the row that was shown last, and whether to go to its place in the tree."""

    CLASSES = "dialog row"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "go there", id="row.go", tooltip="To the place in the tree that its ids name"),
        Binding("right_square_bracket,n", "beside(1)", "next", key_display="] [", id="row.next"),
        Binding("left_square_bracket,N", "beside(-1)", "previous", show=False, id="row.previous"),
        Binding("y", "copy", "copy as JSON", id="row.copy"),
        Binding("escape,q,v", "close", "close", id="row.close"),
    ]

    def __init__(self, answer: Answer, row: int, copy: Callable[[str], None]) -> None:
        super().__init__()
        self._answer = answer
        self._row = row
        self._copy = copy

    @property
    def heading(self) -> str:
        """Which row of how many."""
        of = f"{len(self._answer.rows):,}{' and more' if self._answer.is_cut else ''}"
        return f"Row {self._row + 1:,} of {of}"

    def words(self, width: int) -> Iterator[Row]:
        """Names and values."""
        yield from answer_words.row_words(self._answer, self._row, width)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No going where the row names no place."""
        return action != "go" or answer_words.way(self._answer.columns, self._answer.rows[self._row]) is not None

    def action_beside(self, by: int) -> None:
        """Show the next or previous row."""
        if 0 <= self._row + by < len(self._answer.rows):
            self._row += by
            self.query_one(Vertical).border_title = Content(self.heading)
            self.query_one(Sheet).show(self.words)
            self.refresh_bindings()
        else:
            self.notify(f"This is the {'last' if by > 0 else 'first'} row.", timeout=2)

    def action_copy(self) -> None:
        """Copy the row."""
        self._copy(answer_words.row_as_json(self._answer, self._row))

    def action_go(self) -> None:
        """Go to its place."""
        self.dismiss((self._row, True))

    def action_close(self) -> None:
        """Back to the grid."""
        self.dismiss((self._row, False))
