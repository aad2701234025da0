"""Agents that seem to be hidden among the calls of a run."""

from __future__ import annotations

import pytest

from explorer.model import HiddenAgent, HiddenKind, Row
from explorer.store import queries
from explorer.store.database import Database
from tests.store.world import agent, ask, blocks, conversation, footprint, make_database, run, step

PROMPTS = [(0, [(1, 3)]), (10, [(1, 1), (7, 2)]), (20, [(1, 1), (7, 3)]), (30, [(1, 4)]), (40, [(50, 1)])]


def chain(number: int, kind: HiddenKind, ordinals: str, left: int | None = None, position: int = 0) -> HiddenAgent:
    steps = ordinals.count(",") + 1
    return HiddenAgent("m/1", number, kind, left, position, steps, ordinals, 10 * number, 10 * number + 9, "derived")


def flat() -> list[Row]:
    """A main run of five steps, two of which are a sub-agent's and one is aside; and a sub-agent that was recorded."""
    rows: list[Row] = [conversation(title="flat"), agent("m", name="main"), run("m/1", "m", start_ms=0, end_ms=99)]
    for ordinal, (start, stretches) in enumerate(PROMPTS, 1):
        rows += [step("m/1", ordinal, start_ms=start, end_ms=start + 9), *blocks("m/1", ordinal, *stretches)]
    rows += [agent("x", "m", name="Explore", label="agent_001"), run("x/1", "x", "m/1", start_ms=60)]
    rows += [step("x/1", 1, start_ms=60), *blocks("x/1", 1, (1, 1), (7, 1), (90, 1)), footprint("x/1", 3, 2)]
    return [
        *rows, chain(1, "main", "[1,4]"), chain(2, "solo", "[2,3]", 1, 1), chain(3, "sidecar", "[5]"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(flat())


def test_the_proposal_lists_the_chains_of_a_run(database: Database) -> None:
    with database.cursor() as cursor:
        found = queries.hidden_agents(cursor, "x")
    assert [(one.chain, one.kind, one.left_chain, one.steps, one.steps_of_run, one.first_ordinal) for one in found] == [
        (1, "main", None, 2, 5, 1), (2, "solo", 1, 2, 5, 2), (3, "sidecar", None, 1, 5, 5),
    ]  # fmt: skip


def test_a_finding_counts_agents_and_not_what_is_aside(database: Database) -> None:
    told = (
        "by their prompts, its 5 steps seem to be those of 2 agents: 2 of its own, and 2 of another agent; "
        "1 is a call aside"
    )
    query = "SELECT severity, run_id, message FROM findings WHERE code = 'hidden-agents'"
    assert ask(database, query) == [("info", "m/1", told)]


def test_trees_are_as_recorded_unless_hidden_agents_are_told_apart(database: Database) -> None:
    def drawn(tree: queries.PrefixTree | None) -> list[tuple[int, int, list[str]]]:
        assert tree is not None
        return [(limb.position, limb.blocks, [use.run.run_id for use in limb.holders]) for limb in tree.limbs]

    with database.cursor() as cursor:
        recorded = drawn(queries.conversation_prefixes(cursor, "c"))
        assert queries.sibling_prefixes(cursor, "x") is None
        siblings = queries.sibling_prefixes(cursor, "m", "first", apart=True)
        apart = queries.conversation_prefixes(cursor, "c", apart=True)
    # What m/1 has for itself hangs below what it shares: 2 3 4, and 9 behind 1 7; and apart from it 50.
    assert recorded == [
        (0, 1, ["m/1", "x/1"]), (1, 3, ["m/1"]), (1, 1, ["m/1", "x/1"]), (2, 2, ["m/1"]), (2, 1, ["x/1"]),
        (0, 1, ["m/1"]),
    ]  # fmt: skip
    # The sub-agent that was recorded begins like the hidden one, which had written it, and main had the first block.
    assert drawn(siblings) == [
        (0, 2, ["m/1#2", "x/1"]), (2, 1, ["m/1#2"]), (2, 1, ["x/1"]), (0, 1, ["m/1#3"]),
    ]  # fmt: skip
    assert siblings is not None
    assert siblings.proposed == 2
    shared = next(limb for limb in siblings.limbs if not limb.ends)
    assert [(piece.first, piece.blocks, piece.writer.run.run_id) for piece in shared.pieces] == [
        (1, 1, "m/1"), (7, 1, "m/1#2"),
    ]  # fmt: skip
    assert apart is not None
    assert {use.run.label for limb in apart.limbs for use in limb.holders} == {
        None,
        "hidden 2",
        "hidden 3",
        "agent_001",
    }


def test_the_overview_says_that_agents_seem_to_be_hidden(database: Database) -> None:
    with database.cursor() as cursor:
        told = {at: {f.label: (f.value, f.grade) for f in queries.overview(cursor, at)} for at in ("c", "m", "x")}
    assert told["c"]["hidden agents"] == told["m"]["hidden agents"] == (1, "derived")
    assert "hidden agents" not in told["x"]


def test_hidden_agents_have_lines_in_the_tree_only_when_they_are_wanted(database: Database) -> None:
    recorded = queries.build_tree(database)
    apart = recorded._replace(apart=True)
    with database.cursor() as cursor:
        assert [line.node_id for line in queries.children(cursor, recorded, "m")] == ["x"]
        lines = queries.children(cursor, apart, "m")
        pages = [queries.children(cursor, apart, "m", offset=offset, limit=1) for offset in range(4)]
        (main,) = queries.children(cursor, apart, "c")
        path = queries.path_to(cursor, apart, "m#2")
        paths = [queries.path_to(cursor, apart, at) for at in ("x", "m#3")]
        ways = [queries.places(cursor, apart, each, "order", False, False) for each in paths]
        assert queries.node(cursor, recorded, "m#2") is None
        assert queries.node(cursor, apart, "m#9") is None
        whole = [fact.value for fact in queries.overview(cursor, "m") if fact.label == "steps"]
        of_run = [fact.value for fact in queries.overview(cursor, "m#2") if fact.label == "steps"]
        steps = [queries.steps(cursor, at, own=False)["#"].to_pylist() for at in ("m#2", "m#3", "m#9")]
    assert [(line.node_id, line.name, line.own.steps) for line in lines] == [
        ("x", "Explore", 1), ("m#2", "solo?", 2), ("m#3", "sidecar?", 1),
    ]  # fmt: skip
    assert [[line.node_id for line in page] for page in pages] == [["x"], ["m#2"], ["m#3"], []]
    assert ways == [[0, 0, 0], [0, 0, 2]]
    assert (main.children, main.own.steps, main.total.steps) == (3, 5, 6)
    assert [line.node_id for line in path] == ["c", "m", "m#2"]
    assert whole == of_run == [6]
    assert steps == [[2, 3], [5], []]
