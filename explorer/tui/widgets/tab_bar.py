"""The tabs of the detail pane with the keys that choose them."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from explorer.tui.state import TABS, Tab


class TabBar(Widget):
    """``1 Overview  2 Steps  4 Reuse  6 Findings``."""

    tab: reactive[Tab] = reactive("overview")
    marks: reactive[str] = reactive("")
    """Put beside the findings: their worst mark."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: Tab) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._spans: list[tuple[int, int, Tab]] = []

    def render(self) -> Text:
        """The line; the chosen tab is reversed."""
        text = Text("", no_wrap=True, end="")
        self._spans = []
        for tab, (key, label) in TABS.items():
            start = text.cell_len
            mark = f" {self.marks}" if tab == "findings" and self.marks else ""
            text.append(f" {key} {label}{mark} ", "reverse bold" if tab == self.tab else "")
            self._spans.append((start, text.cell_len, tab))
        return text

    def on_click(self, event: events.Click) -> None:
        """Choose the tab that was clicked."""
        for start, end, tab in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(tab))
