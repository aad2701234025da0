"""The tables that ``explorer.reuse`` computes from what was recorded."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.model._words import Grade, HiddenKind, Json, Key, Unsigned


@dataclass(frozen=True, slots=True)
class StepReuse:
    """How much of a step's prompt was already there, and who had written it; on an infinite cache.

    By arrival: the four hits are additive and sum to the leading run of blocks that any earlier step of the namespace
    holds, an earlier one being one that started before. Causally, only the steps count that had ended when this one
    started; a step without an end counts from its start. The causal hits sum to no more than the others.
    """

    run_id: Key
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

    run_id: Key
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

    run_a: Key
    run_b: Key
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

    conversation_id: Key
    namespace: Key
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

    run_id: Key
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

    run_id: Key
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

    run_id: Key
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

    run_id: Key
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

    conversation_id: Key
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
    run_id: Key | None
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

    run_id: Key
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
