"""Inlined images are most of the bytes of a large recording, and nobody's answer: they are cut out before parsing.

What stands in their place is a digest, so that equal images stay equal and different ones different.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from explorer.readers._records import Buffer

LEAST: Final = 16 << 10
"""Characters of the shortest image that is cut out. It goes by the image alone, whatever it stands in."""

_MARKS: Final = (b";base64,", b'"result":"')
"""What an image comes behind: the beginning of a data URL, the field of an image that the model drew."""

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{64}")
_BACKSLASH = 0x5C


def without_images(buffer: Buffer, start: int, end: int) -> bytes:
    """The JSON text between two places, with ``sha256:…`` for what each image of at least ``LEAST`` characters is."""
    if end - start < LEAST:
        return buffer[start:end]
    pieces: list[bytes] = []
    at = start
    for begin, stop in _images(buffer, start, end):
        pieces += buffer[at:begin], b"sha256:", sha256(buffer[begin:stop]).hexdigest().encode()
        at = stop
    pieces.append(buffer[at:end])
    return b"".join(pieces)


def _images(buffer: Buffer, start: int, end: int) -> list[tuple[int, int]]:
    """Where images begin and stop, in order."""
    found: list[tuple[int, int]] = []
    for mark in _MARKS:
        at = buffer.find(mark, start, end)
        while at >= 0:
            begin = at + len(mark)
            stop = buffer.find(b'"', begin, end)
            stop = end if stop < 0 else stop
            if stop > begin and buffer[stop - 1] == _BACKSLASH:  # JSON in a text: the quote is escaped
                stop -= 1
            if stop - begin >= LEAST and _BASE64.match(buffer, begin):
                found.append((begin, stop))
            at = buffer.find(mark, stop, end)
    return sorted(found)
