"""The messages of a conversation as forge keeps them: model calls with their usage, and the prompts they saw.

Format: justrach/codegraff crates/forge_domain/src/{context,message}.rs and
crates/forge_repo/src/conversation/conversation_record.rs @e1bba44f (also upstream forgecode, which shares the table).
Stored rows wrap a message, ``{"message": {"text": …}, "usage": …}``; older rows and ``/dump`` files do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import orjson

from explorer.readers._prompts import Prompt, PromptParts, Stretch
from explorer.readers.codegraff._events import ANONYMOUS, children


class Asked(NamedTuple):
    """A tool call in an assistant's message."""

    call_id: str | None
    name: str | None
    arguments: object
    is_error: bool | None
    """By its result; None when there is none."""
    children: list[str]
    """Conversations of the agents that it ran."""


class Usage(NamedTuple):
    """Tokens of a model call; ``prompt`` includes ``cached``."""

    prompt: int | None
    completion: int | None
    cached: int | None
    approximate: bool
    cost: float | None


class ModelCall(NamedTuple):
    """An assistant's message: one model call."""

    turn: int
    """Which of the user's messages it answers, from 0."""
    message: int
    """Its place among the messages."""
    model: str | None
    usage: Usage | None
    calls: list[Asked]
    prompt: list[Stretch]


class Context:
    """One row of ``conversations``, or one conversation of a dump."""

    def __init__(
        self, conversation_id: str, title: str | None, workspace: int | None, created: int | None, updated: int | None,
        context: object, metrics: object = None,
    ) -> None:  # fmt: skip
        self.conversation_id = conversation_id
        self.title = title
        self.workspace = workspace
        self.created = created
        """Milliseconds since 1970."""
        self.updated = updated
        self.metrics = metrics
        self.fields: dict[str, object] = context if isinstance(context, dict) else {}
        found = self.fields.get("messages")
        self.messages = [_unwrapped(each) for each in found] if isinstance(found, list) else []

    @property
    def by_agent(self) -> bool:
        """Whether an agent began it, and not the user."""
        return self.fields.get("initiator") == "agent"

    @property
    def call_ids(self) -> set[str]:
        """The ids of all calls in it that a provider gave."""
        return {
            call_id
            for kind, body, _ in self.messages
            if kind == "text"
            for call_id, _, _ in _asked(body)
            if call_id and not call_id.startswith(ANONYMOUS)
        }

    @property
    def children(self) -> list[str]:
        """The conversations of the agents that its calls ran."""
        return [child for kind, body, _ in self.messages if kind == "tool" for child in children(body)]

    @property
    def model(self) -> str | None:
        """The first model that a message names."""
        for kind, body, _ in self.messages:
            model = body.get("model") if kind == "text" else None
            if isinstance(model, str) and model:
                return model
        return None

    @property
    def cost(self) -> float | None:
        """US dollars over all of its messages."""
        costs = [usage.cost for _, _, usage in self.messages if usage and usage.cost is not None]
        return sum(costs) if costs else None

    @property
    def tokens(self) -> tuple[int, int]:
        """Input and output over all of its messages."""
        usages = [usage for _, _, usage in self.messages if usage]
        return sum(each.prompt or 0 for each in usages), sum(each.completion or 0 for each in usages)

    @property
    def compactions(self) -> int:
        """Messages that stand for others: a summary keeps the usage of the calls it replaces."""
        return sum(kind == "text" and usage is not None and body.get("role") != "Assistant"
                   for kind, body, usage in self.messages)  # fmt: skip

    def model_calls(self, parts: PromptParts) -> Iterator[ModelCall]:
        """The model calls in order, each with the prompt it saw as far as it is kept.

        The parts of a prompt are the tool list, then each message; providers put the tools first.
        """
        results = {
            body.get("call_id"): (_failed(body), children(body)) for kind, body, _ in self.messages if kind == "tool"
        }
        prompt = Prompt(parts)
        tools = self.fields.get("tools")
        if tools:
            prompt.add(_canonical(tools))
        turn, answered = 0, False
        for number, (kind, body, usage) in enumerate(self.messages):
            role = body.get("role") if kind == "text" else None
            if role == "User" and answered:
                turn, answered = turn + 1, False
            if role == "Assistant":
                answered = True
                calls = [
                    Asked(call_id, name, arguments, *(results.get(call_id) or (None, [])))
                    for call_id, name, arguments in _asked(body)
                ]
                model = body.get("model")
                yield ModelCall(
                    turn, number, model if isinstance(model, str) and model else None, usage, calls, prompt.stretches()
                )
            prompt.add(_canonical({kind: body}))


def milliseconds(stamp: object) -> int | None:
    """A ``TIMESTAMP`` text of SQLite, UTC without a zone, or one of RFC 3339, in milliseconds since 1970."""
    if not isinstance(stamp, str):
        return None
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _unwrapped(entry: object) -> tuple[str, dict[str, object], Usage | None]:
    """Kind (text, tool, image), body and usage of a message."""
    if not isinstance(entry, dict):
        return "unknown", {}, None
    inner = entry.get("message")
    message = inner if isinstance(inner, dict) else entry
    for kind in ("text", "tool", "image"):
        body = message.get(kind)
        if isinstance(body, dict):
            return kind, body, _usage(entry.get("usage"))
    return "unknown", {}, None


def _usage(recorded: object) -> Usage | None:
    if not isinstance(recorded, dict):
        return None
    approximate = False

    def count(name: str) -> int | None:
        nonlocal approximate
        value = recorded.get(name)
        if isinstance(value, dict):
            exact = next((value[key] for key in ("actual", "Actual") if key in value), None)
            if exact is None:
                value = next((value[key] for key in ("approx", "Approx") if key in value), None)
                approximate = approximate or value is not None
            else:
                value = exact
        return value if type(value) is int and 0 <= value < 10**10 else None

    cost = recorded.get("cost")
    return Usage(
        count("prompt_tokens"),
        count("completion_tokens"),
        count("cached_tokens"),
        approximate,
        float(cost) if isinstance(cost, int | float) and 0 <= cost < 10**9 else None,
    )


def _asked(body: dict[str, object]) -> Iterator[tuple[str | None, str | None, object]]:
    calls = body.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            call_id, name = call.get("call_id"), call.get("name")
            yield (
                call_id if isinstance(call_id, str) and call_id else None,
                name if isinstance(name, str) and name else None,
                call.get("arguments"),
            )


def _failed(body: dict[str, object]) -> bool | None:
    output = body.get("output")
    failed = output.get("is_error") if isinstance(output, dict) else None
    return failed if isinstance(failed, bool) else None


def _canonical(value: object) -> bytes:
    """Equal for what a prompt would hold equally; values too deep or odd for orjson by their Python form."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError):
        return repr(value).encode("utf-8", "backslashreplace")
