"""Open Parquet parts in DuckDB: tables, views, one cursor per query, locked down."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, TypeAlias

import duckdb

Cursor: TypeAlias = duckdb.DuckDBPyConnection
"""A connection of its own on the shared database: any thread may use it, ``interrupt()`` stops it from another."""


class Batch(NamedTuple):
    """Parquet parts that were written together: one file per table that has rows."""

    files: dict[str, Path]
    """Table name (of ``model.ALL_TABLES``) -> file. Each has the table's columns plus ``_source``, the source's id."""
    live: frozenset[str] | None
    """Sources whose rows still count; None when all do."""
    prefix: str = ""
    """Put before every id, for an export that was found inside the opened directory beside other traces."""


class Opening(NamedTuple):
    """Everything the database needs to know."""

    batches: list[Batch]
    roots: dict[str, Path]
    """source_id -> the file itself, to read records from; without those that came from an export."""
    complete: bool = True
    """False while sources are still being read."""


class Database:
    """DuckDB over the parts."""

    def __init__(self, opening: Opening) -> None:
        raise NotImplementedError
