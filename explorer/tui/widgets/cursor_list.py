"""Items one below the other, each of a few lines, with a cursor on one of them."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Spacing
from textual.reactive import reactive
from textual.scroll_view import ScrollView


class CursorList(ScrollView, can_focus=True):
    """The keys and the mouse of such a list; what its items are and how they are drawn is for those who are one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("home,g", "move(-100000)", "First", show=False, id="list.first"),
        Binding("end,G", "move(100000)", "Last", show=False, id="list.last"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="list.page_up"),
        Binding("pagedown,ctrl+d,space", "page(1)", "Page down", show=False, id="list.page_down"),
    ]

    HEAD: ClassVar[int] = 0
    """Lines above the items, which stay where they are."""

    cursor: reactive[int] = reactive(0, repaint=False)

    @property
    def items(self) -> int:
        """How many there are."""
        raise NotImplementedError

    @property
    def lines_each(self) -> int:
        """Lines of an item."""
        return 1

    def choose(self) -> None:
        """Open the item under the cursor, which was clicked twice."""
        raise NotImplementedError

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on an item."""
        return max(0, min(cursor, self.items - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint what changed and keep it in view."""
        for index in (old, new):
            self.refresh_lines(self.HEAD + index * self.lines_each, self.lines_each)
        self.see(new)

    def see(self, index: int) -> None:
        """Scroll to an item."""
        region = Region(0, self.HEAD + index * self.lines_each, 1, self.lines_each)
        spacing = Spacing(self.HEAD, 0, 0, 0)
        self.scroll_to_region(region, spacing=spacing, animate=False, force=True, immediate=True)

    def action_move(self, by: int) -> None:
        """Move by items."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move by what is visible."""
        self.cursor += by * max(1, (self.size.height - self.HEAD) // self.lines_each - 1)

    def on_click(self, event: events.Click) -> None:
        """Select an item; a second click opens it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.HEAD:
            return
        index = (offset.y - self.HEAD + self.scroll_offset.y) // self.lines_each
        if index < self.items:
            self.cursor = index
            if event.chain == 2:
                self.choose()

    def look(self, name: str) -> Style:
        """Colour and weight of a component; its own background would cover that of the cursor."""
        whole = self.get_component_rich_style(name)
        return Style(color=whole.color, bold=whole.bold)
