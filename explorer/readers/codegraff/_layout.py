"""Which files are of the format, what lies beside them, and in how many parts they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from explorer.readers._sqlite import MAGIC, Database, Unreadable, beside, database_of, open_database, unfinished
from explorer.readers.codegraff._spans import EVENTS

CONVERSATIONS = "conversations"
_EVENT_COLUMNS = {"id", "conversation_id", "agent_id", "parent_agent_id", "seq", "ts_ms", "kind", "payload"}
_CONVERSATION_COLUMNS = {"conversation_id", "workspace_id", "context", "created_at"}

_EVENTS_A_SHARE, _MOST_SHARES = 250_000, 16
"""A larger database is read in parts; their number depends on it alone, as the keys of findings do on the parts."""

_OF_EVENT = [
    re.compile(rb'"' + name + rb'"\s*:\s*' + value)
    for name, value in (
        (b"conversation_id", rb'"'), (b"agent_id", rb'"'), (b"seq", rb"-?\d"), (b"ts_ms", rb"\d"), (b"payload", rb"\{"),
    )
]  # fmt: skip
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{")
_DUMP = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"conversation"\s*:\s*\{')
_OF_CONVERSATION = (b'"context"', b'"messages"')

_TEXTS = frozenset((".json", ".jsonl", ".ndjson", ".txt", ""))


def claims(path: Path, head: bytes | None) -> bool:
    """A database with one of the two tables, a stream of events, or a dump of conversations."""
    if head is None:
        return False
    if head.startswith(MAGIC):
        return is_database(path, head)
    return path.suffix.lower() in _TEXTS and (is_stream(head) or is_dump(head))


def is_database(path: Path, head: bytes) -> bool:
    """Whether a file is a database with one of the tables."""
    if not head.startswith(MAGIC):
        return False
    if b"trajectory_events" in head or (b"workspace_id" in head and b"__diesel_schema_migrations" in head):
        return True
    if not any(file.name.endswith("-wal") and file.stat().st_size for file in beside(path)):
        return False
    try:  # what the log holds was not yet written to the file itself
        with open_database(path, bytes) as database:
            return bool(tables(database))
    except Unreadable:
        return False


def tables(database: Database) -> list[str]:
    """Which of the two tables there are."""
    return [
        table
        for table, wanted in ((EVENTS, _EVENT_COLUMNS), (CONVERSATIONS, _CONVERSATION_COLUMNS))
        if wanted <= set(database.columns(table))
    ]


def is_stream(head: bytes) -> bool:
    """Whether a file begins with an event."""
    if b'"conversation_id"' not in head:  # many times faster than the patterns
        return False
    return _OBJECT.match(head) is not None and all(mark.search(head) for mark in _OF_EVENT)


def is_dump(head: bytes) -> bool:
    """Whether a file begins with a conversation and its messages."""
    return _DUMP.match(head) is not None and all(mark in head for mark in _OF_CONVERSATION)


def places(environment: Mapping[str, str], home: Path) -> Sequence[Path]:
    """The one database of a user (crates/forge_config/src/reader.rs)."""
    base = environment.get("FORGE_CONFIG")
    return [directory / ".forge.db" for directory in ([Path(base)] if base else [home / "forge", home / ".forge"])]


def companions(path: Path) -> Sequence[Path]:
    """What SQLite keeps beside a database."""
    return beside(path)


def part_of(path: Path) -> Path | None:
    """The database that a log or a journal belongs to, if it is one of ours."""
    database = database_of(path)
    if database is None:
        return None
    with database.open("rb") as file:
        head = file.read(1 << 16)
    return database if claims(database, head) else None


def shares(path: Path) -> int:
    """A database of very many events is read in several parts; one that has to be copied first is not."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC or unfinished(path):
            return 1
    try:
        with open_database(path, bytes) as database:
            rows = database.execute(f"SELECT max(id) - min(id) FROM {EVENTS}") if EVENTS in tables(database) else []
    except Unreadable:
        return 1
    return min(_MOST_SHARES, round((rows[0][0] or 0) / _EVENTS_A_SHARE) or 1) if rows else 1
