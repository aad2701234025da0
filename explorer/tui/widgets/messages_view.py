"""The messages of a run under the keys: a cursor on a line, folding, and only what is on the screen laid out.

There is no coordinate over everything, which would want all of it laid out: the view knows the line at its top, by
message and row, and walks from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message as Posted
from textual.strip import Strip
from textual.widget import Widget

from explorer.tui.message_rows import LOOKS, Context, Look, Row, lay_out, marked, row_with
from explorer.tui.reel import PAGE
from explorer.tui.text import crop, fit
from explorer.tui.widgets.sheet import wrap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.store.queries import Message, Written
    from explorer.tui.reel import Page

TOP = 2
"""Lines above the messages: whose they are, and how much of the run."""

_MOST_CHARACTERS = 4_000_000
"""Text that is held; the pages farthest from the cursor are let go of."""

_BEFORE = 2
"""Lines above what was jumped to that stay in view."""

_FAR = 4 * PAGE
"""Messages back that the call of a result is looked for."""


class Spot(NamedTuple):
    """A line: a message, and a row of it."""

    at: int
    row: int


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
        self._right = ""
        self.reset("", "", {})

    # What it is given

    def reset(self, title: str, extent: str, steps: Mapping[int, Written]) -> None:
        """Forget everything, to show the messages of another run."""
        self.title, self.extent, self._steps = title, extent, steps
        self._pages: dict[int, list[Message]] = {}
        self._known, self._is_all = 0, False
        self._wanted: set[int] = set()
        self._rows: dict[int, list[Row]] = {}
        self._whole, self._turned = False, set[int]()
        self._aim: tuple[int, str] | None = None
        self._words = "reading …"
        self.needle = ""
        self.cursor = self._anchor = Spot(0, 0)
        self.refresh()

    def say(self, words: str) -> None:
        """Show words in the place of messages."""
        self._words, self._pages, self._rows = words, {}, {}
        self._known, self._is_all = 0, True
        self.cursor = self._anchor = Spot(0, 0)
        self.refresh()

    def take(self, page: Page) -> None:
        """Show a page."""
        self._wanted.discard(page.number)
        self._pages[page.number] = page.messages
        self._known, self._is_all = max(self._known, page.known), self._is_all or page.is_all
        for index in range(PAGE * page.number - 1, PAGE * (page.number + 1) + 1):
            self._rows.pop(index, None)
        self._let_go(page.number)
        last = max(0, self._count - 1)
        if self.cursor.at > last:
            self.cursor = Spot(last, self._last_row(last))
        if self._aim is not None and self.message(self._aim[0]) is not None:
            self.go_to(*self._aim)
        self._moved()

    def take_end(self, page: Page) -> None:
        """Show the last page, and go to its end."""
        self.take(page)
        last = max(0, self._known - 1)
        self.cursor = Spot(last, self._last_row(last))
        self._moved()

    def go_to(self, index: int, needle: str = "") -> None:
        """Put the cursor on a message, or on the first line of it that a text stands in."""
        self._aim = None
        message = self.message(index)
        if message is None:
            self._aim = (index, needle)
            self._want(index // PAGE)
            return
        row = row_with(self.rows(index), needle) if needle else 0
        if row is None:
            self._fold(index, False)
            row = row_with(self.rows(index), needle) or 0
        self.cursor = Spot(index, row)
        if self.cursor not in [spot for spot, _ in self._visible()][: -1 - _BEFORE]:
            self._anchor = self.cursor
            for _ in range(_BEFORE):
                self._anchor = self._above(self._anchor) or self._anchor
        self._moved()

    def mark(self, needle: str) -> None:
        """Mark every place where a text stands."""
        self.needle = needle
        self.refresh()

    # What it tells

    @property
    def is_empty(self) -> bool:
        """Whether there is no message to show."""
        return not self._pages

    def message(self, index: int) -> Message | None:
        """A message, if it is here."""
        page = self._pages.get(index // PAGE)
        return page[index % PAGE] if page is not None and index % PAGE < len(page) else None

    @property
    def chosen(self) -> tuple[str, int] | None:
        """Nothing to choose a step by: whoever copies here copies text."""
        return None

    @property
    def step(self) -> int | None:
        """The step that wrote the message under the cursor, or the nearest before it that is here."""
        for index in range(self.cursor.at, max(-1, self.cursor.at - _FAR), -1):
            message = self.message(index)
            if message is not None and message.step_ordinal is not None:
                return message.step_ordinal
        return None

    # Rows

    @property
    def _count(self) -> int:
        """Messages that can be gone to; behind those that are known there may be more."""
        return self._known + (not self._is_all)

    @property
    def _height(self) -> int:
        return max(1, self.size.height - TOP)

    def rows(self, index: int) -> list[Row]:
        """The rows of a message as they are shown."""
        if index not in self._rows:
            message = self.message(index)
            if message is None:
                return [[("reading …", "note")]]
            if len(self._rows) > 4 * PAGE:
                self._rows.clear()
            width = max(10, self.size.width - 3)
            self._rows[index] = lay_out(message, width, self._is_folded(index), self._around(index, message))
        return self._rows[index]

    def _around(self, index: int, message: Message) -> Context:
        above = self.message(index - 1)
        step, asked = message.step_ordinal, None
        call_id = message.call_id if message.kind == "tool_result" else None
        if call_id is not None and (above is None or above.call_id != call_id):
            asked = self._call(index, call_id)
        if step is None or (above is not None and above.step_ordinal == step):
            return Context(None, asked)
        return Context(self._steps.get(step), asked)

    def _call(self, index: int, call_id: str) -> Message | None:
        for at in range(index - 1, max(-1, index - _FAR), -1):
            message = self.message(at)
            if message is not None and message.kind == "tool_call" and message.call_id == call_id:
                return message
        return None

    def _is_folded(self, index: int) -> bool:
        return self._whole == (index in self._turned)

    def _fold(self, index: int, folded: bool) -> None:
        if self._is_folded(index) != folded:
            self._turned ^= {index}
            self._rows.pop(index, None)
            self.cursor = Spot(self.cursor.at, min(self.cursor.row, self._last_row(self.cursor.at)))
            self._anchor = Spot(self._anchor.at, min(self._anchor.row, len(self.rows(self._anchor.at)) - 1))

    def _last_row(self, index: int) -> int:
        """The last row of a message that has anything in it."""
        return max(0, len(self.rows(index)) - 1 - (self.message(index) is not None))

    def _below(self, spot: Spot) -> Spot | None:
        if spot.row + 1 < len(self.rows(spot.at)):
            return Spot(spot.at, spot.row + 1)
        return Spot(spot.at + 1, 0) if spot.at + 1 < self._count else None

    def _above(self, spot: Spot) -> Spot | None:
        if spot.row > 0:
            return Spot(spot.at, min(spot.row, len(self.rows(spot.at))) - 1)
        return Spot(spot.at - 1, len(self.rows(spot.at - 1)) - 1) if spot.at > 0 else None

    def _visible(self) -> Iterator[tuple[Spot, Row]]:
        """The lines on the screen."""
        spot: Spot | None = self._anchor
        for _ in range(self._height):
            if spot is None:
                return
            rows = self.rows(spot.at)
            yield spot, rows[min(spot.row, len(rows) - 1)]
            spot = self._below(spot)

    # Pages

    def _want(self, number: int) -> None:
        if number not in self._pages and number not in self._wanted:
            self._wanted.add(number)
            self.post_message(self.PageWanted(number))

    def _let_go(self, near: int) -> None:
        """Hold no more text than is of use."""
        size = sum(len(message.text) for page in self._pages.values() for message in page)
        for number in sorted(self._pages, key=lambda number: -abs(number - near)):
            if size <= _MOST_CHARACTERS or abs(number - near) <= 1:
                return
            size -= sum(len(message.text) for message in self._pages.pop(number))

    def _moved(self) -> None:
        """Keep the cursor in view, and see that there is something to show."""
        self._keep_in_view()
        self._lines = list(self._visible())
        if self._pages:
            seen = {spot.at // PAGE for spot, _ in self._lines}
            last = self._lines[-1][0].at if self._lines else 0
            for number in sorted(seen | {min(last + PAGE // 2, self._count - 1) // PAGE}):
                self._want(number)
        self.refresh()

    def _keep_in_view(self) -> None:
        if self.cursor < self._anchor:
            self._anchor = self.cursor
            return
        if self.cursor.at - self._anchor.at <= self._height and any(spot == self.cursor for spot, _ in self._visible()):
            return
        anchor = self.cursor
        for _ in range(self._height - 1):
            anchor = self._above(anchor) or anchor
        self._anchor = anchor

    def on_resize(self) -> None:
        """Lay out again for another width."""
        self._rows.clear()
        self.cursor = Spot(self.cursor.at, min(self.cursor.row, self._last_row(self.cursor.at)))
        self._moved()

    # Keys

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        for _ in range(abs(by)):
            spot = self._below(self.cursor) if by > 0 else self._above(self.cursor)
            if spot is None:
                break
            self.cursor = spot
        self._moved()

    def action_page(self, by: int) -> None:
        """Move by what is on the screen."""
        for _ in range(self._height - 1):
            top = self._below(self._anchor) if by > 0 else self._above(self._anchor)
            self._anchor = top or self._anchor
        self.action_move(by * (self._height - 1))

    def action_first(self) -> None:
        """Go to the first message."""
        self.cursor = Spot(0, 0)
        self._moved()

    def action_last(self) -> None:
        """Go to the last message."""
        self.post_message(self.EndWanted())

    def action_beside(self, by: int) -> None:
        """Go to the next or previous message; from within one, back to its head first."""
        index = self.cursor.at
        if by > 0 or self.cursor.row == 0:
            index += by
        if 0 <= index < self._count:
            self.go_to(index)

    def action_alike(self, by: int) -> None:
        """Go to another message of the same role or kind."""
        self.post_message(self.AlikeWanted(self.cursor.at, by))

    def action_turn(self) -> None:
        """Fold the message under the cursor, or show the whole of it."""
        self.action_fold(not self._is_folded(self.cursor.at))

    def action_fold(self, folded: bool) -> None:
        """Fold the message under the cursor, or not."""
        before = len(self.rows(self.cursor.at))
        self._fold(self.cursor.at, folded)
        if len(self.rows(self.cursor.at)) == before:
            self.notify("The whole of this message is shown.", timeout=2)
        self._moved()

    def action_turn_all(self) -> None:
        """Fold all messages, or show the whole of all."""
        self._whole, self._turned = not self._whole, set()
        self._rows.clear()
        self.cursor = Spot(self.cursor.at, 0)
        self._anchor = Spot(self._anchor.at, 0)
        self._moved()

    def action_copy(self) -> None:
        """Copy the message under the cursor."""
        message = self.message(self.cursor.at)
        if message is not None:
            self.post_message(self.CopyWanted(message.text))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a line; twice, fold its message."""
        offset = event.get_content_offset(self)
        if offset is not None and TOP <= offset.y < TOP + len(self._lines):
            self.cursor = self._lines[offset.y - TOP][0]
            self._moved()
            if event.chain == 2:
                self.action_turn()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self._scroll(3, event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self._scroll(-3, event)

    def _scroll(self, by: int, event: events.MouseEvent) -> None:
        event.stop()
        for _ in range(abs(by)):
            spot = self._below(self._anchor) if by > 0 else self._above(self._anchor)
            self._anchor = spot or self._anchor
        spots = [spot for spot, _ in self._visible()]
        if spots and self.cursor not in spots:
            self.cursor = spots[0] if by > 0 else spots[-1]
        self._moved()

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Compute once what is the same for all lines."""
        plain = self.rich_style
        self._styles = {look: plain + self._partial(f"messages--{look}") for look in LOOKS}
        self._styles["plain"] = plain
        self._lines = list(self._visible()) if self._pages else self._told()
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
        on_message = spot.at == self.cursor.at and bool(row)
        bar = self.get_component_rich_style("messages--bar") if on_message else plain
        under = Style.null()
        if spot == self.cursor and self._pages:
            found = self.get_component_rich_style("messages--cursor")
            under = found if self.has_focus else Style(bgcolor=found.bgcolor)
        segments = [Segment(text, self._styles[look] + under) for text, look in marked(row, self.needle)]
        line = Strip(segments).adjust_cell_length(max(0, width - 2), plain + under)
        return Strip([Segment("▌" if on_message else " ", bar), *line, Segment(self._thumb(y - TOP), plain)])

    def _thumb(self, y: int) -> str:
        """The last column: where in all messages these are, once it is known how many there are."""
        if not self._is_all or not self._known or not self._lines or not self._pages:
            return " "
        first, last = self._lines[0][0].at, self._lines[-1][0].at
        if first == 0 and last == self._known - 1:
            return " "
        top = first * self._height // self._known
        return "▐" if top <= y <= max(top, (last + 1) * self._height // self._known - 1) else " "

    def _top_line(self, y: int, width: int) -> Strip:
        if y == 0:
            where = ""
            if self._pages:
                where = f" {min(self.cursor.at + 1, self._known):,} of {self._known:,}{'' if self._is_all else '+'} "
            text = fit(f" {self.title}", max(0, width - len(where))) + where
            return Strip([Segment(crop(text, width), self.get_component_rich_style("messages--title"))])
        return Strip([Segment(fit(f" {self.extent}", width), self._styles["note"])])
