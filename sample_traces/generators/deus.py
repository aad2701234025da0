"""Deus: a checkout with groups whose containers ran one after the other, and with groups whose containers did not.

Times are seconds after ``START``. A container's log is written when it ends, and so is every other line: with the end
and how long it took.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from generators.claude_code import LARGE, SMALL, START, Transcript, done, say, spawn, use, uuid

CHECKOUT = "deus/checkout"
VERSION = "2.1.114"

MESSAGES = """
CREATE TABLE registered_groups (
    jid TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL UNIQUE, trigger_pattern TEXT NOT NULL,
    added_at TEXT NOT NULL, container_config TEXT, requires_trigger INTEGER DEFAULT 1, is_main INTEGER DEFAULT 0,
    project_id TEXT);
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, group_folder TEXT NOT NULL, session_id TEXT NOT NULL,
    backend TEXT DEFAULT 'claude', resume_cursor TEXT, metadata_json TEXT, last_used_at TEXT, orphaned_at TEXT,
    orphan_reason TEXT);
CREATE TABLE scheduled_tasks (
    id TEXT PRIMARY KEY, group_folder TEXT NOT NULL, chat_jid TEXT NOT NULL, prompt TEXT NOT NULL,
    schedule_type TEXT NOT NULL, schedule_value TEXT NOT NULL, next_run TEXT, last_run TEXT, last_result TEXT,
    status TEXT DEFAULT 'active', created_at TEXT NOT NULL, agent_backend TEXT,
    context_mode TEXT DEFAULT 'isolated');
CREATE TABLE task_run_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, run_at TEXT NOT NULL, duration_ms INTEGER NOT NULL,
    status TEXT NOT NULL, result TEXT, error TEXT);
"""

EVOLUTION = """
CREATE TABLE interactions (
    id TEXT PRIMARY KEY, timestamp TEXT NOT NULL, group_folder TEXT, prompt TEXT, response TEXT, tools_used TEXT,
    latency_ms INTEGER, session_id TEXT, eval_suite TEXT, judge_score REAL, context_tokens INTEGER);
"""

GROUPS = {"family-chat": "Family Chat", "workshop": "Workshop", "book-club": "Book Club", "night-desk": "Night Desk"}


def stamp(at: float) -> str:
    """A time as every log writes it."""
    return (START + timedelta(seconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch(at: float) -> int:
    """The same in milliseconds since 1970."""
    return round(1000 * (START.timestamp() + at))


def lines(*records: dict[str, Any]) -> bytes:
    """A log."""
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)


def container(
    folder: str, start: float, end: float, prompt: str, session: str = "new", ipc: str = "", code: int = 0,
    idle: bool = False, below: str = CHECKOUT,
) -> tuple[str, bytes]:  # fmt: skip
    """The log of a container; ``ipc`` is the run whose IPC folder it was given, ``idle`` that it was closed at last."""
    name = stamp(end).replace(":", "-").replace(".", "-")
    mounts = f"\n=== Mounts ===\n/srv/deus/data/ipc/{folder}/{ipc} -> /workspace/ipc\n" if ipc else ""
    streamed = f"Container: deus-{folder}-{epoch(start + 1.5)}\nHad Streaming Output: true\n" if idle else ""
    return f"{below}/groups/{folder}/logs/container-{name}.log", (
        f"=== Container Run Log{' (TIMEOUT)' if idle else ''} ===\nTimestamp: {stamp(end)}\n"
        f"Group: {GROUPS.get(folder, folder)}\n{streamed}IsControlGroup: false\n"
        f"Duration: {epoch(end) - epoch(start)}ms\n"
        f"Exit Code: {code}\nStdout Truncated: false\nStderr Truncated: false\n\n=== Input Summary ===\n"
        f"Prompt length: {len(prompt)} chars\nSession ID: {session}\n{mounts}"
    ).encode()


def used(session: str, start: float, end: float, turns: int, *figures: int, model: str = LARGE) -> dict[str, Any]:
    """A line of usage: fresh, written, read and output tokens."""
    fresh, written, read, output = figures
    cost = round((fresh + 1.25 * written + 0.1 * read + 5 * output) * 5e-6, 6)
    model_usage = {
        "inputTokens": fresh, "outputTokens": output, "cacheReadInputTokens": read, "cacheCreationInputTokens": written,
        "webSearchRequests": 0, "costUSD": cost, "contextWindow": 200000,
    }  # fmt: skip
    return {
        "ts": stamp(end), "session_id": session, "subtype": "success", "num_turns": turns,
        "duration_ms": epoch(end) - epoch(start), "duration_api_ms": 900 * turns, "total_cost_usd": cost,
        "model_usage": {model: model_usage},
    }  # fmt: skip


def called(session: str, at: float, call: str, name: str, **what: str) -> dict[str, Any]:
    """A line of the log of tool calls, written when the call was over."""
    return {
        "ts": stamp(at), "session_id": session, "tool_use_id": call, "name": name, "is_error": False, **what
    }  # fmt: skip


def sent(session: str, result: str) -> bytes:
    """What a container writes for its host."""
    reference = {"backend": "claude", "session_id": session}
    return json.dumps(
        {"status": "success", "result": result, "newSessionRef": reference, "newSessionId": session}
    ).encode()


class Inside(Transcript):
    """A transcript that a container writes."""

    cwd = "/workspace/group"


def kept(folder: str, session: str, transcript: Transcript) -> tuple[str, bytes]:
    """Where it is kept, and its bytes."""
    below = f"{CHECKOUT}/data/sessions/{folder}/.claude/projects/-workspace-group"
    if transcript.agent_id is None:
        return f"{below}/{session}.jsonl", transcript.content()
    return f"{below}/{session}/subagents/agent-{transcript.agent_id}.jsonl", transcript.content()


def family_chat() -> Iterator[tuple[str, bytes]]:
    """A chat that answers twice in one container and is closed when it has been idle; a task after it; all is well."""
    chat, task = uuid("d1", 1), uuid("d2", 1)
    first, second = "What is on the list?", "And on Sunday?"
    said = Inside(chat, VERSION, "d1", at=3)
    said.user(first)
    said.answer((6, 8000, 0, 40), use("toolu_d11", "Bash", command="cat list.md"), stop="tool_use")
    said.result("toolu_d11", "milk, tea")
    said.answer((5, 100, 8000, 20), say("Milk and tea."))
    said.user(second, 40)
    said.answer((5, 90, 8100, 12), say("Nothing."))
    yield kept("family-chat", chat, said)
    weather = Inside(task, VERSION, "d2", at=3602)
    weather.user("Weather", 0.5)
    weather.answer((4, 7900, 100, 9), say("Sunny."), model=SMALL)
    yield kept("family-chat", task, weather)
    yield container("family-chat", 0, 1850, first, chat, idle=True)
    yield container("family-chat", 3600, 3606, "Weather")
    logs = f"{CHECKOUT}/groups/family-chat/logs"
    yield f"{logs}/usage.jsonl", lines(
        used(chat, 3.2, 9.5, 2, 11, 8100, 8000, 60), used(chat, 49, 51.5, 3, 16, 8190, 16100, 72),
        used(task, 3602, 3605, 1, 4, 7900, 100, 9, model=SMALL),
    )  # fmt: skip
    answer = f"family-chat-{epoch(0)}"
    yield f"{logs}/tool-calls/{answer}.jsonl", lines(called(chat, 7, "toolu_d11", "Bash", command="cat list.md"))
    yield f"{logs}/available-tools/{answer}.json", b'["Bash","Read","Task"]'
    size = {"ts": stamp(7), "tool": "Bash", "tool_use_id": "toolu_d11", "bytes": 9, "approx_tokens": 2}
    yield f"{logs}/tool-sizes.jsonl", lines(size)


def workshop() -> Iterator[tuple[str, bytes]]:
    """An agent beside the chat, on one IPC folder; two with folders of their own; and one beside an idle container."""
    chat, beside = uuid("d3", 1), uuid("d4", 1)
    prompt, ticket = "Which screws are left?", "Work on ticket 7"
    said = Inside(chat, VERSION, "d3", at=7203)
    said.user(prompt, 0.5)
    said.answer((6, 9000, 0, 45), use("toolu_d31", "Bash", command="ls screws"), stop="tool_use")
    said.result("toolu_d31", "m4 m5", 70)
    said.answer((5, 120, 9000, 25), say("M4 and M5."))
    yield kept("workshop", chat, said)
    worker = Inside(beside, VERSION, "d4", at=7243)
    worker.user(ticket, 0.5)
    asked = ["Read the plan", "Read the bill"]
    calls = worker.answer(
        (6, 9100, 0, 90), *(spawn(f"toolu_d4{n}", each, each) for n, each in enumerate(asked, 1)), stop="tool_use"
    )
    for number, each in enumerate(asked, 1):
        agent = Inside(beside, VERSION, f"d4{number}", f"ad4000000000000{number}", worker.at + 0.5)
        agent.user(each, root=True)
        agent.answer((4, 3000, 0, 30), say(f"{each[9:]} is fine."), wait=18)
        worker.at = agent.at
        outcome = done(agent.agent_id or "", each, 3034, 0, 19000, f"{each[9:]} is fine.")
        worker.result(f"toolu_d4{number}", outcome["content"], 0.2, calls[number - 1], toolUseResult=outcome)
        yield kept("workshop", beside, agent)
    worker.answer((5, 300, 9100, 30), say("Ticket 7 is done."))
    yield kept("workshop", beside, worker)
    yield container("workshop", 7200, 7290, prompt, chat)
    yield container("workshop", 7240, 7296, ticket)
    one, two, late = uuid("d5", 1), uuid("d6", 1), uuid("d7", 1)
    yield container("workshop", 9000, 9060, "Part one of the plan", one, ipc="multi-agent-t1")
    yield container("workshop", 9002, 9070, "Part two of the plan", two, ipc="multi-agent-t2")
    third = "Sum up the plan\n\n--- Context from t1 ---\nPart one.\n\n--- Context from t2 ---\nPart two.\n"
    whole = uuid("db", 1)
    summary = Inside(whole, VERSION, "db", at=9083)
    summary.user(third, 0.5)
    summary.answer((6, 7000, 0, 30), say("Two parts."))
    yield kept("workshop", whole, summary)
    yield container("workshop", 9080, 9095, third, whole, ipc="multi-agent-t3")
    yield container("workshop", 10800, 12640, "Thanks", chat, idle=True)
    yield container("workshop", 11400, 11430, "Count the drills", late)
    yield f"{CHECKOUT}/groups/workshop/logs/usage.jsonl", lines(
        used(chat, 7203.5, 7278, 2, 11, 9120, 9000, 70), used(beside, 7243.5, 7291, 2, 11, 9400, 9100, 120),
        used(one, 9004, 9058, 1, 5, 6000, 0, 80), used(two, 9006, 9068, 1, 5, 6100, 0, 95),
        used(chat, 10804, 10809, 1, 5, 60, 9120, 6), used(late, 11403, 11428, 1, 4, 5000, 0, 20),
    )  # fmt: skip
    ipc = f"{CHECKOUT}/data/ipc/workshop"
    yield f"{ipc}/output/0.json", sent(chat, "M4 and M5.")
    yield f"{ipc}/output/1.json", sent(beside, "Ticket 7 is done.")
    yield f"{ipc}/multi-agent-t1/output/0.json", sent(one, "Part one.")
    yield f"{ipc}/multi-agent-t2/output/0.json", sent(two, "Part two.")


def book_club() -> Iterator[tuple[str, bytes]]:
    """A `/compact` that began beside the turn whose session it cuts short."""
    session, prompt = uuid("d8", 1), "Sum up the first chapter for those who missed it"
    said = Inside(session, VERSION, "d8", at=14403)
    said.user(prompt, 0.5)
    said.answer((6, 150000, 0, 60), use("toolu_d81", "Read", path="chapter-1.md"), stop="tool_use")
    said.result("toolu_d81", "It begins.", 20)
    said.answer((5, 4000, 150000, 300), say("It begins."))
    said.at = 14437
    said.write(
        "system", root=True, logicalParentUuid=said.tip, subtype="compact_boundary", content="Conversation compacted",
        compactMetadata={"trigger": "manual", "preTokens": 154311},
    )  # fmt: skip
    said.user("This session is being continued. They sum up chapter 1.", 0.001, isCompactSummary=True)
    said.answer((8, 9000, 0, 25), say("And so on."), wait=4)
    yield kept("book-club", session, said)
    yield container("book-club", 14400, 14445, prompt, session)
    yield container("book-club", 14425, 14440, "/compact", session)
    yield (
        f"{CHECKOUT}/groups/book-club/logs/usage.jsonl",
        lines(
            used(session, 14428, 14438, 1, 9, 200, 154000, 1900),
            used(session, 14403, 14442, 3, 19, 163000, 150000, 385),
        ),
    )


def night_desk() -> Iterator[tuple[str, bytes]]:
    """A container that was killed, and what is left in its IPC folder; no transcript is there."""
    session = uuid("d9", 1)
    yield container("night-desk", 18000, 18090, "Is anybody there?", session, code=137)
    logs = f"{CHECKOUT}/groups/night-desk/logs"
    yield f"{logs}/usage.jsonl", lines(used(session, 18003, 18040, 2, 12, 5000, 0, 60))
    yield (
        f"{logs}/tool-calls/night-desk-{epoch(18000)}.jsonl",
        lines(called(session, 18020, "toolu_d91", "Read", file_path="desk.md")),
    )
    yield f"{CHECKOUT}/data/ipc/night-desk/input/_close", b""
    message = {"type": "message", "text": "Hello?", "timestamp": stamp(18095)}
    yield f"{CHECKOUT}/data/ipc/night-desk/input/{epoch(18095)}-q7.json", json.dumps(message).encode()
    yield f"{CHECKOUT}/data/ipc/errors/night-desk-{epoch(18050)}-z1.json", b'{"type":"message","chatJid":'


def databases() -> Iterator[tuple[str, bytes]]:
    """The groups, and a task of the family's that ran twice: once in a container whose log is there."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(MESSAGES)
    for number, (folder, name) in enumerate(GROUPS.items(), 1):
        row = (f"tg:{number}", name, folder, "@Deus", stamp(-9e6), None, 1, int(number == 1), None)
        connection.execute("INSERT INTO registered_groups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    session = ("family-chat", uuid("d1", 1), stamp(51))
    connection.execute("INSERT INTO sessions (group_folder, session_id, last_used_at) VALUES (?, ?, ?)", session)
    task = ("weather", "family-chat", "tg:1", "Weather", "cron", "0 10 * * *", stamp(-9e6))
    names = "id, group_folder, chat_jid, prompt, schedule_type, schedule_value, created_at"
    connection.execute(f"INSERT INTO scheduled_tasks ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", task)
    for end, took, status, error in ((-82800, 31000, "error", "no network"), (3606.4, 6400, "success", None)):
        run = ("weather", stamp(end), took, status, error)
        connection.execute(
            "INSERT INTO task_run_logs (task_id, run_at, duration_ms, status, error) VALUES (?, ?, ?, ?, ?)", run
        )
    connection.commit()
    yield f"{CHECKOUT}/store/messages.db", connection.serialize()
    connection = sqlite3.connect(":memory:")
    connection.executescript(EVOLUTION)
    judged = (f"family-chat-{epoch(0)}", stamp(10), "family-chat", "What is on the list?", "", "[]", 10000,
              uuid("d1", 1), "runtime", 0.8, 5)  # fmt: skip
    other = ("cc-1", stamp(-500000), "family-chat", "Old", "", "[]", 900, None, "claude_code", 0.1, 1)
    for row in (judged, other):
        connection.execute("INSERT INTO interactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    yield "deus/home/evolution.db", connection.serialize()


def damaged() -> Iterator[tuple[str, bytes]]:
    """A log whose head is cut off, and lines of usage that are none."""
    session = uuid("da", 1)
    name, content = container("attic", 0, 60, "Anything?", session, below="deus/damaged")
    yield name, content[: content.index(b"Duration")]
    whole = lines(used(session, 3, 20, 1, 4, 900, 0, 9), used(session, 30, 50, 1, 4, 50, 900, 9))
    yield "deus/damaged/groups/attic/logs/usage.jsonl", b"not a line\n" + whole[:-30]


def files() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of the samples."""
    for part in (family_chat, workshop, book_club, night_desk, databases, damaged):
        yield from part()
