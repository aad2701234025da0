"""Ingest of a large home of Maverick, beside a plain fetch of its rows with ``orjson.loads`` of its audit log.

A plain fetch does nothing with what it gets: it is how fast the bytes can be had at all.
"""

import json
import random
import resource
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import orjson

from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from tests.bench.measure import peak_memory
from tests.readers.maverick.worlds import EPISODES, EVENTS, GOALS, T

LIMIT = 2.0
MEMORY_MIB = 400
CHILDREN, CALLS, ATTEMPTS = 8, 60, 2
TOOLS = ("read_file", "shell", "web_search", "grep", "edit_file")


def run(events, repeats):
    """Print the ratios and the memory: of a database alone, and of one whose agents' calls are in an audit log too."""
    import explorer.store.ingest.parts
    import explorer.store.ingest.run  # noqa: F401

    for logged, title in ((False, "database alone"), (True, "database and audit log")):
        with tempfile.TemporaryDirectory(prefix="trace-explore-bench-") as directory:
            home = Path(directory) / "traces"
            posts, goals, lines = _write(home, events, logged)
            size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
            what = f"{posts:,} events of {goals:,} goals" + (f", {lines:,} lines of audit log" if lines else "")
            print(f"{title}: {what}; {size / 1e6:,.0f} MB")
            for round_ in range(repeats):
                with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
                    plain = _costs(lambda home=home: _fetch(home))
                    cold = _costs(lambda home=home, cache=cache: _open(home, Path(cache)))
                wall, cpu = (ours / theirs for ours, theirs in zip(cold, plain, strict=True))
                print(
                    f"  {round_ + 1}: plain {plain[0]:.2f} s (CPU {plain[1]:.2f} s), ingest {cold[0]:.2f} s "
                    f"(CPU {cold[1]:.2f} s) = {wall:.2f} x wall (at most {LIMIT}), {cpu:.2f} x CPU"
                )
            with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
                with peak_memory() as peak:
                    _open(home, Path(cache))
                print(f"  peak memory above the libraries: {peak.mebibytes_above:.0f} MiB (at most {MEMORY_MIB})")


def _costs(work):
    """Wall and CPU seconds, those of processes that it started included."""
    used, begin = _cpu(), time.perf_counter()
    work()
    return time.perf_counter() - begin, _cpu() - used


def _cpu():
    usage = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def _fetch(home):
    """The baseline: every row fetched and every line parsed, nothing kept."""
    with closing(sqlite3.connect(f"file:{home / 'world.db'}?mode=ro", uri=True)) as connection:
        for table in ("episodes", "goal_events"):
            for _ in connection.execute(f"SELECT * FROM {table} ORDER BY id"):
                pass
    for file in (home / "audit").glob("*.ndjson"):
        with file.open("rb") as lines:
            for line in lines:
                orjson.loads(line)


def _open(home, cache):
    Database(ingest([home], Options(cache_dir=cache))).close()


def _write(home, events, logged):
    """Goals until there are so many posts; returns posts, goals and lines of the audit log."""
    rng = random.Random("bench maverick")
    words = "".join(rng.choice("abcdefghij klmnop\n") for _ in range(200_000))
    home.mkdir(parents=True)
    (home / "audit").mkdir()
    posts = goal = lines = 0
    with (
        closing(sqlite3.connect(home / "world.db")) as connection,
        (home / "audit" / "2026-06-02.ndjson").open("w", encoding="utf-8") as log,
    ):
        connection.executescript("PRAGMA journal_mode = off; PRAGMA synchronous = off")
        connection.execute("CREATE TABLE schema_version (version INTEGER)")
        for table, columns in (("goals", GOALS), ("episodes", EPISODES), ("goal_events", EVENTS)):
            connection.execute(f"CREATE TABLE {table} ({columns})")
        connection.execute("CREATE INDEX by_goal ON goal_events (goal_id, id)")
        while posts < events:
            goal += 1
            begin = T + goal * 4_000
            title = f"goal number {goal}"
            connection.execute(
                "INSERT INTO goals (id, title, status, created_at, updated_at) VALUES (?, ?, 'done', ?, ?)",
                (goal, title, begin, begin + 3_999),
            )
            for attempt in range(ATTEMPTS):
                at = begin + 1 + attempt * 2_000
                number = goal * ATTEMPTS + attempt
                connection.execute(
                    "INSERT INTO episodes VALUES (?, ?, ?, ?, 's', 'success', 0.5, 90000, 900, ?)",
                    (number, goal, at - 0.5, at + 1_900, CHILDREN * CALLS),
                )
                found = sorted(_attempt(rng, words, at, number), key=lambda row: row[-1])
                connection.executemany(
                    "INSERT INTO goal_events (goal_id, agent, kind, content, ts) VALUES (?, ?, ?, ?, ?)",
                    ((goal, *row) for row in found),
                )
                posts += len(found)
                if logged:
                    lines += _log(log, goal, found)
        connection.commit()
    if not lines:
        (home / "audit" / "2026-06-02.ndjson").unlink()
    return posts, goal, lines


def _attempt(rng, words, begin, number):
    """Agent, kind, content and time of the posts of a root with its swarm."""
    root = f"orchestrator-0-{number:06x}"
    children = [f"researcher-1-{number * CHILDREN + child:06x}" for child in range(CHILDREN)]
    yield root, "plan", "role=orchestrator depth=0 brief=find out", begin
    named = ", ".join(f"researcher({child})" for child in children)
    yield root, "plan", f"spawning swarm of {CHILDREN}: {named}", begin + 1
    last = begin + 2
    for child in children:
        at = begin + 2 + rng.random()
        yield child, "plan", f"role=researcher depth=1 brief={words[:300]}", at
        for _ in range(CALLS):
            at += rng.uniform(0.5, 20)
            tool, place = rng.choice(TOOLS), rng.randrange(190_000)
            text = words[place : place + rng.randrange(450)]
            yield child, "observation", f"tool={tool} -> <tool_output tool='{tool}' id=00aa11bb22cc33dd>\n{text}", at
        yield child, "finding", words[place : place + 600], at + 1
        last = max(last, at + 1)
    yield root, "finding", "done", last + 1


def _log(log, goal, posts):
    """The lines of the calls of some posts."""
    lines = []
    for agent, kind, content, at in posts:
        if kind == "observation":
            tool = content[5 : content.index(" ->")]
            fields = {"v": 1, "ts": at - 0.2, "kind": "tool_call", "agent": agent, "goal_id": goal, "name": tool}
            lines.append(fields | {"input_summary": content[-150:]})
            lines.append(
                fields | {"ts": at - 0.01, "kind": "tool_result", "status": "ok", "output_summary": content[:200]}
            )
    lines.sort(key=lambda line: line["ts"])
    chain = {"prev_hash": "0" * 64, "key_id": "k1", "hash": "1" * 64, "sig": "2" * 88}
    log.writelines(json.dumps(line | chain) + "\n" for line in lines)
    return len(lines)
