"""The SQL screen's pure parts: columns, sizes, ways, mistakes, the list, the queries asked before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from explorer.store.queries import Answer, Field, Ready, Relation
from explorer.tui import answer_words
from explorer.tui.answer_words import Way, way
from explorer.tui.asked import Asked
from explorer.tui.catalog_words import Shelf


def answer(columns: dict[str, str], *rows: tuple[Any, ...], is_cut: bool = False, seconds: float = 0.25) -> Answer:
    return Answer("FROM x", list(columns), tuple(columns.values()), list(rows), is_cut, seconds)


def text(rows: Any) -> list[str]:
    return ["".join(part for part, _ in row) for row in rows]


def test_columns_are_as_wide_as_what_is_in_them_and_share_what_is_left() -> None:
    wide = answer({"n": "BIGINT", "name": "VARCHAR", "run_id": "VARCHAR"}, (1_234_567, "é" * 50, "a" * 40 + "/end"))
    widths = [column.width for column in answer_words.lay_out(wide, 80)]
    assert widths == [9, 36, 36]  # within limits, whatever the room
    assert [column.width for column in answer_words.lay_out(wide, 110)] == [9, 54 - 4, 44]
    number, name, run = answer_words.lay_out(wide, 80)
    assert number.header == "        n " and number.cell(5) == "        5 " and number.cell(None) == "        – "
    assert name.cell("a\x1b[2J\nb") == "a␛[2J⏎b".ljust(36) + " "
    assert run.cell(wide.rows[0][2]).startswith("aaa") and run.cell(wide.rows[0][2]).endswith("a/end ")
    assert answer_words.starts([number, name, run]) == [0, 10, 47, 84]
    assert [column.is_number for column in answer_words.lay_out(answer({"l": "BIGINT[]"}, ([1],)), 80)] == [False]


def test_it_says_how_much_there_is_and_that_it_is_cut() -> None:
    assert answer_words.summary(answer({"n": "BIGINT"}, (1,))) == "1 row, 1 column · 250ms"
    cut = answer({"n": "BIGINT"}, (1,), (2,), is_cut=True, seconds=61)
    told = "the first 2 rows of more: x writes all · enter goes to the conversation · 1m01s"
    assert answer_words.summary(cut, ["enter goes to the conversation"]) == told


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"run_id": "r/1", "agent_id": "a", "conversation_id": "c"}, Way("r/1", "run")),
        ({"run_id": "r/1", "step_ordinal": 7}, Way("r/1#7", "step")),
        ({"run_id": "r/1", "step_ordinal": None}, Way("r/1", "run")),
        ({"run_id": None, "child_run_id": "k/1", "step_ordinal": 7}, Way("k/1", "run")),
        ({"run_a": "r/1", "run_b": "r/2"}, Way("r/1", "run")),
        ({"run_id": None, "agent_id": "a", "step_ordinal": 7}, Way("a", "agent")),
        ({"first_conversation_id": "c"}, Way("c", "conversation")),
        ({"run_id": 7, "name": "r/1"}, None),
    ],
)
def test_a_row_leads_where_its_ids_say(row: dict[str, Any], expected: Way | None) -> None:
    assert way(list(row), list(row.values())) == expected


def test_a_mistake_is_marked_in_its_line_wherever_that_is() -> None:
    query = "SELECT 1,\n" + "x, " * 40 + "stepz FROM runs"
    lines = text(answer_words.error_words("there is no column stepz", query.index("stepz"), query, 60))
    assert lines[0] == "✗ there is no column stepz" and "line 2, column 121" in lines
    marked, mark = lines[3:5]
    assert len(marked) <= 60 and marked[mark.index("↑") :].startswith("stepz")
    assert lines[6].startswith("Its columns are in the list")
    assert text(answer_words.error_words("no\x1b[2J idea", None, "x", 60)) == ["✗ no␛[2J idea"]


def test_a_row_as_a_whole_has_every_line_of_every_value_and_its_json() -> None:
    one = answer({"plan": "VARCHAR", "n": "BIGINT", "l": "INTEGER[]"}, ("a\nb", None, [1, 2]))
    assert text(answer_words.row_words(one, 0, 40)) == ["plan  a", "      b", "n     –", "l     [1, 2]"]
    long = answer({"t": "VARCHAR"}, ("x" * 100_007,))
    assert text(answer_words.row_words(long, 0, 1_003))[-1] == "   … 7 characters more; y copies them"
    assert json.loads(answer_words.row_as_json(one, 0)) == {"plan": "a\nb", "n": None, "l": [1, 2]}


def test_what_was_asked_is_gone_through_and_what_was_begun_is_kept() -> None:
    asked = Asked()
    assert asked.step(-1, "begun") is None
    for query in ("one", "two", "one", "three"):
        asked.note(query)
    assert asked.queries == ["two", "one", "three"]
    assert [asked.step(-1, "begun"), asked.step(-1, "three"), asked.step(-1, "one"), asked.step(-1, "two")] == [
        "three", "one", "two", None,
    ]  # fmt: skip
    assert [asked.step(1, "two"), asked.step(1, "one"), asked.step(1, "three"), asked.step(1, "begun")] == [
        "one", "three", "begun", None,
    ]  # fmt: skip
    assert asked.step(-1, "three") == "one"  # what is shown is the latest already
    assert asked.step(-1, "one, changed") == "three"
    assert asked.step(1, "three") == "one, changed"


def test_the_list_has_questions_and_relations_that_open() -> None:
    fields = [Field("run_id", "VARCHAR", "Which.\x1b"), Field("steps", "BIGINT", "How many.")]
    relations = [
        Relation("totals", "view", "One row per run.", fields, "totals"),
        Relation("f", "function", "F.", [], "f(1)"),
    ]
    shelf = Shelf([Ready("Its steps", "", "FROM s")], "ma\x1bin", [Ready("Which?", "All.", "FROM t")], ["FROM\n  old"])
    shelf.relations = relations
    lines = list(shelf.lines(30))
    told = [item for _, item in lines if item is not None]
    assert [(item.does, item.text) for item in told] == [
        ("ask", "FROM s"), ("ask", "FROM t"), ("ask", "FROM\n  old"), ("read", "totals"), ("read", "f(1)"),
    ]  # fmt: skip
    assert text(row for row, _ in lines)[0] == "About ma␛in"
    assert shelf.toggle("totals", True) and not shelf.toggle("totals", True)
    assert "    steps                  int" in text(row for row, _ in shelf.lines(30))
    shelf.sought = "MANY how"
    assert text(row for row, _ in shelf.lines(30)) == [
        "Views: sums, and what is deri…", "▾ totals", "    steps                  int",
    ]  # fmt: skip
    shelf.sought = "nix"
    assert [item for _, item in shelf.lines(30)] == [None]
    assert shelf.names == ["totals", "f", "run_id", "steps"]
