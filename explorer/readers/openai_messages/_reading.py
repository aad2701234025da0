"""The rows of one file, by its shape."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import Row
from explorer.readers import Report, SourceFile
from explorer.readers._findings import Findings
from explorer.readers.openai_messages._conversations import conversations, flat_messages
from explorer.readers.openai_messages._growing import shape_of_file
from explorer.readers.openai_messages._log import Log
from explorer.readers.openai_messages._log_end import closing


def rows(source: SourceFile) -> Iterator[Row | Report]:
    """All of them; a file that has lost its shape is read as conversations, one a line."""
    shape = shape_of_file(source.path)
    findings = Findings(source.source_id)
    if shape == "requests":
        log = Log(source, findings)
        yield from log.rows()
        yield from closing(log)
    elif shape == "messages":
        yield from flat_messages(source, findings)
    else:
        yield from conversations(source, findings, is_document=shape == "document")
    yield from findings.rest()
    yield Report(findings.bad_records)
