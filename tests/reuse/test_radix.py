"""The prefix tree against one with a node for every id."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given

from explorer.reuse.calls import by_start
from explorer.reuse.radix import Branch, head, radix
from explorer.reuse.streaks import streaks
from tests.reuse.by_sets import Prompt, World, call_of, in_order_of_arrival, worlds

Place = tuple[int, ...]
"""All ids from the start of a prompt to a block: what a node of the tree stands for."""


def ids_of(branch: Branch) -> list[int]:
    return [block for first, count in branch.stretches for block in range(first, first + count)]


def place(branches: list[Branch], number: int) -> Place:
    """The ids down to the end of a branch."""
    branch = branches[number]
    return (*(place(branches, branch.above) if branch.above is not None else ()), *ids_of(branch))


def holders_by_place(prompts: list[Prompt]) -> dict[Place, dict[str, int]]:
    """Place -> run -> number of its first prompt to be there."""
    found: dict[Place, dict[str, int]] = defaultdict(dict)
    for prompt in prompts:
        for end in range(1, len(prompt.ids) + 1):
            found[tuple(prompt.ids[:end])].setdefault(prompt.run, prompt.ordinal)
    return found


@given(worlds())
def test_shared_branches_are_the_places_with_the_same_runs_and_leaves_what_one_has_alone(world: World) -> None:
    prompts = in_order_of_arrival(world.prompts)
    held = holders_by_place(prompts)
    branches = radix(streaks(by_start(world.calls())))
    on_a_branch: dict[Place, int] = {}
    alone: dict[str, int] = defaultdict(int)
    for number, branch in enumerate(branches):
        above = place(branches, branch.above) if branch.above is not None else ()
        assert branch.position == len(above)
        for (first, count), at in zip(branch.stretches, branch.places, strict=True):
            ids, runs = list(range(first, first + count)), [call.run_id for call in branch.holders]
            assert any(p.run in runs and list(p.ids[at : at + count]) == ids for p in prompts)
        if branch.ends:
            alone[branch.holders[0].run_id] += branch.blocks
            continue
        ids = ids_of(branch)
        for end in range(1, len(ids) + 1):
            on_a_branch[(*above, *ids[:end])] = number
        runs = [call.run_id for call in branch.holders]
        assert all(held[(*above, *ids[:end])].keys() == set(runs) for end in range(1, len(ids) + 1))
        assert {call.run_id: call.ordinal for call in branch.holders} == held[(*above, ids[0])]
        # Folded: not all that goes on from its end is one branch of the same runs.
        assert [len(other.holders) for other in branches if other.above == number] != [len(runs)]
    assert set(on_a_branch) == {at for at, runs in held.items() if len(runs) > 1}
    assert dict(alone) == {
        run: sum(runs.keys() == {run} for runs in held.values()) for run in {prompt.run for prompt in prompts}
    }


def test_three_runs_small_enough_to_draw() -> None:
    # 0─1─┬─2─3─┬─4   main, which goes on at step 2, and once more behind 3
    #     │     ├─5
    #     │     └     x ends here
    #     └─7─8       y
    prompts = [
        Prompt("main", 1, 0, [0, 1, 2], None), Prompt("x", 1, 1, [0, 1, 2, 3], None),
        Prompt("main", 2, 2, [0, 1, 2, 3, 4], None), Prompt("y", 1, 3, [0, 1, 7, 8], None),
        Prompt("main", 3, 4, [0, 1, 2, 3, 5], None),
    ]  # fmt: skip
    drawn = [
        (b.depth, b.position, b.stretches, [(call.run_id, call.ordinal) for call in b.holders], b.ends)
        for b in radix(streaks(call_of(prompt, 64) for prompt in prompts))
    ]
    assert drawn == [
        (0, 0, [(0, 2)], [("main", 1), ("x", 1), ("y", 1)], 0),
        (1, 2, [(2, 2)], [("main", 1), ("x", 1)], 0),
        (2, 4, [], [("x", 1)], 1),
        (2, 4, [(4, 1), (5, 1)], [("main", 2)], 2),
        (1, 2, [(7, 2)], [("y", 1)], 1),
    ]


def test_a_run_that_goes_back_and_on_otherwise_parts_from_what_it_had() -> None:
    told = [[0, 1, 2, 3], [0, 1], [0, 1, 4], [0, 1, 4, 5]]
    other = Prompt("other", 1, 9, [0, 1, 4, 6], None)
    prompts = [*(Prompt("a", n, n, ids, None) for n, ids in enumerate(told, 1)), other]
    branches = radix(streaks(call_of(prompt, 64) for prompt in prompts))
    assert [(b.depth, b.stretches, [(call.run_id, call.ordinal) for call in b.holders]) for b in branches] == [
        (0, [(0, 2)], [("a", 1), ("other", 1)]),
        (1, [(2, 2)], [("a", 1)]),
        (1, [(4, 1)], [("a", 3), ("other", 1)]),
        (2, [(5, 1)], [("a", 4)]),
        (2, [(6, 1)], [("other", 1)]),
    ]


def test_a_run_that_parts_more_often_than_the_stack_is_deep_is_one_leaf() -> None:
    calls = [call_of(Prompt("a", n, n, [*range(n), 10_000 + n], None), 64) for n in range(1, 1_200)]
    (leaf,) = radix(streaks(calls))
    assert (leaf.blocks, leaf.ends) == (2 * 1_199, 1_199)
    assert radix([]) == []


def test_the_head_of_stretches_cuts_one_in_two() -> None:
    assert head([(0, 3), (9, 4)], 5) == [(0, 3), (9, 2)]
    assert head([(0, 3)], 0) == []
