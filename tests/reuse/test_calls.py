from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.calls import Lineage, by_start, lineage_of, split_prefix
from tests.reuse.by_sets import Prompt, World, call_of, in_common, in_order_of_arrival, stretches_of, worlds
from tests.store.world import agent, run

ids_ = st.lists(st.integers(0, 4), max_size=8)
cuts_ = st.sets(st.integers(0, 8))


def order(*prompts: tuple[str, int | None]) -> list[int]:
    """Indexes in order of start of (run, start) pairs."""
    calls = [call_of(Prompt(run, index, start, [1], None), 64) for index, (run, start) in enumerate(prompts)]
    return [call.ordinal for call in by_start(calls)]


def test_calls_arrive_by_start_and_ties_by_the_record() -> None:
    assert order(("main", 5), ("x", 3), ("y", 5), ("z", 3)) == [1, 3, 0, 2]


def test_a_call_without_a_start_stands_behind_the_call_before_it_in_its_run() -> None:
    assert order(("main", 0), ("main", 9), ("x", 2), ("x", None), ("x", 4)) == [0, 2, 3, 4, 1]


def test_a_run_without_any_start_stands_behind_the_call_that_is_recorded_before_it() -> None:
    assert order(("main", 0), ("main", 5), ("x", None), ("x", None), ("main", 9)) == [0, 1, 2, 3, 4]


def test_without_any_time_calls_arrive_as_they_are_recorded() -> None:
    assert order(("main", None), ("x", None), ("main", None)) == [0, 1, 2]


def test_conversations_without_a_common_clock_each_begin_at_0() -> None:
    first = [call_of(Prompt("a", ordinal, start, [1], None), 64) for ordinal, start in enumerate((0, 50))]
    second = [call_of(Prompt("b", ordinal, start, [1], None), 64) for ordinal, start in enumerate((None, 10))]
    assert [(call.run_id, call.ordinal) for call in by_start(first, second)] == [("a", 0), ("b", 0), ("b", 1), ("a", 1)]


@given(worlds())
def test_the_order_of_arrival_is_that_of_the_definition(world: World) -> None:
    expected = [(prompt.run, prompt.ordinal) for prompt in in_order_of_arrival(world.prompts)]
    assert [(call.run_id, call.ordinal) for call in by_start(world.calls())] == expected


@given(ids_, cuts_, ids_, cuts_)
def test_a_prompt_is_split_where_it_leaves_a_known_one_however_both_are_cut(
    known: list[int], known_cuts: set[int], prompt: list[int], cuts: set[int]
) -> None:
    before, now = stretches_of(known, known_cuts), stretches_of(prompt, cuts)
    common, rest = split_prefix(before, now)
    assert common == in_common(known, prompt)
    assert [block for first, count in rest for block in range(first, first + count)] == prompt[common:]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.integers(0, 8), cuts_, cuts_)
def test_a_prompt_that_extends_a_known_one_is_split_at_its_end_however_both_are_cut(
    prompt: list[int], length: int, known_cuts: set[int], cuts: set[int]
) -> None:
    known = prompt[:length]
    before, now = stretches_of(known, known_cuts), stretches_of(prompt, cuts)
    assert split_prefix(before, now)[0] == len(known)


@pytest.mark.parametrize(
    ("parents", "above"),
    [
        ({"x": "main", "main": None}, ["main"]),
        ({"x": "y", "y": "main", "main": None}, ["y", "main"]),
        ({"x": "nobody"}, ["nobody"]),
        ({"x": "x"}, []),
        ({"x": "y", "y": "x"}, ["y"]),
        ({"x": "y", "y": "z", "z": "y"}, ["y", "z"]),
        ({"x": "y", "y": "y"}, ["y"]),
    ],
)
def test_the_agents_above_are_named_once_even_in_a_circle(parents: dict[str, str | None], above: list[str]) -> None:
    assert Lineage({}, {}, parents).ancestors("x") == above


def test_runs_below_one_parent_are_a_group_and_roots_are_not() -> None:
    parents = {"b": "main", "a": "main", "main": None, "root": None, "lone": "a"}
    assert Lineage({}, parents, {}).sibling_groups(parents) == [["a", "b"]]


class TestLineageOf:
    def test_turns_of_an_agent_take_part_as_that_agent(self):
        agents = [agent("main"), agent("helper", "main")]
        runs = [
            run("main/1", "main"),
            run("main/2", "main"),
            run("helper/1", "helper", "main/1", spawn_tool_call_id="t"),
        ]
        lineage = lineage_of(agents, runs)
        assert lineage.agent_of == {"main/1": "main", "main/2": "main", "helper/1": "helper"}
        assert lineage.parent_agent == {"main": None, "helper": "main"}

    def test_runs_that_were_spawned_of_one_definition_are_siblings_and_what_they_spawn_is_theirs(self):
        agents = [agent("main"), agent("sage", "main"), agent("scout", "sage")]
        runs = [
            run("main/1", "main"),
            run("sage/1", "sage", "main/1", spawn_tool_call_id="t"),
            run("sage/2", "sage", "main/1", spawn_tool_call_id="t"),
            run("scout/1", "scout", "sage/2", spawn_tool_call_id="u"),
        ]
        lineage = lineage_of(agents, runs)
        assert lineage.agent_of == {"main/1": "main", "sage/1": "sage/1", "sage/2": "sage/2", "scout/1": "scout"}
        assert lineage.ancestors("sage/1") == ["main"]
        assert lineage.ancestors("scout") == ["sage/2", "main"]
