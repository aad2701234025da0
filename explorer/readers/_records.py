"""The bytes of a file, and JSON out of them, without trusting them."""

from __future__ import annotations

import json
import math
import mmap
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import orjson

MAX_RECORD = 32 << 20
"""Bytes of the longest record that is read: 4 million block ids. A longer one is damage, not data."""

MAP_ABOVE = 64 << 20
"""Bytes above which a file is mapped instead of read, so that memory does not follow its size."""

Buffer: TypeAlias = bytes | mmap.mmap

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
