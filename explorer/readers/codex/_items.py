"""Items of OpenAI's Responses interface, which both recordings of Codex hold: what prompts and answers are made of.

Format: openai/codex protocol/src/models.rs @b3cc2173.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import orjson

from explorer.readers import MessageKind
from explorer.readers._values import as_json

ENCRYPTED: Final = "encrypted"
"""The note of a text that only the provider can read."""
SEALED: Final = "gAAAA"
"""How ciphertext begins: a token of Fernet, version 0x80 and the high bytes of its time."""

_TITLE = 120
_NOT_CONTENT = frozenset(("id", "internal_chat_message_metadata_passthrough", "status"))
CALLS: Final = {"function_call": "arguments", "custom_tool_call": "input", "local_shell_call": "action",
          "tool_search_call": "arguments", "web_search_call": "action"}  # fmt: skip
"""The items by which a model asks for a tool, and the field that says what of it."""

_NAMED = {"local_shell_call": "local_shell", "tool_search_call": "tool_search", "web_search_call": "web_search"}
OUTPUTS: Final = frozenset(("function_call_output", "custom_tool_call_output", "tool_search_output"))
_OTHERS = frozenset((
    "compaction", "compaction_summary", "context_compaction", "compaction_trigger", "additional_tools",
))  # fmt: skip
_KNOWN = frozenset(("message", "agent_message", "reasoning", "image_generation_call", *CALLS, *OUTPUTS, *_OTHERS))


def canonical(item: object) -> bytes:
    """An item as bytes that are equal for equal contents: without ids and states, keys sorted.

    Raises:
        ValueError: it is nested too deeply.
    """
    if isinstance(item, dict) and not _NOT_CONTENT.isdisjoint(item):
        item = {key: value for key, value in item.items() if key not in _NOT_CONTENT}
    try:
        return orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError(str(error)) from None


def fingerprint(item: object) -> int:
    """An item as a part of a prompt (``_prompts.PromptParts``). Of a nested one that cannot be written, its kind.

    Python's own hash of its bytes: it tells parts apart within a process, as the numbering of parts does.
    """
    try:
        return hash(canonical(item))
    except ValueError:
        return hash(kind_of(item))


def kind_of(item: object) -> str | None:
    """The type of an item; None of what is none."""
    kind = item.get("type") if isinstance(item, dict) else None
    return kind if isinstance(kind, str) else None


def is_known(item: object) -> bool:
    """Whether this is an item as of version 0.148."""
    return kind_of(item) in _KNOWN


def is_sealed(value: object) -> bool:
    """Whether a text is ciphertext."""
    return isinstance(value, str) and value.startswith(SEALED)


def call_id_of(item: object) -> str | None:
    """By which a call and its result find each other."""
    call_id = item.get("call_id") if isinstance(item, dict) else None
    return call_id if isinstance(call_id, str) else None


def tool_of(item: Mapping[str, object]) -> str | None:
    """``namespace.name`` of the tool that a call asks for."""
    name, namespace = item.get("name"), item.get("namespace")
    if not isinstance(name, str):
        return _NAMED.get(kind_of(item) or "")
    return f"{namespace}.{name}" if isinstance(namespace, str) and namespace else name


def title_of(items: list[object]) -> str | None:
    """The beginning of what a user last asked, on one line; what the harness says in the user's name is in tags."""
    for item in reversed(items):
        if isinstance(item, dict) and kind_of(item) == "message" and item.get("role") == "user":
            asked = " ".join("".join(text for _, text, _ in parts_of(item.get("content"))).split())
            if asked and not asked.startswith("<"):
                return asked[:_TITLE]
    return None


class Letter(NamedTuple):
    """An item by which one agent tells another something."""

    author: str
    recipient: str
    text: str
    """What of it is text; a header alone where the rest is encrypted."""
    sealed: tuple[str, ...]
    """What is encrypted."""

    def holds(self, content: str) -> bool:
        """Whether it delivers what was sent: as its text, behind its header, or sealed."""
        return bool(content) and (content in self.sealed or self.text == content or self.text.endswith("\n" + content))


def letter_of(item: object) -> Letter | None:
    """The letter that an item is. Until June 2026 they were JSON, said by the assistant."""
    if not isinstance(item, dict):
        return None
    if kind_of(item) == "agent_message":
        parts = [*parts_of(item.get("content"))]
        author, recipient = item.get("author"), item.get("recipient")
        text = "".join(text for _, text, note in parts if note is None)
        sealed = tuple(text for _, text, note in parts if note == ENCRYPTED)
    elif kind_of(item) == "message" and item.get("role") == "assistant":
        told = "".join(text for _, text, _ in parts_of(item.get("content")))
        if not (told.startswith("{") and '"recipient"' in told):
            return None
        try:
            letter = orjson.loads(told)
        except ValueError:
            return None
        author, recipient, text = letter.get("author"), letter.get("recipient"), letter.get("content")
        blob = letter.get("encrypted_content")
        sealed = (blob,) if isinstance(blob, str) else ()
    else:
        return None
    if not isinstance(author, str) or not isinstance(recipient, str):
        return None
    return Letter(author, recipient, text if isinstance(text, str) else "", sealed)


def parts_of(content: object) -> Iterator[tuple[MessageKind, str, str | None]]:
    """The parts of a content: kind, text, note."""
    if isinstance(content, str):
        yield "text", content, None
        return
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict):
            yield "other", shown(part), None
        elif isinstance(part.get("text"), str):
            yield "text", part["text"], None
        elif isinstance(part.get("encrypted_content"), str):
            yield "text", part["encrypted_content"], ENCRYPTED
        elif part.get("type") == "input_image":
            url = part.get("image_url")
            link = url if isinstance(url, str) and not url.startswith("data:") else None
            yield "image", "", link[:200] if link else None
        else:
            yield "other", "", kind_of(part)


def shown(value: object) -> str:
    """A text itself, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict):
        return as_json(value) or "{}"
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return "nested too deeply"
