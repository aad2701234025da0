"""What is wrong or doubtful in a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from explorer.readers._claude_code._draft import Agent, Remark, Session
from explorer.readers._claude_code._family import Family
from explorer.readers._values import many

MOST_ORPHANS = 1_000
"""Of an agent's records, those that are looked at for a parent that is missing."""


def doubts(session: Session, family: Family) -> Iterator[Remark]:
    """The findings of a session."""
    yield from session.remarks
    own = {session.session_id, *(agent.own_session for agent in session.agents.values())}
    for (source_id, session_id), (number, line) in family.foreign.items():
        if session_id in own:
            message = f"{many(number, 'record')} of session {session_id} in a file that is named after another one"
            yield Remark("foreign-lines", "info", message, source_id, line)
    yield from _missing(session)
    for agent in session.agents.values():
        if agent.runs:
            yield from _copied(agent)
            yield from _unconfirmed(agent)
            yield from _chain(agent)


def _missing(session: Session) -> Iterator[Remark]:
    """Agents that were started, and nothing else is recorded of them."""
    known = {name for agent in session.agents.values() if agent.runs for name in (agent.native_id, agent.mate_id)}
    for spawn in session.spawns.values():
        if spawn.agent_id and spawn.agent_id not in known and spawn.tool.child is None:
            tool, message = spawn.tool, f"agent {spawn.agent_id} was started here, and its transcript is not there"
            line, run = tool.where.line, tool.run
            yield Remark("missing-transcript", "warning", message, tool.where.source_id, line, run.agent, run)


def _copied(agent: Agent) -> Iterator[Remark]:
    owners = Counter(step.owner.run.agent for step in agent.steps.values() if step.owner is not None)
    for owner, number in owners.items():
        if owner.session is not agent.session:
            message = f"{many(number, 'model call')} copied from session {owner.session.session_id}: shown, not counted"
            yield Remark("replayed-history", "info", message, agent.source_id, None, agent)
        elif 2 * number > len(agent.steps):
            message = f"{number:,} of its {len(agent.steps):,} model calls are those of {owner.name}: counted there"
            yield Remark("copied-agent", "warning", message, agent.source_id, None, agent)


def _unconfirmed(agent: Agent) -> Iterator[Remark]:
    open_ = sum(
        step.owner is None and step.finish_reason is None and step.usage[3] is not None for step in agent.steps.values()
    )
    if open_:
        message = f"{open_:,} of {len(agent.steps):,} model calls have no stop reason: their output is at least this"
        yield Remark("unconfirmed-output", "info", message, agent.source_id, None, agent)


def _chain(agent: Agent) -> Iterator[Remark]:
    """Records that go on from one that was not there before them."""
    for orphan in agent.conversing.orphans[:MOST_ORPHANS]:
        doubt = agent.conversing.doubt(orphan)
        if doubt == "cycle":
            message = f"goes on from {orphan.parent}, which goes on from it"
            yield Remark("parent-cycle", "warning", message, agent.source_id, orphan.line, agent)
        elif doubt and orphan.parent not in agent.session.of_record:
            message = f"goes on from {orphan.parent}, which is not there"
            yield Remark("missing-record", "info", message, agent.source_id, orphan.line, agent)
