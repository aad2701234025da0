"""Reading one source: rows pass through, and the reuse of a conversation comes behind it."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.model import Conversation, NamespaceAudit, Row, StepReuse
from explorer.readers import Report
from explorer.store.ingest.worker import as_columns, with_reuse
from tests.readers.reading import single
from tests.store.world import agent, blocks, conversation, run, step


def recorded(name: str, *prompts: list[tuple[int, int]], replay: int = 0, **values: Any) -> list[Row]:
    """A conversation of one agent; the first ``replay`` steps are copies from another recording."""
    rows: list[Row] = []
    for ordinal, stretches in enumerate(prompts, 1):
        rows.append(step(f"{name}/1", ordinal, start_ms=ordinal, is_replay=ordinal <= replay))
        rows += blocks(f"{name}/1", ordinal, *stretches, **{"namespace": name} | values)
    rows += [agent(f"{name}/main", conversation_id=name), run(f"{name}/1", f"{name}/main", conversation_id=name)]
    return [*rows, conversation(name)]


def derived(rows: list[Row]) -> list[Row]:
    return [each for row in with_reuse(rows) if row not in rows for each in single(row)]  # type: ignore[arg-type]


def hits(rows: list[Row]) -> list[tuple[str, int, int, int]]:
    return [
        (row.run_id, row.ordinal, row.hit_own, row.fresh_blocks) for row in derived(rows) if isinstance(row, StepReuse)
    ]


def test_rows_are_passed_on_at_once_and_reuse_comes_behind_its_conversation() -> None:
    rows = [*recorded("a", [(0, 2)], [(0, 3)]), *recorded("b", [(0, 5)]), Report(0)]
    given = [each for row in with_reuse(rows) for each in ([row] if isinstance(row, Report) else single(row))]
    assert [row for row in given if row in rows] == rows
    kinds = [type(row) for row in given]
    assert kinds.index(StepReuse) == kinds.index(Conversation) + 1
    assert [row.conversation_id for row in given if isinstance(row, NamespaceAudit)] == ["a", "b"]


def test_a_conversation_finds_nothing_of_the_one_before_it() -> None:
    rows = [*recorded("a", [(0, 2)], [(0, 3)]), *recorded("b", [(0, 5)])]
    assert hits(rows) == [("a/1", 1, 0, 2), ("a/1", 2, 2, 1), ("b/1", 1, 0, 5)]


def test_steps_copied_from_another_recording_take_no_part() -> None:
    assert hits(recorded("a", [(0, 9)], [(0, 2)], [(0, 3)], replay=1)) == [("a/1", 2, 0, 2), ("a/1", 3, 2, 1)]


def test_steps_without_blocks_take_no_part() -> None:
    assert hits(recorded("a", [(0, 2)], [], [(0, 3)])) == [("a/1", 1, 0, 2), ("a/1", 3, 2, 1)]


@pytest.mark.parametrize("rows", [recorded("a", [], []), recorded("a"), recorded("a", [(0, 2)], namespace="global")])
def test_without_blocks_of_its_own_a_conversation_has_no_reuse(rows: list[Row]) -> None:
    assert derived(rows) == []


def test_a_conversation_without_blocks_is_not_given_those_of_the_one_before_it() -> None:
    rows = [*recorded("a", [(0, 2)]), *recorded("b", [])]
    assert hits(rows) == [("a/1", 1, 0, 2)]
    assert len([row for row in derived(rows) if isinstance(row, NamespaceAudit)]) == 1


def test_rows_become_columns_in_the_order_of_the_table() -> None:
    tables = as_columns([conversation("a", title="x"), run("a/1", "a/main"), conversation("b")])
    assert tables.keys() == {"conversations", "runs"}
    assert list(tables["conversations"][0]) == ["a", "b"]
    assert list(tables["conversations"][3]) == ["x", None]
    assert as_columns([]) == {}
