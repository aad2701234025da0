"""What a message of a trajectory says of a model call, and which commands it asks for."""

from __future__ import annotations

from typing import NamedTuple

from explorer.readers._openai._items import calls_of, word

FORMAT_ERROR = "FormatError"


class Answer(NamedTuple):
    """A model call, by the message that tells of it."""

    response: dict[str, object]
    """What the API answered; empty where it is not kept as an object."""
    cost: float | None
    finish_reason: str | None
    error: str | None


def answer_of(message: dict[str, object]) -> Answer | None:
    """The model call that a message is, or complains of; None for any other."""
    extra = extra_of(message)
    if message.get("object") == "response":
        error = message.get("error")
        failed = word(error.get("message")) if isinstance(error, dict) else None
        return Answer(message, cost_of(extra), word(message.get("status")), failed)
    response = extra.get("response")
    kept = response if isinstance(response, dict) else {}
    if message.get("role") == "assistant":
        return Answer(kept, cost_of(extra), _finish_of(kept), None)
    is_complaint = extra.get("interrupt_type") == FORMAT_ERROR
    if response is not None or (is_complaint and "model_response" in extra):
        return Answer(kept, cost_of(extra), _finish_of(kept), word(extra.get("interrupt_type")) or FORMAT_ERROR)
    return None


def extra_of(message: dict[str, object]) -> dict[str, object]:
    """What mini-swe-agent keeps of a message beside what the model is shown of it."""
    extra = message.get("extra")
    return extra if isinstance(extra, dict) else {}


def cost_of(extra: dict[str, object]) -> float | None:
    """What a call cost, in dollars."""
    cost = extra.get("cost")
    return float(cost) if type(cost) in (int, float) and 0 <= cost < 1e9 else None  # type: ignore[arg-type,operator]


def _finish_of(response: dict[str, object]) -> str | None:
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return word(first.get("finish_reason")) if isinstance(first, dict) else word(response.get("status"))


def actions_of(message: dict[str, object]) -> list[tuple[str | None, str]]:
    """The commands that an answer led to: id of the tool call, if it is one, and the tool's name.

    What the recorder made of the answer counts; without that, the calls in the answer itself.
    """
    actions = extra_of(message).get("actions")
    if isinstance(actions, list):
        return [(word(each.get("tool_call_id")), "bash") for each in actions if isinstance(each, dict)]
    return [(call.call_id, call.name or "bash") for call in calls_of(message)]
