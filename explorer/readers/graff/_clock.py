"""Times of a process on the clock."""

from __future__ import annotations

from datetime import datetime

from explorer.readers import _values


def moment(unix_ms: int | None, since_ms: int | None = 0) -> datetime | None:
    """The time so long after the process began; None when it is unknown, or beyond what a timestamp holds."""
    return None if unix_ms is None or since_ms is None else _values.moment(unix_ms + since_ms)
