"""Whole directories of transcripts, read as ingest does: what belongs together as one source."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from explorer.model import Finding
from explorer.readers import Reader, SourceFile, links, readers
from tests.readers.reading import Reading, head

READER = readers()["claude-code"]


def families(directory: Path, reader: Reader = READER) -> list[list[Path]]:
    """The claimed files below a directory by what they have in common, directly or over others."""
    found: list[tuple[set[str], list[Path]]] = []
    for path in sorted(path for path in directory.rglob("*") if path.is_file() and path.stat().st_size):
        if not reader.claims(path, head(path)):
            continue
        ids, files = set(links(reader, path, head(path))), [path]
        for other in [each for each in found if each[0] & ids]:
            found.remove(other)
            ids, files = ids | other[0], other[1] + files
        found.append((ids, files))
    return [files for _, files in found]


def read(directory: Path, *paths: Path, reader: Reader = READER) -> Reading:
    """Files below a directory, read as one source."""
    named = [(path, path.relative_to(directory).as_posix()) for path in paths]
    return Reading(list(reader.read(SourceFile(*named[0], parts=named[1:]))))


def readings(directory: Path, reader: Reader = READER) -> list[Reading]:
    """Everything below a directory."""
    return [read(directory, *files, reader=reader) for files in families(directory, reader)]


@cache
def together(directory: Path, reader: Reader = READER) -> list[Finding]:
    """The findings of everything below a directory."""
    return [finding for reading in readings(directory, reader) for finding in reading.findings]
