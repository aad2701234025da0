"""What a model was shown and what it said, wherever a span has that: structured attributes, numbered ones, events.

Sources of the names: see ``_names``. Where one thing is recorded in two ways, the first of them that says anything is
taken: attributes of the GenAI conventions, those of OpenInference and OpenLLMetry (``….0.role``), events, raw inputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from explorer.readers import MessageRole
from explorer.readers.otlp._messages import Said, message, said_in
from explorer.readers.otlp._names import INPUT_MESSAGES, OUTPUT_MESSAGES, WHOLE_INPUT, WHOLE_OUTPUT
from explorer.readers.otlp._values import Attributes, as_text, attributes_of, from_json

_NUMBERED = re.compile(
    r"(?:gen_ai\.(prompt|completion)|llm\.(input_messages|output_messages|tools)|llm\.request\.(functions))"
    r"\.(\d{1,6})\.(.+)"
)
_INDEX = re.compile(r"\d{1,6}")
_GROUPS = {
    "prompt": "input", "input_messages": "input", "completion": "output", "output_messages": "output",
    "tools": "tools", "functions": "tools",
}  # fmt: skip
_EVENT_ROLES: dict[str, MessageRole] = {
    "gen_ai.system.message": "system", "gen_ai.user.message": "user", "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool", "gen_ai.choice": "assistant",
}  # fmt: skip

Events = Sequence[tuple[str, Attributes]]


class Content:
    """What one span has of a call's content."""

    def __init__(self, fields: dict[str, object], attributes: Attributes) -> None:
        self._attributes = attributes
        self._events: Events = _events(fields, attributes)
        self._numbered = _numbered(attributes)

    def prompt(self) -> list[Said]:
        """What the model was shown, in the order in which providers put it together: tools, system, messages."""
        shown = [*self._structured(INPUT_MESSAGES, "user")] or [*self._from_numbered("input", "user")]
        shown = shown or [*self._from_events(output=False)] or [*self._whole(WHOLE_INPUT, "user")]
        return [*self._tools(), *self._structured(("gen_ai.system_instructions",), "system"), *shown]

    def answer(self) -> list[Said]:
        """What the model said."""
        said = [*self._structured(OUTPUT_MESSAGES, "assistant")] or [*self._from_numbered("output", "assistant")]
        said = said or [*self._from_events(output=True)] or [*self._vercel()]
        return said or [*self._whole(WHOLE_OUTPUT, "assistant")]

    def _structured(self, names: Sequence[str], role: MessageRole) -> Iterator[Said]:
        for name in names:
            value = self._attributes.get(name)
            if value is None:
                value = next((each[name] for _, each in self._events if each.get(name) is not None), None)
            if value is not None:
                yield from said_in(value, role)
                return

    def _tools(self) -> Iterator[Said]:
        value = self._attributes.get("gen_ai.tool.definitions") or self._attributes.get("ai.prompt.tools")
        value = from_json(value) or [each for _, each in sorted(self._numbered.get("tools", {}).items())]
        for each in value if isinstance(value, list) else ():
            tool = from_json(each)
            inner = tool.get("tool") if isinstance(tool, dict) else None
            tool = from_json(inner.get("json_schema", inner)) if isinstance(inner, dict) else tool
            function = tool.get("function", tool) if isinstance(tool, dict) else None
            name = function.get("name") if isinstance(function, dict) else None
            yield Said("system", "other", as_text(tool), name if isinstance(name, str) else None, note="a tool it has")

    def _from_numbered(self, group: str, role: MessageRole) -> Iterator[Said]:
        for _, fields in sorted(self._numbered.get(group, {}).items()):
            inner = fields.get("message", fields)
            if isinstance(inner, dict):
                yield from message(_unwrapped(inner), role)

    def _from_events(self, output: bool) -> Iterator[Said]:
        for name, fields in self._events:
            role = _EVENT_ROLES.get(name)
            if role is not None and output == (name == "gen_ai.choice"):
                inner = from_json(fields.get("message"))
                if isinstance(inner, dict):
                    yield from message(inner, role)
                elif inner is not None:
                    yield from said_in(inner, role)
                else:
                    yield from message(dict(fields), role)
            elif name == ("gen_ai.content.completion" if output else "gen_ai.content.prompt"):
                yield from said_in(
                    fields.get("gen_ai.completion" if output else "gen_ai.prompt"), "assistant" if output else "user"
                )

    def _vercel(self) -> Iterator[Said]:
        if text := self._attributes.get("ai.response.text"):
            yield Said("assistant", "text", as_text(text))
        calls = from_json(self._attributes.get("ai.response.toolCalls"))
        if isinstance(calls, list):
            yield from chain.from_iterable(message({"tool_calls": [call]}, "assistant") for call in calls)

    def _whole(self, names: Sequence[str], role: MessageRole) -> Iterator[Said]:
        value = next((self._attributes[name] for name in names if self._attributes.get(name) is not None), None)
        yield from said_in(value, role)


def _events(fields: dict[str, object], attributes: Attributes) -> Events:
    """The events of a span by name, also those that Logfire puts in an attribute."""
    recorded = fields.get("events")
    found = [
        (str(each.get("name")), attributes_of(each.get("attributes")))
        for each in (recorded if isinstance(recorded, list) else ())
        if isinstance(each, dict)
    ]
    put = from_json(attributes.get("events"))
    for each in put if isinstance(put, list) else ():
        if isinstance(each, dict):
            found.append((str(each.get("event.name")), each))
    return found


def _numbered(attributes: Attributes) -> dict[str, dict[int, dict[str, object]]]:
    """What is flattened into ``….0.role``, by group and number, with lists inside it again as lists."""
    found: dict[str, dict[int, dict[str, object]]] = {}
    for key, value in attributes.items():
        if match := _NUMBERED.fullmatch(key):
            group = _GROUPS[match[1] or match[2] or match[3]]
            _put(found.setdefault(group, {}).setdefault(int(match[4]), {}), match[5], value)
    return found


def _put(fields: dict[str, object], key: str, value: object) -> None:
    """Put a value at its place among nested fields; numbers in the key are places in lists, kept as keys for now."""
    *above, last = key.split(".")
    for name in above:
        inner = fields.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        fields = inner
    fields.setdefault(last, value)


def _unwrapped(fields: dict[str, object]) -> dict[str, object]:
    """A flattened message as its framework had it: numbered things are lists, and OpenInference's names are short."""
    plain = {key: _as_list(value) for key, value in fields.items()}
    contents = plain.pop("contents", None)
    if isinstance(contents, list):
        parts = [each.get("message_content", each) if isinstance(each, dict) else each for each in contents]
        plain["content"] = parts
    calls = plain.get("tool_calls")
    if isinstance(calls, list):
        plain["tool_calls"] = [each.get("tool_call", each) if isinstance(each, dict) else each for each in calls]
    if isinstance(plain.get("function_call"), dict):
        plain["tool_calls"] = [plain.pop("function_call")]
    return plain


def _as_list(value: object) -> object:
    if isinstance(value, dict) and value and all(_INDEX.fullmatch(key) for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value
