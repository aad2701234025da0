"""Files of JSON lines: the audit log, ``trajectories.ndjson`` and replay traces.

An audit log holds the lines of all goals, mixed, and may be many times as large as memory. It is read once to note
where the lines of each goal are, without parsing them, and again by goal.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter, OrderedDict
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from explorer.model import Finding
from explorer.readers._findings import Findings
from explorer.readers._records import MAX_RECORD
from explorer.readers.maverick._shapes import SEALED_FILES, record_of, whole_number

_OFFSET_BITS = 40
_OPEN_FILES = 8
_STRETCH = 1 << 18
"""Bytes of lines that are read at once."""
_KEY = b'"goal_id":'
_NUMBER = re.compile(rb" ?(-?[0-9]{1,18})(?=[ ,}])")


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
    number: int
    """Its line."""
    fields: dict[str, object]


def raw_lines(file: File) -> Iterator[tuple[int, int, bytes | Finding]]:
    """Number, position and bytes of the lines of a file that are not empty, and what could not be read of it."""
    try:
        with file.path.open("rb", buffering=1 << 18) as opened:
            if opened.read(8).startswith(SEALED_FILES):
                message = "the file was encrypted at rest: nothing of it can be read"
                for finding in file.findings.at("sealed-text", "info", message):
                    yield 0, 0, finding
                return
            opened.seek(0)
            offset = number = 0
            while line := opened.readline(MAX_RECORD):
                number += 1
                start, offset = offset, offset + len(line)
                if len(line) < MAX_RECORD:
                    if not line.isspace():
                        yield number, start, line
                    continue
                while not line.endswith(b"\n") and (line := opened.readline(MAX_RECORD)):
                    offset += len(line)
                for finding in _not_json(file, start, number, line.endswith(b"\n")):
                    yield number, start, finding
    except OSError as error:
        message = f"what is recorded in it is missing: {error.strerror or error}"
        for finding in file.findings.at("unreadable-source", "error", message):
            yield 0, 0, finding


def lines_of(file: File) -> Iterator[Line | Finding]:
    """The records of a file, and what could not be read of it."""
    for number, offset, line in raw_lines(file):
        if isinstance(line, Finding):
            yield line
        elif (fields := record_of(_text(line))) is not None:
            yield Line(file.source_id, offset, len(line) - line.endswith(b"\n"), number, fields)
        else:
            yield from _not_json(file, offset, number, line.endswith(b"\n"))


def _text(line: bytes) -> bytes:
    return line.strip().removeprefix(b"\xef\xbb\xbf")


def _not_json(file: File, offset: int, number: int, whole: bool) -> Iterator[Finding]:
    code, what = ("bad-record", "not a JSON object") if whole else ("truncated-record", "cut off, or no JSON object")
    message = f"byte {offset:,}: {what}; the line is left out, the rest is read"
    return file.findings.at(code, "error", message, number)


class ByGoal:
    """Lines of several files by the goal that they are of."""

    def __init__(self, files: Iterable[File], is_known: Callable[[dict[str, object]], bool]) -> None:
        self.files = list(files)
        self._is_known = is_known
        self._stretches: dict[int, array[int]] = {}
        """Goal -> file and begin, end and number of the first line of what follows each other in a file."""
        self._counts: Counter[int] = Counter()
        self._open: OrderedDict[int, BinaryIO] = OrderedDict()

    def index(self, is_told: bool = True) -> Iterator[Finding]:
        """Read all files once, and say what is wrong with lines that are of no goal, unless another part says it."""
        for index, file in enumerate(self.files):
            found = self._index(index, file if is_told else file._replace(findings=Findings("")))
            yield from (finding for finding in found if is_told)

    def _index(self, index: int, file: File) -> Iterator[Finding]:
        for number, offset, line in raw_lines(file):
            if isinstance(line, Finding):
                yield line
                continue
            goal = _goal_in(line, self._stretches)
            if goal is None:
                fields = record_of(_text(line))
                if fields is None:
                    yield from _not_json(file, offset, number, line.endswith(b"\n"))
                elif self._is_known(fields):
                    goal = whole_number(fields.get("goal_id"))
            if goal is not None:
                self._add(goal, index << _OFFSET_BITS | offset, len(line), number)

    def _add(self, goal: int, begin: int, length: int, number: int) -> None:
        self._counts[goal] += 1
        stretches = self._stretches.setdefault(goal, array("q"))
        if stretches and stretches[-2] == begin and begin - stretches[-3] < _STRETCH:
            stretches[-2] += length
        else:
            stretches.extend((begin, begin + length, number))

    def goals(self) -> Iterable[int]:
        """The goals that have lines."""
        return self._stretches

    def count(self, goal: int) -> int:
        """How many lines a goal has."""
        return self._counts[goal]

    def of(self, goal: int, is_first: bool = True) -> Iterator[Line | Finding]:
        """The lines of a goal, in the order of writing; what cannot be read is said the first time."""
        stretches = self._stretches.get(goal, ())
        for begin, end, first in zip(stretches[::3], stretches[1::3], stretches[2::3], strict=True):
            file, offset = self.files[begin >> _OFFSET_BITS], begin & ((1 << _OFFSET_BITS) - 1)
            for number, line in enumerate(self._read(begin, end - begin), first):
                fields = record_of(_text(line))
                if fields is None and is_first:
                    yield from _not_json(file, offset, number, line.endswith(b"\n"))
                elif fields is not None and self._is_known(fields) and fields.get("goal_id") == goal:
                    yield Line(file.source_id, offset, len(line) - line.endswith(b"\n"), number, fields)
                offset += len(line)

    def _read(self, begin: int, length: int) -> list[bytes]:
        index, offset = begin >> _OFFSET_BITS, begin & ((1 << _OFFSET_BITS) - 1)
        try:
            if index not in self._open:
                if len(self._open) == _OPEN_FILES:
                    self._open.popitem(last=False)[1].close()
                self._open[index] = self.files[index].path.open("rb", buffering=0)
            self._open.move_to_end(index)
            self._open[index].seek(offset)
            return BytesIO(self._open[index].read(length)).readlines()
        except OSError:  # gone since it was indexed: what changed is read again
            return []

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            with closing(self._open.popitem()[1]):
                pass


def _goal_in(line: bytes, known: Container[int]) -> int | None:
    """The goal that a line names, if that is seen without parsing it: no text in JSON holds a quote that ends a key."""
    at = line.find(_KEY)
    if at < 0 or line.find(_KEY, at + 1) >= 0:
        return None
    found = _NUMBER.match(line, at + len(_KEY))
    goal = int(found[1]) if found else None
    return goal if goal in known else None  # of each goal one line is parsed: the key may be one of an inner object
