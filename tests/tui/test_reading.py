from collections.abc import Iterator

import pytest

from explorer.model import Row
from explorer.store import queries
from explorer.store.database import Cursor, Database
from explorer.tui.lines import PAGE, Part
from explorer.tui.reading import Order, Reader
from tests.store.world import agent, conversation, family, make_database, run, source

RECORDED = Order("order", False, False)


def wide(children: int) -> list[Row]:
    """A main agent with many sub-agents."""
    rows: list[Row] = [source(), conversation(title="wide"), agent("main", name="main"), run("main/1", "main")]
    for i in range(children):
        rows += [agent(f"x{i:05}", "main", name="Explore"), run(f"x{i:05}/1", f"x{i:05}", "main/1", start_ms=i)]
    return rows


@pytest.fixture
def many() -> Iterator[tuple[Database, Cursor]]:
    database = make_database(wide(1_300))
    with database.cursor() as cursor:
        yield database, cursor


def test_children_come_in_pages(many: tuple[Database, Cursor]) -> None:
    database, cursor = many
    reader = Reader(cursor, queries.build_tree(database), RECORDED, 1, True)
    branch = reader.children("main", 1_300, {})
    assert (len(branch.nodes), branch.total) == (PAGE, 1_300)
    nodes, total = reader.page("main", 1_000, PAGE, 1_300)
    assert (len(nodes), total) == (300, 1_300)


def test_what_was_read_is_read_again(many: tuple[Database, Cursor]) -> None:
    database, cursor = many
    reader = Reader(cursor, queries.build_tree(database), RECORDED, 1, True)
    picture = reader.picture(None, {None: Part(0, 1), "c": Part(0, 1), "main": Part(0, 1_000)})
    assert len(picture.roots.open["c"].open["main"].nodes) == 1_000


def test_a_node_far_down_is_revealed_with_the_pages_before_it(many: tuple[Database, Cursor]) -> None:
    database, cursor = many
    reader = Reader(cursor, queries.build_tree(database), RECORDED, 1, True)
    revealed = reader.reveal("x01200", None, {})
    assert revealed is not None
    root, picture = revealed
    assert root is None
    assert len(picture.roots.open["c"].open["main"].nodes) == 1_300
    assert reader.reveal("nobody", None, {}) is None


def test_a_node_further_down_is_revealed_among_those_around_it(
    many: tuple[Database, Cursor], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, cursor = many
    monkeypatch.setattr("explorer.tui.reading._NEAR", PAGE)
    reader = Reader(cursor, queries.build_tree(database), RECORDED, 1, True)
    revealed = reader.reveal("x01000", None, {})
    assert revealed is not None
    branch = revealed[1].roots.open["c"].open["main"]
    assert [node.node_id for node in branch.nodes] == [f"x{number:05}" for number in range(750, 1_250)]
    assert (branch.first, branch.total) == (750, 1_300)
    # What is shown stays, if the node is near.
    revealed = reader.reveal("x01249", None, {"main": Part(750, PAGE)})
    assert revealed is not None
    assert revealed[1].roots.open["c"].open["main"].first == 750
    # Where there are fewer by now, they are shown from the start.
    picture = reader.picture("main", {"main": Part(2_000, PAGE)})
    assert (picture.roots.open["main"].first, len(picture.roots.open["main"].nodes)) == (0, PAGE)
    # In another order, it is shown where it stands then; if it is gone, the first ones are.
    turned = reader._replace(order=Order("order", True, False))
    picture = turned.again("main", {"main": Part(750, PAGE)}, "x01299")
    assert (picture.roots.open["main"].first, picture.roots.open["main"].nodes[0].node_id) == (0, "x01299")
    assert reader.again("main", {"main": Part(750, PAGE)}, "gone").roots.open["main"].first == 0


def test_a_node_outside_the_root_is_revealed_from_the_top() -> None:
    database = make_database(family())
    with database.cursor() as cursor:
        reader = Reader(cursor, queries.build_tree(database), RECORDED, 1, True)
        revealed = reader.reveal("y", "x", {})
        assert revealed is not None
        assert revealed[0] is None
        inside = reader.reveal("z", "x", {})
        assert inside is not None
        assert inside[0] == "x"
        assert [node.node_id for node in inside[1].path] == ["c", "main", "x"]


def test_nobody_counts_conversations_behind_a_filter() -> None:
    rows: list[Row] = [source()]
    for i in range(PAGE + 20):
        rows += [
            conversation(f"c{i:04}", title=f"trace {i}"),
            agent(f"a{i:04}", conversation_id=f"c{i:04}", name="main"),
        ]
        rows += [run(f"r{i:04}", f"a{i:04}", conversation_id=f"c{i:04}")]
    database = make_database(rows)
    tree = queries.build_tree(database, "run_id >= 'r0010'")
    with database.cursor() as cursor:
        picture = Reader(cursor, tree, RECORDED, None, True).picture(None, {})
    assert len(picture.roots.nodes) == PAGE
    assert picture.roots.total is None


def test_agents_may_be_nested_deeper_than_calls(many: tuple[Database, Cursor], monkeypatch: pytest.MonkeyPatch) -> None:
    database, cursor = many
    tree = queries.build_tree(database)
    some = queries.node(cursor, tree, "c")
    assert some is not None

    def only_child(_: Cursor, __: queries.TreeView, parent_id: str | None, *rest: object) -> list[queries.Node]:
        number = int(parent_id or 0) + 1
        return [some._replace(node_id=str(number), children=int(number < 1_500))]

    monkeypatch.setattr(queries, "children", only_child)
    branch = Reader(cursor, tree, RECORDED, 1, True).children(
        None, 1, {str(number): Part(0, 1) for number in range(1_500)}
    )
    depth = 1
    while branch.open:
        (branch,) = branch.open.values()
        depth += 1
    assert depth == 1_500
