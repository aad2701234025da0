"""The hand-offs of a node, one on a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from explorer.tui import handoff_words
from explorer.tui.text import fit
from explorer.tui.widgets.cursor_list import CursorList

if TYPE_CHECKING:
    from explorer.store.queries import HandOff, HandOffs


class HandOffList(CursorList):
    """A line of names above, a line for each, a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "both ends", id="handoffs.choose"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "handoff-list--cursor", "handoff-list--note", "handoff-list--strong", "handoff-list--good",
        "handoff-list--error",
    }  # fmt: skip

    HEAD = 1

    class Chosen(Message):
        """Enter was pressed on a hand-off."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._found: HandOffs | None = None
        self._columns = handoff_words.columns_for((), 80)

    @property
    def listed(self) -> Sequence[HandOff]:
        """The lines."""
        return self._found.listed if self._found is not None else ()

    @property
    def items(self) -> int:
        """Hand-offs that are listed."""
        return len(self.listed)

    @property
    def _more(self) -> int:
        """How many there are that are not listed."""
        return self._found.total - len(self.listed) if self._found is not None else 0

    def show(self, found: HandOffs) -> None:
        """Show these, the cursor where it was."""
        here = self.listed[self.cursor].edge_id if self.listed else None
        self._found = found
        self._measure()
        self.go_to(here)
        self.refresh()

    def go_to(self, edge_id: str | None) -> None:
        """Put the cursor on a hand-off, if it is listed."""
        self.cursor = next((index for index, one in enumerate(self.listed) if one.edge_id == edge_id), self.cursor)

    def on_resize(self) -> None:
        """Follow the width."""
        self._measure()

    def _measure(self) -> None:
        width = self.scrollable_content_region.width
        self._columns = handoff_words.columns_for(self.listed, width - 1)
        self.virtual_size = Size(width, 1 + len(self.listed) + (self._more > 0))
        self.see(self.cursor)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is shown of an empty list."""
        return action != "choose" or bool(self.listed)

    def action_choose(self) -> None:
        """Show both ends of the one under the cursor."""
        self.choose()

    def choose(self) -> None:
        """Show both ends of it."""
        if self.listed:
            self.post_message(self.Chosen())

    def render_line(self, y: int) -> Strip:
        """The names, or a line."""
        width, style = self.size.width, self.rich_style
        note = style + self._look("note")
        if not self.listed:
            return Strip([Segment(fit("No hand-off of these runs is recorded." if y == 0 else "", width), note)])
        if y == 0:
            return Strip([Segment(fit(self._columns.head(), width), note)])
        index = y - 1 + self.scroll_offset.y
        if index >= len(self.listed):
            told = f"… {self._more:,} more are not listed: choose a node further down"
            return Strip([Segment(fit(told if self._more and index == len(self.listed) else "", width), note)])
        here = index == self.cursor
        style += self.get_component_rich_style("handoff-list--cursor") if here else Style.null()
        pieces = handoff_words.line(self.listed[index], self._columns)
        segments = [Segment(text, style if here else style + self._look(role)) for text, role in pieces]
        return Strip(segments).adjust_cell_length(width, style)

    def _look(self, role: str) -> Style:
        return self.look(f"handoff-list--{role}")
