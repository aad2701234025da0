from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.audit import coverage
from tests.reuse.by_sets import Prompt, World, audits, call_of, events, in_order_of_arrival, is_chained, worlds


def covered(size: int | None, *prompts: tuple[int, int | None]) -> str | None:
    """Coverage of (blocks, tokens) pairs."""
    return coverage([call_of(Prompt("main", 1, 0, list(range(n)), tokens), size) for n, tokens in prompts])


@pytest.mark.parametrize(
    ("prompts", "kind"),
    [
        ([(2, 128), (3, 192)], "exact"),
        ([(2, 128), (2, 150), (0, 63)], "floor"),
        ([(2, 128), (3, 150), (1, 1)], "ceil"),
        ([(2, 150), (3, 150)], "mixed"),
        ([(2, 192)], "mixed"),  # a whole block is missing
        ([(2, 64)], "mixed"),  # a whole block too many
        ([(2, None), (3, 150)], "ceil"),
        ([(2, None)], None),
        ([], None),
    ],
)
def test_coverage_tells_what_becomes_of_the_tokens_behind_the_last_full_block(
    prompts: list[tuple[int, int | None]], kind: str | None
) -> None:
    assert covered(64, *prompts) == kind


def test_without_a_block_size_nothing_is_known_of_coverage() -> None:
    assert covered(None, (2, 128)) is None


@given(st.integers(1, 64), st.lists(st.integers(0, 500), min_size=1))
def test_each_kind_of_builder_is_recognised_by_all_its_calls(size: int, inputs: list[int]) -> None:
    assert covered(size, *((tokens // size, tokens) for tokens in inputs)) in ("floor", "exact")
    assert covered(size, *((-(-tokens // size), tokens) for tokens in inputs)) in ("ceil", "exact")
    assert covered(size, *((tokens, tokens * size) for tokens in inputs)) == "exact"


@given(worlds())
def test_the_three_orders_are_audited_as_by_going_id_by_id(world: World) -> None:
    (audit,) = audits({"c": world}) or [None]
    if not world.prompts:
        assert audit is None
        return
    assert audit is not None
    document = [p.ids for p in world.prompts]
    roots = [p.ids for p in world.prompts if world.parent_run[p.run] is None]
    below = [p.ids for p in world.prompts if world.parent_run[p.run] is not None]
    arrived = [p.ids for p in in_order_of_arrival(world.prompts)]
    orders = (audit.perfect_document, audit.gap_events_document, audit.missing_ids_document,
              audit.reset_events_document), (
              audit.perfect_parent_first, audit.gap_events_parent_first, audit.missing_ids_parent_first,
              audit.reset_events_parent_first), (
              audit.perfect_start_time, audit.gap_events_start_time, audit.missing_ids_start_time,
              audit.reset_events_start_time)  # fmt: skip
    assert orders == (events(document), events(roots + below), events(arrived))
    ids = {block for prompt in document for block in prompt}
    assert (audit.base, audit.distinct_blocks) == (min(ids), len(ids))
    assert audit.dense == (max(ids) - min(ids) + 1 == len(ids))
    assert audit.chained == is_chained(document)


def test_a_builder_that_numbers_the_parent_first_is_told_from_a_private_namespace() -> None:
    """Sub-agents stand within their parent in the file but were numbered behind it."""
    family = {"main": None, "x": "main"}
    told = [Prompt("main", 1, 0, [1, 2], 8), Prompt("x", 1, 2, [1, 5, 6], 12), Prompt("main", 2, 9, [1, 2, 3, 4], 16)]
    (audit,) = audits({"c": World(family, {run: run for run in family}, family, told, 4)})
    assert (audit.reset_events_document, audit.gap_events_document) == (1, 1)
    assert audit.perfect_parent_first
    assert audit.dense
