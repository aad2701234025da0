"""Bytes to records without trusting them: one bad record costs one record.

``open_bytes`` gives the bytes of a file; ``outlines`` walks a sequence of JSON objects that each hold one array of
records (and records that hold such an array again), and finds where every record starts and ends, without building
them. Number arrays, which are nearly all of the bytes, are jumped over with ``find``. Damage is noted where it is and
the walk goes on at the next record, so that a cut or flipped byte costs the record it is in.
"""

from __future__ import annotations

import json
import mmap
import re
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import orjson

MAX_RECORD = 32 << 20
"""Bytes of the longest record that is read: 4 million block ids. A longer one is damage, not data."""

MAX_SKIPPED_VALUE = 4 << 20
"""Bytes of the longest value inside a record that is stepped over; keeps damage from being searched for ever."""

MAP_ABOVE = 64 << 20
"""Bytes above which a file is mapped instead of read, so that memory does not follow its size."""

Buffer: TypeAlias = bytes | mmap.mmap


class Damage(NamedTuple):
    """A place that could not be read."""

    offset: int
    code: Literal["bad-record", "truncated-record"]
    reason: str


@dataclass(slots=True)
class Outline:
    """An object that holds an array of records: its other fields, and where the records are."""

    offset: int
    end: int = 0
    fields: dict[str, object] = field(default_factory=dict)
    spans: array[int] = field(default_factory=lambda: array("q"))
    """start, end, start, end, … of the records, in order."""
    nested: dict[int, Outline] = field(default_factory=dict)
    """Records that hold such an array themselves, by their index."""
    unsure_from: int | None = None
    """Index of the first record that may belong to the enclosing object, because damage hid where this one ends."""
    damage: list[Damage] = field(default_factory=list)
    has_array: bool = False

    def __len__(self) -> int:
        return len(self.spans) // 2

    def span(self, index: int) -> tuple[int, int]:
        """Start and end of a record."""
        return self.spans[2 * index], self.spans[2 * index + 1]


class _Broken(Exception):
    """The object cannot be followed beyond ``offset``."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


# A string ends on its own line: JSON has no raw newlines in strings, so a lost quote cannot swallow the next line.
_STRING = rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
_KEY = re.compile(rb"[ \t\r\n,]*(?:(" + _STRING + rb")[ \t\r\n]*:[ \t\r\n]*|(\}))")
_TOKEN = re.compile(_STRING + rb"|[{}\[\]]")
_SCALAR = re.compile(_STRING + rb'|[^ \t\r\n,\]}\[{"]+')
_NUMBERS = re.compile(rb"\[[ \t\r\n]*[-\d\]]")
_MANY_NUMBERS = re.compile(rb"\[[\d, ]{32}")
_NEXT = re.compile(rb"[ \t\r\n,]*([^ \t\r\n,])?")
_SPACE = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*")
_RESUME = re.compile(rb'\}[ \t\r\n]*(?:,[ \t\r\n]*(?=\{[ \t\r\n]*")|(?=\]))')
_NEXT_LINE = re.compile(rb"\n(?=\{)")


@contextmanager
def open_bytes(path: Path) -> Iterator[Buffer]:
    """The bytes of a file: read at once when small, mapped when large.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size <= MAP_ABOVE:
            yield file.read()
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped


class Forget:
    """Lets go of the mapped pages behind the reading position, so that they do not count as memory in use."""

    STRIDE = 16 << 20

    def __init__(self, buffer: Buffer) -> None:
        self._mapped = buffer if isinstance(buffer, mmap.mmap) and hasattr(buffer, "madvise") else None
        self._done = 0

    def __call__(self, position: int) -> None:
        """Everything before ``position`` has been read."""
        if self._mapped is not None and position - self._done >= self.STRIDE:
            start = self._done & -mmap.PAGESIZE
            self._mapped.madvise(mmap.MADV_DONTNEED, start, position - start)
            self._done = position


class Lines:
    """Line numbers of byte positions; cheap when asked in rising order."""

    CHUNK = 1 << 20

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._offset, self._line = 0, 1

    def at(self, offset: int) -> int:
        """1-based number of the line that holds a byte."""
        if offset < self._offset:
            self._offset, self._line = 0, 1
        for start in range(self._offset, offset, self.CHUNK):
            self._line += self._buffer[start : min(start + self.CHUNK, offset)].count(b"\n")
        self._offset = offset
        return self._line


def loads(text: bytes) -> object:
    """Parse JSON; a lone surrogate, which stdlib writers emit and orjson refuses, becomes U+FFFD.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        if rb"\u" not in text:
            raise
        parsed = json.loads(text)  # raises again for what is not JSON at all
        return orjson.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))


def outlines(buffer: Buffer, key: str) -> Iterator[Outline]:
    """Every object in a file of one object, or of one a line; ``key`` names the array of records in each.

    Damage before or between objects is given as an outline without fields.
    """
    walk = _Walk(buffer, key.encode())
    at = _after_space(buffer, 0)
    while at < len(buffer):
        if buffer[at : at + 1] == b"{":
            outline = walk.object(at)
        else:
            outline = Outline(at, walk.line_end(at), damage=[Damage(at, "bad-record", "not a JSON object")])
        yield outline
        at = _after_space(buffer, max(outline.end, at + 1))


def _after_space(buffer: Buffer, at: int) -> int:
    found = _SPACE.match(buffer, at)
    return found.end() if found else at


class _Walk:
    """Walks the structure of one buffer."""

    def __init__(self, buffer: Buffer, key: bytes) -> None:
        self.buffer = buffer
        self.key = b'"' + key + b'"'
        self._line = (0, 0)  # the stretch last searched for a new line, and where that began
        self.open_array = re.compile(re.escape(self.key) + rb"[ \t\r\n]*:[ \t\r\n]*(?=\[)")

    def line_end(self, at: int) -> int:
        """Where the next line begins an object of its own: damage never reaches beyond it."""
        if not self._line[0] <= at < self._line[1]:
            found = _NEXT_LINE.search(self.buffer, at)
            self._line = at, found.end() if found else len(self.buffer)
        return self._line[1]

    def object(self, at: int) -> Outline:
        """A top-level object, with whatever of it can be read."""
        outline = Outline(at)
        position = at + 1
        while True:
            try:
                outline.end = self.follow(outline, position)
                return outline
            except _Broken as broken:
                limit = self.line_end(broken.offset)
                resume = None if outline.has_array else self.open_array.search(self.buffer, broken.offset, limit)
                cut = resume is None and limit == len(self.buffer)
                outline.damage.append(Damage(broken.offset, "truncated-record" if cut else "bad-record", broken.reason))
                outline.end = limit
                if resume is None:
                    return outline
                position = resume.start()

    def follow(self, outline: Outline, position: int) -> int:
        """Read key after key into ``outline`` until its closing brace; returns the position behind it."""
        while True:
            found = _KEY.match(self.buffer, position)
            if not found:
                raise _Broken(position, "a key was expected here")
            if found[2]:
                return found.end()
            position = found.end()
            if found[1] == self.key and self.buffer[position : position + 1] == b"[":
                outline.has_array = True
                position = self.records(outline, position + 1)
                continue
            end = self.value_end(position)
            try:
                outline.fields[str(loads(found[1]))] = loads(self.buffer[position:end])
            except ValueError as error:
                outline.damage.append(
                    Damage(position, "bad-record", f"field {found[1].decode(errors='replace')}: {error}")
                )
            position = end

    def value_end(self, position: int) -> int:
        """Position behind the value that starts here."""
        buffer = self.buffer
        if buffer[position : position + 1] not in (b"{", b"["):
            scalar = _SCALAR.match(buffer, position)
            if not scalar or scalar.end() - position > MAX_SKIPPED_VALUE:
                raise _Broken(position, "a value was expected here")
            return scalar.end()
        numbers = _NUMBERS.match(buffer, position)
        if numbers:
            end = buffer.find(b"]", numbers.end() - 1, position + MAX_RECORD)
            if end < 0:
                raise _Broken(position, "a list of numbers without an end")
            return end + 1
        open_: list[bytes] = []
        for token in _TOKEN.finditer(buffer, position, min(position + MAX_SKIPPED_VALUE, len(buffer))):
            sign = token[0]
            if sign in (b"{", b"["):
                open_.append(b"}" if sign == b"{" else b"]")
            elif sign in (b"}", b"]"):
                if open_.pop() != sign:
                    raise _Broken(token.start(), "brackets do not match")
                if not open_:
                    return token.end()
        raise _Broken(position, "a value without an end")

    def records(self, outline: Outline, position: int) -> int:
        """Find the records of an array; returns the position behind its closing bracket."""
        buffer = self.buffer
        while True:
            found = _NEXT.match(buffer, position)
            sign = found[1] if found else None
            try:
                if found is None or sign is None:
                    raise _Broken(position, "cut off before the end of the list")
                start = found.start(1)
                if sign == b"]":
                    return start + 1
                if sign != b"{":
                    raise _Broken(start, "a record was expected here")
                position = self.record(outline, start)
            except _Broken as broken:
                position = self.resume(outline, broken)

    def record(self, outline: Outline, start: int) -> int:
        """Note one record; returns the position behind it."""
        buffer = self.buffer
        end = buffer.find(b"}", start, start + MAX_RECORD) + 1
        # Without an inner brace or an escape, quotes come in pairs: then the brace found is not in a string.
        if end > 0 and buffer.find(b"{", start + 1, end) < 0:
            text = buffer[start:end]
            numbers = _MANY_NUMBERS.search(text)
            if numbers:
                text = text[: numbers.start()] + text[text.find(b"]", numbers.end()) + 1 :]
            if text.count(b'"') % 2 == 0 and text.count(b"[") == text.count(b"]") and b"\\" not in text:
                outline.spans.extend((start, end))
                return end
        child = Outline(start)
        try:
            child.end = self.follow(child, start + 1)
        except _Broken as broken:
            if not child.has_array:
                raise
            limit = self.line_end(broken.offset)
            found = _RESUME.search(buffer, broken.offset, limit)
            child.end = found.start() + 1 if found else limit
            self.note(outline, child)
            if not found:
                raise  # the enclosing object is cut at the same place, and says so
            child.damage.append(Damage(broken.offset, "bad-record", broken.reason))
            return child.end
        self.note(outline, child)
        return child.end

    @staticmethod
    def note(outline: Outline, child: Outline) -> None:
        """Add a record to an array, with its own array if it has one."""
        if child.has_array:
            outline.nested[len(outline)] = child
        outline.spans.extend((child.offset, child.end))

    def resume(self, outline: Outline, broken: _Broken) -> int:
        """Note damage in an array and find the next record of it."""
        limit = self.line_end(broken.offset)
        found = _RESUME.search(self.buffer, broken.offset, limit)
        if found is None:
            raise broken
        outline.damage.append(Damage(broken.offset, "bad-record", broken.reason))
        if outline.unsure_from is None:
            outline.unsure_from = len(outline)
        return found.end()
