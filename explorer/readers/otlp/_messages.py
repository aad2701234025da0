"""Messages of models in the shapes that frameworks record them in, as one: role, kind, text.

Shapes: ``parts`` of the GenAI conventions (input and output messages), content and ``tool_calls`` of OpenAI, content
blocks of Anthropic and Bedrock, ``parts`` of Gemini, and those of the Vercel AI SDK. Unknown ones are kept as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from explorer.readers import MessageKind, MessageRole
from explorer.readers._values import text_in
from explorer.readers.otlp._values import as_text, from_json

_ROLES: dict[str, MessageRole] = {
    "system": "system", "developer": "developer", "user": "user", "human": "user", "assistant": "assistant",
    "model": "assistant", "ai": "assistant", "tool": "tool", "function": "tool",
}  # fmt: skip
_TEXTS = ("text", "input_text", "output_text", "refusal")
_REASONING = ("reasoning", "thinking", "redacted_thinking")
_IMAGES = ("image", "image_url", "input_image", "blob", "uri", "file")
_CALLS = ("tool_call", "tool_use", "tool-call", "function_call", "toolUse", "functionCall", "server_tool_call")
_RESULTS = (
    "tool_call_response", "tool_result", "tool-result", "function_response", "toolResult", "functionResponse",
    "server_tool_call_response",
)  # fmt: skip
_WRAPPERS = ("toolUse", "toolResult", "functionCall", "functionResponse", "function_call", "function_response")
_MESSAGE = frozenset(("role", "content", "parts", "tool_calls"))
"""What a message has one of; a part of one may have ``content``."""
_MOST_LISTS = 4


class Said(NamedTuple):
    """One part of a message."""

    role: MessageRole
    kind: MessageKind
    text: str
    name: str | None = None
    call_id: str | None = None
    is_error: bool = False
    note: str | None = None


def said_in(value: object, role: MessageRole) -> Iterator[Said]:
    """What a recorded value says: messages, a request or a response that holds them, or a text of ``role``."""
    value = from_json(value)
    if isinstance(value, dict):
        for name in ("messages", "contents", "message", "content", "choices", "candidates"):
            if isinstance(inner := value.get(name), (list, dict)) and "role" not in value:
                for system in ("system", "system_instruction", "instructions"):
                    if role == "user" and value.get(system):
                        yield from said_in(value[system], "system")
                yield from said_in(inner, role)
                return
    if isinstance(value, list):
        yield from _listed(value, role, _MOST_LISTS)
    elif isinstance(value, dict):
        yield from message(value, role)
    elif value is not None and value != "":
        yield Said(role, "text", as_text(value))


def _listed(values: list[object], role: MessageRole, depth: int) -> Iterator[Said]:
    """Messages, parts of one, or lists of them, as LangChain has one of each batch."""
    for each in values:
        each = from_json(each) if isinstance(each, str) and each[:1] in "{[" else each
        if isinstance(each, list) and depth:
            yield from _listed(each, role, depth - 1)
        elif isinstance(each, dict):
            inner = each.get("kwargs") if "lc" in each else each.get("message")
            fields = inner if isinstance(inner, dict) and _MESSAGE.isdisjoint(each) else each
            is_message = not _MESSAGE.isdisjoint(fields) and ("content" not in fields or _speaker(fields) is not None)
            yield from message(fields, role) if is_message else part(fields, role)
        elif each is not None:
            yield Said(role, "text", as_text(each))


def _speaker(fields: dict[str, object]) -> MessageRole | None:
    """Whose a message is, by its role or by LangChain's word for its type."""
    word = fields.get("role", fields.get("type"))
    return _ROLES.get(word) if isinstance(word, str) else None


def message(fields: dict[str, object], role: MessageRole) -> Iterator[Said]:
    """The parts of one message."""
    role = _speaker(fields) or role
    content = from_json(fields.get("content")) if _is_list(fields.get("content")) else fields.get("content")
    parts = fields.get("parts", content)
    call_id = text_in(fields.get("tool_call_id")) or (text_in(fields.get("id")) if role == "tool" else None)
    if thought := fields.get("reasoning_content"):
        yield Said(role, "reasoning", as_text(thought))
    if role == "tool" and not isinstance(parts, list) and parts is not None:
        yield Said(role, "tool_result", as_text(parts), text_in(fields.get("name")), call_id)
    else:
        for each in parts if isinstance(parts, list) else [parts]:
            if isinstance(each, dict):
                yield from part(each, role, call_id)
            elif each is not None and each != "":
                kind: MessageKind = "tool_result" if role == "tool" else "text"
                yield Said(role, kind, as_text(each), call_id=call_id)
    calls = from_json(fields.get("tool_calls") or fields.get("function_call"))
    for call in calls if isinstance(calls, list) else [calls]:
        if isinstance(call, dict):
            yield _call(call, role)


def _is_list(content: object) -> bool:
    """Whether a text is the JSON of content blocks."""
    return isinstance(content, str) and content.startswith('[{"')


def part(fields: dict[str, object], role: MessageRole, call_id: str | None = None) -> Iterator[Said]:
    """One part of a message."""
    kind = fields.get("type")
    text = fields.get("content", fields.get("text"))
    if kind == "text" and isinstance(text, str):  # nearly all are
        yield Said(role, "tool_result" if role == "tool" else "text", text, call_id=call_id)
        return
    wrapped = next((name for name in _WRAPPERS if isinstance(fields.get(name), dict)), None)
    inner = fields[wrapped] if wrapped else fields
    assert isinstance(inner, dict)
    kind = wrapped or kind
    if kind in _CALLS:
        yield _call(inner, role)
    elif kind in _RESULTS:
        given = next((inner[key] for key in ("response", "result", "output", "content") if key in inner), None)
        failed = inner.get("is_error") is True or inner.get("status") == "error"
        yield Said("tool", "tool_result", _flat(given), _named(inner), _called(inner) or call_id, failed)
    elif kind in _REASONING or "reasoningContent" in fields:
        thought = next(
            (fields[key] for key in ("content", "text", "thinking", "reasoningContent") if fields.get(key)), None
        )
        yield Said(role, "reasoning", as_text(thought), note=None if thought else "encrypted, or not recorded")
    elif kind in _IMAGES or "inline_data" in fields or "image" in fields:
        what = fields.get("mime_type") or fields.get("modality") or fields.get("uri")
        yield Said(role, "image", "", note=text_in(what) and as_text(what)[:80])
    elif kind in _TEXTS or (kind is None and ("text" in fields or "content" in fields)):
        text = fields.get("text", fields.get("content"))
        yield Said(role, "tool_result" if role == "tool" else "text", _flat(text), call_id=call_id)
    else:
        yield Said(role, "other", as_text(fields), note=text_in(kind))


def _call(fields: dict[str, object], role: MessageRole) -> Said:
    function = fields.get("function")
    inner = function if isinstance(function, dict) else fields
    given = next((inner[key] for key in ("arguments", "input", "args") if key in inner), None)
    return Said(role, "tool_call", as_text(given), _named(inner) or _named(fields), _called(fields) or _called(inner))


def _flat(value: object) -> str:
    """Text, or the texts of a list of parts."""
    if isinstance(value, list):
        texts = [each.get("text") if isinstance(each, dict) else each for each in value]
        if texts and all(isinstance(text, str) for text in texts):
            return "\n".join(map(str, texts))
    return as_text(value)


def _named(fields: dict[str, object]) -> str | None:
    return text_in(fields.get("name")) or text_in(fields.get("toolName")) or text_in(fields.get("tool_name"))


def _called(fields: dict[str, object]) -> str | None:
    names = ("id", "tool_use_id", "tool_call_id", "toolUseId", "toolCallId", "call_id")
    return next((word for name in names if (word := text_in(fields.get(name)))), None)
