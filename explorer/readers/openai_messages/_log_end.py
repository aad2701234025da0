"""The agents of a log, what is doubtful of them, and the conversation; once all lines have been read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explorer.model import PROMPT_PARTS, Conversation, Finding, Row, Run, UncountedUsage
from explorer.model import Agent as AgentRow
from explorer.readers._values import as_json, many
from explorer.readers.openai_messages._agents import Agent
from explorer.readers.openai_messages._cut import cut
from explorer.readers.openai_messages._log import Log


def closing(log: Log) -> Iterator[Row]:
    """What comes last; nothing of a log without a request."""
    for agent in log.agents.values():
        yield from _agent(log, agent)
    if not log.agents:
        return
    for agent, earlier in cut(log.agents.values(), log.handoffs.answered_tools):
        yield from _cut(log, agent, earlier)
    keys, clock = log.keys, log.clock
    yield from log.findings.rest(keys.conversation_id)
    yield Conversation(
        conversation_id=keys.conversation_id,
        source_id=keys.source_id,
        format="openai-messages",
        started_at=clock.moment(0),
        ended_at=clock.moment(clock.end),
        block_scope=PROMPT_PARTS if log.has_blocks else None,
        steps_recorded=True,
        tool_calls_recorded=True,
        extra=as_json({"shape": "requests and answers", "agents_by": "what prompts repeat"}),
    )


def _agent(log: Log, agent: Agent) -> Iterator[Row]:
    keys, parent = log.keys, agent.parent
    yield from log.handoffs.end(agent)
    yield AgentRow(
        keys.agent_id(agent), keys.conversation_id, keys.agent_id(parent) if parent else None, agent.name,
        agent.version, agent.label, "derived" if parent else "exact",
    )  # fmt: skip
    spawn = agent.spawn
    yield Run(
        run_id=keys.run_id(agent),
        conversation_id=keys.conversation_id,
        agent_id=keys.agent_id(agent),
        parent_run_id=keys.run_id(parent) if parent else None,
        spawn_tool_call_id=spawn.call_id if spawn else None,
        ordinal=1,
        status="unknown",
        started_at=log.clock.moment(agent.start_ms),
        ended_at=log.clock.moment(agent.end_ms),
        start_ms=agent.start_ms,
        end_ms=agent.end_ms,
        time_grade="not_recorded" if agent.start_ms is None else "exact",
        request_model=agent.request_model,
        model=agent.model,
        reported_cost_usd=agent.cost,
        reported_note=None if agent.cost is None else "the sum of what the log says that each call cost",
        grade=agent.grade,
    )
    if agent.repeated[0]:
        yield UncountedUsage(keys.agent_id(agent), "repeated record", keys.conversation_id, *agent.repeated)
    if agent.rewritten:
        message = (
            f"{many(agent.rewritten, 'prompt')} of {agent.steps:,} with answers of the agent behind another beginning: "
            "from there on nothing that was sent before can be reused"
        )
        yield from log.finding("rewritten-history", "info", message, agent.rewritten_line, agent)
    if agent.forked:
        message = "its first prompt leaves that of another agent at an earlier message: a fork, or somebody went back"
        yield from log.finding("rewritten-history", "info", message, agent.line, agent)
    if agent.doubtful:
        message = f"{many(agent.doubtful, 'request')} of {agent.steps:,} that may as well be another agent's"
        yield from log.finding("ambiguous-chain", "info", message, agent.doubtful_line, agent)


def _cut(log: Log, agent: Agent, earlier: Sequence[Agent]) -> Iterator[Finding]:
    """It may be another agent, or one of these with its history cut."""
    stopped = earlier[-1]
    which = f"agent-{stopped.chain.number}" + (f" ({stopped.label})" if stopped.label else "")
    how = "failed" if stopped.failed else "asked for tools whose results were never sent"
    which = which if len(earlier) == 1 else f"one of several, such as {which}"
    message = (
        f"it may go on from {which} with its history cut: the same instructions, tools and model, a shorter prompt, "
        f"and the last request of that one, on line {stopped.last_line:,}, {how}. The log does not say so: counted as "
        "two agents"
    )
    yield from log.finding("rewritten-history", "info", message, agent.line, agent)
