"""Sessions of teammates become a part of their lead's: what its user asked for is one conversation.

Who has started a teammate is told by its name and team, in this order: the result of a call names it; a call whose
result is not there asks for it. Of several calls that do, it was one that asked for what the teammate was first told.
Where the calls of several sessions are left, or none, it stays a conversation of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from explorer.model import Grade
from explorer.readers._claude_code._draft import Agent, Remark, Session, Spawn
from explorer.readers._claude_code._linking import attach, attach_one_of, told


class _Call(NamedTuple):
    """A call that may have started a teammate, and the session that it is of."""

    lead: Session
    spawn: Spawn


def join(sessions: Sequence[Session]) -> list[Session]:
    """The conversations, when the sessions of teammates are parts of them; ``sessions`` by which owns what."""
    left = list(sessions)
    for session in sessions:
        mate = session.teammate
        if mate is None or not mate.runs:
            continue
        calls, grade = _calls(mate, (other for other in left if other.agents.keys().isdisjoint(session.agents)))
        leads = {call.lead.session_id: call.lead for call in calls}
        if len(leads) == 1:
            (lead,) = leads.values()
            lead.add(session)
            left.remove(session)
            if len(calls) == 1:
                attach(mate, calls[0].spawn, grade)
            else:
                attach_one_of([mate], [call.spawn for call in calls])
        else:
            _alone(session, mate, len(leads))
    return left


def _calls(mate: Agent, others: Iterable[Session]) -> tuple[list[_Call], Grade]:
    """The calls that may have started a teammate, and how sure that is if it is but one."""
    first: dict[str | None, _Call] = {}  # a fork has its own copy of a call
    for lead in others:
        for spawn in lead.spawns.values():
            first.setdefault(spawn.tool.call_id, _Call(lead, spawn))
    grade: Grade = "exact"
    found = [call for call in first.values() if call.spawn.agent_id == mate.native_id]
    if not found:
        grade = "derived"
        unnamed = (call for call in first.values() if call.spawn.agent_id is None)
        found = [call for call in unnamed if f"{call.spawn.name}@{call.spawn.team}" == mate.native_id]
    if len(found) > 1:
        grade = "derived"
        found = [call for call in found if call.spawn.prompt == told(mate)] or found
    return found, grade


def _alone(session: Session, mate: Agent, leads: int) -> None:
    """A teammate whose lead is not to be told."""
    mate.parent = session.root()
    session.first_prompt = session.first_prompt or told(mate)
    line = mate.runs[0].asked.line if mate.runs[0].asked else None
    message = f"no session beside its own tells that it started the teammate {mate.native_id}"
    if leads:
        message = f"{leads} sessions have asked for a teammate {mate.native_id}: which of them started it is not told"
    session.remarks.append(Remark("orphan-agent", "warning", message, mate.source_id, line, mate))
