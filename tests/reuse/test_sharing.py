from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.model import RunFootprint, SiblingPair
from explorer.reuse.calls import Lineage
from explorer.reuse.derive import derive
from tests.readers.reading import single
from tests.reuse.by_sets import Prompt, World, blocks_of, derived, in_common, siblings, worlds


def footprints(world: World) -> dict[str, RunFootprint]:
    return {row.run_id: row for row in derived({"c": world}) if isinstance(row, RunFootprint)}


def pairs(world: World) -> list[SiblingPair]:
    return [row for row in derived({"c": world}) if isinstance(row, SiblingPair)]


def shape(row: RunFootprint) -> tuple[int, int | None, int | None, int | None]:
    return row.unique_blocks, row.unique_tokens, row.shared_parent, row.shared_siblings


@given(worlds())
def test_footprints_are_the_sizes_of_the_sets_of_ids(world: World) -> None:
    held = blocks_of(world)
    expected = {}
    for run, ids in held.items():
        parent, others = world.parent_run[run], siblings(world, run)
        expected[run] = (
            len(ids),
            None if world.size is None else len(ids) * world.size,
            None if parent is None else len(ids & held.get(parent, set())),
            len(ids & set().union(*(held.get(other, set()) for other in others))) if others else None,
        )
    assert {run: shape(row) for run, row in footprints(world).items()} == expected


@given(worlds())
def test_pairs_are_the_siblings_that_share_ids(world: World) -> None:
    held = blocks_of(world)
    first: dict[str, list[int]] = {}
    for prompt in sorted(world.prompts, key=lambda p: p.ordinal):
        first.setdefault(prompt.run, prompt.ids)
    expected = [
        SiblingPair(a, b, shared, in_common(first[a], first[b]))
        for a in sorted(held)
        for b in sorted(siblings(world, a))
        if a < b and b in held and (shared := len(held[a] & held[b]))
    ]
    assert sorted(pairs(world), key=lambda pair: (pair.run_a, pair.run_b)) == expected


@given(worlds())
def test_a_pair_shares_no_more_than_the_smaller_of_the_two_holds(world: World) -> None:
    sizes = {run: row.unique_blocks for run, row in footprints(world).items()}
    for pair in pairs(world):
        assert 0 < pair.shared_blocks <= min(sizes[pair.run_a], sizes[pair.run_b])


@given(worlds(), st.dictionaries(st.sampled_from(["a0/1", "a1/1", "a2/1"]), st.sampled_from(["a0/1", "a1/1", "?"])))
def test_a_damaged_hierarchy_of_runs_is_shared_without_end_or_error(
    world: World, damage: dict[str, str | None]
) -> None:
    """Circles, runs that are their own parent, parents nobody recorded."""
    lineage = Lineage(world.agent_of, {**world.parent_run, **damage}, world.parent_agent)
    found = [each for row in derive({"c": world.calls()}, {"c": None}, lineage) for each in single(row)]
    assert {row.run_id for row in found if isinstance(row, RunFootprint)} == blocks_of(world).keys()


def children(*prompts: list[int]) -> World:
    """A main run without prompts, and a child for each prompt."""
    runs = {"main": None} | {f"x{i}": "main" for i in range(len(prompts))}
    told = [Prompt(f"x{i}", 1, i, ids, None) for i, ids in enumerate(prompts) if ids]
    return World(runs, {run: run for run in runs}, runs, told, 64)


def test_three_siblings_small_enough_to_check_by_hand() -> None:
    world = children([1, 2, 3, 4], [1, 2, 7], [9, 7])
    assert pairs(world) == [SiblingPair("x0", "x1", 2, 2), SiblingPair("x1", "x2", 1, 0)]
    assert {run: shape(row) for run, row in footprints(world).items()} == {
        "x0": (4, 256, 0, 2),
        "x1": (3, 192, 0, 3),
        "x2": (2, 128, 0, 1),
    }


def test_a_sibling_without_blocks_is_a_sibling_that_shares_none() -> None:
    assert footprints(children([1, 2], []))["x0"].shared_siblings == 0
    assert footprints(children([1, 2]))["x0"].shared_siblings is None


def test_the_first_step_is_the_one_of_the_lowest_number_whenever_it_arrived() -> None:
    runs = {"main": None, "x": "main", "y": "main"}
    told = [Prompt("x", 2, 0, [5, 6], None), Prompt("x", 1, 9, [1, 5], None), Prompt("y", 1, 5, [1, 5, 6], None)]
    (pair,) = pairs(World(runs, {run: run for run in runs}, runs, told, None))
    assert (pair.shared_blocks, pair.first_step_prefix) == (3, 2)
