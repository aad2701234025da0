"""Streaks against what they are said to be, id by id."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.calls import Call, by_start
from explorer.reuse.streaks import streaks
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
