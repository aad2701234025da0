"""One of the files that are read together."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path

from explorer.model import Finding, Severity
from explorer.readers._findings import Findings
from explorer.readers._records import Buffer, Lines, open_bytes

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20


class File:
    """Its bytes, unpacked, and the findings in it."""

    def __init__(self, source_id: str, buffer: Buffer, damage: str | None) -> None:
        self.source_id = source_id
        self.buffer = buffer
        self.damage = damage
        """Why it could not be unpacked to its end."""
        self.findings = Findings(source_id)
        self._lines = Lines(buffer)

    def at(
        self, offset: int | None, code: str, severity: Severity, message: str, conversation_id: str | None = None,
        agent_id: str | None = None, run_id: str | None = None, step: int | None = None,
    ) -> Iterator[Finding]:  # fmt: skip
        """A finding at a byte of the file, or about all of it."""
        line = None if offset is None else self._lines.at(offset)
        return self.findings.at(code, severity, message, line, conversation_id, agent_id, run_id, step)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Buffer, str | None]]:
    """The bytes of a file, and why they end early; a gzipped one is unpacked into a file without name.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        is_packed = file.read(2) == _GZIP
    if not is_packed:
        with open_bytes(path) as buffer:
            yield buffer, None
        return
    with tempfile.TemporaryFile() as unpacked:
        damage = None
        try:
            with gzip.open(path) as packed:
                while piece := packed.read(_PIECE):
                    unpacked.write(piece)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            damage = f"the compressed data end or are damaged here ({error}); what comes before is read"
        unpacked.flush()
        if not unpacked.tell():
            yield b"", damage
            return
        with mmap(unpacked.fileno(), 0, access=ACCESS_READ) as mapped:
            yield mapped, damage
