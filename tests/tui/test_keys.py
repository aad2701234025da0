"""Keys on a small family of agents: what they select, open and show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from explorer.model import Row
from explorer.tui.screens.export import ExportScreen
from explorer.tui.screens.filter import FilterScreen
from explorer.tui.screens.finding import FindingScreen
from explorer.tui.screens.help import HelpScreen, _key
from explorer.tui.screens.main import MainScreen
from explorer.tui.screens.menu import MenuScreen
from explorer.tui.screens.step import StepScreen
from explorer.tui.widgets.findings_list import FindingsList
from explorer.tui.widgets.steps_grid import StepsGrid
from explorer.tui.widgets.tab_bar import TabBar
from tests.store.test_proposals import flat
from tests.store.world import agent, conversation, family, finding, footprint, reuse, run, step, tool_call
from tests.tui.conftest import NARROW, Opener, at, drive, main_screen, names, press, screen_text, tree_of


def test_a_lone_conversation_is_open_and_arrows_and_letters_move_open_and_close(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        assert names(pilot) == ["trace one", "  main", "    Explore agent_001", "    Explore agent_002"]
        assert at(pilot) == "c"
        await press(pilot, "j", "down")
        assert at(pilot) == "x"
        await press(pilot, "l")
        assert names(pilot)[3] == "      Plan agent_003"
        await press(pilot, "l")
        assert at(pilot) == "z"
        await press(pilot, "h")
        assert at(pilot) == "x"
        await press(pilot, "h")
        assert "      Plan agent_003" not in names(pilot)
        await press(pilot, "G")
        assert at(pilot) == "y"
        await press(pilot, "home")
        assert at(pilot) == "c"

    drive(opener(family()), script)


def test_enter_makes_an_agent_the_root_which_brackets_change_and_escape_brings_back_where_one_was(
    opener: Opener,
) -> None:
    async def script(pilot: Pilot[int]) -> None:
        before = names(pilot)
        await press(pilot, "j", "j", "enter")
        assert names(pilot) == ["Explore agent_001", "  Plan agent_003"]
        assert "traces › trace one › main › Explore" in screen_text(pilot)
        await press(pilot, "escape")
        assert names(pilot) == before
        assert at(pilot) == "x"
        await press(pilot, "]")
        assert at(pilot) == "y"
        await press(pilot, "]")
        assert at(pilot) == "y"
        await press(pilot, "[", "enter", "]")
        assert names(pilot) == ["Explore agent_002"]
        await press(pilot, "escape")
        assert "trace one" in names(pilot)
        await press(pilot, "G", "enter")  # a leaf has nothing below: its details
        assert pilot.app.focused is main_screen(pilot).detail_pane.focus_target()
        await press(pilot, "escape")
        assert pilot.app.focused is tree_of(pilot)

    drive(opener(family()), script)


def test_search_goes_to_hidden_nodes_and_counts(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "slash", "type:explore")
        assert at(pilot) == "x"
        assert "1 of 2" in screen_text(pilot)
        await press(pilot, "enter", "n")
        assert at(pilot) == "y"
        assert "2 of 2" in screen_text(pilot)
        await press(pilot, "N")
        assert at(pilot) == "x"
        await press(pilot, "slash", "type:plan")
        assert at(pilot) == "z"
        await press(pilot, "type:xyz")
        assert "no match" in screen_text(pilot)
        await press(pilot, "escape")
        assert not main_screen(pilot).tree_pane.searching

    drive(opener(family()), script)


def test_digits_choose_tabs_and_only_tabs_that_exist(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        keys = {
            "2": "steps",
            "3": "timeline",
            "4": "reuse",
            "5": "messages",
            "6": "findings",
            "1": "overview",
            "t": "timeline",
            "r": "reuse",
        }
        for key, tab in keys.items():
            await press(pilot, key)
            assert main_screen(pilot).state.tab == tab
        await press(pilot, "7")
        assert main_screen(pilot).state.tab == "reuse"

    drive(opener(family()), script)


def test_help_is_searchable_and_runs_what_is_chosen_and_s_sorts_and_turns_round(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        await press(pilot, "type:sorted by", "enter")
        assert isinstance(pilot.app.screen, MenuScreen)
        await press(pilot, "escape", "s")
        assert isinstance(pilot.app.screen, MenuScreen)
        await press(pilot, "5*j", "enter")
        assert main_screen(pilot).state.sort_words == "input tokens ↓"
        assert names(pilot)[2:] == ["    Explore agent_001", "    Explore agent_002"]
        await press(pilot, "S")
        assert names(pilot)[2:] == ["    Explore agent_002", "    Explore agent_001"]
        assert "sort: input tokens ↑" in screen_text(pilot)

    drive(opener(family()), script)


def test_a_filter_completes_counts_and_points_at_mistakes(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "f", "type:agent_na", "tab")
        screen = pilot.app.screen
        assert isinstance(screen, FilterScreen)
        await press(pilot, "type: = 'Explore'")
        assert "keeps 2 of 4 runs" in screen_text(pilot)
        await press(pilot, "type: and nonsense > 1")
        assert "↑ here" in screen_text(pilot)
        assert "nonsense" in screen_text(pilot)
        await press(pilot, "ctrl+u", "type:agent_name = 'Explore'", "enter")
        assert isinstance(pilot.app.screen, MainScreen)
        assert "(2 of 4 runs; totals count all)" in screen_text(pilot)
        assert "(main)" in screen_text(pilot)  # only leads to what is kept
        await press(pilot, "f", *"steps>2", "enter")  # what is typed replaces what was set, else would run into it
        assert main_screen(pilot).state.where == "steps>2"
        await press(pilot, "f", "right", *"  and true", "enter")
        assert main_screen(pilot).state.where == "steps>2  and true"
        await press(pilot, "f", "backspace", "enter")
        assert main_screen(pilot).state.where is None
        assert "of 4 runs" not in screen_text(pilot)

    drive(opener(family()), script)


def test_o_changes_the_numbers_and_a_step_opens_with_all_its_fields(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "2")
        assert "7 steps, those below too" in screen_text(pilot)
        await press(pilot, "o")
        assert "3 steps of its own" in screen_text(pilot)
        assert "own numbers" in screen_text(pilot)
        await press(pilot, "tab", "enter")
        assert isinstance(pilot.app.screen, StepScreen)
        text = screen_text(pilot)
        assert "Step 1 of main" in text
        assert "input tokens, cache reads and writes included" in text
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, MainScreen)

    drive(opener(family()), script)


def test_e_goes_round_the_findings_and_each_is_explained_and_leads_to_its_node(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "e")
        assert at(pilot) == "c"  # its own one first
        await press(pilot, "e")
        assert at(pilot) == "x"
        await press(pilot, "e")
        assert at(pilot) == "x"  # a tool call of it failed
        await press(pilot, "e")
        assert at(pilot) == "y"  # it failed
        await press(pilot, "e")
        assert at(pilot) == "c"
        await press(pilot, "E")
        assert at(pilot) == "y"
        await press(pilot, "home", "6", "tab", "G", "enter")
        assert isinstance(pilot.app.screen, FindingScreen)
        assert "Why it matters" in screen_text(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, MainScreen)
        assert at(pilot) == "x"

    drive(opener(family()), script)


def test_findings_of_whole_files_are_listed_when_everything_is_shown(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "6")
        assert "bad-record" not in screen_text(pilot)
        await press(pilot, "escape")
        assert "bad-record" in screen_text(pilot)
        assert "everything that is open" in screen_text(pilot)

    drive(opener(family()), script)


def test_b_counts_tokens_instead_of_blocks_and_the_matrix_goes_to_a_sibling(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "r")
        assert "of blocks" in screen_text(pilot)
        await press(pilot, "b")
        assert "of input tokens" in screen_text(pilot)
        await press(pilot, "b", "tab")
        assert "First steps of the 2 children" in screen_text(pilot)
        assert "1 Explore agent_001 shares 3 of 5 blocks (60 %)" in " ".join(screen_text(pilot).split())
        await press(pilot, "c")
        assert "Jaccard" in screen_text(pilot)
        await press(pilot, "j", "enter")
        assert at(pilot) == "y"

    drive(opener(family()), script)


def test_the_ladder_leads_to_a_block_and_to_whoever_read_it(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "w")
        text = screen_text(pilot)
        assert "First prompts of the children of main: 2 runs" in text
        assert "2 together: agent_001, agent_002" in text
        assert "First written by main in step 1 at 0 (1 block)" in text
        await press(pilot, "3")
        assert "3 together: main, agent_001, agent_002" in screen_text(pilot)
        await press(pilot, "1", "enter")
        assert "Written by main in step 1 at 0, as block 0 of the prompt" in screen_text(pilot)
        await press(pilot, "]")
        assert "Block 1 of c" in screen_text(pilot)
        await press(pilot, "[", "j", "enter")
        assert isinstance(pilot.app.screen, MainScreen)
        assert at(pilot) == "x"
        await press(pilot, "w", "G", "w")
        assert at(pilot) == "y"

    drive(opener(family()), script)


def test_the_two_mistakes_are_beside_the_truth_and_every_figure_says_what_it_is_made_of(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "escape", "w")  # of everything that is open
        text = screen_text(pilot)
        assert "14  56.0 %          10  40.0 %           4" in text  # of 25 blocks
        assert "its sub-agents alone" in text
        assert "trace one › Explore" in text
        await press(pilot, "G", "enter")
        assert "The figure share_siblings_weighted" in screen_text(pilot)
        assert "6 / 9  66.7 %" in screen_text(pilot)
        await press(pilot, "G", "enter")
        assert at(pilot) == "y"

    drive(opener(family()), script)


def test_hidden_agents_are_a_proposal_until_they_are_told_apart(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "w")
        assert "All prompts of flat: 2 runs" in screen_text(pilot)
        await press(pilot, "1")
        assert "Nobody here to compare" in screen_text(pilot)
        await press(pilot, "5")
        assert "main: 5 steps of 3 chains" in screen_text(pilot)
        assert "└ 2 solo" in screen_text(pilot)
        await press(pilot, "1", "a")
        assert "3 runs, 2 hidden agents told apart: a proposal" in screen_text(pilot)
        await press(pilot, "a")
        assert "Nobody here to compare" in screen_text(pilot)
        await press(pilot, "escape", "A")
        assert [name.split(" hidden")[0] for name in names(pilot)[1:]] == [
            "  main", "    Explore agent_001", "    solo?", "    sidecar?",
        ]  # fmt: skip
        assert "hidden agents apart: a proposal" in screen_text(pilot)
        await press(pilot, "G", "2", "y")
        assert "place for --at              m " in screen_text(pilot)
        await press(pilot, "escape", "w", "5")
        assert "main: 5 steps of 3 chains" in screen_text(pilot)
        await press(pilot, "w", "A")
        assert names(pilot)[1:] == ["  main", "    Explore agent_001"]

    drive(opener(flat()), script)


def test_a_cell_of_the_matrix_shows_two_runs_along_their_blocks(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "r", "tab", "enter")
        text = screen_text(pilot)
        assert "A  Explore agent_001: 3 of its 5 blocks (60 %)" in text
        assert "B  Explore agent_002: 3 of its 4 blocks (75 %)" in text
        assert "6 to 7" in text
        await press(pilot, "j", "enter")
        assert "Block 6 of c" in screen_text(pilot)

    drive(opener(family()), script)


def test_help_begins_with_the_place_one_is_at_in_dialogs_too(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        def first() -> str:
            listed = pilot.app.screen.query_one(OptionList)
            return " ".join(str(listed.get_option_at_index(0).prompt).split())

        await press(pilot, "question_mark")
        assert first() == "In the tree"
        await press(pilot, "escape", "C", "question_mark")
        assert first() == "In the caches"
        help_ = pilot.app.screen
        assert isinstance(help_, HelpScreen)
        assert [entry.text for entry in help_._entries if entry.action and "g" in entry.key.split()] == [
            "Whose KV cache, for the size in GiB"
        ]
        await press(pilot, "type:whose kv", "enter")
        assert isinstance(pilot.app.screen, MenuScreen)
        await press(pilot, "escape", "escape", "w", "question_mark")
        assert first() == "On their lines"

    drive(opener(family()), script)


@pytest.mark.parametrize(
    ("key", "written"),
    [("plus", "+"), ("minus", "-"), ("slash", "/"), ("equals_sign", "="), ("right_curly_bracket", "}"), ("G", "G"),
     ("space", "space"), ("ctrl+d", "ctrl+d"), ("escape", "esc"), ("enter", "enter")],
)  # fmt: skip
def test_keys_are_spelled_as_they_are_written_on_them(key: str, written: str) -> None:
    assert _key(key) == written


def test_copying_says_how_it_was_done(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "y", "enter")
        assert pilot.app.clipboard == "trace-explore traces --at main"
        assert any("OSC 52" in note.message for note in pilot.app._notifications)

    drive(opener(family()), script)


def test_the_palette_goes_to_nodes(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "ctrl+p", "type:agent_003")
        while "Go to Plan" not in screen_text(pilot):  # the palette gathers in a task of its own
            await pilot.pause(0.01)
        await press(pilot, "enter")
        assert at(pilot) == "z"

    drive(opener(family()), script)


def test_a_place_is_gone_to_with_its_step_which_has_the_keys(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        assert at(pilot) == "x"
        assert isinstance(pilot.app.focused, StepsGrid)
        assert pilot.app.focused.chosen == ("x/1", 2)

    drive(opener(family(), place="trace one/main/agent_001#2"), script)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("c/agent_003#9", "c/agent_003#9 is not there: its steps are 1 to 1."),
        ("trace", "Nothing is at trace.\nNear it: c"),
    ],
)
def test_a_place_that_is_not_quite_there_says_what_is(opener: Opener, place: str, told: str) -> None:
    async def script(pilot: Pilot[int]) -> None:
        assert [note.message for note in pilot.app._notifications] == [told]

    drive(opener(family(), place=place), script)


@pytest.mark.parametrize("size", [(60, 15), (200, 60)])
def test_everything_is_reachable_at_any_size(opener: Opener, size: tuple[int, int]) -> None:
    async def script(pilot: Pilot[int]) -> None:
        for key in ("1", "2", "3", "4", "5", "6"):
            await press(pilot, key)
        await press(pilot, "escape")
        assert pilot.app.focused is tree_of(pilot)
        await press(pilot, "tab")
        assert main_screen(pilot).detail_pane.region.width > 0
        await press(pilot, "z", "z", "question_mark", "escape", "f", "escape", "x", "escape", "y", "escape", "s")

    drive(opener(family()), script, size)


def test_the_export_says_beforehand_what_it_will_write(opener: Opener, tmp_path: Path) -> None:
    pytest.importorskip("explorer.store.export")

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "x")
        assert isinstance(pilot.app.screen, ExportScreen)
        assert "4 runs" in screen_text(pilot)
        await press(pilot, "ctrl+u", f"type:{tmp_path / 'out'}", "enter")
        assert (tmp_path / "out").is_dir()
        assert "trace-explore " in screen_text(pilot)

    drive(opener(family()), script)


def test_leaving_stops_an_export(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[bool] = []
    monkeypatch.setattr("explorer.store.export.export", lambda *given: stopped.append(given[-1].wait(10)))

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "x")
        pilot.app.simulate_key("enter")
        await pilot.pause()
        pilot.app.simulate_key("ctrl+q")

    drive(opener(family()), script)
    assert stopped == [True]


def test_a_line_of_several_runs_says_how_many_were_active_at_once(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        assert "sage ×3 ∥2 " in screen_text(pilot)

    rows = [conversation(), agent("a", name="sage")]
    rows += [run(f"r{n}", "a", ordinal=n, start_ms=10 * n, end_ms=10 * n + 15) for n in (1, 2, 3)]
    drive(opener(rows), script)


def test_an_ambiguous_step_says_which_runs_it_may_belong_to(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "2", "tab", "enter")
        assert "may belong to" in screen_text(pilot)
        assert "any of: sage, coder" in screen_text(pilot)

    rows = [conversation(), agent("a", name="sage"), agent("b", name="coder"), run("r", "a"), run("s", "b")]
    drive(opener([*rows, step("r", grade="ambiguous", candidates='["r","s"]')]), script)


def test_siblings_without_blocks_are_compared_with_nobody(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "r", "tab")
        for measure in ("containment", "Jaccard", "shared", "first-step"):
            assert measure in screen_text(pilot)
            await press(pilot, "G")
            assert "3 r: – distinct blocks" in screen_text(pilot)
            await press(pilot, "g", "c")

    rows: list[Row] = [conversation(), agent("m"), run("m/1", "m")]
    for name in "pqr":
        rows += [agent(name, "m"), run(f"{name}/1", name, "m/1"), step(f"{name}/1", input_tokens=7)]
    rows += [reuse("p/1", 1, 4, fresh=4), footprint("p/1", 4), reuse("q/1", 1, 5, fresh=5), footprint("q/1", 5)]
    drive(opener(rows), script)


def test_e_brings_each_finding_of_a_node_on_the_screen(opener: Opener) -> None:
    rows: list[Row] = [conversation(), agent("a"), run("a1", "a"), agent("b", "a"), run("b1", "b", "a1")]
    rows += [finding(f"a{n}", "bad-record", run_id="a1", message=f"first {n}", severity="info") for n in range(2)]
    rows += [finding(f"b{n}", "bad-record", run_id="b1", message=f"below {n}", severity="error") for n in range(20)]

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "e")  # the agent's own ones are below those of its sub-agent, which are worse
        assert (at(pilot), "first 0" in screen_text(pilot)) == ("a", True)
        listed = main_screen(pilot).query_one(FindingsList)
        assert listed.finding is not None
        assert listed.finding.message == "first 0"
        await press(pilot, "e")
        assert (at(pilot), listed.finding.message) == ("a", "first 1")
        await press(pilot, "e")
        assert (at(pilot), listed.finding.message) == ("b", "below 0")
        await press(pilot, "E")
        assert (at(pilot), listed.finding.message) == ("a", "first 1")

    drive(opener(rows), script, NARROW)


def test_e_goes_to_failed_tool_calls_and_steps_as_well(opener: Opener) -> None:
    rows: list[Row] = [conversation(), agent("a"), run("a1", "a"), agent("b", "a"), run("b1", "b", "a1")]
    rows += [step("a1", ordinal) for ordinal in (1, 2, 3, 4)] + [step("b1", 1, error="timeout")]
    rows += [tool_call("a1", n, step_ordinal=n, is_error=n > 1) for n in (1, 2, 3)]
    rows += [finding("f", run_id="a1")]

    async def script(pilot: Pilot[int]) -> None:
        def shown() -> tuple[str | None, str, Any]:
            grids = main_screen(pilot).query(StepsGrid)
            return at(pilot), main_screen(pilot).state.tab, grids.last().chosen if grids else None

        await press(pilot, "e")
        assert shown() == ("a", "findings", None)
        await press(pilot, "e")
        assert shown() == ("a", "steps", ("a1", 2))
        assert "e 2 with failed tool calls" in screen_text(pilot)
        await press(pilot, "e")
        assert shown() == ("a", "steps", ("a1", 3))
        await press(pilot, "e")
        assert shown() == ("b", "steps", ("b1", 1))
        await press(pilot, "E")
        assert shown() == ("a", "steps", ("a1", 3))

    drive(opener(rows), script)


def test_keys_show_the_side_that_they_act_on_where_only_one_is_shown(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        screen = main_screen(pilot)
        await press(pilot, "z")
        for key in ("2", "t", "r", "b", "6", "e", "escape"):
            await press(pilot, key)
            assert screen.detail_pane.region.width == 120, key
            assert screen.tree_pane.region.width == 0, key
            await press(pilot, "tab")
            assert screen.tree_pane.region.width == 120, key
        await press(pilot, "slash")
        assert screen.tree_pane.region.width == 120

    drive(opener(family()), script)


def test_tabs_keep_readable_names(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "e", "e")
        assert " 1 Overview 2 Steps 3 Timeline 4 Reuse 5 Msgs 6 Findings" in screen_text(pilot)
        await press(pilot, "5")
        assert " 1 Overview 2 Steps 3 Timeline 4 Reuse 5 Messages 6 •I" in screen_text(pilot)
        pilot.app.query_one(TabBar).marks = ""
        await pilot.pause()
        assert " 1 Overview 2 Steps 3 Timeline 4 Reuse 5 Messages 6 Find" in screen_text(pilot)

    drive(opener(family()), script)
