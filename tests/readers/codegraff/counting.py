"""What there is in codegraff's files, by sqlite3 and the json module alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Counts(NamedTuple):
    conversations: int
    runs: int
    steps: int
    tool_calls: int
    tokens_in: int
    tokens_out: int


def counts(path: Path) -> Counts:
    """Of a database, a stream or a dump."""
    if path.suffix == ".db":
        return _database(path)
    if path.suffix == ".jsonl":
        return _stream([json.loads(text) for text in path.read_bytes().splitlines()])
    found = json.loads(path.read_bytes())
    return _messages(1, [each["context"] for each in (found["conversation"], *found["related_conversations"])])


def _database(path: Path) -> Counts:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(path.read_bytes())
    query = "SELECT conversation_id, agent_id, parent_agent_id, kind, payload FROM trajectory_events"
    events = connection.execute(query).fetchall()
    contexts = [json.loads(text) for (text,) in connection.execute("SELECT context FROM conversations")]
    connection.close()
    kinds = [kind for *_, kind, _ in events]
    owners = {(conversation, agent) for conversation, agent, parent, *_ in events if parent is None}
    by_user = {each["conversation_id"] for each in contexts if "initiator" not in each}
    recorded = {conversation for conversation, *_ in events}
    if not contexts:
        calls = kinds.count("tool_call")
        return Counts(len(recorded), kinds.count("agent_run"), calls + kinds.count("error"), calls, 0, 0)
    of_all = _messages(len(recorded | by_user), contexts)
    # With messages, a run is what answers a message of the user or of the agent above. Before runs had a start, those
    # of one agent that follow each other are one.
    runs = of_all.runs
    if "agent_run" not in kinds:
        asked = [each for each in contexts if each["conversation_id"] in recorded]
        runs += len(owners) - _messages(0, asked).runs
    return of_all._replace(runs=runs, steps=of_all.steps + kinds.count("error"))


def _stream(events: list[dict[str, Any]]) -> Counts:
    kinds = [each["payload"]["kind"] for each in events]
    calls = kinds.count("tool_call")
    runs = {each["run_id"] for each in events}
    return Counts(
        len({each["conversation_id"] for each in events}), len(runs), calls + kinds.count("error"), calls, 0, 0
    )


def _messages(conversations: int, contexts: Iterable[dict[str, Any]]) -> Counts:
    found = [message for context in contexts for message in context["messages"]]
    texts = list(_texts(found))
    answers = [(text, usage) for text, usage in texts if text["role"] == "Assistant"]
    tokens = [sum(usage[name]["actual"] for _, usage in answers) for name in ("prompt_tokens", "completion_tokens")]
    calls = sum(len(text.get("tool_calls", ())) for text, _ in answers)
    runs = sum(text["role"] == "User" for text, _ in texts)
    return Counts(conversations, runs, len(answers), calls, *tokens)


def _texts(messages: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for message in messages:
        body = message.get("message", message)
        if "text" in body:
            yield body["text"], message.get("usage", {})
