"""A request and its answer, out of the many ways in which logs put them on a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from explorer.readers._openai._clock import first_time, unix_ms
from explorer.readers._openai._items import has_role, shown, word
from explorer.readers._values import Fields

_STARTS = ("start_time", "started_at", "startTime", "request_time", "timestamp", "created_at", "time", "ts")
_ENDS = ("end_time", "ended_at", "endTime", "completed_at", "response_time")
_SESSIONS = ("session_id", "conversation_id", "thread_id", "trace_id")
_COSTS = ("response_cost", "cost_usd", "cost")
_AGENTS = ("agent_name", "agent", "agent_id")

_KNOWN = frozenset((*_STARTS, *_ENDS, *_SESSIONS, *_AGENTS, *_COSTS, "custom_id", "model", "id", "error", "object"))
_PARAMETERS = frozenset((
    "temperature", "max_tokens", "max_completion_tokens", "stream", "stream_options", "top_p", "stop", "n", "seed",
    "tool_choice", "response_format", "parallel_tool_calls", "reasoning_effort",
))  # fmt: skip
"""By which a request is told from a conversation that names its model and ends with a question."""

_PLAIN = frozenset((int, float, bool))
_MOST_BESIDE = 200
"""Characters of a text that is kept with a step."""


class Exchange(NamedTuple):
    """A model call as its line has it."""

    messages: list[object]
    """The prompt; with ``previous``, what is new of it."""
    tools: list[object]
    answers: list[object]
    """The message of each choice, or the answer of the Responses API; nothing without an answer."""
    usage: object
    request_model: str | None
    model: str | None
    response_id: str | None
    previous: str | None
    """The answer that the request goes on from, where it does not repeat what came before."""
    finish_reason: str | None
    error: str | None
    start: int | None
    """Milliseconds since 1970."""
    end: int | None
    session: tuple[str | None, str | None]
    """Session and agent, where the log itself says so."""
    custom_id: str | None
    cost: float | None
    """In dollars, where the log says so."""
    beside: dict[str, object]
    """What else the line says in a number or a few words."""
    by_responses: bool
    """Whether the answer is one of the Responses API, which a later request may name."""


def is_exchange(fields: dict[str, object]) -> bool:
    """Whether an object is a request, an answer, or both; a conversation of itself is neither."""
    request, response = _request_of(fields), _response_of(fields)
    if "custom_id" in fields and (_is_answer(response) or _asks(request)):
        return True
    if request is not fields:
        return _asks(request)
    if not _asks(request):
        return False
    if "choices" in fields or _is_answer(response):
        return True
    messages = request.get("messages")
    if "model" not in fields or not isinstance(messages, list) or _is_said(messages[-1]):
        return False
    return not _PARAMETERS.isdisjoint(fields) or not any(map(_is_said, messages))


def _is_said(message: object) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant"


def _asks(request: Mapping[str, object]) -> bool:
    """Whether a request has a prompt: messages with their roles, or the input of the Responses API."""
    messages = request.get("messages")
    if isinstance(messages, list):
        return bool(messages) and all(map(has_role, messages))
    given = request.get("input")
    return "model" in request and (isinstance(given, str) or (isinstance(given, list) and _are_items(given)))


def _are_items(given: list[object]) -> bool:
    return bool(given) and all(isinstance(each, dict) and ("role" in each or "type" in each) for each in given)


def _is_answer(response: Mapping[str, object]) -> bool:
    return any(key in response for key in ("choices", "output", "error", "status_code"))


def _inside(fields: Mapping[str, object], *names: str) -> dict[str, object] | None:
    for name in names:
        if isinstance(value := fields.get(name), dict):
            return value
    return None


def _request_of(fields: dict[str, object]) -> dict[str, object]:
    request = _inside(fields, "request", "request_body", "body")
    if request is None:
        return fields
    return _inside(request, "body", "json") or request


def _response_of(fields: dict[str, object]) -> dict[str, object]:
    if isinstance(fields.get("choices"), list):
        return fields
    response = _inside(fields, "response", "response_body") or {}
    return _inside(response, "body") or response


def exchange_of(fields: dict[str, object]) -> Exchange | None:
    """The call that a line tells of; None where it has neither a prompt nor an answer."""
    request, response = _request_of(fields), _response_of(fields)
    if not (isinstance(request.get("messages"), list) or "input" in request or _is_answer(response)):
        return None
    metadata = _inside(request, "metadata") or _inside(fields, "metadata") or {}
    places = (fields, request, metadata)
    own = response if response is not fields else {}
    start = first_time(fields, _STARTS) or unix_ms(own.get("created")) or unix_ms(own.get("created_at"))
    choices = response.get("choices")
    choices = [each for each in choices if isinstance(each, dict)] if isinstance(choices, list) else []
    answers = [each["message"] for each in choices if isinstance(each.get("message"), dict)]
    if isinstance(response.get("output"), list):
        answers = [{"object": "response", "output": response["output"]}]
    messages = _prompt(request)
    if not response and messages and _is_said(messages[-1]):  # a conversation up to an answer
        messages, answers = messages[:-1], messages[-1:]
    finish = choices[0].get("finish_reason") if choices else own.get("status")
    return Exchange(
        messages=messages,
        tools=_listed(request.get("tools")) or _listed(request.get("functions")),
        answers=answers,
        usage=response.get("usage") if response.get("usage") is not None else fields.get("usage"),
        request_model=word(request.get("model")),
        model=word(own.get("model")) or word(request.get("model")),
        response_id=word(own.get("id")) or (word(fields.get("id")) if response is fields else None),
        previous=word(request.get("previous_response_id")),
        finish_reason=word(finish),
        error=_error(fields, response),
        start=start,
        end=first_time(fields, _ENDS),
        session=(_first_word(_SESSIONS, *places), _first_word(_AGENTS, *places)),
        custom_id=word(fields.get("custom_id")),
        cost=_cost(fields),
        beside=_beside(fields),
        by_responses=isinstance(response.get("output"), list),
    )


def _prompt(request: Mapping[str, object]) -> list[object]:
    """The messages of a request; of the Responses API its instructions and input."""
    messages = request.get("messages")
    if isinstance(messages, list):
        system = request.get("system")
        return [{"role": "system", "content": system}, *messages] if system else messages
    given, instructions = request.get("input"), request.get("instructions")
    items: list[object] = [{"role": "user", "content": given}] if isinstance(given, str) else _listed(given)
    return [{"role": "system", "content": instructions}, *items] if instructions else items


def _cost(fields: Mapping[str, object]) -> float | None:
    for name in _COSTS:
        if name in fields and (cost := Fields({"": fields[name]}).number("", 0)) is not None:
            return float(cost)
    return None


def _beside(fields: Mapping[str, object]) -> dict[str, object]:
    """The plain fields of a line that no column has."""
    return {
        name: value
        for name, value in fields.items()
        if name not in _KNOWN and (type(value) in _PLAIN or (type(value) is str and 0 < len(value) <= _MOST_BESIDE))
    }


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _first_word(names: tuple[str, ...], *places: Mapping[str, object]) -> str | None:
    for place in places:
        for name in names:
            if name in place and (found := word(place[name])):
                return found
    return None


def _error(fields: dict[str, object], response: dict[str, object]) -> str | None:
    """What went wrong: an error of the line, of the answer, or a status that is none of success."""
    for error in (fields.get("error"), response.get("error")):
        if error:
            inner = error.get("message") if isinstance(error, dict) else None
            return shown(inner or error)[:500]
    outer = _inside(fields, "response", "response_body") or {}
    status = outer.get("status_code", fields.get("status_code"))
    return f"status {status}" if type(status) is int and status >= 400 else None
