"""The tables that readers write: what the recordings say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from explorer.model._words import (
    EdgeKind,
    EventKind,
    Grade,
    Json,
    Key,
    ReportedScope,
    Resolution,
    RunStatus,
    Severity,
    SourceStatus,
    Unsigned,
)


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one directory that is one trace. Every file under an opened path has a row."""

    source_id: Key
    """The path relative to the opened directory, with bytes that are not UTF-8 as ``\\xNN``."""
    path: Key
    """The same path as text, for people and for joins with file listings."""
    format: str | None
    """Name of the reader that claimed it; None when none did."""
    bytes: int | None
    """Size on disk; None when it could not be asked."""
    status: SourceStatus
    """``read`` whole, ``partial`` with bad records left out, ``skipped`` (no known format, empty, or
    nothing to show in it), ``failed``."""
    records: int | None
    """Model calls read."""
    bad_records: int | None
    """Records that could not be read; each of the first hundred is a finding."""
    message: str | None
    """Why it is not ``read``, or which other source it was read with."""
    read_with: Key | None = None
    """source_id of the source that this one is a part of and was read with; None for one that stands for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Everything under one root request."""

    conversation_id: Key
    source_id: Key
    format: str
    title: str | None = None
    """The recorder's own name or id for it; of those kept apart (``conversation_names``), the latest."""
    group_name: str | None = None
    """The project, group or tenant it belongs to."""
    cwd: str | None = None
    """Working directory that was recorded."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    block_scope: str | None = None
    """Recorded scope of its block ids, ``local`` (one namespace per conversation) or ``global``; ``hashes`` where they
    are hashes and not numbers; ``prompt-parts`` where the recorder has prompts and no ids, and the blocks are the parts
    of these prompts, numbered by us."""
    steps_recorded: bool
    """Whether the recorder writes model calls down one by one. If not, a step is what it does write, a tool call with
    its result or an error, and how many model calls a run made is its ``reported_steps``."""
    tool_calls_recorded: bool
    """Whether the recorder writes tool calls down at all; if not, their count is NULL and not 0."""
    extra: Json | None = None
    """Recorded fields that no column names, as JSON."""


@dataclass(frozen=True, slots=True)
class ConversationName:
    """A name that a conversation was given apart from its recording: of its names, the latest is its title."""

    conversation_id: Key
    """It may be one that is not opened."""
    name: str
    source_id: Key
    named_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agent:
    """One participant in a conversation. An agent with a parent is a sub-agent."""

    agent_id: Key
    conversation_id: Key
    parent_agent_id: Key | None
    name: str | None
    """Type or definition: ``main``, ``Explore``."""
    version: str | None
    label: str | None
    """The recorder's own id for this agent, or what it was asked in a few words, as shown beside its name."""
    parent_grade: Grade
    """How sure the parent is; ``exact`` for a root."""
    helper: str | None = None
    """What the recorder started it for, of its own accord: ``warm-up``, ``compaction``. None for what works for the
    user. Its tokens were spent and count; the tree leaves it out at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of an agent, from its start to its end; a turn of a long-lived agent is a run."""

    run_id: Key
    conversation_id: Key
    agent_id: Key
    parent_run_id: Key | None = None
    """The run that started this one. In the tree all runs of an agent hang together, below what started the first."""
    spawn_tool_call_id: str | None = None
    ordinal: int
    """1-based position among the runs of its agent."""
    native_run_id: str | None = None
    status: RunStatus
    status_detail: str | None = None
    """The recorder's own word for the status, or the reason."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    time_grade: Grade
    """``exact`` as recorded, ``derived`` when a documented repair moved the times (finding ``repaired-time``)."""
    request_model: str | None = None
    model: str | None = None
    """Model of the first step that names one; steps carry their own."""
    reported_scope: ReportedScope = "own"
    """What the recorder's own sums below are over: this run's own steps, or those of every run below it as well."""
    reported_steps: int | None = None
    """Model calls by the recorder's count."""
    reported_input_tokens: int | None = None
    """The recorder's own sum: compared with ours where every step has usage, and taken for it where not."""
    reported_output_tokens: int | None = None
    reported_tool_calls: int | None = None
    reported_tool_errors: int | None = None
    reported_cost_usd: float | None = None
    reported_duration_ms: int | None = None
    reported_note: str | None = None
    """What a reader of these sums must know: what they leave out, or how they were counted."""
    reward: float | None = None
    is_replay: bool = False
    """Nothing but a copy of another agent's history (fork): shown, never counted, by no clock and started by nobody."""
    grade: Grade
    """How sure it is that these steps are one run."""
    extra: Json | None = None
    """Recorded fields that no column names, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One model call."""

    run_id: Key
    ordinal: int
    """1-based position in its run, in the order of the record."""
    started_at: datetime | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    request_model: str | None = None
    model: str | None = None
    provider: str | None = None
    input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    tokens_grade: Grade
    finish_reason: str | None = None
    error: str | None = None
    is_replay: bool = False
    """Copied from another recording's history (fork, resume): shown, never counted."""
    wait_ms: int | None = None
    """Idle time before the call, as recorded."""
    grade: Grade
    """How sure it is that the step belongs to this run."""
    candidates: Json | None = None
    """Of an ambiguous step: the ids of all runs that it may belong to, as a JSON list, its ``run_id`` first."""
    source_id: Key
    offset: int | None = None
    """Byte position of the record in the source; in a database, the number of its row."""
    length: int | None = None
    """Bytes of the record; in a database, how many rows it is."""
    extra: Json | None = None
    """Recorded fields that no column names, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One tool asked for, and its outcome."""

    run_id: Key
    ordinal: int
    """1-based position in its run."""
    step_ordinal: int | None = None
    tool_call_id: str | None = None
    name: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    is_error: bool | None = None
    child_run_id: Key | None = None
    """The run it spawned."""
    grade: Grade
    source_id: Key
    offset: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class BlockRun:
    """Consecutive block ids in one step's prompt: ``first_block``, ``first_block + 1``, … ``block_count`` of them."""

    run_id: Key
    step_ordinal: int
    position: int
    """0-based index in the prompt of the first of these blocks."""
    namespace: Key
    """Where ids are comparable: the conversation for scope ``local``, ``global`` for the corpus."""
    first_block: Unsigned
    block_count: int
    block_tokens: int | None
    """Tokens in a full block; the last block of a prompt may hold fewer."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Information that went from one run to another."""

    edge_id: Key
    kind: EdgeKind
    from_run_id: Key | None
    to_run_id: Key | None
    tool_call_id: str | None
    at_ms: int | None
    """Like the times of the run that it goes to: from the start of that run's conversation."""
    delivered: bool | None
    """Whether the receiver's record shows it; None where the format cannot tell."""
    grade: Grade
    resolution: Resolution | None = None
    """None where the format records no contents of hand-offs."""
    sent_source_id: Key | None = None
    """Where the sender's side of it is recorded, what was asked or what came back; the reader's ``record`` gives it."""
    sent_offset: int | None = None
    """As of a step: byte position in the source, or what the reader's ``record`` takes for it. In a bundle of Codex, of
    which a part may stand in its log or in a payload: n * 2**40 + the byte in ``payloads/n.json``, n = 0 the log."""
    sent_length: int | None = None
    received_source_id: Key | None = None
    """Where the receiver's side of it is recorded, as the receiver's model saw it."""
    received_offset: int | None = None
    received_length: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a run."""

    run_id: Key
    ordinal: int
    """1-based position in its run."""
    kind: EventKind
    at_ms: int | None
    tokens_before: int | None
    tokens_after: int | None
    trigger: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A state that a run was saved in, to go on from after a stop."""

    checkpoint_key: Key
    """Unique: the source and its row there."""
    conversation_id: Key | None = None
    run_id: Key | None = None
    """The run that was saved; None when no run of its conversation is."""
    goal_id: str | None = None
    episode_id: str | None = None
    """The recorder's own id of the run; None where it keeps none."""
    checkpoint_id: str | None = None
    """The recorder's name for what was saved, by which a resume looks for it."""
    step_seq: int | None = None
    """The recorder's count of steps within the run."""
    created_at: datetime | None = None
    at_ms: int | None = None
    messages: int | None = None
    """How many messages the saved conversation has."""
    input_tokens: int | None = None
    """Spent until then, cache reads and writes included."""
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    tool_calls: int | None = None
    cost_usd: float | None = None
    elapsed_ms: int | None = None
    """Working time until then, by the recorder."""
    pending_tool_calls: int | None = None
    """Tool calls at the end of the saved messages that have no result."""
    resumable: bool
    """Whether the recorder, asked to go on with this conversation, would take this one."""
    note: str | None = None
    """Why it would not, or what it would get wrong."""
    source_id: Key
    offset: int | None = None
    """The number of its row in the database."""


@dataclass(frozen=True, slots=True)
class UncountedUsage:
    """Usage in no sum of steps, mostly as it is recorded more than once: what a sum over all records has beyond it."""

    agent_id: Key
    """Whose records these are."""
    reason: str
    """Why they do not count: ``repeated lines`` of one model call, a ``repeated record``, an ``embedded copy`` of a
    sub-agent's, a ``wrapping span`` around calls that are there themselves, a call ``answered from the evaluation's
    cache``, what is ``no model call``: embeddings. What is replayed is in the steps."""
    conversation_id: Key
    records: int
    input_tokens: int
    """As everywhere with cache reads and writes."""
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or doubtful in the recording. ``explorer.store.findings`` explains every code."""

    finding_id: Key
    code: str
    severity: Severity
    source_id: Key | None
    line: int | None
    """1-based line in the source."""
    conversation_id: Key | None
    agent_id: Key | None
    run_id: Key | None
    step_ordinal: int | None
    message: str
