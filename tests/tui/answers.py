"""What was asked of a database is not asked again: most pilots open one of few worlds, and look at the same things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from explorer.store.database import Cursor, Database, Opening

_TREE = re.compile(r"internal\.tree_\d+")


class LastingDatabase(Database):
    """What one explorer closes, the next one opens again; and what a question is answered, is noted.

    Nothing writes to it but what builds trees, which are named anew each time and told apart by how they are built, and
    what is computed on demand, after which all is asked again.
    """

    def __init__(self, opening: Opening) -> None:
        self.known: dict[str, tuple[Any, ...]] = {}
        self.trees: dict[str, str] = {}
        super().__init__(opening)

    def close(self) -> None:
        pass

    @contextmanager
    def remembering(self) -> Iterator[Cursor]:
        """Stands for ``cursor`` where answers are to be noted."""
        with Database.cursor(self) as cursor:
            yield _Cursor(cursor, self)  # type: ignore[misc]


class _Cursor:
    """A cursor on it, as far as questions go that fetch all rows; all else is asked of DuckDB each time."""

    def __init__(self, cursor: Cursor, database: LastingDatabase) -> None:
        self._cursor = cursor
        self._database = database
        self._asked: tuple[Any, ...] = ()
        self._rows: tuple[Any, ...] | None = None
        """The answer, where DuckDB was not asked for it."""

    def execute(self, statement: Any, *parameters: Any) -> _Cursor:
        query = statement if isinstance(statement, str) else statement.query
        self._asked = query, *parameters
        self._rows = self._database.known.get(self._key())
        if self._rows is None:
            self._cursor.execute(statement, *parameters)
            if query.startswith("CREATE TABLE internal.tree_"):
                name, _, made = query.removeprefix("CREATE TABLE ").partition(" AS ")
                self._database.trees[name] = made
        return self

    def _key(self) -> str:
        query, *parameters = self._asked
        trees = self._database.trees
        query = _TREE.sub(lambda name: trees.get(name[0], name[0]), query)
        return repr((query, parameters, len(self._database._computed)))

    def fetchall(self) -> list[Any]:
        if self._rows is not None:
            return list(self._rows)
        rows = self._cursor.fetchall()
        if self._asked[0].lstrip().startswith(("SELECT", "FROM", "WITH")):
            self._database.known[self._key()] = tuple(rows)
        return rows

    def __getattr__(self, name: str) -> Any:
        if self._rows is not None and name in ("fetchone", "fetchmany", "description"):
            self._rows = None
            self._cursor.execute(*self._asked)
        return getattr(self._cursor, name)
