"""Maverick homes.

Processes are simulated: a root agent that is given a goal, the agents that it spawns, what each posts and calls and
when. All of it is written down as Maverick's recorders do: the blackboard into the database, tool calls into the audit
log, a line per post into the replay trace, and none of them says whose child an agent is.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

DAY = 1_780_358_400.0
"""2026-06-02 00:00:00 UTC."""

NOON = DAY + 12 * 3600

TABLES = """
CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE goals (
    id INTEGER PRIMARY KEY, parent_id INTEGER, title TEXT NOT NULL, description TEXT, status TEXT NOT NULL,
    created_at REAL NOT NULL, updated_at REAL NOT NULL, deadline REAL, result TEXT, owner TEXT DEFAULT '',
    domain TEXT DEFAULT '', project_id INTEGER
);
CREATE TABLE episodes (
    id INTEGER PRIMARY KEY, goal_id INTEGER NOT NULL, started_at REAL NOT NULL, ended_at REAL, summary TEXT,
    outcome TEXT, cost_dollars REAL DEFAULT 0, input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0,
    tool_calls INTEGER DEFAULT 0
);
CREATE TABLE goal_events (
    id INTEGER PRIMARY KEY, goal_id INTEGER NOT NULL, agent TEXT NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
    ts REAL NOT NULL
);
CREATE INDEX goal_events_by_goal ON goal_events (goal_id, id);
"""
TALK = """
CREATE TABLE conversations (id INTEGER PRIMARY KEY, channel TEXT NOT NULL, user_id TEXT);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL, goal_id INTEGER, role TEXT NOT NULL, content TEXT, ts REAL
);
"""
CHECKPOINTS = """
CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY, goal_id INTEGER NOT NULL, episode_id INTEGER NOT NULL DEFAULT 0, agent_id TEXT NOT NULL,
    step_seq INTEGER NOT NULL, created_at REAL, messages TEXT, budget TEXT, meta TEXT
);
CREATE INDEX checkpoints_by_key ON checkpoints (goal_id, episode_id, agent_id, step_seq DESC);
"""
OLD_CHECKPOINTS = CHECKPOINTS.replace(" episode_id INTEGER NOT NULL DEFAULT 0,", "").replace(" episode_id,", "")

SEALED = "MVKAR1:c2VhbGVkIGhlcmUsIG5vYm9keSByZWFkcyB0aGlz"


class Home:
    """A home while it is written to."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.goals: list[tuple[Any, ...]] = []
        self.episodes: list[tuple[Any, ...]] = []
        self.posts: list[tuple[float, int, str, str, str]] = []
        self.checkpoints: list[tuple[Any, ...]] = []
        self.audit: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.traces: dict[int, list[dict[str, Any]]] = {}

    def goal(
        self, number: int, title: str, status: str, created: float, updated: float, result: str | None,
        description: str = "", parent: int | None = None, domain: str = "",
    ) -> None:  # fmt: skip
        """Give a goal."""
        self.goals.append(
            (number, parent, title, description, status, created, updated, None, result, "ada", domain, None)
        )

    def database(self, first_event: int = 900, checkpoints: str | None = None, talk: str = "") -> bytes:
        """The database, as bytes."""
        connection = sqlite3.connect(":memory:")
        connection.executescript(TABLES + (TALK if talk else "") + (checkpoints or ""))
        connection.execute("INSERT INTO schema_version VALUES (24)")
        _fill(connection, "goals", self.goals)
        _fill(connection, "episodes", self.episodes)
        events = sorted(self.posts, key=lambda post: post[0])
        rows = [(first_event + n, goal, agent, kind, cut, at) for n, (at, goal, agent, kind, cut) in enumerate(events)]
        _fill(connection, "goal_events", rows)
        if checkpoints:
            _fill(connection, "checkpoints", self.checkpoints)
        connection.executescript(talk)
        connection.commit()
        return connection.serialize()

    def audit_log(self) -> bytes:
        """A day of the audit log."""
        return _lines(sorted(self.audit, key=lambda line: line["ts"]), ordered=False)

    def trajectories(self) -> bytes:
        """What every agent did, step by step."""
        return _lines(sorted(self.steps, key=lambda step: step["ts"]), ordered=True)

    def trace(self, goal: int) -> bytes:
        """The replay trace of a goal."""
        return _lines(self.traces[goal], ordered=False)


def _fill(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    for row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _lines(records: Iterable[dict[str, Any]], ordered: bool) -> bytes:
    lines = (json.dumps(record, separators=(",", ":"), sort_keys=ordered) for record in records)
    return "".join(f"{line}\n" for line in lines).encode()


class Process:
    """A process at work on a goal, in one episode."""

    def __init__(self, home: Home, goal: int, episode: int, audited: bool = True, traced: bool = False) -> None:
        self.home = home
        self.goal = goal
        self.episode = episode
        self.audited = audited
        self.traced = traced
        self.written: list[dict[str, Any]] = []
        self.taken: dict[str, int] = {}

    def name(self, role: str, depth: int) -> str:
        """A new agent's name."""
        return f"{role}-{depth}-{self.home.random.randrange(1 << 24):06x}"

    def post(self, at: float, agent: str, kind: str, content: str) -> None:
        """Put something on the blackboard."""
        at = round(at, 3)
        self.home.posts.append((at, self.goal, agent, kind, content[:1000]))
        self.written.append({"seq": 0, "t": at, "kind": kind, "agent": agent, "content": content})

    def log(self, at: float, kind: str, agent: str, **fields: Any) -> None:
        """Write a line of the audit log."""
        if self.audited:
            self.home.audit.append(
                {"v": 1, "ts": round(at, 3), "kind": kind, "agent": agent, "goal_id": self.goal, **fields}
            )

    def begin(self, at: float, role: str, depth: int, brief: str, name: str | None = None) -> str:
        """An agent begins: its first post is its plan."""
        name = name or self.name(role, depth)
        self.post(at, name, "plan", f"role={role} depth={depth} brief={brief}")
        return name

    def call(
        self, at: float, agent: str, tool: str, arguments: dict[str, Any], took: float, output: str = "ok",
        status: str = "ok",
    ) -> float:  # fmt: skip
        """One tool call; returns when its result was there."""
        self.log(at, "tool_call", agent, name=tool, input_summary=json.dumps(arguments)[:200])
        end = at + took
        self.log(end, "tool_result", agent, name=tool, status=status, output_summary=output[:200])
        wrapper = f"{self.home.random.randrange(1 << 64):016x}"
        self.post(
            end + 0.004, agent, "observation", f"tool={tool} -> <tool_output tool='{tool}' id={wrapper}>\n{output}"
        )
        self._step(end, agent, tool, status == "ok")
        return end

    def finish(self, at: float, agent: str, answer: str) -> None:
        """An agent gives its answer."""
        self.post(at, agent, "finding", answer)
        self._step(at, agent, "", True, final=True)

    def _step(self, at: float, agent: str, tool: str, succeeded: bool, final: bool = False) -> None:
        step = self.taken[agent] = self.taken.get(agent, 0) + 1
        self.home.steps.append(
            {
                "ts": round(at, 3), "goal_id": self.goal, "episode_id": self.episode, "step": step,
                "role": agent.rsplit("-", 2)[0], "tool": tool, "tool_succeeded": succeeded, "is_final": final,
                "error": "" if succeeded else "failed", "verifier_confidence": None, "promise": None, "progress": None,
                "domain": "", "parent_step": step - 1, "outcome": None,
            }
        )  # fmt: skip

    def answer(self, at: float, agent: str, tool: str, output: str) -> None:
        """What a tool gave back, on the blackboard."""
        wrapper = f"{self.home.random.randrange(1 << 64):016x}"
        self.post(at, agent, "observation", f"tool={tool} -> <tool_output tool='{tool}' id={wrapper}>\n{output}")

    def close(self) -> None:
        """The process ends: its trace is a file's next stretch, numbered from 1."""
        if self.traced:
            lines = sorted(self.written, key=lambda line: line["t"])
            self.home.traces.setdefault(self.goal, []).extend(
                {**line, "seq": number} for number, line in enumerate(lines, 1)
            )


def messages(calls: Iterable[tuple[str, str, dict[str, Any]]], answered: bool = True) -> str:
    """The messages of a checkpoint: a task, then a call and its result at a time, the last one maybe without."""
    found: list[dict[str, Any]] = [{"role": "user", "content": "Sub-goal: do what was asked"}]
    listed = list(calls)
    for index, (call_id, tool, arguments) in enumerate(listed):
        asked = {"type": "tool_use", "id": call_id, "name": tool, "input": arguments}
        found.append({"role": "assistant", "content": [{"type": "text", "text": "Next."}, asked]})
        if answered or index < len(listed) - 1:
            result = {"type": "tool_result", "tool_use_id": call_id, "content": "done"}
            found.append({"role": "user", "content": [result]})
    return json.dumps(found)


def budget(fresh: int, out: int, read: int, write: int, dollars: float, calls: int, elapsed: float) -> str:
    """What a checkpoint says was spent."""
    return json.dumps(
        {
            "max_dollars": 5.0, "input_tokens": fresh, "output_tokens": out, "cache_read_tokens": read,
            "cache_write_tokens": write, "dollars": dollars, "tool_calls": calls, "_elapsed": elapsed,
        }
    )  # fmt: skip


META = json.dumps({"role": "orchestrator"})


# --- goals -----------------------------------------------------------------------------------------------------------


def _swarm(home: Home) -> None:
    """Goal 12: a swarm of two, a sub-agent of one of them, and a specialist; all of it went well."""
    start = NOON
    home.goal(12, "Compare three route maps", "done", start, start + 96.4, "Map B is the shortest", "find the shortest")
    process = Process(home, 12, 31)
    root = process.begin(start + 0.3, "orchestrator", 0, "Compare three route maps")
    process.log(start + 0.2, "goal_start", root, title="Compare three route maps", description="find the shortest")
    process.call(start + 2, root, "list_files", {"path": "."}, 0.4, "a.txt b.txt c.txt")
    process.post(start + 3.1, root, "observation", "Three maps. Two agents compare, I look at the third.")
    left, right = process.name("researcher", 1), process.name("researcher", 1)
    process.post(start + 4, root, "plan", f"spawning swarm of 2: researcher({left}), researcher({right})")
    process.log(start + 4.01, "tool_call", root, name="spawn_swarm", input_summary='{"agents": [{"role": "researcher"')
    for number, agent in enumerate((left, right)):
        at = start + 4.1 + 0.02 * number
        process.begin(at, "researcher", 1, f"map {'ab'[number]}", agent)
        for turn in range(3 + number):
            at = process.call(
                at + 2.5 + number, agent, "read_file", {"path": f"{'ab'[number]}{turn}.txt"}, 0.7, "12 km"
            )
        if number:
            at += 1.0
            process.log(at, "tool_call", agent, name="spawn_subagent",
                        input_summary='{"role": "checker", "brief": "is 12 km right?"}')  # fmt: skip
            checker = process.begin(at + 0.03, "checker", 2, "is 12 km right?")
            done = process.call(at + 3, checker, "measure", {"map": "b"}, 2.2, "11.8 km")
            process.finish(done + 1.5, checker, "It is 11.8 km")
            process.log(done + 1.6, "tool_result", agent, name="spawn_subagent", status="ok", output_summary="11.8 km")
            process.answer(done + 1.61, agent, "spawn_subagent", "It is 11.8 km")
            at = done + 1.7
        process.finish(at + 3, agent, f"Map {'ab'[number]}: {12 - number / 5} km")
    process.log(start + 40, "tool_result", root, name="spawn_swarm", status="ok", output_summary="2 findings")
    process.answer(start + 40.01, root, "spawn_swarm", "2 findings")
    process.log(start + 42, "tool_call", root, name="spawn_specialist",
                input_summary='{"role": "cartographer", "brief": "map c"}')  # fmt: skip
    specialist = process.begin(start + 42.05, "cartographer", 1, "map c")
    # Two reads of one turn, side by side: which result is whose is not recorded.
    for offset, took in ((0.05, 0.9), (0.0, 1.4)):
        process.call(start + 45 + offset, specialist, "read_file", {"path": f"c{offset}.txt"}, took, "14 km")
    process.call(start + 49, specialist, "read_file", {"path": "c2.txt"}, 0.3, "no such file", status="error")
    process.finish(start + 53, specialist, "Map c: 14 km")
    process.log(start + 53.2, "tool_result", root, name="spawn_specialist", status="ok", output_summary="14 km")
    process.answer(start + 53.21, root, "spawn_specialist", "Map c: 14 km")
    process.call(start + 60, root, "write_file", {"path": "answer.txt"}, 0.2)
    process.post(start + 80, root, "verify", "confidence 0.93")
    process.finish(start + 96, root, "Map B is the shortest")
    process.log(start + 96.3, "goal_end", root, status="done", result="Map B is the shortest")
    home.episodes.append((31, 12, start + 0.1, start + 96.2, "Map B", "success", 0.4123, 48210, 3920, 15))
    process.close()


def _attempts(home: Home) -> None:
    """Goal 13: best of three. The second attempt was taken up by another process, the third ran out of budget."""
    start = NOON + 600
    home.goal(13, "Name the new release", "active", start, start + 400, None, "three attempts")
    first = Process(home, 13, 32, traced=True)
    root = first.begin(start + 0.3, "orchestrator", 0, "Name the new release")
    at = start + 1
    for turn in range(4):
        at = first.call(at + 4, root, "search", {"q": f"names {turn}"}, 1.5, "many")
    first.finish(at + 5, root, "Osprey")
    home.episodes.append((32, 13, start + 0.1, at + 5.2, "Osprey", "success", 0.1011, 9100, 800, 4))
    first.close()

    begin = at + 6
    second = Process(home, 13, 33, traced=True)
    root = second.begin(begin + 0.2, "orchestrator", 0, "Name the new release")
    at = second.call(begin + 4, root, "search", {"q": "birds"}, 1.1, "osprey, heron")
    at = second.call(at + 4, root, "read_file", {"path": "names.txt"}, 0.3)
    second.log(at + 3, "tool_call", root, name="search", input_summary='{"q": "rivers"}')  # and then it was killed
    second.close()
    again = Process(home, 13, 33, traced=True)
    root = again.begin(at + 60, "orchestrator", 0, "Name the new release")
    at = again.call(at + 64, root, "search", {"q": "rivers"}, 1.2, "Elbe, Ems")
    at = again.call(at + 3, root, "search", {"q": "lakes"}, 1.0, "Müritz")
    again.post(at + 2, root, "error", "halted: asked to stop")
    home.episodes.append((33, 13, begin, at + 2.3, None, "interrupted", 0.2202, 15100, 1210, 5))
    again.close()

    begin = at + 3.5
    third = Process(home, 13, 34, traced=True)
    root = third.begin(begin + 0.2, "orchestrator", 0, "Name the new release")
    at, saved = begin + 2, []
    for turn in range(3):
        at = third.call(at + 3, root, "search", {"q": f"winds {turn}"}, 0.9, "Mistral")
        saved.append((f"t{turn + 1}", "search", {"q": f"winds {turn}"}))
        spent = budget(3100 * (turn + 1), 140 * (turn + 1), 7000 * turn, 3000, 0.021 * (turn + 1), turn + 1, at - begin)
        home.checkpoints.append(
            (5 + turn, 13, 34, "orchestrator-0", turn + 2, round(at + 0.5, 3), messages(saved), spent, META)
        )
    third.post(at + 4, root, "error", "budget exceeded: dollars")
    home.episodes.append((34, 13, begin, at + 4.4, None, "failure", 0.0, 0, 0, 0))
    third.close()
    _fork(home, at + 100, saved)


def _fork(home: Home, start: float, saved: list[tuple[str, str, dict[str, Any]]]) -> None:
    """Goal 14: rewound to the second state of the third attempt. What it spends goes to that attempt's episode."""
    home.goal(14, "Name the new release (fork)", "active", start, start + 30, None, parent=13)
    process = Process(home, 14, 34)
    root = process.begin(start + 5, "orchestrator", 0, "Name the new release")
    process.call(start + 9, root, "search", {"q": "stars"}, 1.3, "Vega")
    spent = budget(6200, 280, 7000, 3000, 0.042, 2, 9.5)
    home.checkpoints.append((8, 14, 34, "orchestrator-0", 3, round(start + 0.1, 3), messages(saved[:2]), spent, META))
    process.close()


def _killed(home: Home) -> None:
    """Goal 15: its process was killed in the middle of a step."""
    start = NOON + 1500
    result = "Collecting… [process restarted mid-run]"
    home.goal(15, "Summarise the minutes", "blocked", start, start + 120, result)
    process = Process(home, 15, 35)
    root = process.begin(start + 0.3, "orchestrator", 0, "Summarise the minutes")
    at, saved = start + 1, []
    for turn in range(2):
        at = process.call(at + 3, root, "read_file", {"path": f"m{turn}.txt"}, 0.6, "minutes")
        saved.append((f"k{turn + 1}", "read_file", {"path": f"m{turn}.txt"}))
    process.log(at + 2, "tool_call", root, name="read_file", input_summary='{"path": "m2.txt"}')
    saved.append(("k3", "read_file", {"path": "m2.txt"}))
    spent = budget(9100, 410, 22000, 3000, 0.061, 2, 19.8)
    home.checkpoints.append((9, 15, 35, "orchestrator-0", 3, round(at + 1.9, 3), messages(saved, False), spent, META))
    home.episodes.append((35, 15, start + 0.1, None, None, None, 0.061, 9100, 410, 2))
    process.close()


def _two_processes(home: Home) -> None:
    """Goal 16: two processes were given it at once."""
    start = NOON + 2000
    home.goal(16, "Tidy the shared folder", "done", start, start + 60, "tidy")
    for number, (offset, pace) in enumerate(((0.0, 8.0), (6.0, 2.0))):  # the second begins and ends within the first
        process = Process(home, 16, 36 + number)
        begin = start + offset
        root = process.begin(begin + 0.3, "orchestrator", 0, "Tidy the shared folder")
        at = begin + 1
        for turn in range(3):
            at = process.call(at + pace, root, "move_file", {"from": f"{number}{turn}"}, 0.5)
        process.finish(at + pace, root, "tidy")
        home.episodes.append((36 + number, 16, begin + 0.1, at + pace + 0.2, "tidy", "success", 0.05, 4000, 300, 3))
        process.close()


def _sealed(home: Home) -> None:
    """Goal 17: every text of it was encrypted at rest; numbers, times and names were not."""
    start = NOON + 2500
    home.goals.append((17, None, SEALED, SEALED, "done", start, start + 20, None, SEALED, "ada", "", None))
    process = Process(home, 17, 38)
    root = process.name("orchestrator", 0)
    for at, kind in ((0.3, "plan"), (4.0, "observation"), (9.0, "observation"), (18.0, "finding")):
        process.post(start + at, root, kind, SEALED)
    for at in (3.0, 8.0):
        process.log(start + at, "tool_call", root, name="read_file", input_summary='{"path": "x"}')
        process.log(start + at + 0.9, "tool_result", root, name="read_file", status="ok", output_summary="…")
    home.episodes.append((38, 17, start + 0.1, start + 18.5, SEALED, SEALED, 0.03, 2100, 190, 2))


def _home() -> Iterator[tuple[str, bytes]]:
    home = Home("maverick home")
    for goal in (_swarm, _attempts, _killed, _two_processes, _sealed):
        goal(home)
    home.goals.sort(key=lambda goal: goal[0])
    home.goal(18, "Not begun", "pending", NOON + 3000, NOON + 3000, None)
    talk = (
        "INSERT INTO conversations VALUES (1, 'slack', 'U1'); INSERT INTO turns VALUES (1, 1, 12, 'user', 'maps?', 0);"
    )
    yield "maverick/ada/world.db", home.database(checkpoints=CHECKPOINTS, talk=talk)
    yield "maverick/ada/audit/2026-06-02.ndjson", home.audit_log()
    yield "maverick/ada/traces/goal-13.jsonl", home.trace(13)
    yield "maverick/ada/trajectories.ndjson", home.trajectories()
    yield from _tenant()
    yield from _alone(home)


def _tenant() -> Iterator[tuple[str, bytes]]:
    """A tenant's home, with a goal of a domain pack and nothing but the database."""
    home, start = Home("maverick tenant"), NOON + 100
    home.goal(3, "Close the books", "done", start, start + 90, "closed", domain="finance")
    process = Process(home, 3, 7, audited=False)
    root = process.begin(start + 0.3, "finance", 0, "Close the books")
    at = process.call(start + 3, root, "read_ledger", {"month": "May"}, 0.8, "balanced")
    clerks = [process.name("clerk", 1) for _ in range(3)]
    listed = ", ".join(f"clerk({clerk})" for clerk in clerks)
    process.post(at + 2, root, "plan", f"spawning swarm of 3: {listed}")
    for number, clerk in enumerate(clerks):
        process.begin(at + 2.1 + number / 50, "clerk", 1, f"account {number}", clerk)
        begun = process.call(at + 6 + number, clerk, "read_ledger", {"account": number}, 0.7, "fine")
        if number == 2:
            process.post(begun + 1, clerk, "error", "tool=pay DENIED by policy")
            process.post(begun + 4, clerk, "error", "budget exceeded: tool calls")
        else:
            process.finish(begun + 4, clerk, "fine")
    # One whose plan was lost: nothing says who spawned it but its depth and its time.
    lost = process.name("auditor", 2)
    process.call(at + 9, lost, "read_ledger", {"account": 0}, 0.5, "hm")
    process.finish(at + 30, root, "closed")
    home.episodes.append((7, 3, start + 0.1, at + 30.2, "closed", "success", 0.2, 12000, 900, 6))
    home.checkpoints.append(
        (1, 3, 7, "finance-0", 2, round(at + 0.2, 3), messages([("f1", "read_ledger", {"month": "May"})]),
         budget(5000, 120, 0, 4000, 0.04, 1, 3.9), json.dumps({"role": "finance"}))
    )  # fmt: skip
    yield "maverick/ada/tenants/acme%20corp/world.db", home.database(40, CHECKPOINTS)


def _legacy() -> Iterator[tuple[str, bytes]]:
    """A database whose checkpoints are of the first day: no episode, and the random names of two processes."""
    home, start = Home("maverick legacy"), NOON - 86400 * 3
    home.goal(5, "Draft the letter", "active", start, start + 300, None)
    for number, offset in enumerate((0.0, 200.0)):
        process = Process(home, 5, 11 + number, audited=False)
        root = process.begin(start + offset + 0.3, "orchestrator", 0, "Draft the letter")
        at, saved = start + offset + 1, []
        for turn in range(3):
            at = process.call(at + 4, root, "read_file", {"path": f"draft{turn}.txt"}, 0.5)
            saved.append((f"d{number}{turn}", "read_file", {"path": f"draft{turn}.txt"}))
            row = 1 + 3 * number + turn
            spent = budget(2000 * (turn + 1), 90 * (turn + 1), 0, 0, 0.01 * (turn + 1), turn + 1, at - start - offset)
            home.checkpoints.append((row, 5, root, turn + 2, round(at + 0.4, 3), messages(saved), spent, META))
        home.episodes.append((11 + number, 5, start + offset + 0.1, None, None, None, 0.03, 6000, 270, 3))
    home.goal(6, "Sort the photographs", "done", start + 900, start + 950, "sorted")
    yield "maverick/legacy/world.db", home.database(1, OLD_CHECKPOINTS)


def _alone(home: Home) -> Iterator[tuple[str, bytes]]:
    """The same goals as files without a database, as they are handed around."""
    lines = [line for line in home.audit_log().splitlines(keepends=True) if b'"goal_id":12' in line]
    yield "maverick/alone/2026-06-02.ndjson", b"".join(lines)
    yield "maverick/alone/2026-06-03.ndjson", b"MVKAR2\n" + bytes(home.random.randrange(256) for _ in range(64))
    yield "maverick/alone/goal-13.jsonl", home.trace(13)
    steps = [line for line in home.trajectories().splitlines(keepends=True) if b'"goal_id":12' in line]
    yield "maverick/alone/trajectories.ndjson", b"".join(steps)
    names = ("id", "parent_id", "title", "description", "status", "created_at", "updated_at", "deadline", "result",
             "owner", "domain", "project_id")  # fmt: skip
    goal = dict(zip(names, next(goal for goal in home.goals if goal[0] == 13), strict=True))
    names = ("id", "goal_id", "started_at", "ended_at", "summary", "outcome", "cost_dollars", "input_tokens",
             "output_tokens", "tool_calls")  # fmt: skip
    episodes = [dict(zip(names, episode, strict=True)) for episode in home.episodes if episode[1] == 13]
    posts = sorted(post for post in home.posts if post[1] == 13)
    events = [
        {"id": number, "goal_id": 13, "agent": agent, "kind": kind, "content": content, "ts": at}
        for number, (at, _, agent, kind, content) in enumerate(posts, 1)
    ]
    exported = {"v": 1, "goal": goal, "events": events, "episodes": episodes}
    yield "maverick/alone/goal-13.json", json.dumps(exported, indent=1).encode()


def _damaged(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """A day whose last line is torn, with a line of zeros in the middle."""
    lines = whole.splitlines(keepends=True)
    lines[4] = bytes(40) + b"\n"
    yield "maverick/damaged/2026-06-02.ndjson", b"".join(lines)[:-30]


def files() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of all samples."""
    for name, content in _home():
        yield name, content
        if name == "maverick/alone/2026-06-02.ndjson":
            yield from _damaged(content)
    yield from _legacy()
