"""Fields of parsed JSON of which nothing is certain: what is of another type is not there."""

from __future__ import annotations

from typing import TypeAlias

from explorer.readers._values import MOST_TOKENS

Record: TypeAlias = dict[str, object]

_MOST_MS = 1 << 53


def text(record: object, name: str) -> str | None:
    """A text that is not empty."""
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, str) and value else None


def inner(record: object, name: str) -> Record:
    """An object; an empty one where there is none."""
    value = record.get(name) if isinstance(record, dict) else None
    return value if isinstance(value, dict) else {}


def count(record: object, name: str) -> int | None:
    """A number of tokens or items."""
    value = record.get(name) if isinstance(record, dict) else None
    return value if type(value) is int and 0 <= value <= MOST_TOKENS else None


def ms(record: object, name: str) -> int | None:
    """A time in milliseconds since 1970, or a number as large."""
    value = record.get(name) if isinstance(record, dict) else None
    return value if type(value) is int and 0 <= value <= _MOST_MS else None
