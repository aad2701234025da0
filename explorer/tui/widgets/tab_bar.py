"""The tabs of the detail pane with the keys that choose them."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from explorer.tui.state import TABS, Tab


class TabBar(Widget):
    """``1 Overview  2 Steps  3 Timeline  …  6 Findings``; closer, then cut short, where it does not fit."""

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
        for tab, label in self._fitting():
            start = text.cell_len
            text.append(label, "reverse bold" if tab == self.tab else "")
            self._spans.append((start, text.cell_len, tab))
        return text

    def _labels(self, letters: int, gap: str, signs: bool) -> list[tuple[Tab, str]]:
        """Every tab with at most so many letters, but for the chosen one, which keeps its name.

        With ``signs`` findings are called by what is found, or as in the head of the tree.
        """
        labels = []
        for tab, (key, name) in TABS.items():
            words = name if tab == self.tab else name[:letters]
            if tab == "findings" and signs and tab != self.tab:
                words = self.marks or "!"
            elif tab == "findings" and self.marks:
                words += f" {self.marks}"
            labels.append((tab, f" {key} {words}{gap}"))
        return labels

    def _fitting(self) -> list[tuple[Tab, str]]:
        """The longest labels that there is room for: gaps go first, then the word for findings, then letters."""
        longest = max(len(label) for _, label in TABS.values())
        ways = [(longest, " ", False), (longest, "", False), *((n, "", True) for n in range(longest, 0, -1))]
        for way in ways:
            labels = self._labels(*way)
            if sum(cell_len(label) for _, label in labels) <= self.size.width:
                return labels
        return self._labels(0, "", True)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab that was clicked."""
        for start, end, tab in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(tab))
