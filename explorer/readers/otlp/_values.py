"""Attributes of OTLP as plain values, and what is wanted of them under any of several names.

Specification: opentelemetry/proto/common/v1/common.proto @ac2c4b5d ``AnyValue`` in JSON: whole numbers are texts of
digits, lists and objects are wrapped. Sloppy writers leave wrappers out, or use the names of the protocol itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import orjson

from explorer.readers._values import MOST_TOKENS

Attributes = Mapping[str, object]

_SCALARS = ("stringValue", "boolValue", "doubleValue", "bytesValue", "string_value", "bool_value", "double_value")
_MOST_NS = 1 << 63
_NS_DIGITS = 19
"""Of the times from 2001 to 2286."""
_MOST_DOLLARS = 1_000_000
_SHOWN = 40


def attributes_of(recorded: object) -> dict[str, object]:
    """A list of keys and values as a dict; what is not one is nothing. Of a key that is there twice the last counts."""
    if isinstance(recorded, dict):
        return {key: value for key, value in recorded.items() if isinstance(key, str)}
    found: dict[str, object] = {}
    for each in recorded if isinstance(recorded, list) else ():
        if isinstance(each, dict) and isinstance(key := each.get("key"), str):
            try:
                found[key] = plain(each.get("value"))
            except RecursionError:
                found[key] = None
    return found


def plain(value: object) -> object:
    """What an AnyValue holds."""
    if not isinstance(value, dict):
        return value
    for name in _SCALARS:
        if name in value:
            return value[name]
    for name in ("intValue", "int_value"):
        if name in value:
            number = whole(value[name])
            return value[name] if number is None else number
    for name in ("arrayValue", "array_value"):
        if isinstance(inner := value.get(name), dict):
            values = inner.get("values")
            return [plain(each) for each in values] if isinstance(values, list) else []
    for name in ("kvlistValue", "kvlist_value"):
        if isinstance(inner := value.get(name), dict):
            return attributes_of(inner.get("values"))
    return None


def whole(value: object) -> int | None:
    """A whole number, whether it is written as one, as a text of digits or with a fraction of zero."""
    if type(value) is int:
        return value
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return None


def nanoseconds(value: object) -> int | None:
    """A time; 0 is none."""
    time = int(value) if type(value) is str and len(value) == _NS_DIGITS and value.isdecimal() else whole(value)
    return time if time is not None and 0 < time < _MOST_NS else None


def from_json(value: object) -> object:
    """What a text that is JSON says; anything else as it is."""
    if isinstance(value, str) and value[:1] in '[{"' and value:
        try:
            return orjson.loads(value)
        except ValueError:
            return value
    return value


def as_text(value: object) -> str:
    """A text as it is, anything else as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, RecursionError):
        return repr(value)


class Wanted:
    """Takes values out of the attributes of one span; what is of the wrong type is a complaint and not recorded."""

    __slots__ = ("attributes", "complaints")

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self.complaints: list[str] = []

    def text(self, names: Iterable[str]) -> str | None:
        """The first text that is recorded under one of the names and not empty."""
        for name in names:
            value = self.attributes.get(name)
            if isinstance(value, str):
                if value:
                    return value
            elif type(value) is int:
                return str(value)
            elif value is not None:
                self._complain(name, value, "text")
        return None

    def count(self, names: Iterable[str]) -> int | None:
        """The first count of tokens that is recorded under one of the names."""
        for name in names:
            value = self.attributes.get(name)
            if value is None:
                continue
            number = None if isinstance(value, bool) else whole(value)
            if number is not None and 0 <= number <= MOST_TOKENS:
                return number
            self._complain(name, value, "a count of tokens")
        return None

    def dollars(self, names: Iterable[str]) -> float | None:
        """The first cost that is recorded under one of the names."""
        for name in names:
            value = self.attributes.get(name)
            if type(value) in (int, float) and 0 <= value <= _MOST_DOLLARS:  # type: ignore[operator]
                return float(value)  # type: ignore[arg-type]
            if value is not None:
                self._complain(name, value, "a cost")
        return None

    def flag(self, name: str) -> bool:
        """Whether it is recorded as true."""
        return self.attributes.get(name) in (True, "true")

    def _complain(self, name: str, value: object, wanted: str) -> None:
        shown = repr(value[:_SHOWN]) if isinstance(value, str) else "a list or object"
        shown = repr(value)[:_SHOWN] if isinstance(value, (int, float)) else shown
        self.complaints.append(f"{name} is {shown}, not {wanted}: counted as not recorded")
