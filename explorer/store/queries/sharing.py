"""Who wrote the blocks of prompts and who read them: prefix trees of runs, two runs side by side, one block."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from explorer.reuse.calls import by_start
from explorer.reuse.radix import radix
from explorer.reuse.streaks import streaks
from explorer.reuse.writers import Written, first_writers, within
from explorer.store.calls import read_calls
from explorer.store.queries.proposals import Apart
from explorer.store.queries.reuse import parents_of_groups
from explorer.store.queries.runs import Named, named_runs
from explorer.store.queries.scope import one, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from explorer.reuse.calls import Call
    from explorer.reuse.radix import Branch
    from explorer.store.database import Cursor

Prompts: TypeAlias = Literal["first", "all"]
"""Of each run its first prompt with blocks, how it started, or every one."""


class Use(NamedTuple):
    """A step that holds blocks."""

    run: Named
    ordinal: int
    at_ms: int | None
    end_ms: int | None


class Piece(NamedTuple):
    """Consecutive blocks and the step that held them before every other of their namespace."""

    position: int
    """Blocks between the start of the prompt and it."""
    first: int
    blocks: int
    writer: Use


class Limb(NamedTuple):
    """A branch of a prefix tree: blocks that follow each other in the prompts of the very same runs."""

    above: int | None
    """The number of the branch that it goes on from; None at the start of prompts."""
    depth: int
    position: int
    """Blocks between the start of the prompt and it."""
    blocks: int
    tokens: int | None
    """None where the size of a block is not recorded. Of a prompt that ends here, with what no whole block holds."""
    pieces: list[Piece]
    """Its blocks by who wrote them, in the order of the prompts; of a run for itself, one end after the other."""
    holders: list[Use]
    """Of each run that holds it the first step to do so, in order of arrival."""
    ends: int
    """Of what one run has for itself: how many of its prompts go nowhere else from there. 0 of what several hold."""


class PrefixTree(NamedTuple):
    """What prompts have in common, and where they part."""

    whose: str
    """Whose runs these are, for the heading."""
    namespace: str
    """Of the block ids."""
    runs: int
    total: int
    """How many runs there are, of which the first are shown."""
    proposed: int
    """How many of them are agents that seem to be hidden in others."""
    limbs: list[Limb]


def sibling_prefixes(
    cursor: Cursor, node_id: str, prompts: Prompts = "first", apart: bool = False
) -> PrefixTree | None:
    """The tree of a node's children, or else of its siblings, if at least two of them have blocks; None without.

    ``apart`` tells agents apart that seem to be hidden in runs; those hidden in their parent are siblings then.
    """
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    groups = list(parents_of_groups(cursor, scope))
    if apart:
        hiding = "run_id IN (SELECT run_id FROM hidden_agents)"
        own = f"SELECT run_id FROM internal.run_lines WHERE {hiding} AND {scope.runs(own=True)} ORDER BY position"
        groups += [(run_id, 0) for (run_id,) in cursor.execute(own).fetchall()]
    for parent, total in groups:
        runs = named_runs(cursor, "r.parent_run_id = $1 AND r.run_id <> $1", parent)
        whose = named_runs(cursor, "r.run_id = $1", parent)
        name = _words(whose[parent]) if parent in whose else parent
        tree = _grow(cursor, f"the children of {name}", runs, prompts, total, apart, whose if apart else {})
        if tree is not None and tree.runs > 1:
            return tree
    return None


def conversation_prefixes(cursor: Cursor, node_id: str, apart: bool = False) -> PrefixTree | None:
    """The tree of all prompts in a node's conversation, hidden agents told apart or not; None when none has blocks."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    place = one(cursor, "SELECT conversation_id FROM internal.nodes WHERE position = $1", [scope.position])
    conversation = place[0] if place else node_id
    runs = named_runs(cursor, "r.conversation_id = $1", conversation)
    title = one(cursor, "SELECT title FROM internal.conversations WHERE conversation_id = $1", [conversation])
    total = one(cursor, "SELECT count(*) FROM internal.runs WHERE conversation_id = $1", [conversation])
    whose = (title and title[0]) or conversation
    return _grow(cursor, whose, runs, "all", total[0] if total else len(runs), apart)


def pair_prefixes(cursor: Cursor, run_a: str, run_b: str) -> PrefixTree | None:
    """The tree of all prompts of two runs; None when neither has blocks."""
    runs = named_runs(cursor, "r.run_id IN (SELECT unnest($1::VARCHAR[]))", [run_a, run_b])
    return _grow(cursor, " ∥ ".join(_words(runs[run]) for run in (run_a, run_b) if run in runs), runs, "all", len(runs))


def _words(run: Named) -> str:
    return f"{run.name} {run.label}" if run.label and run.label != run.name else run.name


def _grow(
    cursor: Cursor,
    whose: str,
    runs: Mapping[str, Named],
    prompts: Prompts,
    total: int,
    apart: bool = False,
    around: Mapping[str, Named] = MappingProxyType({}),
) -> PrefixTree | None:
    """The tree of some runs. ``apart``: with the agents hidden in them, and in those ``around``, told apart."""
    every = {**runs, **around}
    agents = Apart(cursor, every if apart else {})
    found = read_calls(cursor, "b.run_id IN (SELECT unnest($runs::VARCHAR[]))", {"runs": list(every)})
    calls = [told for _, call in found if (told := agents.told(call)).run_id not in around]
    if prompts == "first":
        first: dict[str, Call] = {}
        for call in calls:
            if call.run_id not in first or call.ordinal < first[call.run_id].ordinal:
                first[call.run_id] = call
        calls = list(first.values())
    if not calls:
        return None
    branches = radix(streaks(by_start(calls)))
    writers = [written._replace(call=agents.told(written.call)) for written in _writers(cursor, branches)]
    known = {**every, **agents.runs}
    proposed = len(known) - len(every)
    strangers = {written.call.run_id for written in writers} - known.keys()
    known |= named_runs(cursor, "r.run_id IN (SELECT unnest($1::VARCHAR[]))", list(strangers))
    holding = {call.run_id for call in calls}
    limbs = [_limb(branch, within(writers, branch.stretches, branch.places), known, prompts) for branch in branches]
    return PrefixTree(whose, calls[0].namespace, len(holding), total + proposed, proposed, limbs)


def _writers(cursor: Cursor, branches: Sequence[Branch]) -> list[Written]:
    """Who wrote the blocks of the branches, among all that is open."""
    wanted = [stretch for branch in branches for stretch in branch.stretches]
    space = {
        "space": branches[0].holders[0].namespace,
        "low": min((first for first, _ in wanted), default=0),
        "high": max((first + count for first, count in wanted), default=0),
    }
    inside = "b.namespace = $space AND b.first_block < $high AND b.first_block::HUGEINT + b.block_count > $low"
    conversations: dict[str, list[Call]] = {}
    for conversation, call in read_calls(cursor, inside, space):
        conversations.setdefault(conversation, []).append(call)
    return first_writers(by_start(*conversations.values()), wanted)


def _limb(branch: Branch, placed: Iterable[tuple[int, Written]], runs: Mapping[str, Named], prompts: Prompts) -> Limb:
    size = branch.holders[0].block_tokens
    tokens = None if size is None else branch.blocks * size
    whole = branch.holders[0].input_tokens
    if whole is not None and branch.ends and prompts == "first" and (size is not None or not branch.position):
        tokens = max(0, whole - branch.position * (size or 0))
    return Limb(
        branch.above,
        branch.depth,
        branch.position,
        branch.blocks,
        tokens,
        [Piece(place, written.first, written.blocks, _use(written.call, runs)) for place, written in placed],
        [_use(call, runs) for call in branch.holders],
        branch.ends,
    )


def _use(call: Call, runs: Mapping[str, Named]) -> Use:
    run = runs.get(call.run_id) or Named(call.run_id, call.run_id, call.run_id, None)
    return Use(run, call.ordinal, call.start_ms, call.end_ms)


class Reader(NamedTuple):
    """What one run did with a block."""

    run: Named
    steps: int
    """How many of its prompts hold it."""
    first: int
    """Ordinal of the first of these."""
    first_ms: int | None
    last: int
    last_ms: int | None
    longest_gap_ms: int | None
    """The longest time without any use by anybody before a use by this run."""
    ended_before: bool | None
    """Whether the step that wrote the block had ended by the first; None for the writer, or without times."""


class Passport(NamedTuple):
    """Who wrote a block, who read it, and for how long it was in use."""

    namespace: str
    block: int
    position: int
    """Where it stands in the prompt that wrote it."""
    first: int
    """The blocks from here to ``last`` have one and the same history."""
    last: int
    readers: list[Reader]
    """The writer first, then the others in order of arrival."""
    uses: int
    life_ms: int | None
    """From the step that wrote it to the last that read it."""
    longest_gap_ms: int | None


def passport(cursor: Cursor, namespace: str, block: int) -> Passport | None:
    """The passport of a block; None when no prompt holds it."""
    rows = cursor.execute("FROM block_passport($1, $2)", [namespace, block]).fetchall()
    if not rows:
        return None
    runs = named_runs(cursor, "r.run_id IN (SELECT unnest($1::VARCHAR[]))", sorted({row[1] for row in rows}))
    readers: dict[str, Reader] = {}
    gaps = [row[7] for row in rows if row[7] is not None]
    for _, run_id, ordinal, at_ms, _, _, _, gap, ended in rows:
        before = readers.get(run_id)
        if before is None:
            named = runs.get(run_id) or Named(run_id, run_id, run_id, None)
            readers[run_id] = Reader(named, 1, ordinal, at_ms, ordinal, at_ms, gap, ended)
        else:
            longest = max((g for g in (gap, before.longest_gap_ms) if g is not None), default=None)
            readers[run_id] = before._replace(
                steps=before.steps + 1, last=ordinal, last_ms=at_ms, longest_gap_ms=longest
            )
    times = [row[3] for row in rows]
    life = None if None in times else times[-1] - times[0]
    first, last = one(
        cursor,
        """
        WITH bounds AS (
            SELECT unnest([first_block::HUGEINT, first_block::HUGEINT + block_count]) AS bound
            FROM block_runs
            WHERE namespace = $1
        )
        SELECT max(bound) FILTER (bound <= $2), min(bound) FILTER (bound > $2) - 1 FROM bounds
        """,
        [namespace, block],
    ) or (block, block)
    position = rows[0][5]
    return Passport(
        namespace, block, position, first, last, list(readers.values()), len(rows), life, max(gaps, default=None)
    )
