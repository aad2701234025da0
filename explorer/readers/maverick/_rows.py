"""Rows of steps, tool calls and events on their way: there may be millions, so they are tuples and go in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from explorer.model import Event, EventKind, Finding, Grade, Step, ToolCall
from explorer.readers import Rows
from explorer.readers._values import widened
from explorer.readers.maverick._census import Instance

BATCH = 1_000
"""Rows that are given at once."""

_CALL = (
    "run_id", "ordinal", "name", "source_id", "offset", "length", "start", "end", "is_error", "error", "child_run_id",
    "grade", "candidates", "call_grade", "tool_call_id", "extra",
)  # fmt: skip
"""What steps and tool calls are made of: there is one of each for a call."""
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
        self.first, self.last = widened(self.first, self.last, at)


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
        self._calls: list[tuple[object, ...]] = []
        self._events: list[tuple[object, ...]] = []

    def is_full(self) -> bool:
        """Whether it is time to give them."""
        return len(self._calls) >= BATCH or len(self._events) >= BATCH

    def give(self) -> Iterator[Rows | Finding]:
        """Give them."""
        if self._calls:
            columns: dict[str, Sequence[Any]] = dict(zip(_CALL, zip(*self._calls, strict=True), strict=True))
            yield from self._steps(columns)
        if self._events:
            yield Rows.of(Event, _EVENT, self._events)
        yield from self.findings
        self.findings, self._calls, self._events = [], [], []

    def _steps(self, of: dict[str, Sequence[Any]]) -> Iterator[Rows]:
        """The steps, and the tool call of each."""
        starts, ends = of["start"], of["end"]
        times = [end if start is None else start for start, end in zip(starts, ends, strict=True)]
        start_ms, end_ms = self._all_ms(starts), self._all_ms(ends)
        step_ms = [end if start is None else start for start, end in zip(start_ms, end_ms, strict=True)]
        shared = {name: of[name] for name in ("run_id", "ordinal", "source_id", "offset", "length")}
        step: dict[str, Sequence[Any]] = {
            "started_at": [None if at is None else round(at * 1000) * 1000 for at in times],
            "start_ms": step_ms,
            "end_ms": [None if start is None else end for start, end in zip(starts, end_ms, strict=True)],
            "tokens_grade": ["not_recorded"] * len(times),
        }
        yield Rows.named(Step, shared | step | {name: of[name] for name in ("error", "grade", "candidates", "extra")})
        call = {"step_ordinal": of["ordinal"], "start_ms": start_ms, "end_ms": end_ms, "grade": of["call_grade"]}
        own = {name: of[name] for name in ("tool_call_id", "name", "is_error", "child_run_id")}
        yield Rows.named(ToolCall, shared | call | own)

    def _all_ms(self, times: Sequence[float | None]) -> list[int | None]:
        base = self._base
        return [None if at is None or base is None else round((at - base) * 1000) for at in times]

    def ms(self, at: float | None) -> int | None:
        """A time from the start of the conversation."""
        return None if at is None or self._base is None else round((at - self._base) * 1000)

    def answer(
        self, target: Target, tool: str, source_id: str, offset: int, length: int, at: float | None,
        error: str | None = None,
    ) -> None:  # fmt: skip
        """A call of which only the answer is recorded; only of one that was denied is it known that it failed."""
        run, grade, candidates = target
        run.steps += 1
        call_grade = "ambiguous" if grade == "ambiguous" else "derived"
        self._calls.append((
            run.run_id, run.steps, tool, source_id, offset, length, None, at, None if error is None else True, error,
            None, grade, candidates, call_grade, None, None,
        ))  # fmt: skip

    def call(self, call: Pending, child_run_id: str | None) -> None:
        """A call that will not change any more."""
        run, grade, candidates = call.target
        run.steps += 1
        call_grade = "ambiguous" if grade == "ambiguous" else call.grade
        self._calls.append((
            run.run_id, run.steps, call.name, call.source_id, call.offset, call.length, call.start, call.end,
            call.is_error, call.error, child_run_id, grade, candidates, call_grade, None, None,
        ))  # fmt: skip

    def exact(
        self, run: Draft, call_id: str | None, name: str | None, error: str | None, is_error: bool | None,
        source_id: str, extra: str | None,
    ) -> None:  # fmt: skip
        """A call that has an id and no time."""
        run.steps += 1
        self._calls.append((
            run.run_id, run.steps, name, source_id, None, None, None, None, is_error, error, None, "exact", None,
            "exact", call_id, extra,
        ))  # fmt: skip

    def event(self, run: Draft, kind: EventKind, at: float | None, trigger: str | None, detail: str | None) -> None:
        """Something that happened to a run."""
        run.events += 1
        self._events.append((run.run_id, run.events, kind, self.ms(at), None, None, trigger, detail))
