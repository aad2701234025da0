"""What the SQL screen asks of the store: answers that are cut, the words of a query, what is documented."""

from __future__ import annotations

import threading

import duckdb
import pytest

from explorer.reuse.stopping import Stopped
from explorer.store import queries
from explorer.store.database import Database
from explorer.store.queries import Answer
from explorer.store.queries.answers import MOST_ROWS, MOST_VALUES
from explorer.store.queries.catalog import split
from explorer.store.sql import legible
from tests.store.world import family, make_database


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


def asked(database: Database, query: str) -> Answer:
    with database.cursor() as cursor:
        return queries.answer(database, cursor, query, lambda: False)


@pytest.mark.parametrize(
    ("query", "rows", "is_cut"),
    [
        (f"FROM range({MOST_ROWS})", MOST_ROWS, False),
        (f"FROM range({MOST_ROWS + 1})", MOST_ROWS, True),
        ("FROM range(1000000000000)", MOST_ROWS, True),
        (f"SELECT {', '.join(map(str, range(1, 501)))} FROM range(5000)", MOST_VALUES // 500, True),
        ("SELECT repeat('x', 30000) FROM range(10000)", 14 * 128, True),  # 50,000,000 characters and the batch
        ("SELECT 1 WHERE false", 0, False),
        ("EXPLAIN SELECT 1", 1, False),
    ],
    ids=["all", "one more", "endless", "wide", "long", "none", "plan"],
)
def test_an_answer_is_cut_before_it_fills_the_memory(database: Database, query: str, rows: int, is_cut: bool) -> None:
    answer = asked(database, query)
    assert (len(answer.rows), answer.is_cut) == (rows, is_cut)


def test_columns_of_one_name_are_told_apart(database: Database) -> None:
    assert asked(database, "SELECT 1 AS n, 2 AS n").columns == ["n", "n_1"]


def test_a_mistake_has_its_place_and_what_writes_is_refused(database: Database) -> None:
    with pytest.raises(queries.QueryError) as caught:
        asked(database, "SELECT 'é',\n  stepz FROM runs")
    assert caught.value.position == "SELECT 'é',\n  stepz FROM runs".index("stepz")
    for query in ("DROP TABLE runs", "COPY runs TO 'x.csv'", "FROM read_csv('/etc/passwd')", "SET threads = 1"):
        with pytest.raises(queries.QueryError):
            asked(database, query)


def test_it_stops_while_it_computes_and_while_it_runs(database: Database) -> None:
    with database.cursor() as cursor, pytest.raises(Stopped):
        queries.answer(make_database(family()), cursor, "FROM prompt_recency", lambda: True)
    with database.cursor() as cursor:
        ended = threading.Event()

        def interrupt() -> None:
            while not ended.wait(0.05):
                cursor.interrupt()

        threading.Thread(target=interrupt).start()
        with pytest.raises(duckdb.InterruptException):
            queries.answer(database, cursor, "SELECT sum(range) FROM range(1000000000000)", lambda: False)
        ended.set()


def test_the_words_of_a_query_stand_where_their_bytes_are() -> None:
    query = "SELECT 'é', 1.5 -- why\nFROM \"runs\" /* open"
    found = [(query.encode()[start:end].decode(), kind) for start, end, kind in queries.words(query)]
    assert found == [
        ("SELECT", "keyword"),
        ("'é'", "string"),
        (",", "operator"),
        ("1.5", "number"),
        ("-- why", "comment"),
        ("FROM", "keyword"),
        ("/* open", "comment"),
    ]
    assert list(queries.words("SELECT '\ud800'")) == list(queries.words("")) == []


@pytest.mark.parametrize("text", ["plain", "it's", "", "a\x1b]52\x07\u202e'b", "\u200b", "é\n日"])
def test_a_text_can_be_read_in_a_query_and_is_the_same(database: Database, text: str) -> None:
    written = legible(text)
    assert written.isprintable()
    assert asked(database, f"SELECT {written}").rows == [(text,)]


def test_a_comment_documents_the_columns_that_it_names() -> None:
    text = "One row per run with blocks: what it is. depth: agents above. reuse: a share (hit / all). Blocks: many."
    assert split(text, ["depth", "reuse", "blocks"]) == (
        "One row per run with blocks: what it is.",
        {"depth": "Agents above.", "reuse": "A share (hit / all). Blocks: many."},
    )


def test_the_catalog_has_every_relation_with_words_and_can_be_asked(database: Database) -> None:
    found = {relation.name: relation for relation in queries.catalog(database)}
    assert {"run_totals", "steps", "kv_models", "cache_curve", "missed_blocks"} <= found.keys()
    assert not {name for name in found if "internal" in name}
    for relation in found.values():
        assert relation.note and (relation.fields or relation.kind == "function"), relation.name
        if relation.name != "block_passport":  # of which block, one has to say
            answer = asked(database, queries.first_rows(relation.call))
            assert answer.columns == [field.name for field in relation.fields] or relation.kind == "function"

    def note(relation: str, field: str) -> str:
        return next(each.note for each in found[relation].fields if each.name == field)

    assert note("run_totals", "depth") == "Agents above its agent."
    assert note("run_totals", "status_detail") == "The recorder's own word for the status, or the reason."
    assert note("steps", "input_tokens") == "Cache reads and writes included."
    assert note("run_totals", "agent_name") == "Type or definition: main, Explore."
    assert note("run_totals", "total_input_tokens").endswith("With every run below, each counted once.")
    assert "NULL" in note("agents", "helper") and "``" not in note("agents", "helper")
