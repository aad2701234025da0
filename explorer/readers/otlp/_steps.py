"""The steps of a run with the blocks of their prompts, its tool calls, and what happened to it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from explorer.model import BlockRun, Event, EventKind, Grade, Row, Step, ToolCall
from explorer.readers._prompts import PromptParts
from explorer.readers._values import as_json
from explorer.readers.otlp._calls import Counting
from explorer.readers.otlp._clock import Clock
from explorer.readers.otlp._draft import ModelCall, Note, Span, ToolUse
from explorer.readers.otlp._run import Run
from explorer.readers.otlp._runs import Runs
from explorer.readers.otlp._span import scope_of


@dataclass(slots=True)
class Writing:
    """What the rows of one conversation have in common."""

    conversation_id: str
    clock: Clock
    parts: PromptParts
    runs: Runs
    counting: Counting
    source_ids: Sequence[str]
    """Of the files that are read together, by their number."""
    run_ids: Mapping[int, str]
    """By the identity of the run."""
    has_blocks: bool = False
    has_tools: bool = False
    step_of: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    """Run and ordinal of the step that a span is."""

    def run_id(self, run: Run) -> str:
        """The key of a run."""
        return self.run_ids[id(run)]


class Steps:
    """Writes the rows of one run."""

    def __init__(self, writing: Writing, run: Run) -> None:
        self._writing = writing
        self._run = run
        self._run_id = writing.run_id(run)
        self._calls = sorted(run.calls, key=lambda span: span.order)
        self._ordinal_of = {span.key: ordinal for ordinal, span in enumerate(self._calls, 1)}
        self._starts = [span.start for span in self._calls if span.start is not None]  # the first of them, in order
        self._events: list[Event] = []

    def rows(self) -> Iterator[Row]:
        """All of them."""
        before: int | None = None
        was_compacted = False
        for ordinal, span in enumerate(self._calls, 1):
            told = span.told
            assert isinstance(told, ModelCall)
            usage = self._writing.counting.usage(span)
            yield self._step(ordinal, span, told)
            yield from self._blocks(ordinal, told)
            if told.is_compacted and not was_compacted:
                text = "the call ran on a compacted context"
                text += f"; the input of the one before was {before:,}" if before is not None else ""
                self._event("compaction", span.start, text, usage.input)
            was_compacted, before = told.is_compacted, usage.input if usage.input is not None else before
            if span.error is None:
                for at, text in span.raised:
                    self._event("error", at or span.start, f"raised in step {ordinal}, which did not fail: {text}")
        yield from self._tool_calls()
        yield from self._rest()

    def _step(self, ordinal: int, span: Span, told: ModelCall) -> Step:
        writing, usage = self._writing, self._writing.counting.usage(span)
        writing.step_of[span.key] = self._run_id, ordinal
        derived = writing.counting.is_derived(span)
        return Step(
            run_id=self._run_id,
            ordinal=ordinal,
            started_at=writing.clock.moment(span.start),
            start_ms=writing.clock.ms(span.start),
            end_ms=writing.clock.ms(span.end),
            request_model=told.request_model,
            model=told.model or told.request_model,
            provider=told.provider,
            input_tokens=usage.input,
            cache_read_tokens=usage.read,
            cache_write_tokens=usage.write,
            output_tokens=usage.output,
            reasoning_tokens=usage.reasoning,
            tokens_grade=("derived" if derived else "exact") if usage.is_recorded else "not_recorded",
            finish_reason=told.finish,
            error=span.error,
            grade="derived" if self._run.is_implied else "exact",
            source_id=writing.source_ids[span.place.file],
            offset=span.place.offset,
            length=span.place.length,
            extra=as_json({
                "span_id": span.key[1], "trace_id": span.key[0], "response_id": told.response_id,
                "scope": scope_of(span), "cost_usd": told.cost,
                "told": self._told(told),
            }),
        )  # fmt: skip

    def _told(self, told: ModelCall) -> list[object] | None:
        """Where its content is, for who asks for messages; None for the span itself."""
        if told.told_at is None:
            return None if told.is_told else []
        return [self._writing.source_ids[told.told_at.file], told.told_at.offset, told.told_at.length]

    def _blocks(self, ordinal: int, told: ModelCall) -> Iterator[BlockRun]:
        position = 0
        for first, count in self._writing.parts.stretches(told.parts) if told.parts else ():
            self._writing.has_blocks = True
            yield BlockRun(self._run_id, ordinal, position, self._writing.conversation_id, first, count, None)
            position += count

    # --- tool calls --------------------------------------------------------------------------------------------------

    def _tool_calls(self) -> Iterator[ToolCall]:
        asked = {
            call_id: ordinal
            for ordinal, span in enumerate(self._calls, 1)
            if isinstance(span.told, ModelCall)
            for call_id, _ in span.told.asked
            if call_id
        }
        children: dict[int, Run] = {}
        for child in sorted(self._run.children, key=lambda each: each.order):
            if child.tool:
                children.setdefault(id(child.tool), child)
        rows = [self._recorded(span, asked, children.get(id(span))) for span in self._run.tools]
        rows += self._only_asked(rows)
        rows.sort(key=lambda row: (row.step_ordinal or 0, row.start_ms is None, row.start_ms or 0))
        self._writing.has_tools = self._writing.has_tools or bool(rows)
        for ordinal, row in enumerate(rows, 1):
            yield replace(row, ordinal=ordinal)

    def _recorded(self, span: Span, asked: Mapping[str, int], child: Run | None) -> ToolCall:
        """A tool call that is a span."""
        told, writing = span.told, self._writing
        assert isinstance(told, ToolUse)
        by = writing.runs.asked_by.get(span.key)
        step = asked.get(told.call_id or "") or (self._ordinal_of.get(by.key) if by else None) or self._before(span)
        return ToolCall(
            run_id=self._run_id,
            ordinal=0,
            step_ordinal=step,
            tool_call_id=told.call_id,
            name=told.name,
            start_ms=writing.clock.ms(span.start),
            end_ms=writing.clock.ms(span.end),
            is_error=span.error is not None,
            child_run_id=writing.run_id(child) if child else None,
            grade="derived" if self._run.is_implied else "exact",
            source_id=writing.source_ids[span.place.file],
            offset=span.place.offset,
            length=span.place.length,
        )

    def _before(self, span: Span) -> int | None:
        """The latest step that began before a tool."""
        return None if span.start is None else bisect_right(self._starts, span.start) or None

    def _only_asked(self, rows: Sequence[ToolCall]) -> Iterator[ToolCall]:
        """Tool calls that an answer asks for and that no span tells of."""
        known = {row.tool_call_id for row in rows if row.tool_call_id}
        nameless: defaultdict[tuple[int | None, str | None], int] = defaultdict(int)
        for row in rows:
            nameless[row.step_ordinal, row.name] += row.tool_call_id is None
        for ordinal, span in enumerate(self._calls, 1):
            for call_id, name in span.told.asked if isinstance(span.told, ModelCall) else ():
                if call_id in known and call_id:
                    continue
                if nameless[ordinal, name] > 0:
                    nameless[ordinal, name] -= 1
                    continue
                known.add(call_id or "")
                grade: Grade = "derived" if self._run.is_implied else "exact"
                source_id = self._writing.source_ids[span.place.file]
                yield ToolCall(
                    run_id=self._run_id, ordinal=0, step_ordinal=ordinal, tool_call_id=call_id, name=name, grade=grade,
                    source_id=source_id, offset=span.place.offset, length=span.place.length,
                )  # fmt: skip

    # --- events ------------------------------------------------------------------------------------------------------

    def _rest(self) -> Iterator[Event]:
        for span in self._run.notes:
            if isinstance(span.told, Note):
                self._event("compaction" if span.told.is_compaction else "note", span.start, span.told.text)
        for span in (self._run.span, *self._run.inner):
            for at, text in span.raised:
                self._event("error", at or span.start, text)
        self._events.sort(key=lambda event: (event.at_ms is None, event.at_ms or 0))
        for ordinal, event in enumerate(self._events, 1):
            yield replace(event, ordinal=ordinal)

    def _event(self, kind: EventKind, at: int | None, text: str, after: int | None = None) -> None:
        self._events.append(Event(self._run_id, 0, kind, self._writing.clock.ms(at), None, after, None, text))
