"""The values of answers as JSON and CSV have them: for whatever leaves as text."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import count


def told_apart(names: Sequence[str]) -> list[str]:
    """Column names, with _1 and so on behind those that were there before: queries may give one to several."""
    apart: list[str] = []
    for name in names:
        others = (f"{name}_{number}" for number in count(1))
        apart.append(name if name not in apart else next(other for other in others if other not in (*apart, *names)))
    return apart


def as_json(value: object) -> str:
    """A DuckDB value as JSON in ASCII; timestamps are UTC, and numbers that JSON does not have are null."""
    return json.dumps(_plain(value), ensure_ascii=True, allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    return as_text(value)


def as_text(value: object) -> str:
    """A DuckDB value that JSON has no kind for, in words."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + ("Z" if value.tzinfo is None else "")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} s"
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def as_csv(value: object) -> str | float:
    """As in JSON, but for what is text or nothing."""
    if value is None:
        return ""
    if isinstance(value, (bool, dict, list, tuple)):
        return as_json(value)
    return value if isinstance(value, (str, int, float)) else as_text(value)


def as_cell(value: object) -> str:
    """A DuckDB value as a person reads it in a table: numbers in groups, – for what is not recorded. Not made safe."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e3 else f"{value:,.0f}"
    if isinstance(value, (dict, list, tuple)):
        return as_json(value)
    return as_text(value)
