from hypothesis import given
from hypothesis import strategies as st

from explorer.store.hierarchy import cyclic, lay_out


def test_items_are_laid_out_depth_first_with_children_in_the_given_order() -> None:
    #     0        5
    #   1   3      |
    #   2   4      6
    forest = lay_out([-1, 0, 1, 0, 3, -1, 5])
    assert forest.order == [0, 1, 2, 3, 4, 5, 6]
    assert forest.depths == [0, 1, 2, 1, 2, 0, 1]
    assert forest.lasts == [4, 2, 2, 4, 4, 6, 6]


def test_parents_may_come_after_their_children() -> None:
    forest = lay_out([2, 2, -1])
    assert forest.order == [2, 0, 1]
    assert forest.lasts == [1, 2, 2]


def test_nothing_is_laid_out_as_nothing() -> None:
    assert lay_out([]) == ([], [], [])


def test_a_chain_of_a_hundred_thousand_is_laid_out() -> None:
    size = 100_000
    forest = lay_out(list(range(-1, size - 1)))
    assert forest.depths[-1] == size - 1
    assert set(forest.lasts) == {size - 1}


def test_items_on_cycles_are_named_and_those_below_are_not() -> None:
    # 0 is its own parent, 1 and 2 each other's; 3 hangs below 2, 4 below 3; 5 is a root.
    assert cyclic([0, 2, 1, 2, 3, -1]) == [0, 1, 2]


parents = st.integers(1, 12).flatmap(lambda size: st.lists(st.integers(-1, size - 1), min_size=size, max_size=size))


def ancestors(parents: list[int], item: int) -> list[int]:
    """Brute force: the way up, until it ends or repeats."""
    way: list[int] = []
    while (item := parents[item]) >= 0 and item not in way:
        way.append(item)
    return way


@given(parents)
def test_an_item_is_cyclic_if_it_is_among_its_ancestors(parents: list[int]) -> None:
    assert cyclic(parents) == [item for item in range(len(parents)) if item in ancestors(parents, item)]


@given(parents)
def test_what_lies_below_an_item_is_a_range_of_positions(parents: list[int]) -> None:
    for item in cyclic(parents):
        parents[item] = -1
    forest = lay_out(parents)
    assert sorted(forest.order) == list(range(len(parents)))
    for item in range(len(parents)):
        start = forest.order.index(item)
        below = {other for other in range(len(parents)) if other == item or item in ancestors(parents, other)}
        assert set(forest.order[start : forest.lasts[item] + 1]) == below
        assert forest.depths[item] == len(ancestors(parents, item))
