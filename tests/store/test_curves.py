"""The curves of caches that forget, on recordings small enough to be played through block by block."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import pytest

from explorer.model import Row
from explorer.reuse.arrivals import Arrivals
from explorer.store import queries
from explorer.store.database import Database
from explorer.store.queries.curve_sql import curve_sql
from explorer.store.readonly import QueryError
from explorer.store.recency import shared
from tests.reuse.by_sets import leading
from tests.store.test_recency import MINUTE, PROMPTS, recording
from tests.store.world import agent, ask, blocks, conversation, make_database, reuse, run, step


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(recording())


def played(prompts: Sequence[Sequence[object]], capacity: int) -> int:
    """Leading blocks that a cache hits which drops what was used the longest time ago."""
    cache: OrderedDict[object, None] = OrderedDict()
    hits = 0
    for ids in prompts:
        hits += leading(ids, set(cache))  # type: ignore[arg-type]
        for block in reversed(ids):
            cache[block] = None
            cache.move_to_end(block)
        while len(cache) > capacity:
            cache.popitem(last=False)
    return hits


IDS = [[block for first, count in stretches for block in range(first, first + count)] for *_, stretches in PROMPTS]


def test_the_curve_is_what_caches_of_each_size_hit(database: Database) -> None:
    found = ask(
        database, "SELECT capacity_blocks, hit_lru, hit_optimal, blocks FROM cache_curve WHERE conversation_id = 'c'"
    )
    assert [capacity for capacity, *_ in found] == [1, 2, 3, 4, 5, 6, 7]
    assert [hits for _, hits, *_ in found] == [played(IDS, capacity) for capacity, *_ in found]
    # With the future known: of 0 1 2 3, which m/1 wrote, x/1 needs 0 1 and m/2 all; m/3 needs these and 7, m/4 0 1 2.
    # Five places do for all of it: 2 3 stay while x reads 0 1.
    assert [best for _, _, best, _ in found] == [4, 8, 11, 13, 14, 14, 14]
    assert {whole for *_, whole in found} == {26}


def test_tokens_count_what_a_block_has_left_of_the_prompt() -> None:
    rows: list[Row] = [conversation(), agent("m"), run("m", "m")]
    for ordinal in (1, 2):  # the second of two blocks of 64 is not full
        rows += [step("m", ordinal, start_ms=ordinal, input_tokens=100, offset=ordinal), *blocks("m", ordinal, (0, 2))]
    database = make_database(rows)
    query = (
        "SELECT capacity_tokens, hit_lru_tokens, hit_optimal_tokens, input_tokens, token_share_lru "
        "FROM cache_curve WHERE conversation_id IS NULL"
    )
    assert ask(database, query) == [(64, 64, 64, 200, 0.32), (128, 100, 100, 200, 0.5)]


def test_nothing_is_said_in_tokens_where_a_step_has_none(database: Database) -> None:
    assert ask(database, "SELECT DISTINCT input_tokens, hit_lru_tokens, token_share_lru FROM cache_curve") == [
        (None, None, None)
    ]


def two_conversations() -> list[Row]:
    """Both say 0 1 2 twice, a minute apart."""
    rows: list[Row] = []
    for name in ("c", "d"):
        rows += [conversation(name), agent(name, conversation_id=name), run(name, name, conversation_id=name)]
        for ordinal in (1, 2):
            rows += [step(name, ordinal, start_ms=(ordinal - 1) * MINUTE, offset=ordinal)]
            rows += blocks(name, ordinal, (0, 3), namespace=name)
    return rows


def test_conversations_on_one_cache_need_as_much_as_is_between(database: Database) -> None:
    found = ask(
        make_database(two_conversations()),
        "SELECT arrival, capacity_blocks, hit_lru, hit_optimal FROM shared_cache_curve ORDER BY ALL",
    )
    by_arrival = {name: [row[1:] for row in found if row[0] == name] for name in ("at_once", "in_turn")}
    # c d c d: three blocks of the other between, of which none is hit before all fit.
    assert by_arrival["at_once"] == [(1, 0, 1), (2, 0, 2), (3, 0, 3), (4, 2, 4), (5, 4, 5), (6, 6, 6)]
    # c c d d
    assert by_arrival["in_turn"] == [(1, 2, 2), (2, 4, 4), (3, 6, 6)]


def test_a_shared_cache_can_be_stopped_while_it_is_played() -> None:
    from explorer.reuse.stopping import Stopped

    with make_database(two_conversations()).cursor() as cursor, pytest.raises(Stopped):
        shared(cursor, Arrivals("at_once"), lambda: True)


def test_what_is_kept_for_so_long_is_hit_for_so_long(database: Database) -> None:
    query = "SELECT keep_ms, hit, blocks FROM time_to_live_curve WHERE conversation_id IS NULL AND keep_ms {}"
    assert ask(database, query.format("IN (30000, 60000, 120000, 900000, 1800000)")) == [
        (30_000, 0, 26), (60_000, 7, 26), (120_000, 9, 26), (900_000, 9, 26), (1_800_000, 14, 26),
    ]  # fmt: skip
    assert ask(database, query.format("IS NULL")) == [(None, 14, 26)]


def test_the_live_footprint_counts_once_what_agents_share(database: Database) -> None:
    # x asks once, at minute 1, while m is at work: 0 1 are in the latest prompts of both.
    query = "SELECT at_ms // 60000, live_agents, live_blocks, live_apart_blocks, live_tokens FROM working_set"
    assert ask(database, query) == [
        (0, 1, 4, 4, 256), (1, 2, 7, 9, 448), (2, 1, 6, 6, 384), (20, 1, 7, 7, 448), (21, 1, 4, 4, 256),
    ]  # fmt: skip


def test_why_blocks_missed_adds_up_per_agent_and_over_time(database: Database) -> None:
    causes = "blocks, hit, expired, evicted, diverged, tail, cold"
    assert ask(database, f"SELECT agent_id, steps, {causes}, mean_step_share FROM missed_by_agent(2, 300000)") == [
        ("m", 4, 21, 4, 5, 3, 1, 1, 7, (0 + 2 / 6 + 0 + 2 / 4) / 4),
        ("x", 1, 5, 2, 0, 0, 0, 0, 3, 2 / 5),
        (None, 5, 26, 6, 5, 3, 1, 1, 10, (2 / 6 + 2 / 4 + 2 / 5) / 5),
        (None, 5, 26, 6, 5, 3, 1, 1, 10, (2 / 6 + 2 / 4 + 2 / 5) / 5),
    ]  # fmt: skip
    assert ask(database, "SELECT agent_name IS NULL FROM missed_by_agent(2, 300000) WHERE agent_id IS NULL") == [
        (True,), (True,),
    ]  # fmt: skip
    assert ask(database, f"SELECT from_ms, {causes} FROM missed_over_time(2, 300000, {20 * MINUTE})") == [
        (0, 15, 4, 0, 2, 0, 0, 9), (20 * MINUTE, 11, 2, 5, 1, 1, 1, 1),
    ]  # fmt: skip
    assert ask(database, "SELECT ordinal, diverged_at FROM missed_blocks(2, 300000) WHERE diverged > 0") == [(4, 3)]


def test_sums_over_several_agents_are_named_after_none_of_them() -> None:
    rows: list[Row] = [conversation(), *(agent(name, name=name.upper()) for name in "ab")]
    for name in "ab":
        rows += [run(name, name), step(name, 1, start_ms=1), *blocks(name, 1, (0, 2))]
    assert ask(make_database(rows), "SELECT agent_id, agent_name, steps FROM missed_by_agent(9, NULL)") == [
        ("a", "A", 1), ("b", "B", 1), (None, None, 2), (None, None, 2),
    ]  # fmt: skip


def test_a_model_takes_what_its_published_numbers_say(database: Database) -> None:
    assert ask(database, "SELECT kv_gib(8192, 'llama-3.1-8b')") == [(1.0,)]  # 128 KiB a token
    with pytest.raises(QueryError, match=r"no model llama-70b in kv_models, which has: .*llama-3\.1-70b"):
        database.sql("SELECT kv_gib(1024, 'llama-70b')")
    assert ask(database, "SELECT bytes_per_token FROM kv_models WHERE name = 'deepseek-v3'") == [(70_272,)]
    assert ask(database, "FROM kv_models WHERE bytes_per_token IS NULL OR source IS NULL") == []


def test_a_node_has_the_curves_of_its_own_steps(database: Database) -> None:
    database.compute()
    with database.cursor() as cursor:
        whole, part = queries.cache_curves(cursor, "c"), queries.cache_curves(cursor, "x")
    assert whole is not None
    assert part is not None
    rows = ask(database, "SELECT capacity_blocks, hit_lru, hit_optimal FROM cache_curve WHERE conversation_id = 'c'")
    assert [(c, whole.lru.hits(c), whole.optimal.hits(c)) for c, *_ in rows] == rows
    assert [whole.lru.hits(c) for c in (0, 7, 8, 99)] == [0, 14, 14, 14]
    assert [whole.lru.reach(hits) for hits in (0, 1, 4, 5, 11, 14)] == [0, 1, 1, 2, 4, 7]
    assert (whole.lru.most, whole.steps, whole.blocks, whole.block_tokens) == (7, 5, 26, 64)
    assert (whole.is_whole, part.is_whole) == (True, False)
    # x found 0 1 on top of what m had written.
    assert [part.lru.hits(c) for c in (0, 1, 2, 3)] == [0, 1, 2, 2]
    assert [part.lru.tokens(c) for c in (0, 1, 2, 3)] == [0, 64, 128, 128]
    assert part.kept is not None
    assert [part.kept.hits(ms) for ms in (MINUTE - 1, MINUTE)] == [0, 2]
    assert (part.kept.most, part.kept.tokens(MINUTE)) == (MINUTE, 128)


def test_conversations_share_a_cache_as_the_relation_says() -> None:
    database = make_database(two_conversations())
    with database.cursor() as cursor:
        lru, optimal = queries.shared_curves(cursor, Arrivals("at_once"))
    rows = ask(
        database, "SELECT capacity_blocks, hit_lru, hit_optimal FROM shared_cache_curve WHERE arrival = 'at_once'"
    )
    assert [(c, lru.hits(c), optimal.hits(c)) for c, *_ in rows] == rows
    assert [lru.tokens(c) for c in (3, 4, 6)] == [0, 128, 384]


def test_misses_of_a_node_are_those_of_its_steps(database: Database) -> None:
    database.compute()
    with database.cursor() as cursor:
        found = queries.misses(cursor, None, False, 2, 5 * MINUTE, slots=2)
        own = queries.misses(cursor, "m", True, None, None)
    assert found is not None
    assert found.total[:-1] == (5, 26, 6, 5, 3, 1, 1, 10)
    assert [(name, causes.blocks, causes.hit) for name, causes in found.agents] == [("m", 21, 4), ("x", 5, 2)]
    assert [(at // MINUTE, causes.blocks) for at, causes in found.slots if at is not None] == [(0, 15), (10, 11)]
    assert own is not None
    assert own.total[:-1] == (4, 21, 12, 0, 0, 1, 1, 7)


def test_what_is_in_use_has_a_peak_and_a_course(database: Database) -> None:
    database.compute()
    with database.cursor() as cursor:
        found = queries.in_use(cursor, "x", slots=3)
    assert found is not None
    assert (found.conversations, found.block_tokens) == (1, 64)
    assert [use for _, use in found.peaks] == [(7, 9, 9, 2, 7, 9)]
    assert [(at // found.width_ms, use.five_minutes) for at, use in found.slots] == [(0, 9), (2, 8)]


def test_every_mean_stands_beside_its_numerator_and_denominator() -> None:
    rows: list[Row] = [conversation(), agent("m"), agent("x", "m"), run("m", "m"), run("x", "x", "m")]
    # m asks of one model and x of another; 0 1 are in all prompts. The last block of 64 is not full, or is not there.
    for of, ordinal, model, tokens, ids, hits in (
        ("m", 1, "big", 150, (0, 2), {}),
        ("x", 1, "small", 130, (0, 2), {"ancestor": 2}),
        ("x", 2, "small", 200, (0, 4), {"own": 2}),
    ):
        rows += [step(of, ordinal, start_ms=len(rows), model=model, input_tokens=tokens, offset=len(rows))]
        rows += [*blocks(of, ordinal, ids), reuse(of, ordinal, ids[1], fresh=ids[1] - sum(hits.values()), **hits)]
    rows[-3] = step("x", 2, start_ms=99, model="small", input_tokens=200, cache_read_tokens=64, offset=99)
    database = make_database(rows)
    kinds = ("hit", "same_model", "private")
    shares = ", ".join(f"share_{kind}, mean_step_{kind}" for kind in kinds)
    query = f"SELECT agent_id, steps, blocks, hit, same_model, private, {shares} FROM reuse_means"
    assert ask(database, query)[:2] == [
        ("m", 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ("x", 2, 6, 4, 2, 2, 4 / 6, 0.75, 2 / 6, 0.25, 2 / 6, 0.25),
    ]
    tokens = "input_tokens, covered_tokens, cache_read_tokens, measured_input_tokens, measured_share"
    assert ask(database, f"SELECT {tokens} FROM reuse_means WHERE conversation_id IS NULL") == [
        (480, 128 + 128 + 200, 64, 200, 0.32)
    ]
    database.compute()
    with database.cursor() as cursor:
        found = queries.means(cursor, "x")
    assert found is not None
    assert (found.models, found.hit, found.same_model.blocks) == (1, (4, found.hit.tokens, 0.75), 2)


@pytest.mark.parametrize("page", ["size", "time", "misses", "use", "means"])
@pytest.mark.parametrize("conversation_id", [None, "it's"])
def test_the_query_for_a_page_is_one_that_can_be_asked(
    page: str, conversation_id: str | None, database: Database
) -> None:
    ask(database, curve_sql(page, conversation_id, 4000, None))
    ask(database, curve_sql(page, conversation_id, 4000, 300_000, "at_once"))
