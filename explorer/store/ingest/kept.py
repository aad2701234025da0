"""What is known of the sources: what the cache has, and what has been read and waits to be written there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from explorer.model import Row
from explorer.store.ingest import IngestError
from explorer.store.ingest.cache import Cache, Entry
from explorer.store.ingest.columnar import as_columns
from explorer.store.ingest.outcome import CONTENT, unread
from explorer.store.ingest.task import Columns
from explorer.store.ingest.walk import Found
from explorer.store.opening import Batch

if TYPE_CHECKING:
    from explorer.store.ingest.parts import Parts

MOST_PENDING_ROWS = 400_000
"""Rows held in memory before they are written."""

MOST_BATCHES = 8
"""Batches above which they are merged: opening costs a few files per batch."""


class Kept:
    """The readings that count, written or not."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.manifest = cache.load()
        self._saved = self.manifest.copy()
        self._dead = {reading for readings in self.manifest.readings.values() for reading in readings}
        self._dead -= self.manifest.live()
        self._finished: list[tuple[Found, Entry]] = []  # read, but not yet in a written batch
        self._replacing: set[str] = set()

    def entries(self) -> list[Entry]:
        """The last reading of every source, written or not."""
        finished = {entry.source_id: entry for _, entry in self._finished}
        return list({**self.manifest.entries, **finished}.values())

    def keep(self, tables: Columns, reading: str) -> None:
        """Take rows of a reading.

        Raises:
            IngestError: they are to be written, and cannot be.
        """
        self._parts.keep(tables, reading)
        if self._parts.rows > MOST_PENDING_ROWS:
            self.write()

    def finish(self, found: Found, entry: Entry) -> None:
        """A reading has ended; it counts once it is written."""
        self._finished.append((found, entry))
        self._replacing.discard(entry.reading)

    def note(self, found: Found, rows: Iterable[Row], reader: str | None, **fields: Any) -> None:
        """What became of a source that was not read by itself; ``fields`` of its entry."""
        reading = new_reading()
        self.keep(as_columns(rows), reading)
        self.finish(found, Entry(found.source_id, *state_of(found), reader, reading, **fields))

    def note_unread(self, found: Found, problem: str) -> None:
        """A source that no reader gets to see."""
        self.note(found, unread(found, problem), None, problem=None if problem in CONTENT else problem)

    def replaces(self, reading: str) -> None:
        """Until this reading has ended, what its source was read to before counts."""
        self._replacing.add(reading)

    def forget(self, source_id: str) -> None:
        """A source's earlier reading no longer counts."""
        entry = self.manifest.entries.pop(source_id, None)
        if entry:
            self._dead.add(entry.reading)

    def share(self, reading: str | None, digest: str = "") -> None:
        """Replace the reading that holds the reuse in shared namespaces."""
        if self.manifest.shared:
            self._dead.add(self.manifest.shared[0])
        self.manifest.shared = (reading, digest) if reading else None

    @cached_property
    def _parts(self) -> Parts:
        # Made on first use: opening what has not changed needs no polars, slow to load.
        from explorer.store.ingest.parts import Parts

        return Parts()

    def write(self) -> None:
        """Write what is pending as a batch; readings that have ended count from then on.

        Raises:
            IngestError: it cannot be written.
        """
        self._flush()
        if "_parts" in self.__dict__ and self._parts.unfit:
            self._give_up_unfit()
            self._flush()
        for _, entry in self._finished:
            self.forget(entry.source_id)
            self.manifest.entries[entry.source_id] = entry
        self._finished = []

    def _flush(self) -> None:
        try:
            written = self._parts.write(self.cache.directory) if "_parts" in self.__dict__ else None
        except OSError as error:
            raise IngestError(
                f"cannot write what was read to {self.cache.directory}: {error.strerror or error}. "
                "Free some space, or name another directory with --cache-dir."
            ) from None
        if written:
            name, self.manifest.batches[name], self.manifest.readings[name] = written

    def _give_up_unfit(self) -> None:
        """A source with a value that no column holds is not shown, and says so."""
        unfit = self._parts.unfit
        self._dead.update(unfit)
        given_up = [(found, entry) for found, entry in self._finished if entry.reading in unfit]
        self._finished = [each for each in self._finished if each not in given_up]
        for found, entry in given_up:
            self.note_unread(found, f"the {entry.reader} reader failed: {unfit[entry.reading]}")

    def batches(self) -> list[Batch]:
        """What has been written and counts."""
        batches = []
        for name, readings in self.manifest.readings.items():
            live = frozenset(readings) - self._dead - self._replacing
            if live:
                tables = self.manifest.batches[name]
                batches.append(self.cache.batch(name, tables, None if len(live) == len(readings) else live))
        return batches

    def merge(self) -> None:
        """Keep the number of parts small, and drop rows that no longer count when they are many.

        Raises:
            OSError: the parts cannot be read or written.
        """
        live = self.manifest.live()
        for name in [batch for batch, readings in self.manifest.readings.items() if live.isdisjoint(readings)]:
            del self.manifest.batches[name], self.manifest.readings[name]
        written = sum(len(readings) for readings in self.manifest.readings.values())
        if len(self.manifest.batches) <= MOST_BATCHES and written <= 2 * len(live) + MOST_BATCHES:
            return
        from explorer.store.ingest.parts import merge_batches

        name, sizes = merge_batches(self.cache.directory, self.batches())
        self.manifest.batches, self.manifest.readings = {name: sizes}, {name: sorted(live)}

    def save(self) -> None:
        """Let the cache know, and remove there what nobody needs.

        Raises:
            OSError: it cannot be written.
        """
        if self.manifest != self._saved:
            self.cache.save(self.manifest)
            self._saved = self.manifest.copy()
        self.cache.clean(self.manifest)


def new_reading() -> str:
    """A name that tells one reading of a source from all others."""
    return os.urandom(6).hex()


def state_of(found: Found) -> tuple[int, int]:
    """Size and time of change, by which a source is known to be as it was."""
    return found.size or 0, found.mtime_ns or 0
