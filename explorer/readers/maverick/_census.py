"""Who took part in a goal: every agent instance, when it was first and last seen, whom it spawned, how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from explorer.model import Finding, RunStatus
from explorer.readers._values import widened
from explorer.readers.maverick._evidence import SPAWNING, Entry, Evidence, Post
from explorer.readers.maverick._shapes import (
    VOICES,
    Name,
    brief_of,
    denied_tool,
    in_swarm,
    is_sealed,
    is_stable,
    name_of,
    shown,
)

DENIALS = frozenset(("capability_denied", "governance_denied", "shield_block"))


@dataclass(eq=False)
class Interval:
    """A call that spawns agents, from its line in the audit log to that of its result."""

    parent: Instance
    place: tuple[str, int]
    tool: str
    asked: str
    start: float
    end: float = float("inf")
    children: list[Instance] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Instance:
    """An agent as one process ran it."""

    full: str
    name: Name | None
    """None when it is not called like an instance."""
    first: float | None = None
    last: float | None = None
    planned: float | None = None
    """When it posted its plan, which is the first thing an agent does."""
    brief: str | None = None
    segment: int = 0
    posts: int = 0
    of_trace: bool = False
    """Whether only the replay trace has posts of it."""
    observed: int = 0
    called: int = 0
    answered: int = 0
    spawned: list[str] = field(default_factory=list)
    """The agents that it said it was spawning."""
    finding: float | None = None
    """When it gave its answer, unless something came after it."""
    status: RunStatus = "unknown"
    detail: str | None = None

    @property
    def is_root(self) -> bool:
        """Whether it is the one that a goal is given to."""
        return self.name is not None and self.name.depth == 0

    @property
    def by_audit(self) -> bool:
        """Whether the audit log has at least as many of its calls as the blackboard."""
        in_log = max(self.called, self.answered)
        return in_log > 0 and in_log >= self.observed

    def seen(self, at: float | None) -> None:
        """Something of it is recorded."""
        self.first, self.last = widened(self.first, self.last, at)


@dataclass
class Segment:
    """A stretch of a replay trace in which the numbers only rise."""

    number: int | None
    """The line it begins on."""
    start: float | None
    roots: list[Instance] = field(default_factory=list)


class Census:
    """Everybody in a goal."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.instances: dict[str, Instance] = {}
        self.segments: list[Segment] = []
        self.intervals: list[Interval] = []
        self.only_trace = True
        """Whether a replay trace is all that has posts."""
        self.sealed = 0
        self.posts = 0
        self.lines = 0
        self.first: float | None = None
        self.last: float | None = None
        self.started: Entry | None = None
        self.ended: Entry | None = None
        self._open: dict[tuple[str, str], list[Interval]] = {}

    def take(self) -> Iterator[Finding]:
        """Look at everything recorded."""
        if self.evidence.posts is not None:
            for post in self.evidence.posts.first():
                if isinstance(post, Finding):
                    yield post
                else:
                    self.only_trace = False
                    self._post(post)
        if self.evidence.trace is not None:
            known = {name for name, instance in self.instances.items() if instance.posts}
            for post in self.evidence.trace.first():
                if isinstance(post, Finding):
                    yield post
                else:
                    self._traced(post, known)
        if self.evidence.audit is not None:
            for entry in self.evidence.audit.first():
                if isinstance(entry, Finding):
                    yield entry
                else:
                    self._entry(entry)
        self._span()

    def instance(self, full: str) -> Instance | None:
        """An agent by its name; None for what speaks for the process."""
        found = self.instances.get(full)
        if found is None and full not in VOICES and not (is_stable(full) and full.endswith("-0")):
            found = self.instances[full] = Instance(full, name_of(full))
        return found

    def roots(self) -> list[Instance]:
        """Those that the goal was given to, in the order in which they are seen."""
        found = [instance for instance in self.instances.values() if instance.is_root]
        return sorted(found, key=lambda one: (one.segment, float("inf") if one.first is None else one.first))

    def _span(self) -> None:
        for instance in self.instances.values():
            self._seen(instance.first)
            self._seen(instance.last)

    def _seen(self, at: float | None) -> None:
        if at is not None:
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)

    def _traced(self, post: Post, known: set[str]) -> None:
        if post.segment == len(self.segments):
            self.segments.append(Segment(post.number, post.at))
        if post.agent not in known and (self.only_trace or name_of(post.agent) is not None):
            self._post(post, of_trace=True)
        instance = self.instances.get(post.agent)
        segment = self.segments[-1]
        if instance is not None and instance.is_root and instance not in segment.roots:
            segment.roots.append(instance)

    def _post(self, post: Post, of_trace: bool = False) -> None:
        self.posts += 1
        instance = self.instances.get(post.agent) or self.instance(post.agent)
        if instance is not None:
            if not instance.posts:
                instance.segment, instance.of_trace = post.segment, of_trace
            instance.posts += 1
            instance.seen(post.at)
            if post.tool is not None:
                instance.observed += 1
                return
        sealed = is_sealed(post.content)
        self.sealed += sealed
        if instance is None:
            self._seen(post.at)
            return
        if sealed:
            self._ending(instance, post)
            return
        if post.kind == "plan":
            if instance.planned is None and (brief := brief_of(post.content)) is not None:
                instance.planned, instance.brief = post.at, shown(brief)
            instance.spawned += [name for name in in_swarm(post.content) if name != instance.full]
        elif post.kind == "error" and denied_tool(post.content) is not None:
            instance.observed += 1
            return
        self._ending(instance, post)

    def _ending(self, instance: Instance, post: Post) -> None:
        """The last answer or error of an agent is how it ended."""
        if post.kind == "finding":
            instance.status, instance.detail, instance.finding = "completed", None, post.at
        elif post.kind == "error":
            halted = post.content.startswith("halted")
            instance.status, instance.detail, instance.finding = (
                "cancelled" if halted else "failed",
                shown(post.content),
                None,
            )

    def _entry(self, entry: Entry) -> None:
        self.lines += 1
        kind, at, tool = entry.kind, entry.at, entry.tool
        if kind == "goal_start" and self.started is None:
            self.started = entry
        elif kind == "goal_end":
            self.ended = entry
        instance = self.instances.get(entry.agent) or self.instance(entry.agent)
        if instance is None:
            self._seen(at)
            return
        instance.seen(at)
        if kind == "tool_call":
            instance.called += 1
            if tool in SPAWNING and at is not None:
                place = entry.source_id, entry.offset
                interval = Interval(instance, place, tool, entry.told or "", at)
                self.intervals.append(interval)
                self._open.setdefault((instance.full, tool), []).append(interval)
        elif kind == "tool_result":
            instance.answered += 1
            if tool in SPAWNING and (waiting := self._open.get((instance.full, tool))):
                interval = waiting.pop(0)
                interval.end = interval.end if at is None else at
