"""What came back for a query: a line about how much it is, and the rows; or words in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from explorer.tui import answer_words
from explorer.tui.text import clean
from explorer.tui.widgets.sheet import Layout, Sheet, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Answer
    from explorer.tui.widgets.answer_grid import AnswerGrid

_NOTHING = "No row: nothing that is read is as the query wants it."


class AnswerPane(Vertical):
    """The answer to the latest query that was answered."""

    def __init__(self, words: Layout, *, id: str | None = None) -> None:
        """Show words at first."""
        super().__init__(id=id)
        self._first = words
        self._grid: AnswerGrid | None = None
        self.answer: Answer | None = None
        """What is shown; None while there are words instead."""

    def compose(self) -> ComposeResult:
        """The line, and the words; rows are put in their place."""
        yield Static("", id="answer-line", markup=False)
        yield Sheet(self._first, id="answer-words")

    def on_mount(self) -> None:
        """Only rows take the keys."""
        self.query_one(Sheet).can_focus = False

    @property
    def row(self) -> int | None:
        """The row under the cursor."""
        return self._grid.cursor_row if self._grid is not None and self.answer is not None else None

    @property
    def grid(self) -> AnswerGrid | None:
        """The rows, if there are any."""
        return self._grid

    @property
    def way(self) -> answer_words.Way | None:
        """Where the row under the cursor leads."""
        if self.answer is None or self.row is None:
            return None
        return answer_words.way(self.answer.columns, self.answer.rows[self.row])

    def tell(self, text: str) -> None:
        """Say something in the line above."""
        self.query_one("#answer-line", Static).update(clean(text), layout=False)

    async def say(self, words: Layout) -> None:
        """Show words, and no answer."""
        self.answer = None
        await self._drop_grid()
        self.query_one(Sheet).show(words)

    async def show(self, answer: Answer, row: int) -> None:
        """Show an answer, with the cursor on a row."""
        from explorer.tui.widgets.answer_grid import AnswerGrid

        if not answer.rows:
            await self.say(lambda width: wrapped(_NOTHING, width))
            self.answer = answer
            return
        await self._drop_grid()
        self.answer = answer
        self._grid = AnswerGrid(answer, self.size.width - 1)
        self.query_one(Sheet).display = False
        await self.mount(self._grid)
        self._grid.move_cursor(row=min(row, len(answer.rows) - 1), animate=False)

    async def _drop_grid(self) -> None:
        grid, self._grid = self._grid, None
        if grid is not None:
            await grid.remove()
        self.query_one(Sheet).display = True
