"""Ask the database in threads. A new question of a group interrupts the one before; only the latest is answered."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from explorer.store.database import Cursor, Database

Answer = TypeVar("Answer")


class Questions:
    """The questions that are under way on behalf of one screen."""

    def __init__(self, host: DOMNode, failed: Callable[[Exception], None]) -> None:
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
    ) -> None:
        """Run ``question`` in a thread with a cursor of its own, then ``answered`` on the thread of the screen."""
        self.drop(group)
        asked = _Question(self._host, database, question, answered, failed or self._failed)
        self._latest[group] = asked
        self._host.run_worker(asked.run, name=group, group=group, thread=True, exit_on_error=False)

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
    def __init__(
        self,
        host: DOMNode,
        database: Database,
        question: Callable[[Cursor], Answer],
        answered: Callable[[Answer], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._host = host
        self._database = database
        self._question = question
        self._answered = answered
        self._failed = failed
        self._cursor: Cursor | None = None
        self._dropped = False

    def run(self) -> None:
        """In the thread."""
        try:
            if self._dropped:
                return
            with self._database.cursor() as cursor:
                self._cursor = cursor
                answer = self._question(cursor)
        except Exception as error:
            # Whatever the database raises is told on the screen, except that somebody interrupted it.
            self._tell(self._failed, error)
        else:
            self._tell(self._answered, answer)
        finally:
            self._cursor = None

    def drop(self) -> None:
        """From the thread of the screen."""
        self._dropped = True
        cursor = self._cursor
        if cursor is not None:
            # It may have closed meanwhile; then there is nothing left to interrupt.
            with suppress(Exception):
                cursor.interrupt()

    def _tell(self, receiver: Callable[[Any], None], value: Any) -> None:
        def tell() -> None:
            if not self._dropped and self._host.is_attached:
                receiver(value)

        # Posts a message, which any thread may do; waiting here could hold up the end of the program.
        self._host.call_later(tell)
