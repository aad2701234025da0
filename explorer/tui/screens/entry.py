"""Enter a number: one line, which says what it understands as long as it cannot read what was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from explorer.tui.text import clean


class EntryScreen(ModalScreen["int | None"]):
    """Answers with what ``read`` makes of the line; where that is words, they say what would be understood."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", id="entry.close")]

    def __init__(self, title: str, example: str, hint: str, read: Callable[[str], int | str]) -> None:
        super().__init__()
        self._title, self._example, self._hint, self._read = title, example, hint, read

    def compose(self) -> ComposeResult:
        """A line to write in."""
        with Vertical(classes="dialog") as frame:
            frame.border_title = self._title
            yield Input(placeholder=self._example, compact=True)
            yield Static(self._hint, classes="hint", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        found = self._read(event.value)
        if isinstance(found, str):
            self.query_one(Static).update(clean(found))
        else:
            self.dismiss(found)

    def action_close(self) -> None:
        """Enter nothing."""
        self.dismiss(None)
