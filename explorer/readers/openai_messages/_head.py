"""As much of a JSON value as stands in the head of a file: what is cut off is there as far as it goes."""

from __future__ import annotations

import re
from json import JSONDecoder

_DECODER = JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n,]*")
_COLON = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_MOST_DEPTH = 12


class _Cut(Exception):
    """The text ends, or goes on as no JSON does."""


def begun(text: str) -> object:
    """The value that a text begins with; of one that is cut off, its whole parts. None where there is none."""
    return _value(text, _skip(text, 0), _MOST_DEPTH)[0]


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _whole(text: str, at: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        raise _Cut from None


def _value(text: str, at: int, depth: int) -> tuple[object, int | None]:
    """A value and where it ends; None for the end of one that is cut off."""
    try:
        return _whole(text, at)
    except _Cut:
        sign = text[at : at + 1]
        if sign not in ("{", "[") or not depth:
            return None, None
        return _object(text, at + 1, depth) if sign == "{" else _list(text, at + 1, depth)


def _object(text: str, at: int, depth: int) -> tuple[object, int | None]:
    found: dict[str, object] = {}
    while True:
        try:
            key, end = _whole(text, _skip(text, at))
        except _Cut:
            return found, None
        colon = _COLON.match(text, end)
        if not isinstance(key, str) or colon is None:
            return found, None
        value, after = _value(text, colon.end(), depth - 1)
        found[key] = value
        if after is None:
            return found, None
        at = after


def _list(text: str, at: int, depth: int) -> tuple[object, int | None]:
    found: list[object] = []
    while True:
        value, after = _value(text, _skip(text, at), depth - 1)
        if value is not None and (after is not None or not found):
            found.append(value)
        if after is None:
            return found, None
        at = after
