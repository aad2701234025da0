"""Databases, streams and dumps, written by hand."""

import sqlite3

from tests.readers.codegraff.simulator import SCHEMA, dumps

ROOT = "7d0f0000-0000-4000-8000-0000000000c1"
LEFT, RIGHT = "5b7e0000-0000-4000-8000-000000000001", "5b7e0000-0000-4000-8000-000000000002"
T0 = 1_780_300_000_000
"""2026-06-01 07:46:40 UTC."""


def row(id_, seq, payload, agent="forge", parent=None, conversation=ROOT, ts=None, **columns):
    """A row of ``trajectory_events``."""
    ts = T0 + 100 * (id_ - 900) if ts is None else ts
    kind = payload.get("kind") if isinstance(payload, dict) else "tool_call"
    usual = {
        "id": id_, "conversation_id": conversation, "agent_id": agent, "parent_agent_id": parent, "seq": seq,
        "ts_ms": ts, "kind": kind, "payload": payload,
    }  # fmt: skip
    return usual | columns


def start(agent="forge", parent=None, **more):
    usual = {"agent_id": agent, "parent_agent_id": parent, "requested_model": None, "resolved_model": "m-large"}
    return {"kind": "agent_run", **usual, "agent_version": "sha256:0a1b2c3d4e5f6071"} | more


def end(turns=2, calls=1, **more):
    usual = {
        "success": True, "turns": turns, "prompt_tokens": 41_200, "completion_tokens": 610, "tool_calls": calls,
        "tool_errors": 0, "wall_ms": 300,
    }  # fmt: skip
    return {"kind": "agent_run_end"} | usual | more


def call(call_id, name="read", **arguments):
    return {"kind": "tool_call", "tool_name": name, "call_id": call_id, "arguments": arguments}


def result(call_id, name="read", values=("text",), is_error=False):
    output = {"is_error": is_error, "values": list(values)}
    return {"kind": "tool_result", "tool_name": name, "call_id": call_id, "is_error": is_error, "output": output}


def ran(conversation_id, text="done"):
    """What a result says of an agent that a call ran."""
    return {"_kind": "ai", "value": text, "conversation_id": conversation_id}


def text(role, content="", calls=(), usage=None, **more):
    """A message of text as it is stored."""
    asked = [{"name": name, "call_id": call_id, "arguments": arguments} for name, call_id, arguments in calls]
    body = {"role": role, "content": content} | ({"tool_calls": asked} if asked else {}) | more
    return {"message": {"text": body}} | ({"usage": usage} if usage else {})


def tool(call_id, name="read", values=({"text": "text"},), is_error=False):
    """A message with the result of a call as it is stored."""
    output = {"is_error": is_error, "values": list(values)}
    return {"message": {"tool": {"name": name, "call_id": call_id, "output": output}}}


def usage(prompt, completion, cached=0, word="actual", cost=None):
    counts = {"prompt": prompt, "completion": completion, "total": prompt + completion, "cached": cached}
    found = {f"{name}_tokens": {word: count} for name, count in counts.items()}
    return found | ({"cost": cost} if cost is not None else {})


def conversation(id_, messages, title=None, by_agent=False, created="2026-06-01 07:46:40.000", **columns):
    """A row of ``conversations``."""
    context = {"conversation_id": id_, "messages": list(messages)} | ({"initiator": "agent"} if by_agent else {})
    usual = {
        "conversation_id": id_, "title": title, "workspace_id": -77, "context": context, "created_at": created,
        "updated_at": "2026-06-01 07:48:00.000", "metrics": None,
    }  # fmt: skip
    return usual | columns


def database(path, events=(), conversations=(), schema=SCHEMA):
    """Write a database; payloads and contexts that are objects become JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(schema)
    for table, rows in (("trajectory_events", events), ("conversations", conversations)):
        for each in rows:
            values = [dumps(value) if isinstance(value, dict) else value for value in each.values()]
            connection.execute(f"INSERT INTO {table} ({', '.join(each)}) VALUES ({', '.join('?' * len(each))})", values)
    connection.commit()
    connection.close()
    return path


def wire(events, **more):
    """Rows as a live stream has them: no ``id``, no ``kind`` beside the payload."""
    names = ("conversation_id", "agent_id", "parent_agent_id", "seq", "ts_ms", "payload")
    return [{name: each[name] for name in names} | more for each in events]


def example():
    """A root run that starts two agents: dossier of the format, section 2.13."""
    asked = {"agent_id": "sage", "tasks": ["map routes", "map models"]}
    return [
        row(901, 0, start(), ts=T0 + 100),
        row(902, 1, call("c_91", "task", **asked), ts=T0 + 3_000),
        row(903, 2, result("c_91", "task", [ran(LEFT, "<task_completed>"), ran(RIGHT)]), ts=T0 + 90_000),
        row(904, 3, end(wall_ms=93_100), ts=T0 + 93_200),
    ]


def siblings():
    """Two runs of one definition that were at work together, as a row after row has them."""
    return [
        row(910, 0, start("sage", "forge"), "sage", "forge", ts=T0 + 4_000),
        row(911, 0, start("sage", "forge"), "sage", "forge", ts=T0 + 4_010),
        row(912, 1, call("c_a"), "sage", "forge", ts=T0 + 5_000),
        row(913, 1, call("c_b"), "sage", "forge", ts=T0 + 5_500),
        row(914, 2, result("c_b"), "sage", "forge", ts=T0 + 6_000),
        row(915, 2, result("c_a"), "sage", "forge", ts=T0 + 6_500),
        row(916, 3, end(2, prompt_tokens=3_000, completion_tokens=90, wall_ms=3_990), "sage", "forge", ts=T0 + 8_000),
        row(917, 3, end(2, prompt_tokens=5_000, completion_tokens=70, wall_ms=4_480), "sage", "forge", ts=T0 + 8_500),
    ]


def in_order(*groups):
    """Rows of several groups by time, numbered anew."""
    rows = sorted((each for group in groups for each in group), key=lambda each: (each["ts_ms"], each["id"]))
    return [each | {"id": number} for number, each in enumerate(rows, 901)]


def of_siblings():
    """The conversations of the two, and of the root that started them."""

    def messages(task, call_id, counts):
        return [
            text("System", "You are sage."), text("System", "<env>"), text("User", task),
            text("Assistant", calls=[("read", call_id, {"p": 1})], usage=usage(counts[0], counts[1], 100)),
            tool(call_id),
            text("Assistant", "Done.", usage=usage(counts[2], counts[3], 900)),
        ]  # fmt: skip

    asked = {"agent_id": "sage", "tasks": ["map routes", "map models"]}
    return [
        conversation(
            ROOT,
            [
                text("System", "You are forge."), text("User", "map the shop"),
                text("Assistant", calls=[("task", "c_91", asked)], usage=usage(20_000, 300, 0), model="m-large"),
                tool("c_91", "task", [{"aI": {"value": "a", "conversation_id": LEFT}},
                                      {"ai": {"value": "b", "conversation_id": RIGHT}}]),
                text("Assistant", "Mapped.", usage=usage(21_200, 310, 19_000), model="m-large"),
            ],
            "map the shop",
        ),
        conversation(LEFT, messages("map routes", "c_a", (1_400, 60, 1_600, 30)), "map routes", True,
                     "2026-06-01 07:46:44.000"),
        conversation(RIGHT, messages("map models", "c_b", (2_400, 40, 2_600, 30)), "map models", True,
                     "2026-06-01 07:46:44.010"),
    ]  # fmt: skip
