"""Write the whole answer of a query to a file: CSV and JSON lines as ``--format`` writes them, or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from explorer.store.plain import as_csv, as_json, told_apart
from explorer.store.readonly import Result, ask_arrow, explained
from explorer.store.target import ExportCancelled, ExportError, refuse_beside, refuse_existing, whole_or_nothing

if TYPE_CHECKING:
    from explorer.store.database import Cursor, Database

_ROWS_AT_ONCE = 65_536
"""Rows of a batch and of a row group of Parquet."""


class Written(NamedTuple):
    """What was written."""

    rows: int
    bytes: int


def write_answer(database: Database, cursor: Cursor, query: str, target: Path, stop: Callable[[], bool]) -> Written:
    """Write all rows of a query that reads; the ending of the file's name says how.

    Raises:
        ExportError: the name has no such ending, or is taken, or lies among the traces, or cannot be written.
        ExportCancelled: ``stop`` said so; nothing was left behind.
        QueryError: the query is refused, or fails.
    """
    write = _WAYS.get(target.suffix.lower())
    if write is None:
        raise ExportError(f"name a file that ends in {', '.join(_WAYS)}: {target.name or 'nothing'} does not")
    refuse_beside(target, database.paths)
    refuse_existing(target)
    question = _Question(database, cursor, query, stop)
    with whole_or_nothing(target) as partial, explained(query):
        rows = write(partial, question)
        return Written(rows, partial.stat().st_size)


class _Question(NamedTuple):
    database: Database
    cursor: Cursor
    query: str
    stop: Callable[[], bool]

    def result(self) -> Result:
        return self.database.sql(self.query, self.cursor, self.stop)

    def look(self) -> None:
        """Go on only if nobody said to stop."""
        if self.stop():
            raise ExportCancelled("stopped; nothing was written")


def _write_csv(path: Path, question: _Question) -> int:
    result, rows = question.result(), 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(told_apart(result.columns))
        for batch in result.batches:
            question.look()
            writer.writerows([as_csv(value) for value in row] for row in batch)
            rows += len(batch)
    return rows


def _write_lines(path: Path, question: _Question) -> int:
    result, rows = question.result(), 0
    names = told_apart(result.columns)
    with path.open("w", encoding="utf-8") as file:
        for batch in result.batches:
            question.look()
            file.writelines(as_json(dict(zip(names, row, strict=True))) + "\n" for row in batch)
            rows += len(batch)
    return rows


def _write_parquet(path: Path, question: _Question) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    question.database.make_ready(question.query, question.stop)
    reader, rows = ask_arrow(question.cursor, question.query, _ROWS_AT_ONCE), 0
    names = told_apart(reader.schema.names)
    schema = pa.schema([field.with_name(name) for field, name in zip(reader.schema, names, strict=True)])
    try:
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in reader:
                question.look()
                writer.write_batch(batch.rename_columns(names))
                rows += batch.num_rows
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise ExportError(f"Parquet has no place for a column as it is ({error}): cast it, or write .jsonl") from None
    return rows


_WAYS: dict[str, Callable[[Path, _Question], int]] = {
    ".csv": _write_csv,
    ".jsonl": _write_lines,
    ".parquet": _write_parquet,
}
"""How a file is written, by the ending of its name."""
