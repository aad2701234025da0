"""Times of spans, nanoseconds since 1970, as the schema has them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from explorer.readers._values import moment

_NS = 1_000_000


class Clock:
    """Counts from the start of a conversation: the earliest start of anything in it."""

    def __init__(self, starts: Iterable[int | None]) -> None:
        self._origin = min((start for start in starts if start is not None), default=None)

    def ms(self, ns: int | None) -> int | None:
        """Milliseconds from the start of the conversation."""
        if ns is None or self._origin is None:
            return None
        return ns // _NS - self._origin // _NS

    @staticmethod
    def moment(ns: int | None) -> datetime | None:
        """The same in UTC."""
        return None if ns is None else moment(ns // _NS)
