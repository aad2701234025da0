"""Steps and events of a goal, in the order of time.

Maverick writes no model calls: a step is a tool call with its result. The audit log has both, without an id that joins
them: a result goes to the first open call of the same tool and agent, which is certain while there is only one. Where
it has less than the blackboard, a step is an observation that names its tool, of which the time is that of the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from explorer.model import EventKind, Finding, Severity
from explorer.readers import Rows
from explorer.readers.maverick._census import DENIALS, Census, Instance, Interval
from explorer.readers.maverick._evidence import Entry, Post
from explorer.readers.maverick._messages import Call
from explorer.readers.maverick._rows import Batch, Draft, Pending, Target
from explorer.readers.maverick._shapes import (
    as_json,
    brief_of,
    denied_tool,
    is_sealed,
    shown,
)

_MOST_OPEN = 256
"""Calls of one run that wait for their results; a result that comes later finds none."""

_COUNTED = frozenset(("prm", "tool_signal", "trace_meta"))
"""Posts that accompany every call: counted, not shown one by one."""

_NOTED = frozenset(("halt", "approval_decision"))
_COMMON = frozenset(("v", "ts", "kind", "agent", "goal_id", "prev_hash", "key_id", "hash", "sig"))
_NEVER = float("inf")
_NO_MORE = _NEVER, None

Route: TypeAlias = "Callable[[Instance | None, float | None], Target]"
Complain: TypeAlias = Callable[[str, Severity, str, Draft], Iterable[Finding]]


class Writer:
    """Writes down the steps and events of a goal."""

    def __init__(
        self, census: Census, batch: Batch, route: Route, complain: Complain, is_outside: Callable[..., bool],
        run_of: Callable[[Instance], str],
    ) -> None:  # fmt: skip
        self.batch = batch
        self.counted: Counter[str] = Counter()
        """Records that are not shown one by one, by kind."""
        self.basis: Counter[str] = Counter()
        """Steps by where they come from."""
        self.outside: Counter[str] = Counter()
        self.outside_first: Post | Entry | None = None
        self._census = census
        self._route = route
        self._complain = complain
        self._is_outside = is_outside
        self._spawning: dict[tuple[str, int], Interval] = {one.place: one for one in census.intervals}
        self._run_of = run_of
        self._inside: dict[Instance | None, Target] = {}
        """The runs of agents of which nothing lies outside an attempt."""
        self._by_audit = {instance for instance in census.instances.values() if instance.by_audit}

    def rows(self) -> Iterator[Rows | Finding]:
        """Everything that happened, as far as it is in order of time."""
        audit, batch = self._census.evidence.audit, self.batch
        entries = _timed(audit.again()) if audit is not None else iter(())
        due, entry = next(entries, _NO_MORE)
        at = 0.0
        for post in self._posts():
            if post.at is not None and post.at > at:
                at = post.at
            while entry is not None and due < at:
                self._entry(entry)
                due, entry = next(entries, _NO_MORE)
                if batch.is_full():
                    yield from batch.give()
            self._post(post)
            if batch.is_full():
                yield from batch.give()
        while entry is not None:
            self._entry(entry)
            due, entry = next(entries, _NO_MORE)
            if batch.is_full():
                yield from batch.give()
        yield from batch.give()

    def _posts(self) -> Iterator[Post]:
        evidence, census = self._census.evidence, self._census
        if evidence.posts is not None:
            yield from evidence.posts.again()
        if evidence.trace is not None:
            for post in evidence.trace.again():
                instance = census.instances.get(post.agent)
                if instance.of_trace if instance is not None else census.only_trace:
                    yield post

    def _arrived(self, item: Post | Entry, instance: Instance | None, at: float | None) -> Target:
        """The run that a record belongs to."""
        target = self._inside.get(instance)
        if target is not None:
            return target
        target = self._route(instance, at)
        target.run.seen(at)
        if self._is_outside(at):
            self.outside[target.run.run_id] += 1
            self.outside_first = self.outside_first or item
        elif instance is not None and not (self._is_outside(instance.first) or self._is_outside(instance.last)):
            # All of it lies between these, so that nothing has to be asked again.
            target.run.seen(instance.first)
            target.run.seen(instance.last)
            self._inside[instance] = target
        return target

    def _post(self, post: Post) -> None:
        source_id, offset, length, _, agent, kind, content, at, _, tool = post
        instance = self._census.instances.get(agent)
        target = self._arrived(post, instance, at)
        denied = denied_tool(content) if kind == "error" else None
        if (tool or denied) and instance not in self._by_audit:
            self.basis["posts"] += 1
            error = shown(content) if denied else None
            self.batch.answer(target, tool or denied or "", source_id, offset, length, at, error)
        elif tool is not None:
            pass  # the audit log has it
        elif kind in _COUNTED or (kind == "observation" and is_sealed(content)):
            self.counted[kind] += 1
        elif kind == "error":
            halted = content.startswith("halted")
            self.batch.event(target.run, "interrupt" if halted else "error", at, "error", shown(content))
        elif kind != "plan" or brief_of(content) is None:
            self.batch.event(target.run, "note", at, kind or None, shown(content))

    def _entry(self, entry: Entry) -> None:
        kind, at = entry.kind, entry.at
        instance = self._census.instances.get(entry.agent)
        target = self._arrived(entry, instance, at)
        if kind == "tool_call" or kind == "tool_result":
            if instance is not None and instance not in self._by_audit:
                self.counted[kind] += 1
            elif kind == "tool_call":
                self.settle(target.run, at)
                self._wait(entry, target, instance, at)
            else:
                self._result(entry, target, instance)
        elif kind in DENIALS:
            self._denial(entry, target, instance)
        elif kind in _NOTED:
            detail = _payload(entry)
            how: EventKind = "interrupt" if kind == "halt" else "note"
            self.batch.event(target.run, how, at, kind, shown(detail) if detail else None)
        elif kind not in ("goal_start", "goal_end"):
            self.counted[kind] += 1

    def _wait(self, entry: Entry, target: Target, instance: Instance | None, at: float | None) -> Pending:
        """Keep a call until it has its result."""
        self.basis["audit log"] += 1
        call = Pending(target, instance, entry.tool, entry.source_id, entry.offset, entry.length, at)
        target.run.open.append(call)
        return call

    def _result(self, entry: Entry, target: Target, instance: Instance | None) -> None:
        error = (shown(entry.told) if entry.told else "error") if entry.failed else None
        waiting = _open(target, instance, entry.tool)
        if not waiting:
            message = f"a result of {entry.tool or 'a tool'} without its call"
            self.batch.findings += self._complain("unpaired-result", "warning", message, target.run)
            waiting = [self._wait(entry, target, instance, None)]
        if len(waiting) > 1:
            for one in waiting:
                one.grade = "ambiguous"
        call = waiting[0]
        call.end, call.error, call.answered = entry.at, error or call.error, True
        call.is_error = call.error is not None
        if call.source_id == entry.source_id and call.offset + call.length + 1 == entry.offset:
            call.length += 1 + entry.length  # both lines, as nothing is between them

    def _denial(self, entry: Entry, target: Target, instance: Instance | None) -> None:
        tool, at = entry.tool, entry.at
        error = shown(f"{entry.kind.replace('_', ' ')} {_payload(entry) or ''}".rstrip())
        waiting = _open(target, instance, tool) if tool else []
        if waiting:
            waiting[0].error, waiting[0].is_error, waiting[0].denied = error, True, True
        elif tool and (instance is None or instance in self._by_audit):
            call = self._wait(entry, target, instance, at)
            call.end, call.error, call.is_error, call.answered = at, error, True, True
        else:
            self.batch.event(target.run, "error", at, entry.kind, error)

    def settle(self, run: Draft, at: float | None = _NEVER) -> None:
        """Write the calls of a run that have their results, or will get none any more, up to the first that waits."""
        while run.open:
            head = run.open[0]
            over = at is not None and (at == _NEVER or _is_over(head.instance, at))
            if not (head.answered or head.denied or over or len(run.open) > _MOST_OPEN):
                return
            del run.open[0]
            spawning = self._spawning.get((head.source_id, head.offset))
            children = spawning.children if spawning is not None and spawning.tool != "spawn_swarm" else []
            self.batch.call(head, self._run_of(children[0]) if len(children) == 1 else None)

    def exact(self, run: Draft, row: int, source_id: str, calls: Iterable[Call]) -> None:
        """The calls of a saved state, which have ids and no times."""
        for call in calls:
            self.basis["checkpoint"] += 1
            arguments = as_json({"input": call.arguments})
            extra = as_json({"checkpoint_row": row, "input": shown(arguments, 1000) if arguments else None})
            is_error = call.is_error if call.has_result else None
            error = "error" if call.is_error else None
            self.batch.exact(run, call.call_id, call.name, error, is_error, source_id, extra)


def _payload(entry: Entry) -> str | None:
    """What a line says beyond what all lines do."""
    return as_json({key: value for key, value in entry.fields.items() if key not in _COMMON})


def _open(target: Target, instance: Instance | None, tool: str | None) -> list[Pending]:
    return [one for one in target.run.open if one.instance is instance and one.name == tool and not one.answered]


def _is_over(instance: Instance | None, at: float) -> bool:
    return instance is not None and instance.last is not None and instance.last < at


def _timed(entries: Iterable[Entry]) -> Iterator[tuple[float, Entry]]:
    """Lines with their times; one without has that of the line before it."""
    at = 0.0
    for entry in entries:
        if entry.at is not None and entry.at > at:
            at = entry.at
        yield at, entry
