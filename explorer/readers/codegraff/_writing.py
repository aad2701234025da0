"""The steps and tool calls of one run, as rows."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from explorer.model import BlockRun, Grade, Row, Step, ToolCall
from explorer.readers import Rows
from explorer.readers._values import as_json, moment
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._contexts import Asked, ModelCall
from explorer.readers.codegraff._draft import RunDraft
from explorer.readers.codegraff._events import ERROR, Event, children, words
from explorer.readers.codegraff._lineage import Spawn
from explorer.readers.codegraff._steps import Draft, Pair, drafts, grade_of, matching, pair

_STEP = (
    "ordinal", "started_at", "start_ms", "end_ms", "error", "grade", "candidates", "offset", "length", "extra",
)  # fmt: skip
_TOOL_CALL = (
    "ordinal", "step_ordinal", "tool_call_id", "name", "start_ms", "end_ms", "is_error", "grade", "offset", "length",
)  # fmt: skip
"""The columns of a run without messages: its rows are many, so they are made as tuples."""

_ROWS_AT_ONCE = 4_000


class Target(NamedTuple):
    """Where the rows belong."""

    source_id: str
    namespace: str
    """The conversation's key."""
    base: int | None
    """The conversation's start, in milliseconds since 1970."""

    def ms(self, ts: int | None) -> int | None:
        """Milliseconds from the conversation's start."""
        return None if not ts or self.base is None else ts - self.base


def write(
    target: Target, run: RunDraft, chain: Chain, model_calls: Sequence[ModelCall], run_ids: Mapping[int, str],
    told: Container[int] = (),
) -> Iterator[Row | Rows]:  # fmt: skip
    """The steps of a run with their tool calls.

    ``run_ids`` names the runs of the chains that are candidates, by their ``id``; ``told`` are those of which messages
    tell all calls.
    """
    if not model_calls:
        yield from _plain(target, run, chain, run_ids)
        return
    for draft in drafts(chain, model_calls, told):
        yield from _step(target, run, chain, draft, run_ids)


def step_of_error(target: Target, run: RunDraft, event: Event, ordinal: int) -> Step:
    """The step of a model call that failed after its retries."""
    error, at = _error(event), target.ms(event.ts)
    run.errors.append((at, error or ERROR))
    return Step(
        run_id=run.run_id,
        ordinal=ordinal,
        started_at=moment(event.ts),
        start_ms=at,
        end_ms=at,
        tokens_grade="not_recorded",
        error=error,
        grade="exact",
        source_id=target.source_id,
        offset=event.offset,
        length=event.length,
        extra=as_json(_of_event(event)),
    )


def _plain(target: Target, run: RunDraft, chain: Chain, run_ids: Mapping[int, str]) -> Iterator[Rows]:
    """The steps and tool calls of a run without messages: there are millions of them, so they are made as tuples."""
    pairs, others = pair(chain.events)
    drafted: list[Pair | Event] = [*pairs, *others]
    if others:
        drafted.sort(key=lambda each: each.seq if isinstance(each, Event) else each.event.seq)
    grades, origin = chain.grades, target.base or 0
    steps: list[tuple[object, ...]] = []
    tool_calls: list[tuple[object, ...]] = []
    grade: Grade = "exact"
    candidates = None
    whose = _Whose(run, chain, run_ids)
    for ordinal, each in enumerate(drafted, 1):
        if len(steps) == _ROWS_AT_ONCE:
            yield from _in_columns(target, run, steps, tool_calls)
            steps, tool_calls = [], []
        if isinstance(each, Event):
            event = last = each
            error, extra = _error(event), as_json(_of_event(event))
        else:
            call, result = each
            event, last = call or result, result or call  # type: ignore[assignment]
            error = extra = None
        if grades:
            grade, candidates = whose.of(event, last)
        ts, ended = event.ts, last.ts
        start = ts - origin if ts else None
        end = ended - origin if ended else None
        offset = event.offset
        length = last.offset + last.length - offset
        steps.append((
            ordinal, 1000 * ts if ts else None, start, end, error, grade, candidates, offset, length, extra,
        ))  # fmt: skip
        if isinstance(each, Event):
            if error:
                run.errors.append((start, error))
            continue
        run.steps = ordinal
        if event.payload or last.payload:
            spawn, tool_call = tool_call_of(target, run, chain, None, each)
            if spawn is not None:
                run.hold_back(tool_call, spawn)
                continue
            run.tool_calls -= 1
        run.tool_calls += 1
        tool_calls.append((
            run.tool_calls, ordinal, event.call_id, event.name, start if each.call else None,
            end if each.result else None, last.is_error if each.result else None, grade, offset, length,
        ))  # fmt: skip
    run.steps = len(drafted)
    yield from _in_columns(target, run, steps, tool_calls)


def _in_columns(
    target: Target, run: RunDraft, steps: list[tuple[object, ...]], tool_calls: list[tuple[object, ...]]
) -> Iterator[Rows]:
    of = {"run_id": run.run_id, "source_id": target.source_id}
    if steps:
        yield Rows.of(Step, _STEP, steps, tokens_grade="not_recorded", **of)
    if tool_calls:
        yield Rows.of(ToolCall, _TOOL_CALL, tool_calls, **of)


class _Whose:
    """How sure it is that steps are of a run, and which runs else they may be of: for many steps these are the same."""

    def __init__(self, run: RunDraft, chain: Chain, run_ids: Mapping[int, str]) -> None:
        self._run, self._chain, self._run_ids = run, chain, run_ids
        self._known: dict[tuple[int, int], str | None] = {}

    def of(self, first: Event, last: Event) -> tuple[Grade, str | None]:
        """Grade and candidates of a step of one event or two."""
        grades, among = self._chain.grades, self._chain.candidates
        grade = grades.get(first.row, "exact")
        if last is not first and grades.get(last.row, "exact") != grade:
            grade = grade_of(self._chain, (first, last))
        if grade != "ambiguous":
            return grade, None
        which = id(among.get(first.row)), id(among.get(last.row))
        if which not in self._known:
            self._known[which] = _candidates(self._run, self._chain, (first, last), self._run_ids)
        return grade, self._known[which]


def _candidates(run: RunDraft, chain: Chain, events: Iterable[Event], run_ids: Mapping[int, str]) -> str | None:
    """The runs that a step may be of, its own first; None where only its place in the run is in doubt."""
    among = {run_ids[id(each)]: None for event in events for each in chain.candidates.get(event.row, ())}
    return orjson.dumps([run.run_id, *(other for other in among if other != run.run_id)]).decode() if among else None


def _error(event: Event) -> str | None:
    return (words(event.payload, "message") or ERROR) if event.kind == ERROR else None


def _step(target: Target, run: RunDraft, chain: Chain, draft: Draft, run_ids: Mapping[int, str]) -> Iterator[Row]:
    run.steps += 1
    events = draft.events
    grade = grade_of(chain, events)
    candidates = _candidates(run, chain, events, run_ids) if grade == "ambiguous" else None
    call = draft.model_call
    start, end = _interval(chain, draft)
    usage = call.usage if call else None
    error = _error(draft.error) if draft.error else None
    yield Step(
        run_id=run.run_id,
        ordinal=run.steps,
        started_at=moment(start),
        start_ms=target.ms(start),
        end_ms=target.ms(end),
        model=call.model if call else None,
        input_tokens=usage.prompt if usage else None,
        cache_read_tokens=usage.cached if usage else None,
        output_tokens=usage.completion if usage else None,
        tokens_grade=_usage_grade(call),
        error=error,
        grade=grade,
        candidates=candidates,
        source_id=target.source_id,
        offset=events[0].offset if events else None,
        length=_length(events),
        extra=_extra(draft),
    )
    position = 0
    for first, count in call.prompt if call else ():
        yield BlockRun(run.run_id, run.steps, position, target.namespace, first, count, None)
        position += count
    for asked, recorded in matching(draft):
        spawn, tool_call = tool_call_of(target, run, chain, asked, recorded)
        if spawn is not None:
            run.hold_back(tool_call, spawn)
        else:
            yield tool_call
    if draft.error and error:
        run.errors.append((target.ms(draft.error.ts), error))


def _interval(chain: Chain, draft: Draft) -> tuple[int | None, int | None]:
    """When a step was.

    A tool call from its call to its result; a model call from what was written before it to its first tool call, or
    to the end of the run.
    """
    events = draft.events
    if draft.model_call is None:
        last = draft.pairs[-1].result if draft.pairs else draft.error
        return events[0].ts or None, (last.ts or None) if last else None
    before = [each for each in chain.events if each.seq < draft.order[0] or (not events and each.seq == draft.order[0])]
    start = before[-1].ts if before else None
    if events:
        return start or None, events[0].ts or None
    end = chain.end
    return start or None, end.ts or None if end and before and end.seq == before[-1].seq + 1 else None


def tool_call_of(
    target: Target, run: RunDraft, chain: Chain, asked: Asked | None, recorded: Pair | None
) -> tuple[Spawn | None, ToolCall]:
    """A tool call, by what the message asked for and what the trajectory has of it, and the agents it started."""
    run.tool_calls += 1
    call, result = recorded or (None, None)
    events = [each for each in (call, result) if each]
    call_id = asked.call_id if asked else events[0].call_id
    name = asked.name if asked else events[0].name
    arguments = asked.arguments if asked else (call.payload or {}).get("arguments") if call else None
    below = (list(asked.children) if asked else []) or children(result.payload if result else None)
    tasks = _tasks(arguments)
    is_error = result.is_error if result else asked.is_error if asked else None
    grade = grade_of(chain, events)
    tool_call = ToolCall(
        run_id=run.run_id,
        ordinal=run.tool_calls,
        step_ordinal=run.steps,
        tool_call_id=call_id,
        name=name,
        start_ms=target.ms(call.ts) if call else None,
        end_ms=target.ms(result.ts) if result else None,
        is_error=is_error,
        grade=grade,
        source_id=target.source_id,
        offset=events[0].offset if events else None,
        length=_length(events),
    )
    if not below and not tasks:
        return None, tool_call
    called, answered = (each.ts or None if each else None for each in (call, result))
    definition = _definition(name, arguments)
    return (
        Spawn(run, run.tool_calls, call_id, definition, tasks, below, called, answered, grade, is_error is True),
        tool_call,
    )


def _definition(tool: str | None, arguments: object) -> str | None:
    """Which agents a call starts: ``task`` says so, and an agent that is a tool has the tool's name."""
    named = arguments.get("agent_id") if isinstance(arguments, dict) else None
    if isinstance(named, str) and named:
        return named
    return tool if tool != "task" else None


def _tasks(arguments: object) -> list[str]:
    tasks = arguments.get("tasks") if isinstance(arguments, dict) and "agent_id" in arguments else None
    return [task for task in tasks if isinstance(task, str)] if isinstance(tasks, list) else []


def _usage_grade(call: ModelCall | None) -> Grade:
    usage = call.usage if call else None
    if usage is None or (usage.prompt is None and usage.completion is None):
        return "not_recorded"
    return "derived" if usage.approximate else "exact"


def _length(events: Sequence[Event]) -> int | None:
    """From the first to the last of them: in rows of a database, else in bytes."""
    if not events:
        return None
    return max(each.offset + each.length for each in events) - events[0].offset


def _extra(draft: Draft) -> str | None:
    """What of a step no column names."""
    found: dict[str, object] = {}
    call, event = draft.model_call, draft.error
    if call is not None:
        found["message"] = call.message
        if call.usage and call.usage.cost is not None:
            found["cost_usd"] = call.usage.cost
    if event is not None:
        found |= _of_event(event)
    return as_json(found)


def _of_event(event: Event) -> dict[str, object]:
    """What of an event that is neither call nor result no column names."""
    found: dict[str, object] = {} if event.kind == ERROR else {"kind": event.kind}
    source = words(event.payload, "source")
    return found | ({"source": source} if source else {})
