"""The recorded text itself, which stays in the source until somebody looks."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.readers import readers, recorded
from explorer.store.ingest.walk import state
from explorer.store.queries.scope import one

if TYPE_CHECKING:
    from explorer.store.database import Database


def record(database: Database, run_id: str, step_ordinal: int, limit: int = 1 << 20) -> str | None:
    """The recorded text of one step, read from its source now; None when the source does not tell where it is.

    At most ``limit`` bytes; what is not UTF-8 is replaced.

    Raises:
        OSError: the source cannot be read any more, or is not the file that was read.
    """
    with database.cursor() as cursor:
        row = one(
            cursor,
            'SELECT source_id, "offset", length FROM steps WHERE run_id = $1 AND ordinal = $2',
            [run_id, step_ordinal],
        )
    return None if row is None else stretch(database, *row, limit=limit)


def stretch(database: Database, source_id: str, offset: int | None, length: int | None, *, limit: int) -> str | None:
    """The recorded text at a place of a source, as ``record`` reads it.

    Raises:
        OSError: the source cannot be read any more, or is not the file that was read.
    """
    if offset is None or length is None or source_id not in database.sources:
        return None
    with database.cursor() as cursor:
        row = one(cursor, "SELECT bytes, format FROM sources WHERE source_id = $1", [source_id])
    size, format_ = row or (None, None)
    path = database.sources[source_id]
    check_unchanged(database, source_id, size)
    reader = readers().get(format_)
    text = recorded(reader, path, offset, length, limit) if reader is not None else None
    return (_stretch(path, offset, length, limit) if text is None else text).decode("utf-8", "replace")


def check_unchanged(database: Database, source_id: str, size: int | None) -> None:
    """Make sure that a source, ``size`` bytes long when it was read, is still what was read.

    Raises:
        OSError: it is not, or cannot be looked at.
    """
    path = database.sources[source_id]
    companions = [(Path(name), bytes_) for name, bytes_, _ in database.companions.get(source_id, ())]
    is_same = size in (None, state(path)[0]) and (path.is_file() or path.is_dir())
    if not is_same or any(map(_has_changed, companions)):
        raise OSError(errno.ESTALE, "the file has changed since it was read: ctrl+r reads it again", str(path))


def _has_changed(companion: tuple[Path, int]) -> bool:
    path, size = companion
    try:
        return path.stat().st_size != size
    except FileNotFoundError:
        return True


def _stretch(path: Path, offset: int, length: int, limit: int) -> bytes:
    """Bytes of a file: where a record is in most formats."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(min(length, limit))
