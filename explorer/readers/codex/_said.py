"""Items as what somebody said: the messages of a run, and both sides of a hand-off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TypeAlias

import orjson

from explorer.readers import Message, MessageRole
from explorer.readers.codex._items import (
    CALLS,
    ENCRYPTED,
    OUTPUTS,
    SEALED,
    call_id_of,
    is_sealed,
    kind_of,
    parts_of,
    shown,
    tool_of,
)

_Item: TypeAlias = dict[str, object]
_ROLES: Mapping[object, MessageRole] = {
    "system": "system", "developer": "developer", "user": "user", "assistant": "assistant",
}  # fmt: skip


def messages_of(
    item: object, names: dict[str, str], step_ordinal: int | None = None, note: str | None = None
) -> Iterator[Message]:
    """An item as it is shown, part by part. ``names`` has the tools of the calls so far, by call, and is added to.

    ``note`` is what must be known of the whole item.
    """
    kind = kind_of(item)
    tell = _TOLD.get(kind or "", _other)
    for message in tell(item if isinstance(item, dict) else {"": item}, names):
        noted = "; ".join(filter(None, (message.note, note)))
        yield message._replace(step_ordinal=step_ordinal, note=noted or None)


def _message(item: _Item, _names: object) -> Iterator[Message]:
    role = _ROLES.get(item.get("role"), "user")
    for kind, text, note in parts_of(item.get("content")):
        yield Message.of(role, kind, text, note=note)


def _letter(item: _Item, _names: object) -> Iterator[Message]:
    between = f"{item.get('author')} → {item.get('recipient')}"
    for kind, text, note in parts_of(item.get("content")):
        yield Message.of("agent", kind, text, between, note=note)


def _reasoning(item: _Item, _names: object) -> Iterator[Message]:
    for field in ("summary", "content"):
        for _, text, note in parts_of(item.get(field)):
            yield Message.of("assistant", "reasoning", text, note=note)
    if isinstance(sealed := item.get("encrypted_content"), str):
        yield Message.of("assistant", "reasoning", sealed, note=ENCRYPTED)


def _call(item: _Item, names: dict[str, str]) -> Iterator[Message]:
    call_id, name = call_id_of(item), tool_of(item)
    if call_id and name:
        names[call_id] = name
    asked = shown(item.get(CALLS[kind_of(item) or ""]))
    yield Message.of("assistant", "tool_call", asked, name, call_id, note=_sealed(asked))


def _sealed(arguments: str) -> str | None:
    """Which arguments are encrypted, as messages to agents are in most builds since June 2026."""
    if f'"{SEALED}' not in arguments:
        return None
    with suppress(ValueError):
        found = orjson.loads(arguments)
        values = found.items() if isinstance(found, dict) else ()
        told = [f"{key} is encrypted, {len(text):,} characters" for key, text in values if is_sealed(text)]
        return "; ".join(told) or None
    return None


def _output(item: _Item, names: Mapping[str, str]) -> Iterator[Message]:
    call_id = call_id_of(item)
    output = item.get("output", item.get("tools"))
    is_error = False
    if isinstance(output, dict) and "content" in output:  # as of 2025
        is_error, output = output.get("success") is False, output["content"]
    listed = parts_of(output) if isinstance(output, list) and "output" in item else [("text", shown(output), None)]
    for kind, text, note in listed:
        shape = "image" if kind == "image" else "tool_result"
        yield Message.of("tool", shape, text, names.get(call_id or ""), call_id, None, is_error, note)  # type: ignore[arg-type]


def _image(_item: object, _names: object) -> Iterator[Message]:
    yield Message.of("assistant", "image", "", "image_generation", note="an image that the model drew")


def _other(item: _Item, _names: object) -> Iterator[Message]:
    """What is no item of a conversation, or none that is known."""
    if isinstance(sealed := item.get("encrypted_content"), str):
        yield Message.of("assistant", "other", sealed, kind_of(item), note=ENCRYPTED)
    else:
        yield Message.of("developer", "other", shown(item.get("tools", item.get("", item))), kind_of(item))


_TOLD: Mapping[str, Callable[[_Item, dict[str, str]], Iterator[Message]]] = {
    "message": _message, "agent_message": _letter, "reasoning": _reasoning, "image_generation_call": _image,
    **dict.fromkeys(CALLS, _call), **dict.fromkeys(OUTPUTS, _output),
}  # fmt: skip
