"""The timeline on the screen: what its marks say, and what its keys do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.pilot import Pilot

from explorer.model import Checkpoint, Row
from explorer.tui.widgets.timeline import TimelineLanes
from explorer.tui.widgets.timeline_tab import TimelineTab
from tests.store.world import agent, conversation, edge, event, family, row, run, source, step, tool_call
from tests.tui.conftest import NARROW, WIDE, Opener, at, drive, main_screen, press, screen_text, settle, tree_of, until


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TimelineTab, "REST", 0)


def checkpoint(key: str, run_id: str, **values: Any) -> Checkpoint:
    made: Checkpoint = row(Checkpoint, checkpoint_key=key, run_id=run_id, conversation_id="c", **values)
    return made


def busy_day() -> list[Row]:
    """A planner that starts three runs of one agent side by side, and everything that can be marked once."""
    started = datetime(2026, 1, 2, 14, 5, tzinfo=UTC).replace(tzinfo=None)
    rows: list[Row] = [
        source(),
        conversation(title="busy day", started_at=started),
        agent("plan", name="planner"),
        agent("forge", "plan", name="forge"),
        agent("scout", "plan", name="scout", label="s1"),
        agent("late", "plan", name="late"),
        run("plan/1", "plan", start_ms=0, end_ms=600_000, started_at=started),
        run("forge/1", "forge", "plan/1", ordinal=1, start_ms=60_000, end_ms=300_000, native_run_id="a"),
        run("forge/2", "forge", "plan/1", ordinal=2, start_ms=90_000, end_ms=420_000, native_run_id="b",
            status="failed"),
        run("forge/3", "forge", "plan/1", ordinal=3, start_ms=120_000, end_ms=240_000, native_run_id="c",
            time_grade="derived"),
        run("scout/1", "scout", "plan/1", start_ms=300_000, status="running"),
        run("late/1", "late", "plan/1"),
        edge("e1", "spawn", "plan/1", "forge/1", at_ms=60_000), edge("e2", "spawn", "plan/1", "forge/2", at_ms=90_000),
        edge("e3", "spawn", "plan/1", "scout/1", at_ms=300_000),
        edge("e4", "result", "forge/1", "plan/1", at_ms=300_000, delivered=True),
        edge("e5", "result", "forge/3", "plan/1", at_ms=240_000, delivered=False),
        edge("e6", "message", "scout/1", "plan/1", at_ms=480_000, grade="derived"),
        event("plan/1", "compaction", at_ms=540_000, tokens_before=150_000, tokens_after=20_000),
        event("forge/2", "resume", ordinal=2, at_ms=200_000),
        event("scout/1", "interrupt", at_ms=520_000, detail="by hand"),
        checkpoint("k1", "forge/1", at_ms=180_000, messages=12),
        tool_call("scout/1", 1, name="Bash", start_ms=420_000, is_error=True),
        step("late/1", 1),
    ]  # fmt: skip
    for i in range(10):
        rows.append(step("plan/1", i + 1, start_ms=60_000 * i, end_ms=60_000 * i + 20_000, input_tokens=15_000 * i,
                         output_tokens=100))  # fmt: skip
    for name, start in (("forge/1", 60_000), ("forge/2", 90_000), ("forge/3", 120_000)):
        rows += [step(name, i + 1, start_ms=start + 30_000 * i, end_ms=start + 30_000 * i + 10_000,
                      grade="exact" if i % 2 else "derived") for i in range(4)]  # fmt: skip
    rows += [
        step("forge/2", 5, start_ms=390_000, error="overloaded", candidates=None),
        step("forge/1", 5, start_ms=270_000, grade="ambiguous", candidates='["forge/1","forge/2","forge/3"]'),
        step("scout/1", 1, start_ms=300_000, end_ms=310_000, is_replay=True),
        step("scout/1", 2, start_ms=330_000, end_ms=560_000, model="small", input_tokens=9_000, output_tokens=40),
    ]
    return rows


def brood(children: int) -> list[Row]:
    """One parent with many agents of one run each, a second apart."""
    rows: list[Row] = [source(), conversation(title="brood"), agent("main", name="main")]
    rows += [run("main/1", "main", start_ms=0, end_ms=1_000 * children)]
    for i in range(children):
        rows += [agent(f"x{i}", "main", name="Explore", label=f"agent_{i:03}")]
        rows += [run(f"x{i}/1", f"x{i}", "main/1", start_ms=1_000 * i, end_ms=1_000 * i + 2_500)]
        rows += [step(f"x{i}/1", 1, start_ms=1_000 * i)]
    return rows


def lanes_of(pilot: Pilot[Any]) -> TimelineLanes:
    return main_screen(pilot).query_one(TimelineLanes)


def line(pilot: Pilot[Any], name: str) -> str:
    """The row of a name, as it is drawn."""
    return next(text for text in screen_text(pilot).splitlines() if name in text)


Compare = Callable[..., bool]


def pressing(*keys: str) -> Callable[[Pilot[Any]], Any]:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *keys)

    return before


def test_every_mark_of_a_busy_day(snap_compare: Compare, opener: Opener) -> None:
    keys = ("t", "tab", "z", "j", "j", "46*l")
    assert snap_compare(opener(busy_day()), terminal_size=WIDE, run_before=pressing(*keys))


def test_lanes_stand_under_their_agent_and_the_cursor_says_what_is_in_its_cell(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z")
        shown = [line(pilot, name) for name in ("active at once", "forge", "run 1 a", "run 3 c")]
        at_once, forge, first, third = (text[17:] for text in shown)
        assert at_once.startswith("11111111112222233333444444")
        assert forge.strip()[0] == "░"
        assert "▓" in forge
        assert first.index("~") < third.index("~")
        assert "no times recorded: 1 run" in screen_text(pilot)
        assert "step 1 at 0, 20.0s, in 0 out 100" in screen_text(pilot)
        await press(pilot, "j", "j", "6*greater_than_sign")
        text = screen_text(pilot)
        assert "forge run 1 a · at +4m28s from the start · a cell is 6.0s" in text
        assert "step 5 at +4m30s, in – out –, it belongs to one of 3 runs" in text
        await press(pilot, "less_than_sign")
        assert "checkpoint, 12 messages" in screen_text(pilot)
        await press(pilot, "j", "9*greater_than_sign")
        assert "failed: overloaded" in screen_text(pilot)
        await press(pilot, "G")
        assert "No time was recorded of it" in screen_text(pilot)

    drive(opener(busy_day()), script)


def test_zooming_and_panning_and_the_cursor_at_the_edge_move_the_axis_and_zero_brings_everything_back(
    opener: Opener,
) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z")
        whole = lanes_of(pilot).window
        await press(pilot, "50*l", "plus", "plus")
        zoomed = lanes_of(pilot).window
        assert zoomed.width == whole.width / 4
        assert "+4m30s" in line(pilot, "from start")
        await press(pilot, "L")
        assert lanes_of(pilot).window.start > zoomed.start
        await press(pilot, "H", "minus")
        assert lanes_of(pilot).window.width == whole.width / 2
        await press(pilot, "0")
        assert lanes_of(pilot).window == whole
        await press(pilot, "plus", "end")
        lanes = lanes_of(pilot)
        before, moment = lanes.window, lanes.window.at(lanes.cell)
        await press(pilot, "l")
        assert lanes.window.start > before.start
        assert lanes.window.at(lanes.cell) == pytest.approx(moment + before.width, abs=before.width)
        await press(pilot, "0", "home", "h")
        assert lanes.cell == 0

    drive(opener(busy_day()), script)


def test_w_says_the_time_of_day_and_of_what_day_and_a_how_full_the_context_was(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z", "w")
        assert "UTC 2026-01-02" in screen_text(pilot)
        assert "14:10" in line(pilot, "UTC 2026")
        assert "2026-01-02 14:05:00.000 UTC" in screen_text(pilot)
        assert "m━━" in line(pilot, "planner  ")
        await press(pilot, "j", "j")
        assert "14:06:00 to 14:10:00, 4m00s, completed" in screen_text(pilot)
        await press(pilot, "w", "g", "a")
        assert "+1m" in line(pilot, "from start")
        assert "▁▁▁" in line(pilot, "planner")
        assert "███C" in line(pilot, "planner")
        assert "context, █ 135.1k" in screen_text(pilot)

    drive(opener(busy_day()), script)


def test_where_no_clock_was_recorded_w_says_so(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "w")
        assert any("No wall clock was recorded" in note.message for note in pilot.app._notifications)
        assert "from start" in screen_text(pilot)

    drive(opener(family()), script)


def test_enter_goes_to_the_step_or_else_to_the_run(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "j", "j", "greater_than_sign", "greater_than_sign", "enter")
        screen = main_screen(pilot)
        assert screen.state.tab == "steps"
        assert getattr(pilot.app.focused, "chosen", None) == ("forge/1", 2)
        await press(pilot, "t", "end", "enter")
        assert at(pilot) == "forge/1"
        assert pilot.app.focused is tree_of(pilot)

    drive(opener(busy_day()), script)


def test_space_folds_and_opens(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z", "space")
        text = screen_text(pilot)
        assert "▸ 5 runs below" in text
        assert "run 1 a" not in text
        await press(pilot, "j", "enter")
        assert "run 1 a" in screen_text(pilot)
        assert lanes_of(pilot).row == 0

    drive(opener(busy_day()), script)


def test_hundreds_are_clustered_at_first_and_scroll_once_they_are_opened(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t")
        assert "▸ 25 runs agent_000" in screen_text(pilot)
        await press(pilot, "G", "space", "G")
        text = screen_text(pilot)
        assert "agent_299" in text
        assert "m" in line(pilot, "agent_299")
        await press(pilot, "g")
        assert "agent_000" in screen_text(pilot)

    drive(opener(brood(300)), script, NARROW)


def test_own_is_the_node_alone(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "t", "o")
        text = screen_text(pilot).split("from start")[1]
        assert "Explore" not in text.split("active at once")[1].split("main ·")[0].replace("Explore agent", "", 2)
        assert [row.lane.node_id for row in lanes_of(pilot).rows if row.lane] == ["main"]

    drive(opener(family()), script)


def test_the_mouse_chooses_a_cell(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z")
        await pilot.click(TimelineLanes, offset=(60, 6))
        await settle(pilot)
        lanes = lanes_of(pilot)
        assert lanes.row == 4
        assert lanes.cell > 40

    drive(opener(busy_day()), script)


def test_everything_that_is_open_is_on_one_scale(opener: Opener) -> None:
    rows = [*family(), conversation("d", title="other"), agent("dm", conversation_id="d", name="solo"),
            run("dm/1", "dm", conversation_id="d", start_ms=0, end_ms=4_000)]  # fmt: skip

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "escape", "t")
        text = screen_text(pilot)
        assert "from each start" in text
        assert {"trace one", "other"} <= {row.lane.name for row in lanes_of(pilot).rows if row.lane}

    drive(opener(rows), script)


def test_a_filter_is_counted(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "f", "type:agent_name = 'Explore'", "enter", "escape")
        text = screen_text(pilot)
        assert "the filter leaves out 2 runs" in text
        assert "(main)" in text

    drive(opener(family()), script)


def one_run(*rows: Row, **values: Any) -> list[Row]:
    """A conversation with an agent ``solo`` of one run of ten seconds."""
    times = {"start_ms": 0, "end_ms": 10_000}
    return [source(), conversation(title="one"), agent("a", name="solo"), run("r", "a", **times | values), *rows]


def test_what_came_after_the_recorded_end_can_be_reached(opener: Opener) -> None:
    rows = one_run(step("r", 1, start_ms=0), step("r", 2, start_ms=15_000, error="late"),
                   event("r", "compaction", at_ms=20_000))  # fmt: skip

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z", "plus", "greater_than_sign")
        assert "step 2 at +15s, in – out –, failed: late" in screen_text(pilot)
        await press(pilot, "greater_than_sign")
        assert "compaction" in screen_text(pilot)
        assert lanes_of(pilot).cell < lanes_of(pilot).window.cells
        await press(pilot, "greater_than_sign")
        assert any("Nothing later" in note.message for note in pilot.app._notifications)

    drive(opener(rows), script)


def test_copies_of_another_day_do_not_take_the_cursor_out_of_sight(opener: Opener) -> None:
    rows = one_run(step("r", 1, start_ms=-86_400_000, is_replay=True), step("r", 2, start_ms=0))

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "less_than_sign")
        assert lanes_of(pilot).cell == 0
        assert any("copied from another recording" in note.message for note in pilot.app._notifications)

    drive(opener(rows), script)


def test_a_resize_keeps_the_cursor_on_its_moment(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z", "j", "j", "3*greater_than_sign")
        lanes = lanes_of(pilot)
        there = lanes.window.at(lanes.cell)
        await pilot.resize_terminal(*NARROW)
        await settle(pilot)
        assert lanes.window.at(lanes.cell) == pytest.approx(there, abs=lanes.window.width)
        await press(pilot, "plus", "plus")
        zoomed = lanes.window
        await pilot.resize_terminal(12, 10)
        await settle(pilot)
        await pilot.resize_terminal(*NARROW)
        await settle(pilot)
        assert lanes.window.width == pytest.approx(zoomed.width)
        await press(pilot, "0", "end")
        await pilot.resize_terminal(*WIDE)
        await settle(pilot)
        assert lanes.cell == lanes.window.cells - 1

    drive(opener(busy_day()), script)


def test_an_answer_about_another_cell_is_not_taken(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z")
        lanes = lanes_of(pilot)
        tab = main_screen(pilot).query_one(TimelineTab)
        tab._ask_spot()
        monkeypatch.setattr(TimelineTab, "REST", 60)  # the next question does not come before the answer
        pilot.app.simulate_key("l")
        await settle(pilot)
        assert lanes.cell == 1
        assert lanes.chosen is None

    drive(opener(busy_day()), script)


def test_enter_waits_for_what_the_cell_holds(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z", "9*l")
        for key in ("l", "enter"):
            pilot.app.simulate_key(key)
        await until(pilot, lambda: getattr(pilot.app.focused, "chosen", None) == ("plan/1", 2))
        assert main_screen(pilot).state.tab == "steps"

    drive(opener(busy_day()), script)


def test_no_key_is_lost_while_the_next_mark_is_looked_for(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z")
        await press(pilot, *["greater_than_sign"] * 4)
        slow = lanes_of(pilot).cell
        assert slow > 0
        await press(pilot, "home")
        for _ in range(4):
            pilot.app.simulate_key("greater_than_sign")
        await until(pilot, lambda: lanes_of(pilot).cell == slow)

    drive(opener(busy_day()), script)


def test_steps_without_a_time_are_counted(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "l")
        assert "completed · 2 steps without a time" in screen_text(pilot)

    drive(opener(one_run(step("r", 1, start_ms=0), step("r", 2), step("r", 3))), script)


def test_a_crowded_cell_says_what_is_copied_and_what_failed(opener: Opener) -> None:
    rows = one_run(*(step("r", i, start_ms=i, error="no" if i > 6 else None, is_replay=i < 3) for i in range(1, 10)))

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z")
        assert "9 steps, 1 to 9, 2 of them copies that are not counted, 3 failed; + zooms in" in screen_text(pilot)

    drive(opener(rows), script)


def test_times_that_are_not_exact_say_why(opener: Opener) -> None:
    told = {
        "derived": "start or end derived by a rule",
        "ambiguous": "start or end ambiguous: several fit",
        "not_recorded": "no times of its own recorded: those of its steps",
    }
    rows: list[Row] = [source(), conversation(title="one")]
    for grade in told:
        rows += [agent(grade, name=grade), run(f"{grade}/1", grade, start_ms=0, end_ms=10_000, time_grade=grade)]

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z", "l")
        assert "╌ derived or unsure times" in screen_text(pilot)
        grades = [shown.lane.name for shown in lanes_of(pilot).rows if shown.lane]
        assert set(grades) == told.keys()
        for grade in grades:
            assert f"completed, {told[grade]}" in screen_text(pilot)
            await press(pilot, "j")

    drive(opener(rows), script)


def test_a_checkpoint_is_marked_and_says_what_was_saved(opener: Opener) -> None:
    saved = event("r", "note", at_ms=5_000, trigger="checkpoint", detail="step_seq 3: 12 messages, $0.020 spent")
    rows = one_run(saved, checkpoint("k", "r", at_ms=5_000, messages=12))

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "z", "greater_than_sign")
        assert "─K─" in line(pilot, "solo")
        assert "checkpoint: step_seq 3: 12 messages, $0.020 spent" in screen_text(pilot)

    drive(opener(rows), script)


def test_words_that_do_not_fit_end_with_a_sign(opener: Opener) -> None:
    many = [event("r", "note", ordinal=i, at_ms=0, trigger="total_tokens", detail="x" * 50) for i in range(1, 6)]

    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t")
        assert line(pilot, "note: xxx").rstrip().endswith("…")

    drive(opener(one_run(*many)), script, NARROW)


def test_a_conversation_without_runs_says_so(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "t", "tab", "l", "plus", "0", "greater_than_sign", "space", "w", "a", "G", "enter")
        assert "No runs are here." in screen_text(pilot)

    drive(opener([source(), conversation(title="empty"), agent("a")]), script)
