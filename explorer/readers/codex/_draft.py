"""What both recordings of Codex tell of a conversation, before it is written as rows.

A bundle and the session rollouts know the same threads and turns by the same ids. Each is reduced to these drafts;
``_assembly`` puts them together, the bundle's first, and writes rows. Drafts hold no text of prompts or answers: they
say where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from explorer.model import EdgeKind, EventKind, Grade, Resolution, RunStatus, Severity

UsageSource: TypeAlias = Literal["response", "token_usage_record", "counter_delta", "none"]
"""Where the tokens of a step are from: the payload of its answer, a record of its own, the growth of a counter."""


class Where(NamedTuple):
    """Where a record stands."""

    source_id: str
    offset: int
    """Byte of the source, decompressed; of a bundle, byte of its ``trace.jsonl``."""
    length: int
    line: int


class Usage(NamedTuple):
    """Tokens of one model call as Codex counts; None is "not recorded".

    Input includes what was cached and what was written to the cache, output includes reasoning.
    """

    input_tokens: int | None
    cached: int | None
    cache_write: int | None
    output: int | None
    reasoning: int | None


@dataclass(slots=True)
class StepDraft:
    """One model call."""

    where: Where
    """Its last record, or the one that counts its tokens."""
    start: int | None = None
    """Milliseconds since 1970, as every time here."""
    end: int | None = None
    model: str | None = None
    provider: str | None = None
    usage: Usage | None = None
    usage_source: UsageSource = "none"
    usage_grade: Grade = "not_recorded"
    response_id: str | None = None
    finish_reason: str | None = None
    error: str | None = None
    is_replay: bool = False
    """Copied from another thread's history: shown, never counted."""
    prompt: list[tuple[int, int]] = field(default_factory=list)
    """Stretches of prompt parts, numbered in the conversation (``_prompts.PromptParts``)."""
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class ToolDraft:
    """One tool call."""

    where: Where
    call_id: str | None = None
    name: str | None = None
    start: int | None = None
    end: int | None = None
    is_error: bool | None = None
    step: int | None = None
    """Index of its step in the turn's ``steps``."""
    child_thread_id: str | None = None
    """The thread that it started."""
    is_replay: bool = False
    grade: Grade = "exact"


@dataclass(slots=True)
class EventDraft:
    """Something that happened in a turn."""

    kind: EventKind
    at: int | None
    trigger: str | None = None
    detail: str | None = None
    tokens_before: int | None = None
    tokens_after: int | None = None


@dataclass(slots=True)
class TurnDraft:
    """One turn of a thread: a run."""

    turn_id: str | None
    start: int | None = None
    end: int | None = None
    status: RunStatus = "unknown"
    status_detail: str | None = None
    model: str | None = None
    grade: Grade = "exact"
    is_replay: bool = False
    """All of it is copied history."""
    steps: list[StepDraft] = field(default_factory=list)
    tools: list[ToolDraft] = field(default_factory=list)
    events: list[EventDraft] = field(default_factory=list)
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class ThreadDraft:
    """One thread: an agent."""

    thread_id: str
    source_id: str
    """Of the file or bundle that tells of it."""
    parent_thread_id: str | None = None
    parent_grade: Grade = "exact"
    session_id: str | None = None
    """Thread of the root of its tree, as recorded."""
    forked_from_id: str | None = None
    """Thread whose history it began with."""
    path: str | None = None
    """``/root/count``."""
    nickname: str | None = None
    role: str | None = None
    cwd: str | None = None
    start: int | None = None
    title: str | None = None
    """The beginning of what its user first asked, on one line."""
    turns: list[TurnDraft] = field(default_factory=list)
    extra: dict[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class HandOff:
    """Information that went from one thread to another."""

    kind: EdgeKind
    from_thread: str | None
    from_turn: str | None
    to_thread: str | None
    to_turn: str | None = None
    to_path: str | None = None
    """Name of the receiver where its thread is not known."""
    call_id: str | None = None
    at: int | None = None
    delivered: bool | None = None
    resolution: Resolution = "pending"
    grade: Grade = "exact"
    asked: Where | None = None
    """What the sender's side holds."""
    got: Where | None = None
    """What the receiver's side holds."""
    sealed: bool = False
    """The text went encrypted: only its length can be seen."""


class Remark(NamedTuple):
    """A finding before the keys of its rows are known."""

    code: str
    severity: Severity
    message: str
    source_id: str
    line: int | None = None
    thread_id: str | None = None
    turn_id: str | None = None
    """Of a turn of that thread; None for the thread as a whole."""
