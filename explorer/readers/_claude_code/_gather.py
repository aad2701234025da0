"""Transcripts that are read together, up to where their sessions are ready to be written."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from explorer.model import Edge, Finding, Severity
from explorer.readers import Report
from explorer.readers._claude_code._draft import Remark, Session
from explorer.readers._claude_code._family import Family
from explorer.readers._claude_code._growing import read_growing
from explorer.readers._claude_code._layout import name_of
from explorer.readers._claude_code._linking import link
from explorer.readers._claude_code._ownership import ranked, settle
from explorer.readers._claude_code._rows import Writing
from explorer.readers._claude_code._workflow import tell
from explorer.readers._findings import Findings

_ORDER = {"meta": 0, "session": 1, "agent": 2, "journal": 3, "workflow": 4}


def gather(
    files: Sequence[tuple[Path, str]], findings: Mapping[str, Findings], alone: bool, teams: bool = False,
    growing: bool = False,
) -> Generator[Finding, None, tuple[Family, list[Session]]]:  # fmt: skip
    """Take in all files: findings of what cannot be read, and the sessions in the order in which they own calls.

    Of those that are ``growing`` it is known how far they were read.

    Raises:
        OSError: a file that is read ``alone`` cannot be.
    """
    files = sorted(files, key=lambda file: _ORDER[name_of(file[1]).kind])
    known = read_growing(files, teams) if growing else None
    family = known or Family(teams)
    for path, source_id in files if known is None else ():
        try:
            family.read(path, source_id)
        except OSError as error:
            if alone:
                raise
            message = f"what is recorded in it is missing: {error.strerror or error}"
            yield from findings[source_id].at("unreadable-source", "error", message)
    for source_id, damage in family.damage:
        severity: Severity = "warning" if damage.code == "bad-field" else "error"
        yield from findings[source_id].at(damage.code, severity, damage.message, damage.number)
    for source_id in family.silent:
        message = "titles, states or snapshots alone: nothing was said before the recorder ended"
        yield from findings[source_id].at("no-turns", "info", message)
    sessions = ranked(family.sessions.values())
    for session in sessions:
        link(session, family.metas)
        tell(session, family.workflows)
        for leaf, text in family.summaries:
            if leaf in session.of_record:
                session.title = session.title or text
    settle(sessions)
    return family, sessions


def remarked(writing: Writing, remarks: Iterable[Remark], findings: Mapping[str, Findings]) -> Iterator[Finding]:
    """What is wrong with a session, at the rows that it is about."""
    for remark in remarks:
        agent = remark.agent if remark.agent is not None and remark.agent.runs else None
        yield from findings[remark.source_id].at(
            remark.code, remark.severity, remark.message, remark.line, writing.conversation_id,
            writing.agent_id(agent) if agent else None, writing.run_id(remark.run) if remark.run else None,
        )  # fmt: skip


def unwritten(session: Session, findings: Mapping[str, Findings]) -> Iterator[Finding]:
    """What is wrong with a session of which there are no rows."""
    for remark in session.remarks:
        yield from findings[remark.source_id].at(remark.code, remark.severity, remark.message, remark.line)


def forks(session: Session, writing: Writing, writings: Mapping[str, Writing]) -> Iterator[Edge]:
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


def closing(source_id: str, findings: Mapping[str, Findings]) -> Iterator[Finding | Report]:
    """What is left to say of files that were read together, the first of which is the source."""
    for each in findings.values():
        yield from each.rest()
    bad = {part: each.bad_records for part, each in findings.items() if each.bad_records}
    yield Report(bad.pop(source_id, 0), bad_of_parts=bad)
