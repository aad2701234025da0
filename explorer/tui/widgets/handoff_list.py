"""The hand-offs of a node, one on a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from explorer.tui import handoff_words
from explorer.tui.text import fit

if TYPE_CHECKING:
    from explorer.store.queries import HandOff, HandOffs


class HandOffList(ScrollView, can_focus=True):
    """A line of names above, a line for each, a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="handoffs.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="handoffs.down"),
        Binding("home,g", "move(-100000)", "First", show=False, id="handoffs.first"),
        Binding("end,G", "move(100000)", "Last", show=False, id="handoffs.last"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="handoffs.page_up"),
        Binding("pagedown,ctrl+d,space", "page(1)", "Page down", show=False, id="handoffs.page_down"),
        Binding("enter", "choose", "both ends", id="handoffs.choose"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "handoff-list--cursor", "handoff-list--note", "handoff-list--strong", "handoff-list--good",
        "handoff-list--error",
    }  # fmt: skip

    cursor: reactive[int] = reactive(0)

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
        self.watch_cursor()

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a line."""
        return max(0, min(cursor, len(self.listed) - 1))

    def watch_cursor(self) -> None:
        """Keep the line in view, below the names."""
        region = Region(0, self.cursor + 1, 1, 1)
        self.scroll_to_region(region, spacing=Spacing(1, 0, 0, 0), animate=False, force=True, immediate=True)

    def action_move(self, by: int) -> None:
        """Move by lines."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move by what is visible."""
        self.cursor += by * max(1, self.size.height - 2)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is shown of an empty list."""
        return action != "choose" or bool(self.listed)

    def action_choose(self) -> None:
        """Show both ends of the one under the cursor."""
        if self.listed:
            self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        """Select a line; a second click shows it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y == 0 or offset.y - 1 + self.scroll_offset.y >= len(self.listed):
            return
        self.cursor = offset.y - 1 + self.scroll_offset.y
        if event.chain == 2:
            self.action_choose()

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
        # Its own background would cover that of the cursor.
        whole = self.get_component_rich_style(f"handoff-list--{role}")
        return Style(color=whole.color, bold=whole.bold)
