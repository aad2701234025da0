"""The conversation that a trace of Dynamo is: its agents, their requests and the tools that they called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from explorer.model import HASHES, Edge, Finding, Row, Step, ToolCall
from explorer.readers import SourceFile
from explorer.readers._block_trace import BlockTrace, Clock, Prompt, Session
from explorer.readers._findings import Findings
from explorer.readers._json_lines import Line, json_lines
from explorer.readers._values import Fields, as_json
from explorer.readers.dynamo._context import context_of

SCHEMA = "dynamo.request.trace.v1"
MOST_MS = 10**15

_LOOK_AHEAD = 200
"""Lines at the beginning whose earliest time is where the conversation starts: they are in the order of their ends."""

_ASIDE = frozenset(("request_payload",))
_TOOL_KINDS = frozenset(("tool_start", "tool_end", "tool_error"))
_SUCCEEDED = frozenset(("succeeded", "ok", "success"))
_FAILED = frozenset(("error", "failed", "cancelled", "canceled", "timeout"))


@dataclass(slots=True)
class _Call:
    """A tool call that is not known whole."""

    session: Session
    source_id: str
    line: Line
    tool_call_id: str | None
    name: str | None = None
    step_ordinal: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    is_error: bool | None = None


class Trace:
    """One file, or the files of one writer in their order."""

    def __init__(self, source: SourceFile, first: Path, format_: str) -> None:
        self.clock = Clock(1)
        self.clock.origin = _start(first)
        self.trace = BlockTrace(source, format_, Findings(source.source_id), self.clock)
        self.trace.tools_recorded = True
        self.calls: dict[tuple[Session, str | None], _Call] = {}
        self.tool_calls: Counter[str] = Counter()  # by run
        self.aside: Counter[str] = Counter()  # records that are no rows, by kind

    def file(self, path: Path, source_id: str) -> Iterator[Row]:
        """The rows of a file; the next one goes on from it.

        Raises:
            OSError: it cannot be read.
        """
        self.trace.source_id, self.trace.findings = source_id, Findings(source_id)
        for line in json_lines(path, self.trace.findings):
            if isinstance(line, Finding):
                yield line
            else:
                yield from self.record(line)
        if self.trace.sessions:
            yield from self.trace.findings.rest(self.trace.conversation_id)
        yield from self.trace.findings.rest()

    def record(self, line: Line) -> Iterator[Row]:
        """The rows of a line."""
        event = _event(line.fields)
        if event is None:
            if "verification" in line.fields:
                self.aside["verification"] += 1
            else:
                yield from self.trace.no_request(line)
            return
        kind, request, tool = str(event.get("event_type")), event.get("request"), event.get("tool")
        if kind in _ASIDE:
            self.aside[kind] += 1
        elif kind == "request_end" and isinstance(request, dict):
            yield from self.request(line, self.session(event), event, request)
        elif kind in _TOOL_KINDS and isinstance(tool, dict):
            yield from self.tool(line, self.session(event), event, tool, kind)
        elif kind in _TOOL_KINDS or kind == "request_end":
            yield from self.trace.no_request(line)
        else:
            yield from self.trace.finding("unknown-kind", "info", f"a record of the kind {kind[:40]!r}", line)
            return
        recorded = event.get("agent_context")
        if recorded is not None and kind not in _ASIDE and context_of(recorded) is None:
            message = "agent_context names no agent: counted as not recorded"
            yield from self.trace.finding("bad-field", "warning", message, line)

    def session(self, event: dict[str, object]) -> Session:
        """The agent of a record; its parent as well, whether or not anything else is recorded of it."""
        context = context_of(event.get("agent_context"))
        if context is None:
            return self.trace.session(None, "requests")
        session = self.trace.session(context.key, context.type or "session", context.agent)
        if session.parent is None and context.parent not in (None, context.agent):
            key = context.group, context.parent
            session.parent = self.trace.session(key, context.type or "session", context.parent)
        if context.is_final:
            session.status = "completed"
        if context.group is not None:
            session.extra["group"] = context.group
        return session

    def request(
        self, line: Line, session: Session, event: dict[str, object], request: dict[str, object]
    ) -> Iterator[Row]:  # fmt: skip
        """A step, and the tools that it asked for."""
        fields, replay, finish = (
            Fields(dict(request)),
            _object(request, "replay"),
            _object(request, "finish_reason_metadata"),
        )
        for name in ("replay", "finish_reason_metadata"):
            fields.rest().pop(name, None)
        again = Fields(dict(replay))
        length, size = again.count("input_length"), again.count("trace_block_size") or None
        tokens, answer = fields.count("input_tokens"), fields.count("output_tokens")
        tokens = length if tokens is None else tokens
        received, took = fields.number("request_received_ms", 0, MOST_MS), fields.number("total_time_ms", 0)
        ended = Fields(event).number("event_time_unix_ms", 0, MOST_MS)
        if received is None and ended is not None and took is not None:
            received, session.time_grade = ended - took, "derived"
        elif received is not None and took is not None:
            ended = received + took
        start_ms, end_ms = self.ms(received), self.ms(ended)
        step = Step(
            run_id=session.run_id,
            ordinal=session.steps + 1,
            start_ms=start_ms,
            end_ms=end_ms,
            model=fields.text("model"),
            input_tokens=tokens,
            cache_read_tokens=fields.count("cached_tokens"),
            output_tokens=answer,
            tokens_grade="not_recorded" if tokens is None and answer is None else "exact",
            finish_reason=Fields(dict(finish)).text("finish_reason"),
            grade="exact",
            source_id=self.trace.source_id,
            offset=line.offset,
            length=line.length,
            extra=as_json(fields.rest()),
        )
        prompt = Prompt.of(replay.get("input_sequence_hashes"))
        fields.complaints += again.complaints
        yield from self.trace.add(session, step, prompt, size, line, fields)
        asked = finish.get("tool_calls")
        for call in asked if isinstance(asked, list) else ():
            if isinstance(call, dict):
                named = Fields(dict(call))
                found = self.call(session, named.text("id"), line)
                found.name, found.step_ordinal = named.text("name") or found.name, step.ordinal
                if found.tool_call_id is None:
                    yield self.emit(found)

    def tool(
        self, line: Line, session: Session, event: dict[str, object], tool: dict[str, object], kind: str
    ) -> Iterator[Row]:  # fmt: skip
        """What is told of a tool call; the row of it once it has ended."""
        fields = Fields(dict(tool))
        call = self.call(session, fields.text("tool_call_id"), line)
        at = Fields(event).number("event_time_unix_ms", 0, MOST_MS)
        started, ended = fields.number("started_at_unix_ms", 0, MOST_MS), fields.number("ended_at_unix_ms", 0, MOST_MS)
        took = fields.number("duration_ms", 0)
        call.name = call.name or fields.text("tool_class")
        if kind == "tool_start":
            call.start_ms = self.ms(at if started is None else started)
            if call.tool_call_id is not None:
                return
        else:
            ended = at if ended is None else ended
            if started is None and ended is not None and took is not None:
                started = ended - took
            call.start_ms, call.end_ms = self.ms(started) if started is not None else call.start_ms, self.ms(ended)
            call.is_error = _failed(kind, fields.text("status"))
        call.source_id, call.line = self.trace.source_id, line
        session.reached(call.start_ms, call.end_ms)
        yield self.emit(call)
        yield from self.trace.complaints(fields, line, session)

    def call(self, session: Session, tool_call_id: str | None, line: Line) -> _Call:
        """What is known of a tool call."""
        if tool_call_id is None:
            return _Call(session, self.trace.source_id, line, None)
        return self.calls.setdefault((session, tool_call_id), _Call(session, self.trace.source_id, line, tool_call_id))

    def emit(self, call: _Call) -> ToolCall:
        """The row of a tool call."""
        self.calls.pop((call.session, call.tool_call_id), None)
        self.tool_calls[call.session.run_id] += 1
        return ToolCall(
            run_id=call.session.run_id,
            ordinal=self.tool_calls[call.session.run_id],
            step_ordinal=call.step_ordinal,
            tool_call_id=call.tool_call_id,
            name=call.name,
            start_ms=call.start_ms,
            end_ms=call.end_ms,
            is_error=call.is_error,
            grade="exact",
            source_id=call.source_id,
            offset=call.line.offset,
            length=call.line.length,
        )

    def end(self) -> Iterator[Row]:
        """The calls that never ended, who started whom, and everything that comes once."""
        for call in list(self.calls.values()):
            yield self.emit(call)
        for session in self.trace.sessions.values():
            if session.parent is not None:
                yield Edge(
                    f"{session.run_id}>spawn", "spawn", session.parent.run_id, session.run_id, None, session.start_ms,
                    None, "derived",
                )  # fmt: skip
        yield from self.trace.end(HASHES, {"records_aside": dict(self.aside)} if self.aside else None)

    def ms(self, unix: float | None) -> int | None:
        """A time since 1970 as one since the start."""
        return None if unix is None else round(unix) - (self.clock.origin or 0)


def _event(fields: dict[str, object]) -> dict[str, object] | None:
    """The record of a line; None if it is none of the schema."""
    inner = fields.get("event")
    event = inner if isinstance(inner, dict) else fields
    return event if event.get("schema") == SCHEMA else None


def _failed(kind: str, status: str | None) -> bool | None:
    """Whether a tool call came to nothing; None for a status that is not known."""
    if kind == "tool_error" or status in _FAILED:
        return True
    return False if status is None or status in _SUCCEEDED else None


def _object(fields: dict[str, object], name: str) -> dict[str, object]:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _start(path: Path) -> int | None:
    """The earliest time since 1970, in milliseconds, that the first records tell of; None if they tell of none."""
    times: list[float] = []
    for line in islice(json_lines(path, Findings("")), _LOOK_AHEAD):
        event = None if isinstance(line, Finding) else _event(line.fields)
        if event is not None:
            told = (
                (event, "event_time_unix_ms"),
                (_object(event, "request"), "request_received_ms"),
                (_object(event, "tool"), "started_at_unix_ms"),
            )
            found = [Fields(dict(fields)).number(name, 0, MOST_MS) for fields, name in told]
            times += [time for time in found if time is not None]
    return round(min(times)) if times else None
