"""The rows of a conversation that wait for its end: agents, runs, edges, events, and its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from explorer.model import PROMPT_PARTS, Agent, Conversation, Edge, Event, Grade, Row, Run, RunStatus
from explorer.readers._values import as_json, key_part, moment
from explorer.readers.codegraff._contexts import Context
from explorer.readers.codegraff._draft import RunDraft
from explorer.readers.codegraff._events import whole, words
from explorer.readers.codegraff._writing import Target

ROOT = "root"
"""Stands in the key of an agent whose definition was not recorded."""

_DOUBT: dict[Grade, int] = {"exact": 0, "derived": 1, "ambiguous": 2, "not_recorded": 3}


def rows(target: Target, runs: Sequence[RunDraft]) -> Iterator[Row]:
    """Everything about runs that is not a step."""
    yield from _spawning(runs)
    agents = yield from _agents(target, runs)
    ordinals: Counter[str] = Counter()
    for run in sorted(runs, key=lambda run: (run.first or 1 << 62, run.run_id)):
        agent_id = agents[id(run)]
        ordinals[agent_id] += 1
        yield _run(target, run, agent_id, ordinals[agent_id])
        yield from _events(run)
        yield from _edges(target, run)


def conversation(
    target: Target, native_id: str, context: Context | None, last: int | None, runs: Sequence[RunDraft]
) -> Conversation:
    """The conversation's own row."""
    ends = [each for each in (last, context.updated if context else None) if each]
    metrics = context.metrics if context else None
    changed = metrics.get("files_changed") if isinstance(metrics, dict) else None
    extra: dict[str, object] = {"conversation_id": native_id}
    if isinstance(changed, dict) and changed:
        extra["files_changed"] = len(changed)
    return Conversation(
        conversation_id=target.namespace,
        source_id=target.source_id,
        format="codegraff",
        title=(context.title if context else None) or native_id,
        group_name=f"workspace {context.workspace}" if context and context.workspace is not None else None,
        started_at=moment(target.base or None),
        ended_at=moment(max(ends, default=None)),
        block_scope=PROMPT_PARTS if any(run.context for run in runs) else None,
        steps_recorded=bool(runs) and all(run.context or not run.steps for run in runs),
        tool_calls_recorded=True,
        extra=as_json(extra),
    )


def _spawning(runs: Sequence[RunDraft]) -> Iterator[Row]:
    """The tool calls that started agents, with the run where it is one."""
    spawned: dict[tuple[int, int], list[RunDraft]] = {}
    for run in runs:
        if run.spawn is not None:
            spawned.setdefault((id(run.spawn.run), run.spawn.ordinal), []).append(run)
    for run in runs:
        for tool_call, spawn in run.spawning:
            below = spawned.get((id(run), spawn.ordinal), [])
            yield replace(tool_call, child_run_id=below[0].run_id) if len(below) == 1 else tool_call


def _agents(target: Target, runs: Sequence[RunDraft]) -> Generator[Row, None, dict[int, str]]:
    """The agents: a definition in one version below one parent run. Returns the agent of every run, by ``id``."""
    ids = {id(run): _agent_id(target, run) for run in runs}
    found: dict[str, Agent] = {}
    for run in runs:
        agent_id = ids[id(run)]
        parent = ids[id(run.parent)] if run.parent is not None else None
        known = found.get(agent_id)
        if known is None or _DOUBT[known.parent_grade] < _DOUBT[run.parent_grade]:
            name = None if run.agent == ROOT and run.chain is None else run.agent
            label = None if name else "definition not recorded"
            found[agent_id] = Agent(agent_id, target.namespace, parent, name, run.version, label, run.parent_grade)
    yield from found.values()
    return ids


def _agent_id(target: Target, run: RunDraft) -> str:
    above = run.parent.run_id if run.parent is not None else target.namespace
    version = f"@{run.version.removeprefix('sha256:')[:8]}" if run.version else ""
    return f"{above}/{key_part(run.agent + version)}"


def _run(target: Target, run: RunDraft, agent_id: str, ordinal: int) -> Run:
    chain = run.chain
    start = chain.start.payload if chain and chain.start else None
    end = chain.end.payload if chain and chain.end else None
    status, detail = _status(run, end)
    began = chain.start.ts if chain and chain.start and chain.start.ts else run.first
    ended = run.last if chain is None else chain.end.ts if chain.end and chain.end.ts else None
    note = None
    if chain is not None and chain.grade == "ambiguous" and chain.end is not None:
        note = "the sums are those of one run; that it is this one and not a sibling is one of several possibilities"
    return Run(
        run_id=run.run_id,
        conversation_id=target.namespace,
        agent_id=agent_id,
        parent_run_id=run.parent.run_id if run.parent else None,
        spawn_tool_call_id=run.spawn.call_id if run.spawn else None,
        ordinal=ordinal,
        native_run_id=run.native,
        status=status,
        status_detail=detail,
        started_at=moment(began),
        ended_at=moment(ended),
        start_ms=target.ms(began),
        end_ms=target.ms(ended),
        time_grade="not_recorded" if began is None else "derived" if chain is None else chain.start_grade,
        request_model=words(start, "requested_model"),
        model=words(start, "resolved_model") or (run.context.model if run.context else None),
        reported_steps=whole(end, "turns"),
        reported_input_tokens=whole(end, "prompt_tokens"),
        reported_output_tokens=whole(end, "completion_tokens"),
        reported_tool_calls=whole(end, "tool_calls"),
        reported_tool_errors=whole(end, "tool_errors"),
        reported_cost_usd=run.cost,
        reported_duration_ms=whole(end, "wall_ms"),
        reported_note=note,
        grade=chain.grade if chain else "exact",
        extra=as_json({"conversation_id": run.conversation}),
    )


def _status(run: RunDraft, end: Mapping[str, object] | None) -> tuple[RunStatus, str | None]:
    if end is not None:
        success, reason = end.get("success"), words(dict(end), "interrupt_reason")
        return ("completed" if success is True else "failed" if success is False else "unknown"), reason
    if run.chain is not None:
        if run.chain.start is None:
            return "unknown", "neither start nor end was recorded"
        return "running", "no end was recorded: killed, crashed, or still running"
    if run.spawn is not None and run.spawn.answered is not None:
        return ("failed", "the call that started it failed") if run.spawn.failed else ("completed", None)
    return "unknown", None


def _events(run: RunDraft) -> Iterator[Event]:
    for ordinal, (at, message) in enumerate(run.errors, 1):
        yield Event(run.run_id, ordinal, "error", at, None, None, None, message)
    if run.compactions:
        text = "its messages hold a summary of earlier ones; the calls that it stands for are not kept"
        yield Event(run.run_id, len(run.errors) + 1, "compaction", None, None, None, None, text)


def _edges(target: Target, run: RunDraft) -> Iterator[Edge]:
    if run.parent is None:
        return
    call_id = run.spawn.call_id if run.spawn else None
    at = target.ms(run.first or (run.spawn.called if run.spawn else None))
    key = f"{run.run_id}>"
    yield Edge(f"{key}spawn", "spawn", run.parent.run_id, run.run_id, call_id, at, None, run.parent_grade)
    if run.spawn and run.spawn.answered is not None and not run.spawn.failed:
        at = target.ms(run.spawn.answered)
        yield Edge(f"{key}result", "result", run.run_id, run.parent.run_id, call_id, at, True, run.parent_grade)
