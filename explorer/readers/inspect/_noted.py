"""What is kept of the events of a sample until all of them are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from explorer.readers._drafts import CallDraft, Happening, StepDraft, Tokens

Reference = tuple[int, int]
"""Messages of the pool, from the first to before the second."""


@dataclass(slots=True, eq=False)
class Span:
    """A stretch of a transcript, or of an old log a step, that others may lie in."""

    span_id: str
    parent_id: str | None
    type: str | None
    name: str | None
    begin: int | None = None
    end: int | None = None
    is_closed: bool = False


@dataclass(slots=True, eq=False)
class NotedStep:
    """A model call."""

    draft: StepDraft
    span_id: str | None
    opening: Sequence[int]
    """Its tools, hashed; nothing where it has none."""
    references: Sequence[Reference] | None = None
    """Its prompt, in the pool; None where the event has the messages themselves."""
    asked: Mapping[str, str | None] = field(default_factory=dict)
    """Tools that it asked for, by the id of the call."""
    is_pending: bool = False


@dataclass(slots=True, eq=False)
class NotedCall:
    """What became of a tool call."""

    draft: CallDraft
    span_id: str | None
    agent_span_id: str | None
    arguments: str
    """The beginning of what it was asked."""


@dataclass(slots=True, eq=False)
class NotedHappening:
    """Something that happened."""

    happening: Happening
    span_id: str | None


@dataclass(slots=True, eq=False)
class Transcript:
    """The events of a sample, or of one that was begun again after an error."""

    attempt: int = 0
    """Which attempt it is of those that failed, from 1; 0 for the one that counts."""
    error: str | None = None
    """Why the attempt failed."""
    spans: dict[str, Span] = field(default_factory=dict)
    steps: list[NotedStep] = field(default_factory=list)
    calls: list[NotedCall] = field(default_factory=list)
    happenings: list[NotedHappening] = field(default_factory=list)
    count: int = 0
    """Events that it has."""
    first: int | None = None
    last: int | None = None
    ends_without_begin: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    """Kinds of events that are not known, and how many there are."""
    from_cache: list[tuple[StepDraft, Tokens]] = field(default_factory=list)
    """Steps that Inspect's own cache answered, and what their answers had cost when they were made."""
