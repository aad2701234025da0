"""The database of forge and codegraff: ``.forge.db`` with ``conversations`` and, of codegraff, ``trajectory_events``.

Format: justrach/codegraff crates/forge_repo/src/database and src/trajectory @b4ba8081; upstream forgecode has the first
of the two tables. One database holds all projects of a user, so it is read conversation by conversation.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import compress, pairwise
from operator import itemgetter, ne
from typing import Any

import orjson

from explorer.model import Finding, Row
from explorer.readers import Rows, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._sqlite import Database, Unreadable, open_database, text
from explorer.readers.codegraff._contexts import Context, milliseconds
from explorer.readers.codegraff._events import children
from explorer.readers.codegraff._layout import CONVERSATIONS, tables
from explorer.readers.codegraff._parse import BadEvent, OddEvent, columns_of, event_of
from explorer.readers.codegraff._recording import Key, Place, Recording
from explorer.readers.codegraff._spans import EVENTS, Span, bounds_of, count_nameless, spans_between

_KEPT = 8
"""Parsed messages that are kept: those of a conversation are asked for more than once."""

_of_whom = itemgetter(5, 6)

LONGEST = 512 << 20
"""Bytes of the longest messages of one conversation that are read."""


def read_database(source: SourceFile, findings: Findings) -> Iterator[Row | Rows]:
    """The rows of a database."""
    try:
        with open_database(source.path, bytes) as database:
            yield from _Reading(source, findings, database).rows()
    except Unreadable as error:
        message = f"the database cannot be opened ({error}): nothing of it is read"
        yield from findings.at("damaged-database", "error", message)


class _Reading:
    def __init__(self, source: SourceFile, findings: Findings, database: Database) -> None:
        self.source = source
        self.findings = findings
        self.database = database
        self.tables = tables(database)
        self.contexts = _Stored(database, CONVERSATIONS in self.tables)
        self.told = 0 if source.share[0] == 0 else len(database.damage)
        self.nameless = 0
        """Events without the id of a conversation."""

    def rows(self) -> Iterator[Row | Rows]:
        number, of = self.source.share
        first = number == 0
        """Whether it is this part that tells what is of no conversation with events."""
        own: list[Span] = []
        others: list[Span] = []
        if EVENTS in self.tables:
            bounds = bounds_of(self.database, of)
            own = spans_between(self.database, *bounds[number])
            if first and self.contexts.any:
                others = [span for each in bounds[1:] for span in spans_between(self.database, *each)]
            self.nameless = count_nameless(self.database) if first else 0
        done = {text(span.raw_id) for span in own + others}
        for span in own:
            native_id = text(span.raw_id)
            recording = self._recording(native_id, self._child_ids(span))
            yield from self._events(span, recording)
            yield from recording.finish()
            done.update(recording.below)
            yield from self._problems()
        if first:
            yield from self._without_events(done | self._named_by(others))
        if self.nameless:
            message = f"{self.nameless:,} events have no text for the id of their conversation: left out"
            yield from self.findings.at("bad-record", "error", message)
        if first and self.database.changed():
            message = "the database was written to while it was read: rows may be missing; ctrl+r reads it again"
            yield from self.findings.at("changed-while-read", "warning", message)
        yield from self._problems()

    def _without_events(self, done: set[str]) -> Iterator[Row | Rows]:
        """Conversations of which only the messages are kept.

        Those of the user first: what agents began is found below them, and what is left then has no parent.
        """
        for by_agent in (False, True):
            for native_id in self.contexts.ids(by_agent):
                if native_id in done:
                    continue
                recording = self._recording(native_id, ())
                if by_agent:
                    message = "an agent began this conversation, and no call that names it is left"
                    place = recording.place.conversation_id
                    yield from self.findings.at("unknown-parent", "warning", message, conversation_id=place)
                yield from recording.finish()
                done.add(native_id)
                done.update(recording.below)
                yield from self._problems()

    def _named_by(self, spans: Sequence[Span]) -> set[str]:
        """The conversations of agents that are shown below others, which another share reads."""
        found: set[str] = set()
        waiting: list[str] = []
        for span in spans if self.contexts.has_agents else ():
            tasks = self._tasks(span)
            waiting += self._named(span)
            waiting += [child for child in self._around(span) if self.contexts.title(child) in tasks]
        while waiting:
            child = waiting.pop()
            if child not in found and (context := self.contexts.load(child)) is not None:
                found.add(child)
                waiting.extend(context.children)
        return found

    def _recording(self, native_id: str, child_ids: Sequence[str]) -> Recording:
        key = f"{self.source.source_id}//{native_id}"
        place = Place(self.source.source_id, key, native_id, lambda event: None)
        return Recording(place, self.findings, self.contexts, child_ids)

    def _child_ids(self, span: Span) -> list[str]:
        """Conversations of agents that this one's results name, and those that began while it went on."""
        return [*self._named(span), *self._around(span)] if self.contexts.has_agents else []

    def _named(self, span: Span) -> list[str]:
        """Conversations of agents that the results of a conversation name."""
        found: list[str] = []
        for payload in self._payloads(span, "tool_result", '"conversation_id"'):
            found += children(payload)
        return found

    def _tasks(self, span: Span) -> set[object]:
        """What a conversation's calls asked agents to do."""
        arguments = [payload.get("arguments") for payload in self._payloads(span, "tool_call", '"tasks"')]
        tasks = [each.get("tasks") for each in arguments if isinstance(each, dict)]
        return {task for each in tasks if isinstance(each, list) for task in each if isinstance(task, str)}

    def _payloads(self, span: Span, kind: str, word: str) -> Iterator[dict[str, object]]:
        """The payloads of a kind in which a word stands."""
        where, parameters = span.where()
        query = f"kind = '{kind}' AND instr(payload, '{word}') > 0 AND ({where})"
        columns = ("id", "CAST(payload AS BLOB)")
        for _, payload in self.database.scan(EVENTS, columns, query, parameters, start=span.first):
            try:
                found = orjson.loads(payload)
            except orjson.JSONDecodeError:
                continue
            if isinstance(found, dict):
                yield found

    def _around(self, span: Span) -> list[str]:
        """Conversations that agents began while one went on."""
        where, parameters = span.where()
        query = f"SELECT min(ts_ms), max(ts_ms) FROM {EVENTS} WHERE ts_ms > 0 AND {where}"
        times = self.database.execute(query, parameters)
        if times and isinstance(times[0][0], int) and isinstance(times[0][1], int):
            return self.contexts.of_agents(times[0][0], times[0][1])
        return []

    def _events(self, span: Span, recording: Recording) -> Iterator[Row | Rows]:
        columns = ("id", "seq", "ts_ms", "kind", "CAST(payload AS BLOB)", "agent_id", "parent_agent_id")
        where, parameters = span.where()
        for rows in self.database.batches(EVENTS, columns, where, parameters, start=span.first):
            events = columns_of(rows)
            if events is None:
                yield from self._one_by_one(rows, recording)
                continue
            of_whom = list(map(_of_whom, rows))
            one = of_whom.count(of_whom[0]) == len(rows)
            changes = () if one else compress(range(1, len(rows)), map(ne, of_whom[1:], of_whom))
            for first, end in pairwise((0, *changes, len(rows))):
                yield from recording.extend(_key(*of_whom[first]), events, first, end)

    def _one_by_one(self, rows: Sequence[tuple[Any, ...]], recording: Recording) -> Iterator[Row | Rows]:
        """Events of which some are odd."""
        for row, seq, ts, kind, payload, agent, parent in rows:
            try:
                event = event_of(row, seq, ts, kind, payload)
            except BadEvent as error:
                message = f"row {row:,}: {error}; the event is left out, the rest is read"
                place = recording.place.conversation_id
                yield from self.findings.at("bad-record", "error", message, conversation_id=place)
                continue
            except OddEvent as odd:
                event = odd.event
                yield from recording.complain(odd.code, str(odd), event)
            yield from recording.add(_key(agent, parent), event)

    def _problems(self) -> Iterator[Finding]:
        """What could not be read since last time."""
        for damage in self.database.damage[self.told :]:
            yield from self.findings.at("damaged-database", "error", f"{damage.message}: left out, the rest is read")
        self.told = len(self.database.damage)
        for problem in self.contexts.problems:
            yield from self.findings.at("bad-record", "error", problem)
        self.contexts.problems.clear()


class _Stored:
    """The messages of conversations, read when they are asked for."""

    def __init__(self, database: Database, present: bool) -> None:
        self.problems: list[str] = []
        self._database = database
        self._cache: OrderedDict[str, Context | None] = OrderedDict()
        rows = (
            database.scan(
                CONVERSATIONS,
                ("rowid", "conversation_id", "created_at", 'instr(context, \'"initiator":"agent"\') > 0'),
                key="rowid",
            )
            if present
            else ()
        )
        self._rows: dict[str, tuple[int, int | None, bool]] = {
            _text(native_id) or "": (row, milliseconds(_text(created)), bool(by_agent))
            for row, native_id, created, by_agent in rows
        }
        self.any = bool(self._rows)
        self.has_agents = any(by_agent for _, _, by_agent in self._rows.values())

    def ids(self, by_agent: bool) -> list[str]:
        """The conversations that agents, or users, began."""
        return [native_id for native_id, row in self._rows.items() if row[2] == by_agent]

    def of_agents(self, first: int, last: int) -> list[str]:
        """Those that agents began between two times."""
        return [
            native_id
            for native_id, (_, created, by_agent) in self._rows.items()
            if by_agent and created is not None and first <= created <= last
        ]

    def title(self, conversation_id: str) -> str | None:
        """Its title."""
        context = self.load(conversation_id)
        return context.title if context else None

    def load(self, conversation_id: str) -> Context | None:
        """The messages of a conversation; None when there is no such row."""
        if conversation_id not in self._rows:
            return None
        if conversation_id not in self._cache:
            self._cache[conversation_id] = self._read(conversation_id)
            if len(self._cache) > _KEPT:
                self._cache.popitem(last=False)
        return self._cache[conversation_id]

    def _read(self, conversation_id: str) -> Context | None:
        row, created, _ = self._rows[conversation_id]
        found = self._database.execute(
            "SELECT title, workspace_id, CAST(context AS BLOB), updated_at, CAST(metrics AS BLOB) "
            f"FROM {CONVERSATIONS} WHERE rowid = ? AND coalesce(length(context), 0) <= {LONGEST}",
            (row,),
        )
        if not found:
            self.problems.append(f"conversation {conversation_id}: its messages cannot be read, or are too long")
            return None
        title, workspace, context, updated, metrics = found[0]
        return Context(
            conversation_id,
            _text(title),
            workspace if isinstance(workspace, int) else None,
            created,
            milliseconds(_text(updated)),
            self._json(context, f"conversation {conversation_id}: its messages are not JSON"),
            self._json(metrics, f"conversation {conversation_id}: its metrics are not JSON"),
        )

    def _json(self, value: bytes | None, problem: str) -> object:
        if not value:
            return None
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            self.problems.append(f"{problem} ({error}); they are left out")
            return None


def _key(agent: object, parent: object) -> Key:
    return Key(_text(agent) or "agent", _text(parent), None)


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return text(value) or None
    return None if value is None else str(value)
