"""Small weka traces, and what is in the parts that were made of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from explorer.model import ALL_TABLES, columns
from explorer.store.database import SOURCE_COLUMN, Database, Opening

Rows = dict[str, list[dict[str, Any]]]

KEYS = {
    "sources": ("source_id",),
    "conversations": ("conversation_id",),
    "agents": ("agent_id",),
    "runs": ("run_id",),
    "steps": ("run_id", "ordinal"),
    "block_runs": ("run_id", "step_ordinal", "position"),
    "edges": ("edge_id",),
    "events": ("run_id", "ordinal"),
    "findings": ("finding_id",),
    "step_reuse": ("run_id", "ordinal"),
    "run_footprint": ("run_id",),
    "sibling_pairs": ("run_a", "run_b"),
    "namespace_audit": ("conversation_id",),
}


def call(t: float, ids: Sequence[int], **fields: Any) -> dict[str, Any]:
    """A model call with a prompt of these blocks."""
    plain = {"t": t, "type": "n", "model": "m", "in": 64 * len(ids), "out": 5, "hash_ids": list(ids), "api_time": 1.0}
    return plain | fields


def sub_agent(t: float, *requests: dict[str, Any], label: str = "agent_001", **fields: Any) -> dict[str, Any]:
    plain = {"t": t, "type": "subagent", "agent_id": label, "subagent_type": "Explore", "status": "completed"}
    return plain | fields | {"requests": list(requests)}


def trace(*requests: dict[str, Any], scope: str = "local", **fields: Any) -> dict[str, Any]:
    return {"id": "t", "block_size": 64, "hash_id_scope": scope} | fields | {"requests": list(requests)}


def write(path: Path, *traces: dict[str, Any]) -> Path:
    """A file with one trace a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(each) for each in traces))
    return path


def plain(number: int = 1, steps: int = 3) -> dict[str, Any]:
    """A trace that no other has the numbers of."""
    return trace(*(call(t, range(t + number)) for t in range(steps)), id=f"trace {number}")


def family(number: int = 1) -> dict[str, Any]:
    """A main agent, two sub-agents that share blocks, and one below the first."""
    nested = sub_agent(30, call(0, [1, 2, 40]), label="agent_003", duration_ms=1000)
    return trace(
        call(0, range(10)),
        sub_agent(50, call(0, [0, 20, 21]), call(1, [0, 20, 21, 22]), nested, duration_ms=49_000),
        sub_agent(60, call(0, [0, 20, 30]), label="agent_002", duration_ms=59_000),
        call(70, range(12), out=number),
        id=f"family {number}",
    )


def corpus(directory: Path) -> None:
    """A bit of everything: sub-agents, several traces in a file, shared blocks, damage, and what is no trace."""
    write(directory / "family.json", family())
    write(directory / "lines.jsonl", plain(1), family(2), plain(3))
    write(directory / "deep" / "one.json", plain(4, steps=9))
    write(directory / "shared" / "a.json", trace(call(0, [1, 2, 3]), call(5, [1, 2, 3, 4]), scope="global"))
    write(directory / "shared" / "b.json", trace(call(1, [1, 2, 9]), call(6, [1, 2, 9, 10]), scope="global"))
    whole = json.dumps(trace(*(call(t, range(t + 1)) for t in range(20))))
    (directory / "cut.json").write_text(whole[: len(whole) // 2])
    (directory / "notes.txt").write_text("no trace at all")
    (directory / "empty.json").touch()


def rows(opening: Opening) -> Rows:
    """Every row that counts, table by table and in order of the key, without the column of readings."""
    found: Rows = {}
    for table in ALL_TABLES:
        frames = []
        for batch in opening.batches:
            if table in batch.files:
                frame = pl.read_parquet(batch.files[table], glob=False)
                frames.append(
                    frame if batch.live is None else frame.filter(pl.col(SOURCE_COLUMN).is_in(list(batch.live)))
                )
        named = pl.concat(frames).drop(SOURCE_COLUMN).to_dicts() if frames else []
        found[table] = sorted(named, key=lambda row: tuple(map(str, row.values())))
    return found


def repeated(found: Rows) -> list[tuple[Any, ...]]:
    """Keys that stand in their table more than once."""
    keys = Counter((table, *(row[name] for name in names)) for table, names in KEYS.items() for row in found[table])
    return [key for key, times in keys.items() if times > 1]


def sources(opening: Opening) -> dict[str, str]:
    """Status of every source."""
    return {row["source_id"]: row["status"] for row in rows(opening)["sources"]}


def messages(opening: Opening) -> dict[str, str]:
    """Why sources were not read."""
    return {row["source_id"]: row["message"] for row in rows(opening)["sources"] if row["message"]}


def of(found: Rows, table: str, *names: str) -> list[tuple[Any, ...]]:
    """Some columns of a table."""
    assert set(names) <= {column.name for column in columns(ALL_TABLES[table])}
    return [tuple(row[name] for name in names) for row in found[table]]


def asked(opening: Opening, query: str) -> list[tuple[Any, ...]]:
    """What the database answers."""
    database = Database(opening)
    try:
        with database.cursor() as cursor:
            return cursor.execute(query).fetchall()
    finally:
        database.close()
