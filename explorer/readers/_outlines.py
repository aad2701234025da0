"""One bad record costs one record: objects that hold an array of records, found without building the records.

``outlines`` walks a sequence of JSON objects that each hold one array of records (and records that hold such an array
again), and finds where every record starts and ends. Number arrays, which are nearly all of the bytes, are jumped over
with ``find``. Damage is noted where it is and the walk goes on at the next record, so that a cut or flipped byte costs
the record it is in.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

from explorer.readers._records import MAX_RECORD, Buffer, loads
from explorer.readers._scan import (
    CLOSING,
    FIRST_KEY,
    IMPATIENT,
    MAX_SKIPPED_VALUE,
    NEWLINE,
    NUMBERS,
    SPACES,
    STRING,
    Broken,
    Scan,
)

MAX_DEPTH = 64
"""Lists of records inside each other that are followed; real ones are two or three deep."""

MOST_EDGES = 100_000
"""Braces that are looked at for the next record behind a damaged place."""

DAMAGE_COST = 512
"""What each damaged place takes of the patience at least, so that their number is bounded."""

_KEY = re.compile(rb"[ \t\r\n,]*+(?:(" + STRING + rb")" + SPACES + rb":" + SPACES + rb"|(\}))")
_MANY_NUMBERS = re.compile(rb"\[[\d, ]{32}")
_NEXT = re.compile(rb"[ \t\r\n,]*+([^ \t\r\n,])?")
_SPACE = re.compile(rb"(?:\xef\xbb\xbf)?" + SPACES)
_LIST_CLOSED = rb"\]" + SPACES + rb"(?:," + SPACES + rb'["}]|\}|\Z)'
_RECORD_EDGE = re.compile(rb"\{(?=" + SPACES + rb'")|\}(?=' + SPACES + _LIST_CLOSED + rb")")
_ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?" + SPACES + rb"\[" + SPACES + rb"(?=\{)")
# The end of a list where a key was expected, behind whatever the lost brace has become, and what follows it.
_LIST_END = re.compile(
    SPACES + rb"(?:[^ \t\r\n\]]" + SPACES + rb"|\]" + SPACES + rb"(?=\]))?(\])"
    + SPACES + rb"(?:," + SPACES + rb"(" + STRING + rb")" + SPACES + rb":|\})"
)  # fmt: skip
_CLOSES_LIST = re.compile(_LIST_CLOSED)
# Behind a record: the list goes on or ends; one flipped byte between records is not held against the record.
_BEHIND_RECORD = re.compile(SPACES + rb"(?:[,\]{\0]|[^ \t\r\n]" + SPACES + rb"\{" + SPACES + rb'"|\Z)')
_BEHIND_OBJECT = re.compile(rb"[ \t\r]*+(?:[\n{\0]|\Z)")
_BEHIND_OBJECT_IN_ARRAY = re.compile(rb"[ \t\r]*+(?:[\n{\0\],]|\Z)")


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


class _Walk(Scan):
    """Walks the structure of one buffer."""

    def __init__(self, buffer: Buffer, key: bytes, in_array: bool) -> None:
        super().__init__(buffer)
        self.key = b'"' + key + b'"'
        self.plain: tuple[int, int] | None = None  # a record that was in order
        self.depth = 0
        self.open_array = re.compile(re.escape(self.key) + SPACES + rb":" + SPACES + rb"(?=\[)")
        self.behind_object = _BEHIND_OBJECT_IN_ARRAY if in_array else _BEHIND_OBJECT
        self._none = (0, 0)  # the stretch last searched for a record, when there was none

    def object(self, at: int) -> Outline:
        """A top-level object, with whatever of it can be read."""
        key = FIRST_KEY.match(self.buffer, at, at + MAX_SKIPPED_VALUE)
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
                    raise Broken(outline.end, "the object ends before its line does", early=True)
                return outline
            except Broken as broken:
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
                raise Broken(position, "a key was expected here", since=since)
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
            except Broken as broken:
                position = self.resume(outline, broken)

    def next_sign(self, position: int) -> tuple[int, bytes]:
        """Where the next record of an array opens, or the array's bracket closes, and its sign."""
        found = _NEXT.match(self.buffer, position)
        sign: bytes | None = found[1] if found else None
        if found is None or sign is None:
            raise Broken(position, "cut off before the end of the list")
        start = found.start(1)
        if sign == b"{":
            if self.buffer[start - 1] == NEWLINE and self.is_next_object(start):
                raise Broken(position, "the line ends before the list does")
        elif not _CLOSES_LIST.match(self.buffer, start):
            raise Broken(start, "a record was expected here")
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
        except Broken:
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
            raise Broken(start + 1, f"more than {MAX_DEPTH} lists inside each other")
        child = Outline(start)
        position = start + 1
        while True:
            try:
                child.end = self.follow(child, position)
                self.must_not_swallow(child)
                if not _BEHIND_RECORD.match(self.buffer, child.end):
                    raise Broken(child.end, "a record that ends too early")
                break
            except Broken as broken:
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
                        raise Broken(at, broken.reason) from None
                    outline.damage.append(Damage(at, "bad-record", broken.reason))
                    return end
                child.damage.append(Damage(at, "bad-record", broken.reason))
                position = opened.start()
        self.note(outline, child)
        return child.end

    def must_not_swallow(self, record: Outline) -> None:
        """A list in a plain record that is none may have taken in what follows the record.

        Raises:
            Broken: there is one.
        """
        for damage in () if record.has_array else record.damage:
            in_brackets = self.buffer[damage.offset : damage.offset + 1] in CLOSING
            if in_brackets and not NUMBERS.match(self.buffer, damage.offset):
                raise Broken(damage.offset, damage.reason)

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

    def resume(self, outline: Outline, broken: Broken) -> int:
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
        key = FIRST_KEY.match(self.buffer, edge, edge + MAX_SKIPPED_VALUE)
        first = FIRST_KEY.match(self.buffer, *self.plain) if self.plain else None
        return key is not None and first is not None and key[1] != first[1] and self.is_known(key[1])
