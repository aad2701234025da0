"""Work in a thread of its own, so that an interrupt is heard while it goes on.

Signals come to the main thread. DuckDB looks for them there between two tasks, which a long sum may not come to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Protocol, TypeVar

Answer = TypeVar("Answer")

_AGAIN = 0.1
"""Seconds between two looks: a signal that another thread gets does not wake the main thread, and an interruption that
falls between two queries is forgotten."""


class Apart(Protocol):
    """Does one thing in the thread, and waits for it."""

    def __call__(self, work: Callable[[], Answer]) -> Answer:
        """Its answer, or what it raises."""


@contextmanager
def apart(interrupt: Callable[[], None]) -> Iterator[Apart]:
    """A thread for one piece of work after another; ``interrupt`` ends the one under way, called once or more often.

    Raises:
        KeyboardInterrupt: there was one, and what was under way has ended.
    """
    with ThreadPoolExecutor(1) as thread:

        def do(work: Callable[[], Answer]) -> Answer:
            under_way: Future[Answer] = thread.submit(work)
            try:
                while not under_way.done():
                    wait([under_way], _AGAIN)
            except KeyboardInterrupt:
                while not under_way.done():
                    interrupt()
                    wait([under_way], _AGAIN)
                raise
            return under_way.result()

        yield do
