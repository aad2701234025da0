"""One step: every field, and the text that was recorded, read from the source now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import ClassVar

from textual.binding import Binding, BindingType

from explorer.tui import humanize
from explorer.tui.screens.page import PageScreen
from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.sheet import Row, Sheet, wrap, wrapped

RECORD_LIMIT = 1 << 20
"""Bytes of a record that are read."""
_NUMBERS = 12
"""Numbers of a longer list that are shown; prompts hold thousands of block ids."""
_LINES = 4_000
"""Lines of a record that are laid out."""

_HOURS = frozenset({"start", "took", "wait"})


class StepScreen(PageScreen[None]):
    """Fields above, record below."""

    CLASSES = "dialog wide"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "close", id="step.close"),
        Binding("w", "fold", "fold/whole", id="step.fold", tooltip="Lists folded, or as recorded"),
        Binding("m", "messages", "messages", id="step.messages", tooltip="What it saw and wrote"),
        Binding("y", "copy", "copy record", id="step.copy"),
    ]  # fmt: skip

    def __init__(
        self, title: str, fields: Mapping[str, object], helps: Mapping[str, str], copy: Callable[[str], None],
        messages: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__()
        self._title = title
        self._fields = fields
        self._helps = helps
        self._copy = copy
        self._messages = messages
        self._record: str | None = None
        self._message = "reading the record …"
        self._folded = True

    @property
    def heading(self) -> str:
        """Which step of what."""
        return self._title

    def show_record(self, record: str | None) -> None:
        """Show what was read from the source."""
        self._record = record
        self._message = "The source does not tell where this step's record is." if record is None else ""
        self.query_one(Sheet).show(self.words, keep_scroll=True)

    def show_error(self, error: Exception) -> None:
        """Say why nothing was read."""
        self._message = f"The record could not be read: {error}"
        self.query_one(Sheet).show(self.words, keep_scroll=True)

    def words(self, width: int) -> Iterator[Row]:
        """The page."""
        label_width = max((len(name) for name in self._fields), default=0) + 2
        for name, value in self._fields.items():
            shown = show_field(name, value)
            head: Row = [(" " + fit(name, label_width), "note")]
            first, *more = wrapped(shown, width - label_width - 1, "strong")
            note = self._helps.get(name, "")
            room = width - label_width - 3 - len(shown)
            gap = " " * max(2, 14 - len(shown))
            tail: Row = [(gap + crop(note, room + 2 - len(gap)), "note")] if note and not more and room >= 12 else []
            yield [*head, *first, *tail]
            for row in more:
                yield [(" " * (label_width + 1), "note"), *row]
        yield []
        yield [
            ("Record", "title"),
            ("  as it stands in the source" if not self._folded else "  w shows it as it stands in the source", "note"),
        ]
        if self._record is None:
            yield from wrapped(self._message, width, "note", "  ")
            return
        text = fold(self._record) if self._folded else self._record
        rows = wrap(text, width)
        yield from islice(rows, _LINES)
        if next(rows, None) is not None:
            yield [(f"… cut off after {_LINES:,} lines; y copies the record", "note")]

    def action_fold(self) -> None:
        """Between folded and whole."""
        self._folded = not self._folded
        self.query_one(Sheet).show(self.words, keep_scroll=True)

    def action_copy(self) -> None:
        """Copy the record as it stands in the source."""
        if self._record is not None:
            self._copy(self._record)

    def action_messages(self) -> None:
        """Close, and go to its messages."""
        self.dismiss()
        self._messages()

    def action_close(self) -> None:
        """Back to the grid."""
        self.dismiss()


def show_field(name: str, value: object) -> str:
    """A field of the steps table in words."""
    if value is None or value == "":
        return humanize.NOT_RECORDED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{humanize.duration(value)} ({value:,} ms)" if name in _HOURS else humanize.number(value)
    return clean(str(value))


def fold(record: str) -> str:
    """A JSON record laid out line by line, its long lists of plain values cut short; anything else as it is."""
    try:
        return "\n".join(_lay_out(json.loads(record), "", ""))
    except (ValueError, RecursionError):
        return record


def _lay_out(value: object, indent: str, name: str) -> Iterator[str]:
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        yield f"{indent}{name}{{"
        for key, item in value.items():
            yield from _lay_out(item, deeper, f"{_plain(key)}: ")
        yield f"{indent}}}"
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        yield f"{indent}{name}["
        for item in value:
            yield from _lay_out(item, deeper, "")
        yield f"{indent}]"
    elif isinstance(value, list):
        shown = ", ".join(map(_plain, value[:_NUMBERS]))
        more = f", … {len(value) - _NUMBERS:,} more" if len(value) > _NUMBERS else ""
        yield f"{indent}{name}[{shown}{more}]"
    else:
        yield f"{indent}{name}{_plain(value)}"


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
