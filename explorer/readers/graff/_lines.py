"""Lines of JSON whose writer lost its place: records glued into each other, holes of zeros, tails without a head.

Known from justrach/codegraff issues 86 (a record that another begins in), 242 and 272 (holes of zero bytes, fragments
without a head). Whatever is still a whole record is read, wherever it stands; the rest of its line is one loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecoder
from typing import NamedTuple

from explorer.readers._records import MAX_RECORD, Buffer, Forget, loads

MOST_TRIES = 50
"""Places of one damaged line at which a record is looked for."""

_BLANK = b" \t\r"
_SIGN = re.compile(rb'\{[ \t]*"(?:run_id|kind|ev|id|t|schema)"')
_ZEROS = re.compile(rb"\0+")
_DECODER = JSONDecoder()
_PLACED = frozenset(("t", "id", "prompt_sha", "unix_ms", "parent", "seq"))


class Record(NamedTuple):
    """A record, and the bytes that it takes."""

    offset: int
    end: int
    fields: dict[str, object]


class Loss(NamedTuple):
    """What could not be read of a line."""

    offset: int
    code: str
    message: str


def records(buffer: Buffer) -> Iterator[Record | Loss]:
    """Everything in a file, in its order; what was lost of a line comes behind what was read of it."""
    forget = Forget(buffer)
    at, size = 3 if buffer[:3] == b"\xef\xbb\xbf" else 0, len(buffer)
    while at < size:
        newline = buffer.find(b"\n", at)
        end = size if newline < 0 else newline
        yield from _line(buffer, at, end, cut=newline < 0)
        at = end + 1
        forget(end)


def _line(buffer: Buffer, at: int, end: int, cut: bool) -> Iterator[Record | Loss]:
    if end - at <= MAX_RECORD:
        line = buffer[at:end]
        text = line.strip(_BLANK)
        if not text:
            return
        try:
            fields = loads(text)
        except ValueError:
            pass
        else:
            at += line.index(text[:1])
            if isinstance(fields, dict):
                yield Record(at, at + len(text), fields)
            else:
                yield Loss(at, "bad-record", "not a JSON object")
            return
    yield from _salvage(buffer, at, end, cut)


def _salvage(buffer: Buffer, at: int, end: int, cut: bool) -> Iterator[Record | Loss]:
    """The whole records in a damaged line, and one loss for everything else in it."""
    zeros = lost = 0
    first: int | None = None  # where the first loss begins
    found, behind = False, False
    for start, stop in _between_zeros(buffer, at, end):
        if buffer[start : start + 1] == b"\0":
            zeros += stop - start
            first = start if first is None else first
            continue
        reached = start
        for record in _whole(buffer, start, stop):
            found, behind = True, behind or record.offset > reached or lost > 0
            first, lost = _lose(buffer, reached, record.offset, first, lost)
            reached = record.end
            yield record
        first, lost = _lose(buffer, reached, stop, first, lost)
    if first is None:
        return
    if zeros:
        message = f"a hole of {zeros:,} zero bytes" + (f", and {lost:,} bytes of records around it" if lost else "")
        yield Loss(first, "bad-record", f"byte {first:,}: {message}; what is whole on the line is read")
    elif found and behind:
        message = f"{lost:,} bytes of a record that another one was written into; that one is read"
        yield Loss(first, "spliced-record", f"byte {first:,}: {message}")
    else:
        code, what = ("truncated-record", "cut off") if cut else ("bad-record", "not a JSON object")
        yield Loss(first, code, f"byte {first:,}: {what}; {lost:,} bytes are left out, the rest is read")


def _lose(buffer: Buffer, start: int, stop: int, first: int | None, lost: int) -> tuple[int | None, int]:
    """Count what lies between as lost, unless it is blank."""
    if stop - start <= MAX_RECORD and not buffer[start:stop].strip(_BLANK):
        return first, lost
    return start if first is None else first, lost + stop - start


def _between_zeros(buffer: Buffer, at: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches of a line with and without zeros."""
    for hole in _ZEROS.finditer(buffer, at, end):
        if at < hole.start():
            yield at, hole.start()
        yield hole.start(), hole.end()
        at = hole.end()
    if at < end:
        yield at, end


def _whole(buffer: Buffer, at: int, end: int) -> Iterator[Record]:
    """Records that stand somewhere in a stretch of bytes."""
    if end - at > MAX_RECORD:
        return
    piece = buffer[at:end]
    text = piece.decode("latin-1")  # a character for a byte
    reached = 0
    for number, sign in enumerate(_SIGN.finditer(piece)):
        if number == MOST_TRIES:
            return
        if sign.start() < reached:
            continue
        try:
            stop = _DECODER.raw_decode(text, sign.start())[1]
            fields = loads(piece[sign.start() : stop])
        except (ValueError, RecursionError):
            continue
        if isinstance(fields, dict) and is_record(fields):
            yield Record(at + sign.start(), at + stop, fields)
            reached = stop


def is_record(fields: dict[str, object]) -> bool:
    """Whether an object stands for itself, and is not the value of a record's field."""
    named = isinstance(fields.get("kind"), str) or isinstance(fields.get("ev"), str)
    return named and ("run_id" in fields or not _PLACED.isdisjoint(fields))
