"""OTLP/JSON: spans of agents, models and tools, as a Collector and an export over HTTP write them.

Agents play on one clock. What a prompt holds grows as it does for a real agent, so that what readers of the same files
share is known; a token is four characters, and a provider's cache serves what its model has seen before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

START_MS = 1_790_000_000_000
"""When the first trace begins: September 2026."""

Span: TypeAlias = dict[str, Any]
Message: TypeAlias = dict[str, Any]

SYSTEM = "You lead a team of readers. Give each of them one file, and answer from what they report."
READER = "You read one file of a project and report what it does in a few lines. You never change anything."
BRIEFING = "The project is a shop: orders, prices, stock and mail. Say what the file does and what it depends on."
PRINTED = {
    "orders.py": "class Order: lines, total() sums prices; imports prices, stock",
    "prices.py": "def price(item): base price and discounts; no imports of ours",
    "stock.py": "def reserve(item, count): a row lock per item; imports mail",
}


def any_value(value: object) -> dict[str, Any]:
    """A value as OTLP wraps it."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": attributes(value)}}
    return {"stringValue": str(value)}


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Keys and values; what is None is left out."""
    return [{"key": key, "value": any_value(value)} for key, value in values.items() if value is not None]


def tokens(*texts: object) -> int:
    """How many tokens texts are."""
    return sum(len(text if isinstance(text, str) else json.dumps(text)) for text in texts) // 4


class Trace:
    """A trace that is being written."""

    def __init__(self, name: str, start_ms: int) -> None:
        self.id = hashlib.md5(name.encode()).hexdigest()
        self.now = start_ms
        self.spans: list[Span] = []

    def span(
        self, name: str, parent: Span | None, start: int, end: int | None, values: dict[str, Any], kind: int = 1,
        error: str | None = None, links: Sequence[Span] = (),
    ) -> Span:  # fmt: skip
        """A span; times in milliseconds since 1970."""
        number = f"{self.id}/{len(self.spans)}"
        span: Span = {"traceId": self.id, "spanId": hashlib.md5(number.encode()).hexdigest()[:16]}
        if parent is not None:
            span["parentSpanId"] = parent["spanId"]
        span |= {"name": name, "kind": kind, "startTimeUnixNano": f"{start}000000"}
        if end is not None:
            span["endTimeUnixNano"] = f"{end}000000"
        span["attributes"] = attributes(values)
        if links:
            span["links"] = [{"traceId": each["traceId"], "spanId": each["spanId"]} for each in links]
        span["status"] = {"code": 2, "message": error} if error else {}
        self.spans.append(span)
        return span


def document(spans: Sequence[Span], scope: str, service: str = "shop-agents") -> dict[str, Any]:
    """What is exported at once."""
    resource = {"attributes": attributes({"service.name": service, "service.version": "1.4.0"})}
    scopes = [{"scope": {"name": scope, "version": "0.9.1"}, "spans": list(spans)}]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}


def line(value: object) -> bytes:
    """A document as the Collector writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


# --- GenAI conventions: a lead with three readers, content recorded --------------------------------------------------


def text(role: str, content: str) -> Message:
    """A message of text."""
    return {"role": role, "parts": [{"type": "text", "content": content}]}


class Conversing:
    """An agent of one conversation and its prompt."""

    def __init__(self, trace: Trace, system: str, conversation: str, cache: set[str]) -> None:
        self.trace, self.system, self.conversation, self.cache = trace, system, conversation, cache
        self.messages: list[Message] = []
        self.sums = [0, 0]

    def call(self, parent: Span, start: int, took: int, answer: Message, finish: str, **more: Any) -> Span:
        """A call of the model, with what its cache had seen before."""
        prompt = [self.system, *(json.dumps(message) for message in self.messages)]
        read, whole = 0, ""
        for each in prompt:
            whole += each
            read = tokens(whole) if whole in self.cache else read
            self.cache.add(whole)
        counted, out = tokens(whole), tokens(answer)
        self.sums = [self.sums[0] + counted, self.sums[1] + out]
        span = self.trace.span("chat m-large", parent, start, start + took, {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.request.model": "m-large",
            "gen_ai.response.model": "m-large-2026-08", "gen_ai.conversation.id": self.conversation,
            "gen_ai.response.id": f"msg_{len(self.trace.spans):02}", "gen_ai.response.finish_reasons": [finish],
            "gen_ai.usage.input_tokens": counted, "gen_ai.usage.output_tokens": out,
            "gen_ai.usage.cache_read.input_tokens": read, "gen_ai.usage.cache_creation.input_tokens": counted - read,
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": self.system}]),
            "gen_ai.input.messages": json.dumps(self.messages), "gen_ai.output.messages": json.dumps([answer]), **more,
        }, kind=3)  # fmt: skip
        self.messages = [*self.messages, answer]
        return span


def reading(lead: Conversing, parent: Span, file: str, start: int) -> tuple[int, list[int], str]:
    """A reader at work on one file: when it ended, what it used, and its report."""
    trace = lead.trace
    agent = Conversing(trace, READER, lead.conversation, lead.cache)
    agent.messages = [text("user", BRIEFING), text("user", f"Read {file}.")]
    span = trace.span("invoke_agent reader", parent, start, None, {})
    call = {"type": "tool_call", "id": f"call_{file}", "name": "read_file", "arguments": {"path": file}}
    agent.call(span, start + 40, 1_900, {"role": "assistant", "parts": [call]}, "tool_call")
    trace.span("execute_tool read_file", span, start + 1_960, start + 2_010, {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "read_file", "gen_ai.tool.call.id": call["id"],
        "gen_ai.tool.call.arguments": json.dumps({"path": file}), "gen_ai.tool.call.result": PRINTED[file],
    })  # fmt: skip
    result = {"type": "tool_call_response", "id": call["id"], "response": PRINTED[file]}
    agent.messages.append({"role": "tool", "parts": [result]})
    report = f"{file}: {PRINTED[file].split(';')[0]}."
    end = start + 2_050 + 60 * len(report)
    agent.call(span, start + 2_050, end - start - 2_080, text("assistant", report), "stop")
    span["endTimeUnixNano"] = f"{end}000000"
    span["attributes"] = attributes({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "reader", "gen_ai.provider.name": "anthropic",
        "gen_ai.conversation.id": lead.conversation, "gen_ai.request.model": "m-large",
        "gen_ai.usage.input_tokens": agent.sums[0], "gen_ai.usage.output_tokens": agent.sums[1],
    })  # fmt: skip
    return end, agent.sums, report


def team(name: str = "shop-questions") -> list[Span]:
    """A lead that asks three readers at once; its span repeats what everything below it used."""
    trace = Trace(name, START_MS)
    lead = Conversing(trace, SYSTEM, name, set())
    lead.messages = [text("user", "What does placing an order touch?")]
    start = trace.now
    root = trace.span("invoke_agent lead", None, start, None, {})
    calls = [
        {"type": "tool_call", "id": f"ask_{file}", "name": "ask_reader", "arguments": {"file": file}}
        for file in PRINTED
    ]
    lead.call(root, start + 20, 2_400, {"role": "assistant", "parts": calls}, "tool_call")
    sums, ends, answers = [0, 0], [], []
    for number, (file, call) in enumerate(zip(PRINTED, calls, strict=True)):
        began = start + 2_450 + 15 * number
        tool = trace.span("execute_tool ask_reader", root, began, None, {
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "ask_reader", "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call["id"], "gen_ai.tool.call.arguments": json.dumps(call["arguments"]),
        })  # fmt: skip
        end, used, report = reading(lead, tool, file, began + 10)
        tool["endTimeUnixNano"] = f"{end + 5}000000"
        tool["attributes"] += attributes({"gen_ai.tool.call.result": report})
        sums = [sums[0] + used[0], sums[1] + used[1]]
        ends.append(end + 5)
        answers.append({"type": "tool_call_response", "id": call["id"], "response": report})
    lead.messages.append({"role": "tool", "parts": answers})
    end = max(ends) + 30
    answer = text("assistant", "Orders read prices and reserve stock, which sends mail. Nothing else is touched.")
    lead.call(root, end, 3_100, answer, "stop", **{"gen_ai.usage.reasoning.output_tokens": 12})
    root["endTimeUnixNano"] = f"{end + 3_140}000000"
    root["attributes"] = attributes({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "lead", "gen_ai.agent.id": "agent-lead",
        "gen_ai.conversation.id": lead.conversation, "gen_ai.provider.name": "anthropic",
        "gen_ai.usage.input_tokens": sums[0] + lead.sums[0], "gen_ai.usage.output_tokens": sums[1] + lead.sums[1],
    })  # fmt: skip
    return trace.spans


def collector() -> Iterator[tuple[str, bytes]]:
    """Two files of the Collector: spans are exported when they end, and the second file was begun in between."""
    spans = sorted(team(), key=lambda span: int(span["endTimeUnixNano"]))
    scope = "shop.genai"
    for number, part in enumerate((spans[:9], spans[9:]), start=1):
        halves = part[: len(part) // 2], part[len(part) // 2 :]
        yield f"otlp/collector/traces-{number}.jsonl", b"".join(line(document(half, scope)) for half in halves)


# --- OpenLLMetry: a session of two traces without agents, pretty-printed ----------------------------------------------


def openllmetry() -> dict[str, Any]:
    """Calls of a provider inside calls of a framework; the input is without what the cache read, as one call shows."""
    inner: list[Span] = []
    outer: list[Span] = []
    asked = ["How many orders were placed in May?", "And in June?"]
    for number in range(len(asked)):
        trace = Trace(f"openllmetry-{number}", START_MS + 3_600_000 + 90_000 * number)
        start, session = trace.now, "chat-81"
        prompt = {"gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Answer from the table of orders."}
        for at, each in enumerate(asked[: number + 1]):
            prompt |= {f"gen_ai.prompt.{2 * at + 1}.role": "user", f"gen_ai.prompt.{2 * at + 1}.content": each}
            if at < number:
                prompt |= {"gen_ai.prompt.2.role": "assistant", "gen_ai.prompt.2.content": "1,204 orders."}
        answer = {"gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": f"1,{204 + number} orders."}
        of_all = {"traceloop.association.properties.session_id": session, "traceloop.workflow.name": "orders_chat"}
        root = trace.span("orders_chat.workflow", None, start, start + 5_200, {
            "traceloop.span.kind": "task", "traceloop.entity.name": "orders_chat", **of_all,
        })  # fmt: skip
        usage = {"gen_ai.usage.prompt_tokens": 38 + number, "gen_ai.usage.completion_tokens": 6}
        outer_call = trace.span("ChatAnthropic.chat", root, start + 100, start + 5_000, {
            "gen_ai.system": "Langchain", "llm.request.type": "chat", "gen_ai.request.model": "m-large",
            **usage, **of_all,
        })  # fmt: skip
        call = trace.span("anthropic.chat", outer_call, start + 150, start + 4_950, {
            "gen_ai.system": "Anthropic", "llm.request.type": "chat", "gen_ai.request.model": "m-large",
            "gen_ai.response.model": "m-large-2026-08", "gen_ai.response.id": f"msg_x{number}", **prompt, **answer,
            **usage, "gen_ai.usage.cache_read_input_tokens": 2_048 * number,
            "gen_ai.usage.cache_creation_input_tokens": 0 if number else 2_048, **of_all,
        }, kind=3)  # fmt: skip
        inner.append(call)
        outer += [root, outer_call]
    whole = document(inner, "opentelemetry.instrumentation.anthropic", "orders-chat")
    whole["resourceSpans"] += document(outer, "opentelemetry.instrumentation.langchain", "orders-chat")["resourceSpans"]
    return whole


# --- OpenInference: what Phoenix exports, with everything that goes wrong ---------------------------------------------


def openinference() -> bytes:
    """An agent of which spans are there twice, were lost or have not ended, and another that goes on from it."""
    trace = Trace("openinference", START_MS + 7_200_000)
    start, session = trace.now, {"session.id": "support-12"}
    root = trace.span("Agent.run", None, start, start + 9_000, {
        "openinference.span.kind": "AGENT", "agent.name": "support", "input.value": "My order 12 is late.",
        "llm.token_count.prompt": 410, "llm.token_count.completion": 9, **session,
    })  # fmt: skip
    asked = {
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "You help customers.",
        "llm.input_messages.1.message.role": "user",
        "llm.input_messages.1.message.content": "My order 12 is late.",
    }
    called = {
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "find_order",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"order": 12}',
    }
    trace.span("LLM", root, start + 50, start + 2_000, {
        "openinference.span.kind": "LLM", "llm.model_name": "m-small", "llm.provider": "openai",
        "llm.token_count.prompt": 380, "llm.token_count.completion": 21, "llm.token_count.total": 401,
        "llm.token_count.prompt_details.cache_read": 256, **asked, **called, **session,
    }, kind=3)  # fmt: skip
    tool = trace.span("find_order", root, start + 2_050, start + 2_900, {
        "openinference.span.kind": "TOOL", "tool.name": "find_order", "input.value": '{"order": 12}', **session,
    }, error="order 12 is not there")  # fmt: skip
    trace.span("embed", tool, start + 2_060, start + 2_100, {
        "openinference.span.kind": "EMBEDDING", "embedding.model_name": "m-embed", "llm.token_count.prompt": 7,
    })  # fmt: skip
    trace.span("search", root, start + 2_950, start + 3_300, {"openinference.span.kind": "RETRIEVER", **session})
    trace.span("LLM", root, start + 3_400, start + 8_800, {
        "openinference.span.kind": "LLM", "llm.model_name": "m-small", "llm.provider": "openai",
        "llm.token_count.prompt": 410, "llm.token_count.completion": 9, "llm.token_count.completion_details.audio": 3,
        **session,
    }, kind=3)  # fmt: skip
    later = Trace("openinference-later", start + 60_000)
    lost = {"spanId": "00000000000000aa"}
    goes_on = later.span("Agent.run", lost, start + 60_000, None, {
        "openinference.span.kind": "AGENT", "agent.name": "refunds", **session,
    }, links=[root])  # fmt: skip
    later.span("LLM", goes_on, start + 58_500, start + 61_000, {
        "openinference.span.kind": "LLM", "llm.model_name": "m-small", "llm.provider": "openai",
        "llm.token_count.prompt": 120, "llm.token_count.completion": "a few", **session,
    }, kind=3)  # fmt: skip
    scope = "openinference.instrumentation.shop"
    parts = [trace.spans[1:], trace.spans[:2], later.spans]
    return b"".join(line(document(part, scope, "support")) for part in parts)


def damaged() -> bytes:
    """A file whose writer was killed, with a document of logs, and with a quote that was lost in one span."""
    spans = team("cut-short")[:6]
    whole, broken = line(document(spans[1:3], "shop.genai")), line(document(spans[3:6], "shop.genai"))
    at = broken.index(b'"execute_tool') + 5
    broken = broken[:at] + b'"' + broken[at + 1 :]
    logs = line({"resourceLogs": []})
    cut = line(document(spans[:1], "shop.genai"))
    return whole + broken + logs + cut[: len(cut) // 2]


def files() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of every sample."""
    yield from collector()
    yield "otlp/http/export.json", json.dumps(openllmetry(), indent=1).encode() + b"\n"
    yield "otlp/phoenix/spans.jsonl", openinference()
    yield "otlp/damaged/traces.jsonl", damaged()
