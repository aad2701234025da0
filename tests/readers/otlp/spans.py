"""Small traces for tests, written as exporters write them."""

import json

from explorer.readers import Place, StepPlace, messages, reader_of
from tests.readers.reading import read

TRACE = "5b8efff798038103d269b633813fc60c"


def value(plain):
    """A value as OTLP wraps it."""
    if isinstance(plain, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": value(each)} for key, each in plain.items()]}}
    if isinstance(plain, list):
        return {"arrayValue": {"values": [value(each) for each in plain]}}
    if isinstance(plain, bool):
        return {"boolValue": plain}
    if isinstance(plain, float):
        return {"doubleValue": plain}
    return {"intValue": str(plain)} if isinstance(plain, int) else {"stringValue": plain}


def span(span_id, parent=None, name="", start=0, end=1_000, trace=TRACE, error=None, attributes=(), **fields):
    """A span from ``start`` to ``end``, in milliseconds since a start; ``attributes`` are plain."""
    found = {"traceId": trace, "spanId": span_id.rjust(16, "0"), "name": name, "kind": 1}
    if parent:
        found["parentSpanId"] = parent.rjust(16, "0")
    found["startTimeUnixNano"] = str((1_790_000_000_000 + start) * 1_000_000)
    if end is not None:
        found["endTimeUnixNano"] = str((1_790_000_000_000 + end) * 1_000_000)
    found["attributes"] = [{"key": key, "value": value(each)} for key, each in dict(attributes).items()]
    found["status"] = {"code": 2, "message": error} if error else {}
    return found | fields


def agent(span_id, name, parent=None, **fields):
    """A span of an agent; what is not one of a span's own is an attribute without its dots."""
    return _of("invoke_agent", span_id, parent, {"gen_ai.agent.name": name}, fields)


def chat(span_id, parent=None, tokens=(100, 10), **fields):
    """A call of a model."""
    usage = {"gen_ai.usage.input_tokens": tokens[0], "gen_ai.usage.output_tokens": tokens[1]} if tokens else {}
    return _of("chat", span_id, parent, {"gen_ai.request.model": "m"} | usage, fields)


def tool(span_id, name, parent=None, call_id=None, **fields):
    """A tool call."""
    more = {"gen_ai.tool.call.id": call_id} if call_id else {}
    return _of("execute_tool", span_id, parent, {"gen_ai.tool.name": name} | more, fields)


def _of(operation, span_id, parent, attributes, fields):
    more = dict(fields.pop("attributes", {}))
    return span(
        span_id, parent, attributes={"gen_ai.operation.name": operation} | attributes | more,
        **({"name": operation} | fields),
    )  # fmt: skip


def document(*spans, scope="s", service="shop", resource=None):
    """Spans as they are exported at once."""
    found = [{"key": key, "value": value(each)} for key, each in ({"service.name": service} | (resource or {})).items()]
    return {
        "resourceSpans": [
            {"resource": {"attributes": found}, "scopeSpans": [{"scope": {"name": scope}, "spans": [*spans]}]}
        ]
    }


def lines(*documents):
    """A file of documents, one a line."""
    return b"".join(json.dumps(each, separators=(",", ":")).encode() + b"\n" for each in documents)


def reading(directory, *spans, **fields):
    """What is read of a file of one document."""
    path = directory / "t.jsonl"
    path.write_bytes(lines(document(*spans, **fields)))
    return read(path, reader="otlp")


def said(directory, found, run, until=None):
    """What was said in a run."""
    steps = [
        StepPlace(step.ordinal, step.source_id, step.offset, step.length, step.is_replay, step.extra)
        for step in found.steps
        if step.run_id == run.run_id
    ]
    place = Place(run.conversation_id, run.agent_id, run.run_id, run.native_run_id, steps, until, run.extra)
    files = {path.name: path for path in directory.iterdir()}
    return [(each.role, each.kind, each.text, each.step_ordinal) for each in messages(reader_of("otlp"), files, place)]
