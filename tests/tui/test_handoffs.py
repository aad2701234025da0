"""The keys of hand-offs: from the tree and a finding to both ends, and on to either run."""

from __future__ import annotations

from textual.pilot import Pilot

from explorer.model import Row
from explorer.tui.screens.handoffs import HandOffScreen, HandOffsScreen
from explorer.tui.screens.main import MainScreen
from tests.store.world import agent, conversation, edge, finding, run, source, step
from tests.tui.conftest import NARROW, Opener, at, drive, press, screen_text


def office() -> list[Row]:
    return [
        source(),
        conversation(title="office"),
        agent("plan", name="planner"),
        agent("count", "plan", name="counter"),
        run("plan/1", "plan", start_ms=0, end_ms=100_000),
        run("count/1", "count", "plan/1", start_ms=0, end_ms=60_000),
        step("count/1", 1, start_ms=50_000),
        edge("e1", "spawn", "plan/1", "count/1", at_ms=0),
        edge("e2", "result", "count/1", "plan/1", at_ms=60_000, delivered=False),
        finding("f", "undelivered-result", conversation_id="c", agent_id="count", run_id="count/1"),
    ]


def test_from_the_list_to_both_ends_and_to_either_run(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "d")
        assert isinstance(pilot.app.screen, HandOffsScreen)
        shown = screen_text(pilot)
        assert "Hand-offs of office and below: 2, 1 never arrived" in shown
        assert "spawn    planner → counter  not recorded" in shown
        await press(pilot, "enter")
        assert "spawn and result: planner → counter" in screen_text(pilot)
        await press(pilot, "]", "]")
        assert "1 of 2" not in screen_text(pilot)
        assert "2 of 2" in screen_text(pilot)
        assert "U never arrived" in screen_text(pilot)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HandOffsScreen)
        await press(pilot, "enter", "tab", "enter")
        assert isinstance(pilot.app.screen, MainScreen)
        assert at(pilot) == "count"

    drive(opener(office()), script, NARROW)


def test_a_finding_of_what_never_arrived_leads_to_it(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "6", "tab", "enter")
        assert "show the hand-off" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, HandOffScreen)
        assert "2 of 2" in screen_text(pilot)

    drive(opener(office()), script)
