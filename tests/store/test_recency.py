"""The relations of caches that forget, on recordings small enough to be played through block by block."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.model import COMPUTED, HASHES, Row
from explorer.reuse.stopping import Stopped
from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from explorer.store.queries import build_tree
from tests.store.world import agent, ask, blocks, conversation, make_database, run, step

SHARED = Path(__file__).parents[3] / "shared"
MINUTE = 60_000

# Two agents in turn: prompts as (run, ordinal, start, block ids as stretches).
PROMPTS: list[tuple[str, int, int | None, list[tuple[int, int]]]] = [
    ("m", 1, 0, [(0, 4)]),
    ("x", 1, MINUTE, [(0, 2), (4, 3)]),
    ("m", 2, 2 * MINUTE, [(0, 4), (7, 2)]),
    ("m", 3, 20 * MINUTE, [(0, 4), (7, 1), (9, 2)]),
    ("m", 4, 21 * MINUTE, [(0, 3), (11, 1)]),
]


def recording(prompts: list[tuple[str, int, int | None, list[tuple[int, int]]]] = PROMPTS) -> list[Row]:
    rows: list[Row] = [conversation(), agent("m"), agent("x", "m"), run("m", "m"), run("x", "x", "m")]
    for offset, (of, ordinal, start, stretches) in enumerate(prompts):
        rows += [step(of, ordinal, start_ms=start, offset=offset), *blocks(of, ordinal, *stretches)]
    return rows


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(recording())


def test_the_histogram_of_distances_has_a_row_for_each_and_one_for_what_no_cache_hits(database: Database) -> None:
    # x/1 finds 0 1 on top; m/2 finds 0 1 there, then 2 3 below the three that x wrote; m/3 finds 0 to 3 and 7 on top;
    # m/4 finds 0 to 2 on top.
    assert ask(database, "FROM reuse_distance ORDER BY distance NULLS LAST") == [
        ("c", 1, 4, 256), ("c", 2, 4, 256), ("c", 3, 2, 128), ("c", 4, 1, 64), ("c", 5, 1, 64), ("c", 6, 1, 64),
        ("c", 7, 1, 64), ("c", None, 12, 768),
    ]  # fmt: skip


def test_the_histogram_of_ages_is_in_milliseconds(database: Database) -> None:
    assert ask(database, "FROM reuse_age ORDER BY age_ms NULLS LAST") == [
        ("c", MINUTE, 7, 448), ("c", 2 * MINUTE, 2, 128), ("c", 18 * MINUTE, 5, 320), ("c", None, 12, 768),
    ]  # fmt: skip


def test_working_sets_are_those_of_the_minutes_before_each_step(database: Database) -> None:
    query = "SELECT at_ms // 60000, blocks_1_minute, blocks_5_minutes, blocks_ever FROM step_recency ORDER BY at_ms"
    assert ask(database, query) == [(0, 4, 4, 4), (1, 5, 7, 7), (2, 6, 9, 9), (20, 7, 7, 11), (21, 4, 8, 12)]


FIRSTS = [(0, 0, 0, 0, 0, 4), (2, 0, 0, 0, 0, 3)]
"""Of the first prompt of each agent: hit, expired, evicted, diverged, tail, cold."""


@pytest.mark.parametrize(
    ("cache", "of_others"),
    [
        ("NULL, NULL", [(4, 0, 0, 0, 0, 2), (5, 0, 0, 0, 1, 1), (3, 0, 0, 1, 0, 0)]),
        ("5, NULL", [(2, 0, 2, 0, 0, 2), (5, 0, 0, 0, 1, 1), (3, 0, 0, 1, 0, 0)]),
        ("2, 300000", [(2, 0, 2, 0, 0, 2), (0, 5, 0, 0, 1, 1), (2, 0, 1, 1, 0, 0)]),
    ],
)
def test_why_blocks_missed_depends_on_the_cache(database: Database, cache: str, of_others: list[Any]) -> None:
    columns = "hit, expired, evicted, diverged, tail, cold"
    assert ask(database, f"SELECT {columns} FROM missed_blocks({cache}) ORDER BY at_ms") == FIRSTS + of_others
    apart = "blocks <> hit + expired + evicted + diverged + tail + cold"
    assert ask(database, f"FROM missed_blocks({cache}) WHERE {apart}") == []


def test_without_a_time_nothing_is_said_of_what_expires() -> None:
    untimed = [(of, ordinal, None if ordinal == 2 else start, ids) for of, ordinal, start, ids in PROMPTS]
    database = make_database(recording(untimed))
    assert ask(database, "FROM reuse_age") == []
    assert ask(database, "SELECT DISTINCT hit, expired, evicted FROM missed_blocks(NULL, 1)") == [(None, None, None)]
    assert ask(database, "SELECT sum(hit) FROM missed_blocks(NULL, NULL)") == [(14,)]


def test_replayed_steps_touch_nothing_and_conversations_have_caches_of_their_own() -> None:
    rows = recording(PROMPTS[:1])
    rows += [step("m", 2, is_replay=True, start_ms=5, offset=9), *blocks("m", 2, (0, 4))]
    rows += [conversation("d"), agent("n", conversation_id="d"), run("n", "n", conversation_id="d")]
    rows += [step("n", 1, start_ms=9), *blocks("n", 1, (0, 3), namespace="d")]
    assert ask(make_database(rows), "SELECT * EXCLUDE (tokens) FROM reuse_distance ORDER BY ALL") == [
        ("c", None, 4), ("d", None, 3)
    ]  # fmt: skip


def test_hashes_that_come_together_are_one_stretch_although_their_numbers_are_apart() -> None:
    rows: list[Row] = [conversation(block_scope=HASHES), agent("m"), run("m", "m"), step("m", 1), step("m", 2)]
    for ordinal in (1, 2):
        rows += blocks("m", ordinal, (2**63 + 5, 1), (17, 1), (2**64 - 1, 1))
    found = ask(make_database(rows), "SELECT blocks, first_distance, last_distance FROM prompt_recency ORDER BY ALL")
    assert found == [(3, 1, 3), (3, None, None)]


def test_it_is_computed_for_queries_that_need_it_and_once() -> None:
    database = make_database(recording(PROMPTS[:2]))
    with database.cursor() as cursor:
        count = "SELECT count(*) FROM prompt_recency"
        ask(database, "SELECT count(*) FROM run_totals")
        assert cursor.execute(count).fetchall() == [(0,)]
        assert ask(database, "SELECT count(*) FROM REUSE_DISTANCE") == [(3,)]
        database.compute()
        assert cursor.execute(count).fetchall() == [(3,)]


def test_it_is_stopped_anywhere_and_leaves_nothing_behind(tmp_path: Path) -> None:
    database = make_database(recording(), tmp_path)
    asked = 0

    def stop_at(number: int) -> Callable[[], bool]:
        def stop() -> bool:
            nonlocal asked
            asked += 1
            return asked > number

        return stop

    for number in range(100):
        asked = 0
        try:
            database.compute(stop_at(number))
        except Stopped:
            for table in COMPUTED:
                assert ask_ready(database, f"FROM {table}") == []
        else:
            break
    assert asked >= 5  # reading, streaks, tree, and two passes: within the one namespace
    assert ask(database, "SELECT sum(blocks) FROM prompt_recency WHERE age_ms IS NOT NULL") == [(14,)]


def ask_ready(database: Database, query: str) -> list[tuple[Any, ...]]:
    """Without anything being computed for it."""
    with database.cursor() as cursor:
        return cursor.execute(query).fetchall()


def test_others_ask_and_filter_while_it_is_computed(tmp_path: Path) -> None:
    database = make_database(recording(), tmp_path)
    kept: list[int] = []

    def meanwhile() -> bool:
        assert not database.lock.locked()
        kept.append(build_tree(database, "steps > 1").runs_kept)
        return False

    database.compute(meanwhile)
    assert kept
    assert set(kept) == {1}


def test_who_waits_for_another_computation_can_be_stopped(tmp_path: Path) -> None:
    database = make_database(recording(), tmp_path)
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> bool:
        begun.set()
        go_on.wait(10)
        return False

    first = threading.Thread(target=database.compute, args=(slow,))
    first.start()
    begun.wait(10)
    with pytest.raises(Stopped):
        database.compute(lambda: True)
    go_on.set()
    first.join()
    assert ask_ready(database, "SELECT count(*) > 0 FROM prompt_recency") == [(True,)]


@pytest.mark.skipif(not (SHARED / "traces" / "weka").is_dir(), reason="the recorded traces are not here")
def test_a_recorded_trace_hits_at_every_capacity_what_the_brute_force_does() -> None:
    spec = importlib.util.spec_from_file_location("truth_weka", SHARED / "truth" / "weka.py")
    assert spec
    assert spec.loader
    truth = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(truth)
    path = SHARED / "traces" / "weka" / "trace_0277.json"
    database = Database(ingest([path], Options(use_cache=False)))
    for capacity, hits in truth.lru(path, (100, 500, 1000, 2000, 4000, 8000)).items():
        assert ask(database, f"SELECT sum(blocks) FROM reuse_distance WHERE distance <= {capacity}") == [(hits,)]
    database.close()
