"""graff: processes with turns, children and their calls, written as three streams of JSON lines each.

A process plays scripts on one clock. What happens is noted as it ends; ids of nodes are given in that order, a child's
parent is the turn that is current then, and every record is stamped like the recorder stamps it. So the truth of each
call, which the traces do not hold, is known here.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

START_MS = 1_784_100_000_000
"""When the first process begins: July 2026."""

LARGE, SMALL = "m-large", "m-small"

ROOT = "You are graff, a coding agent. Work in the current directory and say what you did."
WORKER = "You are a sub-agent of graff. Do the one task you are given and report on it in a few lines."
REVIEWER = "You are a reviewer. Read the change you are given and name what is wrong with it."
JUDGE = "You are a judge. Compare the candidates you are given and name the better one."

Record: TypeAlias = dict[str, Any]
Script: TypeAlias = Sequence[tuple[Any, ...]]
"""What an agent does, in turn: ``("call", ms)``, ``("tool", name, ms)``, ``("wait", ms)``, ``("spawn", children)`` and
go on when all have reported, or ``("background", child)`` and go on at once."""


def sha(prompt: str) -> str:
    """The fingerprint of a prompt."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]


@dataclass
class Child:
    """A child to spawn."""

    label: str
    script: Script
    prompt: str = WORKER
    kind: str = "subagent"
    model: str = SMALL
    ok: bool = True
    ends: bool = True
    """Whether it lives to be written down."""


@dataclass
class Turn:
    """A turn that is going on."""

    number: int
    start: int
    end: int | None = None
    node: int = 0


@dataclass
class Process:
    """One process of graff, with everything that it writes."""

    run_id: str
    seed: int
    unix_ms: int
    full: bool = False
    one_shot: bool = False
    """A mode in which turns have no nodes."""
    events: list[tuple[int, int, str, Record]] = field(default_factory=list)
    """Time, order, stream, record."""
    turns: list[Turn] = field(default_factory=list)
    now: int = 40
    nodes: int = 0
    """Nodes so far."""
    current: int = 0
    """The turn that is current to the recorder."""
    before: int = 0
    """The last turn that ended."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.identity = {
            "run_id": self.run_id, "pid": 4_000 + self.seed,
            "session_id": hashlib.sha256(self.run_id.encode()).hexdigest()[:32],
        }  # fmt: skip
        self.contexts: dict[str, int] = {}
        self.shas: set[str] = set()
        self.note(2, "trajectories", {"kind": "session", "version": "0.9.4", "unix_ms": self.unix_ms})
        self.behave(
            5, "run_started",
            {"version": "0.9.4", "unix_ms": self.unix_ms, "provider": "anthropic", "model": LARGE,
             "prompt_sha": sha(ROOT), "effort": "high"},
        )  # fmt: skip

    def note(self, at: int, stream: str, record: Record) -> None:
        """Put a record into a stream."""
        self.events.append((at, len(self.events), stream, record))

    def behave(self, at: int, kind: str, fields: Record) -> None:
        """A record of the behavioral stream."""
        self.note(at, "behavior", {"kind": kind, **fields})

    # --- agents ------------------------------------------------------------------------------------------------------

    def turn_at(self, at: int) -> int:
        """The behavioral number of the turn that is going on; 0 outside of any."""
        return next((turn.number for turn in self.turns if turn.start <= at and (turn.end or at) >= at), 0)

    def play(self, at: int, label: str, model: str, script: Script, sub: bool, key: str) -> tuple[int, list[str]]:
        """Let an agent act; returns when it is done and the tools it called."""
        tools: list[str] = []
        for what, *how in script:
            if what == "call":
                at = self.call(at, how[0], label, model, sub, key, error=len(how) > 1)
            elif what == "wait":
                at += how[0]
            elif what == "tool":
                name, ms = how[0].removesuffix("!"), how[1]
                self.tool(at, ms, name, how[0].endswith("!"), sub)
                tools.append(how[0])
                at += ms
            elif what == "spawn":
                ends = []
                for place, child in enumerate(how[0]):
                    began = at + 3 * place
                    ended = self.child(began + 4, child)
                    ends.append(ended)
                    self.tool(began, ended + 2 - began, "subagent", not child.ok, sub)
                    tools.append("subagent" if child.ok else "subagent!")
                at = max(ends) + 2
            elif what == "background":
                self.tool(at, 6, "subagent", False, sub)
                tools.append("subagent")
                self.child(at + 4, how[0])
                at += 6
        return at, tools

    def call(self, at: int, ms: int, label: str, model: str, sub: bool, key: str, error: bool) -> int:
        """A model call."""
        before = self.contexts.get(key, 0)
        context = (before or 9_000) + self.rng.randrange(400, 3_000)
        self.contexts[key] = context
        if not error:
            first = self.rng.randrange(ms // 4, ms // 2)
            self.note(
                at + first, "traces",
                {"ev": "first_token", "turn": ..., "agent": label, "model": model, "from_sub": sub, "ms": first},
            )  # fmt: skip
        self.note(
            at + ms, "traces",
            {"ev": "api", "turn": ..., "agent": label, "model": model, "ms": ms,
             "req_bytes": (before or 9_000) * 4, "resp_bytes": self.rng.randrange(900, 9_000),
             "context_tokens": 0 if error else context, "cache_read_tokens": 0 if error else before * 9 // 10,
             "is_error": error},
        )  # fmt: skip
        return at + ms

    def tool(self, at: int, ms: int, name: str, error: bool, sub: bool) -> None:
        """A tool call; its number is that of its start, which ``streams`` gives."""
        self.note(
            at + ms, "traces",
            {"ev": "tool", "turn": ..., "call_id": (at, len(self.events)), "name": name, "ms": ms,
             "result_bytes": self.rng.randrange(20, 4_000), "is_error": error, "from_sub": sub},
        )  # fmt: skip

    def child(self, at: int, child: Child) -> int:
        """A child, from its start to its node."""
        key = f"{child.label} {at}"
        end, tools = self.play(at, child.label, child.model, child.script, True, key)
        if child.ends:
            self.prompt(end, child.prompt)
            self.note(
                end, "trajectories",
                {"id": ..., "parent": ..., "kind": child.kind, "label": child.label, "provider": "anthropic",
                 "model": child.model, "t": ..., "ms": end - at, "prompt_sha": sha(child.prompt),
                 "prompt_mutated": child.prompt != WORKER, "niche": "", "task": f"{child.label}, then report",
                 "tools": ",".join(tools[:64]), "ok": child.ok, "context_tokens": self.contexts.get(key, 9_000)},
            )  # fmt: skip
        return end

    def prompt(self, at: int, text: str) -> None:
        """The text of a prompt, once."""
        if sha(text) not in self.shas:
            self.shas.add(sha(text))
            self.note(at, "trajectories", {"kind": "prompt", "prompt_sha": sha(text), "text": text})

    def turn(self, task: str, script: Script, prompt: str = ROOT, ok: bool = True, closes: bool = True) -> None:
        """A turn of the root agent."""
        start = self.now
        turn = Turn(len(self.turns) + 1, start)
        self.turns.append(turn)
        about = {
            "prompt_sha": sha(prompt), "recipe_sha": sha(f"recipe of {prompt}"), "recipe_provider": "anthropic",
            "recipe_model": LARGE, "recipe_effort": "high", "recipe_toolset_sha": sha("tools"),
            "task_class": "code", "task": task,
        }  # fmt: skip
        if not self.one_shot:
            self.prompt(start, prompt)
            opened = {"id": turn, "parent": ..., "kind": "turn", "label": LARGE, "t": ..., "live": True}
            self.note(start, "trajectories", opened | about)
        self.behave(
            start + 1, "turn_started", {"turn": turn.number, "parent_turn": turn.number - 1, "trajectory_node": turn}
        )
        end, tools = self.play(start + 2, "main", LARGE, script, False, "main")
        turn.end = end
        if self.full:
            self.behave(end, "text_delta", {"turn": turn.number, "text": f"Done: {task}.", "text_truncated": False})
        if closes and not self.one_shot:
            self.close(turn, end + 1, tools, ok, about)
        self.now = end + 4_000

    def close(self, turn: Turn, at: int, tools: list[str], ok: bool, about: Record) -> None:
        """The end of a turn, with what the process's counters rose by."""
        spent = [row for t, _, _, row in self.events if row.get("ev") == "api" and turn.start <= t <= at]
        cached = sum(row["cache_read_tokens"] for row in spent)
        fresh = sum(max(row["context_tokens"] - row["cache_read_tokens"] - 300, 0) for row in spent)
        sums = {
            "model_calls": len(spent), "tool_errors": sum(name.endswith("!") for name in tools[:64]),
            "uncached_tokens": fresh, "cache_read_tokens": cached, "cost_microusd": 3 * fresh + cached * 3 // 10,
        }  # fmt: skip
        shape = {"resp_blocks": 1, "resp_types": "text", "resp_text_len": 240}
        self.note(
            at, "traces",
            {"ev": "recipe_outcome", "recipe_sha": about["recipe_sha"], "task_class": "code", "provider": "anthropic",
             "model": LARGE, "effort": "high", "success": ok, "executed": ok, "claimed": ok, "verified": ok,
             "latency_ms": at - turn.start, "tool_calls": len(tools), **sums,
             "cache_permille": 1000 * cached // max(cached + fresh, 1), **shape},
        )  # fmt: skip
        closed = {"id": turn, "parent": ..., "kind": "turn", "label": LARGE, "t": ..., "ms": at - turn.start,
                  "prompt_mutated": False}  # fmt: skip
        self.note(
            at, "trajectories",
            closed | about | {"tools": ",".join(tools[:64]), "ok": ok, "context_tokens": self.contexts["main"]}
            | sums | shape,
        )  # fmt: skip
        if not ok:
            self.note(
                at, "trajectories",
                {"kind": "turn_error", "parent": turn, "t": ..., "detail": "server error (5xx), gave up"},
            )  # fmt: skip

    def finish(self, status: str = "closed", dropped: int = 0) -> None:
        """The end of the process."""
        end = max(at for at, *_ in self.events)
        self.behave(end + 200, "run_finished", {"status": status, "local_dropped": dropped})

    # --- files -------------------------------------------------------------------------------------------------------

    def streams(self) -> dict[str, list[Record]]:
        """The records of each stream, numbered and stamped."""
        numbers = sorted(row["call_id"] for *_, row in self.events if row.get("ev") == "tool")
        call_ids = {started: number for number, started in enumerate(numbers, start=1)}
        rows = [*self.events, *(self.tools_in_full(call_ids) if self.full else ())]
        rows.sort(key=lambda event: event[:2])
        found: dict[str, list[Record]] = {"trajectories": [], "traces": [], "behavior": []}
        for at, _, stream, row in rows:
            if stream == "trajectories":
                self.place(row, at)
            elif stream == "traces":
                row |= {name: self.turn_at(at) for name in ("turn",) if name in row}
                row |= {name: call_ids[row[name]] for name in ("call_id",) if name in row}
        for at, _, stream, row in rows:
            if stream == "behavior":
                fields = {name: value.node if name == "trajectory_node" else value for name, value in row.items()}
                head = {"kind": row["kind"], "seq": len(found[stream]) + 1, "ts": (self.unix_ms + at) / 1000}
                found[stream].append(head | {"run_id": self.run_id, "schema": "codegraff.behavior.v1"} | fields)
            else:
                found[stream].append(self.identity | ({"t": at} if stream == "traces" else {}) | row)
        return found

    def place(self, row: Record, at: int) -> None:
        """Number a node: turns at their start, children at their end, which is also when their parent is looked up."""
        if isinstance(row.get("id"), Turn):
            turn = row["id"]
            if not turn.node:
                self.nodes += 1
                turn.node = self.current = self.nodes
            row["id"], row["parent"] = turn.node, self.before
            self.before = self.before if row.get("live") else turn.node
        elif "id" in row:
            self.nodes += 1
            row["id"], row["parent"] = self.nodes, self.current
        elif isinstance(row.get("parent"), Turn):
            row["parent"] = row["parent"].node
        if "t" in row:
            row["t"] = at

    def tools_in_full(self, call_ids: dict[Any, int]) -> Iterator[tuple[int, int, str, Record]]:
        """What the full mode adds of tools."""
        for at, order, _, row in self.events:
            if row.get("ev") == "tool":
                number, start = call_ids[row["call_id"]], at - row["ms"]
                about = {"turn": self.turn_at(start), "call_id": number, "name": row["name"]}
                args = {"path": f"src/part{number}.py"}
                yield start, order, "behavior", {"kind": "tool_started", **about, "args": args, "args_truncated": False}
                done = {"ms": row["ms"], "is_error": row["is_error"], "result_bytes": row["result_bytes"]}
                yield at, order, "behavior", {"kind": "tool_finished", **about, **done}

    def files(self, directory: str) -> dict[str, bytes]:
        """Its three files."""
        return {
            f"graff/{directory}/.graff/{stream}/{self.run_id}.jsonl": lines(rows)
            for stream, rows in self.streams().items()
        }


def lines(records: Sequence[Record]) -> bytes:
    """Records as they are written."""
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)


def work(*tools: str, seed: int = 0) -> list[tuple[Any, ...]]:
    """A script of model calls, with a tool between each two."""
    rng = random.Random(f"{tools} {seed}")
    script: list[tuple[Any, ...]] = []
    for tool in tools:
        script += [("call", rng.randrange(1_500, 6_000)), ("tool", tool, rng.randrange(30, 900))]
    return [*script, ("call", rng.randrange(2_000, 7_000))]


# --- processes -------------------------------------------------------------------------------------------------------


def fan_out() -> Process:
    """Two turns; in the first, two children at once under labels of their own, with one system prompt."""
    process = Process("0a1b2c3d4e5f6071", 1, START_MS, full=True)
    children = [
        Child("map routes", work("list_files", "read_file", "read_file!", "bash")),
        Child("map models", work("list_files", "read_file", seed=1)),
    ]
    process.turn("map the shop service", [*work("read_file"), ("spawn", children), ("call", 5_200)])
    review = Child("review", work("read_file", "bash!"), prompt=REVIEWER, ok=False)
    process.turn("rename Cart to Basket", [*work("edit_file", "edit_file", "bash"), ("spawn", [review]), *work("bash")])
    process.finish()
    return process


def same_label() -> Process:
    """Three children at once under one label, and one in the background that ends during the turn after its own."""
    process = Process("1b2c3d4e5f607182", 2, START_MS + 3_600_000)
    explore = [
        Child("explore", work("list_files", "read_file", seed=1)),
        Child("explore", work("list_files", "grep", "read_file", seed=2)),
        Child("explore", work("read_file", seed=3), model=LARGE),
    ]
    slow = Child("watch the tests", [*work("bash"), ("wait", 60_000), *work("bash", seed=1)])
    process.turn("find what is slow", [("call", 2_100), ("background", slow), ("spawn", explore), *work("bash")])
    judge = Child("pick", work(), prompt=JUDGE, kind="judge_task")
    process.turn("make it faster", [*work("edit_file", "bash"), ("spawn", [judge]), ("wait", 60_000), ("call", 3_000)])
    process.finish()
    return process


def one_shot() -> Process:
    """A mode that writes no nodes for turns; its only child has no turn for a parent."""
    process = Process("2c3d4e5f60718293", 3, START_MS + 7_200_000, one_shot=True)
    process.turn(
        "say what this repository is",
        [*work("list_files"), ("spawn", [Child("skim", work("read_file"))]), ("call", 900)],
    )
    process.finish()
    return process


def failed_turn() -> Process:
    """A turn that fails, and a process that is still at work in the next; a child of it has not ended."""
    process = Process("3d4e5f6071829304", 4, START_MS + 10_800_000)
    process.turn("update the lock file", [("call", 2_500), ("tool", "bash!", 400), ("call", 8_000, "error")], ok=False)
    busy = Child("long search", work("grep", "grep"), ends=False)
    process.turn("try again", [*work("bash"), ("background", busy), ("call", 4_000)], closes=False)
    return process


def damaged() -> dict[str, bytes]:
    """The first process again, as a bad disk and a bad writer left it."""
    process = Process("4e5f607182930415", 5, START_MS + 14_400_000)
    process.turn(
        "map the shop service", [*work("read_file"), ("spawn", [Child("map routes", work("read_file"))]), ("call", 900)]
    )
    process.turn("write it down", work("edit_file", "edit_file!", "bash"))
    process.turn("commit", work("bash"))
    process.finish()
    files = process.files("damaged")
    names = {name.split("/")[-2]: name for name in files}
    rows = {stream: files[name].splitlines(keepends=True) for stream, name in names.items()}
    # The prompt's record, into which the next one was written.
    head = rows["trajectories"][1]
    cut = head.index(b'"text"') + 15
    rows["trajectories"][1] = b"{" + head[head.index(b'"text"') : cut]
    # A hole of zeros over the end of one call and the beginning of the next, and a tail without a head.
    trace = rows["traces"]
    trace[5], trace[6] = trace[5][:-60] + bytes(140), trace[6][80:]
    trace[12] = trace[12][-45:]
    # The last turn never landed, the process was killed, and an event was lost on the way.
    rows["trajectories"] = [row for row in rows["trajectories"] if not (b'"commit"' in row and b'"live"' not in row)]
    rows["behavior"] = [rows["behavior"][0], *rows["behavior"][2:-1]]
    return {names[stream]: b"".join(lines_) for stream, lines_ in rows.items()}


def legacy() -> bytes:
    """One file to which all processes appended: two that overlap, one alone, and two that began at the same moment."""
    starts = (0, 21_000, 400_000, 800_000, 800_060)
    rows = []
    for number, start in enumerate(starts):
        process = Process(f"{number:016x}", 6 + number, START_MS - 86_400_000 + start)
        same = Child("scan", work("read_file", seed=number))
        process.turn(f"look around, {number}", [*work("list_files", seed=number), ("spawn", [same]), ("call", 1_000)])
        if start < 800_000:
            process.turn(f"tidy up, {number}", work("edit_file", "bash", seed=number))
        for row in process.streams()["trajectories"]:
            if not row.get("live"):
                bare = {name: value for name, value in row.items() if name not in process.identity}
                rows.append((process.unix_ms + row.get("t", 2), len(rows), bare))
    return lines([row for *_, row in sorted(rows, key=lambda row: row[:2])])


def files() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of every sample."""
    for process in (fan_out(), same_label(), one_shot(), failed_turn()):
        yield from process.files("shop").items()
    yield from damaged().items()
    yield "graff/legacy/harness.trajectory.jsonl", legacy()
