"""Steps and events of a goal, in the order of time.

Maverick writes no model calls: a step is a tool call with its result. The audit log has both, without an id that joins
them: a result goes to the first open call of the same tool and agent, which is certain while there is only one. Where
it has less than the blackboard, a step is an observation that names its tool, of which the time is that of the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import NamedTuple, TypeAlias

from explorer.model import Event, EventKind, Finding, Grade, Row, Severity, Step, ToolCall
from explorer.readers.maverick._census import DENIALS, Census, Instance, Interval
from explorer.readers.maverick._evidence import Post
from explorer.readers.maverick._logs import Line
from explorer.readers.maverick._messages import Call
from explorer.readers.maverick._shapes import (
    as_json,
    brief_of,
    denied_tool,
    is_sealed,
    moment,
    seconds_of,
    shown,
    text_of,
    tool_of,
)

_MOST_OPEN = 256
"""Calls of one run that wait for their results; a result that comes later finds none."""

_COUNTED = frozenset(("prm", "tool_signal", "trace_meta"))
"""Posts that accompany every call: counted, not shown one by one."""

_NOTED = frozenset(("halt", "approval_decision"))

_NEVER = float("inf")


@dataclass(eq=False)
class Draft:
    """A run that is being written."""

    run_id: str
    agent_id: str
    steps: int = 0
    tool_calls: int = 0
    events: int = 0
    open: list[_Pending] = field(default_factory=list)
    first: float | None = None
    last: float | None = None

    def seen(self, at: float | None) -> None:
        """Something of it is recorded."""
        if at is not None:
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)


class Target(NamedTuple):
    """The run that records belong to, and how sure that is."""

    run: Draft
    grade: Grade
    candidates: str | None = None


@dataclass(eq=False)
class _Pending:
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


Route: TypeAlias = Callable[["Instance | None", "float | None"], Target]
Complain: TypeAlias = Callable[[str, Severity, str, Draft], Iterable[Finding]]


class Writer:
    """Writes down the steps and events of a goal."""

    def __init__(
        self, census: Census, base: float | None, route: Route, complain: Complain, is_outside: Callable[..., bool],
        run_of: Callable[[Instance], str],
    ) -> None:  # fmt: skip
        self.counted: Counter[str] = Counter()
        """Records that are not shown one by one, by kind."""
        self.basis: Counter[str] = Counter()
        """Steps by where they come from."""
        self.outside: Counter[str] = Counter()
        self.outside_first: Post | Line | None = None
        self._census = census
        self._base = base
        self._route = route
        self._complain = complain
        self._is_outside = is_outside
        self._spawning: dict[tuple[str, int], Interval] = {one.place: one for one in census.intervals}
        self._run_of = run_of

    def ms(self, at: float | None) -> int | None:
        """A time from the start of the conversation."""
        return None if at is None or self._base is None else round((at - self._base) * 1000)

    def rows(self) -> Iterator[Row]:
        """Everything that happened, as far as it is in order of time."""
        evidence = self._census.evidence
        posts = self._posts()
        lines = evidence.audit.again() if evidence.audit is not None else iter(())
        if evidence.audit is None:
            ordered: Iterable[tuple[float, int, Post | Line]] = ((0.0, 0, post) for post in posts)
        else:
            ordered = merge(_timed(posts, 0), _timed(lines, 1), key=lambda item: item[0])
        for _, is_line, item in ordered:
            if is_line:
                yield from self._line(item)  # type: ignore[arg-type]
            else:
                yield from self._post(item)  # type: ignore[arg-type]

    def _posts(self) -> Iterator[Post]:
        evidence, census = self._census.evidence, self._census
        if evidence.posts is not None:
            yield from evidence.posts.again()
        if evidence.trace is not None:
            for post in evidence.trace.again():
                instance = census.instances.get(post.agent)
                if instance.of_trace if instance is not None else census.only_trace:
                    yield post

    # Posts

    def _post(self, post: Post) -> Iterator[Row]:
        instance = self._census.instances.get(post.agent)
        target = self._arrived(post, instance, post.at)
        tool = tool_of(post.content) if post.kind == "observation" else None
        denied = denied_tool(post.content) if post.kind == "error" else None
        if (tool or denied) and not (instance is not None and instance.by_audit):
            self.basis["posts"] += 1
            pending = _Pending(
                target, instance, tool or denied, post.source_id, post.offset, post.length, None, post.at,
                True if denied else None, shown(post.content) if denied else None, answered=True,
            )  # fmt: skip
            yield from self._write(pending)
        elif tool is not None:
            pass  # the audit log has it
        elif post.kind in _COUNTED or (post.kind == "observation" and is_sealed(post.content)):
            self.counted[post.kind] += 1
        elif post.kind == "error":
            halted = post.content.startswith("halted")
            yield self.event(target.run, "interrupt" if halted else "error", post.at, "error", shown(post.content))
        elif post.kind != "plan" or brief_of(post.content) is None:
            yield self.event(target.run, "note", post.at, post.kind or None, shown(post.content))

    def _arrived(self, item: Post | Line, instance: Instance | None, at: float | None) -> Target:
        target = self._route(instance, at)
        target.run.seen(at)
        if self._is_outside(at):
            self.outside[target.run.run_id] += 1
            self.outside_first = self.outside_first or item
        return target

    def event(self, run: Draft, kind: EventKind, at: float | None, trigger: str | None, detail: str | None) -> Event:
        """Something that happened to a run."""
        run.events += 1
        return Event(run.run_id, run.events, kind, self.ms(at), None, None, trigger, detail)

    # Lines of the audit log

    def _line(self, line: Line) -> Iterator[Row]:
        fields = line.fields
        kind, at = text_of(fields.get("kind")) or "", seconds_of(fields.get("ts"))
        instance = self._census.instances.get(text_of(fields.get("agent")) or "")
        target = self._arrived(line, instance, at)
        tool = text_of(fields.get("name")) or text_of(fields.get("tool"))
        if instance is not None and not instance.by_audit and kind in ("tool_call", "tool_result"):
            self.counted[kind] += 1
        elif kind == "tool_call":
            yield from self.settle(target.run, at)
            target.run.open.append(
                _Pending(target, instance, tool, line.source_id, line.offset, line.length, at)
            )  # fmt: skip
            self.basis["audit log"] += 1
        elif kind == "tool_result":
            yield from self._result(line, target, instance, tool, at)
        elif kind in DENIALS:
            yield from self._denial(line, kind, target, instance, tool, at)
        elif kind in _NOTED:
            detail = as_json({key: value for key, value in fields.items() if key not in _COMMON})
            how: EventKind = "interrupt" if kind == "halt" else "note"
            yield self.event(target.run, how, at, kind, shown(detail) if detail else None)
        elif kind not in ("goal_start", "goal_end"):
            self.counted[kind] += 1

    def _open(self, target: Target, instance: Instance | None, tool: str | None) -> list[_Pending]:
        return [
            one for one in target.run.open if one.instance is instance and one.name == tool and not one.answered
        ]  # fmt: skip

    def _result(
        self, line: Line, target: Target, instance: Instance | None, tool: str | None, at: float | None
    ) -> Iterator[Row]:
        failed = line.fields.get("status") == "error"
        told = text_of(line.fields.get("output_summary"))
        error = (shown(told) if told else "error") if failed else None
        waiting = self._open(target, instance, tool)
        if not waiting:
            message = f"a result of {tool or 'a tool'} without its call"
            yield from self._complain("unpaired-result", "warning", message, target.run)
            self.basis["audit log"] += 1
            target.run.open.append(
                _Pending(
                    target,
                    instance,
                    tool,
                    line.source_id,
                    line.offset,
                    line.length,
                    None,
                    at,
                    failed,
                    error,
                    answered=True,
                )
            )
            return
        if len(waiting) > 1:
            for one in waiting:
                one.grade = "ambiguous"
        call = waiting[0]
        call.end, call.error, call.answered = at, error or call.error, True
        call.is_error = call.error is not None
        if call.source_id == line.source_id and call.offset + call.length + 1 == line.offset:
            call.length += 1 + line.length  # both lines, as nothing is between them

    def _denial(
        self, line: Line, kind: str, target: Target, instance: Instance | None, tool: str | None, at: float | None
    ) -> Iterator[Row]:
        detail = as_json({key: value for key, value in line.fields.items() if key not in _COMMON})
        error = shown(f"{kind.replace('_', ' ')} {detail or ''}".rstrip())
        waiting = self._open(target, instance, tool) if tool else []
        if waiting:
            waiting[0].error, waiting[0].is_error, waiting[0].denied = error, True, True
        elif tool and (instance is None or instance.by_audit):
            self.basis["audit log"] += 1
            target.run.open.append(
                _Pending(target, instance, tool, line.source_id, line.offset, line.length, at, at, True, error,
                         answered=True)
            )  # fmt: skip
        else:
            yield self.event(target.run, "error", at, kind, error)

    def settle(self, run: Draft, at: float | None = _NEVER) -> Iterator[Row]:
        """Write the calls of a run that have their results, or will get none any more, up to the first that waits."""
        while run.open:
            head = run.open[0]
            over = at is not None and (at == _NEVER or _is_over(head.instance, at))
            if not (head.answered or head.denied or over or len(run.open) > _MOST_OPEN):
                return
            yield from self._write(run.open.pop(0))

    # Rows

    def _write(self, call: _Pending) -> Iterator[Row]:
        run = call.target.run
        run.steps += 1
        run.tool_calls += 1
        start, end = self.ms(call.start), self.ms(call.end)
        yield Step(
            run_id=run.run_id,
            ordinal=run.steps,
            started_at=moment(call.end if call.start is None else call.start),
            start_ms=end if start is None else start,
            end_ms=None if start is None else end,
            tokens_grade="not_recorded",
            error=call.error,
            grade=call.target.grade,
            candidates=call.target.candidates,
            source_id=call.source_id,
            offset=call.offset,
            length=call.length,
        )
        spawning = self._spawning.get((call.source_id, call.offset))
        children = spawning.children if spawning is not None and spawning.tool != "spawn_swarm" else []
        grade = call.grade if call.target.grade != "ambiguous" else "ambiguous"
        yield ToolCall(
            run_id=run.run_id,
            ordinal=run.tool_calls,
            step_ordinal=run.steps,
            name=call.name,
            start_ms=start,
            end_ms=end,
            is_error=call.is_error,
            child_run_id=self._run_of(children[0]) if len(children) == 1 else None,
            grade=grade,
            source_id=call.source_id,
            offset=call.offset,
            length=call.length,
        )

    def exact(self, run: Draft, row: int, source_id: str, calls: Iterable[Call]) -> Iterator[Row]:
        """The calls of a saved state, which have ids and no times."""
        for call in calls:
            run.steps += 1
            run.tool_calls += 1
            self.basis["checkpoint"] += 1
            arguments = as_json({"input": call.arguments})
            yield Step(
                run_id=run.run_id,
                ordinal=run.steps,
                tokens_grade="not_recorded",
                error="error" if call.is_error else None,
                grade="exact",
                source_id=source_id,
                extra=as_json({"checkpoint_row": row, "input": shown(arguments, 1000) if arguments else None}),
            )
            yield ToolCall(
                run_id=run.run_id,
                ordinal=run.tool_calls,
                step_ordinal=run.steps,
                tool_call_id=call.call_id,
                name=call.name,
                is_error=call.is_error if call.has_result else None,
                grade="exact",
                source_id=source_id,
            )


_COMMON = frozenset(("v", "ts", "kind", "agent", "goal_id", "prev_hash", "key_id", "hash", "sig"))


def _is_over(instance: Instance | None, at: float) -> bool:
    return instance is not None and instance.last is not None and instance.last < at


def _timed(items: Iterable[Post] | Iterable[Line], tag: int) -> Iterator[tuple[float, int, Post | Line]]:
    """Records with their times; one without has that of the record before it."""
    at = 0.0
    for item in items:
        found = item.at if isinstance(item, Post) else seconds_of(item.fields.get("ts"))
        at = at if found is None else max(at, found)
        yield at, tag, item
