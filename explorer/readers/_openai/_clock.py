"""Times of messages and calls, in whatever form they were written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from explorer.readers._values import moment

_LEAST, _MOST = 10**8, 10**10
"""Seconds since 1970 between which a number is a time: from 1973 to 2286. A thousand times as much is milliseconds."""


LONGEST_CALL_MS = 3_600_000
"""A call that seems to have taken longer has two clocks."""


def unix_ms(value: object) -> int | None:
    """Milliseconds since 1970 of a time as seconds, milliseconds, microseconds, or text in the form of ISO 8601."""
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return None
        return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    if type(value) not in (int, float) or not math.isfinite(value):  # type: ignore[arg-type]
        return None
    for unit in (1_000.0, 1.0, 0.001):
        if _LEAST <= value * unit / 1_000 < _MOST:  # type: ignore[operator]
            return round(value * unit)  # type: ignore[operator]
    return None


def first_time(fields: Mapping[str, object], names: Sequence[str]) -> int | None:
    """The first of some fields that is a time, in milliseconds since 1970."""
    for name in names:
        if name in fields and (time := unix_ms(fields[name])) is not None:
            return time
    return None


class Clock:
    """Milliseconds from the first moment recorded; a call begins when the message before its answer is there."""

    def __init__(self) -> None:
        self.origin: int | None = None
        """Milliseconds since 1970."""
        self.now: int | None = None
        """When the latest message was added."""
        self.end: int | None = None

    def at(self, ms: int | None, began: int | None = None) -> int | None:
        """A moment since 1970; ``began`` is when what is the first of all had begun, if anything says so."""
        if ms is None:
            return None
        if self.origin is None:
            self.origin = ms if began is None or not 0 <= ms - began < LONGEST_CALL_MS else began
        at = ms - self.origin
        self.end = at if self.end is None else max(self.end, at)
        return at

    def passed(self, at: int | None) -> None:
        """A message was added."""
        self.now = self.now if at is None else at

    def start_of(self, end: int | None, is_first: bool) -> int | None:
        """When a call began whose answer was added at ``end``."""
        if self.now is None:
            return 0 if is_first and end is not None else None
        return self.now if end is None else min(self.now, end)

    def moment(self, at: int | None) -> datetime | None:
        """A time as the schema has it."""
        return None if at is None or self.origin is None else moment(self.origin + at)
