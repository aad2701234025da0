"""The search line below the tree, or below messages: what is searched, and which of how many hits is shown."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class SearchBar(Horizontal):
    """Searches while typing. Enter keeps the hits for ``n`` and ``N``, escape gives them up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave search", id="search.leave"),
        Binding("down", "step(1)", "next hit", id="search.next", priority=True),
        Binding("up", "step(-1)", "previous hit", show=False, id="search.previous", priority=True),
    ]

    class Typed(Message):
        """The text changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Stepped(Message):
        """The next or previous hit is wanted without leaving the line."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Accepted(Message):
        """Enter: on with the keys of what is searched, the hits kept."""

    class Left(Message):
        """Escape: the search is over."""

    def __init__(self, wanted: str = "name, label, id, title or model", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._wanted = wanted

    def compose(self) -> ComposeResult:
        """A prompt, the line, and the count."""
        yield Static("/", classes="prompt")
        yield Input(placeholder=self._wanted, compact=True, select_on_focus=True)
        yield Static("", classes="count")

    def begin(self, text: str) -> None:
        """Show the line and take the keys."""
        self.display = True
        line = self.query_one(Input)
        line.value = text
        line.focus()

    def tell(self, summary: str) -> None:
        """Say where the search stands."""
        self.query_one(".count", Static).update(summary)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Accepted())

    def action_step(self, by: int) -> None:
        """Ask for another hit."""
        self.post_message(self.Stepped(by))

    def action_leave(self) -> None:
        """Give the search up."""
        self.post_message(self.Left())
