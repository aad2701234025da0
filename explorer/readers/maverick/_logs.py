"""Files of JSON lines: the audit log, ``trajectories.ndjson`` and replay traces.

An audit log holds the lines of all goals, mixed, and may be many times as large as memory. It is read once to note
where the lines of each goal are, eight bytes for each, and again by goal.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

from explorer.model import Finding
from explorer.readers._findings import Findings
from explorer.readers._records import MAX_RECORD
from explorer.readers.maverick._shapes import SEALED_FILES, record_of, whole_number

_OFFSET_BITS = 40
_OPEN_FILES = 8


class File(NamedTuple):
    """A file of lines."""

    path: Path
    source_id: str
    findings: Findings


class Line(NamedTuple):
    """A record, and where it is."""

    source_id: str
    offset: int
    length: int
    number: int | None
    """Its line, where lines were counted."""
    fields: dict[str, object]


def lines_of(file: File) -> Iterator[Line | Finding]:
    """The records of a file, and what could not be read of it."""
    try:
        with file.path.open("rb") as opened:
            if opened.read(8).startswith(SEALED_FILES):
                message = "the file was encrypted at rest: nothing of it can be read"
                yield from file.findings.at("sealed-text", "info", message)
                return
            opened.seek(0)
            yield from _lines(file, opened)
    except OSError as error:
        message = f"what is recorded in it is missing: {error.strerror or error}"
        yield from file.findings.at("unreadable-source", "error", message)


def _lines(file: File, opened: BinaryIO) -> Iterator[Line | Finding]:
    offset = number = 0
    while line := opened.readline(MAX_RECORD):
        number += 1
        start, offset = offset, offset + len(line)
        whole = line.endswith(b"\n")
        text = line.strip().removeprefix(b"\xef\xbb\xbf")
        if not text:
            continue
        fields = record_of(text) if len(line) < MAX_RECORD else None
        if fields is not None:
            yield Line(file.source_id, start, len(line) - whole, number, fields)
            continue
        while not whole and (more := opened.readline(MAX_RECORD)):  # the rest of a line that is too long
            offset, whole = offset + len(more), more.endswith(b"\n")
        code, what = (
            ("bad-record", "not a JSON object") if whole else ("truncated-record", "cut off, or no JSON object")
        )
        message = f"byte {start:,}: {what}; the line is left out, the rest is read"
        yield from file.findings.at(code, "error", message, number)


class ByGoal:
    """Lines of several files by the goal that they are of."""

    def __init__(self, files: Iterable[File], is_known: Callable[[dict[str, object]], bool]) -> None:
        self.files = list(files)
        self.others = 0
        """Lines that are of no goal."""
        self._is_known = is_known
        self._places: dict[int, array[int]] = {}
        self._open: OrderedDict[int, BinaryIO] = OrderedDict()

    def index(self) -> Iterator[Finding]:
        """Read all files once."""
        for index, file in enumerate(self.files):
            for line in lines_of(file):
                if isinstance(line, Finding):
                    yield line
                    continue
                goal = whole_number(line.fields.get("goal_id"))
                if goal is None or not self._is_known(line.fields):
                    self.others += 1
                    continue
                self._places.setdefault(goal, array("q")).append(index << _OFFSET_BITS | line.offset)

    def goals(self) -> Iterable[int]:
        """The goals that have lines."""
        return self._places

    def count(self, goal: int) -> int:
        """How many lines a goal has."""
        return len(self._places.get(goal, ()))

    def of(self, goal: int) -> Iterator[Line]:
        """The lines of a goal, in the order of writing."""
        for place in self._places.get(goal, ()):
            index, offset = place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1)
            try:
                opened = self._opened(index)
                opened.seek(offset)
                line = opened.readline(MAX_RECORD)
            except OSError:  # gone since it was indexed: what changed is read again
                continue
            fields = record_of(line.strip().removeprefix(b"\xef\xbb\xbf"))
            if fields is not None:
                yield Line(self.files[index].source_id, offset, len(line) - line.endswith(b"\n"), None, fields)

    def _opened(self, index: int) -> BinaryIO:
        if index not in self._open:
            if len(self._open) == _OPEN_FILES:
                self._open.popitem(last=False)[1].close()
            self._open[index] = self.files[index].path.open("rb")
        self._open.move_to_end(index)
        return self._open[index]

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            with closing(self._open.popitem()[1]):
                pass
