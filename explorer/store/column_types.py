"""The types of columns as those call them who write and read tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.model import Row, SqlType, columns

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_NAMES: dict[SqlType, tuple[str, str]] = {
    "VARCHAR": ("String", "string"),
    "BIGINT": ("Int64", "int64"),
    "UBIGINT": ("UInt64", "uint64"),
    "DOUBLE": ("Float64", "double"),
    "BOOLEAN": ("Boolean", "bool"),
    "TIMESTAMP": ("Datetime", "timestamp[us]"),
}
"""Each type of SQL by the names of Polars and Arrow."""


def polars_schema(table: type[Row]) -> dict[str, pl.DataType]:
    """The columns of a table in Polars."""
    import polars as pl

    return {column.name: getattr(pl, _NAMES[column.type][0])() for column in columns(table)}


def arrow_schema(table: type[Row]) -> pa.Schema:
    """The columns of a table in Arrow."""
    import pyarrow as pa

    return pa.schema([(column.name, _NAMES[column.type][1]) for column in columns(table)])
