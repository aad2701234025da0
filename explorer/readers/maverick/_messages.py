"""The messages of a checkpoint: a role and a text, or blocks, as Anthropic's interface has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from explorer.readers import Message, MessageRole


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


def messages_of(messages: list[object], steps: Sequence[int] = ()) -> Iterator[Message]:
    """Everything that was said, in order; ``steps`` are the ordinals of the calls in it, as far as they are known."""
    left = iter(steps)
    names: dict[str, str | None] = {}
    for message in messages:
        if not isinstance(message, dict):
            continue
        role, content = message.get("role"), message.get("content")
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        for block in blocks:
            if isinstance(block, dict):
                yield _of_block("assistant" if role == "assistant" else "user", block, names, left)


def _of_block(
    role: MessageRole, block: dict[str, object], names: dict[str, str | None], steps: Iterator[int]
) -> Message:  # fmt: skip
    kind, call_id = block.get("type"), block.get("id") or block.get("tool_use_id")
    call_id = call_id if isinstance(call_id, str) else None
    if kind == "text":
        return Message.of(role, "text", _text(block.get("text")))
    if kind == "thinking":
        return Message.of(role, "reasoning", _text(block.get("thinking")))
    if kind == "redacted_thinking":
        return Message.of(role, "reasoning", "", note="encrypted")
    if kind == "tool_use":
        name = block.get("name")
        name = name if isinstance(name, str) else None
        names[call_id or ""] = name
        return Message.of("assistant", "tool_call", _text(block.get("input")), name, call_id, next(steps, None))
    if kind == "tool_result":
        content = block.get("content")
        parts = content if isinstance(content, list) else [content]
        text = "\n".join(_text(part.get("text", part)) if isinstance(part, dict) else _text(part) for part in parts)
        failed = block.get("is_error") is True
        return Message.of("tool", "tool_result", text, names.get(call_id or ""), call_id, is_error=failed)
    return Message.of(role, "image" if kind == "image" else "other", "", note=None if kind == "image" else _text(kind))


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()
