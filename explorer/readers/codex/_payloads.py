"""The payloads of a bundle: files that the lines of its log name, by paths that are not to be trusted.

A stretch of a payload is given as a place of the bundle beyond every byte of its log: ``place_in``.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path, PurePosixPath

from explorer.readers.codex._bundle import LOG
from explorer.readers.codex._json import text

MOST_BYTES = 96 << 20
"""Bytes of the largest payload that is read, which takes three times as much. Requests with inlined images reach tens
of megabytes."""

_NUMBERED = re.compile(r"payloads/([1-9]\d{0,5})\.json")
_FILE_SHIFT = 40  # logs of a TiB; with the number it stays below 2^63
# Neither a link at the end nor a pipe that nobody writes to.
_OPENING = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class Unreadable(Exception):
    """A payload that cannot be had; ``code`` is that of the finding."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Payloads:
    """Those of one bundle."""

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self._inside: dict[Path, bool] = {}  # whether a directory is in the bundle, wherever links lead

    def read(self, reference: object) -> bytes | None:
        """The contents of a payload; None where nothing is referred to.

        Raises:
            Unreadable: it leads out of the bundle, is not there, or is too large.
        """
        name = text(reference, "path")
        if name is None:
            return None
        try:
            return self._contents(name)
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a zero in a name
            reason = error.strerror if isinstance(error, OSError) else error
            raise Unreadable("missing-payload", f"{name[:200]}: {reason}") from None

    def _contents(self, name: str) -> bytes:
        path = self._bundle / name
        # The bundle itself may have been opened by a path with ".." in it.
        up = ".." in Path(name).parts
        if PurePosixPath(name).is_absolute() or path.is_absolute() != self._bundle.is_absolute() or up:
            raise Unreadable("unsafe-path", f"{name[:200]!r} is not opened: it leads out of the bundle")
        try:
            self._check(name, path.parent)
            opened = os.open(path, _OPENING)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            path = path.resolve()
            self._check(name, path.parent)
            opened = os.open(path, _OPENING)
        with os.fdopen(opened, "rb") as file:
            found = os.fstat(opened)
            if not stat.S_ISREG(found.st_mode):
                raise Unreadable("missing-payload", f"{name[:200]}: not a file")
            if found.st_size > MOST_BYTES:
                raise Unreadable("missing-payload", f"{name[:200]} has {found.st_size:,} bytes: too large to be read")
            return file.read(MOST_BYTES)

    def _check(self, name: str, directory: Path) -> None:
        if directory not in self._inside:
            self._inside[directory] = directory.resolve().is_relative_to(self._bundle.resolve())
        if not self._inside[directory]:
            raise Unreadable("unsafe-path", f"{name[:200]!r} is not opened: a link leads out of the bundle")


def place_in(reference: object, start: int) -> int | None:
    """A byte of a payload as an offset of the bundle; None where the file has no number by which to know it."""
    numbered = _NUMBERED.fullmatch(text(reference, "path") or "")
    return (int(numbered[1]) << _FILE_SHIFT) + start if numbered else None


def is_in_payload(offset: int) -> bool:
    """Whether an offset of the bundle is one of a payload."""
    return offset >> _FILE_SHIFT > 0


def bytes_at(bundle: Path, offset: int, length: int) -> bytes:
    """What stands at an offset of the bundle: in its log, or in a payload.

    Raises:
        OSError: it is not there any more.
    """
    number, start = offset >> _FILE_SHIFT, offset & ((1 << _FILE_SHIFT) - 1)
    if number:
        try:
            contents = Payloads(bundle).read({"path": f"payloads/{number}.json"}) or b""
        except Unreadable as error:
            raise OSError(errno.ESTALE, str(error), str(bundle)) from None
        return contents[start : start + length]
    with (bundle / LOG).open("rb") as file:
        file.seek(start)
        return file.read(length)
