"""Parquet parts as the tables of a database: views of the rows that count, under the ids that they have there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from explorer.model import ALL_TABLES, COMPUTED, Column, columns, ddl
from explorer.store.opening import SOURCE_COLUMN, Batch, DamagedPart
from explorer.store.sql import listed, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

GLOBAL_NAMESPACE = "global"
"""The namespace of block ids that are comparable over everything opened; no prefix goes before it."""


def open_parts(connection: DuckDBPyConnection, batches: Sequence[Batch]) -> None:
    """Make a view of every table, empty where nothing was written."""
    connection.execute("CREATE SCHEMA internal; CREATE SCHEMA rules")
    connection.execute(
        "CREATE MACRO internal.whole(x) AS CASE WHEN x IS NOT NULL"
        " THEN greatest(least(x, 9223372036854775807), -9223372036854775808)::BIGINT END"
    )
    # A sum that is known only where all of it is.
    connection.execute(
        "CREATE MACRO internal.sum_of_all(x) AS CASE WHEN count(x) = count(*) THEN internal.whole(sum(x)) END"
    )
    connection.execute("CREATE TABLE internal.live (batch INTEGER, reading VARCHAR)")
    for number, batch in enumerate(batches):
        if batch.live is not None:
            connection.execute(
                "INSERT INTO internal.live SELECT $1, unnest($2::VARCHAR[])", [number, sorted(batch.live)]
            )
    connection.execute("CREATE TABLE internal.ancestors (run_id VARCHAR)")
    ancestors = [f"{b.prefix}/{run_id}" if b.prefix else run_id for b in batches for run_id in sorted(b.ancestors)]
    if ancestors:
        connection.execute("INSERT INTO internal.ancestors SELECT unnest($1::VARCHAR[])", [ancestors])
    for table in ALL_TABLES:
        name = _OF_MORE.get(table, f'"{table}"')
        selects = list(_selects(table, batches))
        if selects:
            connection.execute(f"CREATE VIEW {name} AS {' UNION ALL '.join(selects)}")
        else:
            connection.execute(ddl(table).replace(f'"{table}"', name, 1))
    connection.execute(_NAMED)
    for table in COMPUTED:
        connection.execute(ddl(table))


_OF_MORE = {"findings": "internal.stored_findings", "conversations": "internal.recorded_conversations"}
"""Tables that are a part of what has the public name: findings of rules join the others, names are given."""

_NAMED = """
CREATE VIEW conversations AS
SELECT c.* REPLACE (coalesce(n.name, c.title) AS title)
FROM internal.recorded_conversations AS c
LEFT JOIN (
    SELECT conversation_id, max_by(name, (named_at IS NOT NULL, named_at, source_id)) AS name
    FROM conversation_names
    GROUP BY conversation_id
) AS n USING (conversation_id)
"""


def _selects(table: str, batches: Sequence[Batch]) -> Iterator[str]:
    """A SELECT for all whole batches together, and one for each that is filtered or renamed."""
    of_table = columns(ALL_TABLES[table])
    plain = [str(b.files[table]) for b in batches if table in b.files and b.live is None and not b.prefix]
    if plain:
        yield f"SELECT {_prefixed(of_table, '')} FROM read_parquet({listed(plain)})"
    for number, batch in enumerate(batches):
        if table not in batch.files or (batch.live is None and not batch.prefix):
            continue
        select = f"SELECT {_prefixed(of_table, batch.prefix)} FROM read_parquet({listed([str(batch.files[table])])})"
        if batch.live is not None:
            select += f" WHERE {SOURCE_COLUMN} IN (SELECT reading FROM internal.live WHERE batch = {number})"
        yield select


def _prefixed(of_table: Sequence[Column], prefix: str) -> str:
    if not prefix:
        return ", ".join(f'"{column.name}"' for column in of_table)
    text = quoted(f"{prefix}/")
    in_json = quoted(json.dumps(f"{prefix}/", ensure_ascii=False)[1:-1])
    shown = []
    for name, *_, is_key in of_table:
        sql = f'{text} || "{name}"' if is_key else f'"{name}"'
        if name == "namespace":
            sql = f"CASE WHEN namespace = '{GLOBAL_NAMESPACE}' THEN namespace ELSE {sql} END"
        if name == "finding_id":
            # Behind the code, where the rules put it too: what a rule finds again has the same id.
            code = "instr(finding_id, ':')"
            sql = f"substr(finding_id, 1, {code}) || {text} || substr(finding_id, {code} + 1)"
        if name == "candidates":  # a JSON list of run ids
            sql = f"""replace(replace(candidates, '["', '["' || {in_json}), '","', '","' || {in_json})"""
        shown.append(f'{sql} AS "{name}"')
    return ", ".join(shown)


def check_parts(connection: DuckDBPyConnection, batches: Sequence[Batch]) -> None:
    """Compare the columns that the footers tell with the model's.

    Raises:
        DamagedPart: for the first file that differs or cannot be read.
    """
    tables = {str(path): table for batch in batches for table, path in batch.files.items()}
    if not tables:
        return
    found = _footers(connection, list(tables))
    for path, table in tables.items():
        wanted = {column.name: column.type for column in columns(ALL_TABLES[table])} | {SOURCE_COLUMN: "VARCHAR"}
        if found.get(path) != wanted:
            raise DamagedPart(Path(path), f"its columns are not those of {table} in this version")


def check_content(connection: DuckDBPyConnection, batches: Sequence[Batch]) -> None:
    """Read all parts to their end.

    Raises:
        DamagedPart: for the first file that cannot be.
    """
    for path in (path for batch in batches for path in batch.files.values()):
        try:
            # A sum over everything: a mere count would be answered by the footer.
            connection.execute(f"SELECT sum(hash(t)) FROM read_parquet({listed([str(path)])}) AS t").fetchall()
        except duckdb.Error as error:
            raise DamagedPart(path, "its content is damaged") from error


def _footers(connection: DuckDBPyConnection, paths: list[str]) -> dict[str, dict[str, str]]:
    """Column names and types of each file."""
    for path in paths:
        try:
            size = Path(path).stat().st_size
        except OSError as error:
            raise DamagedPart(Path(path), error.strerror or str(error)) from error
        if size < 12:  # magic, footer length, magic
            raise DamagedPart(Path(path), "cut off")
    query = "SELECT file_name, name, duckdb_type FROM parquet_schema($1::VARCHAR[]) WHERE type IS NOT NULL"
    try:
        rows = connection.execute(query, [paths]).fetchall()
    except duckdb.Error:
        if len(paths) > 1:
            return {name: columns for path in paths for name, columns in _footers(connection, [path]).items()}
        raise DamagedPart(Path(paths[0]), "not a whole Parquet file") from None
    found: dict[str, dict[str, str]] = {}
    for path, name, kind in rows:
        found.setdefault(path, {})[name] = kind
    return found
