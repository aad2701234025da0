"""The second line: where we are, and through which glasses we look: totals or own numbers, sort, filter."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from explorer.tui.text import ELLIPSIS, crop

_ARROW = " › "


class Crumbs(Widget):
    """The path from the top to the root, each step of it a way back."""

    path: reactive[tuple[tuple[str | None, str], ...]] = reactive(())
    """Ids and names from the top (None) to the root."""
    settings: reactive[tuple[str, ...]] = reactive(())
    """What to say on the right, the most important last."""

    class Chosen(Message):
        """A name of the path was clicked."""

        def __init__(self, node_id: str | None) -> None:
            super().__init__()
            self.node_id = node_id

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._spans: list[tuple[int, int, str | None]] = []

    def render(self) -> Text:
        """The line, cut to the width."""
        width = self.size.width
        right = list(self.settings)
        least = min(30, width // 2)
        while len(right) > 1 and cell_len("   ".join(right)) > width - least:
            right.pop(0)
        told = crop("   ".join(right), max(0, width - least // 2))
        names = [(node_id, crop(name, 40)) for node_id, name in self.path]
        room = width - cell_len(told) - 3
        skipped = False
        while len(names) > 2 and self._width(names) + 4 * skipped > room:
            del names[1]
            skipped = True
        if self._width(names) > room and names:
            names[-1] = (names[-1][0], crop(names[-1][1], max(1, room - self._width(names[:-1]) - 3)))
        text = Text(" ", no_wrap=True, end="")
        self._spans = []
        for index, (node_id, name) in enumerate(names):
            if index:
                text.append(f"{_ARROW}{ELLIPSIS}{_ARROW}" if skipped and index == 1 else _ARROW, "dim")
            self._spans.append((text.cell_len, text.cell_len + cell_len(name), node_id))
            text.append(name, "bold" if index == len(names) - 1 else "")
        text.append(" " * max(1, width - text.cell_len - cell_len(told) - 1))
        text.append(told)
        return text

    @staticmethod
    def _width(names: list[tuple[str | None, str]]) -> int:
        return sum(cell_len(name) for _, name in names) + len(_ARROW) * max(0, len(names) - 1)

    def on_click(self, event: events.Click) -> None:
        """Go to the name that was clicked."""
        for start, end, node_id in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(node_id))
