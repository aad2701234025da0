"""The tabs of the detail pane with the keys that choose them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from explorer.tui.state import SHORT_TABS, TABS, Tab


class TabBar(Widget):
    """``1 Overview  2 Steps  3 Timeline  …  6 Findings``; closer, then shorter, where it does not fit."""

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

    def _labels(self, names: Mapping[Tab, str], gap: str = "", marked: bool = True) -> list[tuple[Tab, str]]:
        """Every tab with its key and name; findings with their mark, if ``marked``."""
        labels = []
        for tab, (key, _) in TABS.items():
            mark = f" {self.marks}" if tab == "findings" and marked and self.marks else ""
            labels.append((tab, f" {key} {names[tab]}{mark}{gap}"))
        return labels

    def _ways(self) -> Iterator[list[tuple[Tab, str]]]:
        """The labels from long to short: gaps go first, then the word for findings or their mark, then names.

        The chosen tab keeps its name until there is no room for names at all.
        """
        names = {tab: name for tab, (_, name) in TABS.items()}
        yield self._labels(names, " ")
        yield self._labels(names)
        if self.tab != "findings":
            names["findings"] = self.marks or "Find"
        yield self._labels(names, marked=False)
        for tab, short in SHORT_TABS.items():
            if tab != self.tab:
                names[tab] = short
                yield self._labels(names, marked=False)
        for letters in (3, 2, 1):
            yield self._labels(
                {tab: name if tab == self.tab else name[:letters] for tab, name in names.items()}, marked=False
            )

    def _fitting(self) -> list[tuple[Tab, str]]:
        """The longest labels that there is room for."""
        for labels in self._ways():
            if sum(cell_len(label) for _, label in labels) <= self.size.width:
                return labels
        return self._labels(dict.fromkeys(TABS, ""), marked=False)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab that was clicked."""
        for start, end, tab in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(tab))
