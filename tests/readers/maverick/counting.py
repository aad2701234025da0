"""What there is in Maverick's files, by sqlite3 and the json module alone."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

SUB_AGENT = re.compile(r".+-[1-9]\d*-[0-9a-f]{6}")


class Counts(NamedTuple):
    goals: int
    sub_agents: int
    steps: int


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a file that are JSON."""
    found = []
    for text in path.read_bytes().split(b"\n"):
        with suppress(ValueError):
            found.append(json.loads(text))
    return [record for record in found if isinstance(record, dict)]


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """An answer of a database."""
    connection = sqlite3.connect(":memory:")
    connection.deserialize(path.read_bytes())
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def is_call(kind: str, content: str) -> bool:
    """Whether a post tells of a tool call."""
    told = (kind == "observation" and " -> " in content) or (kind == "error" and " DENIED" in content)
    return content.startswith("tool=") and told


def audited(lines: list[dict[str, Any]]) -> Counter[tuple[int, str]]:
    """Calls of each goal and agent in an audit log, and results of which the call is lost."""
    found: Counter[tuple[int, str]] = Counter()
    open_: Counter[tuple[int, str, str]] = Counter()
    for line in lines:
        key = line.get("goal_id"), line.get("agent")
        call = (*key, line.get("name"))
        if line.get("kind") == "tool_call":
            found[key] += 1
            open_[call] += 1
        elif line.get("kind") == "tool_result":
            found[key] += open_[call] == 0
            open_[call] = max(open_[call] - 1, 0)
    return found


def counts(path: Path) -> Counts:
    """Goals, sub-agents and steps of a source with what is read with it."""
    if path.suffix == ".db":
        posts = [(goal, agent, kind, text) for goal, agent, kind, text in rows(
            path, "SELECT goal_id, agent, kind, content FROM goal_events")]  # fmt: skip
        lines = [line for day in sorted((path.parent / "audit").glob("*.ndjson")) for line in records(day)]
        goals = {goal for (goal,) in rows(path, "SELECT id FROM goals")}
    elif path.suffix == ".json":
        exported = json.loads(path.read_bytes())
        posts = [(event["goal_id"], event["agent"], event["kind"], event["content"]) for event in exported["events"]]
        lines, goals = [], {exported["goal"]["id"]}
    elif path.name.startswith("goal-"):
        goals = {int(path.stem.removeprefix("goal-"))}
        posts = [(*goals, line["agent"], line["kind"], line["content"]) for line in records(path)]
        lines = []
    elif path.name == "trajectories.ndjson":
        return trajectories(path)
    else:
        posts, lines = [], records(path)
        goals = {line["goal_id"] for line in lines}
    seen: Counter[tuple[int, str]] = Counter()
    for goal, agent, kind, content in posts:
        seen[goal, agent] += is_call(kind, content)
    called = audited(lines)
    agents = {*seen, *((line["goal_id"], line["agent"]) for line in lines)}
    steps = sum(max(seen[key], called[key]) for key in agents)
    return Counts(len(goals), sum(bool(SUB_AGENT.fullmatch(agent)) for _, agent in agents), steps)


def trajectories(path: Path) -> Counts:
    """At least as many agents of a role as there are lines with the same number."""
    numbers: dict[tuple[int, int, str], Counter[int]] = defaultdict(Counter)
    lines = records(path)
    for line in lines:
        numbers[line["goal_id"], line["episode_id"], line["role"]][line["step"]] += 1
    agents = sum(max(each.values()) for (_, _, role), each in numbers.items() if role != "orchestrator")
    return Counts(len({line["goal_id"] for line in lines}), agents, len(lines))
