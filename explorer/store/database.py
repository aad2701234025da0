"""Open Parquet parts in DuckDB: tables, views, one cursor per query, locked down."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

import duckdb

from explorer.reuse.stopping import Stop, held, never
from explorer.store.kept_database import KeptDatabase
from explorer.store.laboratory import ALONE, SHARED, define_laboratory, names_laboratory
from explorer.store.opening import SOURCE_COLUMN as SOURCE_COLUMN
from explorer.store.opening import Batch as Batch
from explorer.store.opening import DamagedPart as DamagedPart
from explorer.store.opening import Opening as Opening
from explorer.store.readonly import Result, ask
from explorer.store.sql import listed

if TYPE_CHECKING:
    from explorer.store.recency import Tables

Cursor: TypeAlias = duckdb.DuckDBPyConnection
"""A connection of its own on the shared database: any thread may use it, ``interrupt()`` stops it from another."""

MEMORY_LIMIT = "1GB"
"""What DuckDB may hold before it spills to the temporary directory; the parts themselves stay on disk. Measured: a
hundred thousand runs take 350 MB in all, and half a million do not open with 384 MB."""

_THREADS = 4
"""At most; each takes memory of its own, and more gain little here."""


class TooLarge(Exception):
    """More runs than fit into memory; the message says what to do."""


class Database:
    """DuckDB over the parts, in memory. Close it when a newer one has taken its place.

    Raises:
        DamagedPart: a file of a batch cannot be used.
        TooLarge: there are too many runs.
    """

    def __init__(self, opening: Opening) -> None:
        self.sources = opening.roots
        self.companions = opening.companions
        self._traces = [(whole, *parts) for whole, parts in opening.parts.items()]
        self.complete = opening.complete
        self.paths = opening.paths
        self._hold = opening.hold
        self.part_bytes: dict[str, int] = {}
        """Bytes of the parts of each table."""
        self.lock = Lock()
        """Held while tables are made, which DuckDB refuses to two at once."""
        self._computing = Lock()
        self._computed: set[str] = set()
        for batch in opening.batches:
            for table, path in batch.files.items():
                with suppress(OSError):  # which is told when it is opened
                    self.part_bytes[table] = self.part_bytes.get(table, 0) + path.stat().st_size
        self._kept = KeptDatabase.of(opening)
        self._connection = duckdb.connect(":memory:", config=_settings())
        try:
            self._connection.execute("SET parquet_metadata_cache = true")
            if self._kept is not None and self._kept.load(self._connection):
                _lock_down(self._connection, opening.batches)
                return
            _make(self._connection, opening.batches, self._kept)
            if self._kept is not None:
                self._kept.note(self._connection)
        except BaseException:
            self._connection.close()
            raise

    def trace_of(self, source_id: str) -> dict[str, Path]:
        """A source and those that were read with it as one trace, with their paths; without those from an export."""
        trace = next((each for each in self._traces if source_id in each), (source_id,))
        return {each: self.sources[each] for each in trace if each in self.sources}

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        """A cursor for one query after another, each drained before the next."""
        cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def sql(self, query: str, cursor: Cursor | None = None, stop: Stop = never) -> Result:
        """Answer one read-only query of the user's. Whoever gives a cursor and ``stop`` can interrupt it.

        Raises:
            QueryError: it is not one, or it fails.
            Stopped: ``stop`` said so while something was computed for it.
        """
        self.make_ready(query, stop)
        return ask(self._connection.cursor() if cursor is None else cursor, query)

    def make_ready(self, query: str, stop: Stop = never) -> None:
        """Define and compute whatever a query or a filter of the user's names and opening does without.

        Raises:
            Stopped: ``stop``, which is asked from time to time, said so; nothing was filled.
        """
        if names_laboratory(query):
            self.define_laboratory()
        named = query.lower()
        if any(name in named for name in ALONE):  # shared_cache_curve is over what these hold in all
            self.compute(stop)
        if any(name in named for name in SHARED):
            from explorer.store.recency import compute_shared

            self._fill("shared", compute_shared, stop)

    def define_laboratory(self) -> None:
        """Define the relations of the reuse laboratory, if that was not done."""
        with self.lock, self.cursor() as cursor:
            if "laboratory" not in self._computed:
                define_laboratory(cursor)
                self._computed.add("laboratory")

    def compute(self, stop: Stop = never) -> None:
        """Fill the tables that take one pass over all prompts (``model.COMPUTED``), if that was not done.

        The relations of the laboratory are there afterwards.

        Raises:
            Stopped: ``stop``, which is asked from time to time, said so; nothing was filled.
        """
        # Imported here, as below: most who open a directory ask for none of it.
        from explorer.store.recency import compute

        self.define_laboratory()
        self._fill("alone", compute, stop)

    def _fill(self, what: str, compute: Callable[[Cursor, Stop], Tables], stop: Stop) -> None:
        """Fill tables, if that was not done. Others may make tables and ask meanwhile, all but compute something."""
        from explorer.store.calls import fill

        if what in self._computed:
            return
        with held(self._computing, stop), self.cursor() as cursor:
            if what in self._computed:  # by whoever was waited for
                return
            tables = compute(cursor, stop)
            with self.lock:
                fill(cursor, tables)
            self._computed.add(what)

    def keep(self) -> None:
        """Keep what opening has prepared, so that the next one need not: once there is nothing more urgent.

        Without success, as on a full disk, nothing is lost but time.
        """
        if self._kept is not None:
            self._kept.write()

    def close(self) -> None:
        """Free the memory and any temporary files."""
        if self._kept is not None:
            self._kept.forget()
        self._connection.close()
        self._hold = None


def _make(connection: Cursor, batches: Sequence[Batch], kept: KeptDatabase | None) -> None:
    """Everything from the parts."""
    # Imported here: what is kept needs no numpy, slow to load.
    from explorer.store.part_views import check_content, check_parts, open_parts
    from explorer.store.prepare import prepare

    check_parts(connection, batches)
    open_parts(connection, batches)
    _lock_down(connection, batches, kept.workshop if kept else None)
    try:
        prepare(connection)
    except duckdb.OutOfMemoryException as error:
        raise TooLarge(f"more runs than fit into {MEMORY_LIMIT} of memory: open a part of the directory") from error
    except duckdb.Error:
        # Footers were in order; a part that is damaged further in shows only when it is read.
        check_content(connection, batches)
        raise


def _settings() -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": MEMORY_LIMIT,
        "threads": min(os.cpu_count() or 1, _THREADS),
        "temp_directory": str(Path(tempfile.gettempdir()) / f"trace-explore-{secrets.token_hex(8)}"),
        "errors_as_json": True,
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }


def _lock_down(connection: Cursor, batches: Sequence[Batch], workshop: Path | None = None) -> None:
    """From here on, SQL reaches the parts, what is below the workshop, and nothing else outside."""
    files = [str(path) for batch in batches for path in batch.files.values()]
    connection.execute(f"SET allowed_paths = {listed(files)}")
    if workshop is not None:
        connection.execute(f"SET allowed_directories = {listed([str(workshop)])}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
