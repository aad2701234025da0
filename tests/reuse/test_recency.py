"""The stack against caches that are played through block by block, at every capacity."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.recency import Recency, Touched
from tests.reuse.by_sets import World, leading, stretches_of, worlds

tries = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=14)
"""Of each prompt: which earlier one it goes on from, how many of its blocks it keeps, how many it adds."""

cuts = st.lists(st.integers(1, 9), max_size=2)
"""Where stretches end although the ids go on."""


def chained(steps: list[tuple[int, int, int]]) -> list[list[int]]:
    """Prompts whose ids are numbered by first appearance and stand for their whole prefix, as real recordings have."""
    made: list[list[int]] = []
    fresh = 0
    for other, kept, added in steps:
        ids = made[-1] if made and kept > 6 else made[other % len(made)][:kept] if made else []
        made.append([*ids, *range(fresh, fresh + added)])
        fresh += added
    return made


def played(prompts: Sequence[Sequence[Hashable]], capacity: int) -> list[int]:
    """The leading blocks of each prompt that are in a cache which drops what was not used the longest."""
    cache: OrderedDict[Hashable, None] = OrderedDict()
    hits = []
    for ids in prompts:
        hits.append(next((index for index, block in enumerate(ids) if block not in cache), len(ids)))
        for block in reversed(ids):
            cache[block] = None
            cache.move_to_end(block)
        while len(cache) > capacity:
            cache.popitem(last=False)
    return hits


def fitting(found: list[Touched], capacity: int) -> int:
    """What of a prompt is hit in a cache of this size."""
    blocks = 0
    for touched in found:
        distances = range(touched.first, touched.last + 1)
        each = touched.blocks // len(distances)
        assert each * len(distances) == touched.blocks
        blocks += each * sum(distance <= capacity for distance in distances)
    return blocks


def assert_plays(prompts: list[list[int]], cuts: list[int]) -> None:
    cache = Recency(len(prompts))
    found = [cache.add("c", stretches_of(ids, cuts)) for ids in prompts]
    distinct = len({block for ids in prompts for block in ids})
    for capacity in range(distinct + 2):
        assert [fitting(one, capacity) for one in found] == played(prompts, capacity)
    for one in found:
        reached = [distance for touched in one for distance in (touched.first, touched.last)]
        assert reached == sorted(reached), "a block is hit no sooner than those ahead of it"


@given(tries, cuts)
def test_every_capacity_of_chained_prompts_hits_what_a_cache_of_it_does(
    steps: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    assert_plays(chained(steps), cuts)


@given(worlds(tokens=False), cuts)
def test_every_capacity_hits_what_a_cache_of_it_does_when_blocks_move_and_repeat(world: World, cuts: list[int]) -> None:
    assert_plays([prompt.ids for prompt in world.prompts], cuts)


@given(worlds(tokens=False), st.lists(st.booleans(), min_size=10, max_size=10))
def test_blocks_of_two_namespaces_share_a_cache_and_nothing_else(world: World, sides: list[bool]) -> None:
    prompts = [[(side, block) for block in prompt.ids] for side, prompt in zip(sides, world.prompts, strict=False)]
    cache = Recency(10)
    found = [cache.add(str(side), stretches_of(p.ids)) for side, p in zip(sides, world.prompts, strict=False)]
    for capacity in range(len({block for ids in prompts for block in ids}) + 2):
        assert [fitting(one, capacity) for one in found] == played(prompts, capacity)


def test_what_a_prompt_grows_by_stands_behind_it_even_if_its_ids_go_on_from_some_in_it() -> None:
    cache = Recency(3)
    cache.add("c", [(4, 1), (0, 1)])
    cache.grow("c", [(5, 1)])
    cache.add("c", [(6, 1)])
    assert fitting(cache.add("c", [(5, 1)]), 3) == 0
    assert played([[4, 0], [4, 0, 5], [6], [5]], 3)[-1] == 0


@given(worlds(tokens=False))
def test_what_was_touched_since_a_call_is_the_distinct_blocks_of_it_and_those_behind_it(world: World) -> None:
    cache = Recency(len(world.prompts))
    for number, prompt in enumerate(world.prompts):
        cache.add("c", stretches_of(prompt.ids))
        for call in range(number + 1):
            later = [block for other in world.prompts[call : number + 1] for block in other.ids]
            assert cache.since(call) + cache.last == len(set(later))


@given(worlds(tokens=False))
def test_the_call_told_is_the_least_recent_of_the_last_touches_so_far(world: World) -> None:
    cache, touched = Recency(10), dict[int, int]()
    for number, prompt in enumerate(world.prompts):
        calls = [touched[block] for block in prompt.ids[: leading(prompt.ids, set(touched))]]
        expected = [min(calls[: index + 1]) for index in range(len(calls))]
        found = cache.add("c", stretches_of(prompt.ids))
        assert [one.prompt for one in found for _ in range(one.blocks)] == expected
        touched |= dict.fromkeys(prompt.ids, number)
