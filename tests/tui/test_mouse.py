"""The mouse does what it points at."""

from __future__ import annotations

from textual.pilot import Pilot

from tests.store.world import family
from tests.tui.conftest import Opener, at, drive, main_screen, names, screen_text, settle


async def click(pilot: Pilot[int], where: str, x: int, y: int, times: int = 1) -> None:
    await pilot.click(where, offset=(x, y), times=times)
    await settle(pilot)


def test_lines_arrows_and_headers_of_the_tree(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await click(pilot, "#tree", 12, 4)
        assert at(pilot) == "y"
        await click(pilot, "#tree", 5, 3)  # the arrow of agent_001, two levels down
        assert "      Plan agent_003" in names(pilot)
        await click(pilot, "#tree", 12, 3, times=2)
        assert names(pilot) == ["Explore agent_001", "  Plan agent_003"]
        header = screen_text(pilot).splitlines()[2]
        await click(pilot, "#tree", header.index("input") + 3, 0)
        assert main_screen(pilot).state.sort_words == "input tokens ↓"

    drive(opener(family()), script)


def test_crumbs_lead_back_and_tabs_come_forward(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await click(pilot, "#tree", 12, 3, times=2)
        await click(pilot, "#crumbs", 2, 0)
        assert names(pilot)[0] == "trace one"
        await click(pilot, "#tabs", 15, 0)
        assert main_screen(pilot).state.tab == "steps"

    drive(opener(family()), script)


def test_the_key_line_can_be_clicked(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        line = screen_text(pilot).splitlines()[-1]
        await click(pilot, "KeyLine", line.index("own/total"), 0)
        assert main_screen(pilot).state.own

    drive(opener(family()), script)
