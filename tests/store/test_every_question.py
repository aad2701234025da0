"""Every question on a store without rows, on a damaged one, and about what is not there."""

from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest

from explorer.model import Row
from explorer.reuse.arrivals import Arrivals
from explorer.store import queries
from explorer.store.database import Cursor, Database
from explorer.store.queries import SortKey, TreeView
from tests.store.world import (
    agent,
    ask,
    blocks,
    conversation,
    edge,
    event,
    finding,
    footprint,
    make_database,
    pair,
    reuse,
    run,
    step,
    tool_call,
)

WHOLE = queries.Stretch(0, 99, True)

QUESTIONS: dict[str, Callable[[Cursor, TreeView, str | None], Any]] = {
    "talk": lambda cursor, tree, at: queries.talk(cursor, at),
    "counts": lambda cursor, tree, at: queries.counts(cursor),
    "children": lambda cursor, tree, at: [
        queries.children(cursor, tree, at, sort, own, own)
        for sort in get_args(SortKey)[: 2 if at else None]
        for own in (False, True)
    ],
    "node": lambda cursor, tree, at: queries.node(cursor, tree, at or "x"),
    "path_to": lambda cursor, tree, at: queries.path_to(cursor, tree, at or "x"),
    "sibling": lambda cursor, tree, at: queries.sibling(cursor, tree, at or "x", "order", False, False, 1),
    "next_finding": lambda cursor, tree, at: queries.next_finding(cursor, tree, at),
    "search": lambda cursor, tree, at: queries.search(cursor, tree, at or "x"),
    "locate": lambda cursor, tree, at: queries.locate(cursor, tree, f"{at}#1"),
    "near": lambda cursor, tree, at: queries.near(cursor, tree, f"{at}/y#1"),
    "step_range": lambda cursor, tree, at: queries.step_range(cursor, at or "x"),
    "overview": lambda cursor, tree, at: queries.overview(cursor, at),
    "steps": lambda cursor, tree, at: [queries.steps(cursor, at, own) for own in (True, False)],
    "reuse_totals": lambda cursor, tree, at: [queries.reuse_totals(cursor, at, own) for own in (True, False)],
    "sibling_matrix": lambda cursor, tree, at: queries.sibling_matrix(cursor, at or "x"),
    "sibling_prefixes": lambda cursor, tree, at: [
        queries.sibling_prefixes(cursor, at or "x", prompts, apart)
        for prompts in ("first", "all")
        for apart in (False, True)
    ],
    "conversation_prefixes": lambda cursor, tree, at: [
        queries.conversation_prefixes(cursor, at or "x", apart) for apart in (False, True)
    ],
    "hidden_agents": lambda cursor, tree, at: queries.hidden_agents(cursor, at or "x"),
    "pair_prefixes": lambda cursor, tree, at: queries.pair_prefixes(cursor, at or "x", "y/1"),
    "places": lambda cursor, tree, at: queries.places(
        cursor, tree, queries.path_to(cursor, tree, at or "c"), "reuse", False, True
    ),
    "experiments": lambda cursor, tree, at: queries.experiments(cursor),
    "figure": lambda cursor, tree, at: queries.figure(cursor, "own_range"),
    "passport": lambda cursor, tree, at: queries.passport(cursor, at or "c", 7),
    "findings": lambda cursor, tree, at: queries.findings(cursor, at),
    "timeline": lambda cursor, tree, at: [queries.timeline(cursor, tree, at, own) for own in (True, False)],
    "timeline_ticks": lambda cursor, tree, at: [
        queries.timeline_ticks(cursor, tree, at, own, [WHOLE], queries.Cells(0, 10, 10, wall=own))
        for own in (True, False)
    ],
    "timeline_spot": lambda cursor, tree, at: queries.timeline_spot(
        cursor, tree, at, False, WHOLE, queries.Cells(0, 10, 1), 0
    ),
    "timeline_beside": lambda cursor, tree, at: [
        queries.timeline_beside(cursor, tree, at, False, WHOLE, queries.Cells(0, 10, 1), 0, by) for by in (1, -1)
    ],
    "timeline_failed": lambda cursor, tree, at: [
        queries.timeline_failed(cursor, tree, at, own, queries.Cells(0, 10, 1), 0, 0, by)
        for own, by in ((True, 1), (False, -1))
    ],
    "timeline_step": lambda cursor, tree, at: queries.timeline_step(cursor, tree, at, False, True, "gone", 1),
    "handoffs": lambda cursor, tree, at: queries.handoffs(cursor, at),
    "handoff": lambda cursor, tree, at: [queries.handoff(cursor, edge_id) for edge_id in ("e1", "e2", "gone")],
    "cache_curves": lambda cursor, tree, at: [queries.cache_curves(cursor, at, own) for own in (False, True)],
    "shared_curves": lambda cursor, tree, at: queries.shared_curves(cursor, Arrivals("poisson")),
    "misses": lambda cursor, tree, at: [queries.misses(cursor, at, own, 3, 60_000) for own in (False, True)],
    "means": lambda cursor, tree, at: [queries.means(cursor, at, own) for own in (False, True)],
    "in_use": lambda cursor, tree, at: queries.in_use(cursor, at, 10),
    "kv_models": lambda cursor, tree, at: queries.kv_models(cursor),
    "filter_columns": lambda cursor, tree, at: queries.filter_columns(cursor),
}


OF_EVERYTHING = {"counts", "experiments", "figure", "handoff", "shared_curves", "kv_models", "filter_columns"}
"""Questions that are about no node."""

NODES = ("c", "agent:c", "e", "e2", "elsewhere", "f")
"""Of each kind of line that there is in ``damaged`` one: a conversation, an agent in a circle and one that is its own
parent, a run of several, a conversation that is only named, an agent without a run and without a parent. In an empty
store they are all the same."""


def damaged() -> list[Row]:
    """Circles, missing parents, rows of runs that do not exist, ids that mean two things, nothing recorded."""
    return [
        conversation("c", tool_calls_recorded=False),
        agent("c", "d"),
        agent("d", "c"),
        agent("e", "e"),
        agent("f", "gone", conversation_id="nowhere"),
        run("c", "c", "d"),
        run("d", "d", "c"),
        run("e", "e", "e", status="failed"),
        run("e2", "e", "e", ordinal=2),
        run("g", "ghost", "gone", conversation_id="elsewhere"),
        step("c"),
        step("gone", input_tokens=5),
        tool_call("gone", child_run_id="gone"),
        *blocks("e", 1, (0, 2), (0, 2)),
        *blocks("gone", 1, (2**64 - 2, 2)),
        edge("e1", "spawn", None, None),
        edge("e2", "result", "gone", "e", at_ms=1),
        event("gone"),
        finding("f1"),
        finding("f2", run_id="gone", agent_id="gone", conversation_id="gone", source_id=None),
        reuse("gone", 1, 5),
        reuse("e", 1, 0),
        footprint("e", 0, 0, 0),
        footprint("gone", 3),
        pair("e", "gone", 1),
    ]


@pytest.fixture(scope="module", params=["empty", "damaged"])
def database(request: pytest.FixtureRequest) -> Database:
    made = make_database([] if request.param == "empty" else damaged())
    made.compute()
    return made


@pytest.fixture(scope="module")
def tree(database: Database) -> queries.TreeView:
    return queries.build_tree(database)


@pytest.fixture
def cursor(database: Database) -> Iterator[Cursor]:
    with database.cursor() as cursor:
        yield cursor


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_has_an_answer_for_every_kind_of_node_and_for_none_one_after_the_other(
    question: str, database: Database, tree: queries.TreeView, cursor: Cursor
) -> None:
    nodes = NODES if ask(database, "FROM runs LIMIT 1") else NODES[:1]
    for at in (None,) if question in OF_EVERYTHING else (None, "it's", *nodes):
        QUESTIONS[question](cursor, tree, at)
    QUESTIONS["steps"](cursor, tree, None)  # which is asked another way, and minds an unread answer


def test_every_question_of_the_module_is_asked_here() -> None:
    others = {"build_tree", "drop_tree", "messages", "read_texts", "record", "usual_filter"}
    others |= {"about", "answer", "catalog", "first_rows", "ready", "words"}  # test_asked, test_ready
    assert QUESTIONS.keys() | others == {name for name in queries.__all__ if name[0].islower()}


def test_a_filter_that_keeps_nothing_has_answers_too(database: Database, cursor: Cursor) -> None:
    tree = queries.build_tree(database, "false")
    assert (tree.runs_kept, queries.children(cursor, tree, None)) == (0, [])
    for question in QUESTIONS.keys() - OF_EVERYTHING:
        QUESTIONS[question](cursor, tree, None)
        QUESTIONS[question](cursor, tree, "c")


def test_a_damaged_recording_is_shown_whole() -> None:
    database = make_database(damaged())
    assert set(NODES) <= {row[0] for row in ask(database, "SELECT node_id FROM internal.nodes")}
    assert sorted(row[0] for row in ask(database, "SELECT run_id FROM spawn_tree")) == ["c", "d", "e", "e2", "g"]
    codes = ask(database, "SELECT finding_id FROM findings WHERE code = 'orphan-agent' ORDER BY 1")
    assert [row[0].removeprefix("orphan-agent:") for row in codes] == ["c", "d", "e", "f", "g"]


def test_a_long_question_can_be_interrupted(database: Database, cursor: Cursor) -> None:
    import threading

    import duckdb

    started = threading.Event()
    ended: list[BaseException] = []

    def count() -> None:
        try:
            started.set()
            cursor.execute("SELECT count(*) FROM range(1_000_000) AS a, range(1_000_000) AS b WHERE a.range <> b.range")
            cursor.fetchall()
        except duckdb.InterruptException as error:
            ended.append(error)

    thread = threading.Thread(target=count)
    thread.start()
    started.wait()
    while thread.is_alive():
        cursor.interrupt()
        thread.join(0.01)
    assert len(ended) == 1
