"""What the timeline asks: lanes, the cells of the screen, one cell, the next mark."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from explorer.model import Checkpoint, Row
from explorer.store.database import Cursor, Database
from explorer.store.queries import (
    Bin,
    Cells,
    Drawn,
    Lane,
    Stretch,
    Ticks,
    Timeline,
    TreeView,
    build_tree,
    timeline,
    timeline_beside,
    timeline_failed,
    timeline_spot,
    timeline_ticks,
)
from tests.store.world import (
    agent,
    beside,
    conversation,
    edge,
    event,
    family,
    make_database,
    row,
    run,
    step,
    tool_call,
)

SECOND = Cells(0, 1_000, 10)
EPOCH = 1_767_362_700_000  # 2026-01-02 14:05 in UTC
CLOCK = datetime(2026, 1, 2, 14, 5, tzinfo=UTC).replace(tzinfo=None)


class World:
    """One of the worlds of a database, with a cursor, to ask one question after the other."""

    def __init__(self, database: Database, name: str = "", where: str | None = None) -> None:
        self.name = name
        self.tree: TreeView = build_tree(database, where)
        self._open = database.cursor()
        self.cursor: Cursor = self._open.__enter__()

    def lanes(self, node: str | None = "c", own: bool = False) -> Timeline:
        found = timeline(self.cursor, self.tree, node and self.name + node, own)
        return found._replace(lanes=[self._without_name(lane) for lane in found.lanes])

    def _without_name(self, lane: Lane) -> Lane:
        ids = {"node_id": lane.node_id, "run_id": lane.run_id, "parent_run_id": lane.parent_run_id}
        return lane._replace(**{key: value and value.removeprefix(self.name) for key, value in ids.items()})

    def ticks(self, *stretches: Stretch, own: bool = False, cells: Cells = SECOND) -> Ticks:
        return timeline_ticks(self.cursor, self.tree, self.name + "c", own, stretches, cells)

    def row(self, name: str, cells: Cells = SECOND, grouped: bool = False) -> Drawn:
        """One row, of the line of a node; of all below it too where it is grouped."""
        lane = next(lane for lane in self.lanes().lanes if lane.node_id == name)
        stretch = Stretch(lane.position, lane.last if grouped else lane.position, grouped)
        return self.ticks(stretch, cells=cells).rows[0]

    def spot(self, name: str, start: float, width: float = 1_000, **values: Any) -> Any:
        lane = next(lane for lane in self.lanes().lanes if lane.node_id == name)
        stretch = Stretch(lane.position, lane.position, False)
        cells = Cells(start, width, 1)
        return timeline_spot(self.cursor, self.tree, self.name + "c", False, stretch, cells, 0, **values)


@pytest.fixture(scope="module")
def home() -> World:
    return World(make_database(family()))


@pytest.fixture(scope="module")
def planners() -> World:
    """Of the same, what Plan did."""
    return World(make_database(family()), where="agent_name = 'Plan'")


Test = TypeVar("Test", bound=Callable[..., None])
RECORDED: dict[str, list[Row]] = {}
"""The worlds of tests, by their names."""


def recorded(*rows: Row) -> Callable[[Test], Test]:
    """The world of a test, in one database with those of the others."""

    def note(test: Test) -> Test:
        RECORDED[test.__name__] = list(rows)
        return test

    return note


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(beside(RECORDED))


@pytest.fixture
def world(request: pytest.FixtureRequest, database: Database) -> World:
    return World(database, f"{request.function.__name__}/")


def one_run(*rows: Row, **values: Any) -> list[Row]:
    """A conversation with an agent ``a`` and its run ``r``."""
    return [conversation(), agent("a"), run("r", "a", **{"start_ms": 0, "end_ms": 9_999} | values), *rows]


class TestLanes:
    def test_they_stand_in_the_order_of_the_tree_with_their_times(self, home: World) -> None:
        found = home.lanes()
        assert [(lane.node_id, lane.depth, lane.start_ms, lane.end_ms, lane.runs) for lane in found.lanes] == [
            ("c", 0, 0, 9_000, 4),
            ("main", 1, 0, 9_000, 4),
            ("x", 2, 1_000, 3_000, 2),
            ("z", 3, 2_000, 2_100, 1),
            ("y", 2, 1_500, 2_500, 1),
        ]
        assert found[1:] == (5, 4, 0, 1, 0, 0, 9_000, None, None, 330)

    def test_depth_counts_from_the_node_that_was_asked_for(self, home: World) -> None:
        assert [(lane.node_id, lane.depth) for lane in home.lanes("x").lanes] == [("x", 0), ("z", 1)]

    @recorded(*family(), edge("e5", "result", "y/1", "main/1", at_ms=2_500, delivered=False))
    def test_edges_say_who_was_spawned_and_whose_result_was_lost(self, world: World) -> None:
        found = {lane.node_id: (lane.parent_run_id, lane.spawned, lane.result) for lane in world.lanes().lanes}
        assert found == {
            "c": (None, False, None),
            "main": (None, False, None),
            "x": ("main/1", True, "given"),
            "z": ("x/1", True, None),
            "y": ("main/1", True, "lost"),
        }

    def test_own_is_the_node_alone(self, home: World) -> None:
        assert [lane.node_id for lane in home.lanes("c", own=True).lanes] == ["main"]
        assert home.lanes("c", own=True).runs == 1

    def test_everything_that_is_open_is_every_line(self, home: World) -> None:
        assert home.lanes(None) == home.lanes("c")

    def test_what_is_not_there_has_no_lanes(self, home: World) -> None:
        assert home.lanes("nobody") == ([], 0, 0, 0, 0, 0, None, None, None, None, None)

    @recorded(
        conversation(), agent("a"), run("r1", "a", start_ms=5, end_ms=10),
        run("r2", "a", ordinal=2, start_ms=8, status="running"), step("r2", 1, start_ms=9, end_ms=30),
    )  # fmt: skip
    def test_an_agent_of_several_runs_spans_them(self, world: World) -> None:
        found = world.lanes("a").lanes
        assert [(lane.run_id, lane.start_ms, lane.end_ms, lane.is_open, lane.end_recorded) for lane in found] == [
            (None, 5, 30, False, False),
            ("r1", 5, 10, False, True),
            ("r2", 8, 30, True, False),
        ]

    @recorded(*one_run(start_ms=None, end_ms=None))
    def test_a_run_without_times_has_none(self, world: World) -> None:
        assert [(lane.start_ms, lane.below_start_ms) for lane in world.lanes().lanes] == [(None, None), (None, None)]

    def test_the_clock_is_the_conversations_or_else_that_of_its_runs(self) -> None:
        world = World(make_database([
            conversation("c", started_at=CLOCK), agent("a"), run("r", "a", start_ms=0, end_ms=5),
            conversation("d"), agent("b", conversation_id="d"),
            run("s", "b", conversation_id="d", start_ms=1_000, end_ms=2_000, started_at=CLOCK),
            conversation("e"), agent("f", conversation_id="e"),
            run("t", "f", conversation_id="e", start_ms=0, end_ms=1),
        ]))  # fmt: skip
        found = world.lanes(None)
        clocks = {lane.node_id: lane.clock_ms for lane in found.lanes if lane.run_id}
        assert clocks == {"a": EPOCH, "b": EPOCH - 1_000, "f": None}
        assert (found.conversations, found.clocked) == (3, 2)
        assert (found.wall_start, found.wall_end) == (EPOCH, EPOCH + 1_000)

    def test_a_filter_keeps_the_way_and_counts_the_rest(self, planners: World) -> None:
        found = planners.lanes()
        assert [(lane.node_id, lane.kept) for lane in found.lanes] == [
            ("c", True), ("main", False), ("x", False), ("z", True)
        ]  # fmt: skip
        assert (found.runs, found.left_out) == (1, 3)

    @recorded(*one_run(
        step("r", 1, start_ms=-50, end_ms=10), step("r", 2, start_ms=12_000, end_ms=12_500),
        step("r", 3, start_ms=-99_000, is_replay=True), event("r", "note", at_ms=99_000, trigger="total_tokens"),
        event("r", "compaction", ordinal=2, at_ms=13_000), start_ms=0, end_ms=9_000,
    ))  # fmt: skip
    def test_steps_and_marks_where_their_run_was_not_belong_to_the_span_but_copies_do_not(self, world: World) -> None:
        found = world.lanes()
        assert (found.start_ms, found.end_ms) == (-50, 13_000)
        assert [(lane.start_ms, lane.end_ms) for lane in found.lanes if lane.run_id] == [(0, 9_000)]

    @recorded(
        conversation(), agent("a"), agent("b", "a"), run("r", "a", start_ms=0, end_ms=5_000),
        run("s", "b", "r", start_ms=1_000, status="running"), step("s", 1, start_ms=1_500, end_ms=2_500),
    )  # fmt: skip
    def test_an_open_run_may_have_gone_on_until_its_conversation_ended(self, world: World) -> None:
        found = {lane.node_id: (lane.end_ms, lane.open_until_ms) for lane in world.lanes().lanes if lane.run_id}
        assert found == {"a": (5_000, None), "b": (2_500, 5_000)}
        assert world.ticks(cells=Cells(0, 1_000, 6)).at_once == [1, 2, 2, 2, 2, 0]


class TestCells:
    def test_steps_are_counted_where_they_start(self, home: World) -> None:
        found = home.row("x")
        assert {cell: (bin.steps, bin.context) for cell, bin in found.bins.items() if bin.steps} == {1: (2, 66)}
        # A call that ends where a cell begins is not under way in it.
        assert found.busy == {1, 2}
        assert home.row("main").busy == {0, 4, 8}

    @recorded(*one_run(
        step("r", 1, start_ms=10, error="no"), step("r", 2, start_ms=20, is_replay=True, input_tokens=999),
        step("r", 3, start_ms=30, grade="ambiguous", output_tokens=7), step("r", 4, start_ms=40, grade="derived"),
    ))  # fmt: skip
    def test_what_kind_they_are_is_counted_too(self, world: World) -> None:
        assert world.row("a").bins == {0: Bin(3, 1, 1, 1, 1, 7, 7, frozenset())}

    @recorded(*one_run(
        step("r", 1, start_ms=0, end_ms=4_500, input_tokens=5), step("r", 2, start_ms=5_000, input_tokens=6),
        step("r", 3, start_ms=9_000, end_ms=9_500, input_tokens=7), step("r", 4),
    ))  # fmt: skip
    def test_only_the_window_is_read_but_what_goes_on_in_it_is_seen(self, world: World) -> None:
        found = world.row("a", Cells(3_000, 1_000, 4))
        assert found.bins == {2: Bin(1, 0, 0, 0, 0, 6, 6)}
        assert found.busy == {0, 1}
        assert (found.context_before, found.untimed) == (5, 1)

    def test_events_edges_checkpoints_and_failed_tools_are_marks(self) -> None:
        saved: Checkpoint = row(Checkpoint, checkpoint_key="k", run_id="r", at_ms=4_000)
        world = World(make_database([
            conversation(), agent("a"), agent("b", "a"), run("r", "a", start_ms=0, end_ms=9_000),
            run("s", "b", "r", start_ms=1_500, end_ms=8_000),
            event("r", "compaction", at_ms=2_000), event("r", "note", ordinal=2, at_ms=3_000, trigger="total_tokens"),
            event("r", "note", ordinal=3, at_ms=1_000, trigger="repaired-time"), saved,
            event("s", "note", at_ms=2_500, trigger="checkpoint"),
            edge("1", "spawn", "r", "s"), edge("2", "result", "s", "r", delivered=False),
            edge("3", "message", "s", "r", at_ms=5_000), tool_call("r", 1, is_error=True, start_ms=6_000),
            step("r", 1, start_ms=7_000), tool_call("r", 2, step_ordinal=1, is_error=True),
            tool_call("r", 3, end_ms=8_500),  # of some, only when they were over is recorded
        ]))  # fmt: skip
        marks = {cell: set(bin.marks) for cell, bin in world.row("a").bins.items()}
        assert marks == {
            1: {"spawn"}, 2: {"compaction"}, 4: {"checkpoint"}, 5: {"received"}, 6: {"tool_error"}, 7: {"tool_error"},
            8: {"tool"},
        }  # fmt: skip
        assert {cell: set(bin.marks) for cell, bin in world.row("b").bins.items()} == {
            2: {"checkpoint"}, 5: {"sent"}, 8: {"lost"}
        }  # fmt: skip
        # A group marks only what went wrong.
        assert {cell for cell, bin in world.row("a", grouped=True).bins.items() if bin.marks} == {8}

    @recorded(
        conversation(), agent("a"), agent("b", "a"), run("r", "a", start_ms=0, end_ms=9_000),
        run("s", "b", "r", start_ms=2_000, end_ms=8_000), edge("1", "spawn", "r", "s"),
        edge("2", "result", "s", "r"), edge("3", "message", "r", "s"), edge("4", "close", "r", "s"),
    )  # fmt: skip
    def test_what_no_time_was_recorded_of_is_marked_only_where_its_runs_tell_it(self, world: World) -> None:
        marks = {cell: set(bin.marks) for cell, bin in world.row("a").bins.items()}
        assert marks == {2: {"spawn"}, 8: {"result"}}

    def test_a_mark_counts_from_the_start_of_the_conversation_that_its_lane_is_of(self) -> None:
        later = CLOCK + timedelta(seconds=6)
        for known, marked in ((later, {7: {"fork"}}), (None, {})):
            world = World(make_database([
                conversation("c", started_at=CLOCK), agent("a"), run("r", "a", start_ms=0, end_ms=9_000),
                conversation("d", started_at=known), agent("b", conversation_id="d"),
                run("s", "b", conversation_id="d", start_ms=1_000, end_ms=2_000),
                edge("1", "fork", "r", "s", at_ms=1_000),
            ]))  # fmt: skip
            assert {cell: set(bin.marks) for cell, bin in world.row("a").bins.items() if bin.marks} == marked

    @recorded(*one_run(step("r", 1, start_ms=0, input_tokens=90), step("r", 2, start_ms=10, input_tokens=20)))
    def test_a_cell_knows_what_its_last_step_left_in_the_context(self, world: World) -> None:
        assert (world.row("a").bins[0].context, world.row("a").bins[0].context_after) == (90, 20)

    @recorded(conversation(started_at=CLOCK), agent("a"), run("r", "a", start_ms=0, end_ms=5_000),
                   step("r", 1, start_ms=2_000, end_ms=3_500))  # fmt: skip
    def test_the_wall_clock_moves_everything(self, world: World) -> None:
        found = world.row("a", Cells(EPOCH, 1_000, 6, wall=True))
        assert (set(found.bins), found.busy) == ({2}, {2, 3})
        assert world.ticks(cells=Cells(EPOCH, 1_000, 6, wall=True)).at_once == [1, 1, 1, 1, 1, 0]


class TestAtOnce:
    def test_the_most_within_each_cell_counts(self, home: World) -> None:
        assert home.ticks().at_once == [1, 3, 4, 1, 1, 1, 1, 1, 1, 0]

    @recorded(
        conversation(), agent("a"),
        *(run(f"r{i}", "a", ordinal=i, start_ms=100 * i, end_ms=100 * i + 100) for i in range(20)),
    )  # fmt: skip
    def test_one_run_after_the_other_is_never_two_at_once(self, world: World) -> None:
        assert world.ticks(cells=Cells(0, 1_000, 3)).at_once == [1, 1, 0]

    def test_a_window_in_the_middle_knows_what_began_before_it(self, home: World) -> None:
        assert home.ticks(cells=Cells(2_050, 10, 3)).at_once == [4, 4, 4]
        assert home.ticks(cells=Cells(2_700, 100, 5)).at_once == [2, 2, 2, 1, 1]

    def test_each_group_counts_its_own(self, home: World) -> None:
        assert home.row("x", grouped=True).at_once == [0, 1, 2, 0, 0, 0, 0, 0, 0, 0]

    @recorded(
        conversation(), agent("a"), agent("b", "a"), run("r1", "a", start_ms=0, end_ms=3_000),
        run("r2", "a", ordinal=2, start_ms=1_000, end_ms=2_000), run("s", "b", "r1", start_ms=1_000, end_ms=4_000),
        step("s", 1, start_ms=1_500, error="no"), step("r2", 1, start_ms=1_500),
    )  # fmt: skip
    def test_an_agent_counts_its_own_runs_without_those_below(self, world: World) -> None:
        a = next(lane for lane in world.lanes().lanes if lane.node_id == "a")
        cells = Cells(0, 1_000, 5)
        everything, own = world.ticks(Stretch(a.position, a.last, True), Stretch(a.position, a.last, True, True),
                                      cells=cells).rows  # fmt: skip
        assert (everything.at_once, own.at_once) == ([1, 3, 2, 1, 0], [1, 2, 1, 0, 0])
        assert (everything.bins[1].failed, own.bins[1].failed) == (1, 0)

    def test_runs_that_only_lead_to_kept_ones_do_not_count(self, planners: World) -> None:
        assert planners.ticks().at_once == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]

    @recorded(*one_run(start_ms=2_000, end_ms=2_000))
    def test_a_run_of_no_length_is_one_all_the_same(self, world: World) -> None:
        assert world.ticks(cells=Cells(0, 1_000, 4)).at_once == [0, 0, 1, 0]


class TestSpots:
    def test_a_cell_tells_its_steps_and_what_happened(self, home: World) -> None:
        found = home.spot("x", 1_000)
        assert [(step.run_id, step.ordinal, step.input_tokens) for step in found.steps] == [
            ("x/1", 1, 50), ("x/1", 2, 60)
        ]  # fmt: skip
        assert (found.step_count, found.last_ordinal) == (2, 2)
        assert [(one.what, one.outward, one.other) for one in found.happenings] == [
            ("spawn", False, "main"), ("tool", None, "Bash")
        ]  # fmt: skip

    @recorded(*one_run(step("r", 1, start_ms=10, grade="ambiguous", candidates='["r","s","t"]')))
    def test_an_ambiguous_step_says_how_many_runs_fit(self, world: World) -> None:
        assert [(one.grade, one.candidates) for one in world.spot("a", 0).steps] == [("ambiguous", 3)]

    @recorded(*one_run(step("r", 1, start_ms=10, grade="ambiguous", candidates="[oh")))
    def test_candidates_that_are_no_json_are_one(self, world: World) -> None:
        assert world.spot("a", 0).steps[0].candidates == 1

    @recorded(*one_run(
        *(step("r", i, start_ms=i) for i in range(1, 9)), step("r", 9, start_ms=9, error="no"),
        step("r", 10, start_ms=10, error="no", is_replay=True),
        step("r", 11, start_ms=11, grade="ambiguous", candidates='["r","s"]'),
        *(event("r", "compaction", ordinal=i, at_ms=i) for i in range(1, 12)),
    ))  # fmt: skip
    def test_what_is_wrong_is_counted_beyond_those_that_are_shown_and_copies_apart(self, world: World) -> None:
        found = world.spot("a", 0, limit=3)
        assert (found.step_count, found.failed, found.replayed, found.candidates) == (11, 1, 1, 2)
        assert (len(found.happenings), found.happening_count) == (3, 11)

    @recorded(
        conversation(), agent("a"), agent("b"), run("r", "a", start_ms=0, end_ms=9_000),
        run("s", "b", start_ms=0, end_ms=9_000),
        row(Checkpoint, checkpoint_key="k", run_id="r", at_ms=100, messages=7),
        event("r", "note", at_ms=100, trigger="checkpoint", detail="step_seq 3: 7 messages"),
        row(Checkpoint, checkpoint_key="l", run_id="s", at_ms=100, messages=9, checkpoint_id="root"),
    )  # fmt: skip
    def test_a_checkpoint_is_what_the_event_says_or_else_the_table(self, world: World) -> None:
        told = {name: [(one.what, one.detail, one.before) for one in world.spot(name, 0).happenings] for name in "ab"}
        assert told == {
            "a": [("checkpoint", "step_seq 3: 7 messages", None)],
            "b": [("checkpoint", "root", 9)],
        }

    @recorded(*one_run(step("r", 1, start_ms=45_000), started_at=CLOCK, end_ms=99_999))
    def test_what_rounding_puts_into_a_cell_is_found_there(self, world: World) -> None:
        # The moment at which cell 86 begins, by the same arithmetic lies in cell 85.
        cells, moment = Cells(EPOCH, 3_600_000 / 107.5 / 64, 108, wall=True), 45_000
        a = world.lanes().lanes[1].position
        stretch = Stretch(a, a, False)
        assert cells.start + 86 * cells.width == EPOCH + moment
        assert set(world.row("a", cells).bins) == {85}

        def spot(cell: int) -> int:
            return timeline_spot(world.cursor, world.tree, world.name + "c", False, stretch, cells, cell).step_count

        def beside(cell: int, by: int) -> float | None:
            return timeline_beside(world.cursor, world.tree, world.name + "c", False, stretch, cells, cell, by)

        assert [spot(cell) for cell in (84, 85, 86)] == [0, 1, 0]
        assert [beside(cell, 1) for cell in (84, 85)] == [EPOCH + moment, None]
        assert [beside(cell, -1) for cell in (85, 86)] == [None, EPOCH + moment]

    @recorded(*one_run(*(step("r", i, start_ms=i) for i in range(1, 30))))
    def test_a_crowded_cell_shows_the_first_and_counts_the_rest(self, world: World) -> None:
        found = world.spot("a", 0, limit=2)
        assert ([step.ordinal for step in found.steps], found.step_count, found.last_ordinal) == ([1, 2], 29, 29)

    def test_the_next_mark_is_a_step_or_something_that_is_drawn(self, home: World) -> None:
        x = next(lane.position for lane in home.lanes().lanes if lane.node_id == "x")

        def beside(cell: int, by: int) -> float | None:
            cells = Cells(0, 100, 30)
            return timeline_beside(home.cursor, home.tree, "c", False, Stretch(x, x, False), cells, cell, by)

        assert beside(0, 1) == 1_000
        assert beside(10, 1) == 1_500
        assert beside(15, 1) == 2_000  # spawns z
        assert beside(20, 1) is None
        assert [beside(0, by) for by in (2, 3, 9)] == [1_500, 2_000, 2_000]
        assert [beside(20, by) for by in (-2, -9)] == [1_000, 1_000]
        assert beside(15, -1) == 1_000
        assert beside(10, -1) is None

    def test_what_failed_comes_in_time_whatever_row_it_is_in(self, home: World) -> None:
        at = {lane.node_id: lane.position for lane in home.lanes().lanes}

        def failed(cell: int, node: str, by: int, node_id: str = "c", own: bool = False) -> tuple[int, float] | None:
            return timeline_failed(home.cursor, home.tree, node_id, own, Cells(0, 100, 30), cell, at[node], by)

        tool, error, end = (at["x"], 1_000), (at["y"], 1_500), (at["y"], 2_500)
        assert [failed(0, "c", by) for by in (1, 2, 3, 4)] == [tool, error, end, end]
        assert [failed(10, node, 1) for node in ("main", "x", "y")] == [tool, error, error]
        assert [failed(30, "c", by) for by in (-1, -2, -3, -4)] == [end, error, tool, tool]
        assert [failed(25, "y", 1), failed(10, "x", -1)] == [None, None]
        assert failed(0, "main", 1, "main", own=True) is None

    @recorded(
        *one_run(
            step("r", 1, start_ms=0, error="x", is_replay=True), step("r", 2, start_ms=5_000),
            event("r", "error", at_ms=1_000), event("r", "interrupt", at_ms=2_000),
            tool_call("r", 1, step_ordinal=2, is_error=True),
            edge("lost", "message", "r", "b", delivered=False, at_ms=7_000),
        )
    )  # fmt: skip
    def test_errors_and_what_never_arrived_have_failed_and_copies_have_not(self, world: World) -> None:
        found = [
            timeline_failed(world.cursor, world.tree, world.name + "c", False, SECOND, -1, 0, by) for by in range(1, 5)
        ]
        assert [place and place[1] for place in found] == [1_000, 5_000, 7_000, 7_000]


def test_times_that_no_clock_has_do_no_harm() -> None:
    huge = 2**62 - 1
    world = World(make_database([
        conversation(started_at=CLOCK), agent("a"), run("r", "a", start_ms=-huge, end_ms=huge),
        step("r", 1, start_ms=huge, end_ms=-huge, input_tokens=huge, output_tokens=huge),
        edge("1", "spawn", "r", "gone", at_ms=huge),
    ]))  # fmt: skip
    found = world.lanes()
    assert found.start_ms == -float(huge)
    for wall in (False, True):
        world.ticks(Stretch(1, 1, False), Stretch(1, 1, True), cells=Cells(0, 1e18, 5, wall))
        world.spot("a", 0)
