"""codegraff trajectories of generations 1 and 2, and the conversations that it shares with upstream forge.

Format: justrach/codegraff @e1bba44f (trajectory files @b4ba8081), justrach/codegraff2 pulls 129, 166, 167.

A source is a ``.forge.db``, a captured stream of events, or a ``/dump``. A trajectory names its runs by (conversation,
agent), which runs of one definition share that are at work together; ``_separate`` tells them apart. The database's
second table has the messages, and with them the model calls, their usage and their prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from explorer.model import Row
from explorer.readers import Report, Rows, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._sqlite import MAGIC, beside, database_of
from explorer.readers.codegraff import _database, _dump, _stream
from explorer.readers.codegraff._lookup import record as rows_of
from explorer.readers.codegraff._said import messages

__all__ = [
    "NAME", "SELF_CONTAINED", "VERSION", "claims", "companions", "messages", "part_of", "read", "record", "shares",
]  # fmt: skip

NAME = "codegraff"
VERSION = 1
SELF_CONTAINED = True

_TEXTS = frozenset((".json", ".jsonl", ".ndjson", ".txt", ""))


def claims(path: Path, head: bytes | None) -> bool:
    """A database with one of the two tables, a stream of events, or a dump of conversations."""
    if head is None:
        return False
    if head.startswith(MAGIC):
        return _database.is_database(path, head)
    return path.suffix.lower() in _TEXTS and (_stream.is_stream(head) or _dump.is_dump(head))


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
    """A database of very many events is read in several parts."""
    with path.open("rb") as file:
        return _database.shares(path) if file.read(len(MAGIC)) == MAGIC else 1


def read(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of one source, a conversation at a time."""
    findings = Findings(source.source_id, source.share[0])
    with source.path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(MAGIC):
        yield from _database.read_database(source, findings)
    elif _dump.is_dump(head):
        yield from _dump.read_dump(source, findings)
    else:
        yield from _stream.read_stream(source, findings)
    yield from findings.rest()
    yield Report(findings.bad_records)


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The recorded events of a step: rows of a database, or a stretch of a stream.

    Raises:
        OSError: they cannot be read any more.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            return rows_of(path, offset, length, limit)
        file.seek(offset)
        return file.read(min(length, limit))
