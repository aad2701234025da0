"""The messages on the screen: whose they are, what the keys do, and what is said where there are none."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from explorer.model import Row
from explorer.store import queries
from explorer.store.queries import Message, NotRecorded
from explorer.tui.widgets.messages_view import MessagesView
from tests.store.world import agent, conversation, run, source, step
from tests.tui.conftest import NARROW, WIDE, Opener, drive, main_screen, press, screen_text, settle
from tests.tui.test_hostile import EVIL

Compare = Callable[..., bool]


def world() -> list[Row]:
    """A planner with two runs, and a scout."""
    tokens = {"input_tokens": 14_200, "cache_read_tokens": 12_000, "output_tokens": 310, "reasoning_tokens": 96}
    return [
        source(),
        conversation(title="a shop"),
        agent("p", name="planner"),
        agent("s", "p", name="scout"),
        *(run(f"p/{n}", "p", ordinal=n, start_ms=n) for n in (1, 2)),
        run("s/1", "s", "p/2", start_ms=5),
        *(step(f"p/{n}", i, start_ms=i, **tokens) for n in (1, 2) for i in (1, 2, 3)),
        step("s/1", 1),
    ]


def talk(run_id: str) -> list[Message]:
    listing = "\n".join(f"{i}: from shop.models import Item{i}" for i in range(1, 221))
    path = {"path": "shop/prices.py"}
    read, test = (json.dumps(each) for each in (path, {"command": "pytest -q", "timeout": 60}))
    return [
        Message.of("system", "text", f"You are {run_id}, a planner.\nAsk before you delete anything."),
        Message.of("user", "text", "Why are prices rounded twice?"),
        Message.of("assistant", "reasoning", "The rounding may be in\nprices.py or in cart.py.", step_ordinal=1),
        Message.of("assistant", "text", "I will look at both.", step_ordinal=1),
        Message.of("assistant", "tool_call", read, "read", "c1", 1),
        Message.of("assistant", "tool_call", test, "shell", "c2", 1),
        Message.of("tool", "tool_result", listing, "read", "c1"),
        Message.of("tool", "tool_result", "1 failed", "shell", "c2", is_error=True),
        Message.of("assistant", "reasoning", "", step_ordinal=2, note="encrypted by the provider"),
        Message.of("assistant", "text", "They are rounded in Item200 as well.", step_ordinal=2),
        Message.of("user", "text", "Then take it out."),
        Message.of("assistant", "text", f"Done in {run_id}.", step_ordinal=3),
    ]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run has the same messages, up to any step."""

    def messages(_: object, run_id: str, until: int | None = None) -> Iterator[Message]:
        said = talk(run_id)
        steps = [message.step_ordinal for message in said]
        yield from said if until is None else said[: len(steps) - steps[::-1].index(until)]

    monkeypatch.setattr(queries, "messages", messages)


NEXT, BACK, ALIKE, ALIKE_BACK = (
    "greater_than_sign", "less_than_sign", "right_curly_bracket", "left_curly_bracket",
)  # fmt: skip


def view(pilot: Pilot[Any]) -> MessagesView:
    return main_screen(pilot).query_one(MessagesView)


@pytest.mark.usefixtures("told")
def test_the_latest_run_stands_for_an_agent_and_says_so(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "5")
        assert "planner · run 2 of 2, the latest" in screen_text(pilot)
        assert "You are p/2" in screen_text(pilot)
        await press(pilot, "j", "j")
        assert "planner · run 1 of 2" in screen_text(pilot)
        assert "You are p/1" in screen_text(pilot)

    drive(opener(world()), script)


@pytest.mark.usefixtures("told")
def test_a_long_part_unfolds_and_folds_alone_or_with_all(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "5", "tab", *[NEXT] * 6)
        assert "for path: shop/prices.py" in screen_text(pilot)  # another call's result stands between
        assert "… 212 more lines" in screen_text(pilot)
        await press(pilot, "space", "pagedown")
        assert "30: from shop" in screen_text(pilot)
        await press(pilot, "h")
        assert "… 212 more lines" in screen_text(pilot)
        await press(pilot, "g")
        assert "The rounding may be" not in screen_text(pilot)
        await press(pilot, "w")
        assert "The rounding may be" in screen_text(pilot)

    drive(opener(world()), script)


@pytest.mark.usefixtures("told")
def test_a_search_in_the_messages_opens_what_is_folded(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "5", "tab", "slash", "type:item200")
        assert "1 of 2" in screen_text(pilot)
        assert "200: from shop.models import Item200" in screen_text(pilot)
        await press(pilot, "enter", "n")
        assert view(pilot).roll.cursor.at == 9
        assert not main_screen(pilot).tree_pane.searching
        await press(pilot, "slash", "type:nothing like it")
        assert "no match" in screen_text(pilot)
        await press(pilot, "escape")
        assert pilot.app.focused is view(pilot)

    drive(opener(world()), script)


@pytest.mark.usefixtures("told")
def test_keys_go_from_message_to_message_and_copy_one(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "5", ALIKE)  # no other system prompt
        assert view(pilot).roll.cursor.at == 0
        await press(pilot, NEXT, ALIKE)
        assert view(pilot).roll.cursor.at == 10
        await press(pilot, ALIKE_BACK, "G")
        assert view(pilot).roll.cursor.at == 11
        await press(pilot, "y")
        assert pilot.app.clipboard == "Done in p/2."
        await press(pilot, *["k"] * 3, BACK, BACK)
        assert view(pilot).roll.cursor.at == 9

    drive(opener(world()), script, NARROW)


@pytest.mark.usefixtures("told")
def test_e_goes_to_what_failed_and_a_search_sees_that_it_did(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "5", "tab", "e")
        assert view(pilot).roll.cursor.at == 7
        await press(pilot, "e")
        assert view(pilot).roll.cursor.at == 7
        assert [note.message for note in pilot.app._notifications] == ["No later result of these messages failed."]
        await press(pilot, "G", "E")
        assert view(pilot).roll.cursor.at == 7
        await press(pilot, "g", "slash", "type:✗ err")
        assert "1 of 1" in screen_text(pilot)

    drive(opener(world()), script)


@pytest.mark.usefixtures("told")
def test_m_leads_from_a_step_to_what_it_wrote_and_u_to_what_it_saw(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "j", "2", "tab", "j", "m")
        assert view(pilot).roll.cursor.at == 8
        assert "12 of 12" not in screen_text(pilot)
        assert "9 of 12" in screen_text(pilot)
        await press(pilot, "u")
        assert "as step 2 saw it" in screen_text(pilot)
        assert "9 of 10" in screen_text(pilot)
        await press(pilot, "escape", "2", "tab", "G", "enter", "m")
        assert "Done in p/1." in screen_text(pilot)
        assert view(pilot).roll.cursor.at == 11

    drive(opener(world()), script)


def test_where_nothing_is_recorded_it_is_said_why(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    def messages(*_: object) -> Iterator[Message]:
        raise NotRecorded("The recorder kept numbers only")
        yield

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "5")
        assert "The recorder kept numbers only." in screen_text(pilot)
        await press(pilot, "j", "space", "y", "G", "u", ALIKE)
        monkeypatch.setattr(queries, "messages", real)
        await press(pilot, "escape", "j", "5")
        assert "this was opened from an export" in screen_text(pilot)

    real = queries.messages
    monkeypatch.setattr(queries, "messages", messages)
    drive(opener(world()), script, NARROW)


def test_hostile_messages_stay_in_their_cells(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    def messages(*_: object) -> Iterator[Message]:
        yield Message.of("user", "text", EVIL)
        yield Message.of("assistant", "tool_call", json.dumps({EVIL: EVIL}), EVIL, EVIL, 1, note=EVIL)
        yield Message.of("tool", "tool_result", EVIL, EVIL, EVIL, is_error=True)

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "5", "tab", "w", "slash", "type:exe", "enter")
        for char in screen_text(pilot):
            assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs")

    monkeypatch.setattr(queries, "messages", messages)
    drive(opener([*world(), agent("e", name=EVIL, label=EVIL)]), script)


@pytest.mark.usefixtures("told")
def test_what_messages_look_like(snap_compare: Compare, opener: Opener) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, "5", "tab", "slash", "type:rounded", "enter")

    assert snap_compare(opener(world()), terminal_size=WIDE, run_before=before)
