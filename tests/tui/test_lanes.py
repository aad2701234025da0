"""The rows of the timeline and their cells, drawn by hand."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from explorer.store.queries import Bin, Drawn, Lane, Timeline
from explorer.tui import timeline_words
from explorer.tui.lane_cells import LOOKS, counts, draw, legend, link
from explorer.tui.lanes import Row, folded_down, name_of, rows_of
from explorer.tui.time_scale import Window

TEN = Window(0, 10, 10)
"""A hundred milliseconds in ten cells."""
NOTHING = Drawn({}, frozenset(), [], None, 0)


def lane(position: int, run: str | None, start: int | None = 0, end: int | None = 99, **values: Any) -> Lane:
    """A lane; ``last`` is its own position unless it is given."""
    given = {
        "position": position, "last": position, "depth": 0, "kind": "agent", "node_id": run or f"n{position}",
        "run_id": run, "name": run or f"n{position}", "label": None, "status": "completed", "kept": True, "runs": 1,
        "start_ms": start, "end_ms": end, "below_start_ms": start, "below_end_ms": end, "clock_ms": None,
        "time_grade": "exact", "is_open": False, "end_recorded": True, "open_until_ms": None,
        "parent_run_id": None, "spawned": False, "result": None,
    }  # fmt: skip
    return Lane(**given | values)


def timeline(*lanes: Lane, **values: Any) -> Timeline:
    given: dict[str, Any] = {
        "lanes": list(lanes), "lines": len(lanes), "runs": len(lanes), "left_out": 0, "conversations": 1, "clocked": 0,
        "start_ms": 0, "end_ms": 99, "wall_start": None, "wall_end": None, "peak_context": None,
    }  # fmt: skip
    return Timeline(**given | values)


def row(lane: Lane, kind: Any = "lane") -> Row:
    return Row(kind, lane, lane.position, lane.last)


def text(lane: Lane, drawn: Drawn | None = NOTHING, window: Window = TEN, **settings: Any) -> str:
    cells = draw(row(lane, settings.pop("kind", "lane")), drawn, window, settings.pop("wall", False), **settings)
    assert all(key in LOOKS for _, key in cells)
    return "".join(glyph for glyph, _ in cells)


class TestBars:
    def test_a_run_has_a_start_and_an_end(self) -> None:
        assert text(lane(1, "r", 20, 75)) == "  ├────┤  "

    def test_a_bar_that_goes_beyond_the_window_is_cut_without_an_end(self) -> None:
        assert text(lane(1, "r", -500, 30)) == "───┤      "
        assert text(lane(1, "r", 70, 500)) == "       ├──"
        assert text(lane(1, "r", 200, 500)) == " " * 10

    def test_a_run_shorter_than_a_cell_is_there_all_the_same(self) -> None:
        assert text(lane(1, "r", 41, 44)) == "    ▪     "

    @pytest.mark.parametrize(
        ("values", "end"),
        [
            ({"result": "given"}, "╯"),
            ({"is_open": True}, "▶"),
            ({"status": "failed", "result": "given"}, "✗"),
            ({"status": "cancelled"}, "⊘"),
            ({"end_recorded": False}, "…"),
        ],
    )
    def test_how_a_run_ended_can_be_seen(self, values: dict[str, Any], end: str) -> None:
        assert text(lane(1, "r", 0, 50, **values)) == f"├────{end}    "

    def test_one_sign_of_a_run_without_an_end_is_not_a_whole_short_run(self) -> None:
        assert text(lane(1, "r", 41, 44, end_recorded=False)) == "    …     "

    def test_an_open_run_may_have_gone_on(self) -> None:
        assert text(lane(1, "r", 0, 50, is_open=True, open_until_ms=79)) == "├────▶▷▷  "
        assert text(lane(1, "r", -90, -50, is_open=True, open_until_ms=39)) == "▷▷▷▷      "

    def test_what_is_outside_of_its_run_is_drawn_all_the_same(self) -> None:
        drawn = NOTHING._replace(bins={2: Bin(1), 7: Bin(0, marks=frozenset({"compaction"}))})
        assert text(lane(1, "r", -90, -50), drawn) == "  m    C  "
        assert text(lane(1, "r", 30, 50), drawn) == "  m├─┤ C  "

    def test_times_that_are_not_exact_are_dashed(self) -> None:
        drawn = NOTHING._replace(busy=frozenset({2, 3}))
        assert text(lane(1, "r", 0, 50, time_grade="derived"), drawn) == "├╌╍╍╌┤    "

    def test_a_spawned_run_hangs_from_above(self) -> None:
        assert text(lane(1, "r", 0, 50, spawned=True)) == "╰────┤    "

    def test_a_run_without_times_has_no_bar(self) -> None:
        assert text(lane(1, "r", None, None)) == " " * 10

    def test_the_wall_clock_moves_it(self) -> None:
        moved = lane(1, "r", 0, 50, clock_ms=1_000.0)
        assert text(moved, window=Window(1_000, 10, 10), wall=True) == "├────┤    "


class TestSteps:
    def test_one_is_a_tick_and_several_are_their_number(self) -> None:
        bins = {1: Bin(1), 2: Bin(2), 3: Bin(9), 4: Bin(10)}
        assert text(lane(1, "r"), NOTHING._replace(bins=bins)) == "├m29#────┤"

    def test_the_worst_of_a_cell_is_drawn(self) -> None:
        bins = {
            1: Bin(5, failed=1, ambiguous=1), 2: Bin(5, ambiguous=1, derived=4), 3: Bin(5, derived=1),
            4: Bin(5, replayed=1), 5: Bin(replayed=5), 6: Bin(1, marks=frozenset({"compaction"})),
            7: Bin(1, marks=frozenset({"checkpoint", "spawn"})), 8: Bin(0, marks=frozenset({"spawn"})),
        }  # fmt: skip
        assert text(lane(1, "r"), NOTHING._replace(bins=bins)) == "├E?~5rCK┬┤"

    def test_a_step_hides_a_plain_end_but_not_a_failure(self) -> None:
        bins = {0: Bin(1), 5: Bin(1)}
        assert text(lane(1, "r", 0, 50), NOTHING._replace(bins=bins)) == "m────m    "
        assert text(lane(1, "r", 0, 50, status="failed"), NOTHING._replace(bins=bins)) == "m────✗    "

    def test_a_step_under_way_is_heavy(self) -> None:
        drawn = NOTHING._replace(bins={2: Bin(1)}, busy=frozenset({2, 3, 4}))
        assert text(lane(1, "r"), drawn) == "├─m━━────┤"

    def test_a_mark_that_nobody_knows_is_left_out(self) -> None:
        drawn = NOTHING._replace(bins={2: Bin(0, marks=frozenset({"surprise"}))})  # type: ignore[arg-type]
        assert text(lane(1, "r"), drawn) == "├────────┤"


class TestKinds:
    def test_model_calls_and_tool_calls_have_a_letter_each_and_model_calls_go_first(self) -> None:
        tool = frozenset({"tool"})
        bins = {2: Bin(1), 4: Bin(0, marks=tool), 6: Bin(1, marks=tool)}  # type: ignore[arg-type]
        assert text(lane(1, "r"), NOTHING._replace(bins=bins)) == "├─m─t─m──┤"

    def test_where_no_model_calls_are_recorded_a_step_is_none(self) -> None:
        bins = {2: Bin(1), 4: Bin(1, marks=frozenset({"tool"})), 6: Bin(2)}
        assert text(lane(1, "r", model_calls=False), NOTHING._replace(bins=bins)) == "├─•─t─2──┤"

    def test_waiting_for_a_tool_is_told_from_a_model_call_under_way(self) -> None:
        drawn = NOTHING._replace(bins={1: Bin(1)}, busy=frozenset({1, 2, 3}), tooling=frozenset({3, 4, 5}))
        assert text(lane(1, "r"), drawn) == "├m━━══───┤"
        assert text(lane(1, "r", time_grade="derived"), drawn) == "├m╍╍┅┅╌╌╌┤"
        # Where steps are tool calls, it is the tool that is under way.
        assert text(lane(1, "r", model_calls=False), drawn) == "├•━═══───┤"


class TestContext:
    def test_it_is_as_high_as_it_was_full_until_the_next_step(self) -> None:
        bins = {
            1: Bin(1, context=10, context_after=10),
            4: Bin(2, context=80, context_after=70),
            7: Bin(1, marks=frozenset({"compaction"})),
        }
        assert text(lane(1, "r"), NOTHING._replace(bins=bins), peak=80) == "·▂▂▂███C██"

    def test_what_it_was_before_the_window_counts(self) -> None:
        drawn = NOTHING._replace(context_before=40)
        assert text(lane(1, "r", -100, 50), drawn, peak=80) == "▅▅▅▅▅▅    "

    def test_a_cell_has_the_most_and_the_next_what_the_last_step_left(self) -> None:
        bins = {1: Bin(2, context=80, context_after=10)}
        assert text(lane(1, "r", 0, 50), NOTHING._replace(bins=bins), peak=80) == "·█▂▂▂▂    "


class TestGroups:
    def test_shades_say_how_many_are_active_and_letters_what_is_wrong(self) -> None:
        drawn = Drawn({3: Bin(4, failed=1), 5: Bin(2), 6: Bin(2, ambiguous=1)}, frozenset(), [0, 1, 2, 3, 4, 9, 1, 0, 0, 0], None, 0)  # fmt: skip # noqa: E501
        assert text(lane(1, None), drawn, kind="group") == " ░▒E██?   "

    def test_counts_of_everything_are_digits_and_of_crowds_heights(self) -> None:
        assert "".join(glyph for glyph, _ in counts([0, 1, 9])) == " 19"
        assert "".join(glyph for glyph, _ in counts([0, 1, 40, 80])) == " ▁▅█"

    def test_of_crowds_every_row_has_heights_on_one_scale(self) -> None:
        drawn = Drawn({4: Bin(marks=frozenset({"failed"}))}, frozenset(), [0, 1, 40, 80, 80, 0, 0, 0, 0, 0], None, 0)
        assert text(lane(1, None), drawn, kind="group", crowd=160) == " ▁▃▅✗     "


class TestRows:
    def test_a_frame_around_everything_has_no_row(self) -> None:
        lanes = timeline(lane(0, None, last=2), lane(1, "a", depth=1, last=2), lane(2, "b", depth=2))
        assert [(r.kind, r.depth) for r in rows_of(lanes, (), False)] == [("lane", 0), ("lane", 1)]

    def test_a_folded_run_keeps_its_own_row_above_the_one_of_all_below(self) -> None:
        lanes = timeline(lane(0, "a", last=2), lane(1, "b", depth=1), lane(2, "c", depth=1))
        rows = rows_of(lanes, {"a"}, False)
        assert [(r.kind, r.first, r.last) for r in rows] == [("lane", 0, 0), ("cluster", 1, 2)]

    def test_a_folded_agent_of_several_runs_is_one_row(self) -> None:
        lanes = timeline(
            lane(0, "a", last=3), lane(1, None, last=3, depth=1, kind="agent"),
            lane(2, "r1", depth=2, kind="run"), lane(3, "r2", depth=2, kind="run"),
        )  # fmt: skip
        rows = rows_of(lanes, {"n1"}, False)
        assert [(r.kind, r.first, r.last) for r in rows] == [("lane", 0, 0), ("group", 1, 3)]
        assert [r.agent for r in rows_of(lanes, (), False)] == ["", "", "n1", "n1"]

    def test_an_agent_that_is_open_shows_its_own_runs_and_a_folded_one_all_below(self) -> None:
        lanes = timeline(lane(0, "r"), lane(1, None, last=2), lane(2, "r1", depth=1, kind="run"))
        assert [[r.own for r in rows_of(lanes, folded, False)] for folded in ((), {"n1"})] == [
            [False, True, False], [False, False]
        ]  # fmt: skip

    def test_runs_without_times_come_last_under_a_line_that_says_so(self) -> None:
        lanes = timeline(lane(0, "a", None, None), lane(1, "b"), lines=7, left_out=3)
        rows = rows_of(lanes, (), False)
        assert [r.kind for r in rows] == ["lane", "note", "untimed", "note", "note"]
        assert [r.text for r in rows if r.text] == [
            "no times recorded: 1 run",
            "… 5 more lines are not listed: choose a node further down the tree",
            "the filter leaves out 3 runs",
        ]

    def test_without_a_clock_a_run_has_no_place_on_the_wall(self) -> None:
        rows = rows_of(timeline(lane(0, "a", clock_ms=5.0), lane(1, "b")), (), True)
        assert [r.kind for r in rows] == ["lane", "note", "untimed"]
        assert rows[1].text == "no wall clock recorded: 1 run"

    def test_many_are_folded_from_the_deepest_up_until_they_fit(self) -> None:
        lanes = [lane(0, "root", last=20)]
        for i in range(1, 21, 5):
            lanes.append(lane(i, f"a{i}", depth=1, last=i + 4))
            lanes += [lane(i + j, f"b{i + j}", depth=2) for j in range(1, 5)]
        deep = timeline(*lanes)
        assert folded_down(deep, 21) == set()
        assert folded_down(deep, 20) == {"a1", "a6", "a11", "a16"}
        assert folded_down(deep, 5) == {"a1", "a6", "a11", "a16", "root"}

    def test_a_chain_of_thousands_is_folded_at_once(self) -> None:
        many = 5_000
        lanes = timeline(*(lane(i, f"r{i}", depth=i, last=many) for i in range(many)))
        began = monotonic()
        assert len(rows_of(lanes, folded_down(lanes, 200), False)) == 200
        assert monotonic() - began < 2  # one depth after the other took twenty seconds

    def test_the_number_of_a_run_is_never_cut(self) -> None:
        numbered = lane(1, "r", kind="run", name="run 3", label="73fe45dc-2a35-4d5e-b1e4-a6b3e2d6a0fe")
        assert name_of(row(numbered), 24) == "  run 3 73fe45dc-2a35-4…"
        assert name_of(row(numbered), 12) == "  run 3 73f…"

    def test_a_label_that_leaves_no_room_shares_it_with_the_name(self) -> None:
        named = lane(1, "r", name="Explorer", label="73fe45dc-2a35-4d5e-b1e4-a6b3e2d6a0fe")
        assert name_of(row(named), 24) == "  Explorer 73fe45dc-2a3…"
        assert name_of(row(named._replace(name="a-long-name-of-an-agent")), 24) == "  a-long-nam… 73fe45dc-…"

    def test_names_are_cut_so_that_labels_stay(self) -> None:
        named = lane(1, "r", name="Explorer", label="agent_001")
        assert name_of(row(named), 30) == "  Explorer agent_001"
        assert name_of(row(named), 18) == "  Explo… agent_001"
        assert name_of(row(named._replace(kept=False)), 30) == "  (Explorer) agent_001"
        assert name_of(row(named._replace(name="\x1b[31m"), "lane"), 30) == "  ␛[31m agent_001"


def test_lines_lead_from_a_run_down_to_those_it_spawned() -> None:
    lanes = [lane(0, "a", 0, 99), lane(1, "b", 0, 15, parent_run_id="a"), lane(2, "c", 50, 70, parent_run_id="a", spawned=True)]  # fmt: skip # noqa: E501
    rows = [row(each) for each in lanes]
    pictures = {index: draw(each, NOTHING, TEN, False) for index, each in enumerate(rows)}
    link(rows, pictures, TEN, False)
    assert ["".join(glyph for glyph, _ in cells) for cells in pictures.values()] == [
        "├────────┤",
        "├┤   │    ",
        "     ╰─┤  ",
    ]


def test_the_legend_names_what_is_on_the_screen_problems_first() -> None:
    found = legend({"bar", "step", "error", "heat-2", "context", "blank"}, 182_000)
    assert [(glyph, words) for glyph, _, words in found] == [
        ("E", "failed step"), ("▒", "2 at once"), ("m", "model call; 2–9, #: so many"), ("─", "between steps"),
        ("▁█", "context, █ 182.0k"),
    ]  # fmt: skip


def test_no_two_marks_look_the_same() -> None:
    glyphs = [look.glyph for look in LOOKS.values()]
    assert len(set(glyphs)) == len(glyphs)
    assert all(look.text and look.help for key, look in LOOKS.items() if key != "blank")


def test_what_is_not_read_yet_is_not_nothing() -> None:
    assert timeline_words.what(row(lane(1, None), "cluster"), None, None, 0, False) == "reading …"
    assert timeline_words.what(row(lane(1, "a")), None, None, 0, False) == "reading …"
