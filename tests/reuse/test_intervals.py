from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.reuse.intervals import IntervalSet

spans = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 8)), max_size=25)


def make(pieces: list[tuple[int, int]]) -> tuple[IntervalSet, set[int]]:
    made, plain = IntervalSet(), set()
    for first, count in pieces:
        made.add(first, first + count)
        plain.update(range(first, first + count))
    return made, plain


@given(spans)
def test_adding_gives_exactly_what_was_not_there(pieces: list[tuple[int, int]]) -> None:
    made, plain = IntervalSet(), set()
    for first, count in pieces:
        fresh = [block for start, end in made.add(first, first + count) for block in range(start, end)]
        assert fresh == sorted(set(range(first, first + count)) - plain)
        plain.update(range(first, first + count))
        assert {block for start, end in made for block in range(start, end)} == plain
        assert len(made) == len(plain)


@given(spans)
def test_intervals_are_sorted_and_do_not_touch(pieces: list[tuple[int, int]]) -> None:
    bounds = [bound for interval in make(pieces)[0] for bound in interval]
    assert bounds == sorted(set(bounds))


@given(spans, st.integers(0, 50))
def test_the_reach_of_a_block_is_the_first_that_is_not_held_from_there_on(
    pieces: list[tuple[int, int]], block: int
) -> None:
    made, plain = make(pieces)
    assert made.reach(block) == next(b for b in range(block, 100) if b not in plain)


@given(spans, spans)
def test_what_two_sets_have_in_common_is_the_same_from_both_sides(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    (a, plain_a), (b, plain_b) = make(one), make(other)
    assert a.common(b) == b.common(a) == len(plain_a & plain_b)
    assert {block for start, end in a.shared(b) for block in range(start, end)} == plain_a & plain_b


@given(spans, st.integers(0, 50), st.integers(1, 8))
def test_a_stretch_meets_what_has_any_of_it(pieces: list[tuple[int, int]], first: int, count: int) -> None:
    made, plain = IntervalSet(), make(pieces)[1]
    made.update(pieces)
    assert made.meets(first, first + count) == bool(plain & set(range(first, first + count)))


def test_ids_of_64_bits_without_sign_fit() -> None:
    top = 2**64
    made = IntervalSet()
    assert made.add(top - 3, top) == ((top - 3, top),)
    assert list(made.add(0, top)) == [(0, top - 3)]
    assert len(made.starts) == 1
    assert made.reach(5) == top
