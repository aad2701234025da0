"""Rows of steps, tool calls and events on their way: there may be millions, so they are tuples and go in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.model import Event, EventKind, Finding, Grade, Step, ToolCall
from explorer.readers import Rows
from explorer.readers.maverick._census import Instance

BATCH = 1_000
"""Rows that are given at once."""

_STEP = (
    "run_id", "ordinal", "started_at", "start_ms", "end_ms", "tokens_grade", "error", "grade", "candidates",
    "source_id", "offset", "length", "extra",
)  # fmt: skip
_TOOL_CALL = (
    "run_id", "ordinal", "step_ordinal", "tool_call_id", "name", "start_ms", "end_ms", "is_error", "child_run_id",
    "grade", "source_id", "offset", "length",
)  # fmt: skip
_EVENT = ("run_id", "ordinal", "kind", "at_ms", "tokens_before", "tokens_after", "trigger", "detail")


@dataclass(eq=False, slots=True)
class Draft:
    """A run that is being written."""

    run_id: str
    agent_id: str
    steps: int = 0
    events: int = 0
    open: list[Pending] = field(default_factory=list)
    first: float | None = None
    last: float | None = None

    def seen(self, at: float | None) -> None:
        """Something of it is recorded."""
        if at is not None:
            if self.first is None or self.last is None:
                self.first = self.last = at
            elif at > self.last:
                self.last = at
            elif at < self.first:
                self.first = at


class Target(NamedTuple):
    """The run that records belong to, and how sure that is."""

    run: Draft
    grade: Grade
    candidates: str | None = None


@dataclass(eq=False, slots=True)
class Pending:
    """A call that may not have its result yet."""

    target: Target
    instance: Instance | None
    name: str | None
    source_id: str
    offset: int
    length: int
    start: float | None
    end: float | None = None
    is_error: bool | None = None
    error: str | None = None
    grade: Grade = "derived"
    answered: bool = False
    denied: bool = False


class Batch:
    """Rows that wait to be given."""

    def __init__(self, base: float | None) -> None:
        self.findings: list[Finding] = []
        self._base = base
        self._steps: list[tuple[object, ...]] = []
        self._calls: list[tuple[object, ...]] = []
        self._events: list[tuple[object, ...]] = []

    @property
    def is_full(self) -> bool:
        """Whether it is time to give them."""
        return len(self._steps) >= BATCH or len(self._events) >= BATCH

    def give(self) -> Iterator[Rows | Finding]:
        """Give them."""
        if self._steps:
            yield Rows.of(Step, _STEP, self._steps)
            yield Rows.of(ToolCall, _TOOL_CALL, self._calls)
        if self._events:
            yield Rows.of(Event, _EVENT, self._events)
        yield from self.findings
        self.findings, self._steps, self._calls, self._events = [], [], [], []

    def ms(self, at: float | None) -> int | None:
        """A time from the start of the conversation."""
        return None if at is None or self._base is None else round((at - self._base) * 1000)

    def call(self, call: Pending, child_run_id: str | None) -> None:
        """A call that will not change any more."""
        run, grade, candidates = call.target
        run.steps += 1
        start, end = self.ms(call.start), self.ms(call.end)
        at = call.end if call.start is None else call.start
        started = None if at is None else round(at * 1000) * 1000
        begun, ended = (end, None) if start is None else (start, end)
        source_id, offset, length = call.source_id, call.offset, call.length
        self._steps.append((
            run.run_id, run.steps, started, begun, ended, "not_recorded", call.error, grade, candidates, source_id,
            offset, length, None,
        ))  # fmt: skip
        grade = "ambiguous" if grade == "ambiguous" else call.grade
        self._calls.append((
            run.run_id, run.steps, run.steps, None, call.name, start, end, call.is_error, child_run_id, grade,
            source_id, offset, length,
        ))  # fmt: skip

    def exact(
        self, run: Draft, call_id: str | None, name: str | None, error: str | None, is_error: bool | None,
        source_id: str, extra: str | None,
    ) -> None:  # fmt: skip
        """A call that has an id and no time."""
        run.steps += 1
        self._steps.append((
            run.run_id, run.steps, None, None, None, "not_recorded", error, "exact", None, source_id, None, None, extra,
        ))  # fmt: skip
        self._calls.append((
            run.run_id, run.steps, run.steps, call_id, name, None, None, is_error, None, "exact", source_id, None, None,
        ))  # fmt: skip

    def event(self, run: Draft, kind: EventKind, at: float | None, trigger: str | None, detail: str | None) -> None:
        """Something that happened to a run."""
        run.events += 1
        self._events.append((run.run_id, run.events, kind, self.ms(at), None, None, trigger, detail))
