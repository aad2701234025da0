"""The rows of one source: a database, a captured stream, or a dump."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import Row
from explorer.readers import Report, Rows, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._sqlite import MAGIC
from explorer.readers.codegraff._database import read_database
from explorer.readers.codegraff._dump import read_dump
from explorer.readers.codegraff._layout import is_dump
from explorer.readers.codegraff._stream import read_stream


def rows(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of one source, a conversation at a time."""
    findings = Findings(source.source_id, source.share[0])
    with source.path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(MAGIC):
        yield from read_database(source, findings)
    elif is_dump(head):
        yield from read_dump(source, findings)
    else:
        yield from read_stream(source, findings)
    yield from findings.rest()
    yield Report(findings.bad_records)
