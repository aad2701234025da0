"""Where a JSON value ends, in bytes that may be damaged and may be gigabytes: without building it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from explorer.readers._records import MAX_RECORD, Buffer, Forget, loads

MAX_SKIPPED_VALUE = 4 << 20
"""Bytes of the longest value inside a record that is stepped over; keeps damage from being searched for ever."""

PATIENCE = 8 << 20
"""Bytes of a file that may be searched in vain. When they are used up, damage costs the rest of its line: a file that
is nothing but damage ends in seconds too."""

IMPATIENT = 64 << 10
"""Bytes of the longest list or object inside a record once the patience is used up."""

LONGEST_MARK = 4_096
"""Bytes of the longest sign, with what follows it, by which a line or a record is known again."""

# A string ends on its own line: JSON has no raw newlines in strings, so a lost quote cannot swallow the next line.
# Repeats are possessive: what does not match costs one look, not one per byte, and no memory.
SPACES = rb"[ \t\r\n]*+"
_OPEN_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+'
STRING = _OPEN_STRING + rb'"'
_TOKEN = re.compile(_OPEN_STRING + rb'("?)|[{}\[\]]')
_SCALAR = re.compile(STRING + rb'|[^ \t\r\n,\]}\[{"]++')
NUMBERS = re.compile(rb"\[" + SPACES + rb"[-\d\]]")
FIRST_KEY = re.compile(rb"\{" + SPACES + rb"(" + STRING + rb")")
_NEXT_LINE = re.compile(rb"\n(?=\{)")
CLOSING = {b"{": b"}", b"[": b"]"}
_CLOSERS = frozenset(CLOSING.values())
_ENDLESS = f"a value without an end, or longer than {MAX_SKIPPED_VALUE >> 20} MiB"
NEWLINE = 0x0A


class Broken(Exception):
    """The object cannot be followed beyond ``offset``; ``early`` when it seems to end there, but has more.

    ``since`` is where the value before that place began: with a lost quote it may have swallowed what follows.
    """

    def __init__(self, offset: int, reason: str, early: bool = False, since: int | None = None) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason
        self.early = early
        self.since = offset if since is None else since


class Scan:
    """Finds the ends of the values of one buffer, and the lines in it."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.forget = Forget(buffer)
        self.patience = PATIENCE
        self.first: bytes | None = None  # first key of the object that is read
        self.one_a_line = False  # whether its records begin lines as well
        self._line = (0, 0)  # the stretch last searched for a new line, and where that began

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
        key = FIRST_KEY.match(self.buffer, at, at + MAX_SKIPPED_VALUE)
        return self.first is None or (key is not None and key[1] == self.first)

    def value_end(self, position: int) -> int:
        """Position behind the value that starts here."""
        buffer = self.buffer
        limit = min(position + MAX_SKIPPED_VALUE, len(buffer))
        if buffer[position : position + 1] not in CLOSING:
            scalar = _SCALAR.match(buffer, position, limit)
            if not scalar or scalar.end() - position == MAX_SKIPPED_VALUE:
                text = buffer[position : position + 1] == b'"'
                raise Broken(position, _ENDLESS if scalar or text else "a value was expected here")
            return scalar.end()
        if buffer[position - 1] == NEWLINE and self.next_line(position - 1, position + 1, alike=True):
            raise Broken(position - 1, "the line ends before a value")
        numbers = NUMBERS.match(buffer, position, limit)
        end = self.numbers_end(position, limit) if numbers else self.brackets_end(position, limit)
        if self.next_line(position, end, alike=True):
            raise Broken(position, "the line ends before a value does")
        return end

    def numbers_end(self, position: int, limit: int) -> int:
        """Position behind the list that starts with a number here; mostly there is nothing else in it."""
        end = self.buffer.find(b"]", position, position + MAX_RECORD) + 1
        if not end:
            raise Broken(position, "a list of numbers without an end")
        if all(self.buffer.find(sign, position + 1, end) < 0 for sign in (b'"', b"[", b"{")):
            return end
        if self.patience >= 0:
            with suppress(Broken, ValueError):
                mixed = self.brackets_end(position, limit)
                self.patience -= mixed - position
                loads(self.buffer[position:mixed])
                self.patience += mixed - position  # not in vain
                return mixed
        # Damage inside it costs the list alone, unless its bracket is lost and this one is another record's.
        if self.buffer.find(b"}", position, end) >= 0:
            raise Broken(position, "a list of numbers without an end")
        return end

    def brackets_end(self, position: int, limit: int) -> int:
        """Position behind the object or list that starts here."""
        open_: list[bytes] = []
        if self.patience < 0:
            limit = min(limit, self.line_end(position), position + IMPATIENT)
        for token in _TOKEN.finditer(self.buffer, position, limit):
            sign = token[0]
            if sign in CLOSING:
                open_.append(CLOSING[sign])
            elif sign in _CLOSERS:
                if open_.pop() != sign:
                    self.patience -= token.start() - position
                    raise Broken(token.start(), "brackets do not match")
                if not open_:
                    return token.end()
            elif not token[1]:
                break
        self.patience -= limit - position
        raise Broken(position, _ENDLESS)
