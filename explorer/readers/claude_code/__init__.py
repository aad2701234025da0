"""Claude Code: the transcripts of its sessions and their sub-agents, versions 1.0 to 2.1.

No schema is published; what is known was observed (``_layout``, ``_content``). A session is a conversation, the turns
of its user are the runs of its main agent. A model call is written as a record for each block of its answer, every one
with the usage so far: it counts once, with the maximum of each figure. Copies of a session's history in others are
replayed calls (``_ownership``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from explorer.model import Edge, Row, Severity
from explorer.readers import Report, Rows, SourceFile
from explorer.readers._claude_code._doubts import doubts, uncounted
from explorer.readers._claude_code._draft import Session
from explorer.readers._claude_code._family import Family
from explorer.readers._claude_code._layout import claims, conversation_id, links, name_of, part_of
from explorer.readers._claude_code._linking import link
from explorer.readers._claude_code._ownership import ranked, settle
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

_ORDER = {"meta": 0, "session": 1, "agent": 2, "journal": 3}


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
    for path, source_id in sorted(files, key=lambda file: _ORDER[name_of(file[1]).kind]):
        try:
            family.read(path, source_id)
        except OSError as error:
            if source_id == source.source_id and not source.parts:
                raise
            message = f"what is recorded in it is missing: {error.strerror or error}"
            yield from findings[source_id].at("unreadable-source", "error", message)
    for source_id, damage in family.damage:
        severity: Severity = "warning" if damage.code == "bad-field" else "error"
        yield from findings[source_id].at(damage.code, severity, damage.message, damage.number)
    for source_id in family.silent:
        message = "titles, states or snapshots alone: nothing was said before the recorder ended"
        yield from findings[source_id].at("no-turns", "info", message)
    sessions = ranked(session for session in family.sessions.values())
    for session in sessions:
        link(session, family.metas)
        for leaf, text in family.summaries:
            if leaf in session.of_record:
                session.title = session.title or text
    uncounted(sessions)
    settle(sessions)
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
        yield from _forks(session, writing, writings)
        for remark in doubts(session, family):
            agent = remark.agent if remark.agent is not None and remark.agent.runs else None
            yield from findings[remark.source_id].at(
                remark.code, remark.severity, remark.message, remark.line, writing.conversation_id,
                writing.agent_id(agent) if agent else None, writing.run_id(remark.run) if remark.run else None,
            )  # fmt: skip
        for each in findings.values():
            yield from each.rest(writing.conversation_id)
        yield writing.conversation()


def _forks(session: Session, writing: Writing, writings: dict[str, Writing]) -> Iterator[Edge]:
    """From where the history of a copy was taken."""
    last = None
    for agent in writing.agents:
        for run in agent.runs:
            for step in run.steps:
                if step.owner is None:
                    if last is not None and last.run.agent.session is not session:
                        origin = last.run
                        source = writings[origin.agent.session.session_id].run_id(origin)
                        yield Edge(
                            f"fork:{writing.run_id(run)}", "fork", source, writing.run_id(run), None,
                            writing.ms(run.start), True, "derived",
                        )  # fmt: skip
                        return
                else:
                    last = step.owner
        if agent.is_main:
            return
