"""The messages of a run under the keys: a cursor on a line, folding, and only what is on the screen drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message as Posted
from textual.strip import Strip
from textual.widget import Widget

from explorer.tui.message_roll import Roll, Spot
from explorer.tui.message_rows import LOOKS, Look, Row, marked
from explorer.tui.text import crop, fit
from explorer.tui.widgets.sheet import wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.store.queries import Written
    from explorer.tui.reel import Page

TOP = 2
"""Lines above the messages: whose they are, and how much of the run."""


class MessagesView(Widget, can_focus=True):
    """Moves a cursor over the lines of the messages. It says which pages it lacks, and is given them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="messages.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="messages.down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="messages.page_up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="messages.page_down"),
        Binding("home,g", "first", "First message", show=False, id="messages.first"),
        Binding("end,G", "last", "Last message", show=False, id="messages.last"),
        Binding("space,enter", "turn", "fold", key_display="space", id="messages.fold",
                tooltip="Fold a message, or show the whole of it"),
        Binding("w", "turn_all", "fold/whole", id="messages.fold_all", tooltip="All messages folded, or all whole"),
        Binding("greater_than_sign,full_stop", "beside(1)", "next", key_display="> <", id="messages.next",
                tooltip="Next message"),
        Binding("less_than_sign,comma", "beside(-1)", "previous", show=False, id="messages.previous",
                tooltip="Previous message"),
        Binding("right_curly_bracket", "alike(1)", "next of a kind", key_display="} {", id="messages.next_alike",
                tooltip="Next message of the same role or kind"),
        Binding("left_curly_bracket", "alike(-1)", "previous of a kind", show=False, id="messages.previous_alike",
                tooltip="Previous message of the same role or kind"),
        Binding("right,l", "fold(False)", "Show the whole message", show=False, id="messages.unfold"),
        Binding("left,h", "fold(True)", "Fold the message", show=False, id="messages.fold_one"),
        Binding("y", "copy", "copy", id="messages.copy", tooltip="Copy the message under the cursor"),
    ]  # fmt: skip

    COMPONENT_CLASSES: ClassVar[set[str]] = {"messages--title", "messages--cursor", "messages--bar"} | {
        f"messages--{look}" for look in LOOKS
    }

    class PageWanted(Posted):
        """A page is on the screen, or will soon be, that is not here."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class EndWanted(Posted):
        """The last page is wanted."""

    class AlikeWanted(Posted):
        """The next or previous message in which the same one speaks."""

        def __init__(self, index: int, by: int) -> None:
            super().__init__()
            self.index = index
            self.by = by

    class CopyWanted(Posted):
        """The text of a message is to be copied."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._styles: dict[Look, Style] = {}
        self._lines: list[tuple[Spot, Row]] = []
        self._asked: set[int] = set()
        """The pages that are on their way."""
        self.needle = ""
        self.reset("", "", {})

    # What it is given

    def reset(self, title: str, extent: str, steps: Mapping[int, Written]) -> None:
        """Forget everything, to show the messages of another run."""
        self.title, self.extent = title, extent
        self.roll = Roll(steps, *self._room)
        self._asked = set()
        self._words = "reading …"
        self.refresh()

    def say(self, words: str) -> None:
        """Show words in the place of messages."""
        self.roll = Roll({}, *self._room)
        self.roll.is_all = True
        self._words, self.extent = words, ""
        self.refresh()

    def take(self, page: Page) -> None:
        """Show a page."""
        self._asked.discard(page.number)
        self.roll.take(page)
        self._moved()

    def take_end(self, page: Page) -> None:
        """Show the last page, and go to its end."""
        self.roll.take(page)
        self.roll.go_to_end()
        self._moved()

    def go_to(self, index: int, needle: str = "") -> None:
        """Put the cursor on a message, or on the first line of it that a text stands in."""
        self.roll.go_to(index, needle)
        self._moved()

    def mark(self, needle: str) -> None:
        """Mark every place where a text stands."""
        self.needle = needle
        self.refresh()

    def on_resize(self) -> None:
        """Follow the size."""
        self.roll.resize(*self._room)
        self._moved()

    @property
    def _room(self) -> tuple[int, int]:
        return max(10, self.size.width - 3), max(1, self.size.height - TOP)

    def _moved(self) -> None:
        """Draw, and see that there is something to draw."""
        self.refresh()
        if self.title:
            for number in self.roll.missing():
                if number not in self._asked:
                    self._asked.add(number)
                    self.post_message(self.PageWanted(number))

    # Keys

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self.roll.move(by)
        self._moved()

    def action_page(self, by: int) -> None:
        """Move by what is on the screen."""
        self.roll.page(by)
        self._moved()

    def action_first(self) -> None:
        """Go to the first message."""
        self.roll.go_to(0)
        self._moved()

    def action_last(self) -> None:
        """Go to the last message."""
        self.post_message(self.EndWanted())

    def action_beside(self, by: int) -> None:
        """Go to the next or previous message."""
        self.roll.beside(by)
        self._moved()

    def action_alike(self, by: int) -> None:
        """Go to another message of the same role or kind."""
        self.post_message(self.AlikeWanted(self.roll.cursor.at, by))

    def action_turn(self) -> None:
        """Fold the message under the cursor, or show the whole of it."""
        self.action_fold(not self.roll.is_folded(self.roll.cursor.at))

    def action_fold(self, folded: bool) -> None:
        """Fold the message under the cursor, or not."""
        if not self.roll.fold(self.roll.cursor.at, folded):
            self.notify("Nothing of this message is folded.", timeout=2)
        self._moved()

    def action_turn_all(self) -> None:
        """Fold all messages, or show the whole of all."""
        self.roll.turn_all()
        self._moved()

    def action_copy(self) -> None:
        """Copy the message under the cursor."""
        message = self.roll.message(self.roll.cursor.at)
        if message is not None:
            self.post_message(self.CopyWanted(message.text))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a line; twice, fold its message."""
        offset = event.get_content_offset(self)
        if offset is not None and not self.roll.is_empty and TOP <= offset.y < TOP + len(self._lines):
            self.roll.cursor = self._lines[offset.y - TOP][0]
            self._moved()
            if event.chain == 2:
                self.action_turn()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self.roll.scroll(3)
        self._moved()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.stop()
        self.roll.scroll(-3)
        self._moved()

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Compute once what is the same for all lines."""
        plain = self.rich_style
        self._styles = {look: plain + self._partial(f"messages--{look}") for look in LOOKS}
        self._styles["plain"] = plain
        self._lines = self._told() if self.roll.is_empty else list(self.roll.visible())
        return super().render_lines(crop)

    def _partial(self, name: str) -> Style:
        """A look without its background, which would cover that of the cursor."""
        whole = self.get_component_rich_style(name)
        return Style(color=whole.color, bold=whole.bold, dim=whole.dim, italic=whole.italic, reverse=whole.reverse)

    def _told(self) -> list[tuple[Spot, Row]]:
        rows = wrap(self._words, max(10, self.size.width - 3))
        return [(Spot(-1, -1), [(text, "plain") for text, _ in row]) for row in rows]

    def render_line(self, y: int) -> Strip:
        """One line."""
        width, plain = self.size.width, self._styles["plain"]
        if y < TOP:
            return self._top_line(y, width)
        if y - TOP >= len(self._lines):
            return Strip.blank(width, plain)
        spot, row = self._lines[y - TOP]
        on_message = spot.at == self.roll.cursor.at and bool(row)
        bar = self.get_component_rich_style("messages--bar") if on_message else plain
        under = Style.null()
        if spot == self.roll.cursor:
            found = self.get_component_rich_style("messages--cursor")
            under = found if self.has_focus else Style(bgcolor=found.bgcolor)
        segments = [Segment(text, self._styles[look] + under) for text, look in marked(row, self.needle)]
        line = Strip(segments).adjust_cell_length(max(0, width - 2), plain + under)
        return Strip([Segment("▌" if on_message else " ", bar), *line, Segment(self._thumb(y - TOP), plain)])

    def _thumb(self, y: int) -> str:
        """The last column: where in all messages these are, once it is known how many there are."""
        roll = self.roll
        if roll.is_empty or not roll.is_all or not self._lines:
            return " "
        first, last = self._lines[0][0].at, self._lines[-1][0].at
        if first == 0 and last == roll.known - 1:
            return " "
        top, bottom = (index * roll.height // roll.known for index in (first, last + 1))
        return "▐" if top <= y < max(top + 1, bottom) else " "

    def _top_line(self, y: int, width: int) -> Strip:
        if y == 1:
            return Strip([Segment(fit(f" {self.extent}", width), self._styles["note"])])
        roll, where = self.roll, ""
        if not roll.is_empty:
            where = f" {min(roll.cursor.at + 1, roll.known):,} of {roll.known:,}{'' if roll.is_all else '+'} "
        text = fit(f" {self.title}", max(0, width - len(where))) + where
        return Strip([Segment(crop(text, width), self.get_component_rich_style("messages--title"))])
