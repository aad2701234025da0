"""What was asked in SQL since the program was started, and the way through it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from explorer.store.database import Database
    from explorer.store.queries import Answer


class Source(NamedTuple):
    """What was asked: held so that it can be told from what is there later, and not kept."""

    database: weakref.ref[Database]
    complete: bool
    """Whether all had been read."""

    def is_of(self, database: Database) -> bool:
        """Whether this was asked of a database."""
        return self.database() is database


class Left(NamedTuple):
    """What was shown when one went from a row to its place in the tree, to come back to."""

    answer: Answer
    row: int
    of: Source
    """What the answer is of."""


@dataclass(slots=True)
class Asked:
    """The queries, and where one stands among them."""

    queries: list[str] = field(default_factory=list)
    """The latest last, each once."""
    left: Left | None = None
    _at: int | None = None
    """Which of them is shown; None for what is being written."""
    _draft: str = ""

    def note(self, query: str) -> None:
        """Remember a query that is being asked."""
        self.queries = [each for each in self.queries if each != query] + [query]
        self._at = None

    def step(self, by: int, shown: str) -> str | None:
        """The query before or after the one shown, behind the last what was being written; None past an end."""
        if self._at is not None and self.queries[self._at] != shown:
            self._at = None  # it was changed, and is a new one
        last = len(self.queries)
        if self._at is None:
            if by > 0:
                return None
            self._draft = shown
            if self.queries and self.queries[-1] == shown:
                last -= 1  # it is shown already
            to = last - 1
        else:
            to = self._at + by
        if not 0 <= to <= len(self.queries):
            return None
        self._at = to if to < len(self.queries) else None
        return self._draft if self._at is None else self.queries[self._at]
