"""The questions that are ready: each can be asked of every sample, and of nothing; their sums are those of the tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.store import queries
from explorer.store.database import Database, Opening
from explorer.store.ingest import Options, ingest
from explorer.store.queries import Answer
from tests.store.world import agent, conversation, run, step, write_batch

SAMPLES = Path(__file__).parents[2] / "sample_traces"


@pytest.fixture(scope="module")
def samples() -> Iterator[Database]:
    database = Database(ingest([SAMPLES], Options(0, None, False)))
    yield database
    database.close()


def asked(database: Database, query: str) -> Answer:
    with database.cursor() as cursor:
        return queries.answer(database, cursor, query, lambda: False)


def column(answer: Answer, name: str) -> list[object]:
    return [row[answer.columns.index(name)] for row in answer.rows]


def test_each_can_be_asked_of_every_sample_and_of_nothing(samples: Database) -> None:
    nothing = Database(Opening([], {}))
    ready = queries.ready()
    assert len({each.title for each in ready}) == len(ready) > 10
    for each in ready:
        assert asked(samples, each.query).rows, each.title
        assert not asked(nothing, each.query).rows, each.title


def test_their_sums_are_those_of_the_tree(samples: Database) -> None:
    by_title = {each.title: asked(samples, each.query) for each in queries.ready()}

    def whole(query: str) -> object:
        return asked(samples, query).rows[0][0]

    def total(title: str, name: str) -> object:
        return sum(value for value in column(by_title[title], name) if isinstance(value, int))

    assert total("What did each model take?", "steps") == whole("SELECT sum(steps) FROM conversation_totals")
    assert total("On which days was work done?", "steps") == whole("SELECT sum(steps) FROM conversation_totals")
    for name in ("input_tokens", "output_tokens"):
        of_runs = whole(f"SELECT sum({name}) FROM run_totals WHERE NOT is_replay")
        assert total("Which agents took the most tokens?", name) == of_runs
        assert total("How deep do agents start agents?", name) == of_runs
    assert total("What is wrong in the recordings?", "findings") == whole("SELECT count(*) FROM findings")
    errors = whole("SELECT sum(tool_errors) FROM run_totals WHERE reported_tool_errors IS NULL")
    assert total("Which tools fail the most?", "errors") >= errors > 0  # type: ignore[operator]


def test_costs_are_added_where_they_are_told_and_never_twice(tmp_path: Path) -> None:
    rows = [
        *(conversation(name, title=name) for name in ("c", "d", "e")),
        *(agent(f"{name}/main", conversation_id=name, name="main") for name in ("c", "d", "e")),
        *(agent(f"{name}/sub", f"{name}/main", conversation_id=name, name="sub") for name in ("c", "d")),
        # Told for all of it alone, whatever the run below cost.
        run("c/1", "c/main", conversation_id="c", model="a", reported_scope="total", reported_cost_usd=1.0),
        run("c/2", "c/sub", "c/1", conversation_id="c", model="b"),
        # Told of each, in the one way and in the other, where nothing is below.
        run("d/1", "d/main", conversation_id="d", model="a", reported_cost_usd=0.5),
        run("d/2", "d/sub", "d/1", conversation_id="d", reported_scope="total", reported_cost_usd=0.25),
        step("d/2", 1, model="b"),
        step("d/2", 2, model="a"),
        run("d/3", "d/main", conversation_id="d", ordinal=2, model="a", is_replay=True),
        run("e/1", "e/main", conversation_id="e", model="a"),
    ]
    database = Database(Opening([write_batch(rows, tmp_path)], {}))
    asked_of = {each.title: asked(database, each.query) for each in queries.ready()}

    def costs(of: str, *names: str) -> set[tuple[object, ...]]:
        answer = asked_of[f"What did each {of} cost?"]
        return set(zip(*(column(answer, name) for name in names), strict=True))

    own = ("runs", "runs_with_cost", "only_with_those_below", "cost_usd")
    told = {("c", 2, 1, 1.0), ("d", 2, 2, 0.75), ("e", 1, 0, None)}
    assert costs("conversation", "conversation_id", "runs", "runs_with_cost", "cost_usd") == told
    assert costs("agent", "agent", *own) == {("main", 3, 1, 1, 0.5), ("sub", 2, 1, 0, 0.25)}
    assert costs("model", "models", *own) == {("a", 3, 1, 1, 0.5), ("a, b", 1, 1, 0, 0.25), ("b", 1, 0, 0, None)}


def test_every_node_has_questions_and_those_of_a_run_find_its_rows(samples: Database) -> None:
    tree = queries.build_tree(samples)
    with samples.cursor() as cursor:
        nodes = queries.children(cursor, tree, None)
        nodes += [child for node in nodes[::8] for child in queries.children(cursor, tree, node.node_id)]
    kinds = {(node.kind, node.run_id is None): node for node in nodes}
    assert len(kinds) > 2
    for node in (None, *kinds.values()):
        for each in queries.about(node):
            answer = asked(samples, each.query)
            assert {"run_id", "conversation_id", "tool"} & set(answer.columns)
    run = max((node for node in nodes if node.run_id), key=lambda node: node.own.steps)
    assert len(asked(samples, queries.about(run)[0].query).rows) >= run.own.steps > 0
    assert run.run_id is not None
    step = asked(samples, queries.about(run, (run.run_id, 1))[0].query)
    assert (column(step, "run_id"), column(step, "step_ordinal")) == ([run.run_id], [1])
