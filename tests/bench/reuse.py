"""The reuse laboratory: every figure of a corpus beside ``orjson.loads`` of its files, curves, and brute force."""

import gc
import heapq
import multiprocessing
import random
import time
from collections import OrderedDict, deque
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import orjson

from explorer.reuse.calls import Call, Placed, by_start, hierarchy
from explorer.reuse.derive import derive
from explorer.reuse.hidden import hidden_agents
from explorer.reuse.recency import Recency
from explorer.reuse.streaks import streaks
from explorer.reuse.together import together
from explorer.store import queries
from explorer.store.calls import read_calls
from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from tests.bench.measure import cost, peak_memory

CURVE_SECONDS = 2.0
CAPACITIES = (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000)
MINUTES = (1, 5, 15, 60)
READING = "own to other, matrix, audit, while reading"
PASS = "one pass over all prompts"
QUERIES = {
    "attribution, per step": "SELECT sum(blocks), sum(hit_own + hit_ancestor + hit_sibling + hit_other), "
    "sum(causal_own + causal_ancestor + causal_sibling + causal_other) FROM step_reuse",
    "attribution, per run": "FROM run_reuse",
    "scope experiment": "FROM scope_experiment",
    "runs merged by name": "FROM merge_experiment",
    "report": "FROM scope_report",
    "audit": "FROM namespace_audit",
    "sibling matrix": "FROM sibling_sharing",
    PASS: None,
    "per agent and above, in every mean": "FROM reuse_means",
    "prefix ladders": "FROM prefix_tree",
    "reuse distances, one by one": "SELECT count(*), sum(distance), sum(blocks), sum(tokens) FROM reuse_distance",
    "capacity curves, LRU and best": "FROM cache_curve",
    "time-to-live curves": "FROM time_to_live_curve",
    "working sets, live footprint": "SELECT max(blocks_1_minute), max(blocks_5_minutes), max(blocks_15_minutes), "
    "max(live_blocks), max(sharing_gain) FROM working_set",
}
"""Items 1 to 3 and 5 of the laboratory, once each, for each conversation and over all."""
BESIDE = {
    "why blocks missed, per agent": "FROM missed_by_agent(4000, 300000)",
    "hidden agents": "SELECT kind, count(*), sum(steps) FROM hidden_agents GROUP BY kind",
    "forked captures": "SELECT count(*), sum(same_blocks) FROM forked_captures",
}
"""What else is asked of the same blocks."""
SHARED = ("at_once", "in_turn", "poisson")


def run(path, references, samples):
    """Print everything for the traces under ``path``, and the curves of invented ones."""
    import pyarrow  # noqa: F401  loaded before the clock starts, as the baseline's library is

    path = Path(path)
    files = sorted(file for file in path.rglob("*.json*") if file.is_file())
    database = Database(ingest([path], Options(use_cache=False)))
    _time_everything(files, database)
    _print_rows(database, "The report's table", "SELECT name, value, numerator, denominator FROM scope_report")
    _print_rows(
        database,
        "A namespace for each agent",
        "SELECT blocks, hit_shared, hit_causal, hit_private, lost_blocks FROM scope_experiment "
        "WHERE conversation_id IS NULL",
    )
    _print_curves(database)
    _print_shared(database)
    _compare(database, samples)
    database.close()
    _invented(references)


def _time_everything(files, database):
    baseline = min((cost(lambda: _parse(files)) for _ in range(3)), key=lambda took: took.cpu)
    size = sum(file.stat().st_size for file in files)
    print(f"{len(files):,} files, {size / 1e6:,.1f} MB: orjson.loads {baseline.wall:.3f} s, CPU {baseline.cpu:.3f} s")
    print(f"  (relations defined, as where they are first named: CPU {cost(database.define_laboratory).cpu:.3f} s)")
    reading, proposing = _reading(database)
    work = {READING: reading}
    for name, query in QUERIES.items():
        work[name] = database.compute if query is None else partial(_ask, database, query)
    wall = cpu = 0.0
    for name, do in work.items():
        took = _told(name, do)
        wall, cpu = wall + took.wall, cpu + took.cpu
    print(
        f"  all: {wall:.3f} s = {wall / baseline.wall:.2f} x, CPU {cpu:.3f} s = {cpu / baseline.cpu:.2f} x (at most 1)"
    )
    _told("of these, hidden agents, while reading", proposing)
    for name, query in BESIDE.items():
        _told(name, partial(_ask, database, query))


def _told(name, do):
    took = cost(do)
    print(f"  {name:<42} {took.wall:7.3f} s  CPU {took.cpu:7.3f} s")
    return took


def _reading(database):
    """What reading does for the tables of reuse, from the prompts of each namespace to the rows; and a part of it."""
    with database.cursor() as cursor:
        found = list(read_calls(cursor))
        runs = cursor.execute("SELECT run_id, agent_id, parent_run_id, spawn_tool_call_id FROM runs").fetchall()
        lineage = hierarchy(
            dict(cursor.execute("SELECT agent_id, parent_agent_id FROM agents").fetchall()),
            [Placed(*run) for run in runs],
        )
        scopes = dict(cursor.execute("SELECT conversation_id, block_scope FROM conversations").fetchall())
    namespaces = {}
    for conversation, call in found:
        namespaces.setdefault(call.namespace, {}).setdefault(conversation, []).append(call)

    def again():
        for conversations in namespaces.values():
            deque(derive(conversations, {name: scopes[name] for name in conversations}, lineage), 0)

    runs = {}
    for conversations in namespaces.values():
        for streak in streaks(by_start(*conversations.values())):
            if lineage.parent_run.get(streak.calls[0].run_id) is None:
                runs.setdefault(streak.calls[0].run_id, []).append(streak)

    def propose():
        for run in runs.values():
            deque(hidden_agents(run), 0)

    return again, propose


def _parse(files):
    for file in files:
        orjson.loads(file.read_bytes())


def _ask(database, query):
    return [row for batch in database.sql(query).batches for row in batch]


def _print_rows(database, title, query):
    answer = database.sql(query)
    print(f"\n{title}: {', '.join(answer.columns)}")
    for batch in answer.batches:
        for row in batch:
            print(
                "  "
                + "  ".join(
                    "–" if value is None else f"{value:,.4g}" if isinstance(value, float) else f"{value}"
                    for value in row
                )
            )


def _print_curves(database):
    print("\nHits by capacity in blocks, every conversation with a cache of its own")
    for capacity in CAPACITIES:
        share = f"sum(blocks) FILTER (distance <= {capacity}) / sum(blocks)"
        print(f"  {capacity:>8,}  {_ask(database, f'SELECT {share} FROM reuse_distance')[0][0]:.4f}")
    print("Hits by minutes that blocks are kept after their last use")
    for minutes in MINUTES:
        share = f"sum(blocks) FILTER (age_ms <= {minutes * 60_000}) / sum(blocks)"
        print(f"  {minutes:>8,}  {_ask(database, f'SELECT {share} FROM reuse_age')[0][0]:.4f}")


def _print_shared(database):
    took = cost(lambda: _ask(database, "FROM shared_cache_curve"))
    print(
        f"\nAll conversations on one cache, {len(SHARED)} ways to begin: {took.wall:.3f} s, CPU {took.cpu:.3f} s; "
        "least blocks that hit half and nine tenths of what can be hit, by LRU and at best"
    )
    for arrival in SHARED:
        needed = ", ".join(
            f"min(capacity_blocks) FILTER ({policy} >= {share} * (SELECT max(hit_lru) FROM cache_curve))"
            for share in (0.5, 0.9)
            for policy in ("hit_lru", "hit_optimal")
        )
        (row,) = _ask(database, f"SELECT {needed} FROM shared_cache_curve WHERE arrival = '{arrival}'")
        print(f"  {arrival:<8}" + "".join(f"{blocks:>12,}" for blocks in row))


def _compare(database, samples):
    """The same of some conversations by brute force, block by block."""
    chosen = _ask(
        database,
        "SELECT conversation_id FROM conversation_totals WHERE blocks > 0 "
        f"ORDER BY hash(conversation_id) LIMIT {samples}",
    )
    equal = spent = 0
    for (conversation,) in chosen:
        prompts, nodes = _prompts(database, conversation), {}
        begin = time.perf_counter()
        expected = [sum(played(prompts, capacity)) for capacity in CAPACITIES]
        ever = sum(played(prompts, None))
        best = [foreseen(prompts, capacity) for capacity in CAPACITIES[::3]]
        places = len({place for ids in prompts for place in _down(ids, nodes)})
        spent += time.perf_counter() - begin
        sums = ", ".join(f"coalesce(sum(blocks) FILTER (distance <= {capacity}), 0)" for capacity in CAPACITIES)
        where = f"WHERE conversation_id = {_quoted(conversation)}"
        (found,) = _ask(database, f"SELECT {sums} FROM reuse_distance {where}")
        (hits,) = _ask(database, f"SELECT hit_shared FROM scope_experiment {where}")
        with database.cursor() as cursor:
            curves = queries.cache_curves(cursor, conversation)
        at_best = [curves.optimal.hits(capacity) for capacity in CAPACITIES[::3]]
        (tree,) = _ask(database, f"SELECT sum(blocks) FROM prefix_tree {where}")
        equal += list(found) == expected and hits[0] == ever and at_best == best and tree[0] == places
    print(
        f"\nBrute force, an OrderedDict for each of {len(CAPACITIES)} capacities, a set for ever, next uses for "
        f"{len(CAPACITIES[::3])}, and a tree of single ids: {spent:.2f} s for "
    )
    print(f"  {len(chosen)} of the conversations, equal in {equal} (must be all)")


def _down(ids, nodes):
    """The places of a prompt in the tree of all prompts, each an id behind all before it."""
    node = 0
    for block in ids:
        node = nodes.setdefault((node, block), len(nodes) + 1)
        yield node


def _prompts(database, conversation):
    rows = _ask(
        database,
        f"""
        SELECT s.run_id, s.ordinal, b.first_block, b.block_count
        FROM steps AS s
        JOIN runs AS r USING (run_id)
        JOIN block_runs AS b ON b.run_id = s.run_id AND b.step_ordinal = s.ordinal
        WHERE r.conversation_id = {_quoted(conversation)} AND NOT s.is_replay
        ORDER BY s.start_ms, s.source_id, s.offset, b.position
        """,
    )
    prompts = OrderedDict()
    for run_id, ordinal, first, count in rows:
        prompts.setdefault((run_id, ordinal), []).extend(range(first, first + count))
    return list(prompts.values())


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


def played(prompts, capacity):
    """The leading blocks of each prompt that a cache holds; None is one without end."""
    cache, hits = OrderedDict(), []
    for ids in prompts:
        hits.append(next((index for index, block in enumerate(ids) if block not in cache), len(ids)))
        for block in reversed(ids):
            cache[block] = None
            cache.move_to_end(block)
        while capacity is not None and len(cache) > capacity:
            cache.popitem(last=False)
    return hits


def foreseen(prompts, capacity):
    """Hits where those blocks are kept, one by one, that are needed soonest."""
    uses = {}
    for number, ids in enumerate(prompts):
        for block in ids:
            uses.setdefault(block, []).append(number)
    for numbers in uses.values():
        numbers.reverse()
    cache, hits = set(), 0
    for ids in prompts:
        hits += next((index for index, block in enumerate(ids) if block not in cache), len(ids))
        for block in ids:
            uses[block].pop()
        cache = {block for block in cache.union(ids) if uses[block]}
        if len(cache) > capacity:
            # Of blocks that the same prompt needs, the one nearer to its root has the lower number: they are chained.
            cache = set(heapq.nsmallest(capacity, cache, key=lambda block: (uses[block][-1], block)))
    return hits


def _invented(references):
    """Curves of invented conversations: a main agent that is compacted at times, and sub-agents that begin alike."""
    conversations = _conversations(references)
    made = sum(call.blocks for calls in conversations for call in calls)
    stretches = sum(len(call.stretches) for calls in conversations for call in calls)
    calls, number = sum(map(len, conversations)), len(conversations)
    print(f"\n{made:,} references of {calls:,} invented prompts in {stretches:,} stretches, {number:,} conversations")
    curves, pieces = [], []
    gc.collect()
    took = cost(lambda: curves.extend(map(curve, conversations)))
    print(f"  LRU at every capacity: {took.wall:.3f} s, CPU {took.cpu:.3f} s (at most {CURVE_SECONDS})")
    gc.collect()
    took = cost(lambda: pieces.extend(together(by_start(calls)) for calls in conversations))
    print(f"  LRU and the best, at every capacity: {took.wall:.3f} s, CPU {took.cpu:.3f} s")
    equal = 0
    for each, hits in list(zip(conversations, curves, strict=True))[:3]:
        prompts = [
            [block for first, count in call.stretches for block in range(first, first + count)]
            for call in by_start(each)
        ]
        capacities = [capacity for capacity in CAPACITIES[:4] if capacity < len(hits)]
        equal += all(sum(played(prompts, capacity)) == hits[capacity] for capacity in capacities)
    print(f"  equal to the OrderedDict in {equal} of 3 (must be all)")

    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        prompts, all_in_all = fresh.submit(_memory, references).result()
    each = (all_in_all - prompts) / stretches
    print(
        f"  memory above the libraries, in a process of its own: {prompts / 2**20:.1f} MiB with the prompts alone, "
        f"{all_in_all / 2**20:.1f} MiB at most with both curves: {each:,.0f} bytes more for each stretch, "
        f"{(all_in_all - prompts) / made:.2f} for each reference"
    )


def _conversations(references):
    conversations, made = [], 0
    while made < references:
        conversations.append(invented(len(conversations)))
        made += sum(call.blocks for call in conversations[-1])
    return conversations


def _memory(references):
    """Bytes above those of the libraries: with the prompts, and at most while the curves are computed and kept."""
    with peak_memory() as prompts:
        conversations = _conversations(references)
    with peak_memory() as curves:
        kept = [together(by_start(calls)) for calls in conversations]
    assert len(kept) == len(conversations)
    return prompts.highest - prompts.before, curves.highest - prompts.before


def curve(calls):
    """Hits by LRU at every capacity of one conversation."""
    cache = Recency(len(calls))
    seen = [found[:3] for call in by_start(calls) for found in cache.add(call.namespace, call.stretches)]
    if not seen:
        return np.zeros(1, dtype=np.int64)
    blocks, first, last = np.array(seen, dtype=np.int64).T
    each = blocks // (last - first + 1)
    changes = np.zeros(last.max() + 2, dtype=np.int64)
    np.add.at(changes, first, each)
    np.add.at(changes, last + 1, -each)
    return changes.cumsum().cumsum()


def invented(seed):
    """Some hundred prompts of about two thousand blocks, in three to four stretches each, as recorded ones are."""
    draw = random.Random(seed)
    calls, fresh, now = [], 0, 0
    agents = {"main": []}
    root = [(0, 200)]
    fresh = 200
    for ordinal in range(1, draw.randint(80, 240)):
        now += draw.randint(1_000, 90_000)
        name = draw.choice(list(agents)) if draw.random() < 0.05 else "main"
        if draw.random() < 0.01:
            name = f"agent {ordinal}"
            agents[name] = list(root)
        prompt = agents[name] or list(root)
        if sum(count for _, count in prompt) > 4_500:  # compacted
            prompt = list(root)
        elif draw.random() < 0.03 and len(prompt) > 1:  # the last stretch changes midway
            first, count = prompt[-1]
            prompt = [*prompt[:-1], (first, max(1, count // 2))]
        grown = draw.randint(5, 120) if ordinal > 1 else 600
        if sum(prompt[-1]) == fresh:
            prompt = [*prompt[:-1], (prompt[-1][0], prompt[-1][1] + grown)]
        else:
            prompt = [*prompt, (fresh, grown)]
        fresh += grown
        agents[name] = prompt
        blocks = sum(count for _, count in prompt)
        calls.append(Call(name, ordinal, now, 64 * blocks, 64, f"c{seed}", prompt, blocks))
    return calls
