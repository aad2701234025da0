"""Ask the database in threads. A new question of a group interrupts the one before; only the latest is answered."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from threading import Timer
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from textual.screen import Screen

    from explorer.store.database import Cursor, Database

Answer = TypeVar("Answer")


_AGAIN = 0.1
"""Seconds after which what goes on is interrupted again."""


class Dropped(Exception):
    """Nobody waits for the answer any more."""


class Questions:
    """The questions that are under way on behalf of one screen. A screen that was left is told nothing any more."""

    def __init__(self, host: Screen[Any], failed: Callable[[Exception], None]) -> None:
        self._host = host
        self._failed = failed
        self._latest: dict[str, _Question[Any]] = {}

    def ask(
        self,
        group: str,
        database: Database,
        question: Callable[[Cursor], Answer],
        answered: Callable[[Answer], None],
        failed: Callable[[Exception], None] | None = None,
        let_go: Callable[[Answer], None] | None = None,
    ) -> None:
        """Run ``question`` in a thread with a cursor of its own, then ``answered`` on the thread of the screen.

        An answer that comes after the question was dropped, or its screen was left, goes to ``let_go`` instead, to free
        what it holds.
        """
        self.drop(group)
        asked = _Question(database, question)

        def tell(receiver: Callable[[Any], None], dropped: Callable[[Any], None] | None, value: Any) -> None:
            # What a question holds, the database above all, is freed once it is told.
            if self._latest.get(group) is asked:
                del self._latest[group]
            if self._host.is_attached:
                # A screen leaves the stack at once, but loses its widgets, and then its messages, only later.
                left = self._host not in self._host.app.screen_stack
                taker = dropped if asked.dropped or left else receiver
                if taker is not None:
                    taker(value)

        def run() -> None:
            # ``call_later`` posts a message, which any thread may do; to wait could hold up the end of the program.
            try:
                answer = asked.answer()
            except Exception as error:
                # Whatever the database raises is told on the screen, except that somebody interrupted it.
                self._host.call_later(tell, failed or self._failed, None, error)
            else:
                self._host.call_later(tell, answered, let_go, answer)

        self._latest[group] = asked
        self._host.run_worker(run, name=group, group=group, thread=True, exit_on_error=False)

    def drop(self, group: str) -> None:
        """Interrupt a group's question; its answer will not come."""
        if (latest := self._latest.pop(group, None)) is not None:
            latest.drop()

    def drop_all(self, but: Collection[str] = ()) -> None:
        """Interrupt everything but some groups."""
        for group in list(self._latest):
            if group not in but:
                self.drop(group)


class _Question(Generic[Answer]):
    def __init__(self, database: Database, question: Callable[[Cursor], Answer]) -> None:
        self._database = database
        self._question = question
        self._cursor: Cursor | None = None
        self.dropped = False

    def answer(self) -> Answer:
        """In the thread."""
        from explorer.store.readonly import explained

        if self.dropped:
            raise Dropped
        try:
            with self._database.cursor() as cursor, explained(""):
                self._cursor = cursor
                return self._question(cast("Cursor", _Droppable(cursor, self)))
        finally:
            self._cursor = None

    def drop(self) -> None:
        """From the thread of the screen."""
        self.dropped = True
        cursor = self._cursor
        if cursor is not None:
            # It may have closed meanwhile; then there is nothing left to interrupt.
            with suppress(Exception):
                cursor.interrupt()
            # What fell just before its query began is forgotten, and that may be one without end.
            again = Timer(_AGAIN, self.drop)
            again.daemon = True
            again.start()


class _Droppable:
    """The cursor of a question until that is dropped: DuckDB forgets an interruption that falls between two queries."""

    def __init__(self, cursor: Cursor, question: _Question[Any]) -> None:
        self._cursor = cursor
        self._question = question

    def __getattr__(self, name: str) -> Any:
        if self._question.dropped:
            raise Dropped
        return getattr(self._cursor, name)
