"""codegraff and forge: databases, a captured stream and a dump.

Agents play scripts on one clock. A recorder reads the highest number of its (conversation, agent) when it is made and
writes its start somewhat later, so siblings that begin together count from the same one. The database does not say
which run wrote a row; the stream that was captured of the same runs does.
"""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

START_MS = 1_780_560_000_000
"""2026-06-04 08:00:00 UTC."""

TABLES = """
CREATE TABLE __diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE conversations (
    conversation_id TEXT PRIMARY KEY NOT NULL, title TEXT, workspace_id BIGINT NOT NULL, context TEXT,
    created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP, metrics TEXT
);
"""
EVENTS = """
CREATE TABLE trajectory_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, conversation_id TEXT NOT NULL, agent_id TEXT NOT NULL,
    parent_agent_id TEXT, seq INTEGER NOT NULL, ts_ms BIGINT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL
);
CREATE INDEX idx_trajectory_lookup ON trajectory_events (conversation_id, agent_id, seq);
"""

WORKSPACE = -6_917_529_027_641_081_857

SYSTEM = {
    "forge": "You are Forge, a software engineer. Make the change you are asked for, run the tests, say what you did.",
    "sage": "You are Sage, a researcher. You read code and answer questions about it. You never change a file.",
    "muse": "You are Muse, a planner. You write down the steps of a change before anybody makes it.",
}
ENVIRONMENT = (
    "<system_information>\n<operating_system>linux</operating_system>\n<cwd>/srv/shop</cwd>\n</system_information>"
)
TOOLS = {
    "read": "Reads a file and returns its lines, numbered.",
    "search": "Searches files with a regular expression.",
    "patch": "Replaces a piece of a file.",
    "shell": "Runs a command and returns what it prints.",
    "task": "Launches agents on tasks and waits for their results.",
}
OWN_TOOLS = {"sage": ("read", "search", "task"), "muse": ("read",)}
FILES = ("cart.py", "orders.py", "prices.py", "stock.py", "mail.py", "tests/test_cart.py", "tests/test_prices.py")
PRINTED = {
    "read": "1: from decimal import Decimal\n2: \n3: from shop.models import Item, Order\n4: \n5: class Basket:\n"
    "6:     def total(self) -> Decimal:\n7:         return sum(line.price * line.count for line in self.lines)",
    "search": "12 matches in 5 files",
    "patch": "1 replacement",
    "shell": "48 passed in 3.21s",
}

Script: TypeAlias = Sequence[Any]
"""What a run does, turn by turn: a list of tool names to call, an ``Ask`` or several, or the message of an error."""


@dataclass(frozen=True)
class Ask:
    """A call that launches agents: one for each task, each with a script."""

    agent: str
    tasks: dict[str, Script]
    fails: bool = False
    """Whether one of them fails, which takes the result of all."""


@dataclass
class Run:
    """One run, as it was."""

    number: int
    agent: str
    parent: Run | None
    conversation: str
    task: str
    version: str
    bookends: bool
    base: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    turns: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tool_calls: int = 0
    tool_errors: int = 0


class Machine:
    """A user's machine: one database, to which everything that runs there writes."""

    def __init__(self, seed: str, start_ms: int = START_MS) -> None:
        self.random = random.Random(f"codegraff/{seed}")
        self.now = start_ms
        self.noted: list[tuple[int, int, Run, dict[str, Any] | None]] = []
        """Time, order, run, and what it writes; None when its recorder is made."""
        self.runs: list[Run] = []
        self.stored: dict[str, tuple[str, int, int, list[dict[str, Any]], bool, str]] = {}
        """Conversations: title, created, updated, messages, whether an agent began it, agent."""

    def uuid(self) -> str:
        """A new id."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def note(self, at: int, run: Run, payload: dict[str, Any] | None) -> None:
        """Something that a recorder writes."""
        self.noted.append((at, len(self.noted), run, payload))

    # --- agents ------------------------------------------------------------------------------------------------------

    def request(
        self, task: str, script: Script, conversation: str | None = None, agent: str = "forge",
        version: str = "sha256:4be0d4a1c7f29e03", bookends: bool = True, recorded: bool = True,
    ) -> str:  # fmt: skip
        """A request of the user, in a new conversation or one that goes on. Returns the conversation."""
        conversation = conversation or self.uuid()
        run = Run(len(self.runs), agent, None, conversation, task, version, bookends)
        before = len(self.noted)
        self.now = self.play(self.now, run, script) + self.random.randrange(20_000, 90_000)
        if not recorded:
            del self.noted[before:]
        return conversation

    def play(self, at: int, run: Run, script: Script) -> int:
        """A run from its start to its end; returns when that was."""
        self.runs.append(run)
        self.note(at, run, None)
        created, known = at, self.stored.get(run.conversation)
        if known is None:
            run.messages.append({"text": {"role": "System", "content": SYSTEM[run.agent]}})
            run.messages.append({"text": {"role": "System", "content": ENVIRONMENT}})
        run.messages.append({"text": {"role": "User", "content": run.task, "model": "m-large"}})
        at += self.random.randrange(8, 40)
        if run.bookends:
            parent = run.parent.agent if run.parent else None
            self.note(at, run, {
                "kind": "agent_run", "agent_id": run.agent, "parent_agent_id": parent, "requested_model": None,
                "resolved_model": "m-large", "agent_version": run.version,
            })  # fmt: skip
        at += self.random.randrange(3, 12)
        began = at
        for turn in script:
            at += self.random.randrange(1_200, 6_000)
            if isinstance(turn, str):
                self.note(at, run, {"kind": "error", "message": turn, "source": None})
            elif all(isinstance(each, Ask) for each in turn):
                at = self.ask(at, run, turn)
            else:
                at = self.use(at, run, turn)
        at += self.random.randrange(900, 4_000)
        self.answer(run, [], f"Done: {run.task}.")
        if run.bookends:
            self.note(at, run, {
                "kind": "agent_run_end", "success": True, "turns": run.turns, "prompt_tokens": run.prompt_tokens,
                "completion_tokens": run.completion_tokens, "tool_calls": run.tool_calls,
                "tool_errors": run.tool_errors, "wall_ms": at - began,
            })  # fmt: skip
        title, created, messages = (known[0], known[1], known[3]) if known else (run.task, created, [])
        self.stored[run.conversation] = title, created, at, messages + run.messages, run.parent is not None, run.agent
        return at

    def answer(self, run: Run, calls: Sequence[tuple[str, str, Any]], content: str) -> None:
        """A model call."""
        before = self.stored.get(run.conversation)
        text = json.dumps([*(before[3] if before else ()), *run.messages])
        prompt, out = 900 + len(text) // 4, 24 + self.random.randrange(20, 260)
        run.turns += 1
        run.prompt_tokens += prompt
        run.completion_tokens += out
        body: dict[str, Any] = {"role": "Assistant", "content": content, "model": "m-large"}
        if calls:
            body["tool_calls"] = [{"name": name, "call_id": id_, "arguments": asked} for name, id_, asked in calls]
        cached = prompt * 9 // 10 if run.turns > 1 else 0
        counts = {
            "prompt_tokens": prompt,
            "completion_tokens": out,
            "total_tokens": prompt + out,
            "cached_tokens": cached,
        }
        usage: dict[str, Any] = {name: {"actual": count} for name, count in counts.items()}
        usage["cost"] = round((prompt - cached) * 3e-6 + cached * 3e-7 + out * 1.5e-5, 6)
        run.messages.append({"text": body, "usage": usage})

    def call_id(self) -> str:
        """A provider's id of a call."""
        return f"toolu_{self.random.getrandbits(48):012x}"

    def use(self, at: int, run: Run, tools: Sequence[str]) -> int:
        """A turn with calls of tools, one after the other."""
        calls = []
        for each in tools:
            tool = each.removesuffix("!")
            path = self.random.choice(FILES)
            arguments = {"command": "pytest -q"} if tool == "shell" else {"path": f"/srv/shop/{path}"}
            calls.append((tool, self.call_id(), arguments))
        self.answer(run, calls, "")
        for each, (tool, call_id, arguments) in zip(tools, calls, strict=True):
            self.note(at, run, {"kind": "tool_call", "tool_name": tool, "call_id": call_id, "arguments": arguments})
            at += self.random.randrange(8, 700)
            failed = each.endswith("!")
            self.result(at, run, tool, call_id, failed, ["no such file" if failed else PRINTED[tool]])
            at += 1
        return at

    def ask(self, at: int, run: Run, asks: Sequence[Ask]) -> int:
        """A turn that launches agents: all calls are written first, then all results."""
        calls = [("task", self.call_id(), {"agent_id": each.agent, "tasks": list(each.tasks)}) for each in asks]
        self.answer(run, calls, "")
        for tool, call_id, arguments in calls:
            self.note(at, run, {"kind": "tool_call", "tool_name": tool, "call_id": call_id, "arguments": arguments})
        ends, below = [at], []
        for each in asks:
            children = []
            for place, (task, script) in enumerate(each.tasks.items()):
                child = Run(
                    len(self.runs),
                    each.agent,
                    run,
                    self.uuid(),
                    task,
                    f"sha256:{each.agent.encode().hex():0<16.16}",
                    True,
                )
                ends.append(self.play(at + 2 + place, child, script))
                children.append(child)
            below.append(children)
        at = max(ends) + 3
        for each, (tool, call_id, _), children in zip(asks, calls, below, strict=True):
            ran = [{"value": f"<task_completed>{child.task}</task_completed>", "conversation_id": child.conversation}
                   for child in children]  # fmt: skip
            values = ["a task failed: the provider is overloaded"] if each.fails else ran
            self.result(at, run, tool, call_id, each.fails, values)
            at += 1
        return at

    def result(self, at: int, run: Run, tool: str, call_id: str, failed: bool, values: Sequence[Any]) -> None:
        """The result of a call: an event and a message, which spell it differently."""
        run.tool_calls += 1
        run.tool_errors += failed
        wire = [{"_kind": "ai"} | each if isinstance(each, dict) else each for each in values]
        kept = [{"aI": each} if isinstance(each, dict) else {"text": each} for each in values]
        self.note(at, run, {
            "kind": "tool_result", "tool_name": tool, "call_id": call_id, "is_error": failed,
            "output": {"is_error": failed, "values": wire},
        })  # fmt: skip
        output = {"is_error": failed, "values": kept}
        run.messages.append({"tool": {"name": tool, "call_id": call_id, "output": output}})

    # --- files -------------------------------------------------------------------------------------------------------

    def events(self, children: bool = True) -> list[dict[str, Any]]:
        """What recorders wrote, in order; in generation 1 those of children do not."""
        highest: dict[tuple[str, str], int] = {}
        found: list[dict[str, Any]] = []
        for at, _, run, payload in sorted(self.noted, key=lambda each: each[:2]):
            root = run
            while root.parent is not None:
                root = root.parent
            key = root.conversation, run.agent
            if payload is None:
                run.base = highest.get(key, -1) + 1
            elif children or run.parent is None:
                highest[key] = max(highest.get(key, -1), run.base)
                found.append({
                    "conversation_id": root.conversation, "agent_id": run.agent,
                    "parent_agent_id": run.parent.agent if run.parent else None, "seq": run.base, "ts_ms": at,
                    "payload": payload, "run_id": f"{root.conversation}-{run.agent}-r{run.number}",
                })  # fmt: skip
                run.base += 1
        return found

    def conversations(self, wrapped: bool = True) -> Iterator[tuple[str, str, dict[str, Any], int, int]]:
        """Id, title, context, and when it was created and last written."""
        for id_, (title, created, updated, messages, by_agent, agent) in self.stored.items():
            tools = [
                {"name": name, "description": TOOLS[name], "input_schema": {"type": "object", "properties": {}}}
                for name in OWN_TOOLS.get(agent, tuple(TOOLS))
            ]
            kept = [wrap(each) if wrapped else each for each in messages]
            context = {"conversation_id": id_, **({"initiator": "agent"} if by_agent else {}), "messages": kept}
            yield id_, title, context | {"tools": tools, "max_tokens": 20_000}, created, updated

    def database(self, messages: bool = True, children: bool = True) -> bytes:
        """What is in ``.forge.db``."""
        connection = sqlite3.connect(":memory:")
        connection.executescript(TABLES + EVENTS)
        connection.execute("INSERT INTO __diesel_schema_migrations VALUES ('20260506033550', '2026-05-06 03:35:50')")
        for each in self.events(children):
            payload = each["payload"]
            connection.execute(
                "INSERT INTO trajectory_events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
                (each["conversation_id"], each["agent_id"], each["parent_agent_id"], each["seq"], each["ts_ms"],
                 payload["kind"], compact(payload)),
            )  # fmt: skip
        for id_, title, context, created, updated in self.conversations() if messages else ():
            row = id_, title, WORKSPACE, compact(context), stamp(created), stamp(updated), None
            connection.execute("INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.commit()
        return connection.serialize()

    def stream(self) -> bytes:
        """The events as they were sent live, each with the id of its run."""
        return b"".join(compact(each).encode() + b"\n" for each in self.events())

    def dump(self) -> bytes:
        """What ``/dump`` writes: the program's own shape, in which messages are not wrapped."""
        found = [
            {"id": id_, "title": title, "context": context, "metrics": {"files_changed": {}, "files_accessed": []},
             "metadata": {"created_at": iso(created), "updated_at": iso(updated)}}
            for id_, title, context, created, updated in self.conversations(wrapped=False)
        ]  # fmt: skip
        (root,) = [each for each in found if "initiator" not in each["context"]]
        related = [each for each in found if each is not root]
        return json.dumps({"conversation": root, "related_conversations": related}, indent=1).encode() + b"\n"


def wrap(message: dict[str, Any]) -> dict[str, Any]:
    """A message as a row keeps it."""
    return {"message": {name: body for name, body in message.items() if name != "usage"}} | (
        {"usage": message["usage"]} if "usage" in message else {}
    )


def compact(value: Any) -> str:
    """JSON as serde writes it."""
    return json.dumps(value, separators=(",", ":"))


def stamp(ms: int) -> str:
    """A time as SQLite keeps it."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def iso(ms: int) -> str:
    """A time as the program writes it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")


# --- what was done ---------------------------------------------------------------------------------------------------


def work(rng: random.Random, turns: int) -> list[list[str]]:
    """Turns with one to three tool calls, a tenth of which fail."""
    return [
        [rng.choice(("read", "read", "search", "shell", "patch")) + ("!" if rng.random() < 0.1 else "")
         for _ in range(rng.choice((1, 1, 2, 3)))]
        for _ in range(turns)
    ]  # fmt: skip


def clean() -> Machine:
    """Requests one after the other, agents below agents one at a time, and a new version of forge in between."""
    machine = Machine("clean")
    rng = machine.random
    plan = Ask("muse", {"write down the steps for vouchers": [["read"], ["read"]]})
    look = Ask("sage", {"find where prices are added up": [["search"], [plan], ["read", "read"]]})
    vouchers = machine.request("add a voucher field to the basket", [["read"], [look], ["patch", "shell"]])
    machine.request("now show it on the order", work(rng, 3), vouchers)
    version = "sha256:91c05e7be8a3f2d6"
    machine.request("and test it", [*work(rng, 2), "the provider is overloaded", ["shell!"], ["patch"], ["shell"]],
                    vouchers, version=version)  # fmt: skip
    machine.request("what does mail.py do?", [["read"]], version=version, agent="sage")
    return machine


def fan_out(siblings: int) -> Machine:
    """Agents of one definition, begun together; those of eight are of their parent's own definition."""
    machine = Machine(f"fan-out {siblings}", START_MS + siblings * 86_400_000)
    areas = ("routes", "models", "prices", "stock", "mail", "reports", "imports", "tests")
    agent = "forge" if siblings > 5 else "sage"
    tasks = {f"look for slow queries in {area}": work(machine.random, 3) for area in areas[:siblings]}
    machine.request("find out why the shop is slow", [["shell"], [Ask(agent, tasks)], ["patch"], ["shell"]])
    return machine


def first_day() -> Machine:
    """Before runs had a start and an end, and only the root recorded."""
    machine = Machine("first day", START_MS - 28 * 86_400_000)
    rng = machine.random
    search = Ask("sage", {"list the endpoints": work(rng, 2), "list the models": work(rng, 2)})
    again = machine.request("map the shop", [["shell"], [search], ["read"]], bookends=False)
    machine.request("write it down", work(rng, 2), again, bookends=False)
    broken = Ask("sage", {"read the change": work(rng, 2), "run the tests": work(rng, 1)}, fails=True)
    machine.request("review the last change", [[broken], ["read"]], bookends=False)
    # Upstream forge has the same database and writes no events.
    machine.request("rename Cart to Basket", work(rng, 3), recorded=False)
    return machine


def files() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of every sample."""
    yield "codegraff/clean/.forge.db", clean().database()
    yield "codegraff/fan-out-2/.forge.db", fan_out(2).database()
    yield "codegraff/fan-out-3/.forge.db", fan_out(3).database(messages=False)
    yield "codegraff/fan-out-8/.forge.db", fan_out(8).database(messages=False)
    yield "codegraff/captured/fan-out-3.jsonl", fan_out(3).stream()
    yield "codegraff/legacy/.forge.db", first_day().database(children=False)
    yield "codegraff/dump/2026-06-06_08-02-11-dump.json", fan_out(2).dump()
