"""Keys that jump within the timeline: along a hand-off, and from a step in the grid to its place in time."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from explorer.tui.screens.handoffs import HandOffScreen
from explorer.tui.widgets.timeline_tab import TimelineTab
from tests.store.world import family
from tests.tui.conftest import Opener, drive, press, screen_text
from tests.tui.test_handoffs import office


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimelineTab, "REST", 0)


def test_a_hand_off_is_followed_to_its_other_end_and_back(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "v")
        assert "spawned by planner" in screen_text(pilot)
        await press(pilot, "v")
        assert "spawns counter" in screen_text(pilot)
        await press(pilot, "d")
        assert isinstance(pilot.app.screen, HandOffScreen)
        assert "1 of 2" in screen_text(pilot)

    drive(opener(office()), script)


def test_a_step_of_the_grid_is_found_in_time(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "2", "tab", "t")
        assert "step 1 at +50s" in screen_text(pilot)

    drive(opener(office()), script)


def test_what_failed_is_gone_through_in_time(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "e")
        assert "tool Bash, failed" in screen_text(pilot)
        await press(pilot, "e")
        assert "overloaded" in screen_text(pilot)
        await press(pilot, "E")
        assert "tool Bash, failed" in screen_text(pilot)
        await press(pilot, "E")
        assert [note.message for note in pilot.app._notifications] == ["Nothing failed earlier than here."]

    drive(opener(family()), script)
