"""The two classic mistakes, and what the figures of the report are made of."""

from __future__ import annotations

import pytest

from explorer.model import Row
from explorer.store import queries
from explorer.store.database import Database
from explorer.store.figures import FIGURES
from tests.store.world import agent, ask, family, make_database, run, step


@pytest.fixture(scope="module")
def database() -> Database:
    rows: list[Row] = [*family(), agent("w", "main", name="Explore"), run("w/1", "w", "main/1", start_ms=1_200)]
    made = make_database([*rows, step("w/1", 1, input_tokens=5)])
    made.define_laboratory()
    return made


def test_the_truth_stands_beside_both_mistakes(database: Database) -> None:
    with database.cursor() as cursor:
        found = queries.experiments(cursor)
    assert [tuple(scoped) for scoped in found.scoped] == [
        (None, "all", 3, 25, 14, 10),
        (None, "sub-agents", 2, 13, 8, 4),
        ("c", "trace one", 3, 25, 14, 10),
    ]
    assert found.losing == 1
    (merged,) = found.merged
    # x/1, w/1 and y/1 are all called Explore; w has no end.
    assert (merged.agent_name, merged.runs, merged.steps, merged.largest_steps) == ("Explore", 3, 4, 2)
    assert [told.name for told in found.told] == list(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_made_of_rows_that_add_up_to_it(database: Database, name: str) -> None:
    with database.cursor() as cursor:
        made = queries.figure(cursor, name)
    assert made is not None
    assert made.told is not None
    assert made.nodes == [{"x/1": "x", "y/1": "y", "c": "c"}[row[0]] for row in made.rows]
    values = {column: [row[index] for row in made.rows] for index, column in enumerate(made.columns)}
    if name in values:  # perfect_document, dense, own_range …
        assert sum(values[name]) == made.told.numerator
    elif name.startswith("first_block"):
        assert values["first_block"] == [0, 0]
        assert made.told.value in (0, 1)  # of the ids, or the share that begins there
    elif name.startswith("share_"):
        part, whole = values[name.rsplit("_", 1)[0].replace("share", "shared")], values["unique_blocks"]
        shares = [a / b for a, b in zip(part, whole, strict=True)]
        weighted = name.endswith("weighted")
        assert made.told.value == pytest.approx(sum(part) / sum(whole) if weighted else sum(shares) / 2)
    elif name.startswith(("resets", "gaps")):
        assert (made.told.value, made.rows) == (0, [])
    else:
        assert made.told.numerator == made.total


def test_without_blocks_there_is_nothing_to_tell() -> None:
    empty = make_database([])
    empty.define_laboratory()
    with empty.cursor() as cursor:
        found = queries.experiments(cursor)
        made = queries.figure(cursor, "sub_agents")
        assert queries.figure(cursor, "no_such") is None
    assert (found.scoped, found.told, found.merged, found.losing) == ([], [], [], 0)
    assert made is not None
    assert (made.told, made.rows) == (None, [])


def test_what_figures_are_made_of_can_be_asked_by_anybody(database: Database) -> None:
    for figure in FIGURES.values():
        ask(database, figure.rows)
