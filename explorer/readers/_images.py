"""Inlined images are most of the bytes of a large recording, and nobody's answer: they are cut out before parsing.

What stands in their place is a digest, so that equal images stay equal and different ones different.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from explorer.readers._records import Buffer

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{64}")
_BACKSLASH = 0x5C


def without_images(
    buffer: Buffer, start: int, end: int, marks: Sequence[bytes], least: int, instead: Callable[[bytes], bytes]
) -> bytes:
    """The JSON text between two places, with what ``instead`` makes of each image of at least ``least`` characters.

    An image comes behind one of ``marks``, such as the beginning of a data URL, and goes to the end of its text.
    """
    if end - start < least:
        return buffer[start:end]
    pieces: list[bytes] = []
    at = start
    for begin, stop in _images(buffer, start, end, marks, least):
        if begin >= at:
            pieces += buffer[at:begin], instead(buffer[begin:stop])
            at = stop
    pieces.append(buffer[at:end])
    return b"".join(pieces)


def _images(buffer: Buffer, start: int, end: int, marks: Sequence[bytes], least: int) -> list[tuple[int, int]]:
    """Where images begin and stop, in order."""
    found: list[tuple[int, int]] = []
    for mark in marks:
        at = buffer.find(mark, start, end)
        while at >= 0:
            begin = at + len(mark)
            stop = buffer.find(b'"', begin, end)
            stop = end if stop < 0 else stop
            if stop > begin and buffer[stop - 1] == _BACKSLASH:  # JSON in a text: the quote is escaped
                stop -= 1
            if stop - begin >= least and _BASE64.match(buffer, begin):
                found.append((begin, stop))
            at = buffer.find(mark, stop, end)
    return sorted(found)
