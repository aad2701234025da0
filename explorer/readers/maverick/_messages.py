"""The messages of a checkpoint: a role and a text, or blocks, as Anthropic's interface has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Call(NamedTuple):
    """A tool asked for, and what came of it."""

    call_id: str | None
    name: str | None
    arguments: object
    has_result: bool
    is_error: bool


def _blocks(message: object, kind: str) -> Iterator[dict[str, object]]:
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else ():
        if isinstance(block, dict) and block.get("type") == kind:
            yield block


def calls_of(messages: list[object]) -> list[Call]:
    """All calls, in order."""
    results = {block.get("tool_use_id"): block for message in messages for block in _results(message)}
    found = []
    for message in messages:
        for block in _blocks(message, "tool_use"):
            call_id, name = block.get("id"), block.get("name")
            answer = results.get(call_id) if isinstance(call_id, str) else None
            found.append(
                Call(
                    call_id if isinstance(call_id, str) else None,
                    name if isinstance(name, str) else None,
                    block.get("input"),
                    answer is not None,
                    answer is not None and answer.get("is_error") is True,
                )
            )
    return found


def _results(message: object) -> Iterator[dict[str, object]]:
    for block in _blocks(message, "tool_result"):
        if isinstance(block.get("tool_use_id"), str):
            yield block


def summary_of(messages: list[object]) -> tuple[int, int]:
    """How many messages there are, and how many calls of the last answer have no result."""
    answered: set[object] = set()
    for message in reversed(messages):
        asked = [block.get("id") for block in _blocks(message, "tool_use")]
        if asked or (isinstance(message, dict) and message.get("role") == "assistant"):
            return len(messages), sum(not isinstance(call_id, str) or call_id not in answered for call_id in asked)
        answered.update(block.get("tool_use_id") for block in _results(message))
    return len(messages), 0
