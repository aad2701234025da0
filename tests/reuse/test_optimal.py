"""The best that any cache could do, against caches that are played through block by block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.optimal import Kept, optimal
from explorer.reuse.recency import Recency
from explorer.reuse.streaks import Streak, streaks
from tests.reuse.by_sets import Prompt, World, call_of, leading, stretches_of, worlds
from tests.reuse.test_recency import chained, cuts, played, tries


def best(prompts: Sequence[list[int]], cuts: Sequence[int] = ()) -> list[list[Kept]]:
    """By streaks: what all prompts but the first of each find is what is given."""
    calls = [call_of(Prompt("r", number, None, ids, None), None) for number, ids in enumerate(prompts)]
    cached = streaks(call._replace(stretches=stretches_of(ids, cuts)) for call, ids in zip(calls, prompts, strict=True))
    stack, reused = Recency(len(cached)), []
    for (first, *_), growth in cached:
        stack.add("c", first.stretches)
        reused.append(stack.reused)
        stack.grow("c", growth)
    found: list[list[Kept]] = []
    for kept, (grown, _) in zip(optimal(reused, [read_before(streak) for streak in cached]), cached, strict=True):
        found += [kept, *([Kept(0, call.blocks, 1, call.blocks)] for call in grown[:-1])]
    return found


def read_before(streak: Streak) -> int:
    return streak.calls[-2].blocks if len(streak.calls) > 1 else 0


def fitting(kept: list[Kept], capacity: int) -> int:
    return sum(
        blocks // (last - first + 1) * max(0, min(capacity, last) - first + 1) for _, blocks, first, last in kept
    )


def foreseen(prompts: Sequence[list[int]], capacity: int) -> list[int]:
    """Belady's rule: of the leaves, the one whose next use is the farthest is evicted, until the rest fits."""
    parents = {block: ids[:index] for ids in prompts for index, block in enumerate(ids)}
    held: set[int] = set()
    hits = []
    for number, ids in enumerate(prompts):
        hits.append(leading(ids, held))
        held |= set(ids)
        while len(held) > capacity:
            leaves = held - {above for block in held for above in parents[block]}
            uses = {
                leaf: next((n for n in range(number + 1, len(prompts)) if leaf in prompts[n]), len(prompts))
                for leaf in sorted(leaves)
            }
            held.remove(max(uses, key=lambda leaf: uses[leaf]))
        assert all(set(parents[block]) <= held for block in held), "no block is held without those before it"
    return hits


@given(tries, cuts)
def test_every_capacity_hits_what_a_cache_that_knows_the_future_does(
    steps: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    prompts = chained(steps)
    found = best(prompts, cuts)
    for capacity in range(len({block for ids in prompts for block in ids}) + 2):
        hits = [fitting(one, capacity) for one in found]
        assert sum(hits) == sum(foreseen(prompts, capacity))
        assert sum(hits) >= sum(played(prompts, capacity))
    for ids, one in zip(prompts, found, strict=True):
        assert [block for position, blocks, *_ in one for block in ids[position : position + blocks]] == ids[
            : sum(blocks for _, blocks, *_ in one)
        ]
        assert [first for *_, first, _ in one] == sorted(first for *_, first, _ in one), "what is nearer is hit sooner"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=5))
def test_no_choice_of_what_to_hold_hits_more(steps: list[tuple[int, int, int]]) -> None:
    prompts = chained(steps)
    found = best(prompts)
    for capacity in range(4):
        assert sum(fitting(one, capacity) for one in found) == most(tuple(map(tuple, prompts)), capacity)


def most(prompts: tuple[tuple[int, ...], ...], capacity: int) -> int:
    """Every choice tried."""

    @cache
    def from_here(number: int, held: frozenset[int]) -> int:
        if number == len(prompts):
            return 0
        hits = leading(prompts[number], set(held))
        return hits + max(from_here(number + 1, kept) for kept in subsets(held | set(prompts[number]), capacity))

    return from_here(0, frozenset())


def subsets(blocks: frozenset[int], most: int) -> list[frozenset[int]]:
    found = [frozenset[int]()]
    for block in blocks:
        found += [one | {block} for one in found if len(one) < most]
    return found


@given(worlds(tokens=False))
def test_where_blocks_move_and_repeat_it_is_a_bound_still(world: World) -> None:
    prompts = [prompt.ids for prompt in world.prompts]
    found = best(prompts)
    for capacity in range(len({block for ids in prompts for block in ids}) + 2):
        assert sum(fitting(one, capacity) for one in found) >= sum(played(prompts, capacity))
    seen: set[int] = set()
    for ids, one in zip(prompts, found, strict=True):
        assert fitting(one, 1_000) == leading(ids, seen)
        seen |= set(ids)
