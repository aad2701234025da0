"""Where one message of a line stands: the line, and which of its messages, so that a hand-off shows no whole history.

In the column for the length, the lowest 32 bits are the bytes of the line, and the others which of its parts it is: 0
all of it, 1 the answer, n + 2 the n-th message of the prompt, from 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from explorer.readers._json_lines import Line, recorded
from explorer.readers._openai._items import items_of
from explorer.readers._records import MAX_RECORD, loads
from explorer.readers.openai_messages._exchange import Exchange, exchange_of

Place: TypeAlias = tuple[int, int]
"""Offset and length, as in the tables."""

_BITS = 32


def answer_at(line: Line) -> Place:
    """The place of the answer of a line."""
    return line.offset, line.length | 1 << _BITS


def message_at(line: Line, number: int) -> Place:
    """The place of a message of its prompt."""
    return line.offset, line.length | (number + 2) << _BITS


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """A line, or the text of one of its messages.

    Raises:
        OSError: the file is gone, or not what it was.
    """
    part, size = length >> _BITS, length & (1 << _BITS) - 1
    if not part:
        return recorded(path, offset, size, limit)
    exchange = exchange_at(path, offset, size)
    if exchange is None:
        raise OSError("the line is not what it was")
    messages = exchange.answers[:1] if part == 1 else exchange.messages[part - 2 : part - 1]
    texts = [item.text for message in messages for item in items_of(message) if item.text]
    return "\n".join(texts).encode("utf-8", "replace")[:limit]


def exchange_at(path: Path, offset: int, length: int) -> Exchange | None:
    """The call that a line tells of; None if it does not any more.

    Raises:
        OSError: the file is gone, or not what it was.
    """
    try:
        fields = loads(recorded(path, offset, length, MAX_RECORD))
    except ValueError:
        return None
    return exchange_of(fields) if isinstance(fields, dict) else None
