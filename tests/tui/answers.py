"""What was asked of a database is not asked again: most pilots open one of few worlds, and look at the same things."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from duckdb import Statement

from explorer.reuse.stopping import Stop
from explorer.store.database import Cursor, Database, Opening
from explorer.store.recency import Tables

_TREE = re.compile(r"internal\.tree_\d+")


class LastingDatabase(Database):
    """What one explorer closes, the next one opens again; and what a question is answered, is noted.

    Nothing writes to it but what builds trees, which are named anew each time and told apart by how they are built, and
    what is computed on demand, which makes all answers be asked for again.
    """

    def __init__(self, opening: Opening) -> None:
        self._known: dict[str, tuple[Any, ...]] = {}
        self._trees: dict[str, str] = {}
        super().__init__(opening)

    def close(self) -> None:
        pass

    @contextmanager
    def cursor(self) -> Iterator[Cursor]:
        with super().cursor() as cursor:
            yield _Cursor(cursor, self._known, self._trees)  # type: ignore[misc]

    def define_laboratory(self) -> None:
        if "laboratory" not in self._computed:
            super().define_laboratory()
            self._known = {}

    def _fill(self, what: str, compute: Callable[[Cursor, Stop], Tables], stop: Stop) -> None:
        if what not in self._computed:
            super()._fill(what, compute, stop)
            self._known = {}


class _Cursor:
    """A cursor on it, as far as questions go that fetch rows; all else is asked of DuckDB each time."""

    def __init__(self, cursor: Cursor, known: dict[str, tuple[Any, ...]], trees: dict[str, str]) -> None:
        self._cursor = cursor
        self._known = known
        self._trees = trees
        self._asked: tuple[Any, ...] = ()
        self._rows: Iterator[Any] | None = None

    def execute(self, query: str | Statement, *parameters: Any) -> _Cursor:
        if not isinstance(query, str):  # of a script
            self._cursor.execute(query)
            return self
        self._asked = query, *parameters
        rows = self._known.get(self._key())
        self._rows = None if rows is None else iter(rows)
        if rows is None:
            self._cursor.execute(query, *parameters)
            if query.startswith("CREATE TABLE internal.tree_"):
                name, _, made = query.removeprefix("CREATE TABLE ").partition(" AS ")
                self._trees[name] = made
        return self

    def _key(self) -> str:
        query, *parameters = self._asked
        return _TREE.sub(lambda name: self._trees.get(name[0], name[0]), query) + repr(parameters)

    def fetchall(self) -> list[Any]:
        if self._rows is None:
            rows = self._cursor.fetchall()
            if self._asked[0].lstrip().startswith(("SELECT", "FROM", "WITH")):
                self._known[self._key()] = tuple(rows)
            return rows
        return list(self._rows)

    def __getattr__(self, name: str) -> Any:
        if self._rows is not None and name in ("fetchone", "description"):
            self._rows = None
            self._cursor.execute(*self._asked)
        return getattr(self._cursor, name)
