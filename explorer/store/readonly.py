"""Queries and filters of the user's: checked on their syntax tree, run read-only, refused with the place pointed at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 2048
"""Rows of a batch of an answer: DuckDB's own vector size."""

_NODES = frozenset(("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"))
"""Queries that only read. Others (INSERT_QUERY_NODE …) can stand in a WITH clause."""

_FUNCTIONS = frozenset((
    "range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree", "summary",
    "duckdb_columns", "duckdb_functions", "duckdb_keywords", "duckdb_tables", "duckdb_types", "duckdb_views",
    "pragma_show", "pragma_table_info", "missed_blocks", "missed_by_agent", "missed_over_time",
    "block_passport",
))  # fmt: skip
"""Table functions that touch neither files nor settings. DuckDB itself has some that are refused by nothing else."""

_EXPLAIN = re.compile(r"\s*explain\b(\s*\([^)]*\))?(\s+analyze\b)?", re.IGNORECASE)


_ONLY_QUERIES = "only queries that read can be run: SELECT, FROM, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN"
_ONE_CONDITION = "give one condition over the columns of run_totals, as in steps > 5 AND status = 'failed'"


class QueryError(Exception):
    """A query that is refused or fails. ``position`` is the 0-based character of the mistake, if known."""

    def __init__(self, message: str, position: int | None = None, query: str = "") -> None:
        super().__init__(message if position is None else f"{message}\n{_caret(query, position)}")
        self.message = message
        self.position = position


class FilterError(Exception):
    """A filter that DuckDB refuses. ``position`` is the 0-based character of the mistake in the filter, if known."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class Result(NamedTuple):
    """An answer that is fetched as it is read."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """DuckDB's type of each column."""
    batches: Iterator[list[tuple[Any, ...]]]
    """Rows, some thousand at a time. Raises QueryError when the query fails on the way."""


def ask(cursor: DuckDBPyConnection, query: str, rows_at_once: int = ROWS_AT_ONCE) -> Result:
    """Answer one query that reads; the cursor is closed when the answer has been read or dropped.

    Raises:
        QueryError: it is none, or more than one, or writes, or reaches outside, or fails.
    """
    try:
        _check_query(cursor, query)
        with explained(query):
            # The syntax was checked; this also refuses whatever would write in some way that was not thought of.
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            cursor.execute(query)
        description = cursor.description or []
    except BaseException:
        cursor.close()
        raise
    return Result(
        tuple(column[0] for column in description),
        tuple(str(column[1]) for column in description),
        _rows(cursor, query, rows_at_once),
    )


def ask_arrow(cursor: DuckDBPyConnection, query: str, rows_at_once: int) -> pa.RecordBatchReader:
    """Answer one query that reads in Arrow's batches. What is raised while they are read is DuckDB's own.

    Raises:
        QueryError: as ``ask``.
    """
    _check_query(cursor, query)
    with explained(query):
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        return cursor.sql(query).to_arrow_reader(rows_at_once)


def _rows(cursor: DuckDBPyConnection, query: str, at_once: int) -> Iterator[list[tuple[Any, ...]]]:
    try:
        while True:
            with explained(query):
                rows = cursor.fetchmany(at_once)
            if not rows:
                return
            yield rows
    finally:
        cursor.close()


def check_filter(cursor: DuckDBPyConnection, where: str, relation: str) -> None:
    """Check that ``where`` is a boolean over the columns of a relation, standing alone.

    Raises:
        QueryError: it is not; the position counts in ``where``.
    """
    start = "SELECT "
    try:
        tree = syntax(cursor, start + where)
        if not _is_one_expression(tree):
            raise QueryError(_ONE_CONDITION)
        check_reads_only(tree, start + where)
        # In brackets and on lines of its own, as it will stand in queries: a comment cannot reach out of it.
        start = f"SELECT 1 FROM {relation} WHERE (\n"
        _try_out(cursor, f"{start}{where}\n) LIMIT 0")
        start = "SELECT (\n"
        kind = _try_out(cursor, f"{start}{where}\n) FROM {relation} LIMIT 0")
    except QueryError as error:
        if error.message in (_ONLY_QUERIES, "SELECT clause without selection list"):
            raise QueryError(_ONE_CONDITION) from None
        position = None if error.position is None else min(max(error.position - len(start), 0), len(where))
        raise QueryError(error.message, position, where) from None
    if kind != "BOOLEAN":
        raise QueryError(f"this is {kind}, not a condition: compare it with something, as in steps > 5", 0, where)


def _try_out(cursor: DuckDBPyConnection, query: str) -> str:
    """Run a query that has no rows, unable to write; the type of its first column."""
    with explained(query):
        cursor.execute("BEGIN TRANSACTION READ ONLY")
        try:
            description = cursor.execute(query).description
            return str(description[0][1]).strip('"') if description else ""
        finally:
            cursor.execute("ROLLBACK")


def _is_one_expression(tree: list[dict[str, Any]]) -> bool:
    """Whether nothing but one expression stands behind SELECT."""
    node = tree[0]["node"] if len(tree) == 1 else {}
    return (
        node.get("type") == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["select_list"][0]["class"] != "STAR"
        and not node["select_list"][0]["alias"]
        and node["from_table"]["type"] == "EMPTY"
        and not any(
            node[key] for key in ("where_clause", "group_expressions", "having", "qualify", "modifiers", "sample")
        )
        and not node["cte_map"]["map"]
    )


def _check_query(cursor: DuckDBPyConnection, query: str) -> None:
    explain = _EXPLAIN.match(query)
    text = " " * explain.end() + query[explain.end() :] if explain else query
    tree = syntax(cursor, text)
    if len(tree) != 1:
        found = f"{len(tree)} statements" if tree else "nothing to run"
        raise QueryError(f"{found}: give one query, such as SELECT * FROM run_totals")
    check_reads_only(tree, query)


def syntax(cursor: DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """The syntax trees of the statements, as DuckDB's own parser gives them.

    Raises:
        QueryError: the syntax is wrong, or a statement is not a query.
    """
    with explained(query):
        row = cursor.execute("SELECT json_serialize_sql($1::VARCHAR)", [query]).fetchone()
    try:
        answer = json.loads(row[0]) if row else {}
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    if answer.get("error"):
        if answer["error_type"] == "not implemented":
            raise QueryError(_ONLY_QUERIES)
        raise QueryError(*_readable(answer["error_message"], answer.get("position"), query), query)
    statements: list[dict[str, Any]] = answer.get("statements", [])
    return statements


def check_reads_only(tree: object, query: str) -> None:
    """Refuse statements that write in a WITH clause, and table functions that reach outside.

    Raises:
        QueryError: at the first of them.
    """
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item.values())
            kind = item.get("type")
            if isinstance(kind, str) and kind.endswith("_NODE") and kind not in _NODES:
                raise QueryError(f"{kind.removesuffix('_QUERY_NODE')} cannot be run here: queries only read")
            if kind == "TABLE_FUNCTION":
                name = str(item["function"].get("function_name", "")).lower()
                if name not in _FUNCTIONS:
                    position = _characters(query, item.get("query_location"))
                    raise QueryError(
                        f"{name} is not available here: queries reach the tables and nothing else", position, query
                    )


@contextmanager
def explained(query: str) -> Iterator[None]:
    """Raise what DuckDB raises inside the block as QueryError. Interruptions pass.

    Raises:
        QueryError: in place of DuckDB's errors.
    """
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.OutOfMemoryException:
        raise QueryError("this takes more memory than is allowed: ask for fewer columns or rows at once") from None
    except duckdb.Error as error:
        message, position = _described(error, query)
        raise QueryError(message, position, query) from None


def _described(error: duckdb.Error, query: str) -> tuple[str, int | None]:
    """Message and position out of an error that DuckDB gives as JSON."""
    text = str(error)
    try:
        fields = json.loads(text[text.index("{") :])
    except ValueError:
        return text, None
    message = str(fields.get("exception_message", text))
    if fields.get("error_subtype") == "COLUMN_NOT_FOUND":
        near = str(fields.get("candidates", "")).replace(",", ", ")
        message = f"there is no column {fields.get('name')}" + (f"; near it: {near}" if near else "")
    return _readable(message, fields.get("position"), query)


def _readable(message: str, position: str | None, query: str) -> tuple[str, int | None]:
    message = message.strip().replace("syntax error at or near", "cannot be understood at")
    return message, _characters(query, position)


def _characters(query: str, position: object) -> int | None:
    """DuckDB counts bytes; the largest number there is stands for none."""
    if not isinstance(position, (str, int)):
        return None
    found = int(position)
    encoded = query.encode("utf-8", "surrogatepass")
    return len(encoded[:found].decode("utf-8", "ignore")) if found <= len(encoded) else None


def _caret(query: str, position: int) -> str:
    """The line of the mistake, and a caret below it."""
    start = query.rfind("\n", 0, position) + 1
    line = query[start:].split("\n", 1)[0]
    return f"  {line}\n  {' ' * (position - start)}^"
