"""Messages by what a model is shown of them, so that an answer is known again in the prompt that goes on from it.

Clients send an answer back without what was only told about it (``refusal``, ``annotations``, an empty ``content``),
mostly without its reasoning, and with marks for caches that move from message to message. None of that counts here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from explorer.readers._records import loads

ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items of the Responses API that ask for a tool, and the field with its arguments."""
TOO_DEEP = "(nested too deeply to be shown)"
OUTPUTS = frozenset(("function_call_output", "custom_tool_call_output"))


class Call(NamedTuple):
    """A tool that a message asks for."""

    call_id: str | None
    name: str | None
    arguments: str
    is_free: bool = False
    """Whether its arguments are free text, and no JSON."""

    @property
    def is_broken(self) -> bool:
        """Whether its arguments should be JSON and are not: a model may write anything."""
        if self.is_free or not self.arguments:
            return False
        try:
            loads(self.arguments.encode("utf-8", "replace"))
        except ValueError:
            return True
        return False


class Item(NamedTuple):
    """A message, or an item of the Responses API. Equal ones are the same to a model."""

    role: str
    text: str
    calls: tuple[Call, ...] = ()
    answers: str | None = None
    """Of a result, the id of its call."""
    name: str | None = None


def items_of(message: object) -> Iterator[Item]:
    """What a recorded message is to a model: mostly one item, several for the answer of the Responses API."""
    if not isinstance(message, dict):
        return
    if message.get("object") == "response":
        output = message.get("output")
        for each in output if isinstance(output, list) else ():
            if isinstance(each, dict) and each.get("object") != "response":
                yield from items_of(each)
        return
    if isinstance(role := message.get("role"), str):
        asks = "tool_calls" in message or "function_call" in message
        calls = tuple(calls_of(message)) if asks else ()
        name = word(message.get("name"))
        yield Item(role, text_of(message.get("content")), calls, word(message.get("tool_call_id")), name)
        return
    kind = word(message.get("type"))
    if kind in CALLS:
        yield Item("assistant", "", (_call(message, message.get("call_id"), CALLS[kind]),))
    elif kind in OUTPUTS:
        yield Item("tool", text_of(message.get("output")), (), word(message.get("call_id")))
    elif kind != "reasoning":
        yield Item("assistant", shown(message))


def has_role(message: object) -> bool:
    """Whether a value is a message of somebody who takes part in a conversation."""
    role = message.get("role") if isinstance(message, dict) else None
    return isinstance(role, str) and role in ROLES


def calls_of(message: dict[str, object]) -> Iterator[Call]:
    """The tools that a message asks for, in the form of today and in that of 2023."""
    listed = message.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        if isinstance(call, dict):
            inner = next((value for key in ("function", "custom") if isinstance(value := call.get(key), dict)), call)
            yield _call(inner, call.get("id"), "input" if "input" in inner else "arguments")
    if isinstance(old := message.get("function_call"), dict):
        yield _call(old, None, "arguments")


def _call(fields: dict[str, object], call_id: object, arguments: str) -> Call:
    return Call(word(call_id), word(fields.get("name")), shown(fields.get(arguments)), arguments == "input")


def text_of(content: object) -> str:
    """The text of a content: its parts one behind the other, what is no text as JSON."""
    if isinstance(content, list):
        return "".join(map(_piece, content))
    return shown(content)


def _piece(part: object) -> str:
    if isinstance(part, dict):
        if isinstance(text := part.get("text"), str):
            return text
        return shown({key: value for key, value in part.items() if key != "cache_control"})
    return shown(part)


def shown(value: object) -> str:
    """Text as it is, nothing as the empty one, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except (TypeError, ValueError, RecursionError):
        return TOO_DEEP


def word(value: object) -> str | None:
    """A text that says something."""
    return value if isinstance(value, str) and value else None
