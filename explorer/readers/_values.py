"""Recorded fields, taken one by one: a value of the wrong type is a complaint and "not recorded", never a guess."""

from __future__ import annotations

MOST_TOKENS = 10**10
"""Tokens of one call above which a figure is not a count: no model has a context of ten thousand million."""

MOST_SECONDS = 10**10


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
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            return value
        if value is not None:
            self._complain(name, value, f"a whole number from 0 to {most:.0e}" if most > 10**6 else f"0 to {most}")
        return None

    def seconds(self, name: str) -> float | None:
        """A number of seconds, possibly negative."""
        value = self._fields.pop(name, None)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and -MOST_SECONDS <= value <= MOST_SECONDS:
            return value
        if value is not None:
            self._complain(name, value, "a number of seconds")
        return None

    def _complain(self, name: str, value: object, wanted: str) -> None:
        self.complaints.append(f"{name} is {str(value)[:40]!r}, not {wanted}: counted as not recorded")
