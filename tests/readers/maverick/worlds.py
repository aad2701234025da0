"""Databases and logs as Maverick writes them, a row at a time, for tests that know what they mean."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.readers.reading import Reading, read

T = 1_780_400_000.0
"""When everything begins: 2026-06-02 11:33:20 UTC."""

GOALS = (
    "id INTEGER PRIMARY KEY, parent_id INTEGER, title TEXT, description TEXT, status TEXT, created_at REAL, "
    "updated_at REAL, deadline REAL, result TEXT, owner TEXT, domain TEXT, project_id INTEGER"
)
EPISODES = (
    "id INTEGER PRIMARY KEY, goal_id INTEGER, started_at REAL, ended_at REAL, summary TEXT, outcome TEXT, "
    "cost_dollars REAL, input_tokens INTEGER, output_tokens INTEGER, tool_calls INTEGER"
)
EVENTS = "id INTEGER PRIMARY KEY, goal_id INTEGER, agent TEXT, kind TEXT, content TEXT, ts REAL"
CHECKPOINTS = (
    "id INTEGER PRIMARY KEY, goal_id INTEGER NOT NULL, episode_id INTEGER NOT NULL DEFAULT 0, agent_id TEXT NOT NULL, "
    "step_seq INTEGER NOT NULL, created_at REAL, messages TEXT, budget TEXT, meta TEXT"
)
LEGACY = CHECKPOINTS.replace("episode_id INTEGER NOT NULL DEFAULT 0, ", "")

ROOT, ROOT_2, ROOT_3 = "orchestrator-0-aaaaa1", "orchestrator-0-aaaaa2", "orchestrator-0-aaaaa3"


def goal(number: int = 1, **changed: Any) -> dict[str, Any]:
    """A goal of which nothing is odd."""
    usual = {"id": number, "title": f"goal number {number}", "status": "done", "created_at": T, "updated_at": T + 99}
    return usual | changed


def episode(number: int, start: float, end: float | None, **changed: Any) -> dict[str, Any]:
    """An episode of goal 1 that went well; times from T."""
    usual = {
        "id": number, "goal_id": 1, "started_at": T + start, "ended_at": None if end is None else T + end,
        "outcome": None if end is None else "success", "cost_dollars": 0.5, "input_tokens": 1000,
        "output_tokens": 100, "tool_calls": 1,
    }  # fmt: skip
    return usual | changed


def post(at: float, agent: str, kind: str, content: str, **changed: Any) -> dict[str, Any]:
    """A post of goal 1."""
    return {"goal_id": 1, "agent": agent, "kind": kind, "content": content, "ts": T + at} | changed


def plan(at: float, agent: str, brief: str = "b") -> dict[str, Any]:
    """An agent's first post."""
    role, depth, _ = agent.rsplit("-", 2)
    return post(at, agent, "plan", f"role={role} depth={depth} brief={brief}")


def swarm(at: float, agent: str, *children: str) -> dict[str, Any]:
    """A parent announces its swarm."""
    named = ", ".join(f"{child.rsplit('-', 2)[0]}({child})" for child in children)
    return post(at, agent, "plan", f"spawning swarm of {len(children)}: {named}")


def tool(at: float, agent: str, name: str = "read_file") -> dict[str, Any]:
    """A tool has answered."""
    return post(at, agent, "observation", f"tool={name} -> <tool_output tool='{name}' id=00aa11bb22cc33dd>\nx")


def saved(row: int, step: int, held: Any = (), **changed: Any) -> dict[str, Any]:
    """A state of goal 1, episode 1."""
    budget = {"input_tokens": 100, "output_tokens": 10, "cache_read_tokens": 20, "cache_write_tokens": 3,
              "dollars": 0.5, "tool_calls": 2, "_elapsed": 7.25}  # fmt: skip
    usual = {
        "id": row, "goal_id": 1, "episode_id": 1, "agent_id": "orchestrator-0", "step_seq": step,
        "created_at": T + row, "messages": json.dumps(list(held)), "budget": json.dumps(budget), "meta": "{}",
    }  # fmt: skip
    return {key: value for key, value in (usual | changed).items() if value is not ...}


def asked(*ids: str, name: str = "read_file") -> dict[str, Any]:
    """An answer of a model that asks for tools."""
    return {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": each, "name": name, "input": {"p": each}} for each in ids],
    }


def answered(*ids: str, **more: Any) -> dict[str, Any]:
    """What the tools gave."""
    content = [{"type": "tool_result", "tool_use_id": each, "content": "x", **more} for each in ids]
    return {"role": "user", "content": content}


def world(
    path: Path, goals: Iterable[dict[str, Any]] = (), episodes: Iterable[dict[str, Any]] = (),
    events: Iterable[dict[str, Any]] = (), checkpoints: Iterable[dict[str, Any]] | None = None,
    table: str = CHECKPOINTS, more: str = "",
) -> Path:  # fmt: skip
    """Write a database."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE schema_version (version INTEGER)")
    tables = {"goals": (GOALS, goals), "episodes": (EPISODES, episodes), "goal_events": (EVENTS, events)}
    if checkpoints is not None:
        tables["checkpoints"] = table, checkpoints
    for name, (columns, rows) in tables.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
        for row in rows:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    connection.executescript(more)
    connection.commit()
    connection.close()
    return path


def call(at: float, agent: str, name: str = "read_file", **fields: Any) -> dict[str, Any]:
    """An audit line of a call of goal 1."""
    return {"v": 1, "ts": T + at, "kind": "tool_call", "agent": agent, "goal_id": 1, "name": name,
            "input_summary": "{}"} | fields  # fmt: skip


def result(at: float, agent: str, name: str = "read_file", **fields: Any) -> dict[str, Any]:
    """An audit line of its result."""
    usual = {"kind": "tool_result", "status": "ok", "output_summary": "x"}
    line = call(at, agent, name) | usual | fields
    del line["input_summary"]
    return line


def lines(path: Path, *records: Any) -> Path:
    """Write a file of lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in records)
    )
    return path


def reading(path: Path, source_id: str = "world.db") -> Reading:
    """Read a source."""
    return read(path, source_id, reader="maverick")


KEY = "world.db//goal-1"
FIRST = f"{KEY}/orchestrator-0/1"
