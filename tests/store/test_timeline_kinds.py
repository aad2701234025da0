"""What the timeline is told of tool calls, of runs that failed within a group, and of the other end of a hand-off."""

from __future__ import annotations

import pytest

from explorer.model import Row
from explorer.store.database import Database
from explorer.store.queries import Cells, Drawn, Spot, Stretch, build_tree, timeline, timeline_spot, timeline_ticks
from tests.store.world import agent, conversation, edge, make_database, run, step, tool_call

SECOND = Cells(0, 1_000, 10)


@pytest.fixture(scope="module")
def database() -> Database:
    """A run that waits for a tool from 2 to 5 s and for a sub-agent whose sibling fails; one of another recorder."""
    return make_database(
        [
            conversation(),
            conversation("d", steps_recorded=False),
            agent("main"),
            agent("x", "main", name="Explore"),
            agent("y", "main", name="Explore"),
            agent("other", conversation_id="d"),
            run("main/1", "main", start_ms=0, end_ms=9_900),
            run("x/1", "x", "main/1", start_ms=6_000, end_ms=8_000),
            run("y/1", "y", "main/1", start_ms=6_000, end_ms=7_500, status="failed"),
            run("other/1", "other", conversation_id="d", start_ms=0, end_ms=100),
            step("main/1", 1, start_ms=0, end_ms=1_500),
            step("main/1", 2, start_ms=-5_000, end_ms=-4_000, is_replay=True),
            tool_call("main/1", 1, step_ordinal=1, name="Bash", start_ms=2_000, end_ms=5_000, is_error=False),
            tool_call("main/1", 2, step_ordinal=1, name="Read", is_error=None),
            tool_call("main/1", 3, step_ordinal=2, name="Copied", start_ms=3_000, end_ms=3_500),
            tool_call("main/1", 4, step_ordinal=1, name="Grep", start_ms=7_200, end_ms=7_300, is_error=True),
            edge("e1", "spawn", "main/1", "x/1", at_ms=6_000),
            edge("e2", "result", "x/1", "main/1", at_ms=8_500, delivered=True),
        ]
    )


def position(database: Database, node: str) -> int:
    rows = [row for batch in database.sql(f"SELECT position FROM internal.nodes WHERE node_id = '{node}'").batches
            for row in batch]  # fmt: skip
    return int(rows[0][0])


def drawn(database: Database, node: str, grouped: bool = False) -> Drawn:
    at = position(database, node)
    with database.cursor() as cursor:
        last = cursor.execute("SELECT last FROM internal.nodes WHERE position = $1", [at]).fetchall()[0][0]
        stretch = Stretch(at, last if grouped else at, grouped)
        return timeline_ticks(cursor, build_tree(database, None), "c", False, [stretch], SECOND).rows[0]


def spot(database: Database, node: str, cell: int) -> Spot:
    at = position(database, node)
    with database.cursor() as cursor:
        return timeline_spot(cursor, build_tree(database, None), "c", False, Stretch(at, at, False), SECOND, cell)


def test_tool_calls_are_marked_where_they_start_and_under_way_until_they_end(database: Database) -> None:
    found = drawn(database, "main")
    marks = {cell: set(bin.marks) for cell, bin in found.bins.items() if bin.marks}
    assert marks == {0: {"tool"}, 2: {"tool"}, 6: {"spawn"}, 7: {"tool_error"}, 8: {"result"}}
    assert found.busy == {0, 1}
    assert {2, 3, 4} <= found.tooling and found.tooling <= {2, 3, 4, 7}


def test_of_a_group_the_runs_that_failed_are_marked_where_they_end(database: Database) -> None:
    found = drawn(database, "c", grouped=True)
    assert {cell: set(bin.marks) for cell, bin in found.bins.items() if bin.marks} == {7: {"failed"}}


def test_the_words_of_a_tool_call_are_its_name_and_how_long_it_took(database: Database) -> None:
    assert [(one.other, one.failed, one.took_ms) for one in spot(database, "main", 2).happenings] == [
        ("Bash", False, 3_000)
    ]
    assert [(one.other, one.failed) for one in spot(database, "main", 7).happenings] == [("Grep", True)]


@pytest.mark.parametrize(
    ("node", "cell", "edge_id", "other"),
    [("main", 6, "e1", "x"), ("x", 6, "e1", "main"), ("main", 8, "e2", "x"), ("x", 8, "e2", "main")],
)
def test_a_hand_off_tells_where_its_other_end_is(
    database: Database, node: str, cell: int, edge_id: str, other: str
) -> None:
    (found,) = spot(database, node, cell).happenings
    assert (found.edge_id, found.other_position) == (edge_id, position(database, other))
    assert found.other_ms == (6_000 if edge_id == "e1" else 8_500)


def test_a_lane_knows_whether_its_steps_are_model_calls(database: Database) -> None:
    with database.cursor() as cursor:
        lanes = timeline(cursor, build_tree(database, None), None).lanes
    assert {lane.run_id: lane.model_calls for lane in lanes if lane.run_id} == {
        "main/1": True, "x/1": True, "y/1": True, "other/1": False
    }  # fmt: skip


def test_the_other_end_is_called_by_its_agent_where_that_has_several_runs() -> None:
    rows: list[Row] = [
        conversation(),
        agent("root", name="root"),
        agent("x", "root"),
        run("x/1", "x", "root/1", start_ms=0, end_ms=9),
    ]
    rows += [run(f"root/{n}", "root", ordinal=n, start_ms=0, end_ms=9) for n in (1, 2)]
    rows += [edge("e", "spawn", "root/1", "x/1", at_ms=0)]
    made = make_database(rows)
    (found,) = spot(made, "x", 0).happenings
    assert found.other == "root run 1"
