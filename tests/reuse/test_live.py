"""What the agents at work need, against sets of their latest prompts."""

from __future__ import annotations

from hypothesis import given

from explorer.reuse.calls import Call, Lineage, by_start
from explorer.reuse.live import Live, live
from tests.reuse.by_sets import Prompt, World, call_of, in_order_of_arrival
from tests.reuse.test_recall import timed


@given(timed)
def test_the_footprint_is_the_union_of_the_latest_prompts_of_those_at_work(world: World) -> None:
    arrived = in_order_of_arrival(world.prompts)
    found = live(by_start(world.calls()), world.lineage)
    assert len(found) == len(arrived)
    for index, (prompt, at_work) in enumerate(zip(arrived, found, strict=True)):
        later = {world.agent_of[p.run] for p in arrived if (p.start or 0) >= (prompt.start or 0)}
        latest = {world.agent_of[p.run]: p.ids for p in arrived[: index + 1] if world.agent_of[p.run] in later}
        union = {block for ids in latest.values() for block in ids}
        assert at_work == Live(len(latest), len(union), sum(map(len, latest.values())))


def test_an_agent_is_at_work_until_its_last_call_has_ended() -> None:
    def call(run: str, start: int, end: int, ids: list[int]) -> Call:
        return call_of(Prompt(run, start, start, ids, None), 64)._replace(end_ms=end)

    calls = [
        call("a", 0, 10, [0, 1, 2]),
        call("b", 10, 40, [0, 1, 3, 4]),
        call("a", 11, 12, [0]),
        call("c", 30, 30, [9]),
    ]
    lineage = Lineage({}, {}, {})
    assert live(calls, lineage) == [Live(1, 3, 3), Live(2, 5, 7), Live(2, 4, 5), Live(2, 5, 5)]
