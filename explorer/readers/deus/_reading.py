"""The rows of a checkout, group by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from explorer.model import Finding, Row
from explorer.readers import Report, Rows, SourceFile
from explorer.readers._claude_code._doubts import doubts
from explorer.readers._claude_code._family import Family
from explorer.readers._claude_code._gather import closing, forks, gather, remarked, unwritten
from explorer.readers._claude_code._rows import Writing
from explorer.readers._findings import Findings
from explorer.readers.deus import NAME
from explorer.readers.deus._contexts import contexts
from explorer.readers.deus._draft import Group
from explorer.readers.deus._groups import Groups
from explorer.readers.deus._overlaps import know_ipc, overlaps
from explorer.readers.deus._residue import residue
from explorer.readers.deus._rows import GroupRows
from explorer.readers.deus._runs import Runs, runs_of, spoken


def rows(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of the files of a checkout, group by group."""
    files = [(source.path, source.source_id), *source.parts]
    findings = {source_id: Findings(source_id) for _, source_id in files}
    groups = Groups(files, findings)
    yield from groups.read()
    for group in groups.known():
        yield from _group(group, groups)
    yield from closing(source.source_id, findings)


def _group(group: Group, groups: Groups) -> Iterator[Row | Rows]:
    """One group."""
    findings = groups.findings
    family, sessions = yield from gather(groups.transcripts(group), findings, alone=groups.is_single)
    runs = runs_of(group, family, sessions)
    know_ipc(group, runs.lives)
    written = GroupRows(group, groups.conversation_id(group), runs, groups.first_source(group), NAME)
    yield from _sessions(family, runs, written, findings)
    yield from contexts(runs, written.run_id, written.start)
    for life in runs.lives:
        if life.doubt is not None:
            yield from findings[life.source_id].at(
                "unplaced-usage", "warning", life.doubt, life.usage[0].where.line, written.conversation_id,
                written.agent_id(life), written.run_id(life),
            )  # fmt: skip
    yield from _of_group(group, runs, written, groups.first_source(group))
    for kept in findings.values():
        yield from kept.rest(written.conversation_id)
    yield written.conversation(spoken(runs.sessions))


def _of_group(group: Group, runs: Runs, written: GroupRows, first_source: str) -> Iterator[Finding]:
    """What is said of runs that were there at once and of what they left, bounded together: each has its own file."""
    kept = Findings(written.conversation_id)
    for code, severity, message, life in overlaps(group, runs):
        of_run = written.conversation_id, written.agent_id(life), written.run_id(life)
        for finding in kept.at(code, severity, message, None, *of_run):
            yield replace(finding, source_id=life.source_id)
    for code, severity, message, source_id in residue(group, runs.lives):
        for finding in kept.at(code, severity, message, None, written.conversation_id):
            yield replace(finding, source_id=source_id)
    for finding in kept.rest(written.conversation_id):
        yield replace(finding, source_id=first_source)


def _sessions(family: Family, runs: Runs, written: GroupRows, findings: dict[str, Findings]) -> Iterator[Row | Rows]:
    writings: dict[str, Writing] = {}
    seen: set[str] = set()
    for session in runs.sessions:
        copied = {uuid for uuid in session.of_record if uuid in seen}
        writing = written.writing(session, copied)
        if not writing.agents:
            yield from unwritten(session, findings)
            continue
        writings[session.session_id] = writing
        seen.update(session.of_record)
        yield from written.rows(writing)
        yield from forks(session, writing, writings)
        yield from remarked(writing, doubts(session, family), findings)
