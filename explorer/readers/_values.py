"""Recorded fields, taken one by one: a value of the wrong type is a complaint and "not recorded", never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import orjson

EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)

MOST_TOKENS = 10**10
"""Tokens of one call above which a figure is not a count: no model has a context of ten thousand million."""

MOST_SECONDS = 10**10
"""Seconds above which a figure is neither a time nor a duration: three hundred years."""


class Fields:
    """The fields of one record. Taking a field removes it, so that ``rest`` is what no column names."""

    __slots__ = ("_fields", "complaints")

    def __init__(self, fields: dict[str, object]) -> None:
        self._fields = fields
        self.complaints: list[str] = []

    def rest(self) -> dict[str, object]:
        """What has not been taken."""
        return self._fields

    def text(self, name: str) -> str | None:
        """A string; an empty one counts as not recorded."""
        value = self._fields.pop(name, None)
        if value is None or isinstance(value, str):
            return value or None
        self._complain(name, value, "text")
        return None

    def count(self, name: str, most: int = MOST_TOKENS) -> int | None:
        """A whole number from 0 to ``most``."""
        value = self._fields.pop(name, None)
        if type(value) is int and 0 <= value <= most:
            return value
        if value is not None:
            self._complain(name, value, f"a whole number from 0 to {most:g}")
        return None

    def number(self, name: str, least: float = -MOST_SECONDS, most: float = MOST_SECONDS) -> float | None:
        """A number in a range, as times and durations are, whatever their unit; a float, however it is written."""
        value = self._fields.pop(name, None)
        if (type(value) is float or type(value) is int) and least <= value <= most:
            return float(value)
        if value is not None:
            self._complain(name, value, f"a number from {least:g} to {most:g}")
        return None

    def _complain(self, name: str, value: object, wanted: str) -> None:
        self.complaints.append(f"{name} is {_shown(value)}, not {wanted}: counted as not recorded")


def _shown(value: object) -> str:
    """A value in a message; of lists and objects, which may be deep or endless, only that they are."""
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else repr(value)


def as_text(value: object) -> str:
    """Text as it is, nothing for None, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else orjson.dumps(value).decode()
    except TypeError:
        return repr(value)


def widened(first: float | None, last: float | None, at: float | None) -> tuple[float | None, float | None]:
    """A stretch of time that holds a moment as well, if that is known."""
    if at is None:
        return first, last
    return at if first is None else min(first, at), at if last is None else max(last, at)


def many(number: int, noun: str) -> str:
    """``1 turn``, ``2 turns``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def duration_ms(value: object) -> int | None:
    """A recorded duration in whole milliseconds; None for what is none."""
    if (type(value) is float or type(value) is int) and 0 <= value <= 1000 * MOST_SECONDS:
        return round(value)
    return None


def key_part(name: str) -> str:
    """A recorded name as a part of a key, with the division slash for a slash: it must not look like a path of ours."""
    return name.replace("/", "∕")


def moment(ms: int | None) -> datetime | None:
    """Milliseconds since 1970 as the schema has times, UTC without zone; None for what no calendar holds."""
    if ms is None:
        return None
    try:
        return EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return None


def unix_ms(stamp: object) -> int | None:
    """An ISO 8601 time in milliseconds since 1970, UTC where it names no zone; None for what is none."""
    if not isinstance(stamp, str):
        return None
    try:
        time = datetime.fromisoformat(stamp)
        time = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
        return (time - EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


def text_in(value: object) -> str | None:
    """A text that is not empty; None for anything else."""
    return value if isinstance(value, str) and value else None


def untaken(key: str, taken: set[str]) -> str:
    """The key, or the first of ``key~2``, ``key~3``, … that nobody has taken; taken now."""
    found, number = key, 1
    while found in taken:
        number += 1
        found = f"{key}~{number}"
    taken.add(found)
    return found


def as_json(fields: Mapping[str, object]) -> str | None:
    """What is recorded, as JSON; nested more deeply than can be written, it stays in the source."""
    present = {key: value for key, value in fields.items() if value is not None}
    try:
        return orjson.dumps(present, option=orjson.OPT_NON_STR_KEYS).decode() if present else None
    except TypeError:
        return as_json({key: value for key, value in present.items() if not isinstance(value, (dict, list))})
