"""What is recorded of one goal, from wherever it comes: a database, an export, a replay trace, an audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from explorer.model import Finding
from explorer.readers._findings import Findings
from explorer.readers._values import Fields
from explorer.readers.maverick._logs import Line
from explorer.readers.maverick._shapes import is_sealed, seconds_of, text_of, tool_of, whole_number

HELD = 100_000
"""Records of a goal that are held in memory between the two times they are needed; of more, all are read twice."""

MOST = 1 << 62
CUT = 2_000
"""Characters of a text that are read: a plan that names a swarm of eight is shorter."""
BEGINNING = 256
"""Characters that are read of a post that is no plan: more than is shown of it, or than stand before what it is."""

SPAWNING = frozenset(("spawn_subagent", "spawn_specialist", "spawn_swarm"))
"""The tools that begin agents."""

_RESTARTED = "[process restarted mid-run]"

T = TypeVar("T")


class Post(NamedTuple):
    """What an agent put on the blackboard: a row of ``goal_events``, or a line of a replay trace."""

    source_id: str
    offset: int
    length: int
    number: int | None
    """Its line, in a file."""
    agent: str
    kind: str
    content: str
    at: float | None
    segment: int = 0
    """How often the numbers of a replay trace had started again before it."""
    tool: str | None = None
    """The tool of which it is the answer; nothing else of such a post is held."""


class Entry(NamedTuple):
    """A line of the audit log."""

    source_id: str
    offset: int
    length: int
    kind: str
    agent: str
    tool: str | None
    at: float | None
    failed: bool
    """Of a result, whether it is an error."""
    told: str | None
    """What a call that spawns was given, and what a result that is an error said."""
    fields: Mapping[str, object]
    """All that was recorded; nothing of calls and results, of which there are many."""


_NO_FIELDS: Mapping[str, object] = {}


def entries_of(lines: Iterable[Line | Finding]) -> Iterator[Entry | Finding]:
    """The lines of an audit log."""
    known: dict[str, str] = {}  # each name is held once
    for line in lines:
        if isinstance(line, Finding):
            yield line
            continue
        fields: Mapping[str, object] = line.fields
        kind, agent = text_of(fields.get("kind")) or "", text_of(fields.get("agent")) or ""
        tool = text_of(fields.get("name"))
        at = seconds_of(fields.get("ts"))
        kind, agent = known.setdefault(kind, kind), known.setdefault(agent, agent)
        failed, told = False, None
        if kind == "tool_call":
            told = text_of(fields.get("input_summary")) if tool in SPAWNING else None
            fields = _NO_FIELDS
        elif kind == "tool_result":
            failed = fields.get("status") == "error"
            told = text_of(fields.get("output_summary")) if failed else None
            fields = _NO_FIELDS
        else:
            tool = tool or text_of(fields.get("tool"))
        tool = known.setdefault(tool, tool) if tool else None
        yield Entry(line.source_id, line.offset, line.length, kind, agent, tool, at, failed, told, fields)


class Twice(Generic[T]):
    """Records that are needed twice: to see who is there, and to be written down."""

    def __init__(self, make: Callable[[Findings], Iterator[T | Finding]], findings: Findings) -> None:
        self._make = make
        self._findings = findings
        self._held: list[T] | None = []

    def first(self) -> Iterator[T | Finding]:
        """The records, and what is wrong with them."""
        for item in self._make(self._findings):
            if not isinstance(item, Finding) and self._held is not None:
                self._held.append(item)
                if len(self._held) > HELD:
                    self._held = None
            yield item

    def again(self) -> Iterator[T]:
        """The records."""
        if self._held is not None:
            yield from self._held
            return
        for item in self._make(Findings("")):
            if not isinstance(item, Finding):
                yield item


def nothing(_: Findings) -> Iterator[Finding]:
    """No records."""
    return iter(())


@dataclass
class Goal:
    """A goal's own record."""

    title: str | None = None
    description: str | None = None
    status: str | None = None
    result: str | None = None
    created: float | None = None
    updated: float | None = None
    parent: int | None = None
    owner: str | None = None
    domain: str | None = None
    project: object = None
    deadline: float | None = None
    restarted: bool = False
    """Whether it was found running when a new process began, and put aside as crashed."""
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, record: dict[str, object]) -> Goal:
        """A row, or what an export has of it."""
        fields = Fields(readable(record))
        return cls(
            fields.text("title"), fields.text("description"), fields.text("status"), fields.text("result"),
            _time(fields, "created_at"), _time(fields, "updated_at"),
            whole_number(record.get("parent_id")), fields.text("owner"), fields.text("domain"),
            record.get("project_id"), fields.number("deadline"),
            (text_of(record.get("result_end") or record.get("result")) or "").rstrip().endswith(_RESTARTED),
            fields.complaints,
        )  # fmt: skip

    def sealed(self) -> int:
        """Texts of it that are encrypted."""
        return sum(map(is_sealed, (self.title, self.description, self.result)))


@dataclass
class Episode:
    """One attempt at a goal."""

    id: int
    started: float | None = None
    ended: float | None = None
    summary: str | None = None
    outcome: str | None = None
    cost: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    tool_calls: int | None = None
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, record: dict[str, object]) -> Episode:
        """A row, or what an export has of it."""
        fields = Fields(readable(record))
        cost = fields.number("cost_dollars", least=0)
        return cls(
            whole_number(record.get("id")) or 0, _time(fields, "started_at"), _time(fields, "ended_at"),
            fields.text("summary"), fields.text("outcome"), None if cost is None else float(cost),
            fields.count("input_tokens", MOST), fields.count("output_tokens", MOST), fields.count("tool_calls", MOST),
            fields.complaints,
        )  # fmt: skip

    @property
    def spent_nothing(self) -> bool:
        """Whether all its figures are 0."""
        return not (self.cost or self.input_tokens or self.output_tokens or self.tool_calls)


def _time(fields: Fields, name: str) -> float | None:
    return float(fields.number(name, least=0) or 0.0) or None


def readable(record: dict[str, object]) -> dict[str, object]:
    """A record in which blobs are text."""
    return {key: text_of(value) if isinstance(value, bytes) else value for key, value in record.items()}


def post_of(
    record: dict[str, object], time_key: str, place: tuple[str, int, int, int | None], segment: int = 0
) -> Post:
    """A post from a row, a line, or what an export has of it."""
    content, kind = text_of(record.get("content")) or "", text_of(record.get("kind")) or ""
    agent, at = text_of(record.get("agent")) or "", seconds_of(record.get(time_key))
    tool = tool_of(content) if kind == "observation" else None
    return Post(*place, agent, kind, "" if tool else content[:CUT], at, segment, tool)


class Saved(NamedTuple):
    """A row of ``checkpoints``, but for its messages."""

    row: int
    episode: int | None
    """None in a table that has no such column."""
    agent: str
    step_seq: int | None
    created: float | None
    messages: int | None
    pending: int | None
    """Tools asked for at the end that have no result."""
    budget: dict[str, object]
    owner: int | None
    """The goal that the episode belongs to; None when there is no such episode."""
    problems: tuple[str, ...] = ()

    def spent(self, name: str) -> int | None:
        """A number of the budget."""
        value = self.budget.get(name)
        return value if type(value) is int and 0 <= value < MOST else None

    def amount(self, name: str) -> float | None:
        """A sum or a duration of the budget."""
        value = self.budget.get(name)
        return float(value) if (type(value) is float or type(value) is int) and 0 <= value < 1e10 else None


class Origin(NamedTuple):
    """What a goal was forked from."""

    run_id: str | None
    """The run, where it was read before."""
    goal: int
    episode: int | None
    several: bool
    """Whether more than one run of that goal could be it."""


@dataclass
class Evidence:
    """Everything recorded of one goal."""

    goal_id: int
    goal: Goal | None = None
    episodes: Sequence[Episode] = ()
    checkpoints: Sequence[Saved] = ()
    legacy_checkpoints: bool = False
    posts: Twice[Post] | None = None
    trace: Twice[Post] | None = None
    audit: Twice[Entry] | None = None
    messages_of: Callable[[int], object] = lambda row: None
    """The messages of a checkpoint, by its row."""
    role_steps: Mapping[tuple[int, str], int] = field(default_factory=dict)
    """(episode, role) -> steps that ``trajectories.ndjson`` has of it."""
    episode_steps: Mapping[int, int] = field(default_factory=dict)
    """Episode -> steps that it has of all agents together."""
    origin: Origin | None = None
    forks: dict[int, list[int]] = field(default_factory=dict)
    """Episode -> goals that have a copy of its saved states."""
    also: Sequence[Findings] = ()
    """Those of the further files that it comes from."""
    channel: str | None = None
