"""What the user asks in SQL: the rows that a screen can hold, and the words of a query told apart."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import duckdb

from explorer.store.plain import told_apart
from explorer.store.readonly import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from explorer.store.database import Cursor, Database

MOST_ROWS = 10_000
MOST_VALUES = 500_000
MOST_TEXT = 50_000_000
"""Rows, values, and characters in them, at which an answer is cut, so that no query fills the memory."""

_ROWS_AT_ONCE = 128
"""Few, as they may be large, and nothing else goes on while they are made Python's."""

Kind: TypeAlias = Literal["keyword", "number", "string", "comment", "operator"]

_KINDS: dict[str, Kind] = {
    "keyword": "keyword",
    "numeric_const": "number",
    "string_const": "string",
    "comment": "comment",
    "operator": "operator",
}


class Answer(NamedTuple):
    """An answer as far as it was fetched."""

    query: str
    columns: list[str]
    """Names that differ: where a query gives one twice, the second ends in _1."""
    types: tuple[str, ...]
    """DuckDB's type of each column."""
    rows: list[tuple[Any, ...]]
    is_cut: bool
    """Whether there are more rows than were fetched."""
    seconds: float


def answer(database: Database, cursor: Cursor, query: str, stop: Callable[[], bool]) -> Answer:
    """Answer one query that reads, up to ``MOST_ROWS`` rows.

    Raises:
        QueryError: it is none, or reaches outside the tables, or fails.
        Stopped: ``stop`` said so while something was computed for it.
    """
    began = monotonic()
    database.make_ready(query, stop)
    result = ask(cursor, query, _ROWS_AT_ONCE)
    most = max(1, min(MOST_ROWS, MOST_VALUES // max(1, len(result.columns))))
    rows: list[tuple[Any, ...]] = []
    text = 0
    for batch in result.batches:
        rows += batch
        text += sum(len(value) for row in batch for value in row if isinstance(value, (str, bytes)))
        if len(rows) > most or text > MOST_TEXT:
            break
    kept = rows[:most]
    is_cut = len(kept) < len(rows) or (text > MOST_TEXT and next(result.batches, None) is not None)
    return Answer(query, told_apart(result.columns), result.types, kept, is_cut, monotonic() - began)


def words(query: str) -> Iterator[tuple[int, int, Kind]]:
    """The words of a query that are not names, with the bytes of its UTF-8 from which and up to which they stand."""
    try:
        encoded = query.encode()
    except UnicodeEncodeError:  # halves of surrogate pairs, which DuckDB refuses
        return
    found = duckdb.tokenize(query)
    ends = [*(start for start, _ in found), len(encoded)][1:]
    for (start, token), end in zip(found, ends, strict=True):
        kind = _KINDS.get(token.name)
        if kind is not None:
            yield start, start + len(encoded[start:end].rstrip()), kind
