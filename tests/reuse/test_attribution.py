from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.model import StepReuse
from explorer.reuse.attribution import Attribution
from explorer.reuse.calls import Call, Lineage, by_start
from explorer.reuse.streaks import streaks
from tests.reuse.by_sets import Prompt, World, as_hits, call_of, hits, leading, prompts, stretches_of, worlds


def attributed(world: World, cuts: st.DataObject | None = None) -> list[StepReuse]:
    calls = by_start(world.calls())
    if cuts:
        calls = [call._replace(stretches=cut(call, cuts)) for call in calls]
    return rows_of(calls, world.lineage)


def rows_of(calls: list[Call], lineage: Lineage) -> list[StepReuse]:
    """By streaks, and one by one all the same."""
    by_streaks, one_by_one = Attribution(lineage), Attribution(lineage)
    rows = [row for streak in streaks(calls) for row in by_streaks.add_all(streak)]
    assert rows == [one_by_one.add(call) for call in calls]
    assert by_streaks.numbering == one_by_one.numbering
    assert by_streaks.chain.holds == one_by_one.chain.holds
    return [StepReuse(*row) for row in rows]


def cut(call: Call, data: st.DataObject) -> list[tuple[int, int]]:
    ids = [block for first, count in call.stretches for block in range(first, first + count)]
    return stretches_of(ids, data.draw(st.sets(st.integers(0, len(ids)))))


@given(worlds())
def test_every_prompt_is_attributed_as_by_looking_each_id_up_in_the_sets_of_earlier_ones(world: World) -> None:
    assert {(row.run_id, row.ordinal): as_hits(row) for row in attributed(world)} == hits(world)


timed = st.lists(st.integers(0, 12), min_size=10, max_size=10)
in_turn = timed | timed.map(sorted)


@given(worlds(), in_turn, timed, st.sets(st.integers(0, 9)))
def test_causally_only_what_had_ended_is_found_and_never_more_than_by_arrival(
    world: World, starts: list[int], durations: list[int], endless: set[int]
) -> None:
    prompts = [prompt._replace(start=start) for prompt, start in zip(world.prompts, starts, strict=False)]
    world = world._replace(prompts=prompts)
    length = dict.fromkeys(endless, 0)  # without an end, a prompt is there from its start
    ends = {(p.run, p.ordinal): starts[i] + length.get(i, durations[i]) for i, p in enumerate(prompts)}
    calls = [
        call._replace(end_ms=None if i in endless else ends[call.run_id, call.ordinal])
        for i, call in enumerate(world.calls())
    ]
    rows = {(row.run_id, row.ordinal): row for row in rows_of(by_start(calls), world.lineage)}
    for key, expected in hits(world, ends).items():
        row = rows[key]
        causal = row.causal_own, row.causal_ancestor, row.causal_sibling, row.causal_other
        assert causal == expected[:4]
        tokens = row.causal_own_tokens, row.causal_ancestor_tokens, row.causal_sibling_tokens, row.causal_other_tokens
        assert tokens == (expected.tokens or (None,) * 4)
        assert sum(causal) <= row.hit_own + row.hit_ancestor + row.hit_sibling + row.hit_other


@given(worlds(), st.data())
def test_attribution_does_not_depend_on_how_prompts_are_cut_into_stretches(world: World, data: st.DataObject) -> None:
    assert attributed(world, data) == attributed(world)


@given(worlds())
def test_hits_and_fresh_blocks_are_never_more_than_the_prompt(world: World) -> None:
    sizes = {(prompt.run, prompt.ordinal): len(prompt.ids) for prompt in world.prompts}
    for row in attributed(world):
        found = row.hit_own + row.hit_ancestor + row.hit_sibling + row.hit_other
        assert row.blocks == sizes[row.run_id, row.ordinal]
        assert 0 <= found <= found + row.fresh_blocks <= row.blocks


@given(worlds(), st.dictionaries(st.sampled_from(["a0", "a1", "a2", "a3", "a4"]), st.sampled_from(["a0", "a1", "?"])))
def test_a_damaged_hierarchy_still_adds_up_to_what_anyone_had_written(
    world: World, damage: dict[str, str | None]
) -> None:
    """Circles, parents of themselves, parents nobody recorded, runs of no agent."""
    lineage = Lineage({run: agent for run, agent in world.agent_of.items() if agent != "a1"}, {}, damage)
    arrived = Attribution(lineage)
    seen: set[int] = set()
    for call in by_start(world.calls()):
        ids = [block for first, count in call.stretches for block in range(first, first + count)]
        row = StepReuse(*arrived.add(call))
        assert row.hit_own + row.hit_ancestor + row.hit_sibling + row.hit_other == leading(ids, seen)
        seen.update(ids)


@given(st.data())
def test_the_parent_of_nobody_is_no_parent_to_share(data: st.DataObject) -> None:
    """Roots are not each other's siblings: what they share is other."""
    roots = {"a": None, "b": None}
    world = World(roots, {"a": "a", "b": "b"}, {"a": None, "b": None}, data.draw(prompts(["a", "b"], None)), None)
    assert all(row.hit_ancestor == row.hit_sibling == 0 for row in attributed(world))


FAMILY = World(
    {"main": None, "x": "main", "y": "main", "z": "x"},
    {"main": "main", "x": "x", "y": "y", "z": "z"},
    {"main": None, "x": "main", "y": "main", "z": "x"},
    [
        Prompt("main", 1, 0, [1, 2, 3], 12),
        Prompt("x", 1, 1, [1, 2, 10, 11], 16),  # two of main, two new
        Prompt("y", 1, 2, [1, 2, 10, 12], 16),  # two of main, one of x, one new
        Prompt("z", 1, 3, [1, 10, 12, 13], 16),  # of main, of x above it, then only y, no sibling of z, has 12
        Prompt("x", 2, 4, [1, 2, 10, 11, 12, 14], 24),  # four of its own, one of y
        Prompt("main", 2, 5, [1, 2, 3, 11, 15], 20),  # three of its own, one that x wrote below it
    ],
    4,
)


def test_a_family_small_enough_to_check_by_hand() -> None:
    found = {f"{row.run_id}{row.ordinal}": tuple(as_hits(row))[:5] for row in attributed(FAMILY)}
    assert found == {
        "main1": (0, 0, 0, 0, 3),
        "x1": (0, 2, 0, 0, 2),
        "y1": (0, 2, 1, 0, 1),
        "z1": (0, 2, 0, 1, 1),
        "x2": (4, 0, 1, 0, 1),
        "main2": (3, 0, 0, 1, 1),
    }


def test_blocks_behind_the_first_miss_are_neither_hits_nor_fresh() -> None:
    world = FAMILY._replace(prompts=[Prompt("main", 1, 0, [1, 2, 3], None), Prompt("main", 2, 1, [1, 9, 3], None)])
    assert [(row.blocks, row.hit_own, row.fresh_blocks) for row in attributed(world)] == [(3, 0, 3), (3, 1, 1)]


def test_runs_of_one_agent_find_what_its_earlier_runs_wrote() -> None:
    world = World(
        {"a": None}, {"a/1": "a", "a/2": "a"}, {"a/1": None, "a/2": None},
        [Prompt("a/1", 1, 0, [1, 2], None), Prompt("a/2", 1, 1, [1, 2, 3], None)], None,
    )  # fmt: skip
    assert [row.hit_own for row in attributed(world)] == [0, 2]


def test_a_repeated_last_block_counts_the_tokens_it_holds() -> None:
    """Ten tokens in blocks of four: the third block holds two."""
    twice = [Prompt("main", 1, 0, [1, 2, 3], 10), Prompt("main", 2, 1, [1, 2, 3], 10)]
    assert attributed(FAMILY._replace(prompts=twice))[1].hit_own_tokens == 10


def test_the_partial_last_block_belongs_to_whom_it_is_attributed() -> None:
    prompts = [Prompt("main", 1, 0, [1, 2], 8), Prompt("x", 1, 1, [7, 8], 8), Prompt("y", 1, 2, [1, 2, 7], 9)]
    rows = [row for row in attributed(FAMILY._replace(prompts=prompts)) if row.run_id == "y"]
    assert [(row.hit_ancestor_tokens, row.hit_sibling_tokens) for row in rows] == [(8, 1)]


def test_without_a_block_size_hits_have_no_tokens() -> None:
    assert {row.hit_own_tokens for row in attributed(FAMILY._replace(size=None))} == {None}


def test_an_agent_nobody_recorded_is_its_own_run() -> None:
    arrived = Attribution(Lineage({}, {}, {}))
    prompt = Prompt("stray", 1, None, [1, 2], None)
    assert [StepReuse(*arrived.add(call_of(prompt, 64))).hit_own for _ in range(2)] == [0, 2]
