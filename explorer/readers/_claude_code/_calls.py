"""Tool calls of a conversation, what came of them, and what those tell that start agents or write to them."""

from __future__ import annotations

from explorer.readers._claude_code._content import AGENT_ID, count, word
from explorer.readers._claude_code._draft import Agent, Remark, Run, Spawn, Step, Tool
from explorer.readers._claude_code._letters import TOOL as LETTER
from explorer.readers._claude_code._letters import sent
from explorer.readers._claude_code._lines import Where

_SPAWNS = frozenset(("Task", "Agent", "Workflow"))


def call_of(agent: Agent, run: Run, step: Step, block: dict[str, object], at: int | None, where: Where) -> None:
    """Take in a call that the model makes."""
    call_id, name = word(block.get("id")), word(block.get("name"))
    if call_id is not None and call_id in agent.tools:
        return  # the record of a call that was written again
    tool = Tool(call_id, name, where, run, step, at, by_server=block.get("type") == "server_tool_use")
    run.tools.append(tool)
    if call_id is None:
        return
    agent.tools[call_id] = tool
    if name in _SPAWNS:
        asked = block.get("input")
        asked = asked if type(asked) is dict else {}
        agent.session.spawns[call_id] = Spawn(
            tool, word(asked.get("prompt")), word(asked.get("subagent_type")), word(asked.get("description")),
            word(asked.get("name")), word(asked.get("team_name")),
        )  # fmt: skip
    elif name == LETTER:
        given = block.get("input")
        agent.session.sent.append(sent(tool, given if type(given) is dict else {}))


def results_of(
    agent: Agent, record: dict[str, object], results: list[dict[str, object]], at: int | None, where: Where
) -> None:
    """Give the results of a record to their calls."""
    outcome = record.get("toolUseResult")
    for block in results:
        call_id = word(block.get("tool_use_id"))
        tool = agent.tools.get(call_id) if call_id else None
        if tool is None:
            message = f"a tool result for {call_id}, and no such call before it"
            agent.session.remarks.append(
                Remark("unpaired-result", "warning", message, where.source_id, where.line, agent, agent.going())
            )
            continue
        tool.end = tool.run.end = at
        tool.answered = True
        tool.is_error = block.get("is_error") is True
        if tool.name == LETTER:
            _brought(agent, tool, outcome)
        spawn = agent.session.spawns.get(call_id) if call_id else None
        if spawn is not None:
            _spawned(spawn, outcome if len(results) == 1 else None, block, at, where)


def _brought(agent: Agent, tool: Tool, outcome: object) -> None:
    """What became of a letter."""
    refused = tool.is_error or (type(outcome) is dict and outcome.get("success") is False)
    for letter in agent.session.sent:
        if letter.tool is tool:
            letter.refused = bool(refused)


def _spawned(spawn: Spawn, outcome: object, block: dict[str, object], at: int | None, where: Where) -> None:
    """What the result of a call says of the agent that it started."""
    spawn.answered_at, spawn.answer = at, where
    if type(outcome) is not dict:
        found = AGENT_ID.search(_text(block.get("content")))
        spawn.agent_id = found[1] if found else None
        return
    spawn.agent_id = word(outcome.get("agentId")) or word(outcome.get("agent_id"))
    spawn.workflow = word(outcome.get("runId"))
    spawn.status = word(outcome.get("status"))
    spawn.final_context = count(outcome.get("totalTokens"))
    spawn.duration_ms = count(outcome.get("totalDurationMs"))
    spawn.tool_calls = count(outcome.get("totalToolUseCount"))


def _text(content: object) -> str:
    """The texts of a tool's result."""
    if type(content) is str:
        return content
    texts = [block.get("text") for block in content if type(block) is dict] if type(content) is list else []
    return "\n".join(text for text in texts if type(text) is str)
