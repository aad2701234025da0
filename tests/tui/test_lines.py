import random

from explorer.store.queries import Node, Totals
from explorer.tui.lines import PAGE, Branch, Lines

NOTHING = Totals(1, 0, None, None, None, None, None, None, None, None, None)


def node(node_id: str, children: int = 0) -> Node:
    return Node(
        node_id, "agent", None, 0, 0, "c", node_id, node_id, node_id, None, "completed", None, children, True, None,
        None, 0, None, NOTHING, NOTHING,
    )  # fmt: skip


def shown(lines: Lines) -> list[str]:
    return ["  " * line.depth + (line.node_id or f"…{line.remaining}") for line in lines]


def small() -> Lines:
    """Three roots; ``b`` has children ``b1`` (with ``b1x``) and ``b2``."""
    lines = Lines()
    lines.fill(Branch([node("a"), node("b", 2), node("c")], 3))
    return lines


def test_agents_may_be_nested_deeper_than_calls() -> None:
    deep = Branch([node("2000")], 1)
    for number in range(1999, -1, -1):
        deep = Branch([node(str(number), 1), node(f"{number} again")], 3, {str(number): deep})
    lines = Lines()
    lines.fill(deep)
    assert [line.node_id for line in lines][:2001] == [str(number) for number in range(2001)]
    assert [(line.node_id, line.depth, line.remaining) for line in lines][-2:] == [("0 again", 0, None), (None, 0, 1)]


def test_opening_and_closing_touches_only_what_is_below() -> None:
    lines = small()
    assert lines.needs_reading(1)
    assert not lines.needs_reading(0)
    assert lines.attach(1, Branch([node("b1", 1), node("b2")], 2)) == 2
    assert lines.attach(2, Branch([node("b1x")], 1)) == 1
    assert shown(lines) == ["a", "b", "  b1", "    b1x", "  b2", "c"]
    assert lines.parent_of(3) == 2
    assert lines.parent_of(4) == 1
    assert lines.parent_of(0) is None
    assert lines.collapse(1) == 3
    assert shown(lines) == ["a", "b", "c"]
    assert lines.find("b1x") is None
    assert lines.expand(1) == 3
    assert shown(lines) == ["a", "b", "  b1", "    b1x", "  b2", "c"]
    assert lines.find("b1x") == 3


def test_a_pager_gives_way_to_the_next_page() -> None:
    lines = Lines()
    lines.fill(Branch([node("a", 5)], 1, {"a": Branch([node("1"), node("2")], 5)}))
    assert shown(lines) == ["a", "  1", "  2", "  …3"]
    assert lines.wanted(3) == (2, PAGE)
    lines.append_page(3, [node("3"), node("4")], 5)
    assert shown(lines) == ["a", "  1", "  2", "  3", "  4", "  …1"]
    lines.append_page(5, [node("5")], 5)
    assert shown(lines) == ["a", "  1", "  2", "  3", "  4", "  5"]


def test_children_from_the_middle_have_a_pager_above_and_one_below() -> None:
    lines = Lines()
    lines.fill(Branch([node("a", 900)], 1, {"a": Branch([node("600"), node("601")], 900, first=600)}))
    assert shown(lines) == ["a", "  …600", "  600", "  601", "  …298"]
    assert lines.opened() == {None: (0, 1), "a": (600, 2)}
    assert (lines.wanted(1), lines.wanted(4)) == ((100, PAGE), (602, PAGE))
    assert lines.append_page(4, [node("602")], 900) == 1
    assert lines.append_page(1, [node(str(number)) for number in range(100, 600)], 900) == PAGE
    assert shown(lines)[:3] == ["a", "  …100", "  100"]
    assert shown(lines)[-4:] == ["  600", "  601", "  602", "  …297"]
    assert lines.wanted(1) == (0, 100)
    lines.append_page(1, [node(str(number)) for number in range(100)], 900)
    assert shown(lines)[:2] == ["a", "  0"]
    assert lines.wanted(len(lines) - 1) == (603, PAGE)


def test_a_pager_says_when_nobody_knows_how_many_there_are() -> None:
    lines = Lines()
    lines.fill(Branch([node("a")], None))
    assert shown(lines) == ["a", "…None"]


def test_what_is_open_can_be_opened_again() -> None:
    lines = small()
    lines.attach(1, Branch([node("b1", 1), node("b2")], 2))
    lines.attach(2, Branch([node("b1x")], 1))
    assert lines.opened() == {None: (0, 3), "b": (0, 2), "b1": (0, 1)}
    lines.collapse(1)
    assert lines.opened() == {None: (0, 3)}


def test_any_sequence_of_opening_and_closing_keeps_the_order() -> None:
    """Against the plain way: the depth-first order of everything whose parents are open."""
    rng = random.Random(7)
    below = {f"n{i}": [f"n{4 * i + k}" for k in range(1, 5) if 4 * i + k < 200] for i in range(200)}
    lines = Lines()
    lines.fill(Branch([node("n0", 4)], 1))
    is_open: set[str] = set()

    def plain(node_id: str, depth: int) -> list[str]:
        rest = [line for child in below[node_id] for line in plain(child, depth + 1)] if node_id in is_open else []
        return ["  " * depth + node_id, *rest]

    for _ in range(500):
        index = rng.randrange(len(lines))
        node_id = lines[index].node_id
        assert node_id is not None
        if not below[node_id]:
            continue
        if lines[index].expanded:
            lines.collapse(index)
            is_open.discard(node_id)
        elif lines.needs_reading(index):
            lines.attach(
                index, Branch([node(child, len(below[child])) for child in below[node_id]], len(below[node_id]))
            )
            is_open.add(node_id)
        else:
            lines.expand(index)
            is_open.add(node_id)
        assert shown(lines) == plain("n0", 0)
        assert all(lines.find(line.node_id) == at for at, line in enumerate(lines))
