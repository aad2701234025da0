"""Records of one agent, one after the other, become its runs, model calls, tool calls and events.

A turn of the main agent begins where its user says something. A sub-agent has one run, and another one when it is
asked again after it had ended.
"""

from __future__ import annotations

from explorer.model import EventKind
from explorer.readers._claude_code._content import (
    AGENT_ID,
    INTERRUPTED,
    WARM_UP,
    asks,
    count,
    dumped,
    figures,
    is_command,
    notice,
    parts,
    text_of,
    word,
)
from explorer.readers._claude_code._draft import Agent, Event, Key, Remark, Run, Spawn, Step, Tool
from explorer.readers._claude_code._lines import Where
from explorer.readers._claude_code._prompt import Turn

SYNTHETIC = "<synthetic>"
REWIND = "rewind"
MOST_DETAIL = 1_000
"""Characters of a remark that are kept; the rest stays in the source."""

_SPAWNS = frozenset(("Task", "Agent", "Workflow"))
_CALLS = frozenset(("tool_use", "server_tool_use", "mcp_tool_use"))


def record_of(
    agent: Agent, kind: object, record: dict[str, object], uuid: str | None, at: int | None, where: Where
) -> None:
    """Take in the next record of an agent."""
    if at is not None:
        agent.session.happened(at)
    message = record.get("message")
    content = message.get("content") if type(message) is dict else None
    says = kind == "assistant"
    if kind == "user":
        says = _user(agent, record, content, uuid, at, where)
    elif kind == "assistant":
        if type(message) is dict:
            _hang(agent, record, uuid, False, where)
            _assistant(agent, record, message, content, uuid, at, where)
    else:
        _hang(agent, record, uuid, False, where)
        if kind == "system":
            _system(agent, record, uuid, at)
        elif kind == "attachment":
            _attachment(agent, record, at, where)
    if uuid is not None:
        agent.conversing.note(uuid, record.get("parentUuid"), says)
    if at is not None:
        agent.latest = at


def _hang(agent: Agent, record: dict[str, object], uuid: str | None, is_prompt: bool, where: Where) -> Turn | None:
    """Find what a record goes on from, and whether that is not the end of the conversation."""
    parent = record.get("parentUuid")
    if parent == agent.conversing.tip or type(parent) is not str:
        return None
    turn = agent.conversing.move(uuid, parent, is_prompt, where.line)
    if turn == "again":
        _beside(agent, where)
    return turn


def _beside(agent: Agent, where: Where) -> None:
    """A branch that had been left goes on: what was taken for a user who went back was somebody else."""
    message = "a branch that had been left goes on: two processes, or two windows, write this transcript"
    remark = Remark("concurrent-writers", "warning", message, where.source_id, where.line, agent, _going(agent))
    agent.session.remarks.append(remark)
    left_by = agent.conversing.active.left_by
    for event in (event for run in agent.runs for event in run.events):
        if event.trigger == REWIND and event.uuid == left_by:
            event.trigger, event.detail = "another writer", "said by another process, or window, beside what went on"


def _run(agent: Agent, at: int | None, where: Where | None) -> Run:
    """Begin a run."""
    run = Run(agent, len(agent.runs) + 1, at, at, asked=where)
    agent.runs.append(run)
    agent.going[agent.conversing.active] = run
    agent.pending = None
    return run


def _going(agent: Agent) -> Run | None:
    """The run that the conversation is in, on the branch where it is."""
    run = agent.going.get(agent.conversing.active)
    return run or (agent.runs[-1] if agent.runs else None)


def _current(agent: Agent, at: int | None, where: Where | None) -> Run:
    """The run that is going on; a command waits until the model is asked to begin one."""
    if agent.pending is not None:
        return _run(agent, *agent.pending)
    return _going(agent) or _run(agent, at, where)


def _event(
    agent: Agent, kind: EventKind, at: int | None, trigger: str | None, detail: str | None, uuid: str | None
) -> Event:
    event = Event(kind, at, trigger, detail[:MOST_DETAIL] if detail else None, uuid)
    (_going(agent) or _run(agent, at, None)).events.append(event)
    return event


# --- what the user says, and what the recorder says in the user's name -----------------------------------------------


def _user(
    agent: Agent, record: dict[str, object], content: object, uuid: str | None, at: int | None, where: Where
) -> bool:
    """A prompt, results of tools, or what was put in; whether it is a prompt."""
    blocks = content if type(content) is list else ()
    results = [block for block in blocks if type(block) is dict and block.get("type") == "tool_result"]
    text = None if results else text_of(content)
    is_prompt = not results and asks(record, content, agent.is_main)
    turn = _hang(agent, record, uuid, is_prompt, where)
    if record.get("isCompactSummary") is True and agent.compacted is None:  # older versions write no boundary
        _compaction(agent, {}, uuid, at)
    if is_prompt:
        _prompted(agent, text, at, where)
        if turn == "back":
            _event(agent, "note", at, REWIND, "the user went back and said this instead", uuid)
    elif is_command(text) and record.get("isMeta") is not True:
        agent.pending = at, where
    for part in parts("user", content):
        agent.conversing.add(part)
    if results:
        _results(agent, record, results, at, where)
    elif text is not None and text.startswith(INTERRUPTED):
        run = _current(agent, at, where)
        run.interrupted, run.end = True, at
        _event(agent, "interrupt", at, "user", text, uuid)
    elif text is not None and (found := notice(text)):
        _noticed(agent, *found, at, where)
    return is_prompt


def _prompted(agent: Agent, text: str | None, at: int | None, where: Where) -> None:
    """Somebody asks the agent for something."""
    if not agent.runs:
        agent.first_text = text
        if not agent.is_main and text is not None and text.strip() == WARM_UP:
            agent.helper = "warm-up"
    if agent.is_main:
        if agent.session.first_prompt is None:
            agent.session.first_prompt = text
        _run(agent, at, where)
        return
    last = agent.runs[-1].steps[-1] if agent.runs and agent.runs[-1].steps else None
    if not agent.runs or (last is not None and last.finish_reason == "end_turn"):
        _run(agent, at, where)
        if len(agent.runs) > 1:
            _event(agent, "resume", at, None, "asked again after it had ended", None)


def _results(
    agent: Agent, record: dict[str, object], results: list[dict[str, object]], at: int | None, where: Where
) -> None:
    outcome = record.get("toolUseResult")
    for block in results:
        call_id = word(block.get("tool_use_id"))
        tool = agent.tools.get(call_id) if call_id else None
        if tool is None:
            message = f"a tool result for {call_id}, and no such call before it"
            agent.session.remarks.append(
                Remark("unpaired-result", "warning", message, where.source_id, where.line, agent, _going(agent))
            )
            continue
        tool.end = tool.run.end = at
        tool.answered = True
        tool.is_error = block.get("is_error") is True
        spawn = agent.session.spawns.get(call_id) if call_id else None
        if spawn is not None:
            _spawned(spawn, outcome if len(results) == 1 else None, block, at, where)


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


def _noticed(agent: Agent, task: str, call: str | None, status: str | None, at: int | None, where: Where) -> None:
    """A background task ended."""
    if call:
        agent.session.named.setdefault(task, call)
    if status:
        agent.session.ends[task] = status, at, where


# --- what the model says ---------------------------------------------------------------------------------------------


def _assistant(
    agent: Agent, record: dict[str, object], message: dict[str, object], content: object, uuid: str | None,
    at: int | None, where: Where,
) -> None:  # fmt: skip
    if message.get("model") == SYNTHETIC:
        text = text_of(content)
        if record.get("isApiErrorMessage") is True or (text and "API Error" in text[:40]):
            run = _current(agent, at, where)
            run.error, run.end = text or "API error", at
            _event(agent, "error", at, "api", text, uuid)
        return
    step = _step(agent, record, message, uuid, at, where)
    usage = message.get("usage")
    if type(usage) is dict:
        _count(agent, step, usage)
    reason = message.get("stop_reason")
    if type(reason) is str and reason:
        step.finish_reason = reason
    step.end = at if at is not None else step.end
    run = step.run
    run.last, run.end, run.error = where, step.end, None
    if type(content) is list:
        for block in content:
            if type(block) is dict and block.get("type") in _CALLS:
                _call(agent, run, step, block, at, where)
    for part in parts("assistant", content):
        agent.conversing.add(part)


def _step(
    agent: Agent, record: dict[str, object], message: dict[str, object], uuid: str | None, at: int | None, where: Where
) -> Step:
    """The model call that a record is of."""
    message_id, request_id = message.get("id"), record.get("requestId")
    key: Key
    if type(message_id) is str and message_id:
        key = (message_id, request_id) if type(request_id) is str else (message_id,)
    else:
        key = "", uuid or f"{where.source_id}:{where.line}"
    step = agent.steps.get(key)
    if step is None:
        if not agent.runs:
            agent.first_text = None
        run = _current(agent, at, where)
        start = agent.latest if agent.latest is not None and at is not None and agent.latest <= at else at
        step = Step(
            key, where, run, len(run.steps) + 1, start, at, word(message.get("model")), agent.conversing.prompt(), uuid
        )
        agent.steps[key] = step
        run.steps.append(step)
    return step


def _count(agent: Agent, step: Step, usage: dict[str, object]) -> None:
    """Take the maximum of each figure: the records of a call are written while its answer comes."""
    step.records += 1
    sums = agent.copies.get("repeated lines")
    if sums is None:
        sums = agent.copies["repeated lines"] = [0] * 5
    if agent.usage is not None and agent.usage[0] == usage:  # as nearly always with several records of one call
        found = agent.usage[1]
    else:
        found = figures(usage)
        agent.usage = usage, found
    fresh, write, read, output, _, _ = found
    sums[0] += 1
    sums[1] += fresh or 0
    sums[2] += write or 0
    sums[3] += read or 0
    sums[4] += output or 0
    if step.records == 1:
        step.usage = best = found
    elif found != step.usage:
        step.usage = best = [
            b if a is None else a if b is None or b < a else b for a, b in zip(step.usage, found, strict=True)
        ]
    else:
        best = found
    if agent.compacted is not None:
        known = [figure for figure in best[:3] if figure is not None]
        agent.compacted.after = agent.compacted.after or (sum(known) if known else None)
        agent.compacted = None
    tier = usage.get("speed")
    if type(tier) is str and tier != "standard":
        step.tier = tier


def _call(agent: Agent, run: Run, step: Step, block: dict[str, object], at: int | None, where: Where) -> None:
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
            tool, word(asked.get("prompt")), word(asked.get("subagent_type")), word(asked.get("description"))
        )


# --- what the recorder notes -----------------------------------------------------------------------------------------


def _system(agent: Agent, record: dict[str, object], uuid: str | None, at: int | None) -> None:
    subtype = record.get("subtype")
    if subtype == "compact_boundary":
        details = record.get("compactMetadata")
        _compaction(agent, details if type(details) is dict else {}, uuid, at)
    elif subtype == "turn_duration" and (run := _going(agent)) is not None:
        run.duration_ms = count(record.get("durationMs"))
    elif subtype == "api_error":
        _event(agent, "error", at, "api", dumped(record.get("error")).decode(), uuid)


def _compaction(agent: Agent, details: dict[str, object], uuid: str | None, at: int | None) -> None:
    """The conversation so far is replaced by a summary."""
    event = _event(agent, "compaction", at, word(details.get("trigger")), None, uuid)
    event.before = count(details.get("preTokens"))
    if event.before is None:
        last = next((step for run in reversed(agent.runs) for step in reversed(run.steps)), None)
        known = [figure for figure in last.usage[:4] if figure is not None] if last else []
        event.before = sum(known) if known else None
    event.after = count(details.get("postTokens"))
    agent.compacted, run = event, _going(agent)
    agent.conversing.begin()
    if run is not None:
        agent.going[agent.conversing.active] = run


def _attachment(agent: Agent, record: dict[str, object], at: int | None, where: Where) -> None:
    """What goes to the model with the next prompt."""
    attachment = record.get("attachment")
    if type(attachment) is not dict:
        return
    agent.conversing.add(("user", dumped(attachment)))
    if attachment.get("type") == "queued_command":
        text = text_of(attachment.get("prompt"))
        found = notice(text) if text else None
        if found:
            _noticed(agent, *found, at, where)
        elif agent.runs:
            _event(agent, "note", at, "queued prompt", text, None)
