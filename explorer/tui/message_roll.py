"""The messages that are shown: the pages that are here, what is folded, the cursor, and the line at the top.

There is no coordinate over everything, which would want all of it laid out: a place is a message and a row of it, and
everything is reached by walking from one. Knows nothing of Textual; whoever fills it brings the pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from explorer.tui.message_rows import Context, Row, lay_out, row_with
from explorer.tui.reel import PAGE

if TYPE_CHECKING:
    from explorer.store.queries import Message, Written
    from explorer.tui.reel import Page

MOST_CHARACTERS = 4_000_000
"""Text that is held; the pages farthest from the last that came are let go of."""

_BEFORE = 2
"""Lines above what was jumped to that stay in view."""

_FAR = 4 * PAGE
"""Messages back that the call of a result, or a step, is looked for."""


class Spot(NamedTuple):
    """A line: a message, and a row of it."""

    at: int
    row: int


class Roll:
    """The messages of a run in a window of ``width`` and ``height`` cells."""

    def __init__(self, steps: Mapping[int, Written], width: int = 80, height: int = 24) -> None:
        self.known = 0
        """How many messages there are, at least."""
        self.is_all = False
        """Whether there are no more."""
        self.cursor = Spot(0, 0)
        self.top = Spot(0, 0)
        """The line that is shown first."""
        self.height = height
        self._width = width
        self._steps = steps
        self._pages: dict[int, list[Message]] = {}
        self._rows: dict[int, list[Row]] = {}
        self._whole = False
        """Whether messages are shown whole, but for those that were turned."""
        self._turned: set[int] = set()
        self._aim: tuple[int, str] | None = None
        """The message to go to once it is here, and the text in it."""

    # What it is given

    def resize(self, width: int, height: int) -> None:
        """Lay out again for another size."""
        self.height = height
        if width != self._width:
            self._width = width
            self._rows.clear()
        self._clamp()
        self._keep_in_view()

    def take(self, page: Page) -> None:
        """Have a page."""
        self._pages[page.number] = page.messages
        self.known, self.is_all = max(self.known, page.known), self.is_all or page.is_all
        # The first message of the next page may belong to the step, or answer the call, of the last of this one.
        for index in range(PAGE * page.number, PAGE * (page.number + 1) + 1):
            self._rows.pop(index, None)
        self._let_go(page.number)
        self._clamp()
        if self._aim is not None and self.message(self._aim[0]) is not None:
            self.go_to(*self._aim)
        self._keep_in_view()

    # What is there

    @property
    def is_empty(self) -> bool:
        """Whether no message is here."""
        return not any(self._pages.values())

    @property
    def count(self) -> int:
        """Messages that can be gone to; behind those that are known there may be more."""
        return self.known + (not self.is_all)

    def message(self, index: int) -> Message | None:
        """A message, if it is here."""
        page = self._pages.get(index // PAGE)
        return page[index % PAGE] if page is not None and index % PAGE < len(page) else None

    @property
    def step(self) -> int | None:
        """The step that wrote the message under the cursor, or the nearest before it that is here."""
        for message in self._back_from(self.cursor.at + 1):
            if message.step_ordinal is not None:
                return message.step_ordinal
        return None

    def rows(self, index: int) -> list[Row]:
        """The rows of a message as they are shown."""
        if index not in self._rows:
            message = self.message(index)
            if message is None:
                return [[("reading …", "note")]]
            if len(self._rows) > 4 * PAGE:
                self._rows.clear()
            self._rows[index] = lay_out(message, self._width, self.is_folded(index), self._around(index, message))
        return self._rows[index]

    def visible(self) -> Iterator[tuple[Spot, Row]]:
        """The lines in the window."""
        spot: Spot | None = self.top
        for _ in range(self.height):
            if spot is None:
                return
            rows = self.rows(spot.at)
            yield spot, rows[min(spot.row, len(rows) - 1)]
            spot = self._below(spot)

    def missing(self) -> list[int]:
        """The pages that are in the window, will soon be, or are to be gone to, and are not here."""
        seen = [spot.at for spot, _ in self.visible()]
        ahead = min(seen[-1] + PAGE // 2, self.count - 1) if seen else 0
        wanted = {index // PAGE for index in (*seen, ahead, *([self._aim[0]] if self._aim else []))}
        return sorted(wanted - self._pages.keys())

    def _around(self, index: int, message: Message) -> Context:
        above = self.message(index - 1)
        step, asked = message.step_ordinal, None
        call_id = message.call_id if message.kind == "tool_result" else None
        if call_id is not None and (above is None or above.call_id != call_id):
            calls = (each for each in self._back_from(index) if each.kind == "tool_call")
            asked = next((each for each in calls if each.call_id == call_id), None)
        if step is None or (above is not None and above.step_ordinal == step):
            return Context(None, asked)
        return Context(self._steps.get(step), asked)

    def _back_from(self, index: int) -> Iterator[Message]:
        """The messages before one that are here and not far."""
        for at in range(index - 1, max(-1, index - _FAR), -1):
            if (message := self.message(at)) is not None:
                yield message

    def _let_go(self, near: int) -> None:
        """Hold no more text than is of use."""
        size = sum(len(message.text) for page in self._pages.values() for message in page)
        for number in sorted(self._pages, key=lambda number: -abs(number - near)):
            if size <= MOST_CHARACTERS or abs(number - near) <= 1:
                return
            size -= sum(len(message.text) for message in self._pages.pop(number))

    # Moving

    def move(self, by: int) -> None:
        """Move the cursor by lines."""
        for _ in range(abs(by)):
            self.cursor = (self._below(self.cursor) if by > 0 else self._above(self.cursor)) or self.cursor
        self._keep_in_view()

    def scroll(self, by: int) -> None:
        """Move the window by lines, and the cursor with it where it would be left behind."""
        for _ in range(abs(by)):
            self.top = (self._below(self.top) if by > 0 else self._above(self.top)) or self.top
        spots = [spot for spot, _ in self.visible()]
        if spots and self.cursor not in spots:
            self.cursor = spots[0] if by > 0 else spots[-1]
        self._keep_in_view()

    def page(self, by: int) -> None:
        """Move the window and the cursor by what is in the window."""
        by *= max(1, self.height - 1)
        for _ in range(abs(by)):
            self.top = (self._below(self.top) if by > 0 else self._above(self.top)) or self.top
        self.move(by)

    def beside(self, by: int) -> None:
        """Go to the next or previous message; from within one, back to its head first."""
        index = self.cursor.at
        if by > 0 or self.cursor.row == 0:
            index += by
        if 0 <= index < self.count:
            self.go_to(index)

    def go_to(self, index: int, needle: str = "") -> None:
        """Put the cursor on a message, or on the first line of it that a text stands in; later, if it is not here."""
        if self.message(index) is None:
            self._aim = (index, needle)
            return
        self._aim = None
        row = row_with(self.rows(index), needle) if needle else 0
        if row is None:
            self.fold(index, False)
            row = row_with(self.rows(index), needle) or 0
        self.cursor = Spot(index, row)
        if self.cursor not in [spot for spot, _ in self.visible()][: -1 - _BEFORE]:
            self.top = self.cursor
            for _ in range(_BEFORE):
                self.top = self._above(self.top) or self.top

    def go_to_end(self) -> None:
        """Put the cursor on the last line of the last message that is known."""
        last = max(0, self.known - 1)
        self.cursor = Spot(last, self._last_row(last))
        self._keep_in_view()

    # Folding

    def is_folded(self, index: int) -> bool:
        """Whether the long parts of a message are left out."""
        return self._whole == (index in self._turned)

    def fold(self, index: int, folded: bool) -> bool:
        """Leave out the long part of a message, or show all of it; whether that changes anything."""
        if self.is_folded(index) == folded:
            return False
        before = len(self.rows(index))
        self._turned ^= {index}
        self._rows.pop(index, None)
        if self.cursor.at == index and self.cursor.row > self._last_row(index):
            self.cursor = Spot(index, 0)
        self._clamp()
        self._keep_in_view()
        return len(self.rows(index)) != before

    def turn_all(self) -> None:
        """Fold all messages, or show the whole of all."""
        self._whole, self._turned = not self._whole, set()
        self._rows.clear()
        self.cursor, self.top = Spot(self.cursor.at, 0), Spot(self.top.at, 0)
        self._keep_in_view()

    # Lines

    def _last_row(self, index: int) -> int:
        """The last row of a message that has anything in it."""
        return max(0, len(self.rows(index)) - 1 - (self.message(index) is not None))

    def _below(self, spot: Spot) -> Spot | None:
        if spot.row + 1 < len(self.rows(spot.at)):
            return Spot(spot.at, spot.row + 1)
        return Spot(spot.at + 1, 0) if spot.at + 1 < self.count else None

    def _above(self, spot: Spot) -> Spot | None:
        if spot.row > 0:
            return Spot(spot.at, min(spot.row, len(self.rows(spot.at))) - 1)
        return Spot(spot.at - 1, len(self.rows(spot.at - 1)) - 1) if spot.at > 0 else None

    def _clamp(self) -> None:
        """Keep the cursor and the top on lines that there are."""
        for name in ("cursor", "top"):
            spot = getattr(self, name)
            at = max(0, min(spot.at, self.count - 1))
            row = spot.row if at == spot.at else 0
            setattr(self, name, Spot(at, min(row, len(self.rows(at)) - 1)))

    def _keep_in_view(self) -> None:
        if self.cursor < self.top:
            self.top = self.cursor
        elif self.cursor.at - self.top.at > self.height or all(spot != self.cursor for spot, _ in self.visible()):
            self.top = self.cursor
            for _ in range(self.height - 1):
                self.top = self._above(self.top) or self.top
