"""The entries of an archive, unpacked one at a time; also of one whose directory is lost.

An archive ends with the directory of its entries. One that was cut off has none: then every entry is found by the
header that stands before it. Zstandard (method 93) is what Inspect writes since 2026 and the standard library reads
since Python 3.14; pyarrow has it, and reads it piece by piece.
"""

from __future__ import annotations

import io
import mmap
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from explorer.readers._records import Buffer, open_bytes

STORED, DEFLATED, ZSTANDARD = 0, 8, 93

MOST_UNPACKED = 64 << 30
"""Bytes of the longest entry that is unpacked."""

HELD = 16 << 20
"""Bytes of an entry above which it is unpacked to a temporary file."""

_PIECE = 1 << 20
_LOCAL = b"PK\x03\x04"
_HEADER = 30
_NEXT = re.compile(rb"PK(?:\x03\x04|\x01\x02|\x05\x06|\x07\x08)")
_UNKNOWN = 0xFFFFFFFF
_SIZES_BEHIND = 8


class Damaged(Exception):
    """What could be unpacked of an entry ends here, and why."""


class Entry(NamedTuple):
    """A file in an archive. ``number`` counts from 1 in the order of writing."""

    number: int
    name: str
    method: int
    start: int
    """Where its packed bytes begin."""
    size: int
    """How many they are; at most, where the archive does not say."""


class Archive:
    """The entries of an archive in the order in which they were written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: str | None = None
        """Why its directory cannot be read."""
        try:
            with zipfile.ZipFile(path) as opened:
                listed = sorted(opened.infolist(), key=lambda each: each.header_offset)
            found = [(each.filename, each.compress_type, each.header_offset, each.compress_size) for each in listed]
            if listed and listed[0].header_offset < 0:
                raise zipfile.BadZipFile("an entry begins before the file")
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
            self.damage = str(error)
            found = []
        with open_bytes(path) as buffer:
            self.entries = list(_listed(buffer, found) if found else _searched(buffer))

    def last(self, name: str) -> Entry | None:
        """The entry of a name; of several, as appending leaves them, the last one."""
        return next((each for each in reversed(self.entries) if each.name == name), None)

    @contextmanager
    def opened(self, entry: Entry) -> Iterator[tuple[Buffer, str | None]]:
        """The unpacked bytes of an entry, and why there are no more, if they are not all.

        What is large goes through a temporary file, so that memory does not follow its size.

        Raises:
            OSError: the archive is gone, or there is no room for the entry.
        """
        held, size, damage = [], 0, None
        with tempfile.TemporaryFile() as spooled:
            try:
                for piece in pieces(self.path, entry):
                    size += len(piece)
                    held.append(piece)
                    if size > HELD:
                        spooled.write(b"".join(held))
                        held.clear()
            except Damaged as error:
                damage = str(error)
            if size <= HELD:
                yield b"".join(held), damage
                return
            spooled.write(b"".join(held))
            spooled.flush()
            with mmap.mmap(spooled.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                yield mapped, damage


def unpacked_size(path: Path) -> int:
    """Bytes of all entries, by the directory of an archive; 0 for what has none.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as opened:
            return sum(each.file_size for each in opened.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        return 0


def _listed(buffer: Buffer, found: list[tuple[str, int, int, int]]) -> Iterator[Entry]:
    """Entries that the directory names; what lies before an entry's bytes has a length of its own."""
    for number, (name, method, at, size) in enumerate(found, 1):
        header = buffer[at : at + _HEADER]
        before = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        yield Entry(number, name, method, at + _HEADER + before, size)


def _searched(buffer: Buffer) -> Iterator[Entry]:
    """Entries by their headers, in an archive without a directory."""
    at, number = buffer.find(_LOCAL), 0
    while at >= 0 and len(header := buffer[at : at + _HEADER]) == _HEADER:
        length, more = (int.from_bytes(header[n : n + 2], "little") for n in (26, 28))
        start = at + _HEADER + length + more
        size, number = int.from_bytes(header[18:22], "little"), number + 1
        if size in (0, _UNKNOWN) or header[6] & _SIZES_BEHIND:
            following = _NEXT.search(buffer, start)
            size = (following.start() if following else len(buffer)) - start
        name = buffer[at + _HEADER : at + _HEADER + length].decode("utf-8", "replace")
        yield Entry(number, name, int.from_bytes(header[8:10], "little"), start, min(size, len(buffer) - start))
        # The next header, where the size says or, if that is damaged, wherever it is.
        ahead = start + size
        at = ahead if buffer[ahead : ahead + 4] == _LOCAL else buffer.find(_LOCAL, start)


def pieces(path: Path, entry: Entry) -> Iterator[bytes]:
    """The unpacked bytes of an entry, a piece at a time.

    Raises:
        Damaged: what follows cannot be unpacked.
        OSError: the archive cannot be opened.
    """
    size = 0
    with path.open("rb") as file:
        file.seek(entry.start)
        for piece in _unpacked(_Part(file, entry.size), entry.method):
            size += len(piece)
            if size > MOST_UNPACKED:
                raise Damaged(f"more than {MOST_UNPACKED >> 30} GiB")
            yield piece


class _Part(io.RawIOBase):
    """So many bytes of a file from where it is."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        found = self._file.read(wanted)
        self._left -= len(found)
        return found


def _unpacked(part: _Part, method: int) -> Iterator[bytes]:
    if method == STORED:
        while piece := part.read(_PIECE):
            yield piece
    elif method == DEFLATED:
        yield from _inflated(part)
    elif method == ZSTANDARD:
        yield from _zstandard(part)
    else:
        raise Damaged(f"packed by a method that is not known ({method})")


def _inflated(part: _Part) -> Iterator[bytes]:
    unpacking = zlib.decompressobj(-15)
    try:
        while not unpacking.eof and (packed := part.read(_PIECE)):
            while packed and not unpacking.eof:
                yield unpacking.decompress(packed, _PIECE)
                packed = unpacking.unconsumed_tail
        if not unpacking.eof:
            yield unpacking.flush()
            raise Damaged("the packed bytes end too early")
    except zlib.error as error:
        raise Damaged(str(error)) from None


def _zstandard(part: _Part) -> Iterator[bytes]:
    import pyarrow as pa  # takes a quarter of a second to import, and older logs do not need it

    stream = pa.CompressedInputStream(pa.PythonFile(part, "r"), "zstd")
    while True:
        try:
            piece = stream.read(_PIECE)
        except (OSError, ValueError) as error:
            raise Damaged(str(error)) from None
        if not piece:
            return
        yield piece
