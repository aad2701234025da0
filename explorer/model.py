"""The canonical schema: one frozen dataclass per table, in the terms of OpenTelemetry GenAI.

``TABLES`` are written by readers; ``DERIVED`` are computed from them by ``explorer.reuse`` while reading and stored
beside them; ``COMPUTED`` when they are first asked for. Everything else that can be queried is a view. Column types for
Parquet and DuckDB follow from the annotations (see ``columns``), so that a table is described once.

Conventions: ``None`` is "not recorded", never 0 or "". ``*_ms`` count milliseconds from the conversation's start.
Timestamps are UTC without zone. ``input_tokens`` include cache reads and writes, ``output_tokens`` include reasoning.
Keys depend on the content and on the path relative to the opened directory, so they are equal on every machine.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import chain, repeat
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

Grade: TypeAlias = Literal["exact", "derived", "ambiguous", "not_recorded"]
"""How sure an attribution is: the record says so; it follows by a documented rule; several answers fit; unknown."""

ReportedScope: TypeAlias = Literal["own", "total"]
"""The words of the ``own_`` and ``total_`` columns: a run alone, or with every run below it."""

RunStatus: TypeAlias = Literal["completed", "failed", "cancelled", "running", "unknown"]
SourceStatus: TypeAlias = Literal["read", "partial", "skipped", "failed"]
EdgeKind: TypeAlias = Literal["spawn", "assign", "message", "result", "close", "resume", "fork"]
Resolution: TypeAlias = Literal["item", "thread", "pending"]
"""How far a hand-off can be followed: to the item that the receiver's model saw, to the receiver alone, or nowhere."""

HASHES = "hashes"
"""The ``block_scope`` of ids that are hashes: equal wherever the prompt is, and in no order."""

PROMPT_PARTS = "prompt-parts"
"""The ``block_scope`` of blocks that are the parts of recorded prompts, numbered by us."""

HiddenKind: TypeAlias = Literal["main", "worker", "solo", "sidecar"]
"""What a chain of prompts inside one run seems to be: its main agent; one of at least three that part at one place of
their prompts, some of them at work at the same time; one by itself; or a single call aside."""

EventKind: TypeAlias = Literal["compaction", "error", "interrupt", "resume", "note"]
Severity: TypeAlias = Literal["error", "warning", "info"]

Unsigned: TypeAlias = Annotated[int, "UBIGINT"]
"""A block id: any integer of 64 bits without sign (Dynamo's sequence hashes use the top bit)."""

Json: TypeAlias = Annotated[str, "JSON text"]
"""A JSON object as text, for recorded fields that no column names."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one directory that is one trace. Every file under an opened path has a row."""

    source_id: str
    """The path relative to the opened directory, with bytes that are not UTF-8 as ``\\xNN``."""
    path: str
    """The same path as text, for people and for joins with file listings."""
    format: str | None
    """Name of the reader that claimed it; None when none did."""
    bytes: int | None
    """Size on disk; None when it could not be asked."""
    status: SourceStatus
    """``read`` whole, ``partial`` with bad records left out, ``skipped`` (no known format, empty), ``failed``."""
    records: int | None
    """Model calls read."""
    bad_records: int | None
    """Records that could not be read; each of the first hundred is a finding."""
    message: str | None
    """Why it is not ``read``, or which other source it was read with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Everything under one root request."""

    conversation_id: str
    source_id: str
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

    conversation_id: str
    """It may be one that is not opened."""
    name: str
    source_id: str
    named_at: datetime | None


@dataclass(frozen=True, slots=True)
class Agent:
    """One participant in a conversation. An agent with a parent is a sub-agent."""

    agent_id: str
    conversation_id: str
    parent_agent_id: str | None
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

    run_id: str
    conversation_id: str
    agent_id: str
    parent_run_id: str | None = None
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

    run_id: str
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
    source_id: str
    offset: int | None = None
    """Byte position of the record in the source; in a database, the number of its row."""
    length: int | None = None
    """Bytes of the record; in a database, how many rows it is."""
    extra: Json | None = None
    """Recorded fields that no column names, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One tool asked for, and its outcome."""

    run_id: str
    ordinal: int
    """1-based position in its run."""
    step_ordinal: int | None = None
    tool_call_id: str | None = None
    name: str | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    is_error: bool | None = None
    child_run_id: str | None = None
    """The run it spawned."""
    grade: Grade
    source_id: str
    offset: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class BlockRun:
    """Consecutive block ids in one step's prompt: ``first_block``, ``first_block + 1``, … ``block_count`` of them."""

    run_id: str
    step_ordinal: int
    position: int
    """0-based index in the prompt of the first of these blocks."""
    namespace: str
    """Where ids are comparable: the conversation for scope ``local``, ``global`` for the corpus."""
    first_block: Unsigned
    block_count: int
    block_tokens: int | None
    """Tokens in a full block; the last block of a prompt may hold fewer."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Information that went from one run to another."""

    edge_id: str
    kind: EdgeKind
    from_run_id: str | None
    to_run_id: str | None
    tool_call_id: str | None
    at_ms: int | None
    """Like the times of the run that it goes to: from the start of that run's conversation."""
    delivered: bool | None
    """Whether the receiver's record shows it; None where the format cannot tell."""
    grade: Grade
    resolution: Resolution | None = None
    """None where the format records no contents of hand-offs."""
    sent_source_id: str | None = None
    """Where the sender's side of it is recorded, what was asked or what came back; the reader's ``record`` gives it."""
    sent_offset: int | None = None
    """As of a step: byte position in the source, or what the reader's ``record`` takes for it. In a bundle of Codex, of
    which a part may stand in its log or in a payload: n * 2**40 + the byte in ``payloads/n.json``, n = 0 the log."""
    sent_length: int | None = None
    received_source_id: str | None = None
    """Where the receiver's side of it is recorded, as the receiver's model saw it."""
    received_offset: int | None = None
    received_length: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a run."""

    run_id: str
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

    checkpoint_key: str
    """Unique: the source and its row there."""
    conversation_id: str | None = None
    run_id: str | None = None
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
    source_id: str
    offset: int | None = None
    """The number of its row in the database."""


@dataclass(frozen=True, slots=True)
class UncountedUsage:
    """Usage that a recording holds more than once: what a sum over all its records counts too often."""

    agent_id: str
    """Whose records these are."""
    reason: str
    """Why they do not count: ``repeated lines`` of one model call, a ``repeated record``, an ``embedded copy`` of a
    sub-agent's. What is replayed is in the steps."""
    conversation_id: str
    records: int
    input_tokens: int
    """As everywhere with cache reads and writes."""
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or doubtful in the recording. ``explorer.store.findings`` explains every code."""

    finding_id: str
    code: str
    severity: Severity
    source_id: str | None
    line: int | None
    """1-based line in the source."""
    conversation_id: str | None
    agent_id: str | None
    run_id: str | None
    step_ordinal: int | None
    message: str


@dataclass(frozen=True, slots=True)
class StepReuse:
    """How much of a step's prompt was already there, and who had written it; on an infinite cache.

    By arrival: the four hits are additive and sum to the leading run of blocks that any earlier step of the namespace
    holds, an earlier one being one that started before. Causally, only the steps count that had ended when this one
    started; a step without an end counts from its start. The causal hits sum to no more than the others.
    """

    run_id: str
    ordinal: int
    blocks: int
    """Blocks in the prompt."""
    hit_own: int
    """Leading blocks that earlier steps of the same agent hold. Runs of a definition that was spawned several times are
    siblings: of these, the same run."""
    hit_ancestor: int
    """Further blocks once the agent's ancestors count too."""
    hit_sibling: int
    """Further blocks once agents of the same parent count too."""
    hit_other: int
    """Further blocks once the whole namespace counts."""
    fresh_blocks: int
    """Blocks that no earlier step of the namespace holds; blocks - hits - fresh lie behind the first miss."""
    hit_own_tokens: int | None
    """The hits in tokens; the last block of a prompt counts what it holds. None without a recorded block size."""
    hit_ancestor_tokens: int | None
    hit_sibling_tokens: int | None
    hit_other_tokens: int | None
    causal_own: int
    """Like ``hit_own``, among the steps that had ended; so the other three."""
    causal_ancestor: int
    causal_sibling: int
    causal_other: int
    causal_own_tokens: int | None
    causal_ancestor_tokens: int | None
    causal_sibling_tokens: int | None
    causal_other_tokens: int | None


@dataclass(frozen=True, slots=True)
class RunFootprint:
    """The distinct blocks of a run, and how many of them others hold as well, whenever they wrote them."""

    run_id: str
    unique_blocks: int
    unique_tokens: int | None
    """Full blocks times their size; None without a recorded block size."""
    shared_parent: int | None
    """Distinct blocks that the parent run holds too; None for a root."""
    shared_siblings: int | None
    """Distinct blocks that any sibling run holds too; None without siblings."""


@dataclass(frozen=True, slots=True)
class SiblingPair:
    """Two runs of one parent that share blocks; pairs that share nothing have no row. ``run_a < run_b``."""

    run_a: str
    run_b: str
    shared_blocks: int
    first_step_prefix: int
    """Leading blocks that the first steps of both have in common."""


@dataclass(frozen=True, slots=True)
class NamespaceAudit:
    """How a conversation's block ids are numbered (first appearance), in three orders of its steps.

    An id is fresh when no earlier step holds it. ``gap``: a fresh id above the highest so far plus one; ``reset``: a
    fresh id below the highest that does not follow the last fresh one. An order is perfect without either. Hashes have
    no numbers: of them, what is told is that of the order in which they first appear in the record.
    """

    conversation_id: str
    namespace: str
    scope: str | None
    """Recorded scope of the ids; None when the record has none and ``local`` is assumed."""
    block_tokens: int | None
    base: Unsigned | None
    """Lowest id: 0 or 1 in the known builders."""
    distinct_blocks: int
    dense: bool
    """Whether every id between the lowest and the highest occurs."""
    chained: bool
    """Whether every id has one position and one predecessor, so that an id stands for a whole prefix."""
    hits: int
    """Leading blocks of its prompts whose ids earlier prompts hold: the sum of the hits in ``step_reuse``."""
    prefix_hits: int
    """The same where an id counts only behind the very same ids, as in a cache; less if ids are not chained."""
    coverage: str | None
    """How block counts follow from input tokens: ``floor``, ``ceil``, ``exact`` or ``mixed``."""
    perfect_document: bool
    gap_events_document: int
    missing_ids_document: int
    reset_events_document: int
    perfect_parent_first: bool
    gap_events_parent_first: int
    missing_ids_parent_first: int
    reset_events_parent_first: int
    perfect_start_time: bool
    gap_events_start_time: int
    missing_ids_start_time: int
    reset_events_start_time: int


@dataclass(frozen=True, slots=True)
class HiddenAgent:
    """A proposal: an agent among the calls of one run at the top, told by its prompts. See ``reuse.hidden``.

    Only runs whose prompts are those of several have rows, the main one included.
    """

    run_id: str
    chain: int
    """1 for the main one, which has the first call, or if that is its only one is the longest; the others in order of
    their first calls."""
    kind: HiddenKind
    left_chain: int | None
    """Which of them its first prompt left; None where it has nothing in common with any."""
    position: int
    """How many leading blocks it has in common with the prompt that it left."""
    steps: int
    ordinals: Json
    """The ordinals of these steps in the run, as a JSON list."""
    start_ms: int | None
    end_ms: int | None
    grade: Grade
    """Always ``derived``: nothing in the recording says so."""


@dataclass(frozen=True, slots=True)
class PromptRecency:
    """Blocks that follow each other in a step's prompt, and what a cache must be like to hit them.

    The cache evicts the least recently used block first, and of a prompt the one nearest to its end. It is one for all
    of a namespace, and prompts arrive in order of start.
    """

    run_id: str
    step_ordinal: int
    position: int
    """0-based index in the prompt of the first of these blocks."""
    blocks: int
    first_distance: int | None
    """Blocks that the cache must hold to hit the first of these, and so all before it: the LRU stack distance. None
    where no size is enough, as the block or one before it had never been seen."""
    last_distance: int | None
    """The same for the last: each needs one more than the one before it, or all need the same."""
    age_ms: int | None
    """How long the cache must keep blocks to hit these: since the last touch of the one of the prompt so far that was
    not touched the longest. None for what had never been seen, or where a step of the namespace has no time."""
    tokens: int | None
    """In these blocks, the same in each where they have a distance; None without a recorded block size."""


@dataclass(frozen=True, slots=True)
class PromptOptimal:
    """Blocks that follow each other in a step's prompt, and how large a cache must be to hit them at best.

    The cache knows the future: it keeps what is needed soonest. No cache of that size hits more blocks of all the
    prompts together, but another may hit more of one of them. Blocks that no size is enough for have no row. Where ids
    are not chained (``namespace_audit``), it is a bound that may be out of reach.
    """

    run_id: str
    step_ordinal: int
    position: int
    """0-based index in the prompt of the first of these blocks."""
    blocks: int
    first_distance: int
    """Blocks that the cache must hold to hit the first of these, and so all before it."""
    last_distance: int
    """The same for the last: each needs one more than the one before it, or all need the same."""
    tokens: int | None
    """In these blocks, the same in each; None without a recorded block size."""


@dataclass(frozen=True, slots=True)
class StepRecency:
    """A step with blocks on the time axis of its cache: what it kept of the prompt before it, and working sets."""

    run_id: str
    ordinal: int
    at_ms: int | None
    """Its start."""
    blocks: int
    """Blocks in the prompt."""
    previous_blocks: int | None
    """Blocks in the last prompt of the same agent; None for its first."""
    repeated_blocks: int
    """Leading blocks that both have in common."""
    blocks_1_minute: int | None
    """Distinct blocks in all prompts of the namespace that started within a minute before this one, its own included;
    None where a step of the namespace has no time."""
    blocks_5_minutes: int | None
    blocks_15_minutes: int | None
    blocks_ever: int
    """Distinct blocks in all prompts so far."""
    live_agents: int | None
    """Agents of the namespace that are at work when it starts: from the start of their first call to the end of their
    last one. None, as the next two, where a step of the namespace has no time."""
    live_blocks: int | None
    """Distinct blocks in the latest prompts of these agents."""
    live_apart_blocks: int | None
    """The blocks of these prompts added up, as if nothing were shared."""


@dataclass(frozen=True, slots=True)
class SharedRecency:
    """Blocks of all conversations together on one cache, and how large it must be to hit them."""

    arrival: str
    """When conversations begin: ``at_once``; ``in_turn``, each when the one before it has ended; or ``poisson``, at
    random, one in 5 minutes in the mean."""
    cache: str
    """``lru`` evicts what was used least recently, ``optimal`` keeps what is needed soonest."""
    first_distance: int
    """Blocks that the cache must hold to hit some of these."""
    last_distance: int
    """Blocks that it must hold to hit all of them; each size in between hits as many more."""
    blocks: int
    tokens: int | None
    """In these blocks; None where the size of some is not recorded."""


@dataclass(frozen=True, slots=True)
class PrefixBranch:
    """A branch of the prefix tree of a conversation: blocks that follow each other in the prompts of the same runs.

    Branches are numbered depth first, what was there first before the rest. What a run has for itself is one leaf,
    however often its own prompts part there. A place in the tree is an id behind all the ids before it.
    """

    conversation_id: str
    branch: int
    """0, 1, … in its conversation."""
    above: int | None
    """The branch that it goes on from; None at the start of prompts."""
    depth: int
    """How many branches are above it."""
    position: int
    """Blocks between the start of the prompt and it."""
    blocks: int
    """How many are on it; 0 on the leaf of a run that has nothing for itself."""
    tokens: int | None
    """In these blocks, all counted as full; None without a recorded block size."""
    first_block: Unsigned | None
    """The id of the first of them; None without blocks."""
    runs: int
    """How many runs hold it."""
    run_id: str | None
    """Of a leaf, the run; None of a branch that several hold."""
    ends: int | None
    """Of a leaf, at how many places prompts of the run come to an end without going on elsewhere, one at least."""
    first_run_id: str
    """Whose prompt held its first block before all others."""
    first_step_ordinal: int
    first_at_ms: int | None
    """When that step started."""


@dataclass(frozen=True, slots=True)
class ModelReuse:
    """What of a step's hits is left where a cache serves each model by itself: ``step_reuse`` among steps of one model.

    Steps of namespaces in which all have the same model have no row: nothing is lost there. Steps without a recorded
    model count as those of one more.
    """

    run_id: str
    ordinal: int
    model: str | None
    """The one that answered, else the one that was asked for."""
    hit_own: int
    hit_ancestor: int
    hit_sibling: int
    hit_other: int
    hit_tokens: int | None
    """In these four; None without a recorded block size."""
    causal: int
    """The same among the steps that had ended, all four."""
    causal_tokens: int | None


Row: TypeAlias = (
    Source | Conversation | ConversationName | Agent | Run | Step | ToolCall | BlockRun | Edge | Event | Finding
    | Checkpoint | UncountedUsage | StepReuse | RunFootprint | SiblingPair | NamespaceAudit | HiddenAgent
    | PromptRecency | PromptOptimal | StepRecency | SharedRecency | ModelReuse | PrefixBranch
)  # fmt: skip

TABLES: dict[str, type[Row]] = {
    "sources": Source,
    "conversations": Conversation,
    "conversation_names": ConversationName,
    "agents": Agent,
    "runs": Run,
    "steps": Step,
    "tool_calls": ToolCall,
    "block_runs": BlockRun,
    "edges": Edge,
    "events": Event,
    "checkpoints": Checkpoint,
    "uncounted_usage": UncountedUsage,
    "findings": Finding,
}
"""What readers yield and ingest records."""

DERIVED: dict[str, type[Row]] = {
    "step_reuse": StepReuse,
    "run_footprint": RunFootprint,
    "sibling_pairs": SiblingPair,
    "namespace_audit": NamespaceAudit,
    "hidden_agents": HiddenAgent,
}
"""What ``explorer.reuse`` computes from them, stored because it takes the order of every step in a namespace."""

ALL_TABLES: dict[str, type[Row]] = TABLES | DERIVED


class Repeated(Sequence[object]):
    """A column of one value: it takes no longer to make, to send and to write the more rows it has."""

    __slots__ = ("rows", "value")

    def __init__(self, value: object, rows: int) -> None:
        self.value = value
        self.rows = rows

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: Any) -> Any:
        places = range(self.rows)[index]
        return self.value if isinstance(places, int) else Repeated(self.value, len(places))

    def __iter__(self) -> Iterator[object]:
        return repeat(self.value, self.rows)

    def __reduce__(self) -> tuple[type[Repeated], tuple[object, int]]:
        return Repeated, (self.value, self.rows)


def joined(pieces: Sequence[Sequence[object]]) -> Sequence[object]:
    """The pieces of a column, at least one, one behind the other."""
    first = pieces[0]
    if isinstance(first, Repeated) and all(isinstance(each, Repeated) and _same(each, first) for each in pieces):
        return Repeated(first.value, sum(map(len, pieces)))
    return tuple(chain.from_iterable(pieces))


def _same(one: Repeated, other: Repeated) -> bool:
    """Whether both have one value; 1 is not True."""
    return one.value is other.value or (type(one.value) is type(other.value) and one.value == other.value)


class Rows(NamedTuple):
    """Many rows of one table at once: its columns in order, with timestamps in microseconds since 1970.

    For formats of millions of small records: to make an object of each would take longer than to read them.
    """

    table: type[Row]
    columns: Sequence[Sequence[object]]

    @classmethod
    def named(cls, table: type[Row], columns: Mapping[str, Sequence[object]]) -> Rows:
        """Rows of the columns that are given, at least one; the others hold what they hold by default."""
        count = len(next(iter(columns.values())))
        defaults = _DEFAULTS[table].items()
        return cls(
            table, [columns[name] if name in columns else Repeated(default, count) for name, default in defaults]
        )

    @classmethod
    def of(cls, table: type[Row], names: Sequence[str], values: Sequence[tuple[object, ...]], **same: object) -> Rows:
        """The same from tuples of these columns, at least one, and from what is the ``same`` in all rows."""
        columns: dict[str, Sequence[object]] = {name: Repeated(value, len(values)) for name, value in same.items()}
        columns.update(zip(names, zip(*values, strict=True), strict=True))
        return cls.named(table, columns)


_DEFAULTS: dict[type[Row], dict[str, object]] = {
    table: {field.name: field.default for field in fields(table)} for table in ALL_TABLES.values()
}
"""The columns of each table in order, with what a row holds that does not give it."""


COMPUTED: dict[str, type[Row]] = {
    "prompt_recency": PromptRecency,
    "prompt_optimal": PromptOptimal,
    "step_recency": StepRecency,
    "shared_recency": SharedRecency,
    "model_reuse": ModelReuse,
    "prefix_tree": PrefixBranch,
}
"""What ``explorer.reuse`` computes when it is first asked for, from all that is open: neither stored nor exported."""

SqlType: TypeAlias = Literal["VARCHAR", "BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP"]

_SQL_TYPES: dict[type, SqlType] = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMP",
}


class Column(NamedTuple):
    """A column as storage sees it."""

    name: str
    type: SqlType
    nullable: bool


_columns: dict[type[Row], tuple[Column, ...]] = {}  # by table, once asked for: working them out is slow


def columns(table: type[Row]) -> tuple[Column, ...]:
    """The columns of a table in order, with the SQL type that follows from each annotation."""
    if table not in _columns:
        hints = typing.get_type_hints(table, include_extras=True)
        _columns[table] = tuple(_column(field.name, hints[field.name]) for field in fields(table))
    return _columns[table]


def _column(name: str, hint: object) -> Column:
    options = (
        typing.get_args(hint)
        if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
        else (hint,)
    )
    kinds = [option for option in options if option is not type(None)]
    kind = kinds[0]
    if kind is Unsigned:
        return Column(name, "UBIGINT", len(kinds) < len(options))
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is Literal:
        kind = str
    assert isinstance(kind, type)
    return Column(name, _SQL_TYPES[kind], len(kinds) < len(options))


def ddl(name: str) -> str:
    """The ``CREATE TABLE`` statement of a table in ``ALL_TABLES`` or ``COMPUTED``."""
    table = ALL_TABLES.get(name) or COMPUTED[name]
    body = ", ".join(f'"{c.name}" {c.type}{"" if c.nullable else " NOT NULL"}' for c in columns(table))
    return f'CREATE TABLE "{name}" ({body})'
