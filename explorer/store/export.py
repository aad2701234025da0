"""Runs that leave as Parquet, with everything that belongs to them.

``OUT.parquet`` is ``run_totals`` of the kept runs. Any other name becomes a directory of all tables that opens again:
the kept runs, the runs above them in the tree and those that spawned them, the first run of each agent (it tells what
the agent hangs below), those with steps that may be of these, their agents and conversations, and every row that hangs
on one of these.

Reopened, such a directory shows the same numbers of its own for every run in it, the reuse included: that is stored
and not computed anew. ``total_`` numbers add up what is in the export, so they are the same where everything below a
run was kept. All findings are exported, those of rules too; a rule that finds one of them again adds nothing.

Equal data exported with equal words gives equal bytes: rows are sorted by their keys and no time is written.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from explorer import __version__
from explorer.model import ALL_TABLES
from explorer.store import bundle
from explorer.store.bundle import NotABundle, bundle_batch, is_bundle, schema_fingerprint
from explorer.store.column_types import arrow_schema
from explorer.store.opening import SOURCE_COLUMN
from explorer.store.selection import Selection, select_runs
from explorer.store.target import ExportCancelled, ExportError, refuse_beside, refuse_existing, whole_or_nothing

if TYPE_CHECKING:
    import threading

    from explorer.store.database import Cursor, Database

__all__ = [
    "ExportCancelled", "ExportError", "Exported", "NotABundle", "Plan", "bundle_batch", "export", "is_bundle", "plan",
    "schema_fingerprint",
]  # fmt: skip

_ROWS_AT_ONCE = 65_536
"""Rows of a batch and of a row group: what is in memory at once, and what a reader can skip."""

_HASH_AT_ONCE = 1 << 20

_OTHER_FORMATS = frozenset((".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".db", ".duckdb", ".xlsx"))
"""Endings that ask for something else than a directory."""


class Plan(NamedTuple):
    """What an export would hold."""

    runs: int
    """Runs that the filter keeps, as they are counted everywhere: without copies."""
    copies: int
    """Further runs that it keeps, and that are nothing but copied history."""
    ancestors: int
    """Further runs that the tree needs."""
    tables: dict[str, int]
    """Table -> rows."""
    bytes_estimate: int
    """By the bytes that a row takes in the parts that are open."""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())


class Exported(NamedTuple):
    """What was written."""

    path: Path
    rows: int
    bytes: int
    runs: int
    """Runs that the filter keeps, as they are counted everywhere: without copies."""
    copies: int
    """Further runs that it keeps, and that are nothing but copied history."""
    ancestors: int
    """Further runs that the tree needs."""


def plan(database: Database, where: str | None = None, cursor: Cursor | None = None) -> Plan:
    """Count what a directory export would hold; whoever gives a cursor can interrupt it.

    Raises:
        FilterError: ``where`` is not a filter.
    """
    own = nullcontext(cursor) if cursor is not None else database.cursor()
    with own as cursor, select_runs(database, cursor, where) as selection:
        tables: dict[str, int] = {}
        estimate = 0.0
        for table in ALL_TABLES:
            kept, held = (_count(cursor, query) for query in (selection.rows(table), f'FROM "{table}"'))
            tables[table] = kept
            estimate += database.part_bytes.get(table, 0) * (kept / held if held else 0)
        return Plan(selection.kept - selection.copies, selection.copies, selection.ancestors, tables, round(estimate))


def _count(cursor: Cursor, query: str) -> int:
    return int(cursor.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0])


def export(database: Database, where: str | None, target: Path, cancelled: threading.Event | None = None) -> Exported:
    """Write the runs for which ``where`` holds (all for None) to a new file or directory, whole or not at all.

    Raises:
        FilterError: ``where`` is not a filter.
        ExportCancelled: ``cancelled`` was set.
        ExportError: the target exists, lies among the traces, or cannot be written, or no run is kept.
    """
    _refuse_name(target)
    refuse_beside(target, database.paths)
    refuse_existing(target)
    with database.cursor() as cursor, select_runs(database, cursor, where) as selection:
        if not selection.kept:
            raise ExportError("no run is kept, so there is nothing to export: choose another filter")
        writer = _Writer(cursor, selection, where, database, cancelled)
        with whole_or_nothing(target) as partial:
            if target.suffix == ".parquet":
                rows = writer.write_totals(partial)
            else:
                partial.mkdir()
                rows = writer.write_tables(partial)
            files = [partial] if partial.is_file() else list(partial.iterdir())
            size = sum(file.stat().st_size for file in files)
    ancestors = 0 if target.suffix == ".parquet" else selection.ancestors
    return Exported(target, rows, size, selection.kept - selection.copies, selection.copies, ancestors)


class _Writer:
    """Writes relations of one selection, a batch of rows at a time."""

    def __init__(
        self,
        cursor: Cursor,
        selection: Selection,
        where: str | None,
        database: Database,
        cancelled: threading.Event | None,
    ) -> None:
        self._cursor = cursor
        self._selection = selection
        self._sources = database.sources
        self._cancelled = cancelled
        self._metadata = {
            bundle.VERSION_KEY: __version__,
            bundle.SCHEMA_KEY: schema_fingerprint(),
            bundle.WHERE_KEY: where or "",
        }

    def write_totals(self, path: Path) -> int:
        """``run_totals`` of the kept runs."""
        return self._write(self._selection.totals(), path, {bundle.SOURCES_KEY: self._digests()})

    def write_tables(self, directory: Path) -> int:
        """All tables, also those without rows, so that one that is missing is noticed."""
        rows = 0
        for table in ALL_TABLES:
            extra = {}
            if table == "sources":
                extra[bundle.SOURCES_KEY] = self._digests()
            if table == "runs":
                extra[bundle.ANCESTORS_KEY] = json.dumps(self._selection.ancestor_ids())
            rows += self._write(self._selection.rows_in_order(table), directory / f"{table}.parquet", extra, table)
        return rows

    def _write(self, query: str, path: Path, extra: dict[str, str], table: str | None = None) -> int:
        import pyarrow as pa
        import pyarrow.parquet as pq

        reader = self._cursor.sql(query).to_arrow_reader(_ROWS_AT_ONCE)
        schema = reader.schema
        if table is not None:
            schema = arrow_schema(ALL_TABLES[table]).append(pa.field(SOURCE_COLUMN, pa.string()))
        rows = 0
        with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as writer:
            writer.add_key_value_metadata({**self._metadata, **extra})
            for batch in reader:
                self._stop_if_cancelled()
                writer.write_table(pa.Table.from_batches([batch]).cast(schema), row_group_size=_ROWS_AT_ONCE)
                rows += batch.num_rows
        return rows

    def _digests(self) -> str:
        """The sources of the kept runs with the digest of their bytes now; null when gone, or of another size."""
        told = []
        for source_id, size in self._cursor.execute(self._selection.sources()).fetchall():
            told.append({"source_id": source_id, "bytes": size, "digest": self._digest(source_id, size)})
        return json.dumps(told, ensure_ascii=False)

    def _digest(self, source_id: str, size: int | None) -> str | None:
        path = self._sources.get(source_id)
        if path is None:
            return None
        digest, read = blake2b(digest_size=32), 0
        try:
            with path.open("rb") as file:
                while chunk := file.read(_HASH_AT_ONCE):
                    self._stop_if_cancelled()
                    digest.update(chunk)
                    read += len(chunk)
        except OSError:
            return None
        return digest.hexdigest() if read == size else None

    def _stop_if_cancelled(self) -> None:
        if self._cancelled is not None and self._cancelled.is_set():
            raise ExportCancelled("stopped; nothing was written")


def _refuse_name(target: Path) -> None:
    if target.suffix.lower() in _OTHER_FORMATS:
        raise ExportError(f"{target}: an export is Parquet: name a file NAME.parquet, or a directory without a suffix")
