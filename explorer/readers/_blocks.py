"""Lists of block ids become runs of consecutive ids while they are read; ids are never kept one by one."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import orjson
import simdjson

Stretch: TypeAlias = tuple[int, int]
"""First block id and how many follow each other from it."""

_IDS = 1 << 64

SHORT = 2_000
"""Bytes of a list below which comparing it with a range is quicker than setting out for numpy."""


class NotBlockIds(ValueError):
    """The list holds something that is not an integer of 64 bits without sign."""


class BlockParser:
    """Parses lists of ids. A prompt mostly extends the one before it, and then only what is new is parsed."""

    def __init__(self) -> None:
        self._parser = simdjson.Parser()
        self._open = b"\0"  # the text of the last list up to its bracket, so that a longer list can start with it
        self._stretches: list[Stretch] = []

    def stretches(self, text: bytes) -> list[Stretch]:
        """The runs of consecutive ids in a JSON list, in its order.

        Raises:
            NotBlockIds: it is not a list of integers from 0 to 2^64 - 1.
        """
        known = len(self._open)
        if text.startswith(self._open) and text[known : known + 1] in (b",", b"]"):
            tail = self._parse(b"[" + text[known + 1 :]) if text[known] == 0x2C else []
            if not tail and text[known] == 0x2C:
                raise NotBlockIds("a comma without an id")
            stretches = _joined(self._stretches, tail)
        else:
            stretches = self._parse(text)
        self._open, self._stretches = text[:-1].rstrip() if stretches else b"\0", stretches
        return stretches

    def _parse(self, text: bytes) -> list[Stretch]:
        if len(text) < SHORT and not text.translate(None, b"0123456789, []"):
            ids_ = _plain(text)
            if ids_ and ids_ == list(range(ids_[0], ids_[0] + len(ids_))) and ids_[-1] < _IDS:
                return [(ids_[0], len(ids_))]
        if text.find(b"[", 1) > 0:  # as_buffer would flatten it
            raise NotBlockIds("a list inside the list")
        try:
            parsed = self._parser.parse(text)
            if not isinstance(parsed, simdjson.Array):
                raise NotBlockIds("not a list")
            ids = np.frombuffer(parsed.as_buffer(of_type="u"), dtype=np.uint64)
        except (ValueError, TypeError) as error:
            raise NotBlockIds(str(error)) from None
        if not ids.size:
            return []
        breaks = np.flatnonzero(ids[1:] - ids[:-1] != 1) + 1
        firsts = [int(ids[0]), *ids[breaks].tolist()]
        bounds = [0, *breaks.tolist(), ids.size]
        stretches = [(first, bounds[i + 1] - bounds[i]) for i, first in enumerate(firsts)]
        # Unsigned differences take 0 for the successor of 2^64 - 1.
        return stretches if max(firsts) < _IDS - ids.size else _unwrapped(stretches)


def _plain(text: bytes) -> list[int] | None:
    """A short list that begins with a whole number; None when it does not."""
    try:
        ids: list[int] = orjson.loads(text)
    except ValueError:
        return None
    # Beyond 2^64 numbers become floats; brackets may hold brackets.
    return ids if ids and type(ids[0]) is int else None


def _joined(head: list[Stretch], tail: list[Stretch]) -> list[Stretch]:
    """Two lists of stretches one after the other, as one list would have given them."""
    if not head or not tail or sum(head[-1]) != tail[0][0]:
        return head + tail
    return [*head[:-1], (head[-1][0], head[-1][1] + tail[0][1]), *tail[1:]]


def _unwrapped(stretches: list[Stretch]) -> list[Stretch]:
    """Stretches cut where they run over the end of the ids."""
    cut: list[Stretch] = []
    for first, count in stretches:
        room = _IDS - first
        cut.extend([(first, count)] if count <= room else [(first, room), (0, count - room)])
    return cut
