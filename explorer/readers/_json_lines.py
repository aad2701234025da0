"""Files of JSON objects, one a line, plain or gzipped: streamed, and a line that is not one costs itself."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from functools import lru_cache
from io import BufferedReader
from pathlib import Path
from typing import IO, Literal, NamedTuple

import orjson

from explorer.model import Finding
from explorer.readers._findings import Findings
from explorer.readers._records import MAX_RECORD, loads

SUFFIXES = frozenset((".jsonl", ".ndjson", ".json", ".txt", ".log", ".gz", ""))
"""Names that such files go by."""

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_MOST_TRIES = 20
"""Lines of the head among which the first object is looked for."""

_MOST_DEPTH = 6
"""Objects inside each other in which a long list may stand."""


class Line(NamedTuple):
    """An object, and where it stands: 1-based line, first byte and number of bytes, of a gzipped file once unpacked."""

    number: int
    offset: int
    length: int
    fields: dict[str, object]


class TextLine(NamedTuple):
    """A line, and where it stands: 1-based number and first byte, of a gzipped file once unpacked."""

    number: int
    offset: int
    text: bytes
    """Without the white space around it; never empty."""
    has_end: bool
    """Whether a line break is behind it. The last line of a file that is being written has none yet."""

    @property
    def damage(self) -> Literal["bad-record", "truncated-record"]:
        """The code of a finding about a line that is not what it should be."""
        return "bad-record" if self.has_end else "truncated-record"


def json_lines(path: Path, findings: Findings) -> Iterator[Line | Finding]:
    """Every object of a file, in order, and a finding for whatever is none.

    Raises:
        OSError: the file cannot be read.
    """
    for line in text_lines(path, findings):
        if isinstance(line, Finding):
            yield line
            continue
        try:
            fields = loads(line.text)
            if not isinstance(fields, dict):
                raise ValueError("not an object")
            yield Line(line.number, line.offset, len(line.text), fields)
        except ValueError as error:
            message = f"a line that is not a JSON object ({error}); it is left out, the rest is read"
            yield from findings.at(line.damage, "error", message, line.number)


def text_lines(path: Path, findings: Findings) -> Iterator[TextLine | Finding]:
    """Every line of a file that holds something, and a finding for one that is too long and for compressed damage.

    Raises:
        OSError: the file cannot be read.
    """
    number = 0
    with opened(path) as file:
        try:
            for number, (at, text) in enumerate(_texts(file), 1):
                if len(text) > MAX_RECORD:
                    message = f"a line longer than {MAX_RECORD >> 20} MiB; it is left out, the rest is read"
                    yield from findings.at("bad-record", "error", message, number)
                    continue
                inside = (text.removeprefix(_BOM) if number == 1 else text).lstrip()
                if line := inside.rstrip():
                    yield TextLine(number, at + len(text) - len(inside), line, text.endswith(b"\n"))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            message = f"the compressed data end or are damaged here ({error}); what comes before is read"
            yield from findings.at("truncated-record", "error", message, number + 1)


def first_object(path: Path, head: bytes | None) -> dict[str, object]:
    """The fields of the first object in the head of a file; if the head ends in a list of it, those before that.

    Empty for a directory, and where no object begins.
    """
    if head is None or path.suffix.lower() not in SUFFIXES:
        return {}
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(31).decompress(head, 4 * len(head))
        except zlib.error:
            return {}
    elif path.suffix.lower() == ".gz":
        return {}
    return _first_object(head)


@lru_cache(maxsize=1)
def _first_object(head: bytes) -> dict[str, object]:
    """Several readers ask this of every file, one after another."""
    texts = head.removeprefix(_BOM).split(b"\n", _MOST_TRIES)[:_MOST_TRIES]
    cut = texts[-1].rpartition(b"[")[0]  # before the list in which the head ends
    for text in (*texts, *(cut + b"[]" + b"}" * depth for depth in range(1, _MOST_DEPTH))):
        try:
            # Not what else ``loads`` would read: to look for it in the head of every file takes longer than reading it.
            fields = orjson.loads(text)
        except ValueError:
            continue
        if isinstance(fields, dict):
            return fields
    return {}


def recorded(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The bytes of a line, at most ``limit``.

    Raises:
        OSError: the file is gone, or not what it was.
    """
    with opened(path) as file:
        try:
            file.seek(offset)
            return file.read(min(length, limit))
        except (EOFError, zlib.error) as error:
            raise OSError(str(error)) from None


def opened(path: Path) -> BufferedReader | gzip.GzipFile:
    """The content of a file, unpacked if its first bytes say that it is packed: names do not."""
    file = path.open("rb")
    if file.peek(2)[:2] != _GZIP:
        return file
    file.close()
    return gzip.open(path, "rb")


def _texts(file: IO[bytes] | gzip.GzipFile) -> Iterator[tuple[int, bytes]]:
    """Where each line begins, and the line; of one that is too long, a piece that is too long as well."""
    at = 0
    while text := file.readline(MAX_RECORD + 1):
        yield at, text
        at += len(text)
        while len(text) > MAX_RECORD and not text.endswith(b"\n"):
            text = file.readline(MAX_RECORD + 1)
            at += len(text)
