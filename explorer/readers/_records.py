"""Bytes to records without trusting them: one bad record costs one record.

``open_bytes`` gives the bytes of a file; ``outlines`` walks a sequence of JSON objects that each hold one array of
records (and records that hold such an array again), and finds where every record starts and ends, without building
them. Number arrays, which are nearly all of the bytes, are jumped over with ``find``. Damage is noted where it is and
the walk goes on at the next record, so that a cut or flipped byte costs the record it is in.
"""

from __future__ import annotations

import json
import math
import mmap
import re
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import orjson

MAX_RECORD = 32 << 20
"""Bytes of the longest record that is read: 4 million block ids. A longer one is damage, not data."""

MAX_SKIPPED_VALUE = 4 << 20
"""Bytes of the longest value inside a record that is stepped over; keeps damage from being searched for ever."""

MAP_ABOVE = 64 << 20
"""Bytes above which a file is mapped instead of read, so that memory does not follow its size."""

MAX_DEPTH = 64
"""Lists of records inside each other that are followed; real ones are two or three deep."""

PATIENCE = 8 << 20
"""Bytes of a file that may be searched in vain. When they are used up, damage costs the rest of its line: a file that
is nothing but damage ends in seconds too."""

IMPATIENT = 64 << 10
"""Bytes of the longest list or object inside a record once the patience is used up."""

MOST_EDGES = 100_000
"""Braces that are looked at for the next record behind a damaged place."""

DAMAGE_COST = 512
"""What each damaged place takes of the patience at least, so that their number is bounded."""

LONGEST_MARK = 4_096
"""Bytes of the longest sign, with what follows it, by which a line or a record is known again."""

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
    """The object cannot be followed beyond ``offset``; ``early`` when it seems to end there, but has more.

    ``since`` is where the value before that place began: with a lost quote it may have swallowed what follows.
    """

    def __init__(self, offset: int, reason: str, early: bool = False, since: int | None = None) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason
        self.early = early
        self.since = offset if since is None else since


# A string ends on its own line: JSON has no raw newlines in strings, so a lost quote cannot swallow the next line.
# Repeats are possessive: what does not match costs one look, not one per byte, and no memory.
_SPACES = rb"[ \t\r\n]*+"
_OPEN_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+'
_STRING = _OPEN_STRING + rb'"'
_KEY = re.compile(rb"[ \t\r\n,]*+(?:(" + _STRING + rb")" + _SPACES + rb":" + _SPACES + rb"|(\}))")
_TOKEN = re.compile(_OPEN_STRING + rb'("?)|[{}\[\]]')
_SCALAR = re.compile(_STRING + rb'|[^ \t\r\n,\]}\[{"]++')
_NUMBERS = re.compile(rb"\[" + _SPACES + rb"[-\d\]]")
_MANY_NUMBERS = re.compile(rb"\[[\d, ]{32}")
_NEXT = re.compile(rb"[ \t\r\n,]*+([^ \t\r\n,])?")
_SPACE = re.compile(rb"(?:\xef\xbb\xbf)?" + _SPACES)
_FIRST_KEY = re.compile(rb"\{" + _SPACES + rb"(" + _STRING + rb")")
_LIST_CLOSED = rb"\]" + _SPACES + rb"(?:," + _SPACES + rb'["}]|\}|\Z)'
_RECORD_EDGE = re.compile(rb"\{(?=" + _SPACES + rb'")|\}(?=' + _SPACES + _LIST_CLOSED + rb")")
_NEXT_LINE = re.compile(rb"\n(?=\{)")
_ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?" + _SPACES + rb"\[" + _SPACES + rb"(?=\{)")
# The end of a list where a key was expected, behind whatever the lost brace has become, and what follows it.
_LIST_END = re.compile(
    _SPACES + rb"(?:[^ \t\r\n\]]" + _SPACES + rb"|\]" + _SPACES + rb"(?=\]))?(\])"
    + _SPACES + rb"(?:," + _SPACES + rb"(" + _STRING + rb")" + _SPACES + rb":|\})"
)  # fmt: skip
_CLOSES_LIST = re.compile(_LIST_CLOSED)
# Behind a record: the list goes on or ends; one flipped byte between records is not held against the record.
_BEHIND_RECORD = re.compile(_SPACES + rb"(?:[,\]{\0]|[^ \t\r\n]" + _SPACES + rb"\{" + _SPACES + rb'"|\Z)')
_BEHIND_OBJECT = re.compile(rb"[ \t\r]*+(?:[\n{\0]|\Z)")
_BEHIND_OBJECT_IN_ARRAY = re.compile(rb"[ \t\r]*+(?:[\n{\0\],]|\Z)")
_CLOSING = {b"{": b"}", b"[": b"]"}
_CLOSERS = frozenset(_CLOSING.values())
_ENDLESS = f"a value without an end, or longer than {MAX_SKIPPED_VALUE >> 20} MiB"
_NEWLINE = 0x0A
_ODD = re.compile(rb"\\u|NaN|Infinity|[eE]\+?\d{3}|\d{300}")
_SURROGATES = re.compile("[\ud800-\udfff]")


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
        self.due = self.STRIDE if self._mapped else sys.maxsize
        """Position from which on a call lets go of something; to be asked first where a call per record is dear."""

    def between(self, start: int, stop: int) -> None:
        """What lies between has been looked at, whatever comes before it."""
        if self._mapped is not None:
            start &= -mmap.PAGESIZE
            self._mapped.madvise(mmap.MADV_DONTNEED, start, stop - start)

    def __call__(self, position: int) -> None:
        """Everything before ``position`` has been read."""
        if self._mapped is not None and position >= self.due:
            start = self._done & -mmap.PAGESIZE
            self._mapped.madvise(mmap.MADV_DONTNEED, start, position - start)
            self._done, self.due = position, position + self.STRIDE


class Lines:
    """Line numbers of byte positions; cheapest when asked in rising order."""

    CHUNK = 1 << 20

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._forget = Forget(buffer)
        self._offset, self._line = 0, 1
        self._passed = [1]  # the line at the start of each chunk passed so far

    def at(self, offset: int) -> int:
        """1-based number of the line that holds a byte."""
        if offset < self._offset:
            chunk = offset // self.CHUNK
            self._offset, self._line = chunk * self.CHUNK, self._passed[chunk]
        while self._offset < offset:
            stop = min((self._offset // self.CHUNK + 1) * self.CHUNK, offset)
            self._line += self._buffer[self._offset : stop].count(b"\n")
            self._offset = stop
            if stop % self.CHUNK == 0 and stop // self.CHUNK == len(self._passed):
                self._passed.append(self._line)
            self._forget(stop)
        return self._line


def loads(text: bytes) -> object:
    """Parse JSON. What stdlib writers emit and orjson refuses: a lone surrogate becomes U+FFFD, ``NaN`` its name.

    A number beyond what a float holds becomes its text.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        if not _ODD.search(text):
            raise
    try:
        parsed = json.loads(text, parse_constant=str, parse_float=_finite, parse_int=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return orjson.loads(_SURROGATES.sub("\ufffd", json.dumps(parsed, ensure_ascii=False)))


def _finite(number: str) -> float | int | str:
    if number.lstrip("-").isdigit() and len(number) < 20:
        return int(number)
    return float(number) if math.isfinite(float(number)) else number


def outlines(buffer: Buffer, key: str) -> Iterator[Outline]:
    """Every object in a file of one object, of one a line, or of an array of them.

    ``key`` names the array of records in each. Damage before or between objects is given as an outline without fields.
    """
    array_ = _ARRAY.match(buffer)
    walk = _Walk(buffer, key.encode(), in_array=array_ is not None)
    at = array_.end() if array_ else _after_space(buffer, 0)
    while at < len(buffer):
        if buffer[at : at + 1] == b"{":
            outline = walk.object(at)
        else:
            outline = Outline(at, walk.line_end(at), damage=[Damage(at, "bad-record", "not a JSON object")])
        yield outline
        at = _after_space(buffer, max(outline.end, at + 1))
        if array_:
            separator = _NEXT.match(buffer, at)
            at = separator.start(1) if separator and separator[1] else len(buffer)
            at = _after_space(buffer, at + 1) if buffer[at : at + 1] == b"]" else at


def _after_space(buffer: Buffer, at: int) -> int:
    found = _SPACE.match(buffer, at)
    return found.end() if found else at


class _Walk:
    """Walks the structure of one buffer."""

    def __init__(self, buffer: Buffer, key: bytes, in_array: bool) -> None:
        self.buffer = buffer
        self.key = b'"' + key + b'"'
        self.forget = Forget(buffer)
        self.plain: tuple[int, int] | None = None  # a record that was in order
        self.patience = PATIENCE
        self.depth = 0
        self.open_array = re.compile(re.escape(self.key) + _SPACES + rb":" + _SPACES + rb"(?=\[)")
        self.behind_object = _BEHIND_OBJECT_IN_ARRAY if in_array else _BEHIND_OBJECT
        self.first: bytes | None = None  # first key of the object that is read
        self.one_a_line = False  # whether its records begin lines as well
        self._line = (0, 0)  # the stretch last searched for a new line, and where that began
        self._none = (0, 0)  # the stretch last searched for a record, when there was none

    def line_end(self, at: int) -> int:
        """Where the next line begins an object of its own: damage never reaches beyond it."""
        if not self._line[0] <= at < self._line[1]:
            found = self.next_line(at, len(self.buffer), alike=self.one_a_line)
            self._line = at, len(self.buffer) if found is None else found
        return self._line[1]

    def far(self, pattern: re.Pattern[bytes], at: int, limit: int) -> Iterator[re.Match[bytes]]:
        """Matches between two places that may be gigabytes apart, without keeping what lies between in memory."""
        for start in range(at, limit, Forget.STRIDE):
            stop = min(start + Forget.STRIDE, limit)
            for found in pattern.finditer(self.buffer, start, min(stop + LONGEST_MARK, limit)):
                if found.start() < stop:
                    yield found
            self.forget.between(start, stop)

    def next_line(self, at: int, limit: int, alike: bool) -> int | None:
        """Where a line begins an object, from ``at`` on; with ``alike``, one that begins like the one that is read."""
        for found in self.far(_NEXT_LINE, at, limit):
            if not alike or self.begins_object(found.end()):
                return found.end()
        return None

    def begins_object(self, at: int) -> bool:
        """Whether what opens here has the same first key as the object that is read."""
        key = _FIRST_KEY.match(self.buffer, at, at + MAX_SKIPPED_VALUE)
        return self.first is None or (key is not None and key[1] == self.first)

    def object(self, at: int) -> Outline:
        """A top-level object, with whatever of it can be read."""
        key = _FIRST_KEY.match(self.buffer, at, at + MAX_SKIPPED_VALUE)
        self.first = key[1] if key else None
        if self.one_a_line:
            self.one_a_line, self._line = False, (0, 0)
        outline = Outline(at)
        position: int | None = at + 1
        inside = False
        while True:
            assert position is not None
            try:
                outline.end = self.follow(outline, position, inside)
                if not self.behind_object.match(self.buffer, outline.end):
                    raise _Broken(outline.end, "the object ends before its line does", early=True)
                return outline
            except _Broken as broken:
                limit = self.line_end(broken.offset)
                inside = outline.has_array
                if not inside:
                    opened = next(self.far(self.open_array, broken.offset, limit), None)
                    position = opened.start() if opened else None
                else:
                    position = self.next_record(broken.offset, limit) if broken.early else None
                    if position is not None and self.buffer[position : position + 1] != b"{":
                        position = None
                cut = position is None and limit == len(self.buffer) and not broken.early
                outline.damage.append(Damage(broken.offset, "truncated-record" if cut else "bad-record", broken.reason))
                outline.end = limit
                if position is None:
                    return outline

    def follow(self, outline: Outline, position: int, inside: bool = False) -> int:
        """Read key after key into ``outline`` until its closing brace; returns the position behind it.

        With ``inside``, ``position`` is in its array of records.
        """
        if inside:
            position = self.records(outline, position)
        since: int | None = None
        while True:
            found = _KEY.match(self.buffer, position, position + MAX_SKIPPED_VALUE)
            if not found:
                raise _Broken(position, "a key was expected here", since=since)
            if found[2]:
                return found.end()
            position = found.end()
            if found[1] == self.key and self.buffer[position : position + 1] == b"[":
                outline.has_array = True
                position = self.records(outline, position + 1)
                since = None
                continue
            end, since = self.value_end(position), position
            try:
                outline.fields[str(loads(found[1]))] = loads(self.buffer[position:end])
            except ValueError as error:
                self.patience -= end - position
                outline.damage.append(
                    Damage(position, "bad-record", f"field {found[1].decode(errors='replace')}: {error}")
                )
            position = end

    def value_end(self, position: int) -> int:
        """Position behind the value that starts here."""
        buffer = self.buffer
        limit = min(position + MAX_SKIPPED_VALUE, len(buffer))
        if buffer[position : position + 1] not in _CLOSING:
            scalar = _SCALAR.match(buffer, position, limit)
            if not scalar or scalar.end() - position == MAX_SKIPPED_VALUE:
                text = buffer[position : position + 1] == b'"'
                raise _Broken(position, _ENDLESS if scalar or text else "a value was expected here")
            return scalar.end()
        if buffer[position - 1] == _NEWLINE and self.next_line(position - 1, position + 1, alike=True):
            raise _Broken(position - 1, "the line ends before a value")
        numbers = _NUMBERS.match(buffer, position, limit)
        end = self.numbers_end(position, limit) if numbers else self.brackets_end(position, limit)
        if self.next_line(position, end, alike=True):
            raise _Broken(position, "the line ends before a value does")
        return end

    def numbers_end(self, position: int, limit: int) -> int:
        """Position behind the list that starts with a number here; mostly there is nothing else in it."""
        end = self.buffer.find(b"]", position, position + MAX_RECORD) + 1
        if not end:
            raise _Broken(position, "a list of numbers without an end")
        if all(self.buffer.find(sign, position + 1, end) < 0 for sign in (b'"', b"[", b"{")):
            return end
        if self.patience >= 0:
            with suppress(_Broken, ValueError):
                mixed = self.brackets_end(position, limit)
                self.patience -= mixed - position
                loads(self.buffer[position:mixed])
                self.patience += mixed - position  # not in vain
                return mixed
        # Damage inside it costs the list alone, unless its bracket is lost and this one is another record's.
        if self.buffer.find(b"}", position, end) >= 0:
            raise _Broken(position, "a list of numbers without an end")
        return end

    def brackets_end(self, position: int, limit: int) -> int:
        """Position behind the object or list that starts here."""
        open_: list[bytes] = []
        if self.patience < 0:
            limit = min(limit, self.line_end(position), position + IMPATIENT)
        for token in _TOKEN.finditer(self.buffer, position, limit):
            sign = token[0]
            if sign in _CLOSING:
                open_.append(_CLOSING[sign])
            elif sign in _CLOSERS:
                if open_.pop() != sign:
                    self.patience -= token.start() - position
                    raise _Broken(token.start(), "brackets do not match")
                if not open_:
                    return token.end()
            elif not token[1]:
                break
        self.patience -= limit - position
        raise _Broken(position, _ENDLESS)

    def records(self, outline: Outline, position: int) -> int:
        """Find the records of an array; returns the position behind its closing bracket."""
        buffer = self.buffer
        due = self.forget.due
        while True:
            try:
                if buffer[position : position + 2] == b",{":  # nearly always
                    position = self.record(outline, position + 1)
                else:
                    start, sign = self.next_sign(position)
                    if sign == b"]":
                        return start + 1
                    position = self.record(outline, start)
                if position >= due:
                    self.forget(position)
                    due = self.forget.due
            except _Broken as broken:
                position = self.resume(outline, broken)

    def next_sign(self, position: int) -> tuple[int, bytes]:
        """Where the next record of an array opens, or the array's bracket closes, and its sign."""
        found = _NEXT.match(self.buffer, position)
        sign: bytes | None = found[1] if found else None
        if found is None or sign is None:
            raise _Broken(position, "cut off before the end of the list")
        start = found.start(1)
        if sign == b"{":
            if self.buffer[start - 1] == _NEWLINE and self.is_next_object(start):
                raise _Broken(position, "the line ends before the list does")
        elif not _CLOSES_LIST.match(self.buffer, start):
            raise _Broken(start, "a record was expected here")
        return start, sign

    def is_next_object(self, start: int) -> bool:
        """Whether a record at the start of a line is none, but the next line's object, because this one is cut off."""
        if self.begins_object(start):
            return True
        if not self.one_a_line:
            self.one_a_line, self._line = True, (0, 0)
        return False

    def record(self, outline: Outline, start: int) -> int:
        """Note one record; returns the position behind it."""
        buffer = self.buffer
        end = buffer.find(b"}", start, start + MAX_RECORD) + 1
        # Without an inner brace or an escape, quotes come in pairs: then the brace found is not in a string.
        if end > 0 and buffer.find(b"{", start + 1, end) < 0:
            numbers = _MANY_NUMBERS.search(buffer, start, end)
            if numbers:
                text = (
                    buffer[start : numbers.start()] + buffer[buffer.find(b"]", numbers.end(), end) + 1 or start : end]
                )
            else:
                text = buffer[start:end]
            if (
                text.count(b'"') % 2 == 0
                and text.count(b"[") == text.count(b"]")
                and (b"[]" not in text or self.is_value(text))
                and b"\\" not in text
                and (buffer[end : end + 1] == b"," or _BEHIND_RECORD.match(buffer, end))
            ):
                outline.spans.extend((start, end))
                self.plain = start, end
                return end
        self.depth += 1
        try:
            return self.open_record(outline, start)
        except _Broken:
            self.patience -= max(DAMAGE_COST, ((end or start + MAX_RECORD) - start) >> 6)  # a find is quick
            raise
        finally:
            self.depth -= 1

    def is_value(self, record: bytes) -> bool:
        """Whether ``[]`` is a plain value here, and not an array of records or the end of one that damage ran over."""
        return self.key not in record and record.count(b"[]") == record.count(b'":[]') + record.count(b'": []')

    def open_record(self, outline: Outline, start: int) -> int:
        """Note a record that has to be looked into, because it holds an array of its own, an object, or damage."""
        if self.depth > MAX_DEPTH:
            raise _Broken(start + 1, f"more than {MAX_DEPTH} lists inside each other")
        child = Outline(start)
        position = start + 1
        while True:
            try:
                child.end = self.follow(child, position)
                self.must_not_swallow(child)
                if not _BEHIND_RECORD.match(self.buffer, child.end):
                    raise _Broken(child.end, "a record that ends too early")
                break
            except _Broken as broken:
                # A value whose quotes are damaged may have swallowed what follows it: look from there.
                at = broken.since if child.has_array else min([broken.since, *(d.offset for d in child.damage)])
                limit = self.line_end(at)
                found = self.next_record(at, limit)
                if child.has_array:
                    child.end = limit if found is None else found
                    self.note(outline, child)
                    if found is None or self.patience < 0:
                        raise  # the enclosing object is cut at the same place, and says so
                    child.damage.append(Damage(at, "bad-record", broken.reason))
                    return child.end
                # Its list may still lie ahead of the next record: then only its fields are damaged.
                opened = next(self.far(self.open_array, at, limit if found is None else found), None)
                if opened is None:
                    end = self.list_end(broken.offset)
                    if end is None:
                        raise _Broken(at, broken.reason) from None
                    outline.damage.append(Damage(at, "bad-record", broken.reason))
                    return end
                child.damage.append(Damage(at, "bad-record", broken.reason))
                position = opened.start()
        self.note(outline, child)
        return child.end

    def must_not_swallow(self, record: Outline) -> None:
        """A list in a plain record that is none may have taken in what follows the record.

        Raises:
            _Broken: there is one.
        """
        for damage in () if record.has_array else record.damage:
            in_brackets = self.buffer[damage.offset : damage.offset + 1] in _CLOSING
            if in_brackets and not _NUMBERS.match(self.buffer, damage.offset):
                raise _Broken(damage.offset, damage.reason)

    @staticmethod
    def note(outline: Outline, child: Outline) -> None:
        """Add a record to an array, with its own array if it has one."""
        if child.has_array:
            outline.nested[len(outline)] = child
        outline.spans.extend((child.offset, child.end))

    def list_end(self, at: int) -> int | None:
        """The bracket that ends the array where a key was expected, because a record lost its brace.

        It may as well end a list in the record that lost its own bracket; a record in order tells them apart.
        """
        found = _LIST_END.match(self.buffer, at, at + MAX_SKIPPED_VALUE)
        if not found or not self.plain:
            return None
        end = self.plain[1] - 1
        of_record = self.is_known(found[2]) if found[2] else self.buffer[end - 64 : end].rstrip().endswith(b"]")
        return None if of_record else found.start(1)

    def is_known(self, key: bytes) -> bool:
        """Whether a record in order has this key; looked for near its ends, as the middle is numbers."""
        start, end = self.plain or (0, 0)
        return (
            self.buffer.find(key, start, min(start + IMPATIENT, end)) >= 0
            or self.buffer.find(key, max(end - IMPATIENT, start), end) >= 0
        )

    def resume(self, outline: Outline, broken: _Broken) -> int:
        """Note damage in an array and find the next record of it."""
        found = self.next_record(broken.offset, self.line_end(broken.offset))
        self.patience -= DAMAGE_COST
        if found is None or self.patience < 0:
            raise broken
        outline.damage.append(Damage(broken.offset, "bad-record", broken.reason))
        if outline.unsure_from is None:
            outline.unsure_from = len(outline)
        return found

    def next_record(self, at: int, limit: int) -> int | None:
        """Where, from ``at`` on, a record of a list seems to begin or the last one of a list to end."""
        if self._none[0] <= at and limit == self._none[1]:
            return None
        for found in islice(self.far(_RECORD_EDGE, at, limit), MOST_EDGES):
            edge = found.start()
            if found[0] == b"}":
                return edge + 1
            before = self.buffer[max(edge - 64, 0) : edge].rstrip()[-1:]
            # The value of a key, or the first in a list of another record's, is none of these.
            if before and before not in b":[" and not self.is_rest(edge):
                return edge
        self._none = at, limit
        return None

    def is_rest(self, edge: int) -> bool:
        """Whether a brace is followed by a key that in a record in order is not the first: damage looks like that."""
        key = _FIRST_KEY.match(self.buffer, edge, edge + MAX_SKIPPED_VALUE)
        first = _FIRST_KEY.match(self.buffer, *self.plain) if self.plain else None
        return key is not None and first is not None and key[1] != first[1] and self.is_known(key[1])
