"""How many runs of one line were active at once."""

import pytest

from explorer.model import Row
from explorer.store.database import Database
from explorer.store.queries import build_tree, drop_tree, node
from tests.store.test_answers import facts_of
from tests.store.world import agent, beside, conversation, make_database, run, step


def runs(*spans: tuple[int | None, int | None]) -> list[Row]:
    rows: list[Row] = [conversation(), agent("a", name="sage")]
    for ordinal, (start, end) in enumerate(spans, 1):
        rows.append(run(f"r{ordinal}", "a", ordinal=ordinal, start_ms=start, end_ms=end))
    return rows


SPANS = {
    "two of three at a time": ([(0, 10), (5, 15), (14, 20)], 2),
    "all of three": ([(0, 10), (0, 10), (0, 10)], 3),
    "one after the other": ([(0, 10), (10, 20), (20, 30)], 1),
    "one of no length is there for a moment": ([(0, 10), (3, 3), (3, 4)], 3),
    "and so is one without an end": ([(0, 10), (9, None), (None, None)], 2),
    "an end before the start": ([(0, 10), (5, 2)], 2),
    "no times": ([(None, None), (None, None)], None),
    "the end of all time": ([(2**63 - 1, None), (2**63 - 1, 0)], 2),
    "one alone": ([(0, 10)], None),
    "seconds": ([(0, 20_000), (1_000, 13_300), (500, 14_000), (15_000, 16_000)], 3),
}


@pytest.fixture(scope="module")
def database() -> Database:
    worlds = {world: runs(*spans) for world, (spans, _) in SPANS.items()}
    worlds["open"] = [*runs((0, 10), (50, 60)), run("o", "a", ordinal=3, start_ms=5, status="running")]
    open_to_the_last = run("o", "a", ordinal=2, start_ms=2, status="running")
    worlds["open to the last"] = [*runs((0, 4)), open_to_the_last, step("o", start_ms=3, end_ms=3)]
    worlds["open to the last"] += [agent("b"), run("b1", "b", start_ms=90, end_ms=100)]
    return make_database(beside(worlds))


def concurrent(database: Database, node_id: str) -> int | None:
    tree = build_tree(database)
    with database.cursor() as cursor:
        found = node(cursor, tree, node_id)
    drop_tree(database, tree)
    assert found is not None
    return found.concurrent


@pytest.mark.parametrize("world", SPANS)
def test_the_most_at_once_are_counted(world: str, database: Database) -> None:
    assert concurrent(database, f"{world}/a") == SPANS[world][1]


def test_an_open_run_goes_on_to_the_last_time_of_its_conversation(database: Database) -> None:
    assert concurrent(database, "open/a") == 2
    found = facts_of(database, "open to the last/a")["Time", "most at once"]
    assert found[2:] == (2, "count", "derived", "of 2 runs, together for 0.0 s")


def test_only_lines_of_several_runs_have_it(database: Database) -> None:
    assert concurrent(database, "two of three at a time/c") is None
    assert concurrent(database, "two of three at a time/r1") is None


def test_the_overview_says_for_how_long(database: Database) -> None:
    assert facts_of(database, "seconds/a")["Time", "most at once"][2:] == (
        3, "count", "derived", "of 4 runs, together for 12.3 s",
    )  # fmt: skip
    one_by_one = facts_of(database, "one after the other/a")["Time", "most at once"]
    assert one_by_one.note == "of 3 runs: one after the other"
    assert ("Time", "most at once") not in facts_of(database, "one alone/a")
