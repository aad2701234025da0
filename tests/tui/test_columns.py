"""The columns of the tree, and what a line is called where there is little room."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.store.queries import Node, Totals
from explorer.tui.columns import COLUMNS, name_parts, visible

NOTHING = Totals(1, 0, None, None, None, None, None, None, None, None, None)


def node(name: str, label: str | None, **values: Any) -> Node:
    plain = Node(
        "n", "agent", None, 0, 0, "c", "n", "n", name, label, "completed", None, 0, True, 60_000, None, 0, None,
        NOTHING, NOTHING,
    )  # fmt: skip
    return plain._replace(**values)


def called(one: Node, width: int) -> str:
    return "".join(text for text, _ in name_parts(one, width))


def test_siblings_of_one_name_are_told_apart_where_not_all_of_it_fits() -> None:
    bob = node("general-purpose", "bob: Research teammates", shares_name=True)
    assert called(bob, 40) == "general-purpose bob: Research teammates"
    assert called(bob, 34) == "bob: Research teammates general-p…"
    assert called(bob, 20) == "bob: Research teamm…"
    assert called(bob._replace(shares_name=False), 20) == "general-purpose bob…"


def test_conversations_of_one_title_show_both_ends_of_where_they_are_from() -> None:
    one = node("Search if it works", "-src-x/256ba646.jsonl", kind="conversation", shares_name=True)
    assert called(one, 24) == "Search if … -src-…6ba646"
    assert called(one, 42) == "Search if it works -src-x/256ba646.jsonl"


@pytest.mark.parametrize(("width", "sort", "there"), [(90, "order", False), (110, "order", True), (60, "start", True)])
def test_the_start_is_shown_where_there_is_room_or_it_sorts(width: int, sort: str, there: bool) -> None:
    shown, name = visible(width, sort)
    assert (COLUMNS[-1] in shown) == there
    assert name + sum(column.width + 1 for column in shown) == width


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"started": "2026-07-02 08:00"}, "2026-07-02 08:00"),
        ({}, "+1m00s"),
        ({"kind": "conversation"}, "–"),
        ({"start_ms": None}, "–"),
    ],
)
def test_without_a_clock_the_start_counts_from_that_of_the_conversation(values: dict[str, Any], told: str) -> None:
    assert COLUMNS[-1].cell(node("a", None, **values), NOTHING) == told
