"""The rows of a cache that forgets, against sets of the prompts so far."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from explorer.model import COMPUTED, columns
from explorer.reuse.calls import by_start
from explorer.reuse.recall import OptimalRow, PromptRow, Recalled, recall
from explorer.reuse.streaks import streaks
from tests.reuse.by_sets import Prompt, World, in_common, in_order_of_arrival, leading, worlds
from tests.reuse.test_recency import played

starts = st.lists(st.integers(0, 30 * 60_000), min_size=10, max_size=10)
timed = st.tuples(worlds(), starts | starts.map(sorted)).map(
    lambda made: made[0]._replace(
        prompts=[prompt._replace(start=start) for prompt, start in zip(made[0].prompts, made[1], strict=False)]
    )
)
"""Recordings of half an hour in which every call has a time."""


class Rows(NamedTuple):
    prompts: list[PromptRow]
    optimal: list[OptimalRow]
    steps: list[tuple[Any, ...]]


def recalled(world: World) -> Rows:
    columns = Recalled()
    recall(streaks(by_start(world.calls())), world.lineage, columns)
    prompts, optimal, steps = (
        list(zip(*table, strict=True)) for table in (columns.prompts, columns.optimal, columns.steps)
    )
    return Rows(sorted(prompts, key=lambda row: row[:3]), optimal, steps)


def of_prompt(rows: Rows, prompt: Prompt) -> list[PromptRow]:
    return [row for row in rows.prompts if row[:2] == (prompt.run, prompt.ordinal)]


@given(timed)
def test_whatever_time_blocks_are_kept_the_prompts_hit_what_was_touched_since(world: World) -> None:
    rows, touched = recalled(world), dict[int, int]()
    for prompt in in_order_of_arrival(world.prompts):
        assert prompt.start is not None
        found = of_prompt(rows, prompt)
        for keep in {prompt.start - start for start in touched.values()}:
            hit = leading(prompt.ids, {block for block, last in touched.items() if prompt.start - last <= keep})
            assert sum(row[3] for row in found if row[6] is not None and row[6] <= keep) == hit
        touched |= dict.fromkeys(prompt.ids, prompt.start)


@given(worlds())
def test_the_rows_of_a_prompt_are_all_of_it_in_blocks_and_tokens(world: World) -> None:
    rows = recalled(world)
    for prompt in world.prompts:
        found = of_prompt(rows, prompt)
        assert [row[2] for row in found] == [sum(row[3] for row in found[:index]) for index in range(len(found))]
        assert sum(row[3] for row in found) == len(prompt.ids)
        reached = [row[2] + row[3] for row in found]
        for row, (start, end) in zip(found, pairwise([0, *reached]), strict=True):
            assert row[7] == (held(prompt, world.size, start, end) if world.size else None)
            if row[4] is not None and row[7] is not None:
                assert row[7] % row[3] == 0, "each of them holds as many"


def held(prompt: Prompt, size: int, start: int, end: int) -> int:
    """Tokens of some of the blocks of a prompt, one by one."""
    most = prompt.tokens
    return sum(size if most is None else max(0, min(size, most - index * size)) for index in range(start, end))


@given(worlds())
def test_the_rows_fit_the_capacities_that_the_prompts_do(world: World) -> None:
    rows = recalled(world)
    arrived = in_order_of_arrival(world.prompts)
    distinct = len({block for prompt in arrived for block in prompt.ids})
    for capacity in range(distinct + 2):
        hits = [sum(capacity_hits(row, capacity) for row in of_prompt(rows, prompt)) for prompt in arrived]
        assert hits == played([prompt.ids for prompt in arrived], capacity)


def capacity_hits(row: PromptRow, capacity: int) -> int:
    _, _, _, blocks, first, last, _, _ = row
    if first is None or last is None:
        return 0
    return sum(blocks // (last - first + 1) for distance in range(first, last + 1) if distance <= capacity)


@given(timed)
def test_a_step_tells_what_it_repeats_and_the_working_sets_that_end_with_it(world: World) -> None:
    rows = recalled(world)
    arrived = in_order_of_arrival(world.prompts)
    assert [row[:2] for row in rows.steps] == [(prompt.run, prompt.ordinal) for prompt in arrived]
    for index, (prompt, row) in enumerate(zip(arrived, rows.steps, strict=True)):
        own = [p for p in arrived[:index] if world.agent_of[p.run] == world.agent_of[prompt.run]]
        before = own[-1].ids if own else None
        assert row[4:6] == ((len(before), in_common(before, prompt.ids)) if before is not None else (None, 0))
        assert prompt.start is not None
        sets = [
            {block for p in arrived[: index + 1] if p.start is not None and p.start > prompt.start - minutes * 60_000
             for block in p.ids}
            for minutes in (1, 5, 15)
        ]  # fmt: skip
        assert row[6:9] == tuple(map(len, sets))
        assert row[9] == len({block for p in arrived[: index + 1] for block in p.ids})


@given(worlds())
def test_the_rows_of_the_best_cache_are_of_the_blocks_that_were_there(world: World) -> None:
    rows, seen = recalled(world), set[int]()
    for prompt in in_order_of_arrival(world.prompts):
        found = sorted(row[2:] for row in rows.optimal if row[:2] == (prompt.run, prompt.ordinal))
        assert sum(blocks for _, blocks, *_ in found) == leading(prompt.ids, seen)
        at = 0
        for position, blocks, first, last, tokens in found:
            assert position == at
            assert blocks % (last - first + 1) == 0
            assert tokens == (held(prompt, world.size, position, position + blocks) if world.size else None)
            assert tokens is None or tokens % blocks == 0, "each of them holds as many"
            at += blocks
        seen |= set(prompt.ids)


def test_nothing_is_said_of_time_where_a_call_has_none() -> None:
    world = World({"a": None}, {"r": "a"}, {"r": None}, [], 16)
    prompts = [Prompt("r", 1, 0, [1, 2], None), Prompt("r", 2, None, [1, 2, 3], None)]
    rows = recalled(world._replace(prompts=prompts))
    assert [row[4:7] for row in rows.prompts] == [(None, None, None), (1, 2, None), (None, None, None)]
    nothing = (None, None, None)
    assert [row[6:] for row in rows.steps] == [(*nothing, 2, *nothing), (*nothing, 3, *nothing)]


def test_rows_have_the_columns_of_their_tables() -> None:
    world = World(
        {"a": None}, {"r": "a"}, {"r": None}, [Prompt("r", 1, 7, [1, 2], 20), Prompt("r", 2, 9, [1, 2], 20)], 16
    )
    rows = recalled(world)
    names = {table: [column.name for column in columns(kind)] for table, kind in COMPUTED.items()}
    assert [dict(zip(names["prompt_recency"], row, strict=True)) for row in rows.prompts[1:]] == [
        {"run_id": "r", "step_ordinal": 2, "position": 0, "blocks": 1, "first_distance": 1, "last_distance": 1,
         "age_ms": 2, "tokens": 16},
        {"run_id": "r", "step_ordinal": 2, "position": 1, "blocks": 1, "first_distance": 2, "last_distance": 2,
         "age_ms": 2, "tokens": 4},
    ]  # fmt: skip
    assert [dict(zip(names["prompt_optimal"], row, strict=True)) for row in rows.optimal] == [
        {"run_id": "r", "step_ordinal": 2, "position": 0, "blocks": 1, "first_distance": 1, "last_distance": 1,
         "tokens": 16},
        {"run_id": "r", "step_ordinal": 2, "position": 1, "blocks": 1, "first_distance": 2, "last_distance": 2,
         "tokens": 4},
    ]  # fmt: skip
    assert dict(zip(names["step_recency"], rows.steps[1], strict=True)) == {
        "run_id": "r", "ordinal": 2, "at_ms": 9, "blocks": 2, "previous_blocks": 2, "repeated_blocks": 2,
        "blocks_1_minute": 2, "blocks_5_minutes": 2, "blocks_15_minutes": 2, "blocks_ever": 2,
        "live_agents": 1, "live_blocks": 2, "live_apart_blocks": 2,
    }  # fmt: skip
