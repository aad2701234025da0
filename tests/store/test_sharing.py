"""Who wrote blocks and who read them; the numbers of ``family`` are in its docstring."""

from __future__ import annotations

import pytest

from explorer.model import HASHES, Row
from explorer.store import queries
from explorer.store.database import Database
from tests.store.world import agent, ask, blocks, conversation, family, make_database, run, step


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


def test_a_ladder_tells_where_siblings_leave_each_other_and_who_wrote_what_they_share(database: Database) -> None:
    # x/1: 0 6 7 8, y/1: 0 6 7 10; block 0 is main's.
    with database.cursor() as cursor:
        tree = queries.sibling_prefixes(cursor, "main")
    assert tree is not None
    assert (tree.whose, tree.namespace, tree.runs) == ("the children of main", "c", 2)
    drawn = [
        (limb.depth, limb.position, limb.blocks, limb.tokens, [use.run.run_id for use in limb.holders], limb.ends)
        for limb in tree.limbs
    ]
    # Of x's 50 tokens nothing is left behind three blocks of 64.
    assert drawn == [(0, 0, 3, 192, ["x/1", "y/1"], 0), (1, 3, 1, 0, ["x/1"], 1), (1, 3, 1, 0, ["y/1"], 1)]
    assert [(piece.first, piece.blocks, piece.writer.run.run_id) for piece in tree.limbs[0].pieces] == [
        (0, 1, "main/1"), (6, 2, "x/1"),
    ]  # fmt: skip


def test_two_runs_are_compared_over_all_their_prompts(database: Database) -> None:
    with database.cursor() as cursor:
        tree = queries.pair_prefixes(cursor, "x/1", "main/1")
    assert tree is not None
    assert [(limb.blocks, limb.ends) for limb in tree.limbs] == [(1, 0), (5, 1), (4, 1)]
    assert [(p.first, p.blocks, p.writer.ordinal) for p in tree.limbs[2].pieces] == [(6, 3, 1), (9, 1, 2)]


def test_blocks_stand_where_the_prompt_has_them_however_often_the_run_parts() -> None:
    # x: 0 1 2 3, then 0 1 5 6 7; y has 0 alone, and had 6 before. Of x 1 is at 1, 2 at 2, and 5 at 2 as well.
    rows: list[Row] = [conversation(block_scope=HASHES)]
    for name in "xy":
        rows += [agent(name), run(name, name)]
    rows += [step("y", 1, start_ms=0), *blocks("y", 1, (0, 1))]
    rows += [step("y", 2, start_ms=1, offset=1), *blocks("y", 2, (6, 1))]
    rows += [step("x", 1, start_ms=2, offset=2), *blocks("x", 1, (0, 4))]
    rows += [step("x", 2, start_ms=3, offset=3), *blocks("x", 2, (0, 2), (5, 3))]
    with make_database(rows).cursor() as cursor:
        tree = queries.pair_prefixes(cursor, "x", "y")
    assert tree is not None
    (leaf,) = (limb for limb in tree.limbs if limb.ends > 1)
    assert [(piece.position, piece.first, piece.blocks) for piece in leaf.pieces] == [
        (1, 1, 1), (2, 2, 2), (2, 5, 1), (3, 6, 1), (4, 7, 1),
    ]  # fmt: skip


def test_the_passport_of_a_block_has_its_writer_its_readers_and_its_life(database: Database) -> None:
    database.define_laboratory()
    with database.cursor() as cursor:
        found = queries.passport(cursor, "c", 7)
        assert queries.passport(cursor, "c", 11) is None
    assert found is not None
    # x/1 at 1000 until 1400 and at 1500; y/1 at 1500, of the two the later in the record.
    assert [(r.run.run_id, r.steps, r.first_ms, r.last_ms, r.ended_before) for r in found.readers] == [
        ("x/1", 2, 1000, 1500, None), ("y/1", 1, 1500, 1500, True),
    ]  # fmt: skip
    assert (found.first, found.last, found.position, found.uses) == (6, 7, 2, 3)
    assert (found.life_ms, found.longest_gap_ms) == (500, 500)


def test_the_passport_is_a_relation_with_the_gaps_between_uses(database: Database) -> None:
    columns = "run_id, step_ordinal, at_ms, wrote, gap_ms, ended_before"
    assert ask(database, f"SELECT {columns} FROM block_passport('c', 2)") == [
        ("main/1", 2, 4000, True, None, None), ("main/1", 3, 8000, False, 4000, True),
    ]  # fmt: skip


def test_steps_without_times_stand_behind_those_before_them_and_replayed_ones_nowhere() -> None:
    rows: list[Row] = [conversation(block_scope=HASHES), agent("m"), run("m", "m")]
    for ordinal, start in ((1, 50), (2, None), (3, 70)):
        rows += [step("m", ordinal, start_ms=start, offset=ordinal), *blocks("m", ordinal, (2**64 - 1, 1))]
    rows += [step("m", 4, is_replay=True, start_ms=1), *blocks("m", 4, (2**64 - 1, 1))]
    database = make_database(rows)
    query = f"SELECT step_ordinal, wrote, gap_ms, ended_before FROM block_passport('c', {2**64 - 1})"
    assert ask(database, query) == [(1, True, None, None), (2, False, None, None), (3, False, None, True)]
    with database.cursor() as cursor:
        found = queries.passport(cursor, "c", 2**64 - 1)
    assert found is not None
    assert (found.first, found.life_ms) == (2**64 - 1, None)


def test_the_prefix_tree_is_a_relation_and_its_blocks_are_the_distinct_ones(database: Database) -> None:
    columns = "branch, above, position, blocks, tokens, first_block, runs, run_id, ends, first_run_id"
    assert ask(database, f"SELECT {columns} FROM prefix_tree ORDER BY branch") == [
        (0, None, 0, 1, 64, 0, 3, None, None, "main/1"),
        (1, 0, 1, 5, 320, 1, 1, "main/1", 1, "main/1"),
        (2, 0, 1, 2, 128, 6, 2, None, None, "x/1"),
        (3, 2, 3, 2, 128, 8, 1, "x/1", 1, "x/1"),
        (4, 2, 3, 1, 64, 10, 1, "y/1", 1, "y/1"),
    ]
    assert ask(database, "SELECT sum(blocks) FROM prefix_tree") == ask(
        database, "SELECT distinct_blocks FROM namespace_audit"
    )
