"""The lines of a session rollout, plain or compressed, however long it is.

Format: openai/codex codex-rs/rollout/src/{rollout_file_name,compression}.rs @b3cc2173.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from explorer.readers._records import Buffer, Forget, open_bytes

MAGIC: Final = b"\x28\xb5\x2f\xfd"
"""How a Zstandard stream begins."""

LONGEST_LINE: Final = 256 << 20
"""Bytes of the longest line of a compressed file; a plain one is looked at where it lies."""

_PIECE = 1 << 16
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME = re.compile(
    rf"rollout-(\d{{4}}-\d\d-\d\dT\d\d-\d\d-\d\d)-({_UUID})(?:_({_UUID}))?\.jsonl(\.zst)?", re.ASCII | re.IGNORECASE
)


class Name(NamedTuple):
    """What the name of a rollout says."""

    stamp: str
    """Local time of its beginning; sorts by time."""
    thread_id: str
    rollout_id: str
    """The thread's id in its first file, another one in each that a revert began."""
    compressed: bool


class Line(NamedTuple):
    """A line, without its newline, somewhere in a buffer."""

    number: int
    offset: int
    """Byte of the decompressed file."""
    buffer: Buffer
    start: int
    end: int
    complete: bool
    """Whether a newline ends it; that of the last line may be missing because it is still being written."""

    @property
    def length(self) -> int:
        """Its bytes."""
        return self.end - self.start


class Unreadable(NamedTuple):
    """Where a compressed file could not be read on."""

    line: int
    reason: str


def name_of(path: Path) -> Name | None:
    """The parts of a rollout's name; None for any other."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    stamp, thread_id, rollout_id, compressed = found.groups()
    return Name(stamp, thread_id.lower(), (rollout_id or thread_id).lower(), compressed is not None)


def lines(path: Path) -> Iterator[Line | Unreadable]:
    """Every line that is not empty, in order.

    Raises:
        OSError: it cannot be opened.
    """
    return _compressed(path) if is_compressed(path) else _plain(path)


def is_compressed(path: Path) -> bool:
    """Whether a file is a Zstandard stream, whatever its name.

    Raises:
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def _plain(path: Path) -> Iterator[Line]:
    with open_bytes(path) as buffer:
        forget = Forget(buffer)
        at, number, size = 3 if buffer[:3] == b"\xef\xbb\xbf" else 0, 0, len(buffer)
        while at < size:
            found = buffer.find(b"\n", at)
            end = size if found < 0 else found
            number += 1
            if end > at:
                yield Line(number, at, buffer, at, end, found >= 0)
            at = end + 1
            forget(end)


def _compressed(path: Path) -> Iterator[Line | Unreadable]:
    offset, number = 0, 0
    held: list[bytes] = []  # the beginning of a line that is not at its end yet
    for piece in pieces(path):
        if isinstance(piece, str):
            if rest := b"".join(held):
                yield Line(number + 1, offset, rest, 0, len(rest), False)
            yield Unreadable(number + 1, piece)
            return
        held.append(piece)
        if b"\n" not in piece:
            if len(held) * _PIECE > LONGEST_LINE:
                yield Unreadable(number + 1, f"a line of more than {LONGEST_LINE >> 20} MiB")
                return
            continue
        text, at = b"".join(held), 0
        while (end := text.find(b"\n", at)) >= 0:
            number += 1
            if end > at:
                yield Line(number, offset + at, text, at, end, True)
            at = end + 1
        offset, held = offset + at, [text[at:]]
    if rest := b"".join(held):
        yield Line(number + 1, offset, rest, 0, len(rest), False)


def pieces(path: Path) -> Iterator[bytes | str]:
    """The decompressed bytes of a file, and last, if it cannot be read to its end, why.

    Raises:
        OSError: it cannot be opened.
    """
    import pyarrow as pa  # takes a quarter of a second to import, and few files need it

    with path.open("rb") as file:
        stream = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")
        while True:
            try:
                piece = stream.read(_PIECE)
            except (OSError, ValueError) as error:
                yield str(error)
                return
            if not piece:
                return
            yield piece


def span(path: Path, offset: int, length: int) -> bytes:
    """A stretch of the decompressed bytes; shorter where the file ends.

    Raises:
        OSError: it cannot be read.
    """
    if not is_compressed(path):
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    found, at = b"", 0
    for piece in pieces(path):
        if isinstance(piece, str):
            break
        if at + len(piece) > offset:
            found += piece[max(offset - at, 0) : offset + length - at]
        at += len(piece)
        if at >= offset + length:
            break
    return found
