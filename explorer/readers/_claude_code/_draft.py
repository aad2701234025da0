"""What is known of sessions, agents, runs and model calls while transcripts are read, before it becomes rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from explorer.model import EventKind, Grade, RunStatus, Severity
from explorer.readers._claude_code._lines import Where
from explorer.readers._claude_code._prompt import Branch, Conversing
from explorer.readers._prompts import PromptParts, Stretch

Helper: TypeAlias = Literal["warm-up", "compaction"]
Key: TypeAlias = tuple[str, ...]
"""By which a model call is known: message id and request id, the message id alone, or the id of the record."""

Usage: TypeAlias = tuple[int | None, int | None, int | None, int | None, int | None, int | None]
"""``FIELDS`` of a call, and what it wrote to the cache for five minutes and for an hour."""

Sums: TypeAlias = list[int]
"""Records with usage, then the four figures of ``FIELDS`` over them."""


def sidechain(uuid: str | None, where: Where) -> str:
    """The name of an agent within its session's file, by its first record."""
    return f"sidechain-{uuid or f'{where.source_id}:{where.line}'}"


def teammate(session_id: str) -> str:
    """The name of a teammate that is a session of its own."""
    return f"teammate-{session_id}"


class Remark(NamedTuple):
    """A finding before the keys of its rows are known."""

    code: str
    severity: Severity
    message: str
    source_id: str
    line: int | None
    agent: Agent | None = None
    run: Run | None = None


@dataclass(slots=True, eq=False)
class Step:
    """One model call, of one to many records."""

    key: Key
    where: Where
    """Its first record."""
    run: Run
    ordinal: int
    start: int | None
    """Milliseconds since 1970, as every time here: of the record before it."""
    first: int | None
    """Of its first record."""
    model: str | None
    prompt: list[Stretch]
    uuid: str | None = None
    """Of its first record."""
    end: int | None = None
    usage: Usage = (None, None, None, None, None, None)
    """The maximum of each."""
    finish_reason: str | None = None
    records: int = 0
    tier: str | None = None
    owner: Step | None = None
    """The call that this one is a copy of."""


@dataclass(slots=True, eq=False)
class Tool:
    """One tool call."""

    call_id: str | None
    name: str | None
    where: Where
    run: Run
    step: Step | None
    start: int | None
    end: int | None = None
    answered: bool = False
    is_error: bool | None = None
    by_server: bool = False
    """Whether the model's provider ran it, so that its result is part of the answer."""
    child: Run | None = None


@dataclass(slots=True, eq=False)
class Event:
    """Something that happened in a run."""

    kind: EventKind
    at: int | None
    trigger: str | None = None
    detail: str | None = None
    uuid: str | None = None
    before: int | None = None
    after: int | None = None


@dataclass(slots=True, eq=False)
class Run:
    """A turn of the main agent, or what a sub-agent did at one stretch."""

    agent: Agent
    ordinal: int
    start: int | None
    end: int | None = None
    steps: list[Step] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    interrupted: bool = False
    error: str | None = None
    """Of the last thing that happened, when it was an error."""
    asked: Where | None = None
    """The record that it began with."""
    prompt_chars: int | None = None
    """Of a turn of the main agent: how long what it was asked is, in units of UTF-16."""
    last: Where | None = None
    """The latest record of its model."""
    duration_ms: int | None = None
    parent: Run | None = None
    part_of: Run | None = None
    """Of a turn that is written as a part of a longer run: that one."""
    spawn: Spawn | None = None


@dataclass(slots=True, eq=False)
class Agent:
    """The main agent of a session, or one of its sub-agents."""

    session: Session
    name: str
    """As in keys: ``main``, ``agent-<id>``, ``sidechain-<record>``, ``teammate-<session>``."""
    native_id: str | None
    is_main: bool
    source_id: str
    conversing: Conversing
    runs: list[Run] = field(default_factory=list)
    run_on: dict[Branch, Run] = field(default_factory=dict)
    """The latest run on each branch of its conversation."""
    steps: dict[Key, Step] = field(default_factory=dict)
    tools: dict[str, Tool] = field(default_factory=dict)
    latest: int | None = None
    """Time of the record read last."""
    pending: tuple[int | None, Where] | None = None
    """A command of the user, which begins a turn if the model is asked."""
    first_text: str | None = None
    """Of its first prompt; None once it is known that it began with something else."""
    usage: tuple[dict[str, object], Usage] | None = None
    """The latest, as recorded and as figures."""
    compacted: Event | None = None
    """A compaction of which the context behind it is not known yet."""
    helper: Helper | None = None
    agent_type: str | None = None
    description: str | None = None
    tool_use_id: str | None = None
    """By its description."""
    mate_id: str | None = None
    """By its description: what the result of a call names a teammate."""
    own_session: str | None = None
    """Of a teammate that is a session of its own: that."""
    workflow: str | None = None
    phase: str | None = None
    """Of the workflow."""
    parent: Agent | None = None
    parent_grade: Grade = "not_recorded"
    spawn: Spawn | None = None
    copies: dict[str, Sums] = field(default_factory=dict)
    """Usage that is recorded and not to be counted, by the reason."""

    def going(self) -> Run | None:
        """The run that the conversation is in, on the branch where it is."""
        return self.run_on.get(self.conversing.active) or (self.runs[-1] if self.runs else None)


@dataclass(slots=True, eq=False)
class Spawn:
    """A tool call that asked for an agent."""

    tool: Tool
    prompt: str | None
    agent_type: str | None
    description: str | None
    name: str | None = None
    """Under which it can be written to."""
    team: str | None = None
    """That it is to be a member of."""
    agent_id: str | None = None
    """Which the result names."""
    workflow: str | None = None
    status: str | None = None
    answered_at: int | None = None
    answer: Where | None = None
    final_context: int | None = None
    """What the recorder calls the agent's total: the context of its last call."""
    duration_ms: int | None = None
    tool_calls: int | None = None


@dataclass(slots=True, eq=False)
class Sent:
    """A call that brings another agent a letter."""

    tool: Tool
    to: str | None
    gist: tuple[str, str]
    """What it is, where it is no text, and the text."""
    refused: bool = False


class Received(NamedTuple):
    """What may be a letter, where it arrived."""

    run: Run | None
    where: Where
    at: int | None
    sender: str | None
    """By the envelope; None without one."""
    gist: tuple[str, str]
    uuid: str | None


@dataclass(slots=True, eq=False)
class Session:
    """One session: a conversation."""

    session_id: str
    source_id: str
    """Of the first file that has a record of it."""
    parts: PromptParts
    agents: dict[str, Agent] = field(default_factory=dict)
    of_record: dict[str, Agent] = field(default_factory=dict)
    """Who each record is of."""
    spawns: dict[str, Spawn] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    """Agent -> the tool call that started it, by progress and notifications."""
    ends: dict[str, tuple[str, int | None, Where]] = field(default_factory=dict)
    """Agent -> how a notification says that it ended."""
    sent: list[Sent] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    forked_from: str | None = None
    continued_in: str | None = None
    background: bool = False
    cwd: str | None = None
    branch: str | None = None
    version: str | None = None
    team: str | None = None
    title: str | None = None
    first_prompt: str | None = None
    start: int | None = None
    end: int | None = None
    remarks: list[Remark] = field(default_factory=list)

    def happened(self, at: int) -> None:
        """Something was recorded at this time."""
        if self.end is None or at > self.end:
            self.end = at
        if self.start is None or at < self.start:
            self.start = at

    def add(self, other: Session) -> None:
        """What is told of another session is told of this one, behind what was told of it before."""
        for agent in other.agents.values():
            agent.session = self
        self.agents |= other.agents
        self.of_record |= other.of_record
        self.spawns |= other.spawns
        self.named = other.named | self.named
        self.ends |= other.ends
        self.sent += other.sent
        self.received += other.received
        self.remarks += other.remarks
        for at in (other.start, other.end):
            if at is not None:
                self.happened(at)

    @property
    def main(self) -> Agent | None:
        """Its main agent, if anything of it is recorded."""
        return self.agents.get("main")

    @property
    def teammate(self) -> Agent | None:
        """The teammate whose session it is."""
        return self.agents.get(teammate(self.session_id))

    def root(self) -> Agent:
        """Its main agent, of which nothing may be recorded but that there was one."""
        main = self.agents.get("main")
        if main is None:
            main = self.agents["main"] = Agent(self, "main", None, True, self.source_id, Conversing(self.parts))
        return main


class Ended(NamedTuple):
    """How a run ended."""

    status: RunStatus
    detail: str | None
