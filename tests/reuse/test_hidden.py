from __future__ import annotations

import json

from hypothesis import given

from explorer.model import HiddenAgent
from explorer.reuse.calls import Call, by_start
from explorer.reuse.hidden import MOST_CHAINS, hidden_agents
from explorer.reuse.streaks import streaks
from tests.reuse.by_sets import World, stretches_of, worlds

Told = tuple[str, int, int, list[int]]
"""Kind, the chain that it left, blocks in common with that, ordinals of its steps; 0 for no chain."""


def calls(*told: tuple[int, int, list[int]], model: str = "m") -> list[Call]:
    """From start, duration and block ids."""
    return [
        Call("r", n, start, None, 64, "c", stretches_of(ids), len(ids), start + took, model)
        for n, (start, took, ids) in enumerate(told, 1)
    ]


def found(recorded: list[Call]) -> list[Told]:
    rows = list(hidden_agents(streaks(by_start(recorded))))
    assert [row.chain for row in rows] == list(range(1, len(rows) + 1))
    return [(row.kind, row.left_chain or 0, row.position, json.loads(row.ordinals)) for row in rows]


def test_an_agent_whose_prompts_go_on_is_one() -> None:
    assert found(calls((0, 9, [1, 2]), (10, 9, [1, 2, 3]), (20, 9, [1, 2, 3, 4]))) == []


def test_a_sub_agent_in_between_is_another() -> None:
    # The sub-agent begins like main, and main goes on when it is done.
    recorded = calls(
        (0, 9, [1, 2, 3]), (10, 9, [1, 7]), (20, 9, [1, 7, 8]), (30, 9, [1, 2, 3, 4]), (40, 9, [1, 2, 3, 4, 5])
    )
    assert found(recorded) == [("main", 0, 0, [1, 4, 5]), ("solo", 1, 1, [2, 3])]


def test_a_context_that_was_cut_is_the_same_agent_unless_it_goes_on_all_the_same() -> None:
    cut = [(0, 9, [1, 2, 3, 4]), (10, 9, [1, 2, 9]), (20, 9, [1, 2, 9, 10])]
    assert found(calls(*cut)) == []
    assert found(calls(*cut, (30, 9, [1, 2, 3, 4, 5]))) == [("main", 0, 0, [1, 4]), ("solo", 1, 2, [2, 3])]
    begun_anew = [(0, 9, [1, 2]), (10, 9, [7, 8]), (20, 9, [7, 8, 9])]
    assert found(calls(*begun_anew)) == []


def test_a_title_for_the_conversation_is_aside() -> None:
    recorded = calls((0, 90, [50]), (30, 9, [1, 2]), (40, 9, [1, 2, 3]))
    assert found(recorded) == [("main", 0, 0, [2, 3]), ("sidecar", 0, 0, [1])]


def test_a_flat_fan_out_is_workers_if_three_part_at_one_place_and_overlap() -> None:
    def recorded(gap: int) -> list[Call]:
        workers = [(100 + gap * n + 50 * turn, 40, [60, 61, 70 + n, *[80 + n] * turn])
                   for n in range(3) for turn in (0, 1)]  # fmt: skip
        return calls((0, 9, [1, 2]), *workers, (900, 9, [1, 2, 3]), (950, 9, [1, 2, 3, 4]))

    together = found(recorded(1))
    assert [told[0] for told in together] == ["main", "worker", "worker", "worker"]
    assert [told[3] for told in together] == [[1, 8, 9], [2, 3], [4, 5], [6, 7]]
    assert [told[2] for told in together] == [0, 0, 2, 2]
    # One after the other they are one agent that begins anew each time, as nothing tells otherwise.
    assert found(recorded(200)) == [("main", 0, 0, [1, 8, 9]), ("solo", 0, 0, [2, 3, 4, 5, 6, 7])]


def test_another_model_is_another_agent_only_where_the_first_goes_on() -> None:
    def recorded(*models: str) -> list[Call]:
        grown = calls(*((10 * n, 9, list(range(n + 1))) for n in range(len(models))))
        return [call._replace(model=model) for call, model in zip(grown, models, strict=True)]

    assert found(recorded("a", "a", "b", "b")) == []
    assert [told[3] for told in found(recorded("a", "b", "a", "b"))] == [[1, 3], [2, 4]]


def test_starts_in_whole_seconds_may_be_early_by_one() -> None:
    late = [(0, 5_400, [1, 2]), (5_000, 2_000, [1, 2, 3]), (9_000, 500, [1, 2, 3, 4])]
    assert found(calls(*late)) == []
    assert found(calls(*((start + 1, took, ids) for start, took, ids in late))) != []


def test_a_log_of_requests_that_have_nothing_to_do_with_each_other_hides_nobody() -> None:
    apart = [(n, 100_000, [10 * n]) for n in range(MOST_CHAINS + 1)]
    assert found(calls(*apart)) == []
    assert len(found(calls(*apart[:5]))) == 5


@given(worlds())
def test_every_step_of_a_run_is_of_one_chain(world: World) -> None:
    for run in {prompt.run for prompt in world.prompts}:
        recorded = [call for call in world.calls() if call.run_id == run]
        rows: list[HiddenAgent] = list(hidden_agents(streaks(by_start(recorded))))
        if rows:
            ordinals = [ordinal for row in rows for ordinal in json.loads(row.ordinals)]
            assert sorted(ordinals) == sorted(call.ordinal for call in recorded)
            assert rows[0].kind == "main"
            assert len(rows) > 1
