"""Records of one agent, one after the other, become its runs, model calls, tool calls and events.

A turn of the main agent begins where its user says something. A sub-agent has one run, and another one when it is
asked again after it had ended.
"""

from __future__ import annotations

from explorer.model import EventKind
from explorer.readers._claude_code._calls import call_of, results_of
from explorer.readers._claude_code._content import (
    CALLS,
    INTERRUPTED,
    WARM_UP,
    asks,
    count,
    dumped,
    figures,
    is_command,
    least,
    most,
    notice,
    part,
    text_of,
    word,
)
from explorer.readers._claude_code._draft import Agent, Event, Key, Received, Remark, Run, Step, Usage
from explorer.readers._claude_code._letters import received
from explorer.readers._claude_code._lines import Where
from explorer.readers._claude_code._prompt import Turn

SYNTHETIC = "<synthetic>"
"""The model of what the recorder says in the model's name."""

REWIND = "rewind"
MOST_DETAIL = 1_000
"""Characters of a remark that are kept; the rest stays in the source."""

LINES = "repeated lines"
"""Why the usage of further records of a call does not count."""


def record_of(
    agent: Agent, kind: object, record: dict[str, object], uuid: str | None, at: int | None, where: Where
) -> None:
    """Take in the next record of an agent."""
    message, parent = record.get("message"), record.get("parentUuid")
    says = kind == "assistant"
    if kind == "user":
        says = _user(agent, record, message.get("content") if type(message) is dict else None, uuid, at, where)
    elif says:
        if type(message) is dict:
            if parent != agent.conversing.tip:
                _hang(agent, record, uuid, False, where)
            _assistant(agent, record, message, uuid, at, where)
    else:
        _hang(agent, record, uuid, False, where)
        if kind == "system":
            _system(agent, record, uuid, at)
        elif kind == "attachment":
            _attachment(agent, record, uuid, at, where)
    if uuid is not None:
        agent.conversing.note(uuid, parent, says)
    if at is not None:
        agent.latest = at
        agent.session.happened(at)


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
    remark = Remark("concurrent-writers", "warning", message, where.source_id, where.line, agent, agent.going())
    agent.session.remarks.append(remark)
    left_by = agent.conversing.active.left_by
    for event in (event for run in agent.runs for event in run.events):
        if event.trigger == REWIND and event.uuid == left_by:
            event.trigger, event.detail = "another writer", "said by another process, or window, beside what went on"


def _run(agent: Agent, at: int | None, where: Where | None) -> Run:
    """Begin a run."""
    run = Run(agent, len(agent.runs) + 1, at, at, asked=where)
    agent.runs.append(run)
    agent.run_on[agent.conversing.active] = run
    agent.pending = None
    return run


def _current(agent: Agent, at: int | None, where: Where | None) -> Run:
    """The run that is going on; a command waits until the model is asked to begin one."""
    if agent.pending is not None:
        return _run(agent, *agent.pending)
    return agent.going() or _run(agent, at, where)


def _event(
    agent: Agent, kind: EventKind, at: int | None, trigger: str | None, detail: str | None, uuid: str | None
) -> Event:
    event = Event(kind, at, trigger, detail[:MOST_DETAIL] if detail else None, uuid)
    (agent.going() or _run(agent, at, None)).events.append(event)
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
    if type(content) is str:
        agent.conversing.add(("user", content))
    for block in blocks:
        agent.conversing.add(part("user", block))
    if results:
        results_of(agent, record, results, at, where)
    elif text is not None:
        _texted(agent, text, uuid, at, where)
    return is_prompt


def _texted(agent: Agent, text: str, uuid: str | None, at: int | None, where: Where) -> None:
    """What a text in the user's name may tell: that the user stopped the agent, or what others did or wrote."""
    if text.startswith(INTERRUPTED):
        run = _current(agent, at, where)
        run.interrupted, run.end = True, at
        _event(agent, "interrupt", at, "user", text, uuid)
        return
    _received(agent, text, uuid, at, where)
    if found := notice(text):
        _noticed(agent, *found, at, where)


def _received(agent: Agent, text: str, uuid: str | None, at: int | None, where: Where) -> None:
    for sender, gist in received(text, agent.is_main):
        agent.session.received.append(Received(agent.going(), where, at, sender, gist, uuid))


def _prompted(agent: Agent, text: str | None, at: int | None, where: Where) -> None:
    """Somebody asks the agent for something."""
    if not agent.runs:
        agent.first_text = text
        if not agent.is_main and text is not None and text.strip() == WARM_UP:
            agent.helper = "warm-up"
    if agent.is_main:
        if agent.session.first_prompt is None:
            agent.session.first_prompt = text
        run = _run(agent, at, where)
        if text is not None:
            run.prompt_chars = len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
        return
    last = agent.runs[-1].steps[-1] if agent.runs and agent.runs[-1].steps else None
    if not agent.runs or (last is not None and last.finish_reason == "end_turn"):
        _run(agent, at, where)
        if len(agent.runs) > 1:
            _event(agent, "resume", at, None, "asked again after it had ended", None)


def _noticed(agent: Agent, task: str, call: str | None, status: str | None, at: int | None, where: Where) -> None:
    """A background task ended."""
    if call:
        agent.session.named.setdefault(task, call)
    if status:
        agent.session.ends[task] = status, at, where


# --- what the model says ---------------------------------------------------------------------------------------------


def _assistant(
    agent: Agent, record: dict[str, object], message: dict[str, object], uuid: str | None, at: int | None, where: Where
) -> None:
    content = message.get("content")
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
            if type(block) is dict and block.get("type") in CALLS:
                call_of(agent, run, step, block, at, where)
            agent.conversing.add(part("assistant", block))
    elif type(content) is str:
        agent.conversing.add(("assistant", content))


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
    if agent.usage is not None and agent.usage[0] == usage:  # as nearly always with several records of one call
        found = agent.usage[1]
    else:
        found = figures(usage)
        agent.usage = usage, found
    if step.records == 1:
        step.usage = found
    else:
        _repeated(agent, step, found)
    if agent.compacted is not None:
        known = [figure for figure in step.usage[:3] if figure is not None]
        agent.compacted.after = agent.compacted.after or (sum(known) if known else None)
        agent.compacted = None
    tier = usage.get("speed")
    if type(tier) is str and tier != "standard":
        step.tier = tier


def _repeated(agent: Agent, step: Step, found: Usage) -> None:
    """Another record of a call: of both, the smaller of each figure does not count."""
    less = step.usage
    if found != less:
        less, step.usage = least(step.usage, found), most(step.usage, found)
    sums = agent.copies.get(LINES)
    if sums is None:
        sums = agent.copies[LINES] = [0] * 5
    sums[0] += 1
    sums[1] += less[0] or 0
    sums[2] += less[1] or 0
    sums[3] += less[2] or 0
    sums[4] += less[3] or 0


# --- what the recorder notes -----------------------------------------------------------------------------------------


def _system(agent: Agent, record: dict[str, object], uuid: str | None, at: int | None) -> None:
    subtype = record.get("subtype")
    if subtype == "compact_boundary":
        details = record.get("compactMetadata")
        _compaction(agent, details if type(details) is dict else {}, uuid, at)
    elif subtype == "turn_duration" and (run := agent.going()) is not None:
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
    agent.compacted, run = event, agent.going()
    agent.conversing.begin()
    if run is not None:
        agent.run_on[agent.conversing.active] = run


def _attachment(agent: Agent, record: dict[str, object], uuid: str | None, at: int | None, where: Where) -> None:
    """What goes to the model with the next prompt."""
    attachment = record.get("attachment")
    if type(attachment) is not dict:
        return
    agent.conversing.add(("user", dumped(attachment)))
    if attachment.get("type") == "queued_command":
        text = text_of(attachment.get("prompt"))
        found = notice(text) if text else None
        if text:
            _received(agent, text, uuid, at, where)
        if found:
            _noticed(agent, *found, at, where)
        elif agent.runs:
            _event(agent, "note", at, "queued prompt", text, None)
