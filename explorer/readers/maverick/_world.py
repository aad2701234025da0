"""``world.db``: goals, episodes, events and checkpoints, goal by goal.

Format: world_model.py and checkpoint.py of Maverick, schema versions 1 to 24. Columns appear with the version, so those
that are there are read. Of goals, episodes and checkpoints the ids are held, of everything else one goal at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import orjson

from explorer.model import Finding
from explorer.readers._findings import Findings
from explorer.readers._sqlite import Database, Unreadable, open_database
from explorer.readers.maverick._evidence import (
    BEGINNING,
    CUT,
    Episode,
    Evidence,
    Goal,
    Origin,
    Post,
    Saved,
    Twice,
    readable,
)
from explorer.readers.maverick._messages import summary_of
from explorer.readers.maverick._shapes import conversation_id, seconds_of, text_of, tool_of, whole_number

EVENTS = "goal_events"
_GOAL = ("id", "parent_id", "title", "status", "created_at", "updated_at", "deadline", "owner", "domain", "project_id")
_EPISODE = (
    "id", "started_at", "ended_at", "outcome", "cost_dollars", "input_tokens", "output_tokens", "tool_calls",
)  # fmt: skip
_SAVED = ("episode_id", "agent_id", "step_seq", "created_at", "messages", "budget")
_SPREAD = 4
"""Times as many rows as a goal has, between its first and its last, that are passed over rather than looked up."""
_CONTENT = f"""
    substr(content, 1, CASE
        WHEN {{kind}} = 'plan' THEN {CUT}
        WHEN {{kind}} = 'observation' AND content >= 'tool=' AND content < 'tool>'
            AND instr(content, ' -> ') BETWEEN 1 AND {BEGINNING - 4} THEN instr(content, ' -> ') + 3
        ELSE {BEGINNING}
    END)
"""
"""What is read of a post: of the answer of a tool no more than its name, as there are many."""
_MOST_TOOLS = 1_000
LONGEST = 256 << 20
"""Bytes of the longest checkpoint that is read."""


class World:
    """An open database."""

    def __init__(self, source_id: str, database: Database, findings: Findings) -> None:
        self.source_id = source_id
        self.database = database
        self.findings = findings
        self._told = 0
        self._columns = {
            table: set(database.columns(table))
            for table in ("goals", "episodes", EVENTS, "checkpoints", "turns", "conversations")
        }
        self._goals: dict[int, None] = {}
        self._episodes: dict[int, list[int]] = {}
        self._owners: dict[int, int] = {}
        self._spans: dict[int, tuple[int, int, int]] = {}
        self._saved: dict[int, list[int]] = {}
        self._origins: dict[int, tuple[int, int]] = {}  # goal -> goal and episode of which it has a checkpoint
        self._above: dict[int, int] = {}  # goal -> that below which it is
        self._channels: dict[int, str] = {}
        self._forked: set[int] = set()
        self._written: dict[int, list[tuple[int | None, float | None, str]]] = {}

    @property
    def legacy(self) -> bool:
        """Whether checkpoints do not say of which episode they are."""
        return bool(self._columns["checkpoints"]) and "episode_id" not in self._columns["checkpoints"]

    def _has(self, table: str, *columns: str) -> bool:
        return self._columns[table] >= set(columns)

    def index(self) -> Iterator[Finding]:
        """Find out which goals there are, and where what belongs to them is."""
        parent = "parent_id" if self._has("goals", "parent_id") else "NULL"
        for row, above in self.database.scan("goals", ("rowid", parent), key="rowid"):
            self._goals[row] = None
            if (goal := whole_number(above)) is not None and goal != row:
                self._forked.add(goal)
                self._above[row] = goal
        for row, goal in self._rows_of("episodes"):
            self._episodes.setdefault(goal, []).append(row)
            self._owners[row] = goal
        yield from self._index_events()
        if self._has("checkpoints", "goal_id", "step_seq", "budget", "agent_id", "messages"):
            self._index_checkpoints()
        if self._has("turns", "goal_id", "conversation_id") and self._has("conversations", "channel"):
            query = "SELECT DISTINCT goal_id, channel FROM turns JOIN conversations AS c ON c.id = conversation_id"
            for found, channel in self.database.execute(query):
                if whole_number(found) is not None and (name := text_of(channel)):
                    self._channels.setdefault(found, name)
        yield from self.problems()

    def _rows_of(self, table: str) -> Iterator[tuple[int, int]]:
        if self._has(table, "goal_id"):
            for row, goal in self.database.scan(table, ("rowid", "goal_id"), key="rowid"):
                if whole_number(goal) is not None:
                    yield row, goal

    def _index_events(self) -> Iterator[Finding]:
        before = len(self.database.damage)
        query = f"SELECT goal_id, min(rowid), max(rowid), count(*) FROM {EVENTS} GROUP BY goal_id"
        found = self.database.execute(query)
        if len(self.database.damage) > before:  # told again when the goal is read
            spans: dict[object, list[int]] = {}
            for row, goal in self.database.scan(EVENTS, ("rowid", "goal_id"), key="rowid"):
                span = spans.setdefault(goal, [row, row, 0])
                span[1], span[2] = row, span[2] + 1
            found = [(goal, *span) for goal, span in spans.items()]
            del self.database.damage[before:]
            message = f"rows of {EVENTS} cannot be read: they are left out, the rest is read"
            yield from self.findings.at("damaged-database", "error", message)
        for goal, first, last, rows in found:
            if whole_number(goal) is not None:
                self._spans[goal] = first, last, rows
            else:
                what = (
                    f"row {first:,} of {EVENTS} is" if rows == 1 else f"{rows:,} rows of {EVENTS} from {first:,} on are"
                )
                message = f"{what} of no goal: left out"
                yield from self.findings.at("bad-record", "error", message)

    def _index_checkpoints(self) -> None:
        episode = "NULL" if self.legacy else "episode_id"
        for row, goal, of in self.database.scan("checkpoints", ("rowid", "goal_id", episode), key="rowid"):
            if whole_number(goal) is None:
                continue
            self._saved.setdefault(goal, []).append(row)
            owner = self._owners.get(of) if whole_number(of) is not None else None
            if owner is not None and owner != goal:
                self._origins[goal] = owner, of
                self._above[goal] = owner
                self._forked.add(owner)

    def goals(self) -> list[int]:
        """Every goal of which there is anything, those with a row first."""
        others = {*self._episodes, *self._spans, *self._saved} - self._goals.keys()
        return [*self._goals, *sorted(others)]

    def events(self, goal: int) -> int:
        """How many posts it has."""
        return self._spans[goal][2] if goal in self._spans else 0

    def head(self, goal: int) -> int:
        """The first of the goals of which each was forked from one before."""
        seen = {goal}
        while (above := self._above.get(goal)) is not None and above not in seen:
            seen.add(goal := above)
        return goal if above is None else min(seen)

    def problems(self) -> Iterator[Finding]:
        """What could not be read since last time."""
        for damage in self.database.damage[self._told :]:
            yield from self.findings.at("damaged-database", "error", f"{damage.message}: left out, the rest is read")
        self._told = len(self.database.damage)

    def remember(self, goal: int, runs: Sequence[tuple[int | None, float | None, str]]) -> None:
        """Keep the runs (episode, start, id) of a goal that another one was forked from."""
        if goal in self._forked:
            self._written[goal] = list(runs)

    def evidence(self, goal_id: int) -> Evidence:
        """What there is of a goal."""
        found = Evidence(goal_id, self._goal(goal_id), self._episodes_of(goal_id), channel=self._channels.get(goal_id))
        if goal_id in self._spans:
            found.posts = Twice(partial(self._posts, goal_id), self.findings)
        found.checkpoints = [self._checkpoint(row) for row in self._saved.get(goal_id, ())]
        found.legacy_checkpoints = self.legacy
        found.messages_of = self._messages
        for fork, (owner, episode) in self._origins.items():
            if owner == goal_id:
                found.forks.setdefault(episode, []).append(fork)
        found.origin = self._origin(goal_id, found.goal, bool(found.episodes))
        return found

    def _origin(self, goal_id: int, goal: Goal | None, has_episodes: bool) -> Origin | None:
        above, episode = self._origins.get(goal_id, (None, None))
        if above is None and goal is not None and not has_episodes and goal_id in self._spans:
            above = goal.parent  # a fork that was gone on with has posts, and no episode of its own
        if above is None:
            return None
        runs = self._written.get(above, [])
        if episode is not None:
            runs = [run for run in runs if run[0] == episode]
        elif goal is not None and goal.created is not None:
            runs = [run for run in runs if run[1] is None or run[1] <= goal.created] or runs
        return Origin(runs[-1][2] if runs else None, above, episode, episode is None and len(runs) > 1)

    def _record(self, table: str, columns: Sequence[str], row: int, *more: str) -> dict[str, object] | None:
        present = [column for column in columns if column in self._columns[table]]
        found = self.database.execute(f"SELECT {', '.join((*present, *more))} FROM {table} WHERE rowid = ?", (row,))
        names = [*present, *(name.rpartition(" ")[2] for name in more)]
        return dict(zip(names, found[0], strict=True)) if found else None

    def _goal(self, goal_id: int) -> Goal | None:
        if goal_id not in self._goals:
            return None
        long = [
            text
            for name in ("description", "result")
            if name in self._columns["goals"]
            for text in (f"substr({name}, 1, {CUT}) AS {name}", f"substr({name}, -100) AS {name}_end")
        ]
        record = self._record("goals", _GOAL, goal_id, *long)
        return Goal.of(record) if record else None

    def _episodes_of(self, goal_id: int) -> list[Episode]:
        summary = [f"substr(summary, 1, {CUT}) AS summary"] if self._has("episodes", "summary") else []
        found = (self._record("episodes", _EPISODE, row, *summary) for row in self._episodes.get(goal_id, ()))
        return [Episode.of(record) for record in found if record]

    def _posts(self, goal_id: int, findings: Findings) -> Iterator[Post | Finding]:
        first, last, rows = self._spans[goal_id]
        # The plus keeps SQLite from going by its index, which has another order.
        own = "+goal_id" if last - first < _SPREAD * rows else "goal_id"
        wanted = ["NULL" if name not in self._columns[EVENTS] else name for name in ("agent", "kind", "content", "ts")]
        if wanted[2] == "content":
            wanted[2] = _CONTENT.format(kind=wanted[1])
        scan = self.database.scan(
            EVENTS, ("rowid", *wanted), f"rowid <= ? AND {own} = ?", (last, goal_id), "rowid", first
        )  # fmt: skip
        again = findings is not self.findings
        before = len(self.database.damage)
        source_id = self.source_id
        known: dict[object, str] = {}  # names that have been decoded
        tools: dict[object, str] = {}
        for row, agent, kind, content, ts in scan:
            if agent not in known or kind not in known:
                known[agent], known[kind] = text_of(agent) or "", text_of(kind) or ""
            agent, kind = known[agent], known[kind]
            tool = tools.get(content) if kind == "observation" else None
            if tool is None:
                raw, content = content, text_of(content) or ""
                tool = tool_of(content) if kind == "observation" else None
                if tool is not None and len(tools) < _MOST_TOOLS:
                    tools[raw] = tool
            at = ts if type(ts) is float and 0 < ts < 1e10 else seconds_of(ts)
            if at is None and not again:
                message = f"row {row:,}: ts is no time: counted as not recorded"
                key = conversation_id(source_id, goal_id)
                yield from findings.at("bad-field", "warning", message, conversation_id=key)
            yield Post(source_id, row, 1, None, agent, kind, "" if tool else content, at, 0, tool)
        if again:  # it was told the first time
            del self.database.damage[before:]

    def _checkpoint(self, row: int) -> Saved:
        columns = [name for name in _SAVED if name != "messages"]
        fits = f"CASE WHEN length(messages) <= {LONGEST} THEN CAST(messages AS BLOB) END AS messages"
        record = self._record("checkpoints", columns, row, fits) or {}
        messages, problems = _parsed(record.pop("messages", None), "messages", list)
        budget, more = _parsed(record.pop("budget", None), "budget", dict)
        record = readable(record)
        episode = None if self.legacy else whole_number(record.get("episode_id")) or 0
        count, pending = summary_of(messages) if isinstance(messages, list) else (None, None)
        return Saved(
            row, episode, text_of(record.get("agent_id")) or "", whole_number(record.get("step_seq")),
            seconds_of(record.get("created_at")), count, pending, budget if isinstance(budget, dict) else {},
            None if episode is None else self._owners.get(episode), (*problems, *more),
        )  # fmt: skip

    def _messages(self, row: int) -> object:
        found = self.database.execute("SELECT CAST(messages AS BLOB) FROM checkpoints WHERE rowid = ?", (row,))
        return _parsed(found[0][0], "messages", list)[0] if found else None


def _parsed(value: object, name: str, kind: type) -> tuple[object, tuple[str, ...]]:
    """JSON in a column, or what is wrong with it."""
    try:
        found = orjson.loads(value) if isinstance(value, (str, bytes)) else None
    except orjson.JSONDecodeError:
        found = None
    return (found, ()) if isinstance(found, kind) else (None, (f"its {name} cannot be read",))


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """Rows of ``goal_events`` as JSON, a line each.

    Raises:
        OSError: the database cannot be read any more.
    """
    lines = []
    try:
        with open_database(path) as database:
            columns = database.columns(EVENTS)
            names = ", ".join(f'"{name}"' for name in columns)
            query = f"SELECT {names} FROM {EVENTS} WHERE rowid >= ? AND rowid < ? ORDER BY rowid LIMIT 1000"
            for row in database.execute(query, (offset, offset + length)):
                fields = readable(dict(zip(columns, row, strict=True)))
                lines.append(orjson.dumps(fields, default=str))
    except Unreadable as error:
        raise OSError(f"the database cannot be read any more: {error}") from None
    if not lines:
        raise OSError("the row is not in the database any more: ctrl+r reads it again")
    return b"\n".join(lines)[:limit]
