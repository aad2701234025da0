"""The recorded text itself, which stays in the source until somebody looks."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.readers import readers
from explorer.store.ingest.walk import state
from explorer.store.queries.scope import one

if TYPE_CHECKING:
    from collections.abc import Callable

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
            'SELECT s.source_id, s."offset", s.length, f.bytes, f.format '
            "FROM steps AS s LEFT JOIN sources AS f USING (source_id) WHERE s.run_id = $1 AND s.ordinal = $2",
            [run_id, step_ordinal],
        )
    if row is None or row[1] is None or row[2] is None or row[0] not in database.sources:
        return None
    source_id, offset, length, size, format_ = row
    path = database.sources[source_id]
    check_unchanged(database, source_id, size)
    recorded: Callable[[Path, int, int, int], bytes] = getattr(readers().get(format_), "record", _stretch)
    return recorded(path, offset, length, limit).decode("utf-8", "replace")


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
