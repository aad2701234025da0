"""How many runs of one line were active at once."""

import pytest

from explorer.model import Row
from explorer.store.queries import build_tree, node
from tests.store.test_answers import facts
from tests.store.world import agent, conversation, make_database, run, step


def runs(*spans: tuple[int | None, int | None]) -> list[Row]:
    rows: list[Row] = [conversation(), agent("a", name="sage")]
    for ordinal, (start, end) in enumerate(spans, 1):
        rows.append(run(f"r{ordinal}", "a", ordinal=ordinal, start_ms=start, end_ms=end))
    return rows


def concurrent(rows: list[Row], node_id: str = "a") -> int | None:
    database = make_database(rows)
    tree = build_tree(database)
    with database.cursor() as cursor:
        found = node(cursor, tree, node_id)
    assert found is not None
    return found.concurrent


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([(0, 10), (5, 15), (14, 20)], 2),
        ([(0, 10), (0, 10), (0, 10)], 3),
        ([(0, 10), (10, 20), (20, 30)], 1),
        ([(0, 10), (3, 3), (3, 4)], 3),  # one of no length is there for a moment
        ([(0, 10), (9, None), (None, None)], 2),  # and so is one without an end
        ([(0, 10), (5, 2)], 2),
        ([(None, None), (None, None)], None),
        ([(2**63 - 1, None), (2**63 - 1, 0)], 2),
    ],
)
def test_the_most_at_once_are_counted(spans: list[tuple[int | None, int | None]], most: int | None) -> None:
    assert concurrent(runs(*spans)) == most


def test_an_open_run_goes_on_to_the_last_time_of_its_conversation() -> None:
    rows = [*runs((0, 10), (50, 60)), run("o", "a", ordinal=3, start_ms=5, status="running")]
    assert concurrent(rows) == 2
    rows = [*runs((0, 4)), run("o", "a", ordinal=2, start_ms=2, status="running"), step("o", start_ms=3, end_ms=3)]
    rows += [agent("b"), run("b1", "b", start_ms=90, end_ms=100)]
    found = facts(rows, "a")["Time", "most at once"]
    assert found[2:] == (2, "count", "derived", "of 2 runs, together for 0.0 s")


def test_only_lines_of_several_runs_have_it() -> None:
    assert concurrent(runs((0, 10))) is None
    assert concurrent(runs((0, 10), (5, 15)), "c") is None
    assert concurrent(runs((0, 10), (5, 15)), "r1") is None


def test_the_overview_says_for_how_long() -> None:
    rows = runs((0, 20_000), (1_000, 13_300), (500, 14_000), (15_000, 16_000))
    assert facts(rows, "a")["Time", "most at once"][2:] == (
        3, "count", "derived", "of 4 runs, together for 12.3 s",
    )  # fmt: skip
    assert facts(runs((0, 10), (10, 20)), "a")["Time", "most at once"].note == "of 2 runs: one after the other"
    assert ("Time", "most at once") not in facts(runs((0, 10)), "a")
