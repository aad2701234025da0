"""Inspect AI: logs of evaluations, archives and plain ones, with samples whole and in chunks.

Archives are written here byte by byte, with blocks that are stored and not squeezed, so that they are the same
whichever library is there: deflate and Zstandard both have such blocks.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]
START = datetime(2026, 5, 4, 9, tzinfo=UTC)
MODEL, GRADER = "anthropic/m-large", "openai/m-grader"
STORED, DEFLATED, ZSTANDARD = 0, 8, 93
TOOLS = [{"name": name, "parameters": {"type": "object"}} for name in ("bash", "reader")]


# --- archives --------------------------------------------------------------------------------------------------------


def packed(data: bytes, method: int) -> bytes:
    """The bytes in one block, as it were squeezed."""
    size = len(data)
    if method == DEFLATED:
        return b"\x01" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + data
    if method == ZSTANDARD:
        block = (1 | size << 3).to_bytes(3, "little")
        return b"\x28\xb5\x2f\xfd\xa0" + size.to_bytes(4, "little") + block + data
    return data


def archive(entries: Iterable[tuple[str, Any]], method: int) -> bytes:
    """An archive of JSON documents."""
    body, directory, count = b"", b"", 0
    for name, content in entries:
        data = json.dumps(content, separators=(",", ":")).encode()
        stored = packed(data, method)
        about = (
            b"\x14\0\0\0" + method.to_bytes(2, "little") + b"\0\0\x21\0" + zlib.crc32(data).to_bytes(4, "little")
            + len(stored).to_bytes(4, "little") + len(data).to_bytes(4, "little")
            + len(name.encode()).to_bytes(2, "little") + b"\0\0"
        )  # fmt: skip
        place = len(body).to_bytes(4, "little")
        directory += b"PK\x01\x02\x14\0" + about + bytes(10) + place + name.encode()
        body += b"PK\x03\x04" + about + name.encode() + stored
        count += 1
    end = count.to_bytes(2, "little") * 2 + len(directory).to_bytes(4, "little") + len(body).to_bytes(4, "little")
    return body + directory + b"PK\x05\x06" + bytes(4) + end + b"\0\0"


# --- samples ---------------------------------------------------------------------------------------------------------


def stamp(seconds: float) -> str:
    """A time as Inspect writes it."""
    return (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def usage(fresh: int, read: int, write: int, output: int) -> dict[str, int]:
    """Usage of a call; the input is without the cache."""
    return {
        "input_tokens": fresh, "input_tokens_cache_read": read, "input_tokens_cache_write": write,
        "output_tokens": output, "reasoning_tokens": output // 5, "total_tokens": fresh + read + write + output,
    }  # fmt: skip


class Sample:
    """A sample while it runs."""

    def __init__(self, name: str, epoch: int = 1) -> None:
        self.name, self.epoch = name, epoch
        self.events: list[Event] = []
        self.pool: list[dict[str, Any]] = []
        self.usage: dict[str, dict[str, int]] = {}
        self.last = 0.0

    def event(self, kind: str, at: float, span: str | None, **fields: Any) -> Event:
        """An event; what is None is left out."""
        self.last = max(self.last, at)
        found = {"uuid": f"{self.name}-{len(self.events)}", "span_id": span, "timestamp": stamp(at), "event": kind}
        self.events.append({key: value for key, value in (found | fields).items() if value is not None})
        return self.events[-1]

    def begin(self, span: str, at: float, kind: str, name: str, parent: str | None = None) -> None:
        """A span."""
        self.event("span_begin", at, span, id=span, parent_id=parent, type=kind, name=name)

    def end(self, span: str, at: float) -> None:
        """Its end."""
        self.event("span_end", at, span, id=span)

    def say(self, role: str, content: Any, **fields: Any) -> int:
        """A message of the pool; where it is."""
        self.pool.append({"id": f"m{len(self.pool)}", "role": role, "content": content} | fields)
        return len(self.pool) - 1

    def model(
        self, span: str, at: float, took: float, refs: list[list[int]], text: str, used: dict[str, int] | None,
        calls: Iterable[tuple[str, str, Any]] = (), wait: float = 0, model: str = MODEL, **fields: Any,
    ) -> int:  # fmt: skip
        """A model call; where its answer is in the pool."""
        asked = [{"id": i, "function": name, "arguments": given, "type": "function"} for i, name, given in calls]
        answer = {"role": "assistant", "content": text} | ({"tool_calls": asked} if asked else {})
        choice = {"message": answer, "stop_reason": "tool_calls" if asked else "stop"}
        output = {"model": model.partition("/")[2], "choices": [choice], "usage": used}
        self.event(
            "model", at, span, model=model, input=[], input_refs=refs, tools=TOOLS if model == MODEL else [],
            output=output, completed=stamp(at + took), working_time=round(took - wait, 3), **fields,
        )  # fmt: skip
        if used and fields.get("cache") != "read":
            sums = self.usage.setdefault(model, dict.fromkeys(used, 0))
            for key, number in used.items():
                sums[key] += number
        self.pool.append({"id": f"m{len(self.pool)}"} | answer)
        return len(self.pool) - 1

    def tool(self, span: str, at: float, took: float, call: tuple[str, str, Any], result: str, **fields: Any) -> int:
        """A tool call; where its result is in the pool."""
        call_id, name, given = call
        self.event(
            "tool", at, span, type="function", id=call_id, function=name, arguments=given, result=result, events=[],
            completed=stamp(at + took), working_time=took, **fields,
        )  # fmt: skip
        return self.say("tool", result, tool_call_id=call_id, function=name)

    def whole(self, **fields: Any) -> dict[str, Any]:
        """The sample as its entry has it."""
        return {
            "id": self.name, "epoch": self.epoch, "input": "…", "target": "…", "messages": [], "scores": {},
            "events": self.events, "model_usage": self.usage, "started_at": stamp(0), "completed_at": stamp(self.last),
            "total_time": self.last, "working_time": self.last, "uuid": f"u-{self.name}-{self.epoch}",
            "attachments": {}, "events_data": {"messages": self.pool, "calls": []},
        } | fields  # fmt: skip


def parallel() -> Sample:
    """Two sub-agents at once, of which one waited, a compaction, and a scorer that asks a grader."""
    sample = Sample("orders")
    sample.begin("lead", 0, "agent", "lead")
    system, user = sample.say("system", "You are careful."), sample.say("user", "Why are two orders missing?")
    calls = [("c1", "reader", {"task": "Read the importer."}), ("c2", "reader", {"task": "Read the report."})]
    sample.model("lead", 0.1, 3, [[system, user + 1]], "Two readers.", usage(6, 0, 9_000, 160), calls)
    for number in (1, 2):
        span = f"reader-{number}"
        sample.begin(span, 3.1 + number / 10, "agent", "reader", "lead")
        task = sample.say("user", f"attachment://t{number}")
        sample.model(
            span, 3.3 + number / 10, 10 * number, [[system, system + 1], [task, task + 1]], f"Reader {number} is done.",
            usage(89, 0 if number == 1 else 1_200, 1_200 if number == 1 else 0, 110), wait=4.5 if number == 2 else 0,
        )  # fmt: skip
        sample.end(span, 3.4 + number / 10 + 10 * number)
    results = [
        sample.tool(
            "lead", 3.05, 10 * number + 0.5, call, f"Reader {number} is done.", agent_span_id=f"reader-{number}"
        )
        for number, call in enumerate(calls, 1)
    ]
    sample.event("compaction", 24, "lead", type="summary", tokens_before=150_000, tokens_after=9_700, source="inspect")
    summary = sample.say("user", "So far: " + " ".join(sample.pool[place]["content"] for place in results))
    sample.model("lead", 25, 8, [[system, user + 1], [summary, summary + 1]], "Empty lines.", usage(705, 9_000, 0, 40))
    sample.end("lead", 33.5)
    sample.begin("scorers", 34, "scorers", "scorers")
    sample.begin("fact", 34, "scorer", "model_graded_fact", "scorers")
    asked = sample.say("user", "Is it right?")
    sample.model("fact", 34.1, 2, [[asked, asked + 1]], "C", usage(300, 0, 0, 5), model=GRADER, role="grader")
    sample.event("score", 36.2, "fact", score={"value": "C", "answer": "Empty lines."})
    sample.end("fact", 36.3)
    sample.end("scorers", 36.4)
    return sample


def limited() -> Sample:
    """A failed attempt, an answer out of Inspect's cache, a call that fails, a limit, and a span that never ends."""
    sample = Sample("returns")
    sample.begin("solver", 0, "solver", "basic_agent")
    user = sample.say("user", "Find the returns.")
    call = ("k1", "bash", {"cmd": "ls"})
    sample.model("solver", 1, 0.1, [[user, user + 1]], "Looking.", usage(400, 0, 0, 20), [call], cache="read")
    sample.tool("solver", 1.2, 0.4, call, "", error={"type": "timeout", "message": "timed out"})
    sample.model("solver", 2, 5, [[user, user + 3]], "", None, error="overloaded", retries=2)
    sample.event("sample_limit", 8, "solver", type="token", message="Token limit exceeded", limit=500)
    sample.begin("late", 8, "agent", "helper", "solver")
    return sample


def attempts() -> list[dict[str, Any]]:
    """What a sample has of an attempt that failed before."""
    sample = Sample("returns-before")
    sample.model("gone", -30, 1, [], "Hm.", usage(50, 0, 0, 5))
    return [{"message": "connection lost", "traceback": "…", "events": sample.events}]


def about(status: str = "success", **fields: Any) -> dict[str, Any]:
    """What a log has beside its samples."""
    described = {
        "eval_id": "e1", "run_id": "r1", "created": stamp(0), "task": "shop", "task_id": "t1", "task_version": 0,
        "model": MODEL, "solver": "basic_agent", "dataset": {"samples": 3}, "config": {}, "packages": {},
    }  # fmt: skip
    return {"version": 2, "status": status, "eval": described, "plan": {"name": "plan", "steps": []}} | fields


def shop() -> bytes:
    """An archive of a whole evaluation, deflated: one sample as an entry each."""
    one, other = parallel(), limited()
    stats = {"started_at": stamp(0), "completed_at": stamp(90), "model_usage": one.usage}
    return archive([
        ("_journal/start.json", {key: value for key, value in about().items() if key != "status"}),
        ("samples/orders_epoch_1.json", one.whole(
            scores={"model_graded_fact": {"value": "C"}},
            attachments={"t1": "Read the importer.", "t2": "Read the report."},
        )),
        ("samples/returns_epoch_1.json", other.whole(
            scores={"includes": {"value": "I"}}, limit={"type": "token", "limit": 500}, error_retries=attempts(),
        )),
        ("summaries.json", []),
        ("header.json", about(stats=stats)),
    ], DEFLATED)  # fmt: skip


def chunked() -> bytes:
    """An evaluation that has not ended, in Zstandard: a sample in chunks, and a call that is still out."""
    sample = Sample("stock", epoch=2)
    sample.begin("agent", 0, "agent", "solo")
    user = sample.say("user", "attachment://0")
    call = ("s1", "bash", {"cmd": "count"})
    sample.model("agent", 1, 2, [[user, user + 1]], "Counting.", usage(900, 0, 0, 30), [call])
    result = sample.tool("agent", 3.1, 1, call, "12")
    sample.model("agent", 5, 0, [[user, result + 1]], "", None, pending=True)
    del sample.events[-1]["completed"], sample.events[-1]["working_time"]
    prefix = "samples/stock_epoch_2"
    shell = {key: value for key, value in sample.whole(message_refs=[]).items()
             if key not in ("events", "messages", "events_data", "attachments", "completed_at", "scores")}  # fmt: skip
    return archive([
        ("_journal/start.json", {key: value for key, value in about().items() if key != "status"}),
        (f"{prefix}/sample.json", shell),
        (f"{prefix}/messages/0.json", sample.pool[:2]), (f"{prefix}/messages/2.json", sample.pool[2:]),
        (f"{prefix}/events/0.json", sample.events[:2]), (f"{prefix}/events/2.json", sample.events[2:]),
        (f"{prefix}/events/stats.json", {}), (f"{prefix}/attachments/0.json", ["Count the stock."]),
    ], ZSTANDARD)  # fmt: skip


def nested() -> dict[str, Any]:
    """A sample of 2024: steps instead of spans, and the events of an agent inside those of the call."""
    sample = Sample("old")
    sample.event("step", 0, None, action="begin", type="solver", name="basic_agent")
    call = ("o1", "reader", {"task": "Read."})
    sample.model("", 1, 2, [], "One reader.", {"input_tokens": 120, "output_tokens": 9, "total_tokens": 129}, [call])
    inner = Sample("inner")
    inner.model("", 3.5, 2, [], "Read.", {"input_tokens": 80, "output_tokens": 4, "total_tokens": 84})
    sample.tool("", 3, 3, call, "Read.", agent="reader")
    sample.events[-1]["events"] = inner.events
    sample.event("step", 7, None, action="end", type="solver", name="basic_agent")
    for event in (*sample.events, *inner.events):
        event.pop("span_id", None)
    return sample.whole(
        scores={"match": {"value": 0.75}}, model_usage={MODEL: {"input_tokens": 200, "output_tokens": 13}}
    )


def plain() -> bytes:
    """A log of one object, over several lines, with numbers that are none and larger than any integer of 64 bits."""
    samples = []
    for epoch in (1, 2):
        sample = Sample("prices", epoch)
        sample.event("step", 0, None, action="begin", type="solver", name="generate")
        sample.event("model", 1, None, model=MODEL, tools=[], config={"temperature": float("nan"), "seed": 2**64 + 7},
                     input=[{"role": "user", "content": "Sum the prices."}],
                     output={"model": "m-large", "choices": [{"message": {"role": "assistant", "content": "7"}}],
                             "usage": {"input_tokens": 900 + epoch, "input_tokens_cache_read": 600, "output_tokens": 11,
                                       "total_tokens": 911 + epoch}})  # fmt: skip
        sample.event("step", 2, None, action="end", type="solver", name="generate")
        sample.event("step", 2, None, action="begin", type="scorer", name="match")
        sample.event("score", 2, None, score={"value": 0.5 if epoch == 1 else float("nan")})
        sample.event("step", 2, None, action="end", type="scorer", name="match")
        samples.append(sample.whole(scores={"match": {"value": 0.5 if epoch == 1 else float("nan")}}, model_usage={}))
    return json.dumps(about(samples=samples), indent=2).encode() + b"\n"


def cut() -> bytes:
    """An archive that ends in its second sample."""
    whole = shop()
    return whole[: whole.index(b'"sample_limit"')]


def files() -> Iterator[tuple[str, bytes]]:
    """The names and bytes of all samples."""
    yield "inspect/shop/2026-05-04T09-00-00+00-00_shop_t1.eval", shop()
    yield "inspect/shop/2026-05-04T10-00-00+00-00_shop_t2.eval", chunked()
    yield "inspect/old/2024-11-04T09-00-00+00-00_shop_t3.eval", archive([
        ("header.json", about()), ("samples/old_epoch_1.json", nested()),
    ], STORED)  # fmt: skip
    yield "inspect/old/2024-11-04T10-00-00+00-00_prices_t4.json", plain()
    yield "inspect/damaged/2026-05-04T11-00-00+00-00_shop_t5.eval", cut()
