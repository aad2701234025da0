"""When messages of a trajectory were added."""

from __future__ import annotations

from datetime import datetime

from explorer.readers._values import Fields, moment
from explorer.readers.mini_swe_agent._calls import extra_of

_MOST_UNIX = 10**10
"""Seconds since 1970 above which a timestamp is none."""

_LONGEST_ANSWER_MS = 3_600_000
"""A call that seems to have taken longer has another clock than the recorder."""


class Clock:
    """Milliseconds from the first moment that is recorded."""

    def __init__(self) -> None:
        self.origin: int | None = None
        """Milliseconds since 1970."""
        self.now: int | None = None
        """When the latest message was added."""
        self.end: int | None = None

    def at(self, message: dict[str, object]) -> int | None:
        """When a message was added; None if that is not recorded."""
        extra = extra_of(message)
        seconds = Fields({"": extra.get("timestamp", message.get("timestamp"))}).number("", 0, _MOST_UNIX)
        if seconds is None:
            return None
        ms = round(seconds * 1000)
        if self.origin is None:
            self.origin = _began(message, extra, ms)
        at = ms - self.origin
        self.end = at if self.end is None else max(self.end, at)
        return at

    def start_of(self, end: int | None, is_first: bool) -> int | None:
        """When a call began whose answer was added at ``end``: with the message before it."""
        if self.now is None:
            return 0 if is_first and end is not None else None
        return self.now if end is None else min(self.now, end)

    def moment(self, at: int | None) -> datetime | None:
        """A time as the schema has it."""
        return None if at is None or self.origin is None else moment(self.origin + at)


def _began(message: dict[str, object], extra: dict[str, object], end: int) -> int:
    """When the first answer was begun, by the whole second that the API says; its end where that cannot be."""
    response = extra.get("response")
    fields = response if isinstance(response, dict) else message
    for name in ("created", "created_at"):
        began = Fields({"": fields.get(name)}).number("", 0, _MOST_UNIX)
        if began and 0 <= end - began * 1000 < _LONGEST_ANSWER_MS:
            return round(began * 1000)
    return end
