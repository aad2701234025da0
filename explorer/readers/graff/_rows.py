"""Agents, runs and edges of a process, once all its calls have been seen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from explorer.model import PROMPT_PARTS, Agent, Conversation, Edge, Finding, Grade, Row, Run, RunStatus
from explorer.readers._values import as_json
from explorer.readers.graff._calls import Calls
from explorer.readers.graff._clock import moment
from explorer.readers.graff._execution import OUTSIDE, Execution, Participant
from explorer.readers.graff._file import File
from explorer.readers.graff._process import SHORTLY_MS, Process, in_order

NOTE = (
    "Model calls, tokens and cost are what counters of the whole process rose by during the turn: they include what "
    "children spent meanwhile. Input is with what a cache served. "
    "Tool errors are the turn's own, among its first 64 tool calls."
)
MIXED = (
    " The count of model calls is in extra alone: a child that began in one turn went on after its end, so that the "
    "counters are not over the runs below this turn."
)
_COUNTED = ("model_calls", "tool_errors", "uncached_tokens", "cache_read_tokens", "cost_microusd", "ms")


class Rows:
    """Makes the closing rows of one process."""

    def __init__(self, process: Process, calls: Calls, files: Sequence[File]) -> None:
        self.process = process
        self.calls = calls
        self.files = files
        self.mixed: set[str] = set()

    def all(self) -> Iterator[Row]:
        """Everything but what was yielded with the calls; the conversation last."""
        process = self.process
        yield from self._remarks()
        yield from self.calls.rest()
        children = [*process.children, *process.unrecorded.values()]
        main = process.main
        if not main.runs:
            process.outside()
        self.mixed = self._mixed(children)
        main.runs.sort(key=in_order)
        versions = {run.prompt_sha for run in main.runs} - {None}
        version = versions.pop() if len(versions) == 1 else None
        yield Agent(main.agent_id, process.conversation_id, None, main.name, version, main.label, "exact")
        for run in children:
            agent = run.agent
            yield Agent(
                agent.agent_id, process.conversation_id, main.agent_id, agent.name, run.prompt_sha, agent.label,
                "derived" if run.unrecorded else "exact",
            )  # fmt: skip
        for participant in (main, *(run.agent for run in children)):
            for ordinal, run in enumerate(participant.runs, start=1):
                yield from self._events(run)
                yield self._run(participant, run, ordinal)
                yield from self._complaints(run)
        for run in children:
            yield from self._edges(run)
        yield from self._missing_end(children)
        yield from self._behavior_findings()
        for file in self.files:
            yield from file.findings.rest(process.conversation_id)
        yield self._conversation()

    def _remarks(self) -> Iterator[Row]:
        """What was said of turns: verdicts, scores, routes, and in full mode the answer."""
        process = self.process
        for node in process.remarks:
            run = process.by_node.get(node.parent or 0) or process.turns.nearest(node.t) or process.outside()
            said = {"id": node.id, "label": node.label, "detail": node.detail, "task": node.task, **node.rest}
            fields = {name: value for name, value in said.items() if value is not None}
            yield self.calls.event(run, node.kind, node.t, fields)
        for remark in process.behavior.remarks:
            at = process.since_start(remark.unix_ms)
            turn = process.by_number.get(remark.turn or 0) or process.turns.nearest(at) or process.outside()
            yield self.calls.event(turn, remark.kind, at, {"detail": remark.text})

    # --- runs --------------------------------------------------------------------------------------------------------

    def _run(self, agent: Participant, run: Execution, ordinal: int) -> Run:
        process = self.process
        node, is_turn, sums = run.node or run.opened, agent is process.main, run.sums
        status, detail = self._status(run)
        timed = run.start is not None or run.end is not None
        tokens, cost = _sum(sums, "uncached_tokens", "cache_read_tokens"), sums.get("cost_microusd")
        reported = is_turn and any(sums.get(name) for name in _COUNTED[:-1])
        return Run(
            run_id=run.run_id,
            conversation_id=process.conversation_id,
            agent_id=agent.agent_id,
            parent_run_id=run.parent.run_id if run.parent else None,
            spawn_tool_call_id=run.spawn_tool_call_id,
            ordinal=ordinal,
            native_run_id=run.native,
            status=status,
            status_detail=detail,
            started_at=moment(process.unix_ms, run.start),
            ended_at=None if run.unrecorded else moment(process.unix_ms, run.end),
            start_ms=run.start,
            end_ms=None if run.unrecorded else run.end,
            time_grade=("derived" if run.unrecorded else "exact") if timed else "not_recorded",
            request_model=None,
            model=run.model or _model(run),
            reported_scope="total" if reported else "own",
            # Zero is written where nothing was counted: without a budget, usage or price.
            reported_steps=None if run.run_id in self.mixed else sums.get("model_calls") or None,
            reported_input_tokens=tokens or None,
            reported_tool_errors=sums.get("tool_errors"),
            reported_cost_usd=cost / 1_000_000 if cost else None,
            reported_duration_ms=(node.ms if node else None) or sums.get("ms"),
            reported_note=(NOTE + MIXED if run.run_id in self.mixed else NOTE) if reported else None,
            grade=run.grade,
            extra=as_json(self._extra(run)),
        )

    def _mixed(self, children: list[Execution]) -> set[str]:
        """Turns whose counters ran over a child of another turn, or not over all of a child of their own."""
        turns = [run for run in self.process.main.runs if run.start is not None]
        found: set[str] = set()
        starts = [run.start or 0 for run in turns]
        for child in children:
            if child.start is not None and child.end is not None:
                first, last = bisect_right(starts, child.start + SHORTLY_MS) - 1, bisect_right(starts, child.end)
                during = turns[max(first, 0) : last]
                own = during[0].end if during else None
                if len(during) > 1 or (own is not None and child.end > own + SHORTLY_MS):
                    found.update(run.run_id for run in during)
        return found

    def _extra(self, run: Execution) -> dict[str, object]:
        """What no column has."""
        node = run.node or run.opened
        extra: dict[str, object] = {}
        if node:
            tools = ",".join(node.tools) if node.tools else None
            extra = {
                "task": node.task, "niche": node.niche, "provider": node.provider, "prompt_sha": node.prompt_sha,
                "prompt_mutated": node.prompt_mutated, "tools": tools,
                "context_tokens": node.counts.get("context_tokens"), "recorded_parent": node.parent, **node.rest,
            }  # fmt: skip
        cached = run.sums.get("cache_read_tokens")
        return extra | {
            "behavioral_turn": run.number, "reported_cache_read_tokens": cached,
            "model_calls": run.sums.get("model_calls") if run.run_id in self.mixed else None,
            "candidates": run.candidates or None, **run.remarks,
        }  # fmt: skip

    def _status(self, run: Execution) -> tuple[RunStatus, str | None]:
        process, behavior = self.process, self.process.behavior
        if run.node is not None:
            if run.error is not None or run.node.ok is False:
                return "failed", run.error
            return ("unknown", "no outcome is recorded") if run.node.ok is None else ("completed", None)
        if run.error is not None:
            return "failed", run.error
        if run.executed is not None:
            return "completed" if run.executed else "failed", "by its outcome; its node is lost"
        ended = behavior.finished is not None
        if run.unrecorded:
            return "running" if process.nodes and not ended else "unknown", "it has no node"
        turns = [one for one in process.main.runs if one.native != OUTSIDE]
        if turns and run is not turns[-1]:
            return "unknown", "no end is recorded" if run.native != OUTSIDE else None
        if not ended:
            return "running" if behavior.records or run.opened else "unknown", None
        if behavior.finished == "error":
            return "failed", "the process ended with an error"
        if run.opened is not None or run.native not in (OUTSIDE, f"turn-{run.number}"):
            return "unknown", "no end is recorded, though the process closed"
        return "completed", f"{behavior.finished}: of the process, the turn has no end of its own"

    def _events(self, run: Execution) -> Iterator[Row]:
        node = run.node
        if run.error is not None:
            yield self.calls.event(run, "turn_error", run.end, {"detail": run.error})
        if node and node.prompt_mutated and run.agent is self.process.main:
            text = f"another system prompt than in the turn before: {node.prompt_sha}"
            yield self.calls.event(run, "prompt_mutated", run.end, {"detail": text})

    def _complaints(self, run: Execution) -> Iterator[Finding]:
        for node in (run.opened, run.node):
            for complaint in node.complaints if node else ():
                assert node is not None
                yield from self.process.file.finding(
                    "bad-field", "warning", complaint, node.offset, self.process.conversation_id, run
                )

    # --- edges -------------------------------------------------------------------------------------------------------

    def _edges(self, run: Execution) -> Iterator[Edge]:
        """A child is spawned by the turn in which it began; its report goes to the one that was current at its end."""
        if run.parent is None:
            return
        key, tool = f"{run.run_id}>", run.spawn_tool_call_id
        yield Edge(f"{key}spawn", "spawn", run.parent.run_id, run.run_id, tool, run.start, None, run.parent_grade)
        if run.node and run.node.ok:
            recorded = self.process.by_node.get(run.node.parent or 0)
            to = recorded or (self.process.turns.current(run.end) if run.end is not None else None)
            grade: Grade = "exact" if recorded else "derived"
            if to:
                yield Edge(f"{key}result", "result", run.run_id, to.run_id, tool, run.end, None, grade)

    # --- findings ----------------------------------------------------------------------------------------------------

    def _missing_end(self, children: list[Execution]) -> Iterator[Finding]:
        process, behavior = self.process, self.process.behavior
        if behavior.records and behavior.finished is None and process.behavior_file:
            message = "no run_finished: the process was killed, or is still at work"
            yield from process.behavior_file.finding(
                "missing-end", "warning", message, None, process.conversation_id
            )  # fmt: skip
        for run in children:
            if run.unrecorded:
                named = f"labelled {run.agent.label}" if run.agent.label else "without a label"
                why = "a child is written down when it ends" if process.nodes else "there is no lineage"
                message = (
                    f"{run.steps:,} model calls and {run.tool_calls:,} tool calls of a child {named} that has no node: "
                    f"{why}. If several have that label, they are one here"
                )
                file = process.trace_file or process.file
                yield from file.finding("missing-end", "warning", message, None, process.conversation_id, run)
        for turn in process.main.runs:
            started = turn.opened is not None or turn.number is not None
            over = turn is not process.main.runs[-1] or behavior.finished is not None
            if started and over and turn.node is None and process.by_node and turn.native != OUTSIDE:
                message = f"turn {turn.native} was begun, and its end is not recorded though the process went on"
                offset = turn.opened.offset if turn.opened else None
                yield from process.file.finding(
                    "missing-end", "warning", message, offset, process.conversation_id, turn
                )

    def _behavior_findings(self) -> Iterator[Finding]:
        behavior, file = self.process.behavior, self.process.behavior_file
        if file is None:
            return
        here = self.process.conversation_id
        if behavior.dropped:
            message = f"the recorder says that it dropped {behavior.dropped:,} of its own events"
            if behavior.missing == behavior.dropped:
                message += ", as many as are missing: " + ", ".join(_span(a, b) for _, a, b in behavior.gaps)
            yield from file.finding("dropped-records", "warning", message, None, here)
        if behavior.missing != behavior.dropped:
            for offset, first, last in behavior.gaps:
                message = f"missing in the behavioral stream: event{'s' * (last > first)} {_span(first, last)}"
                yield from file.finding("seq-gap", "warning", message, offset, here)
        if behavior.twice:
            message = f"{behavior.twice:,} events of the behavioral stream come again or too late"
            yield from file.finding("seq-gap", "warning", message, None, here)

    # --- the conversation --------------------------------------------------------------------------------------------

    def _conversation(self) -> Conversation:
        process, behavior = self.process, self.process.behavior
        tasks = [node.task for run in process.main.runs if (node := run.node or run.opened) and node.task]
        title = " ".join(tasks[0].split()) if tasks else ""
        native = process.identity.get("run_id")
        trace = process.trace_file is not None
        extra: dict[str, object] = {**process.identity}
        extra |= {
            "version": process.version, **behavior.started,
            "finished": behavior.finished, "prompts": process.prompts or None,
        }  # fmt: skip
        return Conversation(
            conversation_id=process.conversation_id,
            source_id=process.file.source_id,
            format="graff",
            title=title or (native if isinstance(native, str) else None),
            started_at=moment(process.unix_ms),
            ended_at=moment(behavior.finished_ms),
            block_scope=PROMPT_PARTS if self.calls.has_blocks else None,
            steps_recorded=process.has_steps,
            tool_calls_recorded=trace or bool(behavior.tools) or any(run.tool_calls for run in self._runs()),
            extra=as_json(extra),
        )

    def _runs(self) -> list[Execution]:
        process = self.process
        return [*process.main.runs, *process.children, *process.unrecorded.values()]


def _sum(sums: dict[str, int | None], *names: str) -> int | None:
    counted = [value for name in names if (value := sums.get(name)) is not None]
    return sum(counted) if counted else None


def _model(run: Execution) -> str | None:
    """The model of a node: children have a field for it, a turn's label is it."""
    node = run.node or run.opened
    if node is None:
        return None
    return node.model or (node.label if node.kind == "turn" else None)


def _span(first: int, last: int) -> str:
    return f"{first:,}" if first == last else f"{first:,}–{last:,}"
