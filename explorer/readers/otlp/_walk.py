"""Where the spans of a file stand, without building the file: lists of resources of scopes of spans, line after line.

Specification: opentelemetry-proto opentelemetry/proto/trace/v1/trace.proto @ac2c4b5d, in the JSON encoding of OTLP. A
document is an object with ``resourceSpans``; a file holds one a line, one over many lines, or a list of them. Each span
is parsed by itself, so that neither the length of a line nor that of a file matters; damage costs the span it is in.
``readers._walk`` follows one document and ends where that is lost; here the next line is another one, and which list an
object stands in is known again by how it begins.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from json import JSONDecoder
from typing import NamedTuple

from explorer.readers._records import MAX_RECORD, Buffer, Forget, loads

_WINDOW = 1 << 18
"""Bytes that are decoded at once, to begin with."""

_PATIENCE = 16 * MAX_RECORD
"""Bytes that are looked through in vain before values are given up at the first window: ruins end too."""

_LISTS = (
    {"resourceSpans", "resource_spans"},
    {"scopeSpans", "scope_spans", "instrumentationLibrarySpans"},
    {"spans"},
)
"""The list that an object of each level holds: a document, a resource, a scope."""
_OTHER_SIGNALS = {"resourceLogs", "resource_logs", "resourceMetrics", "resource_metrics"}
_SPANS = len(_LISTS)

_SPACE = re.compile(rb"[ \t\r\n,]*+")
_BLANK = b" \t\r\n,]}"
_TIMED = {"name", "startTimeUnixNano", "start_time_unix_nano"}
"""What every span has one of, and no link."""
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")
_DOCUMENT = re.compile(rb'\{\s*"resource_?[sS]pans"\s*:')
_OPENS = re.compile(
    rb'\{\s*"(?:(resource_?[sS]pans)|(resource)|(scope|instrumentationLibrary)|(trace_?[iI]d|span_?[iI]d))"\s*:'
    rb"|(?<=\n)\{"
)
"""What may be gone on with behind damage: an object of some level, by its first key, or a line that begins one."""
_NEXT_LINE = re.compile(rb'(?<=\n)\{(?=\s*"resource_?[sS]pans"\s*:)')
_MOST_SEEKS = 5_000
"""Damaged places after which each costs the rest of its line, and after as many again the rest of the file."""
_SPAN = re.compile(rb'\{\s*"(?:trace_?[iI]d|span_?[iI]d)"\s*:')
_DECODER = JSONDecoder()


@dataclass(slots=True)
class Resource:
    """What a group of spans was recorded in."""

    fields: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Scope:
    """What recorded a group of spans. It may be told behind them."""

    resource: Resource
    fields: dict[str, object] = field(default_factory=dict)


class Found(NamedTuple):
    """A span: the bytes that it takes, and its fields."""

    offset: int
    end: int
    fields: dict[str, object]
    scope: Scope


class Loss(NamedTuple):
    """What could not be read, or is no span."""

    offset: int
    code: str
    message: str


class _Broken(Exception):
    """The structure cannot be followed; what cannot be read begins at ``offset``."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


class _Values:
    """Parses the values of a buffer one by one, each from a window that grows as far as it must."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._size = len(buffer)
        self._base, self._text = 0, ""
        self._patience = _PATIENCE

    def at(self, offset: int) -> tuple[object, int]:
        """The value that begins there, and the position behind it.

        Raises:
            _Broken: there is none that is whole, or it is longer than any record.
        """
        if not self._base <= offset < self._base + len(self._text):
            self._look(offset, _WINDOW)
        before = self._patience
        while True:
            stop = self._base + len(self._text)
            reason = "a value that does not end"
            try:
                value, end = _DECODER.raw_decode(self._text, offset - self._base)
                if self._base + end < stop or stop == self._size:
                    self._patience = before  # it was not in vain
                    return self._as_recorded(value, offset, self._base + end), self._base + end
            except RecursionError:
                raise _Broken(offset, "nested too deeply") from None
            except ValueError as error:
                reason = str(error).partition(":")[0].removesuffix(" starting at").lower()
                at = self._base + getattr(error, "pos", 0)
                if at + 8 < stop and not reason.startswith("unterminated"):
                    raise _Broken(offset, reason) from None
            if stop == self._size or stop - offset > MAX_RECORD or self._patience < 0:
                too_long = stop - offset > MAX_RECORD
                raise _Broken(offset, f"longer than {MAX_RECORD >> 20} MiB" if too_long else reason)
            self._patience -= stop - offset
            self._look(offset, 8 * max(stop - offset, _WINDOW // 8))

    def _look(self, offset: int, size: int) -> None:
        stop = min(offset + min(size, MAX_RECORD + 1), self._size)
        self._base, self._text = offset, bytes(self._buffer[offset:stop]).decode("latin-1")

    def _as_recorded(self, value: object, start: int, end: int) -> object:
        """The value itself where bytes are characters; else parsed again as what it is."""
        piece = bytes(self._buffer[start:end])
        if piece.isascii() and b"\\u" not in piece:
            return value
        try:
            return loads(piece)
        except ValueError:  # bytes that are no text
            return loads(piece.decode("utf-8", "replace").encode())


class Walk:
    """Goes through one file."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._values = _Values(buffer)
        self._level = 0
        """Of the list or the object that is read: 0 documents, 1 resources, 2 scopes, 3 spans."""
        self._in_object = False
        self._is_sound = True
        """Whether what is read next stands where the structure says, and was not looked for behind damage."""
        self._has_spans = False
        self._scope = Scope(Resource())
        self._seeks = 0
        self.other_signals = 0
        """Documents of logs or metrics."""

    def spans(self) -> Iterator[Found | Loss]:
        """All spans in order, and what was lost between them."""
        buffer, forget = self._buffer, Forget(self._buffer)
        at = 3 if buffer[:3] == b"\xef\xbb\xbf" else 0
        while True:
            forget(at)
            at = self._behind_space(at)
            if at >= len(buffer):
                break
            try:
                if self._in_object:
                    at = yield from self._field(at)
                elif self._level == _SPANS and buffer[at : at + 1] == b"{" and not _DOCUMENT.match(buffer, at):
                    at = yield from self._span(at)
                else:
                    at = self._item(at)
            except _Broken as broken:
                at = yield from self._resume(broken)
        if self._level or self._in_object:
            code = "bad-record" if buffer[-1:] == b"\n" else "truncated-record"
            yield Loss(len(buffer) - 1, code, "the file ends within a document; what comes before is read")

    def _behind_space(self, at: int) -> int:
        space = _SPACE.match(self._buffer, at)
        return space.end() if space else at

    def _item(self, at: int) -> int:
        """The next of a list: an object opens, or the list ends."""
        sign = self._buffer[at : at + 1]
        if not self._level and sign in b"[]":
            return at + 1  # a list of documents
        if self._level and sign == b"]":
            self._level -= 1
            self._in_object = True
            return at + 1
        if self._level and _DOCUMENT.match(self._buffer, at):
            raise _Broken(at, "a document ends before it is whole")
        if sign != b"{":
            raise _Broken(at, "an object was expected")
        if self._level and _SPAN.match(self._buffer, at):  # behind damage: the lists above it are lost
            self._level = _SPANS
            return at
        if self._level < 2:
            self._scope = Scope(Resource())
        else:
            self._scope = Scope(self._scope.resource)
        self._in_object, self._has_spans = True, self._has_spans and self._level > 0
        return at + 1

    def _field(self, at: int) -> Generator[Loss, None, int]:
        """The next field of an object, or its end; returns where to go on."""
        if self._buffer[at : at + 1] == b"}":
            self._in_object = False
            if self._level == 0 and not self._has_spans:
                yield Loss(at, "bad-record", "a document without resourceSpans: left out")
            return at + 1
        if self._buffer[at : at + 1] != b'"':
            raise _Broken(at, "a key was expected")
        key, end = self._values.at(at)
        colon = _COLON.match(self._buffer, end)
        if not colon:
            raise _Broken(at, "a key without a value")
        value_at = colon.end()
        if key in _LISTS[self._level]:
            self._has_spans = self._has_spans or self._level == 0
            if self._buffer[value_at : value_at + 1] == b"[":
                self._level, self._in_object = self._level + 1, False
                return value_at + 1
        value, end = self._values.at(value_at)
        self._note(key, value)
        return end

    def _note(self, key: object, value: object) -> None:
        """A field that is no list of what is looked for."""
        if self._level == 0 and key in _OTHER_SIGNALS:
            self.other_signals += 1
            self._has_spans = True
        elif self._level == 1 and key == "resource" and isinstance(value, dict):
            self._scope.resource.fields = value
        elif self._level == 2 and key in ("scope", "instrumentationLibrary") and isinstance(value, dict):
            self._scope.fields = value

    def _span(self, at: int) -> Generator[Found, None, int]:
        """A span; returns where to go on."""
        value, end = self._values.at(at)
        assert isinstance(value, dict)
        if not self._is_sound and _TIMED.isdisjoint(value):  # a link of a span that is lost
            return self._seek(end)
        self._is_sound = True
        yield Found(at, end, value, self._scope)
        return end

    def _resume(self, broken: _Broken) -> Generator[Loss, None, int]:
        """Say what is lost, and find the next object that can be read; returns where that is."""
        buffer, at, level = self._buffer, broken.offset, self._level
        stop = self._seek(at if _DOCUMENT.match(buffer, at) else at + 1)
        lost = len(bytes(buffer[at : min(stop, at + MAX_RECORD)]).strip(_BLANK))
        at_end = stop == len(buffer) and buffer[-1:] != b"\n"
        if lost:
            rest = "as too much is damaged" if self._seeks > _MOST_SEEKS else "the rest is read"
            reason = f"byte {at:,}: {broken.reason}; {stop - at:,} bytes are left out, {rest}"
            yield Loss(at, "truncated-record" if at_end else "bad-record", reason)
        elif level:
            yield Loss(max(at - 1, 0), "bad-record", f"byte {at:,}: {broken.reason}; the next one is read")
        return stop

    def _seek(self, at: int) -> int:
        """Where, from ``at`` on, something begins that can be gone on with."""
        self._seeks += 1
        found = None
        if self._seeks <= 2 * _MOST_SEEKS:
            found = (_OPENS if self._seeks <= _MOST_SEEKS else _NEXT_LINE).search(self._buffer, at)
        self._in_object = False
        self._level = next((n for n in range(_SPANS + 1) if found and found.re is _OPENS and found[n + 1]), 0)
        self._is_sound = self._level != _SPANS
        return found.start() if found else len(self._buffer)
