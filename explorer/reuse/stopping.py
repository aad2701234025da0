"""Long passes over calls that may be stopped from another thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TypeAlias, TypeVar

Item = TypeVar("Item")

Stop: TypeAlias = Callable[[], bool]
"""Whether the answer is not wanted any more."""

_OFTEN = 16
"""Items between two questions: of a large corpus each takes up to some milliseconds."""


_PATIENCE = 0.05
"""Seconds between two questions while somebody else is waited for."""


class Stopped(Exception):
    """Somebody does not want the answer any more."""


def never() -> bool:
    """The answer is wanted to the end."""
    return False


@contextmanager
def held(lock: Lock, stop: Stop) -> Iterator[None]:
    """A lock for as long as the block lasts.

    Raises:
        Stopped: ``stop`` said so while somebody else had it.
    """
    while not lock.acquire(timeout=_PATIENCE):
        if stop():
            raise Stopped
    try:
        yield
    finally:
        lock.release()


def until(stop: Stop, items: Iterable[Item]) -> Iterator[Item]:
    """These items for as long as they are wanted.

    Raises:
        Stopped: ``stop``, which is asked again and again, said so.
    """
    for number, item in enumerate(items):
        if not number % _OFTEN and stop():
            raise Stopped
        yield item
