"""Single rows of a database, read when somebody looks: the messages of a conversation, the events of a step."""

from __future__ import annotations

from pathlib import Path

import orjson

from explorer.readers._sqlite import Database, Unreadable, open_database
from explorer.readers.codegraff._contexts import Context
from explorer.readers.codegraff._database import LONGEST
from explorer.readers.codegraff._layout import CONVERSATIONS, tables
from explorer.readers.codegraff._spans import EVENTS


def context_of(database: Database, conversation_id: str) -> Context | None:
    """The messages of one conversation; None when none are kept."""
    if CONVERSATIONS not in tables(database):
        return None
    found = database.execute(
        f"SELECT CAST(context AS BLOB) FROM {CONVERSATIONS} "
        f"WHERE conversation_id = ? AND coalesce(length(context), 0) <= {LONGEST}",
        (conversation_id,),
    )
    try:
        return Context(conversation_id, None, None, None, None, orjson.loads(found[0][0])) if found else None
    except (orjson.JSONDecodeError, TypeError):
        return None  # told in the findings


def payloads_of(database: Database, offset: int, length: int) -> list[bytes]:
    """The payloads of a step's rows: the first row's, and those behind it that are of the same call."""
    rows = database.execute(
        f"SELECT CAST(payload AS BLOB) FROM {EVENTS} WHERE id >= ? AND id < ? AND conversation_id = "
        f"(SELECT conversation_id FROM {EVENTS} WHERE id = ?) ORDER BY id",
        (offset, offset + length, offset),
    )
    first = _call_id(rows[0][0]) if rows else None
    return [payload for number, (payload,) in enumerate(rows) if number == 0 or _call_id(payload) == first]


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The payloads of a step's rows, a line each.

    Raises:
        OSError: the database cannot be read any more.
    """
    try:
        with open_database(path, bytes) as database:
            payloads = payloads_of(database, offset, length)
    except Unreadable as error:
        raise OSError(f"the database cannot be read any more: {error}") from None
    if not payloads:
        raise OSError("the rows are not in the database any more: ctrl+r reads it again")
    return b"\n".join(payloads)[:limit]


def _call_id(payload: bytes) -> object:
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return found.get("call_id") if isinstance(found, dict) else None
