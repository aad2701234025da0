"""Replay traces: a line per post of one goal, appended by every process that works on it.

Each process counts its lines from 1, so where the numbers start again another one began.
"""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import Finding
from explorer.readers._findings import Findings
from explorer.readers.maverick._evidence import Post, post_of
from explorer.readers.maverick._logs import File, lines_of
from explorer.readers.maverick._shapes import seconds_of, whole_number

_AGAIN = (
    "the numbers start again: another process began to write here. Sorted by seq, as Maverick's own replay does, its "
    "posts are mixed with those before"
)


def posts_of(file: File, conversation_id: str, findings: Findings) -> Iterator[Post | Finding]:
    """The posts of a trace, in the order of writing, which is not that of their numbers."""
    segment = 0
    before: int | None = None
    for line in lines_of(file._replace(findings=findings)):
        if isinstance(line, Finding):
            yield line
            continue
        sequence = whole_number(line.fields.get("seq"))
        if sequence is None or seconds_of(line.fields.get("t")) is None:
            message = "a line without seq or t: kept, with what there is of it"
            yield from findings.at("bad-field", "warning", message, line.number, conversation_id)
        if sequence is not None:
            if before is not None and sequence <= before:
                segment += 1
                yield from findings.at("repeated-sequence", "info", _AGAIN, line.number, conversation_id)
            before = sequence
        yield post_of(line.fields, "t", (line.source_id, line.offset, line.length, line.number), segment)
