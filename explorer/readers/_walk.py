"""A JSON document from left to right, of any size and with damage: what is wanted is built, the rest is stepped over.

For documents of one object that holds everything, such as a trajectory or an evaluation's log: its members and the
items of its lists are given one by one, with the walk at the value, so that a list of millions of records costs no more
than one of them. Damage is noted where it is. The walk then goes on at the next record of the list, or at the next key
that is known to be one of the object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import orjson

from explorer.readers._outlines import Damage
from explorer.readers._records import MAX_RECORD, Buffer, Forget, loads

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Up to the next bracket that is in no string: nearly everything is passed by without a look at it here.
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:' + _STRING + rb'[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)
_SCALAR = re.compile(_STRING + rb'|[^ \t\r\n,:\]}\[{"]++', re.DOTALL)
_KEY = re.compile(rb"[ \t\r\n,]*+(?:(" + _STRING + rb")[ \t\r\n]*+:[ \t\r\n]*+|(\}))", re.DOTALL)
_ITEM = re.compile(rb"[ \t\r\n,]*+(?:(\])|(?=[^ \t\r\n,]))")
_BEHIND = re.compile(rb"[ \t\r\n]*+(?=[,\]}])")
_FIRST = re.compile(rb'\{[ \t\r\n]*+"[^"\\]{1,64}"[ \t\r\n]*+:')
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+(?=\{)")
# What is left of a document that ends in the middle of a key or of a value.
_REST = re.compile(rb'[ \t\r\n,]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+(?:\\|"[ \t\r\n:]*+)?)?[\w.+-]*+\Z', re.DOTALL)
_CLOSING = {b"{": b"}", b"[": b"]"}

MOST_LOSSES = 10_000
"""Damaged places of a document after which the rest of it is given up."""


_NEAR = 1 << 20
"""Bytes within which the beginning of the next record is looked for, before all that lies between is looked at."""


class Piece(NamedTuple):
    """A value that was read: what it is, where it begins and ends."""

    value: object
    start: int
    end: int


class Walk:
    """Goes through a buffer. ``at`` is where it is, and ``lost`` that it is in damage and looks for where to go on."""

    def __init__(self, buffer: Buffer, at: int = 0, longest: int = MAX_RECORD) -> None:
        self.buffer = buffer
        self.at = at
        self.lost = False
        self.damage: list[Damage] = []
        self._longest = longest  # bytes of a record that is built
        self._around: list[bytes] = []  # what the items of the lists begin with that the walk is in
        self._forget = Forget(buffer)
        self._patience = 4 * len(buffer) + (1 << 20)  # bytes that may be searched in vain

    def objects(self) -> Iterator[int]:
        """Where each object of a document, or of one after the other, begins; the walk is at it."""
        while not self.lost and (found := _OBJECT.match(self.buffer, self.at)):
            self.at = start = found.end()
            yield start
            if self.at == start:
                self.skip()
        rest = re.compile(rb"[ \t\r\n\0]*+\Z").match(self.buffer, self.at)
        if not rest and not self.lost:
            self.lose(self.at, "what follows is no JSON object")

    def members(self, known: re.Pattern[bytes]) -> Iterator[str]:
        """Each key of the object that begins here, with the walk at its value; a value left alone is stepped over.

        ``known`` matches a key, with its colon, that the object has: behind damage it goes on there.
        """
        if self.buffer[self.at : self.at + 1] != b"{":
            self.lose(self.at, "an object was expected here")
            return
        self.at += 1
        while True:
            if self.lost and not self._found(known.pattern):
                return
            key = _KEY.match(self.buffer, self.at)
            if key is None:
                self.lose(self.at, "a key was expected here")
                continue
            self.at = start = key.end()
            if key[2]:
                return
            yield key[1][1:-1].decode("utf-8", "replace")
            if self.at == start:
                self.skip()

    def items(self, begins: re.Pattern[bytes], until: re.Pattern[bytes], behind: int | None = None) -> Iterator[int]:
        """Each item of the list that begins here, with the walk at it; one left alone is stepped over.

        Behind damage it goes on at what matches ``begins``, unless a key that matches ``until`` comes before it: there
        the list has ended. What is no list has no items. ``behind`` is where an item ends that need not be given again,
        nor any before it.
        """
        if self.buffer[self.at : self.at + 1] != b"[":
            return
        self.at = behind or self.at + 1
        while True:
            if self.lost and not self._found(begins.pattern, until.pattern):
                return
            item = _ITEM.match(self.buffer, self.at)
            if item is None:
                self.lose(self.at, "cut off before the end of the list")
                return
            self.at = start = item.end()
            if item[1]:
                return
            self._forget(start)
            self._around.append(begins.pattern)
            yield start
            self._around.pop()
            if self.at == start:
                self.skip()
            if not self.lost and not _BEHIND.match(self.buffer, self.at):
                self.lose(self.at, "the next record of the list, or its end, was expected here")
                if self.buffer[start : start + 1] not in _CLOSING:  # it may be a key, and the list have lost its end
                    self.at = start

    def records(self, begins: re.Pattern[bytes], until: re.Pattern[bytes]) -> Iterator[Piece]:
        """The items of a list that can be read, built one at a time; as ``items``."""
        between: bytes | None = None  # the end of a record and the beginning of the next, with its first key
        before = 0
        for start in self.items(begins, until):
            if between is None and before and (key := _FIRST.match(self.buffer, start)):
                between = self.buffer[before - 1 : key.end()]
            before = 0
            if between is not None and (piece := self._up_to(between, start)) is not None:
                self.at = before = piece.end
                yield piece
                continue
            end = self.end(start)
            if end is None:
                continue
            self.at = end
            try:
                if end - start > self._longest:
                    raise ValueError(f"longer than {self._longest >> 20} MiB")
                before = end
                yield Piece(loads(self.buffer[start:end]), start, end)
            except ValueError as error:
                swallowed = begins.search(self.buffer, start + 1, end)
                self.note(start, str(error))
                if swallowed:  # a lost quote or brace: the records in it are looked for one by one
                    self.at, self.lost = start + 1, True

    def _up_to(self, between: bytes, start: int) -> Piece | None:
        """A record that ends where the next one seems to begin; None where it does not.

        An object has no beginning that is an object as well: what can be parsed is the record. To find a text and to
        parse takes a third of the time of looking for every bracket.
        """
        end = self.buffer.find(between, start + 1, start + min(_NEAR, self._longest)) + 1
        if end:
            with suppress(ValueError):
                return Piece(orjson.loads(self.buffer[start:end]), start, end)
        return None

    def value(self, longest: int | None = None) -> object:
        """The value that begins here; None where it cannot be read, or is longer than that many bytes."""
        start = self.at
        end = self.end(start)
        if end is None:
            return None
        self.at = end
        try:
            if longest is not None and end - start > longest:
                raise ValueError(f"longer than {longest >> 20} MiB")
            return loads(self.buffer[start:end])
        except ValueError as error:
            self.note(start, str(error))
            return None

    def skip(self) -> None:
        """Go behind the value that begins here."""
        start = self.at
        end = self.end(start)
        if end is not None:
            self.at = end

    def end(self, start: int) -> int | None:
        """Where the value that begins there ends; None if it does not, and the walk is lost then."""
        buffer, sign = self.buffer, self.buffer[start : start + 1]
        if sign not in _CLOSING:
            scalar = _SCALAR.match(buffer, start)
            if scalar is None:
                self.lose(start, "a value was expected here")
                return None
            return scalar.end()
        open_ = [_CLOSING[sign]]
        at = start + 1
        while self._patience > 0 and (found := _BRACKET.match(buffer, at)):
            at, sign = found.end(), found[1]
            if sign in _CLOSING:
                open_.append(_CLOSING[sign])
            elif open_.pop() != sign:
                self._patience -= at - start
                self.lose(start, "brackets do not match")
                return None
            elif not open_:
                return at
        self._patience -= len(buffer) - start
        self.lose(start, "a value without an end", cut=True)
        return None

    def lose(self, at: int, reason: str, cut: bool | None = None) -> None:
        """Note damage; the walk goes on behind it."""
        self.note(at, reason, _REST.match(self.buffer, at) is not None if cut is None else cut)
        self.at, self.lost = min(at + 1, len(self.buffer)), True

    def _found(self, wanted: bytes, until: bytes | None = None) -> bool:
        """Go behind damage, to what matches ``wanted``; not beyond the end of this list, or the next item around it."""
        others = [each for each in (until, *self._around[-1:]) if each is not None]
        either = re.compile(b"(?P<wanted>" + wanted + b")" + b"".join(b"|" + each for each in others), re.DOTALL)
        found = either.search(self.buffer, self.at) if len(self.damage) <= MOST_LOSSES else None
        self.at = found.start() if found else len(self.buffer)
        self.lost = found is None or found["wanted"] is None
        return not self.lost

    def note(self, at: int, reason: str, cut: bool = False) -> None:
        """Note damage in a value; the walk stays where it is."""
        if self.damage and self.damage[-1].offset == at:
            return
        self.damage.append(Damage(at, "truncated-record" if cut else "bad-record", reason))
