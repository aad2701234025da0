"""Recorded messages as what somebody said."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.readers import Message, MessageRole
from explorer.readers._openai._items import CALLS, OUTPUTS, calls_of, shown, text_of, word

_ROLES: dict[object, MessageRole] = {
    "system": "system", "developer": "developer", "user": "user", "assistant": "assistant", "tool": "tool",
    "function": "tool",
}  # fmt: skip
_IMAGES = frozenset(("image_url", "input_image", "image", "image_file"))


def said(
    message: object, names: dict[str, str], step: int | None = None, me: str | None = None, note: str | None = None,
    is_error: bool = False,
) -> Iterator[Message]:  # fmt: skip
    """A message as it is shown, part by part.

    ``names`` has the tools of the calls so far, by call, and is added to. ``me`` is whose prompt it is: what another
    named participant answered comes from an agent.
    """
    if not isinstance(message, dict):
        yield Message.of("user", "other", shown(message), step_ordinal=step, note="it is no message")
    elif message.get("object") == "response":
        output = message.get("output")
        for item in output if isinstance(output, list) else ():
            if not isinstance(item, dict) or item.get("object") != "response":
                yield from said(item, names, step, me, note)
    elif isinstance(message.get("role"), str):
        yield from _message(message, names, step, me, note, is_error)
    else:
        yield from _item(message, names, step, note, is_error)


def _message(
    message: dict[str, object], names: dict[str, str], step: int | None, me: str | None, note: str | None,
    is_error: bool,
) -> Iterator[Message]:  # fmt: skip
    role, name = _ROLES.get(message.get("role"), "user"), word(message.get("name"))
    if role == "assistant" and name != me and name is not None and me is not None:
        role = "agent"
    for key in ("reasoning_content", "reasoning"):
        if text := word(message.get(key)):
            yield Message.of(role, "reasoning", text, name, step_ordinal=step)
            break
    if role == "tool":
        call_id = word(message.get("tool_call_id"))
        name = name or names.get(call_id or "")
        text = text_of(message.get("content"))
        yield Message.of("tool", "tool_result", text, name, call_id, None, is_error, note)
        return
    calls = list(calls_of(message))
    yield from _content(message, role, name, step, note, is_silent=bool(calls))
    for call in calls:
        if call.call_id and call.name:
            names[call.call_id] = call.name
        yield Message.of(role, "tool_call", call.arguments, call.name, call.call_id, step)


def _content(
    message: dict[str, object], role: MessageRole, name: str | None, step: int | None, note: str | None,
    is_silent: bool,
) -> Iterator[Message]:  # fmt: skip
    content = message.get("content")
    images = [part for part in content if isinstance(part, dict) and word(part.get("type")) in _IMAGES] if isinstance(
        content, list
    ) else []  # fmt: skip
    text = text_of([part for part in content if part not in images] if isinstance(content, list) else content)
    refusal = word(message.get("refusal"))
    if text or not (images or refusal or is_silent):
        yield Message.of(role, "text", text, name, step_ordinal=step, note=note)
    if refusal:
        yield Message.of(role, "text", refusal, name, step_ordinal=step, note="a refusal")
    for image in images:
        yield Message.of(role, "image", "", name, step_ordinal=step, note=f"an image ({image.get('type')})")


def _item(
    item: dict[str, object], names: dict[str, str], step: int | None, note: str | None, is_error: bool
) -> Iterator[Message]:  # fmt: skip
    kind, call_id = str(item.get("type")), word(item.get("call_id"))
    if kind in CALLS:
        name = word(item.get("name"))
        if call_id and name:
            names[call_id] = name
        yield Message.of("assistant", "tool_call", shown(item.get(CALLS[kind])), name, call_id, step)
    elif kind in OUTPUTS:
        text = text_of(item.get("output"))
        yield Message.of("tool", "tool_result", text, names.get(call_id or ""), call_id, None, is_error, note)
    elif kind == "reasoning":
        texts = [text for key in ("summary", "content") if (text := text_of(item.get(key)))]
        sealed = "encrypted" if item.get("encrypted_content") and not texts else None
        yield Message.of("assistant", "reasoning", "\n".join(texts), step_ordinal=step, note=sealed)
    else:
        yield Message.of("assistant", "other", shown(item), kind, step_ordinal=step, note=note)
