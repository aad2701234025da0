from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.numbering import Numbering, numbering
from tests.reuse.by_sets import events, stretches_of

prompts_ = st.lists(st.lists(st.integers(0, 15), max_size=8), max_size=8)


def facts(*prompts: list[int]) -> tuple[bool, int, int, int]:
    return numbering(map(stretches_of, prompts)).facts


@given(prompts_, st.sets(st.integers(0, 8)))
def test_the_events_are_those_of_going_id_by_id_however_prompts_are_cut(
    prompts: list[list[int]], cuts: set[int]
) -> None:
    assert numbering(stretches_of(ids, cuts) for ids in prompts).facts == events(prompts)


def test_ids_in_order_of_first_appearance_are_perfect() -> None:
    assert facts([1, 2, 3], [1, 2, 4], [1, 2, 3, 5]) == (True, 0, 0, 0)


def test_ids_that_were_passed_over_are_a_gap() -> None:
    assert facts([0, 1], [0, 1, 5, 6]) == (False, 1, 3, 0)


def test_a_whole_run_of_ids_below_the_highest_is_one_reset() -> None:
    assert facts([100, 101], [1, 2, 3, 4]) == (False, 0, 0, 1)


def test_going_on_where_the_highest_ended_after_a_reset_is_a_gap_with_nothing_missing() -> None:
    assert facts([100, 101], [1], [102]) == (False, 1, 0, 1)


def test_no_ids_are_numbered_perfectly() -> None:
    assert Numbering().facts == (True, 0, 0, 0)


def test_more_missing_ids_than_a_column_holds_are_as_many_as_it_holds() -> None:
    assert facts([1], [2**64 - 1]) == (False, 1, 2**63 - 1, 0)
