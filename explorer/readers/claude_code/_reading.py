"""The rows of what belongs together: a session with its sub-agents and its copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.model import Row
from explorer.readers import Report, Rows, SourceFile
from explorer.readers._claude_code._doubts import doubts
from explorer.readers._claude_code._draft import Session
from explorer.readers._claude_code._family import Family
from explorer.readers._claude_code._gather import closing, forks, gather, remarked, unwritten
from explorer.readers._claude_code._joining import join
from explorer.readers._claude_code._layout import conversation_id
from explorer.readers._claude_code._rows import Writing
from explorer.readers._findings import Findings
from explorer.readers._values import key_part
from explorer.readers.claude_code import NAME


def rows(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of a session with its sub-agents and its copies."""
    files = [(source.path, source.source_id), *source.parts]
    findings = {source_id: Findings(source_id) for _, source_id in files}
    family, sessions = yield from gather(files, findings, not source.parts, teams=True, growing=source.growing)
    yield from _written(family, join(sessions), findings, files)
    yield from closing(source.source_id, findings)


def _written(
    family: Family, sessions: list[Session], findings: dict[str, Findings], files: Sequence[tuple[Path, str]]
) -> Iterator[Row | Rows]:
    """Session by session, those that own what they have in common first."""
    writings: dict[str, Writing] = {}
    seen: set[str] = set()
    for session in sessions:
        copied = {uuid for uuid in session.of_record if uuid in seen} if len(sessions) > 1 else None
        key = conversation_id(session.session_id, files) or f"{session.source_id}//{key_part(session.session_id)}"
        writing = Writing(session, key, copied, NAME)
        if not writing.agents:
            yield from unwritten(session, findings)
            continue
        writings[session.session_id] = writing
        seen.update(session.of_record if len(sessions) > 1 else ())
        yield from writing.rows()
        yield from forks(session, writing, writings)
        yield from remarked(writing, doubts(session, family), findings)
        for each in findings.values():
            yield from each.rest(writing.conversation_id)
        yield writing.conversation()
