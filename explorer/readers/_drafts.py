"""A conversation while it is read: its agents and what they did, until its rows can be written.

For formats of which the end of a file may change what its beginning means: a step is held as a few numbers, and its
text stays in the source. Times are milliseconds since 1970.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from explorer.model import (
    Agent,
    BlockRun,
    Edge,
    Event,
    EventKind,
    Grade,
    ReportedScope,
    Row,
    Run,
    RunStatus,
    Step,
    ToolCall,
)
from explorer.readers._prompts import Stretch
from explorer.readers._values import as_json, moment


class Where(NamedTuple):
    """Where something is recorded."""

    source_id: str
    offset: int
    length: int


class Tokens(NamedTuple):
    """Usage of a model call, as the schema has it; None is not recorded."""

    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None


NO_USAGE = Tokens()


class Reported(NamedTuple):
    """The recorder's own sums of a run."""

    scope: ReportedScope = "own"
    steps: int | None = None
    input: int | None = None
    output: int | None = None
    cost: float | None = None
    duration: int | None = None
    note: str | None = None


NOTHING_REPORTED = Reported()


class Happening(NamedTuple):
    """Something that happened to a run."""

    kind: EventKind
    at: int | None
    trigger: str | None
    detail: str | None
    before: int | None = None
    after: int | None = None


@dataclass(slots=True, eq=False)
class AgentDraft:
    """A participant. ``key`` is unique in its conversation."""

    key: str
    name: str | None
    parent: AgentDraft | None = None
    parent_grade: Grade = "exact"
    version: str | None = None
    label: str | None = None
    helper: str | None = None
    runs: list[RunDraft] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class StepDraft:
    """A model call."""

    where: Where
    start: int | None = None
    end: int | None = None
    request_model: str | None = None
    model: str | None = None
    provider: str | None = None
    tokens: Tokens = NO_USAGE
    tokens_grade: Grade = "not_recorded"
    finish_reason: str | None = None
    error: str | None = None
    is_replay: bool = False
    wait: int | None = None
    grade: Grade = "exact"
    prompt: Sequence[Stretch] = ()
    extra: Mapping[str, object] = field(default_factory=dict)
    ordinal: int = 0


@dataclass(slots=True, eq=False)
class CallDraft:
    """A tool call, its result, and the run that it started."""

    where: Where
    step: StepDraft | None
    call_id: str | None = None
    name: str | None = None
    start: int | None = None
    end: int | None = None
    is_error: bool | None = None
    is_answered: bool = False
    child: RunDraft | None = None
    grade: Grade = "exact"


@dataclass(slots=True, eq=False)
class RunDraft:
    """One execution of an agent."""

    agent: AgentDraft
    parent: RunDraft | None = None
    spawn: CallDraft | None = None
    native: str | None = None
    status: RunStatus = "unknown"
    detail: str | None = None
    start: int | None = None
    end: int | None = None
    time_grade: Grade = "exact"
    request_model: str | None = None
    reported: Reported = NOTHING_REPORTED
    reward: float | None = None
    is_replay: bool = False
    grade: Grade = "exact"
    extra: Mapping[str, object] = field(default_factory=dict)
    sent: Where | None = None
    """What it was asked, in the record of its parent."""
    asked: Where | None = None
    """The same in its own."""
    answer: Where | None = None
    """What it answered, in the record of its parent; ``answered`` is when."""
    answered: int | None = None
    goes_on: RunDraft | None = None
    """The run of the same agent that it continues."""
    steps: list[StepDraft] = field(default_factory=list)
    calls: list[CallDraft] = field(default_factory=list)
    events: list[Happening] = field(default_factory=list)
    run_id: str = ""


@dataclass(slots=True, eq=False)
class Draft:
    """A conversation. ``start`` is what its milliseconds count from; ``namespace`` has the blocks of its prompts."""

    conversation_id: str
    start: int | None = None
    agents: list[AgentDraft] = field(default_factory=list)
    _keys: Counter[str] = field(default_factory=Counter)

    def ms(self, at: int | None) -> int | None:
        """A time from the start of the conversation; what is before it by skewed clocks, at it."""
        return None if at is None or self.start is None else max(at - self.start, 0)

    def agent(self, key: str, name: str | None, before: int | None = None, **fields: Any) -> AgentDraft:
        """A new agent, behind the others or ``before`` some; of several with one key the later ones are numbered."""
        own = key
        while own in self._keys:
            self._keys[key] += 1
            own = f"{key}~{self._keys[key]}"
        self._keys[own] = 1
        made = AgentDraft(own, name, **fields)
        self.agents.insert(len(self.agents) if before is None else before, made)
        return made

    def number(self) -> None:
        """Give every run its key and every step its place."""
        for agent in self.agents:
            for ordinal, run in enumerate(agent.runs, 1):
                run.run_id = f"{self.conversation_id}/{agent.key}/{ordinal}"
                for number, step in enumerate(run.steps, 1):
                    step.ordinal = number

    def rows(self) -> Iterator[Row]:
        """Everything but the conversation itself and findings; ``number`` comes before."""
        for agent in self.agents:
            parent = f"{self.conversation_id}/{agent.parent.key}" if agent.parent else None
            yield Agent(
                f"{self.conversation_id}/{agent.key}", self.conversation_id, parent, agent.name, agent.version,
                agent.label, agent.parent_grade if agent.parent else "exact", agent.helper,
            )  # fmt: skip
            for ordinal, run in enumerate(agent.runs, 1):
                yield self._run(run, ordinal)
                yield from self._steps(run)
                yield from self._calls(run)
                for number, event in enumerate(run.events, 1):
                    yield Event(
                        run.run_id, number, event.kind, self.ms(event.at), event.before, event.after, event.trigger,
                        event.detail,
                    )  # fmt: skip
                yield from self._edges(run)

    def _run(self, run: RunDraft, ordinal: int) -> Run:
        reported = run.reported
        return Run(
            run_id=run.run_id,
            conversation_id=self.conversation_id,
            agent_id=f"{self.conversation_id}/{run.agent.key}",
            parent_run_id=run.parent.run_id if run.parent else None,
            spawn_tool_call_id=run.spawn.call_id if run.spawn else None,
            ordinal=ordinal,
            native_run_id=run.native,
            status=run.status,
            status_detail=run.detail,
            started_at=moment(run.start),
            ended_at=moment(run.end),
            start_ms=self.ms(run.start),
            end_ms=self.ms(run.end),
            time_grade=run.time_grade if run.start is not None else "not_recorded",
            request_model=run.request_model,
            model=next((step.model for step in run.steps if step.model), None),
            reported_scope=reported.scope,
            reported_steps=reported.steps,
            reported_input_tokens=reported.input,
            reported_output_tokens=reported.output,
            reported_cost_usd=reported.cost,
            reported_duration_ms=reported.duration,
            reported_note=reported.note,
            reward=run.reward,
            is_replay=run.is_replay,
            grade=run.grade,
            extra=as_json(run.extra),
        )

    def _steps(self, run: RunDraft) -> Iterator[Row]:
        for step in run.steps:
            tokens = step.tokens
            yield Step(
                run_id=run.run_id,
                ordinal=step.ordinal,
                started_at=moment(step.start),
                start_ms=self.ms(step.start),
                end_ms=self.ms(step.end),
                request_model=step.request_model,
                model=step.model,
                provider=step.provider,
                input_tokens=tokens.input,
                cache_read_tokens=tokens.cache_read,
                cache_write_tokens=tokens.cache_write,
                output_tokens=tokens.output,
                reasoning_tokens=tokens.reasoning,
                tokens_grade=step.tokens_grade,
                finish_reason=step.finish_reason,
                error=step.error,
                is_replay=step.is_replay or run.is_replay,
                wait_ms=step.wait,
                grade=step.grade,
                source_id=step.where.source_id,
                offset=step.where.offset,
                length=step.where.length,
                extra=as_json(step.extra),
            )
            position = 0
            for first, count in step.prompt:
                yield BlockRun(run.run_id, step.ordinal, position, self.conversation_id, first, count, None)
                position += count

    def _calls(self, run: RunDraft) -> Iterator[Row]:
        for number, call in enumerate(run.calls, 1):
            yield ToolCall(
                run_id=run.run_id,
                ordinal=number,
                step_ordinal=call.step.ordinal if call.step else None,
                tool_call_id=call.call_id,
                name=call.name,
                start_ms=self.ms(call.start),
                end_ms=self.ms(call.end),
                is_error=call.is_error,
                child_run_id=call.child.run_id if call.child else None,
                grade=call.grade,
                source_id=call.where.source_id,
                offset=call.where.offset,
                length=call.where.length,
            )

    def _edges(self, run: RunDraft) -> Iterator[Row]:
        """How it began, and where its result went."""
        grade, spawn = run.agent.parent_grade, run.spawn
        if run.goes_on is not None:
            at = self.ms(run.start)
            yield Edge(
                f"{run.run_id}>resume", "resume", run.goes_on.run_id, run.run_id, None, at, True, "exact", "thread"
            )
        if run.parent is None or run.goes_on is not None:
            return
        call_id, at = spawn.call_id if spawn else None, self.ms(run.start)
        yield Edge(
            f"{run.run_id}>spawn", "spawn", run.parent.run_id, run.run_id, call_id, at, True if run.steps else None,
            grade, "item" if run.asked else "thread", *_columns(run.sent), *_columns(run.asked),
        )  # fmt: skip
        if run.answer is not None:
            last, at = run.steps[-1].where if run.steps else None, self.ms(run.answered)
            yield Edge(
                f"{run.run_id}>result", "result", run.run_id, run.parent.run_id, call_id, at, True, grade, "item",
                *_columns(last), *_columns(run.answer),
            )  # fmt: skip


def _columns(where: Where | None) -> tuple[str | None, int | None, int | None]:
    return where or (None, None, None)
