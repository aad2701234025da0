"""Columns become typed Parquet parts. A batch is a directory of them, one file per table that has rows."""

from __future__ import annotations

import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import polars as pl

from explorer.model import ALL_TABLES, Repeated, joined
from explorer.store.column_types import polars_schema
from explorer.store.ingest.task import Columns
from explorer.store.opening import SOURCE_COLUMN, Batch

_SCHEMAS = {name: polars_schema(table) | {SOURCE_COLUMN: pl.String()} for name, table in ALL_TABLES.items()}

FRAME_ROWS = 10_000
"""Rows of a table that are collected before they become a frame: few enough that a screen stays smooth meanwhile."""


PROBE_BYTES = 1 << 20
"""Written after a failure, to hear from the system whether more can be written at all."""

_Values: TypeAlias = Sequence[Sequence[object]]
"""A table as columns, in the order of its schema."""


class Parts:
    """Rows that wait to be written: as columns while they are few, then as typed frames."""

    def __init__(self) -> None:
        self.rows = 0
        self.unfit: dict[str, str] = {}
        """Readings with a value that no column holds, and what it is; some of their rows are left out."""
        self._columns: dict[str, list[list[Sequence[object]]]] = {}  # in pieces
        self._counts: Counter[str] = Counter()  # the rows of these
        self._frames: dict[str, list[pl.DataFrame]] = {}
        self._readings: set[str] = set()

    def keep(self, tables: Columns, reading: str) -> None:
        """Add the rows of a reading."""
        for name, new in tables.items():
            columns_ = self._columns.setdefault(name, [[] for _ in _SCHEMAS[name]])
            rows = len(new[0])
            for column, values in zip(columns_, (*new, Repeated(reading, rows)), strict=True):
                column.append(values)
            self.rows += rows
            self._counts[name] += rows
            if self._counts[name] >= FRAME_ROWS:
                self._frame(name)
        self._readings.add(reading)

    def _frame(self, name: str) -> None:
        values = list(map(joined, self._columns.pop(name)))
        del self._counts[name]
        try:
            frames = [_typed(name, values)]
        except _UNFIT:
            frames = self._fitting(name, values)
        if frames:
            self._frames.setdefault(name, []).extend(frames)

    def _fitting(self, name: str, values: _Values) -> list[pl.DataFrame]:
        """A frame for each reading whose values fit: the mistake of one reader costs its source alone."""
        rows: dict[str, list[int]] = {}
        for row, reading in enumerate(values[-1]):
            rows.setdefault(str(reading), []).append(row)
        frames = []
        for reading, own in rows.items():
            try:
                frames.append(_typed(name, [[column[row] for row in own] for column in values]))
            except _UNFIT as error:
                self.unfit[reading] = f"{name}: {str(error).splitlines()[0]}"
        return frames

    def write(self, directory: Path) -> tuple[str, dict[str, int], list[str]] | None:
        """Write a batch, whole or not at all: its name, the bytes of its parts, its readings. None without rows.

        Raises:
            OSError: the disk is full, read-only, or not ours.
        """
        for name in list(self._columns):
            self._frame(name)
        if not self._frames:
            return None
        with _batch(directory) as (temporary, name):
            for table, frames in self._frames.items():
                pl.concat(frames).write_parquet(temporary / f"{table}.parquet", compression="zstd", statistics=True)
        written = name, sizes(directory / name), sorted(self._readings)
        self.rows, self._frames, self._readings = 0, {}, set()
        return written


_UNFIT = (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError)


def _typed(name: str, values: _Values) -> pl.DataFrame:
    columns_ = zip(_SCHEMAS[name].items(), values, strict=True)
    return pl.DataFrame([_series(column, kind, own) for (column, kind), own in columns_])


def _series(name: str, kind: pl.DataType | type[pl.DataType], values: Sequence[object]) -> pl.Series:
    if values and values[0] is None and not isinstance(values, Repeated) and values.count(None) == len(values):
        values = Repeated(None, len(values))  # many columns, and slow to find out there
    if isinstance(values, Repeated):
        return pl.Series(name, [values.value], kind, strict=True).new_from_index(0, len(values))
    return pl.Series(name, values, kind, strict=True)


def merge_batches(directory: Path, batches: Iterable[Batch]) -> tuple[str, dict[str, int]]:
    """Rewrite batches as one, with the rows that count only, in constant memory: its name and the bytes of its parts.

    Raises:
        OSError: the disk is full, read-only, or not ours.
    """
    sources = list(batches)
    with _batch(directory) as (temporary, name):
        for table in ALL_TABLES:
            scans = scan(sources, table)
            if scans is not None:
                scans.sink_parquet(temporary / f"{table}.parquet", compression="zstd", statistics=True)
    return name, sizes(directory / name)


def scan(batches: Iterable[Batch], table: str) -> pl.LazyFrame | None:
    """The rows of a table that count; None when no batch has any."""
    scans = []
    for batch in batches:
        if table in batch.files:
            rows = pl.scan_parquet(batch.files[table], glob=False)
            scans.append(rows if batch.live is None else rows.filter(pl.col(SOURCE_COLUMN).is_in(sorted(batch.live))))
    return pl.concat(scans) if scans else None


def empty(table: str) -> pl.LazyFrame:
    """A table without rows."""
    return pl.LazyFrame(schema=_SCHEMAS[table])


def sizes(directory: Path) -> dict[str, int]:
    """Table -> bytes of its part in a batch."""
    return {entry.name.removesuffix(".parquet"): entry.stat().st_size for entry in os.scandir(directory)}


@contextmanager
def _batch(directory: Path) -> Iterator[tuple[Path, str]]:
    """A directory to write parts into, which becomes a batch in one move when nothing went wrong."""
    identity = uuid.uuid4().hex
    temporary, name = directory / f"tmp-{identity}", f"batch-{identity}"
    try:
        temporary.mkdir()
        yield temporary, name
        temporary.rename(directory / name)
    except pl.exceptions.PolarsError as error:
        raise _cause(error, temporary) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # gone already when it has become a batch


def _cause(error: pl.exceptions.PolarsError, directory: Path) -> OSError:
    """What the system says of writing there: to the writer of Parquet a full disk may look like a bad file."""
    try:
        (directory / "probe").write_bytes(bytes(PROBE_BYTES))
    except OSError as refusal:
        return refusal
    return OSError(str(error))
