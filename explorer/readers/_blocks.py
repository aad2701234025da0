"""Lists of block ids become runs of consecutive ids while they are read; ids are never kept one by one."""

from __future__ import annotations

import hashlib
import re
from typing import TypeAlias

import orjson

Stretch: TypeAlias = tuple[int, int]
"""First block id and how many follow each other from it."""

_IDS = 1 << 64
_HEX = re.compile(r"-?(?:0[xX])?[0-9a-fA-F]{1,128}", re.ASCII)

_FIRST_GUESS = 256
"""Ids compared with a range at once, to begin with; more after every success."""


class NotBlockIds(ValueError):
    """The list holds something that is not an integer of 64 bits without sign."""


class BlockParser:
    """Parses the lists of one run: a prompt mostly repeats the one before it, and only what is new is parsed."""

    def __init__(self) -> None:
        self._text = b""  # the last list up to its closing bracket
        self._ids = 0  # how many it holds
        self._stretches: list[Stretch] = []

    def stretches(self, text: bytes) -> list[Stretch]:
        """The runs of consecutive ids in a JSON list, in its order.

        Raises:
            NotBlockIds: it is not a list of integers from 0 to 2^64 - 1.
        """
        # What both lists share up to a comma was read before.
        comma = text.rfind(b",", 0, _common(self._text, text))
        if comma < 0:
            ids = _parse(text)
            known, new = 0, _stretches(ids)
        else:
            ids = _parse(b"[" + text[comma + 1 :])
            if not ids:
                raise NotBlockIds("a comma without an id")
            known = self._ids - self._text.count(b",", comma)
            new = joined(_first(self._stretches, known), _stretches(ids))
        self._text, self._ids, self._stretches = text[:-1], known + len(ids), new
        return new


def stretches_of(ids: object) -> list[Stretch]:
    """The runs of consecutive ids in a list that has been parsed.

    Raises:
        NotBlockIds: it is not a list of integers from 0 to 2^64 - 1.
    """
    if not isinstance(ids, list) or not {type(block) for block in ids} <= {int}:
        raise NotBlockIds("something that is not a whole number from 0")
    if ids and not 0 <= min(ids) <= max(ids) < _IDS:
        raise NotBlockIds(f"{min(ids) if min(ids) < 0 else max(ids)} does not fit in 64 bits")
    return _stretches(ids)


def numbered(names: object) -> object:
    """A list of ids in which every text has become a number; anything else as it is.

    What is written in hexadecimal is its number, of which the lowest 64 bits count; any other text is the first 64 bits
    of its BLAKE2b. Two of a million different hashes are taken for one with a chance of one in 30 million.
    """
    if not isinstance(names, list):
        return names
    return [_number(name) if isinstance(name, str) else name for name in names]


def _number(name: str) -> int:
    if _HEX.fullmatch(name):
        return int(name, 16) % _IDS
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def joined(head: list[Stretch], tail: list[Stretch]) -> list[Stretch]:
    """Two lists of stretches one after the other, as one list would have given them."""
    if not head or not tail or sum(head[-1]) != tail[0][0]:
        return head + tail
    return [*head[:-1], (head[-1][0], head[-1][1] + tail[0][1]), *tail[1:]]


def twice(stretches: list[Stretch]) -> int | None:
    """A block that two of the stretches hold."""
    reached = -1
    for first, count in sorted(stretches):
        if first < reached:
            return first
        reached = first + count
    return None


def _common(left: bytes, right: bytes) -> int:
    """How many leading bytes two texts have in common."""
    if right.startswith(left):
        return len(left)
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _parse(text: bytes) -> list[int]:
    # Nothing but digits between the brackets: no sign, no fraction, no list in the list, nothing that equals a number.
    if text.translate(None, b"0123456789, \t\r\n") != b"[]":
        raise NotBlockIds("something that is not a whole number from 0")
    try:
        ids: list[int] = orjson.loads(text)
    except ValueError as error:
        raise NotBlockIds(str(error)) from None
    return ids


def _stretches(ids: list[int]) -> list[Stretch]:
    found: list[Stretch] = []
    at, size = 0, len(ids)
    while at < size:
        first = ids[at]
        # What does not fit in 64 bits has become a float, which may equal the number it should have been.
        if not isinstance(first, int):
            raise NotBlockIds(f"{first:.0f} does not fit in 64 bits")
        count = 1
        guess = _FIRST_GUESS if at + 1 < size and ids[at + 1] == first + 1 else 0  # hashes never follow each other
        while guess and at + count < size:
            piece = ids[at + count : at + count + guess]
            if piece == list(range(first + count, first + count + len(piece))):
                count += len(piece)
                guess *= 4
            else:
                guess //= 4
        if first + count > _IDS:
            raise NotBlockIds(f"{first + count - 1} does not fit in 64 bits")
        found.append((first, count))
        at += count
    return found


def _first(stretches: list[Stretch], count: int) -> list[Stretch]:
    """The stretches of the first ``count`` ids."""
    kept: list[Stretch] = []
    for first, length in stretches:
        if length >= count:
            return [*kept, (first, count)]
        kept.append((first, length))
        count -= length
    return kept
