"""Plays codegraff agents and writes down what their recorders would, beside the truth of who wrote what.

A recorder reads the highest ``seq`` of its (conversation, agent) when it is made, writes its start somewhat later, and
counts in memory from then on: siblings that start together count from the same number.
"""

import json
import random
import sqlite3
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush

T0 = 1_780_300_000_000


@dataclass
class Run:
    """One run as it was."""

    number: int
    agent: str
    parent: "Run | None"
    conversation: str
    """Its own row in ``conversations``."""
    task: str
    spawned_by: str | None
    start: int | None = None
    end: int | None = None
    ended: bool = False
    killed: bool = False
    turns: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    messages: list[dict] = field(default_factory=list)
    context: int = 0
    """Tokens of its next prompt."""
    began_ms: int = 0
    version: str = "sha256:0a1b2c3d4e5f6071"


@dataclass
class Row:
    """One row of ``trajectory_events``."""

    id: int
    conversation_id: str
    agent_id: str
    parent_agent_id: str | None
    seq: int
    ts_ms: int
    kind: str
    payload: dict
    run: Run


class Recorder:
    """Writes the events of one run: counts from the highest number there is when it is made."""

    def __init__(self, simulation, run, recorded):
        self.simulation, self.run, self.recorded = simulation, run, recorded
        self.seq = simulation.highest.get(run.agent, -1) + 1

    def __call__(self, kind, **payload):
        simulation, run = self.simulation, self.run
        if not self.recorded:
            return
        seq, self.seq = self.seq, self.seq + 1
        if simulation.lost and simulation.random.random() < simulation.lost:
            return
        simulation.ids += 1
        row = Row(
            simulation.ids, simulation.root_id, run.agent, run.parent.agent if run.parent else None, seq,
            simulation.now, kind, {"kind": kind} | payload, run,
        )  # fmt: skip
        simulation.highest[run.agent] = max(simulation.highest.get(run.agent, -1), seq)
        simulation.rows.append(row)
        if kind == "agent_run":
            run.start = row.id
        if kind == "agent_run_end":
            run.end = row.id


class Simulation:
    """Runs agents against a clock. Everything follows from the seed and the options."""

    def __init__(
        self,
        seed,
        *,
        stagger=0,
        call_ids="provider",
        bookends=True,
        errors=0.05,
        killed=0.0,
        lost=0.0,
        turns=(2, 6),
        conversation=None,
    ):
        self.random = random.Random(f"codegraff/{seed}")
        self.stagger, self.call_ids, self.bookends = stagger, call_ids, bookends
        self.errors, self.killed, self.lost, self.turns = errors, killed, lost, turns
        self.root_id = conversation or self.uuid()
        self.now = T0
        self.rows: list[Row] = []
        self.runs: list[Run] = []
        self.highest: dict[str, int] = {}
        self.queue = []
        self.calls = 0
        self.ids = 900

    def uuid(self):
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    # The clock

    def begin(self, process, delay=0):
        heappush(self.queue, (self.now + delay, self.random.random(), process))

    def play(self):
        while self.queue:
            self.now, _, process = heappop(self.queue)
            for delay in process:
                heappush(self.queue, (self.now + delay, self.random.random(), process))
                break
        return self

    # The agents

    def run(self, agent, parent=None, task="the user's request", spawned_by=None, plan=(), recorded=True, version=None):
        """A run as a process. ``plan``: per turn of the run, a list of (agent, tasks, plan) to spawn, or None."""
        run = Run(len(self.runs), agent, parent, self.uuid() if parent else self.root_id, task, spawned_by)
        run.version = version or run.version
        self.runs.append(run)
        write = Recorder(self, run, recorded)
        yield self.random.randint(0, 60)
        run.began_ms = self.now
        run.messages += [
            {"text": {"role": "System", "content": f"You are {agent}."}},
            {"text": {"role": "System", "content": "<env>cwd: /srv/shop</env>"}},
            {"text": {"role": "User", "content": task}},
        ]
        if self.bookends:
            write(
                "agent_run", agent_id=agent, parent_agent_id=parent.agent if parent else None, requested_model=None,
                resolved_model="m-large", agent_version=run.version,
            )  # fmt: skip
        yield self.random.randint(1, 20)
        began = self.now
        run.context = 1500 + 10 * len(task)
        plan = list(plan)
        for turn in range(max(len(plan), self.random.randint(*self.turns))):
            yield self.random.randint(300, 4000)
            if parent and self.random.random() < self.killed:
                run.ended = run.killed = True
                return
            if self.random.random() < self.errors:
                write("error", message="the provider is busy", source=None)
                continue
            spawns = plan[turn] if turn < len(plan) else None
            yield from self.spawn(run, write, spawns) if spawns else self.work(run, write)
            run.context += 200
        yield self.random.randint(200, 1500)
        self.answer(run, 90, "Done.", [])
        if self.bookends:
            write(
                "agent_run_end", success=True, turns=run.turns, prompt_tokens=run.prompt_tokens,
                completion_tokens=run.completion_tokens, tool_calls=run.tool_calls, tool_errors=run.tool_errors,
                wall_ms=self.now - began,
            )  # fmt: skip
        run.ended = True

    def answer(self, run, out, content, calls):
        """A model call, with the tool calls that it asks for."""
        prompt = run.context
        run.turns += 1
        run.prompt_tokens += prompt
        run.completion_tokens += out
        run.context += out
        counts = {"prompt": prompt, "completion": out, "total": prompt + out, "cached": prompt // 2}
        text = {"role": "Assistant", "content": content, "model": "m-large"}
        if calls:
            text["tool_calls"] = [{"name": name, "call_id": id_, "arguments": asked} for name, id_, asked in calls]
        usage = {f"{name}_tokens": {"actual": count} for name, count in counts.items()}
        run.messages.append({"text": text, "usage": usage})

    def work(self, run, write):
        """A turn with calls of tools, one after the other."""
        calls = []
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            name = self.random.choice(("read", "search", "shell"))
            calls.append((name, self.call_id(name), {"q": self.calls}))
        self.answer(run, self.random.randint(20, 400), "", calls)
        for name, call_id, arguments in calls:
            write("tool_call", tool_name=name, call_id=call_id, arguments=arguments)
            yield self.random.randint(5, 900)
            self.result(run, write, name, call_id)
            yield self.random.randint(0, 2)

    def spawn(self, run, write, spawns):
        """A turn that starts agents and waits for them: all calls are written first, then all results."""
        calls = [("task", self.call_id("task"), {"agent_id": agent, "tasks": tasks}) for agent, tasks, _ in spawns]
        self.answer(run, self.random.randint(20, 400), "", calls)
        for name, call_id, arguments in calls:
            write("tool_call", tool_name=name, call_id=call_id, arguments=arguments)
        expected = []
        for (_, call_id, arguments), (agent, _, below) in zip(calls, spawns, strict=True):
            for number, words in enumerate(arguments["tasks"]):
                self.begin(self.run(agent, run, words, call_id, below or ()), number * self.stagger)
                expected.append(call_id)
        while True:
            yield 40
            mine = [each for each in self.runs if each.parent is run and each.spawned_by in expected]
            if len(mine) == len(expected) and all(each.ended for each in mine):
                break
        for name, call_id, _ in calls:
            self.result(run, write, name, call_id, [each for each in mine if each.spawned_by == call_id])

    def result(self, run, write, name, call_id, below=()):
        failed = any(r.killed for r in below) or (not below and self.random.random() < 0.1)
        if failed:
            below = ()  # one that fails takes the ids of all with it
        run.tool_calls += 1
        run.tool_errors += failed
        values = [{"_kind": "ai", "value": "done", "conversation_id": r.conversation} for r in below] or ["some text"]
        write(
            "tool_result", tool_name=name, call_id=call_id, is_error=failed,
            output={"is_error": failed, "values": values},
        )  # fmt: skip
        inner = [{"aI": {"value": "done", "conversation_id": r.conversation}} for r in below] or [{"text": "some text"}]
        run.messages.append(
            {"tool": {"name": name, "call_id": call_id, "output": {"is_error": failed, "values": inner}}}
        )

    def call_id(self, name):
        self.calls += 1
        if self.call_ids == "anonymous":
            return f"anon-{name}"
        if self.call_ids == "repeated":
            return f"call_{self.calls % 5}"
        return f"toolu_{self.calls:06d}"

    # What is written down

    @property
    def events(self):
        """The rows as the live stream had them, without ``run_id``."""
        return [
            {
                "conversation_id": row.conversation_id,
                "agent_id": row.agent_id,
                "parent_agent_id": row.parent_agent_id,
                "seq": row.seq,
                "ts_ms": row.ts_ms,
                "payload": row.payload,
            }
            for row in self.rows
        ]

    def with_run_ids(self):
        return [
            event | {"run_id": f"{self.root_id}-{row.agent_id}-r{row.run.number}"}
            for row, event in zip(self.rows, self.events, strict=True)
        ]

    def write(self, path, contexts=True, events=True):
        database = sqlite3.connect(path)
        database.executescript(SCHEMA)
        if events:
            database.executemany(
                "INSERT INTO trajectory_events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (r.id, r.conversation_id, r.agent_id, r.parent_agent_id, r.seq, r.ts_ms, r.kind, dumps(r.payload))
                    for r in self.rows
                ],
            )
        if contexts:
            database.executemany(
                "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?)", self.conversations()
            )
        database.commit()
        database.close()
        return path

    def conversations(self):
        """Rows of ``conversations``; the root's has all of its runs."""
        messages: dict[str, list] = {}
        first: dict[str, Run] = {}
        for run in self.runs:
            first.setdefault(run.conversation, run)
            known = messages.setdefault(run.conversation, [])
            known += [
                {"message": {k: v for k, v in m.items() if k != "usage"}}
                | ({"usage": m["usage"]} if "usage" in m else {})
                for m in (run.messages if not known else run.messages[2:])
            ]
        for conversation_id, found in messages.items():
            run = first[conversation_id]
            context = {
                "conversation_id": conversation_id,
                **({"initiator": "agent"} if run.parent else {}),
                "messages": found,
                "tools": [
                    {"name": n, "description": n, "input_schema": {}} for n in ("read", "search", "shell", "task")
                ],
            }
            stamp = timestamp(run.began_ms)
            yield conversation_id, run.task, -77, dumps(context), stamp, timestamp(self.now), None


TOOLS = ("read", "search", "shell", "task")

SCHEMA = """
CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL);
CREATE TABLE conversations (
    conversation_id TEXT PRIMARY KEY NOT NULL, title TEXT, workspace_id BIGINT NOT NULL, context TEXT,
    created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP, metrics TEXT
);
CREATE TABLE trajectory_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, conversation_id TEXT NOT NULL, agent_id TEXT NOT NULL,
    parent_agent_id TEXT, seq INTEGER NOT NULL, ts_ms BIGINT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL
);
CREATE INDEX idx_trajectory_lookup ON trajectory_events (conversation_id, agent_id, seq);
"""


def dumps(value):
    return json.dumps(value, separators=(",", ":"))


def timestamp(ms):
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def fan_out(seed, siblings=3, agent="sage", root="forge", nested=False, **options):
    """A root run whose first turn spawns siblings of one definition; ``nested`` ones spawn two more of it each."""
    simulation = Simulation(seed, **options)
    tasks = [f"map part {n}" for n in range(siblings)]
    below = [None, [(agent, ["look closer", "check it"], None)]] if nested else None
    simulation.begin(simulation.run(root, plan=[[(agent, tasks, below)]]))
    return simulation.play()
