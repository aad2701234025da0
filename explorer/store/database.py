"""Open Parquet parts in DuckDB: tables, views, one cursor per query, locked down."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple, TypeAlias

import duckdb

from explorer.model import ALL_TABLES, COMPUTED, columns, ddl
from explorer.store.prepare import define_laboratory, names_laboratory, prepare
from explorer.store.readonly import Result, ask
from explorer.store.recency import ALONE, SHARED, compute, compute_shared

Cursor: TypeAlias = duckdb.DuckDBPyConnection
"""A connection of its own on the shared database: any thread may use it, ``interrupt()`` stops it from another."""

MEMORY_LIMIT = "1GB"
"""What DuckDB may hold before it spills to the temporary directory; the parts themselves stay on disk. Measured: a
hundred thousand runs take 350 MB in all, and half a million do not open with 384 MB."""

_THREADS = 4
"""At most; each takes memory of its own, and more gain little here."""

SOURCE_COLUMN = "_source"
"""In every part: the source that a row was read from."""

ID_COLUMNS = frozenset(
    (
        "source_id",
        "path",
        "conversation_id",
        "agent_id",
        "parent_agent_id",
        "run_id",
        "parent_run_id",
        "child_run_id",
        "from_run_id",
        "to_run_id",
        "run_a",
        "run_b",
        "edge_id",
        "checkpoint_key",
        "finding_id",
        "namespace",
    )
)
"""Columns that hold keys of ours, which a batch's prefix goes before. The recorder's own ids stay as they are."""

GLOBAL_NAMESPACE = "global"
"""The namespace of block ids that are comparable over everything opened; no prefix goes before it."""


class Batch(NamedTuple):
    """Parquet parts that were written together: one file per table that has rows."""

    files: dict[str, Path]
    """Table name (of ``model.ALL_TABLES``) -> file. Each has the table's columns plus ``_source``, the source's id."""
    live: frozenset[str] | None
    """Sources whose rows still count; None when all do."""
    prefix: str = ""
    """Put before every id, for an export that was found inside the opened directory beside other traces."""
    ancestors: frozenset[str] = frozenset()
    """Runs of an export that its filter had not kept, and that are in it only because a kept run is below them."""


class Opening(NamedTuple):
    """Everything the database needs to know."""

    batches: list[Batch]
    roots: dict[str, Path]
    """source_id -> the file itself, to read records from; without those that came from an export."""
    complete: bool = True
    """False while sources are still being read."""
    paths: tuple[Path, ...] = ()
    """What was opened: nothing is ever written in there."""
    companions: Mapping[str, Sequence[tuple[str, int, int]]] = {}
    """source_id -> path, size and time of change of every file that was read with it."""
    parts: Mapping[str, Sequence[str]] = {}
    """source_id -> the further sources that were read with it as one trace."""


class DamagedPart(Exception):
    """A part is missing, cut off, or of another schema; the message names it. Read its sources again."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


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
        self.part_bytes: dict[str, int] = {}
        """Bytes of the parts of each table."""
        self.lock = Lock()
        """Held while tables are made, which DuckDB refuses to two at once."""
        self._computed: set[str] = set()
        self._connection = duckdb.connect(":memory:", config=_settings())
        try:
            check_parts(self._connection, opening.batches)
            for batch in opening.batches:
                for table, path in batch.files.items():
                    self.part_bytes[table] = self.part_bytes.get(table, 0) + path.stat().st_size
            _open_parts(self._connection, opening.batches)
            _lock_down(self._connection, opening.batches)
            _prepare(self._connection, opening.batches)
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

    def sql(self, query: str) -> Result:
        """Answer one read-only query of the user's.

        Raises:
            QueryError: it is not one, or it fails.
        """
        self.make_ready(query)
        return ask(self._connection.cursor(), query)

    def make_ready(self, query: str) -> None:
        """Define and compute whatever a query or a filter of the user's names and opening does without."""
        if names_laboratory(query):
            self.define_laboratory()
        named = query.lower()
        if any(name in named for name in ALONE):  # shared_cache_curve is over what these hold in all
            self.compute()
        if any(name in named for name in SHARED):
            self._compute("shared", compute_shared)

    def define_laboratory(self) -> None:
        """Define the relations of the reuse laboratory, if that was not done."""
        self._compute("laboratory", define_laboratory)

    def compute(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Fill the tables that take one pass over all prompts (``model.COMPUTED``), if that was not done.

        The relations of the laboratory are there afterwards.

        Raises:
            Stopped: ``stop``, which is asked from time to time, said so; nothing was filled.
        """
        self.define_laboratory()
        self._compute("alone", lambda cursor: compute(cursor, stop))

    def _compute(self, what: str, fill: Callable[[Cursor], None]) -> None:
        with self.lock, self.cursor() as cursor:
            if what not in self._computed:
                fill(cursor)
                self._computed.add(what)

    def close(self) -> None:
        """Free the memory and any temporary files."""
        self._connection.close()


def _prepare(connection: Cursor, batches: Sequence[Batch]) -> None:
    try:
        prepare(connection)
    except duckdb.OutOfMemoryException as error:
        raise TooLarge(f"more runs than fit into {MEMORY_LIMIT} of memory: open a part of the directory") from error
    except duckdb.Error:
        # Footers were in order; a part that is damaged further in shows only when it is read.
        for path in (path for batch in batches for path in batch.files.values()):
            try:
                # A sum over everything: a mere count would be answered by the footer.
                connection.execute(f"SELECT sum(hash(t)) FROM read_parquet({_list([str(path)])}) AS t").fetchall()
            except duckdb.Error as error:
                raise DamagedPart(path, "its content is damaged") from error
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


def _lock_down(connection: Cursor, batches: Sequence[Batch]) -> None:
    """From here on, SQL reaches the parts and nothing else outside."""
    files = [str(path) for batch in batches for path in batch.files.values()]
    connection.execute(f"SET allowed_paths = {_list(files)}")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _open_parts(connection: Cursor, batches: Sequence[Batch]) -> None:
    """Make a view of every table, empty where nothing was written."""
    connection.execute("SET parquet_metadata_cache = true")
    connection.execute("CREATE SCHEMA internal; CREATE SCHEMA rules")
    connection.execute(
        "CREATE MACRO internal.whole(x) AS CASE WHEN x IS NOT NULL"
        " THEN greatest(least(x, 9223372036854775807), -9223372036854775808)::BIGINT END"
    )
    # A sum that is known only where all of it is.
    connection.execute(
        "CREATE MACRO internal.sum_of_all(x) AS CASE WHEN count(x) = count(*) THEN internal.whole(sum(x)) END"
    )
    connection.execute("CREATE TABLE internal.live (batch INTEGER, source VARCHAR)")
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
    names = [column.name for column in columns(ALL_TABLES[table])]
    plain = [str(b.files[table]) for b in batches if table in b.files and b.live is None and not b.prefix]
    if plain:
        yield f"SELECT {_quoted(names)} FROM read_parquet({_list(plain)})"
    for number, batch in enumerate(batches):
        if table not in batch.files or (batch.live is None and not batch.prefix):
            continue
        select = f"SELECT {_prefixed(names, batch.prefix)} FROM read_parquet({_list([str(batch.files[table])])})"
        if batch.live is not None:
            select += f" WHERE {SOURCE_COLUMN} IN (SELECT source FROM internal.live WHERE batch = {number})"
        yield select


def _prefixed(names: Sequence[str], prefix: str) -> str:
    if not prefix:
        return _quoted(names)
    text = _text(f"{prefix}/")
    quoted = _text(json.dumps(f"{prefix}/", ensure_ascii=False)[1:-1])
    shown = []
    for name in names:
        sql = f'{text} || "{name}"' if name in ID_COLUMNS else f'"{name}"'
        if name == "namespace":
            sql = f"CASE WHEN namespace = '{GLOBAL_NAMESPACE}' THEN namespace ELSE {sql} END"
        if name == "finding_id":
            # Behind the code, where the rules put it too: what a rule finds again has the same id.
            code = "instr(finding_id, ':')"
            sql = f"substr(finding_id, 1, {code}) || {text} || substr(finding_id, {code} + 1)"
        if name == "candidates":  # a JSON list of run ids
            sql = f"""replace(replace(candidates, '["', '["' || {quoted}), '","', '","' || {quoted})"""
        shown.append(f'{sql} AS "{name}"')
    return ", ".join(shown)


def check_parts(connection: Cursor, batches: Sequence[Batch]) -> None:
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


def _footers(connection: Cursor, paths: list[str]) -> dict[str, dict[str, str]]:
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


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_text, values))}]"
