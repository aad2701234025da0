"""The SQL screen: asking, mistakes, going to a row and coming back, while reading goes on, and whatever is in cells."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.containers import Vertical
from textual.events import Key
from textual.pilot import Pilot

from explorer.store.ingest import Options
from explorer.tui.app import ExplorerApp
from explorer.tui.screens.sql import SqlScreen
from explorer.tui.widgets.answer_pane import AnswerPane
from explorer.tui.widgets.catalog import Catalog
from explorer.tui.widgets.sql_editor import SqlEditor
from tests.store.world import family
from tests.tui.conftest import NARROW, Opener, at, drive, main_screen, press, screen_text, settle
from tests.tui.test_hostile import EVIL
from tests.tui.test_loading import Gated, until_shown

HARMFUL = {"\x1b", "\x07", "\u202e", "\x9b", "\u200b"}


def pane(pilot: Pilot[Any]) -> AnswerPane:
    assert isinstance(pilot.app.screen, SqlScreen)
    return pilot.app.screen.query_one(AnswerPane)


def editor(pilot: Pilot[Any]) -> SqlEditor:
    return pilot.app.screen.query_one(SqlEditor)


async def ask(pilot: Pilot[Any], query: str) -> None:
    """Write a query in place of what is there, and ask it."""
    editor(pilot).focus()
    editor(pilot).write(query)
    await press(pilot, "ctrl+j")


def test_it_begins_with_the_node_and_a_row_leads_into_the_tree_and_back(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "colon", "enter")
        answer = pane(pilot).answer
        assert answer is not None and "conversation_id = 'c'" in answer.query and "run_id" in answer.columns
        row = [each[answer.columns.index("run_id")] for each in answer.rows].index("x/1")
        await press(pilot, f"{row}*j")
        assert "enter goes to the run" in screen_text(pilot) and "ctrl+l new " in screen_text(pilot)
        await press(pilot, "ctrl+l", "f")  # from the rows
        assert editor(pilot).text == "f" and editor(pilot).has_focus
        await press(pilot, "tab")
        await press(pilot, "enter")
        assert at(pilot) == "x"
        await press(pilot, "colon")  # as it was left
        assert (pane(pilot).answer, pane(pilot).row) == (answer, row)
        await press(pilot, "v", "n", "escape", "escape", "escape", "colon")
        assert pane(pilot).answer is None
        assert editor(pilot).selected_text.startswith("SELECT") and "run_id = 'x/1'" in editor(pilot).text
        await press(pilot, "ctrl+up")
        assert editor(pilot).text == answer.query
        await press(pilot, "ctrl+down", "f")  # what is written takes the place of the proposal
        assert editor(pilot).text == "f"
        await press(pilot, "escape")
        main = main_screen(pilot)
        assert main.opened is not None
        main.action_sql()
        main.take(main.opened)  # all is read at the very moment
        await settle(pilot)
        assert editor(pilot).has_focus

    drive(opener(family()), script)


def test_what_is_typed_while_it_opens_is_asked(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        for key in ("colon", "ctrl+l", *"SELECT 21 AS n", "ctrl+j"):
            pilot.app.post_message(Key("space", " ") if key == " " else Key(key, None))
        await settle(pilot)
        answer = pane(pilot).answer
        assert answer is not None and (answer.query, answer.rows) == ("SELECT 21 AS n", [(21,)])

    drive(opener(family()), script)


def test_what_can_be_asked_is_asked_or_written_from_the_list(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "colon", "shift+tab")
        catalog = pilot.app.screen.query_one(Catalog)
        assert catalog.has_focus and catalog.size.width > 60
        await press(pilot, "slash", "type:one row per run", "enter")
        assert len(catalog.aims) < 20 and catalog.has_focus
        await press(pilot, "slash", "escape")
        catalog.cursor = next(n for n, item in enumerate(catalog._items) if item.text == "run_totals")
        await press(pilot, "l", "j")
        column = catalog.item
        assert column is not None and (column.does, column.text) == ("name", "run_id")
        await press(pilot, "h", "enter")
        answer = pane(pilot).answer
        assert answer is not None and answer.query == "SELECT * FROM run_totals LIMIT 100" and len(answer.rows) > 3
        assert "run_totals" in screen_text(pilot) and not catalog.has_focus
        await press(pilot, "escape", "end", "space", "shift+tab", "enter")  # a name into what is begun
        assert editor(pilot).text == f"{answer.query} run_totals"
        editor(pilot).write("SELECT agent_na")
        await press(pilot, "end", "right")
        assert editor(pilot).text == "SELECT agent_name"

    drive(opener(family()), script, NARROW)


def test_mistakes_empty_answers_long_ones_and_endless_ones(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "colon")
        await ask(pilot, "SELECT 1,\n  stepz FROM runs")
        assert pane(pilot).answer is None and editor(pilot).has_focus
        assert editor(pilot).cursor_location == (1, 2)
        text = screen_text(pilot)
        assert "there is no column stepz" in text and "line 2, column 3" in text and "list of tables (tab)" in text
        await ask(pilot, "FROM runs WHERE false")
        assert "No row" in screen_text(pilot) and editor(pilot).has_focus
        await ask(pilot, "FROM range(20000)")
        assert "the first 10,000 rows of more" in screen_text(pilot)
        await press(pilot, "end")
        assert pane(pilot).row == 9_999
        await press(pilot, "enter")  # leads nowhere, and is shown as a whole
        assert "Row 10,000 of 10,000 and more" in screen_text(pilot)
        await press(pilot, "escape")
        await press(pilot, "x", "6*backspace", "type:x.csv", "enter")
        assert "✓ 20,000 rows" in screen_text(pilot)
        assert len(Path("answx.csv").read_text().splitlines()) == 20_001
        await press(pilot, "escape")
        wide = ", ".join(f"{number} AS column_{number}" for number in range(200))
        await ask(pilot, f"SELECT '{EVIL}' AS evil, {wide}")
        await press(pilot, "30*l")
        text = screen_text(pilot)
        assert "column_29" in text and not set(text) & HARMFUL
        await press(pilot, "v")
        text = screen_text(pilot)
        assert "[bold red]" in text and not set(text) & HARMFUL
        await press(pilot, "escape", "colon")
        editor(pilot).write("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b")
        pilot.app.simulate_key("ctrl+j")
        await asyncio.sleep(0.2)  # until it runs
        await press(pilot, "escape")
        assert "stopped after" in screen_text(pilot)
        await press(pilot, "escape")
        assert pilot.app.screen is main_screen(pilot)

    drive(opener(family()), script, NARROW)


def test_what_was_asked_of_a_part_is_asked_again_of_all(tmp_path: Path) -> None:
    gate = Gated(tmp_path)
    app = ExplorerApp([tmp_path], Options(), read=gate)

    async def script() -> None:
        async with app.run_test() as pilot:
            await until_shown(pilot, gate)
            await pilot.press("colon")
            await until_shown(pilot, gate)
            editor(pilot).write("SELECT count(*) AS conversations FROM conversations")
            await pilot.press("ctrl+j")
            await until_shown(pilot, gate)
            answer = pane(pilot).answer
            assert answer is not None and answer.rows == [(1,)]
            assert "so far" in str(app.screen.query_one(Vertical).border_title)
            gate.go.set()
            await settle(pilot)
            answer, grid = pane(pilot).answer, pane(pilot).grid
            assert answer is not None and answer.rows == [(2,)]
            assert grid is not None and grid.has_focus
            assert "so far" not in str(app.screen.query_one(Vertical).border_title)

    asyncio.run(script())
