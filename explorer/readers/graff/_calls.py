"""The calls of a process become steps and tool calls, in the order of the record.

What ``api`` calls ``context_tokens`` is how full the context was once the answer had come: input, cache and output of
the call together, or the recorder's own estimate where that is more (src/agent_context.zig @278e7042). It is no input,
so it stays in ``extra``. Output tokens are recorded nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from explorer.model import BlockRun, Event, EventKind, Row, Step, ToolCall
from explorer.readers._prompts import PromptParts
from explorer.readers._values import Fields, as_json
from explorer.readers.graff._attribution import Attribution, Owner
from explorer.readers.graff._clock import moment
from explorer.readers.graff._execution import Execution
from explorer.readers.graff._file import File
from explorer.readers.graff._lines import Record
from explorer.readers.graff._process import Process
from explorer.readers.graff._records import ENVELOPE, MOST_MS, MOST_TOOLS, Call, call_of

MOST_DETAIL = 4_000
"""Characters of a remark that are kept; the rest stays in the source."""

_EVENTS: dict[str, EventKind] = {
    "compact": "compaction", "interrupt": "interrupt", "cancel": "interrupt", "error": "error",
}  # fmt: skip
"""What a remark is of whose kind has such a word in it."""

_SIGNS = {"api": {"agent", "model", "context_tokens"}, "tool": {"name", "result_bytes"}}
"""Fields by which calls are known."""

_KNOWN = frozenset(("api", "tool", "first_token", "recipe_outcome"))

_SPAWNS = frozenset(("subagent", "workflow"))
_SPAWN_MS = 250
"""By how much a tool call that ran a child may begin before it and end after it."""


class Calls:
    """Makes rows of the calls of one process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.attribution = Attribution(process)
        self.parts = PromptParts()
        self.has_blocks = False
        self.held: list[tuple[File, Call]] = []
        """Tool calls of children."""
        self.seen: set[int] = set()
        """Numbers of the tool calls that the trace has."""

    def rows(self, file: File, record: Record) -> Iterator[Row]:
        """What a line of the operational trace becomes."""
        self.process.trace_file = self.process.trace_file or file
        event = _what(record.fields)
        if event == "api":
            call = call_of(record)
            yield from self._model_call(file, call)
        elif event == "tool":
            call = call_of(record)
            call.rest = {}  # the size of a result, which no column has
            if call.from_sub:
                self.held.append((file, call))
            else:
                yield from self._tool_call(file, call)
        elif event == "first_token":
            self.attribution.first_token(call_of(record))
            return
        elif event == "recipe_outcome":
            self._outcome(record)
            return
        else:
            yield from self._remark(record)
            return
        for complaint in call.complaints:
            yield from file.finding("bad-field", "warning", complaint, record.offset, self.process.conversation_id)

    # --- model calls -------------------------------------------------------------------------------------------------

    def _model_call(self, file: File, call: Call) -> Iterator[Row]:
        first = self.attribution.answered(call)
        owner = self.attribution.of_model_call(call, first.from_sub if first else None)
        run = owner.execution
        self.process.has_steps = True
        run.asked(call.start, call.t, owner.grade != "ambiguous")
        run.model = run.model or call.model
        fields = Fields(call.rest)
        cached = fields.count("cache_read_tokens")
        # A call that failed writes zeros where it has no figures.
        failed = bool(call.is_error) and not call.rest.get("context_tokens")
        call.complaints += fields.complaints
        extra = {"first_token_ms": first.ms if first else None, "agent": call.label, **call.rest}
        node = run.node
        yield Step(
            run_id=run.run_id,
            ordinal=run.steps,
            started_at=moment(self.process.unix_ms, call.start),
            start_ms=call.start,
            end_ms=call.t,
            model=call.model,
            provider=node.provider if node and node.model == call.model and run.parent else None,
            cache_read_tokens=None if failed else cached,
            tokens_grade="not_recorded" if failed or cached is None else "exact",
            error="failed; the reason is not recorded" if call.is_error else None,
            grade=owner.grade,
            candidates=_ids(owner),
            source_id=file.source_id,
            offset=call.offset,
            length=call.length,
            extra=as_json(extra),
        )
        yield from self._prompt(owner)

    def _prompt(self, owner: Owner) -> Iterator[BlockRun]:
        """The system prompt, where all whose step it may be have the same."""
        run = owner.execution
        prompts = {one.prompt_of(run.steps) for one in owner.candidates or [run]}
        sha = prompts.pop()
        if sha is None or prompts:
            return
        self.has_blocks = True
        position = 0
        for number, count in self.parts.stretches([sha.encode()]):
            yield BlockRun(run.run_id, run.steps, position, self.process.conversation_id, number, count, None)
            position += count

    # --- tool calls --------------------------------------------------------------------------------------------------

    def _tool_call(self, file: File, call: Call) -> Iterator[Row]:
        owner = self.attribution.of_tool_call(call)
        run = owner.execution
        if call.call_id is not None:
            self.seen.add(call.call_id)
        child = self._spawned(run, call)
        offset, length = call.offset, call.length
        # Where the arguments were recorded, they are what there is to show of the call.
        begun = self.process.behavior.tools.get(call.call_id) if call.call_id is not None else None
        if begun and self.process.behavior_file and begun[0].name == call.name:
            file, offset, length = self.process.behavior_file, begun[0].offset, begun[0].length
        run.tool_calls += 1
        yield ToolCall(
            run_id=run.run_id,
            ordinal=run.tool_calls,
            step_ordinal=run.step_before(call.start),
            tool_call_id=None if call.call_id is None else str(call.call_id),
            name=call.name,
            start_ms=call.start,
            end_ms=call.t,
            is_error=call.is_error,
            child_run_id=child.run_id if child else None,
            grade=owner.grade,
            source_id=file.source_id,
            offset=offset,
            length=length,
        )

    def _spawned(self, run: Execution, call: Call) -> Execution | None:
        """The child that a tool call ran: their times are the same but for moments, and no other's are."""
        if call.name not in _SPAWNS or run.agent is not self.process.main or call.start is None or call.t is None:
            return None
        start, end = call.start, call.t
        near = [
            child
            for child in self.process.labelled[None].around(start + _SPAWN_MS, end - _SPAWN_MS)
            if child.start is not None and child.end is not None
            and 0 <= child.start - start <= _SPAWN_MS and abs(end - child.end) <= _SPAWN_MS
        ]  # fmt: skip
        if len(near) != 1 or near[0].spawn_tool_call_id is not None or call.call_id is None:
            return None
        near[0].spawn_tool_call_id = str(call.call_id)
        return near[0]

    def rest(self) -> Iterator[Row]:
        """Tool calls whose owners only all model calls tell, and those that are not in the trace.

        The latter by the behavioral stream, else by the lists of the nodes.
        """
        for file, call in self.held:
            yield from self._tool_call(file, call)
        yield from self._behavioral()
        process = self.process
        if process.trace_file or self.seen or process.behavior.tools:
            return
        for run in [*process.main.runs, *process.children]:
            node = run.node
            for name in node.tools or () if node else ():
                run.tool_calls += 1
                yield ToolCall(
                    run_id=run.run_id, ordinal=run.tool_calls, name=name.removesuffix("!"),
                    is_error=name.endswith("!"), grade="derived", source_id=process.file.source_id,
                    offset=node.offset if node else None, length=node.length if node else None,
                )  # fmt: skip
            if node and len(node.tools or ()) >= MOST_TOOLS:
                message = (
                    f"{MOST_TOOLS} tool calls are listed, which is all that a list holds: there may have been more"
                )
                yield from process.file.finding(
                    "capped-tools", "warning", message, node.offset, process.conversation_id, run
                )

    def _behavioral(self) -> Iterator[Row]:
        """Tool calls that only the behavioral stream knows: there is no trace, or they never came back."""
        process, file = self.process, self.process.behavior_file
        for number, (call, unix_ms) in sorted(process.behavior.tools.items()):
            if number not in self.seen and file:
                start = process.since_start(unix_ms)
                call.t = None if start is None else start + (call.ms or 0)
                call.ms = 0 if call.t is not None and call.ms is None else call.ms
                self.seen.add(number)
                if call.is_error is None:
                    owner = self.attribution.of_tool_call(call)
                    run = owner.execution
                    run.tool_calls += 1
                    yield ToolCall(
                        run_id=run.run_id, ordinal=run.tool_calls, step_ordinal=run.step_before(start),
                        tool_call_id=str(number), name=call.name, start_ms=start, grade=owner.grade,
                        source_id=file.source_id, offset=call.offset, length=call.length,
                    )  # fmt: skip
                else:
                    yield from self._tool_call(file, call)

    # --- everything else ---------------------------------------------------------------------------------------------

    def _outcome(self, record: Record) -> None:
        """The sums of a turn, written a moment before its node: they stand in for one that was lost."""
        fields = Fields(record.fields)
        at, ms = fields.count("t", MOST_MS), fields.count("latency_ms", MOST_MS)
        turn = self.process.turns.current(at) if at is not None else None
        if turn is None or (turn.end is not None and at is not None and at > turn.end):
            return
        turn.remarks.setdefault("tool_calls", record.fields.get("tool_calls"))
        if turn.node is None and at is not None:
            turn.end, turn.executed = at, record.fields.get("executed") is True
            names = ("model_calls", "tool_errors", "uncached_tokens", "cache_read_tokens", "cost_microusd")
            turn.sums = {name: fields.count(name, 10**15) for name in names} | {"ms": ms}

    def _remark(self, record: Record) -> Iterator[Row]:
        fields = {name: value for name, value in record.fields.items() if name not in ENVELOPE}
        kind, at = str(fields.pop("ev", None) or fields.pop("kind", "")), fields.pop("t", None)
        at = at if type(at) is int and 0 <= at <= MOST_MS else None
        yield self.event(self.process.turns.nearest(at) or self.process.outside(), kind, at, fields)

    def event(self, run: Execution, kind: str, at: int | None, fields: dict[str, object]) -> Event:
        """Something said of a run; ``fields`` hold what."""
        detail = fields.get("detail")
        text = detail if isinstance(detail, str) and len(fields) == 1 else as_json(fields)
        run.events += 1
        return Event(
            run.run_id, run.events, _event_kind(kind), at, None, None, kind or None, (text or "")[:MOST_DETAIL]
        )


def _what(fields: dict[str, object]) -> object:
    """What a line tells of; one whose kind is damaged is known by its other fields."""
    event = fields.get("ev")
    if event not in _KNOWN and "detail" not in fields:
        return next((known for known, names in _SIGNS.items() if names <= fields.keys()), event)
    return event


def _event_kind(kind: str) -> EventKind:
    return next((known for part, known in _EVENTS.items() if part in kind), "note")


def _ids(owner: Owner) -> str | None:
    return orjson.dumps([run.run_id for run in owner.candidates]).decode() if owner.candidates else None
