from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.attribution import Attribution
from explorer.reuse.calls import Call, Lineage
from tests.reuse.by_sets import World, in_order_of_arrival, is_chained, stretches_of, worlds


def chained(prompts: list[list[int]], cuts: set[int] | None = None) -> bool:
    arrived = Attribution(Lineage({}, {}, {}))
    for ordinal, ids in enumerate(prompts):
        arrived.add(Call("main", ordinal, None, None, 64, "c", stretches_of(ids, cuts or ()), len(ids)))
    return arrived.chain.holds


@pytest.mark.parametrize(
    ("prompts", "holds"),
    [
        ([[1, 2, 3], [1, 2, 4], [1, 2, 4, 5]], True),
        ([[0, 1], [5, 6], [0, 1, 2]], True),
        ([[1, 2, 3], [9, 2, 3]], False),  # 2 behind 1 and behind 9
        ([[1, 2, 3], [2, 3]], False),  # 2 at two positions
        ([[5, 9, 10], [7, 8, 9]], False),  # 9 behind 5, then behind 8
        ([[7, 8, 9], [5, 9]], False),
        ([[1, 1]], False),  # 1 at two positions of one prompt
        ([[1, 2, 1, 2]], False),
        ([[4, 2], [6, 2]], False),  # as far in, behind another
        ([[1, 9], [8, 9]], False),  # behind the id before it the second time only
        ([[8, 9], [1, 9]], False),  # and the first time only
        ([], True),
    ],
)
def test_ids_are_chained_when_each_has_one_position_and_one_predecessor(prompts: list[list[int]], holds: bool) -> None:
    assert chained(prompts) is holds


few = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=3), max_size=3)
many = st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=6), max_size=5)


@given(few | many, st.sets(st.integers(0, 6)))
def test_chaining_is_found_as_by_going_id_by_id_however_prompts_are_cut(
    prompts: list[list[int]], cuts: set[int]
) -> None:
    assert chained(prompts, cuts) == is_chained(prompts)


@given(st.recursive(st.just([]), lambda below: st.lists(below, max_size=3), max_leaves=12), st.booleans())
def test_the_paths_of_any_tree_are_chained(tree: list[object], numbered_by_depth: bool) -> None:
    """Ids given to the nodes of a tree in either order; every path from the root is a prompt."""
    paths: list[list[int]] = []
    waiting: list[tuple[list[object], list[int]]] = [(tree, [])]
    while waiting:
        node, above = waiting.pop() if numbered_by_depth else waiting.pop(0)
        paths.append([*above, len(paths)])
        waiting += [(child, paths[-1]) for child in node]
    assert chained(paths)


@given(worlds())
def test_chaining_is_that_of_the_whole_recording(world: World) -> None:
    assert chained([prompt.ids for prompt in in_order_of_arrival(world.prompts)]) == is_chained(
        prompt.ids for prompt in world.prompts
    )
