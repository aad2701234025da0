"""A parsed span becomes a draft: what it is, and what of it is kept."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from sys import intern

from explorer.readers.otlp import _names as names
from explorer.readers.otlp._content import Content
from explorer.readers.otlp._draft import AgentCall, Aside, Key, ModelCall, Note, Place, Span, ToolUse, Usage
from explorer.readers.otlp._kinds import Kind, is_compaction, kind_of, tells
from explorer.readers.otlp._messages import Said
from explorer.readers.otlp._values import Attributes, Wanted, attributes_of, from_json, nanoseconds
from explorer.readers.otlp._walk import Found

_ID_LENGTH = 64
_CLIENT = (3, "SPAN_KIND_CLIENT")
_ERROR = (2, "STATUS_CODE_ERROR")
_MOST_LINKS = 100
_LONGEST = 400
_LONGEST_NAME = 60


class NoSpan(ValueError):
    """The object has no ids by which it could be told from others."""


def span_of(found: Found, file: int) -> Span:
    """The draft of a span.

    Raises:
        NoSpan: it has no ids.
    """
    fields = found.fields
    key = _key(fields)
    if key is None:
        raise NoSpan("a span without traceId and spanId")
    name = fields.get("name")
    name = intern(name) if isinstance(name, str) else ""
    recorded = fields.get("attributes")
    start = nanoseconds(_either(fields, "startTimeUnixNano", "start_time_unix_nano"))
    end = nanoseconds(_either(fields, "endTimeUnixNano", "end_time_unix_nano"))
    is_telling = tells(name, recorded)
    attributes = attributes_of(recorded) if is_telling else {}
    kind: Kind = kind_of(name, attributes) if is_telling else "other"
    wanted = Wanted(attributes)
    span = Span(
        key, _id(_either(fields, "parentSpanId", "parent_span_id")), name, kind,
        Place(file, found.offset, found.end - found.offset), found.scope, start, end,
        error=_error(fields, attributes),
    )  # fmt: skip
    if start is not None and end is not None and end < start:
        wanted.complaints.append("it ends before it starts: the end counts as not recorded")
        span.end = None
    if attributes:
        span.conversation, span.session = wanted.text(names.CONVERSATION), wanted.text(names.SESSION)
    if kind != "other":
        span.links = tuple(_links(fields))
        span.raised = tuple(_raised(fields))
        span.told = _told(kind, name, fields, wanted)
    if attributes and kind not in ("model", "agent"):
        span.aside = _aside(name, attributes)
    span.complaints = tuple(wanted.complaints)
    return span


def _aside(name: str, attributes: Attributes) -> Aside | None:
    wanted = Wanted(attributes)
    usage = _usage(wanted)
    operation = wanted.text([names.OPERATION]) or name or "a span without name"
    return Aside(intern(operation[:_LONGEST_NAME]), usage) if usage.is_recorded else None


def _either(fields: dict[str, object], name: str, other: str) -> object:
    value = fields.get(name)
    return fields.get(other) if value is None else value


def _id(value: object) -> str | None:
    """An id in lower case: hexadecimal digits are written either way."""
    return value.lower() if isinstance(value, str) and 0 < len(value) <= _ID_LENGTH and value.strip("0") else None


def _key(fields: dict[str, object]) -> Key | None:
    trace = _id(_either(fields, "traceId", "trace_id"))
    span = _id(_either(fields, "spanId", "span_id"))
    return (intern(trace), span) if trace and span else None


def _told(kind: Kind, name: str, fields: dict[str, object], wanted: Wanted) -> ModelCall | AgentCall | ToolUse | Note:
    if kind == "model":
        return _model_call(fields, wanted)
    if kind == "agent":
        return _agent_call(name, fields, wanted)
    if kind == "tool":
        attributes = wanted.attributes
        return ToolUse(
            wanted.text(names.TOOL_NAME) or _behind_operation(name) or name or "tool",
            wanted.text(names.TOOL_CALL_ID), wanted.text(names.TRANSFER_TARGET),
            any(each in attributes for each in names.TOOL_ARGUMENTS),
            any(each in attributes for each in names.TOOL_RESULT),
        )  # fmt: skip
    usage = _usage(wanted)
    model = wanted.text((*names.REQUEST_MODEL, "embedding.model_name"))
    said = [name or "a span without name", model if model and model not in name else None]
    said.append(f"{usage.input:,} input tokens, in no total" if usage.input is not None else None)
    return Note(": ".join(filter(None, said)), is_compaction(name, wanted.attributes))


def _behind_operation(name: str) -> str:
    """``reader`` of ``invoke_agent reader``."""
    first, _, rest = name.partition(" ")
    return rest.strip() if first.replace("_", "").isalpha() and "_" in first else ""


def _model_call(fields: dict[str, object], wanted: Wanted) -> ModelCall:
    content = Content(fields, wanted.attributes)
    prompt, answer = content.prompt(), content.answer()
    return ModelCall(
        request_model=wanted.text(names.REQUEST_MODEL),
        model=wanted.text(names.RESPONSE_MODEL),
        provider=wanted.text(names.PROVIDER),
        response_id=wanted.text(names.RESPONSE_ID),
        finish=_finish(wanted.attributes),
        usage=_usage(wanted),
        cost=_cost(wanted),
        is_compacted=wanted.flag("gen_ai.conversation.compacted"),
        agent_id=wanted.text(names.AGENT_ID),
        agent_name=wanted.text(names.AGENT_NAME),
        parts=_hashed(prompt),
        asked=[(said.call_id, said.name) for said in answer if said.kind == "tool_call"],
        is_told=bool(prompt or answer),
    )


def _hashed(prompt: Iterable[Said]) -> array[int] | None:
    """The parts of a prompt by Python's own hash, which no key depends on: they are numbered by first appearance."""
    parts = array("q", (hash((said.role, said.kind, said.text, said.name, said.call_id)) for said in prompt))
    return parts or None


def _agent_call(name: str, fields: dict[str, object], wanted: Wanted) -> AgentCall:
    own = Wanted({
        key.replace(names.AGGREGATED, "gen_ai.usage."): value
        for key, value in wanted.attributes.items()
        if key.startswith(names.AGGREGATED)
    })  # fmt: skip
    usage = _usage(own)
    called = wanted.text(names.AGENT_NAME) or wanted.text(names.ENTITY_NAME) or _behind_operation(name)
    return AgentCall(
        agent_id=wanted.text(names.AGENT_ID),
        name=called or name or "agent",
        version=wanted.text(names.AGENT_VERSION),
        description=wanted.text(names.AGENT_DESCRIPTION),
        model=wanted.text(names.REQUEST_MODEL),
        usage=usage if usage.is_recorded else _usage(wanted),
        cost=_cost(wanted),
        is_own=usage.is_recorded,
        is_client=fields.get("kind") in _CLIENT,
        is_told=any(each in wanted.attributes for each in (*names.INPUT_MESSAGES, *names.WHOLE_INPUT)),
    )


def _usage(wanted: Wanted) -> Usage:
    counted = Usage(
        wanted.count(names.INPUT), wanted.count(names.CACHE_READ), wanted.count(names.CACHE_WRITE),
        wanted.count(names.OUTPUT), wanted.count(names.REASONING),
    )  # fmt: skip
    details = next(
        (from_json(wanted.attributes[name]) for name in names.USAGE_DETAILS if name in wanted.attributes), None
    )
    if counted.is_recorded or not isinstance(details, dict):
        return counted
    of = Wanted(details)
    by_name = {
        meaning: of.count(key for key, means in names.DETAILS.items() if means == meaning) for meaning in Usage._fields
    }
    wanted.complaints += of.complaints
    return Usage(**by_name)


def _cost(wanted: Wanted) -> float | None:
    cost = wanted.dollars(names.COST)
    details = from_json(wanted.attributes.get(names.COST_DETAILS)) if cost is None else None
    if not isinstance(details, dict):
        return cost
    of = Wanted(details)
    cost = of.dollars(["total"])
    wanted.complaints += of.complaints
    return cost


def _finish(attributes: Attributes) -> str | None:
    for name in names.FINISH:
        value = from_json(attributes.get(name))
        if isinstance(value, list):
            value = ", ".join(dict.fromkeys(each for each in value if isinstance(each, str)))
        if isinstance(value, str) and value:
            return value[:_LONGEST]
    return None


def _error(fields: dict[str, object], attributes: Attributes) -> str | None:
    status = fields.get("status")
    status = status if isinstance(status, dict) else {}
    message, kind = status.get("message"), attributes.get("error.type")
    failed = (
        status.get("code") in _ERROR or (isinstance(kind, str) and bool(kind)) or attributes.get("success") is False
    )
    if not failed:
        return None
    said = [each for each in (kind, message) if isinstance(each, str) and each]
    return ": ".join(dict.fromkeys(said))[:_LONGEST] or "failed"


def _raised(fields: dict[str, object]) -> Iterable[tuple[int | None, str]]:
    events = fields.get("events")
    for each in events if isinstance(events, list) else ():
        if isinstance(each, dict) and each.get("name") == "exception":
            attributes = Wanted(attributes_of(each.get("attributes")))
            said = [attributes.text(["exception.type"]), attributes.text(["exception.message"])]
            text = ": ".join(filter(None, said)) or "exception"
            yield nanoseconds(_either(each, "timeUnixNano", "time_unix_nano")), text[:_LONGEST]


def _links(fields: dict[str, object]) -> Iterable[Key]:
    links = fields.get("links")
    for each in links[:_MOST_LINKS] if isinstance(links, list) else ():
        if isinstance(each, dict) and (key := _key(each)):
            yield key


def service_of(span: Span) -> str | None:
    """The service that recorded a span."""
    resource = attributes_of(span.scope.resource.fields.get("attributes"))
    name = resource.get("service.name")
    return name if isinstance(name, str) and name and not name.startswith("unknown_service") else None


def scope_of(span: Span) -> str:
    """What recorded a span."""
    name = span.scope.fields.get("name")
    return name if isinstance(name, str) and name else "an unnamed scope"
