"""codex: session rollouts, written line by line as Codex does while agents play.

Each thread has a file and a counter of its own. What a build does differently is in ``Thread``: whether it writes a
record for each response, whether lines have ordinals, and what of its parent's history a forked child begins with.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]

START_MS = 1_790_000_000_000
"""When the first session begins: 2026-09-21 14:13:20 UTC."""

DAY_MS = 86_400_000
INSTRUCTIONS = "You are a coding agent. Work in the current directory and say what you did."
FIELDS = (
    "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens",
    "total_tokens",
)  # fmt: skip
ZERO = dict.fromkeys(FIELDS, 0)


def thread_id(number: int) -> str:
    """A thread's id."""
    return f"01a40000-0000-7000-8000-{number:012x}"


def usage(input_tokens: int, cached: int, output: int, reasoning: int = 0) -> dict[str, int]:
    """What a response cost."""
    return dict(zip(FIELDS, (input_tokens, cached, 0, output, reasoning, input_tokens + output), strict=True))


def plus(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    """Their sum."""
    return {name: left[name] + right[name] for name in FIELDS}


class Thread:
    """A thread while it is at work."""

    def __init__(
        self, number: int, root: int | None = None, parent: Thread | None = None, path: str | None = None,
        forks: bool = False, at: int = START_MS, paginated: bool = True, records: bool = True,
        version: str = "0.153.0", **meta: Any,
    ) -> None:  # fmt: skip
        self.id, self.root = thread_id(number), thread_id(number if root is None else root)
        self.parent, self.path, self.at, self.paginated, self.records = parent, path, at, paginated, records
        self.lines: list[Record] = []
        self.total, self.turn, self.responses = ZERO, "", 0
        self.torn: set[int] = set()
        self.meta: Record = {
            "session_id": self.root, "id": self.id, "timestamp": self.stamp(), "cwd": "/src/app",
            "originator": "codex-tui", "cli_version": version, "source": "cli", "model_provider": "openai",
            "base_instructions": {"text": INSTRUCTIONS}, "history_mode": "paginated" if paginated else "legacy", **meta,
        }  # fmt: skip
        if parent is not None:
            spawn: Record = {"parent_thread_id": parent.id, "depth": 1}
            if path is not None:
                spawn |= {"agent_path": path, "agent_nickname": path.rpartition("/")[2].title()}
            self.meta |= {"source": {"subagent": {"thread_spawn": spawn}}, "parent_thread_id": parent.id}
            self.meta |= {"agent_path": path} if path else {}
        self.write("session_meta", self.meta, 0)
        if forks and parent is not None:
            self.copy(parent)

    def stamp(self) -> str:
        """The time, as a line has it."""
        return datetime.fromtimestamp(self.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def write(self, kind: str, payload: Record, after: int = 120) -> None:
        """A line, so many milliseconds after the one before."""
        self.at += after
        ordinal = {"ordinal": len(self.lines) + self.meta.get("history_base", {}).get("end_ordinal_exclusive", 0)}
        self.lines.append(
            {"timestamp": self.stamp(), **(ordinal if self.paginated else {}), "type": kind, "payload": payload}
        )

    def copy(self, parent: Thread) -> None:
        """Begin with the history of the parent: its messages, and in a legacy file its events too."""
        self.meta["forked_from_id"] = parent.id
        for line in copy.deepcopy(parent.lines):
            payload = line["payload"]
            talk = payload.get("role") == "user" or payload.get("phase") == "final_answer"
            events = line["type"] in ("event_msg", "turn_context", "compacted") and not self.paginated
            if line["type"] == "session_meta" or (line["type"] == "response_item" and talk) or events:
                self.write(line["type"], payload, 0)
        if self.paginated:
            self.meta["subagent_history_start_ordinal"] = len(self.lines)
        else:
            self.total = parent.total
        self.event("thread_settings_applied", thread_settings={"model": "m-large", "reasoning_effort": "medium"})

    def event(self, name: str, **fields: Any) -> None:
        """An event."""
        self.write("event_msg", {"type": name, **fields})

    def item(self, kind: str, **fields: Any) -> None:
        """An item of the history."""
        self.write("response_item", {"type": kind, **fields})

    def begin(self, turn: str, asked: str | None = None, model: str = "m-large") -> None:
        """A turn begins."""
        self.turn = turn
        self.event("task_started", turn_id=turn, model_context_window=272_000)
        self.write("turn_context", {"turn_id": turn, "cwd": "/src/app", "model": model, "effort": "medium"})
        if asked is not None:
            self.item("message", role="user", content=[{"type": "input_text", "text": asked}])

    def end(self, text: str) -> None:
        """A turn ends with an answer."""
        self.event("task_complete", turn_id=self.turn, last_agent_message=text, duration_ms=2_000)

    def says(self, text: str) -> None:
        """The model ends with a message."""
        content = [{"type": "output_text", "text": text}]
        self.item("message", role="assistant", content=content, phase="final_answer")

    def call(
        self, call_id: str, name: str, arguments: Record, output: str, between: Iterator[None] | None = None
    ) -> None:
        """The model calls a tool, and what comes of it, after whatever happens in between."""
        namespace = {"namespace": "collaboration"} if name in ("spawn_agent", "wait_agent") and self.path else {}
        self.item("function_call", name=name, **namespace, arguments=json.dumps(arguments), call_id=call_id)
        for _ in between or ():
            pass
        self.item("function_call_output", call_id=call_id, output=output)

    def spend(self, input_tokens: int, cached: int, output: int, reasoning: int = 0) -> None:
        """A response is counted."""
        last = usage(input_tokens, cached, output, reasoning)
        self.total = plus(self.total, last)
        if self.records:
            self.responses += 1
            self.write("token_usage_record", {
                "thread_id": self.id, "turn_id": self.turn, "session_id": self.root,
                "response_id": f"resp_{self.id[-2:]}_{self.responses}", "usage": last,
            })  # fmt: skip
        self.count(last)

    def count(self, last: dict[str, int]) -> None:
        """The running total, with what was last."""
        info = {"total_token_usage": self.total, "last_token_usage": last, "model_context_window": 272_000}
        self.event("token_count", info=info, rate_limits=None)

    def letter(self, author: str, recipient: str, kind: str, text: str, sealed: str | None = None) -> None:
        """A message from another agent comes in."""
        self.write("inter_agent_communication_metadata", {"trigger_turn": kind == "NEW_TASK"})
        head = f"Message Type: {kind}\nTask name: {recipient}\nSender: {author}\nPayload:\n{text}"
        content = [{"type": "input_text", "text": head}]
        content += [{"type": "encrypted_content", "encrypted_content": sealed}] if sealed else []
        self.item("agent_message", author=author, recipient=recipient, content=content)

    def bytes(self) -> bytes:
        """The file."""
        texts = [json.dumps(line, separators=(",", ":")).encode() for line in self.lines]
        return b"".join((text[: len(text) // 2] if n in self.torn else text) + b"\n" for n, text in enumerate(texts))

    def name(self, rollout: str | None = None) -> str:
        """Where the file is below ``sessions``; as on a machine two hours east of Greenwich."""
        local = datetime.fromtimestamp((self.at_first + 2 * 3_600_000) / 1000, UTC)
        suffix = f"_{rollout}" if rollout else ""
        return f"{local:%Y/%m/%d}/rollout-{local:%Y-%m-%dT%H-%M-%S}-{self.id}{suffix}.jsonl"

    @property
    def at_first(self) -> int:
        """When it began."""
        return round(datetime.fromisoformat(self.lines[0]["timestamp"]).timestamp() * 1000)


def second_version() -> Iterator[Thread]:
    """A root with two agents: one with nothing of its history, one with all of it, whose answer never arrives."""
    root = Thread(1, path="/root", thread_source="user")
    root.begin("turn-1a", "Count the files, and lint them.")
    count = Thread(2, 1, root, "/root/count", at=root.at)

    def spawn(call_id: str, child: Thread, name: str) -> Iterator[None]:
        root.event("item_completed", thread_id=root.id, turn_id="turn-1a", completed_at_ms=root.at + 120, item={
            "type": "SubAgentActivity", "id": call_id, "kind": "started", "agent_thread_id": child.id,
            "agent_path": f"/root/{name}",
        })  # fmt: skip
        yield

    sealed = "gAAAAABqZmlsZXM="
    arguments = {"task_name": "count", "message": sealed, "fork_turns": "none"}
    root.call("call_1", "spawn_agent", arguments, '{"task_name":"/root/count"}', spawn("call_1", count, "count"))
    root.spend(1_400, 1_024, 60, 20)
    count.begin("turn-2a")
    count.letter("/root", "/root/count", "NEW_TASK", "", sealed)
    count.call("call_2", "exec_command", {"cmd": "ls | wc -l"}, "Process exited with code 0\nOutput:\n42\n")
    count.spend(900, 512, 30)
    count.says("There are 42 files.")
    count.spend(1_000, 896, 12)
    count.end("There are 42 files.")
    lint = Thread(3, 1, root, "/root/lint", forks=True, at=root.at)
    arguments = {"task_name": "lint", "message": "gAAAAABqbGludA==", "fork_turns": "all"}
    root.call("call_3", "spawn_agent", arguments, '{"task_name":"/root/lint"}', spawn("call_3", lint, "lint"))
    root.spend(1_550, 1_408, 40)
    lint.begin("turn-3a")
    lint.letter("/root", "/root/lint", "NEW_TASK", "", "gAAAAABqbGludA==")
    lint.call("call_4", "exec_command", {"cmd": "ruff check"}, "Process exited with code 1\nOutput:\nE501\n")
    lint.spend(1_700, 1_408, 25)
    lint.says("One line is too long.")
    lint.spend(1_760, 1_664, 10)
    lint.end("One line is too long.")
    root.letter("/root/count", "/root", "FINAL_ANSWER", "There are 42 files.")
    root.says("There are 42 files; I did not wait for the linter.")
    root.spend(1_660, 1_536, 18)
    root.end("There are 42 files; I did not wait for the linter.")
    yield from (root, count, lint)


def first_version() -> Iterator[Thread]:
    """Counters that are sent again, restarted, and copied into a child with its parent's whole history."""
    old: Record = {"paginated": False, "records": False, "version": "0.98.0"}
    root = Thread(4, at=START_MS + DAY_MS, **old)
    root.begin("turn-4a", "Rename the module.")
    root.call("call_1", "shell", {"command": ["ls"]}, '{"output":"a.py","metadata":{"exit_code":0}}')
    root.spend(2_000, 0, 50, 10)
    root.count(usage(2_000, 0, 50, 10))  # with news of rate limits
    root.says("It is a.py.")
    root.spend(2_100, 1_920, 15)
    root.end("It is a.py.")
    root.begin("turn-4b", "Then rename it, and have somebody look for uses of it.")
    child = Thread(5, 4, root, forks=True, at=root.at, **old)
    spawned = json.dumps({"agent_id": child.id, "nickname": "Euler"})
    root.call("call_2", "spawn_agent", {"message": "Look for uses of a.py."}, spawned)
    root.spend(2_300, 2_048, 45)
    child.begin("turn-5a", "Look for uses of a.py.")
    child.call("call_3", "shell", {"command": ["grep", "-r", "a"]}, '{"output":"","metadata":{"exit_code":1}}')
    child.spend(2_400, 2_048, 35)
    child.says("There are none.")
    child.spend(2_480, 2_304, 8)
    child.end("There are none.")
    root.total = ZERO  # its context was full
    root.count(ZERO | {"total_tokens": 272_000})
    kept = [line["payload"] for line in root.lines if line["payload"].get("role") == "user"]
    root.write("compacted", {"message": "a.py is to be renamed.", "replacement_history": kept, "window_number": 2})
    answered = json.dumps({"status": {child.id: {"completed": "There are none."}}, "timed_out": False})
    root.call("call_4", "wait", {"ids": [child.id]}, answered)
    root.spend(700, 0, 30)
    root.says("Renamed; nobody uses it.")
    root.spend(790, 640, 12)
    root.end("Renamed; nobody uses it.")
    yield from (root, child)


def forked_by_its_user(root: Thread) -> Thread:
    """A conversation of its own that goes on from another one's file."""
    base = {"thread_id": root.id, "end_ordinal_exclusive": len(root.lines), "end_byte_offset": len(root.bytes())}
    fork = Thread(6, at=START_MS + 2 * DAY_MS, forked_from_id=root.id, history_base=base)
    fork.begin("turn-6a", "How many were there?")
    fork.says("42.")
    fork.spend(1_800, 1_664, 5)
    fork.end("42.")
    return fork


def reverted() -> Iterator[tuple[Thread, str | None]]:
    """A thread that was set back to the end of its first turn."""
    first = Thread(7, at=START_MS + 3 * DAY_MS)
    first.begin("turn-7a", "Write a test.")
    first.says("Written.")
    first.spend(1_100, 0, 70)
    first.end("Written.")
    keeps = len(first.lines)
    first.begin("turn-7b", "Delete it.")
    first.says("Deleted.")
    first.spend(1_250, 1_024, 9)
    first.end("Deleted.")
    base = {"thread_id": first.id, "end_ordinal_exclusive": keeps, "end_byte_offset": 0}
    second = Thread(7, at=first.at + 60_000, history_base=base)
    second.begin("turn-7c", "Run it.")
    second.says("It passes.")
    second.spend(1_240, 1_024, 11)
    second.end("It passes.")
    yield first, None
    yield second, thread_id(8)


def torn() -> Thread:
    """A crash in the middle, after which it was resumed, and a line of a build to come."""
    thread = Thread(9, at=START_MS + 4 * DAY_MS)
    thread.begin("turn-9a", "Build it.")
    thread.call("call_1", "exec_command", {"cmd": "make"}, "Process exited with code 2\nOutput:\nno rule\n")
    thread.torn.add(len(thread.lines) - 1)
    thread.spend(1_300, 0, 40)
    thread.begin("turn-9b", "Go on.")
    thread.write("shape_of_things", {"to": "come"})
    thread.says("There is no rule for it.")
    thread.spend(1_420, 1_280, 10)
    return thread


def rested() -> Thread:
    """Nobody touched it for a week: it is compressed."""
    thread = Thread(10, at=START_MS - 30 * DAY_MS, paginated=False, records=False, version="0.140.0")
    thread.begin("turn-10a", "What is this?")
    thread.says("A program.")
    thread.spend(1_000, 0, 6)
    thread.end("A program.")
    return thread


def bare() -> bytes:
    """Lines as they were before September 2025: a head, items, states of the recorder; no tokens."""
    head = {"id": thread_id(11), "timestamp": "2025-05-07T17:24:21.123Z", "instructions": INSTRUCTIONS}
    output = '{"output":"README","metadata":{"exit_code":0,"duration_seconds":0.1}}'
    lines: list[Record] = [
        head,
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}]},
        {"record_type": "state"},
        {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}', "call_id": "call_1"},
        {"type": "function_call_output", "call_id": "call_1", "output": output},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "README."}]},
    ]
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


def index() -> bytes:
    """The names of threads, the newest last."""
    names = (9, "build"), (1, "Survey of the parser"), (9, "Repair the build")
    lines = [{"id": thread_id(n), "thread_name": name, "updated_at": "2026-09-26T08:00:00Z"} for n, name in names]
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)


def compressed(content: bytes) -> bytes:
    """As Zstandard at its usual level."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def files() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every sample."""
    family = [*second_version()]
    for thread in (*family, *first_version(), forked_by_its_user(family[0]), torn()):
        yield f"codex/sessions/{thread.name()}", thread.bytes()
    for thread, rollout in reverted():
        yield f"codex/sessions/{thread.name(rollout)}", thread.bytes()
    thread = rested()
    yield f"codex/sessions/{thread.name()}.zst", compressed(thread.bytes())
    yield "codex/session_index.jsonl", index()
    yield f"codex/archived_sessions/rollout-2025-05-07T19-24-21-{thread_id(11)}.jsonl", bare()
