"""What is kept of spans until all of them have been seen: they come in no order."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from explorer.readers.otlp._kinds import Kind
from explorer.readers.otlp._walk import Scope

Key: TypeAlias = tuple[str, str]
"""Trace and span: span ids alone may come again in another trace."""


class Usage(NamedTuple):
    """Tokens as they were recorded."""

    input: int | None = None
    read: int | None = None
    write: int | None = None
    output: int | None = None
    reasoning: int | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether there is any."""
        return self.input is not None or self.output is not None

    @property
    def cached(self) -> int:
        """What a cache read and wrote."""
        return (self.read or 0) + (self.write or 0)

    def inclusive(self, is_exclusive: bool) -> Usage:
        """The same with what a cache read and wrote in the input."""
        if not is_exclusive or self.input is None:
            return self
        return self._replace(input=self.input + self.cached)


class Aside(NamedTuple):
    """Tokens of what is no call of a model, and what it is called."""

    operation: str
    usage: Usage


class Place(NamedTuple):
    """Where a span stands: number of the file among those read together, and bytes."""

    file: int
    offset: int
    length: int


@dataclass(slots=True)
class ModelCall:
    """What a call of a model tells."""

    request_model: str | None
    model: str | None
    provider: str | None
    response_id: str | None
    finish: str | None
    usage: Usage
    cost: float | None
    """In dollars."""
    is_compacted: bool
    agent_id: str | None
    agent_name: str | None
    """The agent that it is said to be a call of."""
    parts: array[int] | None
    """The parts of its prompt, hashed; None when the content is not recorded."""
    asked: list[tuple[str | None, str | None]]
    """Id and name of the tools that its answer asks for."""
    is_told: bool
    """Whether anything of its content is recorded."""
    told_at: Place | None = None
    """Where its content is, if that is in the span of a wrapper."""


@dataclass(slots=True)
class AgentCall:
    """What an agent at work tells."""

    agent_id: str | None
    name: str
    version: str | None
    description: str | None
    model: str | None
    usage: Usage
    cost: float | None
    """In dollars."""
    is_own: bool
    """Whether the usage is by its name not over agents below."""
    is_client: bool
    is_told: bool


@dataclass(slots=True)
class ToolUse:
    """What a tool call tells."""

    name: str
    call_id: str | None
    target: str | None
    """The agent that it hands over to."""
    has_arguments: bool
    has_result: bool


@dataclass(slots=True)
class Note:
    """Something that is no step and no tool call, as it is said in an event."""

    text: str
    is_compaction: bool


@dataclass(slots=True)
class Span:
    """A span, as far as it matters."""

    key: Key
    parent_id: str | None
    name: str
    kind: Kind
    place: Place
    scope: Scope
    start: int | None
    """Nanoseconds since 1970, as is the end."""
    end: int | None
    conversation: str | None = None
    session: str | None = None
    error: str | None = None
    """Why it failed; None when it did not."""
    told: ModelCall | AgentCall | ToolUse | Note | None = None
    aside: Aside | None = None
    """What it used, if it is neither a call of a model nor an agent."""
    links: tuple[Key, ...] = ()
    raised: tuple[tuple[int | None, str], ...] = ()
    """When something was raised inside it, and what."""
    complaints: tuple[str, ...] = ()
    parent: Span | None = None
    is_orphan: bool = False
    """Whether its parent is not in the recording."""

    @property
    def order(self) -> tuple[bool, int, int, Place]:
        """By start, then by end; what has no start comes last."""
        return self.start is None, self.start or 0, self.end or (1 << 63), self.place
