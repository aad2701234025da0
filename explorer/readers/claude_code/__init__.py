"""Claude Code: the transcripts of its sessions and their sub-agents, versions 1.0 to 2.1.

No schema is published; what is known was observed (``_layout``, ``_content``). A session is a conversation, the turns
of its user are the runs of its main agent. A model call is written as a record for each block of its answer, every one
with the usage so far: it counts once, with the maximum of each figure. Copies of a session's history in others are
replayed calls (``_ownership``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from explorer.model import Row
from explorer.readers import Report, Rows, SourceFile
from explorer.readers._claude_code._doubts import doubts
from explorer.readers._claude_code._draft import Session
from explorer.readers._claude_code._family import Family
from explorer.readers._claude_code._gather import forks, gather, remarked
from explorer.readers._claude_code._layout import claims, conversation_id, links, part_of
from explorer.readers._claude_code._rows import Writing
from explorer.readers._claude_code._said import handed, messages
from explorer.readers._findings import Findings
from explorer.readers._values import key_part

__all__ = [
    "NAME", "SELF_CONTAINED", "VERSION", "claims", "handed", "links", "messages", "part_of", "places", "read",
]  # fmt: skip

NAME = "claude-code"
VERSION = 1
SELF_CONTAINED = True


def places(environment: Mapping[str, str], home: Path) -> Sequence[Path]:
    """Where transcripts are kept."""
    configured = environment.get("CLAUDE_CONFIG_DIR")
    homes = [Path(configured)] if configured else [home / ".claude", home / ".config" / "claude"]
    return [each / "projects" for each in homes]


def read(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of a session with its sub-agents and its copies."""
    family = Family()
    files = [(source.path, source.source_id), *source.parts]
    findings = {source_id: Findings(source_id) for _, source_id in files}
    sessions = yield from gather(family, files, findings)
    yield from _written(family, sessions, findings, files)
    for each in findings.values():
        yield from each.rest()
    bad = {source_id: each.bad_records for source_id, each in findings.items()}
    own = bad.pop(source.source_id)
    yield Report(own, bad_of_parts={source_id: number for source_id, number in bad.items() if number})


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
            for remark in session.remarks:
                yield from findings[remark.source_id].at(remark.code, remark.severity, remark.message, remark.line)
            continue
        writings[session.session_id] = writing
        seen.update(session.of_record if len(sessions) > 1 else ())
        yield from writing.rows()
        yield from forks(session, writing, writings)
        yield from remarked(writing, doubts(session, family), findings)
        for each in findings.values():
            yield from each.rest(writing.conversation_id)
        yield writing.conversation()
