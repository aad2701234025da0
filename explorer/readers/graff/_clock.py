"""Times of a process on the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  UTC without zone, as in the schema


def moment(unix_ms: int | None, since_ms: int | None = 0) -> datetime | None:
    """The time so long after the process began; None when it is unknown, or beyond what a timestamp holds."""
    if unix_ms is None or since_ms is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=unix_ms + since_ms)
    except OverflowError:
        return None
