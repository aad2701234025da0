"""Who started a sub-agent: by what is recorded, in the order of its worth, and never by position.

First what names the call or the agent: the agent's description, the result of the call, progress, notifications, the
run of a workflow. Then what the agent was told: if it is, letter by letter, what exactly one call asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from explorer.model import Grade
from explorer.readers._claude_code._content import envelopes, word
from explorer.readers._claude_code._draft import Agent, Remark, Session, Spawn


def link(session: Session, metas: dict[tuple[str | None, str], dict[str, object]]) -> None:
    """Find the parent of every sub-agent of a session."""
    others = (agent for agent in session.agents.values() if not agent.is_main and agent is not session.teammate)
    agents = [agent for agent in others if agent.runs]
    for agent in agents:
        _describe(agent, metas)
    by_result = _by_result(session)
    by_workflow = {spawn.workflow: spawn for spawn in session.spawns.values() if spawn.workflow}
    taken: set[int] = set()
    for agent in agents:
        spawn = _named(agent, session, by_result, by_workflow)
        if spawn is not None and attach(agent, spawn, "exact") and agent.workflow is None:
            taken.add(id(spawn))
    _by_prompts(agents, [spawn for spawn in session.spawns.values() if id(spawn) not in taken])
    session.remarks.extend(_remarks(session, agents))
    for agent in agents:
        if agent.parent is None:  # whoever started it, all that a session starts is below its main agent
            agent.parent = session.teammate or session.root()


def _by_result(session: Session) -> dict[str, Spawn]:
    """The calls by the agents that their results name; a teammate's name may be given again when it has gone."""
    spawns = [spawn for spawn in session.spawns.values() if spawn.agent_id]
    given = Counter(spawn.agent_id for spawn in spawns)
    return {
        spawn.agent_id: spawn for spawn in spawns
        if spawn.agent_id and (given[spawn.agent_id] == 1 or "@" not in spawn.agent_id)
    }  # fmt: skip


def _by_prompts(agents: list[Agent], spawns: list[Spawn]) -> None:
    """Agents that nothing names, by what they were told."""
    asked: dict[str, list[Spawn]] = {}
    for spawn in spawns:
        if spawn.prompt is not None:
            asked.setdefault(spawn.prompt, []).append(spawn)
    listening: dict[str | None, list[Agent]] = {}
    for agent in agents:
        if agent.parent is None and agent.helper is None and agent.first_text is not None:
            listening.setdefault(told(agent), []).append(agent)
    for text, listeners in listening.items():
        attach_one_of(listeners, asked.get(text or "", []))


def told(agent: Agent) -> str | None:
    """What an agent was first told, without the envelope of a letter."""
    letters = envelopes(agent.first_text) if agent.first_text is not None else []
    return letters[0][1] if letters else agent.first_text


def _describe(agent: Agent, metas: dict[tuple[str | None, str], dict[str, object]]) -> None:
    native = agent.native_id
    if native is None:
        return
    if native.startswith("acompact"):
        agent.helper = "compaction"
    meta = metas.get((agent.session.session_id, native)) or metas.get((None, native))
    if meta is not None:
        agent.agent_type = word(meta.get("agentType"))
        agent.description = word(meta.get("description"))
        agent.tool_use_id = word(meta.get("toolUseId"))
        name, team = word(meta.get("name")), word(meta.get("teamName"))
        agent.mate_id = f"{name}@{team}" if name and team else None


def _named(agent: Agent, session: Session, by_result: dict[str, Spawn], by_workflow: dict[str, Spawn]) -> Spawn | None:
    """The call that a record names."""
    native = agent.native_id
    if native is None:
        return None
    for found in (
        session.spawns.get(agent.tool_use_id or ""),
        by_result.get(native),
        by_result.get(agent.mate_id or ""),
        session.spawns.get(session.named.get(native, "")),
        by_workflow.get(agent.workflow or ""),
    ):
        if found is not None:
            return found
    return None


def attach_one_of(listeners: Sequence[Agent], spawns: Sequence[Spawn]) -> None:
    """Put agents below those whose calls are all that may have started them."""
    if len(spawns) == 1 and len(listeners) == 1:
        attach(listeners[0], spawns[0], "derived")
        return
    parents = {spawn.tool.run.agent for spawn in spawns}
    runs = {spawn.tool.run for spawn in spawns}
    for agent in listeners if spawns else ():
        # Which of the calls it was is not to be told; their agent and run are, if these are the same.
        parent = spawns[0].tool.run.agent
        if not _is_below(parent, agent):
            agent.parent = parent
            agent.parent_grade = "derived" if len(parents) == 1 else "ambiguous"
            agent.runs[0].parent = spawns[0].tool.run if len(runs) == 1 else None
            agent.agent_type = agent.agent_type or spawns[0].agent_type


def attach(agent: Agent, spawn: Spawn, grade: Grade) -> bool:
    """Put an agent below the one whose call started it; whether it can be there."""
    parent = spawn.tool.run.agent
    if _is_below(parent, agent):
        return False
    agent.parent, agent.parent_grade, agent.spawn = parent, grade, spawn
    agent.runs[0].parent = spawn.tool.run
    agent.agent_type = agent.agent_type or spawn.agent_type
    agent.description = agent.description or spawn.description
    if agent.workflow is None:  # a workflow has many agents
        agent.runs[0].spawn = spawn
        spawn.tool.child = spawn.tool.child or agent.runs[0]
    return True


def _is_below(agent: Agent | None, other: Agent) -> bool:
    """Whether an agent is the other, or was started by it or by those it started."""
    while agent is not None:
        if agent is other:
            return True
        agent = agent.parent
    return False


def _remarks(session: Session, agents: list[Agent]) -> Iterator[Remark]:
    for agent in agents:
        run = agent.runs[0]
        where = run.asked
        line = where.line if where else None
        if agent.parent is None and agent.helper is None:
            top = session.teammate or session.main
            why = "" if top is not None and top.runs else ", whose transcript is missing"
            yield Remark(
                "orphan-agent", "warning", f"no record tells who started it{why}", agent.source_id, line, agent
            )
        elif agent.parent_grade == "ambiguous":
            message = "several agents asked for exactly what it was told"
            yield Remark("ambiguous-parent", "warning", message, agent.source_id, line, agent)
