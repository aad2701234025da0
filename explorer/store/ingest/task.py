"""What a process that reads sources is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from explorer.readers import Report

CHUNK_ROWS = 5_000
"""Rows sent at once: small enough that a screen which shares the receiving process stays smooth."""

UNFINISHED = "unfinished-record"
"""The code of the finding about a record without an end, in a source that is being written."""

Columns: TypeAlias = dict[str, list[Sequence[object]]]
"""Table -> its columns in order, each with a value per row."""


class Task(NamedTuple):
    """A source to read."""

    reading: str
    """Tells this reading of the source from others of it."""
    reader: str
    path: str
    source_id: str
    facts: Mapping[str, str]
    share: tuple[int, int] = (0, 1)
    """Which part of it, and of how many."""
    parts: Sequence[tuple[str, str]] = ()
    """Path and source_id of what is read with it for its links."""
    growing: frozenset[str] = frozenset()
    """Which of these sources are being written now."""


class Chunk(NamedTuple):
    """Rows of one reading."""

    reading: str
    columns: Columns
    position: int
    """How far into the source the rows reach, in bytes."""
    records: Mapping[str, int]
    """Model calls among the rows, by the source that they stand in."""
    report: Report | None
    """With the last chunk of a source."""
    failure: str | None
    """Why the source could not be read to its end; the last chunk then."""
