"""Lines of a transcript as records, however long and however damaged.

An image is most of the bytes of a long line and nobody's answer: it is cut out before parsing, and what stands in its
place is a digest, so that equal images stay equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

import orjson

from explorer.readers import _images
from explorer.readers._records import Buffer, Forget, loads, open_bytes

LEAST_IMAGE: Final = 64 << 10
"""Bytes of the shortest line in which images are looked for, and of the shortest image that is cut out."""

LONGEST_TORN: Final = 4 << 20
"""Bytes of the longest torn line in which another record is looked for."""

SHORTEST: Final = 16
"""Bytes above which a line is not looked at for being blank."""

_TRIED = 16
_MARKS = (b'"data":"', b'"base64":"', b";base64,")
_INSIDE = re.compile(rb'\{"(?:parentUuid|type|leafUuid|messageId)":')


class Where(NamedTuple):
    """Where a record stands."""

    source_id: str
    offset: int
    length: int
    line: int


class Place(NamedTuple):
    """The beginning of a line."""

    offset: int
    number: int
    """Lines before it."""


Line: TypeAlias = tuple[Where, dict[str, object]]
"""One record and where it stands."""


class Damage(NamedTuple):
    """A line, or a part of one, that could not be read."""

    number: int
    code: Literal["bad-record", "truncated-record", "spliced-record", "bad-field"]
    message: str


def lines(path: Path, source_id: str) -> Iterator[Line | Damage]:
    """Every record of a file, in order.

    Raises:
        OSError: it cannot be read.
    """
    with open_bytes(path) as buffer:
        yield from lines_of(buffer, source_id, Place(3 if buffer[:3] == b"\xef\xbb\xbf" else 0, 0), len(buffer))


def lines_of(buffer: Buffer, source_id: str, place: Place, size: int) -> Iterator[Line | Damage]:
    """Every record from a place on, in the first so many bytes of a file."""
    forget = Forget(buffer)
    due, find, loads_, make = forget.due, buffer.find, orjson.loads, tuple.__new__  # all of it is asked of each line
    at, number = place
    while at < size:
        found = find(b"\n", at, size)
        end = size if found < 0 else found
        number += 1
        length = end - at
        raw = buffer[at:end] if length < LEAST_IMAGE else without_images(buffer, at, end)
        try:
            record = loads_(raw)
        except ValueError:
            if length > SHORTEST or raw.strip():
                yield from _odd(Where(source_id, at, length, number), raw, found >= 0)
        else:
            if type(record) is dict:
                yield make(Where, (source_id, at, length, number)), record
            else:
                yield Damage(number, "bad-record", "not a JSON object")
        at = end + 1
        if at > due:
            forget(at)
            due = forget.due


def parse(raw: bytes) -> dict[str, object] | None:
    """The record of one line; None when it cannot be read."""
    for found in _odd(Where("", 0, len(raw), 0), without_images(raw), True):
        if not isinstance(found, Damage):
            return found[1]
    return None


def without_images(buffer: Buffer, start: int = 0, end: int | None = None) -> bytes:
    """The bytes between two places, with a digest for each image of at least ``LEAST_IMAGE``."""
    end = len(buffer) if end is None else end
    return _images.without_images(buffer, start, end, _MARKS, LEAST_IMAGE, _digest)


def _digest(image: bytes) -> bytes:
    return f"image {blake2b(image, digest_size=16).hexdigest()}".encode()


def _odd(where: Where, raw: bytes, complete: bool) -> Iterator[Line | Damage]:
    """What can be had of a line that is not plain JSON."""
    try:
        record = loads(raw)
    except ValueError as error:
        reason: ValueError | None = error
        text = raw.decode("utf-8", "replace").encode()
        if text != raw:
            try:
                record, reason = loads(text), None
            except ValueError:
                pass
            else:
                yield Damage(where.line, "bad-field", "bytes that are not UTF-8, read as U+FFFD")
        if reason is not None:
            yield from _torn(where, raw, complete, str(reason))
            return
    if isinstance(record, dict):
        yield where, record
    else:
        yield Damage(where.line, "bad-record", "not a JSON object")


def _torn(where: Where, raw: bytes, complete: bool, reason: str) -> Iterator[Line | Damage]:
    """The record that was written into a torn one, if there is one at the end of the line."""
    starts = [found.start() for found in _INSIDE.finditer(raw, 1)] if len(raw) <= LONGEST_TORN else []
    for start in starts[-_TRIED:]:
        try:
            record = loads(raw[start:])
        except ValueError:
            continue
        if isinstance(record, dict) and ("uuid" in record or "sessionId" in record):
            message = f"{start:,} bytes of a record that another one was written into"
            yield Damage(where.line, "spliced-record", message)
            length = len(raw) - start
            yield where._replace(offset=where.offset + where.length - length, length=length), record
            return
    if complete:
        yield Damage(where.line, "bad-record", f"not a JSON object: {reason}")
    else:
        yield Damage(where.line, "truncated-record", f"the last line is cut off, or still being written: {reason}")
