"""Weka traces read the slow and plain way, with the json module and sets: nothing of the reader's is used here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

Place = tuple[int, ...]
"""An agent: the positions of its record in the lists of requests, from the outermost in; () is the main agent."""


class Call(NamedTuple):
    """A model call, in the order of the file."""

    agent: Place
    start: float | None
    tokens_in: Any
    tokens_out: Any
    ids: list[int]


def traces(path: Path) -> list[dict[str, Any]]:
    """Every conversation of a file of one object, or of one a line."""
    text = path.read_text("utf-8")
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(each) for each in text.splitlines() if each.strip()]


def sub_agents(requests: list[dict[str, Any]], above: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every sub-agent below a list of requests, in the order of the file."""
    for index, entry in enumerate(requests):
        if entry.get("type") == "subagent":
            yield (*above, index), entry
            yield from sub_agents(entry.get("requests", []), (*above, index))


def calls(trace: dict[str, Any], relative: bool, end_stamped: bool) -> list[Call]:
    """Every model call in the order of the file, by the clock that is said to be the corpus's."""
    return list(_calls(trace["requests"], (), 0.0, relative, end_stamped))


def _calls(requests: list[dict[str, Any]], agent: Place, base: float, relative: bool, end: bool) -> Iterator[Call]:
    for index, entry in enumerate(requests):
        if entry.get("type") == "subagent":
            start = base + entry["t"]
            if end and entry["status"] == "completed":
                start -= entry["duration_ms"] / 1000
            yield from _calls(entry["requests"], (*agent, index), start if relative else 0.0, relative, end)
        else:
            time = entry.get("t")
            ids = entry.get("hash_ids", [])
            yield Call(agent, None if time is None else base + time, entry.get("in"), entry.get("out"), ids)


def in_order(found: list[Call]) -> list[Call]:
    """By start; ties as in the file."""
    return sorted(found, key=lambda call: call.start or 0.0)


class Cold(NamedTuple):
    """The first call of an agent, by where its leading blocks had been seen before."""

    agent: Place
    blocks: int
    ancestor: int
    sibling: int
    other: int


def cold_starts(found: list[Call]) -> list[Cold]:
    """The first call of every agent but the main one, by start; arrival, infinite cache."""
    held: dict[Place, set[int]] = {}
    rows = []
    for call in in_order(found):
        if call.agent and call.agent not in held:
            above = [held.get(call.agent[:depth], set()) for depth in range(len(call.agent))]
            beside = [ids for agent, ids in held.items() if agent and agent[:-1] == call.agent[:-1]]
            reach = [leading(call.ids, sets) for sets in (above, above + beside, list(held.values()))]
            rows.append(Cold(call.agent, len(call.ids), reach[0], reach[1] - reach[0], reach[2] - reach[1]))
        held.setdefault(call.agent, set()).update(call.ids)
    return rows


def leading(ids: list[int], sets: list[set[int]]) -> int:
    """How many leading ids any of the sets holds."""
    return len(list(takewhile(lambda block: any(block in held for held in sets), ids)))


class Events(NamedTuple):
    """How ids turn up for the first time in some order of calls."""

    gaps: int
    missing: int
    resets: int


def first_appearance(found: list[Call]) -> Events:
    """The events of calls in the order given."""
    seen: set[int] = set()
    gaps = missing = resets = 0
    highest = expected = None
    for block in (block for call in found for block in call.ids):
        if block in seen:
            continue
        if highest is not None and block != expected:
            gaps += block > highest
            missing += max(block - highest - 1, 0)
            resets += block < highest
        seen.add(block)
        highest = block if highest is None else max(highest, block)
        expected = block + 1
    return Events(gaps, missing, resets)
