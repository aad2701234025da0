"""Which files hold messages, and in which of the shapes that there are: no standard says.

Claimed is a file whose first object is one of these; any object with a ``role`` somewhere is not.

* a request with its answer: ``request`` (or ``body``, or the fields themselves) with ``messages`` or ``input``, beside
  a ``response`` or ``choices``; a line of a batch, ``custom_id`` with a ``body`` or a ``response``; a request alone,
  with ``model`` and ``messages`` of which none is an answer, or the last is none and a parameter stands beside them;
* a conversation: ``messages``, a list of objects with a known ``role`` each;
* a message: a known ``role`` beside ``content``, ``tool_calls`` or ``function_call``.

Not what has a field by which it is another recorder's, as Claude Code's ``sessionId``.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from explorer.readers._json_lines import SUFFIXES
from explorer.readers._openai._items import has_role
from explorer.readers._records import loads
from explorer.readers.openai_messages._exchange import is_exchange
from explorer.readers.openai_messages._head import begun

Shape: TypeAlias = Literal["requests", "conversations", "messages", "document"]
"""A request on each line, a conversation on each, a message on each; or one value over several lines."""

_FOREIGN = frozenset((
    "uuid", "parentUuid", "sessionId", "leafUuid", "payload", "hash_ids", "trajectory_format", "schema_version",
    "resourceSpans", "resource_spans", "requests", "samples", "eval", "trajectory", "history", "goal_id", "seq", "ev",
    "kind", "pid", "ts_ms", "event_type", "schema", "record_type",
))  # fmt: skip
"""Fields of other recorders' records."""

_ANSWERED = ("tool_calls", "function_call")
_GZIP = b"\x1f\x8b"
_MOST_TRIES = 20
_MARKS = (b'"role"', b'"input"', b'"custom_id"')
_MARKS_OF_OTHERS = (b'"trajectory_format"', b'"model_stats"', b'"mini_version"')
"""Keys of mini-swe-agent that may stand behind what is damaged; in a text they would be escaped."""


def claims(path: Path, head: bytes | None) -> bool:
    """Whether the first object in a file is a request, a conversation or a message."""
    return head is not None and path.suffix.lower() in SUFFIXES and shape_of(head) is not None


@lru_cache(maxsize=1)
def shape_of(head: bytes) -> Shape | None:
    """The shape of a file with this head; None for one that is not of the format."""
    is_packed = head.startswith(_GZIP)
    if is_packed:
        try:
            head = zlib.decompressobj(31).decompress(head, 4 * len(head))
        except zlib.error:
            return None
    if not any(mark in head for mark in _MARKS) or any(mark in head for mark in _MARKS_OF_OTHERS):
        return None
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    *whole, last = head.split(b"\n", _MOST_TRIES)[:_MOST_TRIES]
    for text in (*whole, last):
        try:
            found = loads(text) if text.strip() else None
        except ValueError:
            continue
        if isinstance(found, dict):
            return _of_lines(found)
        if isinstance(found, list) and not is_packed:
            return _of_document(found)
    value = begun(head.decode("utf-8", "replace"))
    if not whole and isinstance(value, dict):  # a first line that is longer than the head
        return _of_lines(value)
    return None if is_packed else _of_document(value)


def _of_lines(fields: dict[str, object]) -> Shape | None:
    if not _FOREIGN.isdisjoint(fields):
        return None
    if is_exchange(fields):
        return "requests"
    if is_conversation(fields):
        return "conversations"
    return "messages" if is_message(fields) else None


def _of_document(value: object) -> Shape | None:
    """One value over several lines: a conversation, a list of such, or a list of messages."""
    if isinstance(value, list):
        first = value[0] if value else None
        of_messages = all(map(is_message, value)) and bool(value)
        return "document" if of_messages or (isinstance(first, dict) and _is_plain(first)) else None
    return "document" if isinstance(value, dict) and _is_plain(value) else None


def _is_plain(fields: dict[str, object]) -> bool:
    return _FOREIGN.isdisjoint(fields) and is_conversation(fields)


def is_conversation(fields: dict[str, object]) -> bool:
    """Whether an object holds messages."""
    return are_messages(fields.get("messages"))


def are_messages(messages: object) -> bool:
    """Whether a list is one of messages, and not empty."""
    return isinstance(messages, list) and bool(messages) and all(map(has_role, messages))


def is_message(message: object) -> bool:
    """Whether a value is a message."""
    if not isinstance(message, dict) or not _FOREIGN.isdisjoint(message) or not has_role(message):
        return False
    return isinstance(message.get("content", 0), str | list | None) or any(key in message for key in _ANSWERED)
