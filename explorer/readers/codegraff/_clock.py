"""Recorded times, in milliseconds since 1970, as the model has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)


def moment(ts: int | None) -> datetime | None:
    """UTC without zone; None for what was not recorded, which is 0, and for what no calendar holds."""
    if not ts:
        return None
    try:
        return EPOCH + timedelta(milliseconds=ts)
    except OverflowError:
        return None
