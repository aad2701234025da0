"""The prepared database, kept beside the parts that it was made of: what has not changed opens without preparing it.

Preparing takes most of a warm start, however little there is: DuckDB has to resolve a hundred relations that build on
one another. Copying them takes a tenth of that, so what was prepared is copied into a file, and from there into memory
at the next opening. Nothing is ever read from the file but that: it may be replaced or removed at any time.

The name of the file says what it was made of and what is in it. So it is used as it is, or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b, file_digest
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import duckdb

from explorer import __version__
from explorer.store.opening import Batch, Opening
from explorer.store.recipe import recipe
from explorer.store.sql import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

RECIPE = ("store/*.sql", "store/*.csv", "store/*.py", "model/*.py")
"""The files below the package that say what is in the database."""


class KeptDatabase:
    """Where the database of an opening is kept, whether it is there yet or not. Any thread may use it."""

    def __init__(self, directory: Path, inputs: str) -> None:
        self.directory = directory
        self.workshop = directory / f"tmp-{os.urandom(16).hex()}"
        """The one place where SQL has to be allowed to write, for the sake of ``write``."""
        self._name = f"kept-{inputs}-"
        self._lock = Lock()
        self._noted: DuckDBPyConnection | None = None

    @classmethod
    def of(cls, opening: Opening) -> KeptDatabase | None:
        """The place of one that may be kept."""
        if opening.cache is None or not opening.complete:
            return None
        try:
            return cls(opening.cache, made_of(opening.batches))
        except OSError:  # of a part, which is told when it is opened
            return None

    def load(self, connection: DuckDBPyConnection) -> bool:
        """Copy what is kept into a database in which there is nothing yet. False when it is not there, or damaged."""
        for path in self.directory.glob(f"{self._name}*"):
            with suppress(OSError, duckdb.Error):
                if path.name == self._name + _digest(path):
                    connection.execute(f"ATTACH {quoted(str(path))} AS kept (READ_ONLY)")
                    try:
                        connection.execute("COPY FROM DATABASE kept TO memory")
                    finally:
                        connection.execute("DETACH kept")
                    return True
        return False

    def note(self, connection: DuckDBPyConnection) -> None:
        """Hold on to what a database has in it now, to write that and nothing that comes into it later."""
        self._noted = connection.cursor()
        self._noted.execute("BEGIN TRANSACTION")
        self._noted.execute("FROM internal.live LIMIT 0")  # a transaction sees what there is when it first looks

    def write(self) -> None:
        """Keep what was noted, in place of what was kept before. Without success, the next opening prepares again."""
        with self._lock:
            if self._noted is None:
                return
            try:
                with suppress(OSError, duckdb.Error):
                    self._write(self._noted)
            finally:
                self._noted.close()
                self._noted = None
                shutil.rmtree(self.workshop, ignore_errors=True)

    def _write(self, noted: DuckDBPyConnection) -> None:
        self.workshop.mkdir()
        file = self.workshop / "database"
        noted.execute(f"ATTACH {quoted(str(file))} AS kept")
        try:
            noted.execute("COPY FROM DATABASE memory TO kept")
            noted.execute("COMMIT")
        except duckdb.Error:
            noted.execute("ROLLBACK")
            raise
        finally:
            noted.execute("DETACH kept")  # brings what is in its log into the file
        name = self._name + _digest(file)
        file.replace(self.directory / name)
        mine = (self.directory / name).stat().st_mtime_ns
        for path in self.directory.glob("kept-*"):
            # Only older ones: two that keep at once would remove each other's.
            with suppress(FileNotFoundError):
                if path.stat().st_mtime_ns < mine:
                    path.unlink()

    def forget(self) -> None:
        """Let go of what was noted: the database is about to be closed."""
        with self._lock:
            if self._noted is not None:
                self._noted.close()
                self._noted = None


def made_of(batches: Iterable[Batch]) -> str:
    """Changes whenever another database would be made.

    A part that was written over is another one, be it damaged or not.

    Raises:
        OSError: a part cannot be looked at.
    """
    parts = [
        (
            [(table, str(path), path.stat().st_size, path.stat().st_mtime_ns) for table, path in batch.files.items()],
            None if batch.live is None else sorted(batch.live),
            batch.prefix,
            sorted(batch.ancestors),
        )
        for batch in batches
    ]
    versions = __version__, duckdb.__version__, recipe(*RECIPE)
    return blake2b(json.dumps([versions, parts]).encode(), digest_size=8).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=8)).hexdigest()
