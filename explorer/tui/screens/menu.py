"""A short list to choose one thing from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from explorer.tui.text import clean


class Choice(NamedTuple):
    """One line of a menu."""

    id: str
    label: str
    note: str = ""
    marked: bool = False


class MenuScreen(ModalScreen[str | None]):
    """Answers with the id of the choice, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close", id="menu.close"),
        Binding("j", "move('down')", "Down", show=False, id="menu.down"),
        Binding("k", "move('up')", "Up", show=False, id="menu.up"),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], hint: str) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._hint = hint

    def compose(self) -> ComposeResult:
        """The list in a frame."""
        label_width = max(len(clean(choice.label)) for choice in self._choices) + 2
        with Vertical(classes="dialog menu") as frame:
            frame.border_title = self._title
            yield OptionList(
                *(Option(self._prompt(choice, label_width), id=choice.id) for choice in self._choices),
                compact=True,
                markup=False,
            )
            yield Static(self._hint, classes="hint", markup=False)

    def _prompt(self, choice: Choice, label_width: int) -> Text:
        mark = "● " if choice.marked else "  "
        return Text.assemble(
            mark,
            (clean(choice.label).ljust(label_width), ""),
            (clean(choice.note), "dim"),
            no_wrap=True,
            overflow="ellipsis",
        )

    def on_mount(self) -> None:
        """Start on what is set now."""
        marked = next((index for index, choice in enumerate(self._choices) if choice.marked), 0)
        self.query_one(OptionList).highlighted = marked

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_move(self, direction: str) -> None:
        """Move like everywhere else."""
        options = self.query_one(OptionList)
        if direction == "down":
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_close(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
