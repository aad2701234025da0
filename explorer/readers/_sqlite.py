"""SQLite databases of recorders: opened without a trace of us beside them, and read past damaged pages.

SQLite's own rules: https://www.sqlite.org/wal.html (a reader of a write-ahead log wants to write a ``-shm`` file beside
it), https://www.sqlite.org/uri.html (``immutable`` takes no locks and ignores the log), and
https://www.sqlite.org/fileformat.html (the header).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

MAGIC = b"SQLite format 3\0"

_PAGE_COUNT = 28
"""Where in the header the number of pages is."""

_ROWS_AT_ONCE = 64
"""Rows that are fetched together: few enough that they are still in the processor's cache when they are looked at."""

_FAILURES = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What Python's module raises for damage: the second where the message would quote text that is none."""

_ATTEMPTS = 3
"""Times a database that is being written to is copied, in the hope of a moment in which it is not."""


class Unreadable(Exception):
    """No database, or one that is damaged where everything else hangs on it."""


class Damage(NamedTuple):
    """Rows that could not be read."""

    table: str
    message: str


_BESIDE = ("-wal", "-shm", "-journal")


def beside(path: Path) -> list[Path]:
    """The files that SQLite keeps beside a database, as far as they exist."""
    return [file for ending in _BESIDE if (file := Path(f"{path}{ending}")).is_file()]


def logs(path: Path) -> list[Path]:
    """Those of them that hold changes; the rest is only a table of contents."""
    return [file for file in beside(path) if not file.name.endswith("-shm")]


def unfinished(path: Path) -> list[Path]:
    """Logs that hold changes which were not yet taken over, or not finished."""
    return [file for file in logs(path) if (status := _stat(file)) and status.st_size]


def database_of(path: Path) -> Path | None:
    """The database beside which SQLite keeps this file, if it exists."""
    if not path.name.endswith(_BESIDE):  # as of nearly every file
        return None
    for ending in _BESIDE:
        if path.name.endswith(ending) and len(path.name) > len(ending):
            database = path.with_name(path.name.removesuffix(ending))
            return database if database.is_file() else None
    return None


def record(path: Path, offset: int, length: int, limit: int, rows: Callable[[Path, int, int, int], bytes]) -> bytes:
    """What is recorded at a place: of a database by ``rows``, of anything else a stretch of its bytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) == MAGIC:
            return rows(path, offset, length, limit)
        file.seek(offset)
        return file.read(min(length, limit))


def text(value: bytes) -> str:
    r"""Recorded text; bytes that are not UTF-8 become ``\\xNN``."""
    return value.decode("utf-8", "backslashreplace")


class Database:
    """A database that is open for reading."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.damage: list[Damage] = []
        """What could not be read so far."""
        self._path = path
        self._connection = connection
        self._state = _state(path)

    def changed(self) -> bool:
        """Whether somebody has written to the database since it was opened, so that rows may be torn or missing."""
        return _state(self._path) != self._state

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table; none when there is no such table."""
        rows = self.execute("SELECT name FROM pragma_table_info(?)", (table,))
        return tuple(text(name) if isinstance(name, bytes) else name for (name,) in rows)

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of an answer, or those before the damage that ends it."""
        rows: list[tuple[Any, ...]] = []
        try:
            for row in self._connection.execute(sql, parameters):
                rows.append(row)
        except _FAILURES as error:
            self.damage.append(Damage("", f"a query failed: {error}"))
        return rows

    def scan(
        self, table: str, columns: Sequence[str], where: str = "true", parameters: Sequence[object] = (),
        key: str = "id", start: int = -(1 << 63),
    ) -> Iterator[tuple[Any, ...]]:  # fmt: skip
        """Rows in order of their integer key, the first of the columns, from one on. Damaged ones are left out."""
        return chain.from_iterable(self.batches(table, columns, where, parameters, key, start))

    def batches(
        self, table: str, columns: Sequence[str], where: str = "true", parameters: Sequence[object] = (),
        key: str = "id", start: int = -(1 << 63),
    ) -> Iterator[list[tuple[Any, ...]]]:  # fmt: skip
        """The same, several rows at once."""
        assert columns[0] == key
        # The plus keeps SQLite from sorting by an index what lies in order of the key.
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE {key} >= ? AND ({where}) ORDER BY {key}"
        at_once = _ROWS_AT_ONCE
        while True:
            try:
                cursor = self._connection.execute(query, (start, *parameters))
                while rows := cursor.fetchmany(at_once):
                    if rows[-1][0] < start:  # a damaged tree leads back, which would never end
                        raise sqlite3.DatabaseError("keys out of order")
                    yield rows
                    start = rows[-1][0] + 1
                return
            except _FAILURES as error:
                if at_once > 1:  # those before the damage were fetched with it
                    at_once = 1
                    continue
                following = self._behind(f"{query} LIMIT 1", start, parameters)
                if following is not None and following <= start:
                    following = None
                lost = f"from {start:,}" if start > -(1 << 63) else "from the first"
                lost += " on" if following is None else f" to {following - 1:,}"
                self.damage.append(Damage(table, f"rows {lost} of {table} cannot be read ({error})"))
                if following is None:
                    return
                start, at_once = following, _ROWS_AT_ONCE

    def _behind(self, query: str, start: int, parameters: Sequence[object]) -> int | None:
        """The lowest key behind a damaged place from which rows can be read again; None when there is none."""

        def readable(offset: int) -> int | None:
            try:
                row = self._connection.execute(query, (base + offset, *parameters)).fetchone()
            except _FAILURES:
                return None
            return row[0] if row else None

        base = max(start, -1)
        bad, good = 0, 1
        while (found := readable(good)) is None:
            bad, good = good, good * 2
            if good > 1 << 48:
                return None
        while good - bad > 1:
            middle = (bad + good) // 2
            nearer = readable(middle)
            if nearer is None:
                bad = middle
            else:
                good, found = middle, nearer
        return found


@contextmanager
def open_database(path: Path, text_factory: Callable[[bytes], Any] = text) -> Iterator[Database]:
    """Open a database to read it, its write-ahead log included, with nothing written where it lies.

    A log that was not yet taken over, or a journal of a change that was not finished, needs SQLite to write: then a
    copy of both is opened.

    Raises:
        Unreadable: it is no database, or nothing in it can be read.
        OSError: the file cannot be opened or copied.
    """
    with path.open("rb") as opened:
        head = opened.read(100)
    if not head.startswith(MAGIC):
        raise Unreadable("not an SQLite database")
    waiting = unfinished(path)
    pages = _missing_pages(head, path.stat().st_size) if not waiting else None
    if not waiting and pages is None:
        yield from _opened(path, f"file:{quote(os.fsencode(path))}?mode=ro&immutable=1", text_factory, None)
        return
    with tempfile.TemporaryDirectory(prefix="trace-explore-") as directory:
        copy = Path(directory) / "database"
        for _ in range(_ATTEMPTS):
            before = _state(path)
            shutil.copyfile(path, copy)
            for file in waiting:
                target = Path(f"{copy}{file.name.removeprefix(path.name)}")
                target.unlink(missing_ok=True)
                with suppress(FileNotFoundError):  # it has just been taken over
                    shutil.copyfile(file, target)
            if _state(path) == before:
                break
        if pages is not None:
            # SQLite opens no file that is shorter than its header says, and none with a table that begins beyond its
            # end: what is missing becomes a hole of zeros, which is damage only where it is asked for.
            with suppress(OSError):  # the header names more than a file may hold
                os.truncate(copy, pages.there * pages.size)
                os.truncate(copy, pages.wanted * pages.size)
        yield from _opened(path, f"file:{quote(os.fsencode(copy))}", text_factory, pages)


class _Pages(NamedTuple):
    """Of a database that was cut off."""

    there: int
    wanted: int
    size: int
    """Bytes of each."""


def _missing_pages(head: bytes, size: int) -> _Pages | None:
    """How many pages there are and should be, where some are missing at the end."""
    if len(head) < 100 or head[24:28] != head[92:96]:  # the count holds only for the version that it was written with
        return None
    page = int.from_bytes(head[16:18], "big")
    page, wanted = 1 << 16 if page == 1 else page, int.from_bytes(head[_PAGE_COUNT : _PAGE_COUNT + 4], "big")
    return _Pages(size // page, wanted, page) if page and 0 < size // page < wanted else None


def _opened(path: Path, uri: str, text_factory: Callable[[bytes], Any], pages: _Pages | None) -> Iterator[Database]:
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.text_factory = text_factory
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
            connection.execute("PRAGMA query_only = true")
        except _FAILURES as error:
            raise Unreadable(str(error)) from None
        database = Database(path, connection)
        if pages is not None:
            message = f"the database is cut off: {pages.there:,} of {pages.wanted:,} pages are there"
            database.damage.append(Damage("", message))
        yield database


def _state(path: Path) -> tuple[tuple[str, int, int], ...]:
    """By what it is seen that a database was written to."""
    files = [path, *logs(path)]
    return tuple((file.name, status.st_size, status.st_mtime_ns) for file in files if (status := _stat(file)))


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:  # gone since it was listed
        return None
