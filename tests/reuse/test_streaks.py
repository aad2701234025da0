"""Streaks against what they are said to be, id by id."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.by_model import by_model
from explorer.reuse.calls import Call, by_start
from explorer.reuse.hidden import hidden_agents
from explorer.reuse.radix import radix
from explorer.reuse.recall import Recalled, recall
from explorer.reuse.streaks import Streak, streaks
from tests.reuse.by_sets import World, stretches_of, worlds
from tests.reuse.test_recency import cuts


def ids_of(call: Call) -> list[int]:
    return [block for first, count in call.stretches for block in range(first, first + count)]


@given(worlds(), cuts, st.lists(st.sampled_from("aab"), min_size=10, max_size=10))
def test_a_streak_is_all_that_goes_on_with_new_blocks(world: World, cuts: list[int], models: list[str]) -> None:
    calls = by_start(world.calls())
    calls = [
        call._replace(stretches=stretches_of(ids_of(call), cuts), model=model)
        for call, model in zip(calls, models, strict=False)
    ]
    found = streaks(calls)
    assert [call for streak in found for call in streak.calls] == calls
    heads = {id(streak.calls[0]) for streak in found}
    seen: set[int] = set()
    for before, call in zip([None, *calls], calls, strict=False):
        ids = ids_of(call)
        if before is not None:
            last, grown = ids_of(before), ids[len(ids_of(before)) :]
            goes_on = (
                (call.run_id, call.model) == (before.run_id, before.model)
                and ids[: len(last)] == last
                and len(set(ids)) == len(ids)
                and not seen & set(grown)
                and (call.input_tokens is None or call.input_tokens >= len(last) * (call.block_tokens or 0))
            )
            cut_elsewhere = call.stretches[: len(before.stretches) - 1] != before.stretches[:-1]
            assert (id(call) not in heads) == (goes_on and not cut_elsewhere)
        seen |= set(ids)
    for streak in found:
        grown = [block for first, count in streak.growth for block in range(first, first + count)]
        assert ids_of(streak.calls[0]) + grown == ids_of(streak.calls[-1])


@given(worlds(most_agents=2), st.lists(st.tuples(st.sampled_from("aaab"), st.integers(0, 3)), min_size=10, max_size=10))
def test_whatever_is_told_by_streaks_is_what_is_told_call_by_call(world: World, drawn: list[tuple[str, int]]) -> None:
    calls = [
        call._replace(model=model, end_ms=None if call.start_ms is None else call.start_ms + took)
        for call, (model, took) in zip(by_start(world.calls()), drawn, strict=False)
    ]
    assert told(streaks(calls), world) == told([Streak([call], []) for call in calls], world)


def told(arrived: list[Streak], world: World) -> list[object]:
    rows = Recalled()
    recall(arrived, world.lineage, rows)
    tables = [sorted(zip(*table, strict=True), key=repr) for table in (rows.prompts, rows.optimal, rows.steps)]
    tree = [branch._replace(stretches=[], places=[]) for branch in radix(arrived)]
    of_runs = [[streak for streak in arrived if streak.calls[0].run_id == run] for run in world.agent_of]
    return [*tables, tree, list(by_model(arrived, world.lineage)), [list(hidden_agents(run)) for run in of_runs]]
