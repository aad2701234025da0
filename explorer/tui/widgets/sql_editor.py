"""Where a query is written: with colours, names that are completed, and the queries asked before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from rich.text import Text
from textual.events import Key
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import Selection, TextAreaTheme

from explorer.tui.text import clean

if TYPE_CHECKING:
    from textual.document._document import Location

Words = Callable[[str], Iterable[tuple[int, int, str]]]
"""Tells the words of a query apart: their first byte, the one behind their last, and their kind."""

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")


class SqlEditor(TextArea):
    """A query. Enter asks it where nothing else can be meant: behind its semicolon, or while it is chosen whole."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"sql-editor--{kind}" for kind in ("keyword", "number", "string", "comment", "operator")
    }

    class Asked(Message):
        """A query is to be answered."""

        def __init__(self, query: str, start: int) -> None:
            super().__init__()
            self.query = query
            self.start = start
            """Which character of what is written it begins with."""

    def __init__(self, text: str, words: Words, *, id: str | None = None) -> None:
        self._words = words
        self._names: Sequence[str] = ()
        super().__init__(text, soft_wrap=True, compact=True, highlight_cursor_line=False, id=id)

    def on_mount(self) -> None:
        """Take the colours of the style sheet, and choose what is proposed: what is typed takes its place."""
        self._take_colours()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._take_colours())
        self._choose_all()

    def _take_colours(self) -> None:
        styles: dict[str, Style] = {}
        for name in self.COMPONENT_CLASSES:
            style = self.get_component_rich_style(name, partial=True)
            styles[name.rpartition("--")[2]] = style
        self.register_theme(TextAreaTheme("sql", syntax_styles=styles))
        self.theme = "sql"
        self._build_highlight_map()

    def complete_with(self, names: Sequence[str]) -> None:
        """Complete words to these names, the first that fits."""
        self._names = names

    def write(self, query: str) -> None:
        """Put a query in place of what is there, so that undo brings that back, and choose it."""
        self.replace(query, (0, 0), self.document.end)
        self._choose_all()

    def _choose_all(self) -> None:
        # With the cursor at the start, so that a long query is seen from there on.
        self.selection = Selection(self.document.end, (0, 0))

    def write_name(self, name: str) -> None:
        """Write a name at the cursor, with a gap before it where it would run into a word."""
        row, column = self.selection.start if self.selection.is_empty else min(self.selection)
        before = self.document.get_line(row)[:column]
        gap = " " if before and (before[-1].isalnum() or before[-1] in "_,)\"'") else ""
        self.replace(gap + name, *sorted(self.selection))

    @property
    def is_untouched(self) -> bool:
        """Whether there is nothing that somebody is at: no text, or all of it chosen."""
        return not self.text.strip() or set(self.selection) == {(0, 0), self.document.end}

    def point_at(self, position: int) -> None:
        """Put the cursor on a character."""
        self.move_cursor(self._location(position))

    def _location(self, position: int) -> Location:
        before = self.text[:position].split("\n")
        return len(before) - 1, len(before[-1])

    def get_line(self, line_index: int) -> Text:
        """A line as it is drawn: what may be pasted can hold what a terminal obeys. A character stays one."""
        return Text("\t".join(map(clean, self.document.get_line(line_index).split("\t"))), end="", no_wrap=True)

    # Colours. The base class has them of a parser of its own, which would be a dependency more.

    def _build_highlight_map(self) -> None:
        self._line_cache.clear()
        self._highlights.clear()
        starts = [0]
        for line in self.document.lines:
            starts.append(starts[-1] + len(line.encode("utf-8", "surrogatepass")) + 1)
        row = 0
        for start, end, kind in self._words(self.text):
            while row + 1 < len(starts) and starts[row + 1] <= start:
                row += 1
            for on in range(row, len(starts) - 1):
                if starts[on] >= end:
                    break
                begin, stop = max(start, starts[on]), min(end, starts[on + 1] - 1)
                self._highlights[on].append((begin - starts[on], stop - starts[on], kind))

    # Completion

    def update_suggestion(self) -> None:
        """Show behind the cursor how the word before it goes on; → takes that."""
        self.suggestion = self._rest_of_word() if self.selection.is_empty else ""

    def _rest_of_word(self) -> str:
        row, column = self.cursor_location
        line = self.document.get_line(row)
        word = _WORD.search(line[:column])
        if word is None or len(word[0]) < 2 or line[column : column + 1].strip():
            return ""
        begun = word[0].lower()
        whole = next((name for name in self._names if name.lower().startswith(begun)), begun)
        return whole[len(begun) :]

    # Keys

    async def _on_key(self, event: Key) -> None:
        if event.key == "enter" and self._is_whole():
            event.stop()
            event.prevent_default()
            self.ask()
            return
        await super()._on_key(event)

    def _is_whole(self) -> bool:
        """Whether enter can only mean to ask."""
        if not self.selection.is_empty:
            return self.is_untouched
        before = self.document.get_text_range((0, 0), self.cursor_location)
        after = self.document.get_text_range(self.cursor_location, self.document.end)
        return before.rstrip().endswith(";") and not after.strip()

    def ask(self) -> None:
        """Ask what is selected, else all."""
        if self.selection.is_empty:
            self.post_message(self.Asked(self.text, 0))
        else:
            start, end = sorted(self.selection)
            before = self.document.get_text_range((0, 0), start)
            self.post_message(self.Asked(self.document.get_text_range(start, end), len(before)))

    def begin(self) -> None:
        """Begin anew; undo brings back what was there."""
        self.replace("", (0, 0), self.document.end)
        self.focus()
