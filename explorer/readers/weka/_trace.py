"""One weka trace: a conversation, its agents, and their steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import NamedTuple

from explorer.model import (
    Agent,
    BlockRun,
    Conversation,
    Edge,
    Event,
    Finding,
    Grade,
    Row,
    Run,
    RunStatus,
    Severity,
    Step,
)
from explorer.readers._blocks import BlockParser, NotBlockIds, twice
from explorer.readers._findings import Findings
from explorer.readers._outlines import Outline
from explorer.readers._records import Buffer, Forget, Lines
from explorer.readers._values import Fields, as_json, key_part
from explorer.readers.weka._request import split

_STATUS: dict[str | None, RunStatus] = {
    "completed": "completed",
    "failed": "failed",
    "timeout": "failed",
    "cancelled": "cancelled",
}

MOST_SUM = 10**15
"""Tokens of a conversation above which a recorded sum is not one."""

CONTEXT_TOLERANCE = 0.25
"""A sub-agent's ``total_tokens`` within this share of its last call is the final context, counted by the provider's
tokenizer where the calls' input is not: up to 17 % apart on kv-cache-tester, whose sums are 2 to 16 times as large."""


class _Place(NamedTuple):
    """Where a run being read stands."""

    run_id: str
    agent_id: str
    outline: Outline
    start: float | None
    """Seconds from the conversation's start; None when not recorded."""
    base: float | None
    """What the times inside count from, in seconds from the conversation's start."""
    parent: _Place | None


class _Sums(NamedTuple):
    """What the steps of a run add up to."""

    model: str | None
    last_ms: int | None
    tokens: int
    """Input and output."""
    context: int
    """Input and output of the last step."""


class Trace:
    """One conversation."""

    def __init__(
        self, source_id: str, conversation_id: str, buffer: Buffer, lines: Lines, forget: Forget, findings: Findings,
        outline: Outline, facts: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.source_id = source_id
        self.conversation_id = conversation_id
        self.buffer = buffer
        self.lines = lines
        self.forget = forget
        self.findings = findings
        self.outline = outline
        self.relative = facts["basis"] == "relative"
        self.end_stamped = facts["stamp"] == "end"
        self.labels: Counter[str] = Counter()
        self.agent_ids = {f"{conversation_id}/main"}
        self.sums: Counter[str] = Counter()
        self.header = Fields(dict(outline.fields))
        self.title = self.header.text("id")
        self.block_size = self.header.count("block_size") or None
        self.scope = self.header.text("hash_id_scope")
        self.namespace = "global" if self.scope == "global" else self.conversation_id

    def rows(self) -> Iterator[Row]:
        """All rows of the conversation, its own last."""
        agent_id = f"{self.conversation_id}/main"
        main = _Place(f"{agent_id}/1", agent_id, self.outline, 0.0, 0.0, None)
        sums = yield from self._steps(main)
        totals = self.header.rest().get("totals")
        parent = Fields(_object(totals, "parent_tokens"))
        yield Agent(agent_id, self.conversation_id, None, "main", None, None, "exact")
        reported_in, reported_out = parent.count("input", MOST_SUM), parent.count("output", MOST_SUM)
        yield self._run_row(main, None, sums, reported_input_tokens=reported_in, reported_output_tokens=reported_out)
        yield from self._complaints(parent, None, self.outline.offset, None)
        if totals is not None:
            yield from self._check_totals(totals)
        yield from self._complaints(self.header, None, self.outline.offset, None)
        yield from self.findings.rest(self.conversation_id)
        yield Conversation(
            conversation_id=self.conversation_id,
            source_id=self.source_id,
            format="weka",
            title=self.title,
            block_scope=self.scope,
            steps_recorded=True,
            tool_calls_recorded=False,
            extra=as_json(self.header.rest()),
        )

    def _steps(self, place: _Place) -> Generator[Row, None, _Sums]:
        """The steps of a run and everything below it, in the order of the record; returns what its own add up to."""
        model: str | None = None
        last_ms: int | None = None
        ordinal = tokens_in = tokens_out = context = 0
        outline, unsure = place.outline, place.outline.unsure_from
        parser = BlockParser()
        for index in range(len(outline)):
            if index in outline.nested:
                yield from self._sub_agent(place, outline.nested[index])
                continue
            start, end = outline.span(index)
            try:
                recorded, ids = split(self.buffer, start, end)
            except ValueError as error:
                message = f"a request that is not JSON ({error}); it is left out, the rest is read"
                yield from self._finding("bad-record", "error", message, start, place, None)
                continue
            if ids is None and recorded.get("type") == "subagent":
                yield from self._sub_agent(place, Outline(start, end, recorded))
                continue
            ordinal += 1
            # Behind a damaged place in a sub-agent's list, a request may belong to the list around it.
            grade: Grade = "ambiguous" if place.parent and unsure is not None and index >= unsure else "exact"
            fields = Fields(recorded)
            step = self._step(place, fields, ordinal, start, end, grade)
            yield step
            if ids is not None:
                yield from self._blocks(place, step, parser, ids)
            if fields.complaints:
                yield from self._complaints(fields, place, start, ordinal)
            model = model or step.model
            reached = step.end_ms or step.start_ms
            if reached is not None and (last_ms is None or reached > last_ms):
                last_ms = reached
            context = (step.input_tokens or 0) + (step.output_tokens or 0)
            tokens_in += step.input_tokens or 0
            tokens_out += step.output_tokens or 0
            if end >= self.forget.due:
                self.forget(end)
        kind = "subagent" if place.parent else "parent"
        self.sums.update({f"{kind}_input": tokens_in, f"{kind}_output": tokens_out})
        return _Sums(model, last_ms, tokens_in + tokens_out, context)

    def _step(self, place: _Place, fields: Fields, ordinal: int, start: int, end: int, grade: Grade) -> Step:
        time, duration, wait = fields.number("t"), fields.number("api_time", least=0), fields.number("think_time")
        start_ms = None if time is None or place.base is None else round((time + place.base) * 1000)
        tokens_in, tokens_out = fields.count("in"), fields.count("out")
        return Step(
            run_id=place.run_id,
            ordinal=ordinal,
            start_ms=start_ms,
            end_ms=None if start_ms is None or duration is None else start_ms + round(duration * 1000),
            model=fields.text("model"),
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            tokens_grade="not_recorded" if tokens_in is None and tokens_out is None else "exact",
            finish_reason=fields.text("stop"),
            wait_ms=None if wait is None else round(wait * 1000),
            grade=grade,
            source_id=self.source_id,
            offset=start,
            length=end - start,
            extra=as_json(fields.rest()),
        )

    def _blocks(self, place: _Place, step: Step, parser: BlockParser, ids: bytes) -> Iterable[Row]:
        """The block runs of a step's prompt."""
        offset = step.offset or 0
        try:
            stretches = parser.stretches(ids)
        except NotBlockIds as error:
            message = f"hash_ids are not block ids ({error}): the step is kept without its blocks"
            return self._finding("bad-record", "error", message, offset, place, step.ordinal)
        rows: list[Row] = []
        position = 0
        for first, count in stretches:
            rows.append(BlockRun(place.run_id, step.ordinal, position, self.namespace, first, count, self.block_size))
            position += count
        if len(stretches) > 1 and (block := twice(stretches)) is not None:
            message = f"block {block} stands twice in one prompt"
            rows.extend(self._finding("duplicate-block", "warning", message, offset, place, step.ordinal))
        return rows

    def _sub_agent(self, parent: _Place, outline: Outline) -> Iterator[Row]:
        """A sub-agent: its agent, its one run, its edges, and everything below."""
        fields = Fields(dict(outline.fields))
        label = fields.text("agent_id")
        again = label in self.labels
        place, recorded, duration = self._enter(parent, outline, fields, label)
        yield Agent(
            place.agent_id, self.conversation_id, parent.agent_id, fields.text("subagent_type"), None, label, "exact"
        )
        status = fields.text("status")
        sums = yield from self._steps(place)
        total_tokens, tools = fields.count("total_tokens"), fields.count("tool_use_count")
        repaired = place.start != recorded
        yield self._run_row(
            place, fields, sums, status=status, duration=duration, reported_tool_calls=tools, repaired=repaired
        )
        start_ms = None if place.start is None else _ms(place.start)
        key = f"{place.run_id}>"
        yield Edge(
            f"{key}spawn",
            "spawn",
            parent.run_id,
            place.run_id,
            None,
            start_ms,
            None,
            "derived" if repaired else "exact",
        )
        if status == "completed":
            at = None if start_ms is None or duration is None else start_ms + _ms(duration)
            yield Edge(
                f"{key}result", "result", place.run_id, parent.run_id, None, at, True if repaired else None, "exact"
            )
        yield from self._notes(place, outline.offset, recorded if repaired else None, total_tokens, sums)
        yield from self._complaints(fields, place, outline.offset, None)
        if not outline.has_array and outline.fields.get("requests") != []:
            message = "a sub-agent without a list of requests"
            yield from self._finding("bad-field", "warning", message, outline.offset, place, None)
        if again:
            message = f"agent_id {label} was used before in this file: told apart by order"
            yield from self._finding("duplicate-id", "warning", message, outline.offset, place, None)

    def _enter(
        self, parent: _Place, outline: Outline, fields: Fields, label: str | None
    ) -> tuple[_Place, float | None, float | None]:
        """Place, recorded time and duration (seconds, of the conversation) of a sub-agent."""
        time, duration_ms = fields.number("t"), fields.number("duration_ms", least=0)
        duration = None if duration_ms is None else duration_ms / 1000
        start = recorded = None if time is None or parent.base is None else time + parent.base
        if start is not None and self.end_stamped and duration and outline.fields.get("status") == "completed":
            start -= duration
        agent_id = self._agent_id(parent, label or "agent")
        place = _Place(f"{agent_id}/1", agent_id, outline, start, start if self.relative else 0.0, parent)
        return place, recorded, duration

    def _agent_id(self, parent: _Place, name: str) -> str:
        """A key of its own for an agent, also when another has its name, and apart from every conversation's."""
        name = key_part(name)
        above = parent.agent_id if parent.parent else self.conversation_id
        agent_id = f"{above}/{name}"
        self.labels[name] += 1
        if self.labels[name] > 1:
            agent_id = f"{above}/{name}~{self.labels[name]}"
        while agent_id in self.agent_ids:
            self.labels[name] += 1
            agent_id = f"{above}/{name}~{self.labels[name]}"
        self.agent_ids.add(agent_id)
        return agent_id

    def _notes(
        self, place: _Place, offset: int, recorded: float | None, total: int | None, sums: _Sums
    ) -> Iterator[Row]:
        """What a reader of the numbers should know of a sub-agent's record."""
        ordinal = 0
        if recorded is not None:
            ordinal += 1
            text = f"recorded t = {recorded:.3f} s is the end; start = t - duration = {place.start:.3f} s"
            yield Event(place.run_id, ordinal, "note", _ms(recorded), None, None, "repaired-time", text)
            yield from self._finding("repaired-time", "info", text, offset, place, None)
        if total is None:
            return
        text = f"recorded total_tokens = {total:,}; its steps sum to {sums.tokens:,}"
        if abs(total - sums.context) <= CONTEXT_TOLERANCE * max(sums.context, 1):
            text += f": the final context (last step {sums.context:,}), not a sum"
        elif total != sums.tokens:
            text += f", its last step holds {sums.context:,}: neither a sum nor the final context"
            yield from self._finding("total-mismatch", "warning", text, offset, place, None)
        yield Event(place.run_id, ordinal + 1, "note", None, None, None, "total_tokens", text)

    def _run_row(
        self, place: _Place, fields: Fields | None, sums: _Sums, *, status: str | None = None,
        duration: float | None = None, repaired: bool = False, reported_input_tokens: int | None = None,
        reported_output_tokens: int | None = None, reported_tool_calls: int | None = None,
    ) -> Run:  # fmt: skip
        timeless = place.start is None or (place.parent is None and sums.last_ms is None)
        start_ms = None if timeless else _ms(place.start or 0.0)
        return Run(
            run_id=place.run_id,
            conversation_id=self.conversation_id,
            agent_id=place.agent_id,
            parent_run_id=place.parent.run_id if place.parent else None,
            ordinal=1,
            status=_STATUS.get(status, "unknown"),
            status_detail=status,
            start_ms=start_ms,
            end_ms=sums.last_ms if start_ms is None or duration is None else start_ms + _ms(duration),
            time_grade="not_recorded" if timeless else "derived" if repaired else "exact",
            model=sums.model,
            reported_input_tokens=reported_input_tokens,
            reported_output_tokens=reported_output_tokens,
            reported_tool_calls=reported_tool_calls,
            reported_duration_ms=None if duration is None else _ms(duration),
            grade="exact",
            extra=as_json({k: v for k, v in fields.rest().items() if k != "type"}) if fields else None,
        )

    def _check_totals(self, totals: object) -> Iterator[Finding]:
        """``totals`` beside our sums; the main run's own are compared with its steps by the store."""
        for kind in ("subagent", "combined"):
            group = Fields(_object(totals, f"{kind}_tokens"))
            for name in ("input", "output"):
                ours = self.sums[f"subagent_{name}"] + (self.sums[f"parent_{name}"] if kind == "combined" else 0)
                theirs = group.count(name, MOST_SUM)
                if theirs is not None and theirs != ours:
                    message = f"totals.{kind}_tokens.{name} is {theirs:,}, the steps sum to {ours:,}"
                    yield from self._finding("total-mismatch", "warning", message, self.outline.offset, None, None)
            yield from self._complaints(group, None, self.outline.offset, None)
        rest = Fields(dict(totals) if isinstance(totals, dict) else {})
        recorded = rest.count("subagent_count")
        yield from self._complaints(rest, None, self.outline.offset, None)
        if recorded is not None and recorded != len(self.agent_ids) - 1:
            message = f"totals.subagent_count is {recorded:,}, there are {len(self.agent_ids) - 1:,}"
            yield from self._finding("total-mismatch", "warning", message, self.outline.offset, None, None)

    def _complaints(self, fields: Fields, place: _Place | None, offset: int, ordinal: int | None) -> Iterator[Finding]:
        for complaint in fields.complaints:
            yield from self._finding("bad-field", "warning", complaint, offset, place, ordinal)

    def _finding(
        self, code: str, severity: Severity, message: str, offset: int, place: _Place | None, ordinal: int | None
    ) -> Iterator[Finding]:
        line = self.lines.at(offset)
        agent_id, run_id = (place.agent_id, place.run_id) if place else (None, None)
        return self.findings.at(code, severity, message, line, self.conversation_id, agent_id, run_id, ordinal)


def _object(value: object, key: str) -> dict[str, object]:
    inner = value.get(key) if isinstance(value, dict) else None
    return dict(inner) if isinstance(inner, dict) else {}


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
