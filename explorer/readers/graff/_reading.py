"""The rows of one process, from all its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from explorer.model import Finding, Row
from explorer.readers import Report, SourceFile
from explorer.readers._records import open_bytes
from explorer.readers.graff._file import File
from explorer.readers.graff._layout import companions, source_id_of
from explorer.readers.graff._recording import Recording


def rows(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one process, or of the several that one file may hold."""
    with ExitStack() as opened:
        files = [File(source.path, source.source_id, opened.enter_context(open_bytes(source.path)))]
        for path in companions(source.path):
            source_id = source_id_of(source.source_id, path)
            try:
                buffer = opened.enter_context(open_bytes(path))
            except OSError as error:
                message = f"what is recorded in it is missing: {error.strerror or error}"
                key = f"unreadable-source:{source_id}"
                yield Finding(key, "unreadable-source", "error", source_id, None, None, None, None, None, message)
                continue
            files.append(File(path, source_id, buffer))
        yield from Recording(source.source_id, files).rows()
        for file in files:
            yield from file.findings.rest()
        yield Report(sum(file.findings.bad_records for file in files))
