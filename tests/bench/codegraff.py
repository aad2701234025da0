"""Ingest of a large database of events, beside a plain ``sqlite3`` fetch with ``orjson.loads`` of all its payloads."""

import json
import random
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import orjson

from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from tests.bench.measure import cost, peak_memory
from tests.readers.codegraff.simulator import SCHEMA

LIMIT = 2.0
MEMORY_MIB = 400
CHILDREN, CALLS = 3, 40
T0 = 1_780_300_000_000


def run(events, repeats):
    """Print the ratios and the memory."""
    import explorer.store.ingest.parts
    import explorer.store.ingest.run  # noqa: F401

    with tempfile.TemporaryDirectory(prefix="trace-explore-bench-") as directory:
        path = Path(directory) / "traces" / ".forge.db"
        path.parent.mkdir()
        written, conversations, colliding = _write(path, events)
        size = path.stat().st_size
        print(f"{written:,} events of {conversations:,} fan-outs, {colliding:,} of which collide; {size / 1e6:,.0f} MB")
        for round_ in range(repeats):
            with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
                baseline = cost(lambda: _fetch(path))
                cold = cost(lambda cache=cache: _open(path.parent, Path(cache)))
                ratio = f"{cold.wall / baseline.wall:.2f} x (at most {LIMIT})"
                print(
                    f"  {round_ + 1}: fetch and orjson.loads {baseline.wall:.2f} s, ingest {cold.wall:.2f} s = {ratio}"
                )
                spent = f"{cold.own:.2f} s here and {cold.below:.2f} s in the reading processes"
                print(f"     CPU: {baseline.cpu:.2f} s, and {spent} = {cold.cpu / baseline.cpu:.2f} x")
        with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
            with peak_memory() as peak:
                _open(path.parent, Path(cache))
            print(f"  peak memory above the libraries: {peak.mebibytes_above:.0f} MiB (at most {MEMORY_MIB})")


def _fetch(path):
    """The baseline: every payload fetched and parsed, nothing kept."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        for (payload,) in connection.execute("SELECT payload FROM trajectory_events ORDER BY id"):
            orjson.loads(payload)


def _open(directory, cache):
    Database(ingest([directory], Options(cache_dir=cache))).close()


def _write(path, events):
    """Fan-outs until there are so many events; returns events, fan-outs and those that collide."""
    rng = random.Random("bench codegraff")
    words = "".join(rng.choice("abcdefghij klmnop\n") for _ in range(200_000))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA journal_mode = off; PRAGMA synchronous = off; {SCHEMA}")
        id_ = number = colliding = 0
        while id_ < events:
            collides = number % 4 == 0
            rows = _fan_out(rng, words, number, collides)
            connection.executemany(
                "INSERT INTO trajectory_events VALUES (?,?,?,?,?,?,?,?)",
                ((id_ + n, *row) for n, row in enumerate(rows, 1)),
            )
            id_, number, colliding = id_ + len(rows), number + 1, colliding + collides
        connection.commit()
    return id_, number, colliding


def _fan_out(rng, words, number, collides):
    """The rows of a root run with its children, in the order of writing."""
    conversation = f"{number:08x}-0000-4000-8000-{number:012x}"
    begin = T0 + number * 600_000

    def row(ts, agent, parent, seq, **payload):
        return conversation, agent, parent, seq, ts, payload["kind"], json.dumps(payload, separators=(",", ":"))

    def start(ts, agent, parent, seq):
        return row(ts, agent, parent, seq, kind="agent_run", agent_id=agent, parent_agent_id=parent,
                   requested_model=None, resolved_model="m-large", agent_version="sha256:0a1b2c3d4e5f6071")  # fmt: skip

    def end(ts, agent, parent, seq, calls, wall):
        return row(ts, agent, parent, seq, kind="agent_run_end", success=True, turns=calls, prompt_tokens=calls * 9_000,
                   completion_tokens=calls * 90, tool_calls=calls, tool_errors=0, wall_ms=wall)  # fmt: skip

    tasks = {"agent_id": "sage", "tasks": [f"task {n} of {number}" for n in range(CHILDREN)]}
    rows = [start(begin, "forge", None, 0)]
    rows.append(
        row(begin + 10, "forge", None, 1, kind="tool_call", tool_name="task", call_id=f"t{number}", arguments=tasks)
    )
    of_children, base = [], 0
    for child in range(CHILDREN):
        at = first = begin + (50 if collides else 50 + child * 90_000) + child
        base = 0 if collides else base
        of_children.append(start(at, "sage", "forge", base))
        for call in range(CALLS):
            id_, place = f"toolu_{number:x}_{child}_{call}", rng.randrange(190_000)
            at += rng.randrange(20, 2_000)
            of_children.append(row(at, "sage", "forge", base + 1 + 2 * call, kind="tool_call", tool_name="read",
                                   call_id=id_, arguments={"path": words[place : place + 180]}))  # fmt: skip
            at += rng.randrange(5, 300)
            output = {"is_error": False, "values": [words[place : place + 1_350]]}
            of_children.append(row(at, "sage", "forge", base + 2 + 2 * call, kind="tool_result", tool_name="read",
                                   call_id=id_, is_error=False, output=output))  # fmt: skip
        of_children.append(end(at + 5, "sage", "forge", base + 1 + 2 * CALLS, CALLS, at + 5 - first))
        base += 2 + 2 * CALLS
    rows += sorted(of_children, key=lambda each: each[4])
    at = rows[-1][4] + 5
    values = [{"_kind": "ai", "value": "done", "conversation_id": f"{number}-{child}"} for child in range(CHILDREN)]
    rows.append(row(at, "forge", None, 2, kind="tool_result", tool_name="task", call_id=f"t{number}", is_error=False,
                    output={"is_error": False, "values": values}))  # fmt: skip
    rows.append(end(at + 5, "forge", None, 3, 1, at + 5 - begin))
    return rows
