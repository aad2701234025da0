"""The rows of all conversations, once every span has been seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from explorer.model import PROMPT_PARTS, Agent, Conversation, Finding, Row, UncountedUsage
from explorer.model import Run as RunRow
from explorer.readers._prompts import PromptParts
from explorer.readers._values import as_json, key_part, many
from explorer.readers.otlp._aside import Asides
from explorer.readers.otlp._calls import Counting
from explorer.readers.otlp._clock import Clock
from explorer.readers.otlp._draft import ModelCall, Span
from explorer.readers.otlp._edges import edges
from explorer.readers.otlp._file import File
from explorer.readers.otlp._forest import Forest, Remark
from explorer.readers.otlp._reported import Sums
from explorer.readers.otlp._run import Run
from explorer.readers.otlp._runs import Runs
from explorer.readers.otlp._span import scope_of, service_of
from explorer.readers.otlp._status import status_of
from explorer.readers.otlp._steps import Steps, Writing

_MOST_TRACES = 20
_SKEW_NS = 1_000_000_000
"""A second: by less, clocks of two machines always differ."""
_LONGEST_TITLE = 200


class Rows:
    """Writes what belongs together."""

    def __init__(self, forest: Forest, files: Sequence[File]) -> None:
        self._forest = forest
        self._files = files
        self._runs = Runs(forest)
        self._counting = Counting(self._runs)
        self._sums = Sums(self._runs.runs, self._counting)
        self._asides = Asides(forest, self._runs)
        self._by_conversation: defaultdict[str, list[Run]] = defaultdict(list)
        for run in self._runs.runs:
            self._by_conversation[run.conversation].append(run)
        self._source_ids = {native: self._source_of(runs) for native, runs in self._by_conversation.items()}
        self._run_ids: dict[int, str] = {}
        for run in self._runs.runs:
            agent_id = f"{self._key(run.conversation)}/{run.agent.key}"
            self._run_ids[id(run)] = f"{agent_id}/{run.key[0]}:{run.key[1]}"
        self._remarks: defaultdict[str | None, list[Remark]] = defaultdict(list)
        for remark in (*forest.remarks, *self._counting.remarks, *self._complaints()):
            run_of = self._runs.run_of.get(remark.span.key)
            self._remarks[run_of.conversation if run_of else None].append(remark)
        for conversation, remark in self._asides.remarks():
            self._remarks[conversation].append(remark)

    def all(self) -> Iterator[Row]:
        """Everything, conversation after conversation."""
        for conversation, runs in self._by_conversation.items():
            yield from self._conversation(conversation, runs)
        for remark in self._remarks.pop(None, ()):
            yield from self._finding(remark, None, {})

    def _source_of(self, runs: Sequence[Run]) -> str:
        """The file that has the first of the outermost runs: what else is read with it does not change the name."""
        first = min((run.span for run in runs if run.parent is None), key=lambda span: span.order)
        return self._files[first.place.file].source_id

    def _key(self, conversation: str) -> str:
        return f"{self._source_ids[conversation]}//{key_part(conversation)}"

    def _complaints(self) -> Iterator[Remark]:
        for span in self._forest.spans.values():
            for complaint in span.complaints:
                yield Remark("bad-field", "warning", complaint, span)

    # --- one conversation --------------------------------------------------------------------------------------------

    def _conversation(self, native: str, runs: Sequence[Run]) -> Iterator[Row]:
        key = self._key(native)
        spans = [span for run in runs for span in (run.span, *run.calls, *run.tools)]
        clock = Clock(span.start for span in spans)
        source_ids = [file.source_id for file in self._files]
        writing = Writing(key, clock, PromptParts(), self._runs, self._counting, source_ids, self._run_ids)
        agents = {id(run.agent): run.agent for run in runs}
        for agent in agents.values():
            agent.runs.sort(key=lambda run: run.order)
            above = f"{key}/{agent.parent.key}" if agent.parent else None
            yield Agent(f"{key}/{agent.key}", key, above, agent.name, agent.version, agent.label, "exact")
            for ordinal, run in enumerate(agent.runs, 1):
                yield from Steps(writing, run).rows()
                yield self._run(key, writing, run, ordinal)
        yield from edges(writing, runs)
        yield from self._uncounted(key, runs)
        for remark in (*self._remarks.pop(native, ()), *_skewed(spans), *self._twice(spans)):
            yield from self._finding(remark, key, writing.step_of)
        for file in self._files:
            yield from file.findings.rest(key)
        yield self._conversation_row(key, native, runs, writing)

    def _run(self, conversation_id: str, writing: Writing, run: Run, ordinal: int) -> RunRow:
        span, told, clock = run.span, run.told, writing.clock
        reported = self._sums.reported(run)
        scope = self._sums.scope(run, reported)
        cost, of_cost = self._sums.cost(run, scope)
        said = [reported.note if reported else None, of_cost]
        status, detail = status_of(run)
        models = [call.told for call in run.calls if isinstance(call.told, ModelCall)]
        usage = reported.usage if reported else None
        return RunRow(
            run_id=self._run_ids[id(run)],
            conversation_id=conversation_id,
            agent_id=f"{conversation_id}/{run.agent.key}",
            parent_run_id=self._run_ids[id(run.parent)] if run.parent else None,
            spawn_tool_call_id=getattr(run.tool.told, "call_id", None) if run.tool else None,
            ordinal=ordinal,
            native_run_id=run.key[1],
            status=status,
            status_detail=detail,
            started_at=clock.moment(run.start),
            ended_at=clock.moment(run.end),
            start_ms=clock.ms(run.start),
            end_ms=clock.ms(run.end),
            time_grade="not_recorded" if run.start is None else "exact" if run.has_span else "derived",
            request_model=told.model if told else None,
            model=next((each.model or each.request_model for each in models if each.model or each.request_model), None),
            reported_scope=scope,
            reported_input_tokens=usage.input if usage else None,
            reported_output_tokens=usage.output if usage else None,
            reported_cost_usd=cost,
            reported_note=" ".join(filter(None, said)) or None,
            grade="derived" if run.is_implied else "exact",
            extra=as_json({
                "trace_id": span.key[0], "span": span.name, "scope": scope_of(span), "service": service_of(span),
                "conversation": span.conversation if span.conversation != run.conversation else None,
                "reported_cache_read_tokens": usage.read if usage else None,
                "reported_cache_write_tokens": usage.write if usage else None,
                "further_spans": [each.key[1] for each in run.inner] or None,
                "place": [writing.source_ids[span.place.file], span.place.offset, span.place.length]
                if told and told.is_told else None,
            }),
        )  # fmt: skip

    def _conversation_row(self, key: str, native: str, runs: Sequence[Run], writing: Writing) -> Conversation:
        traces = list(dict.fromkeys(run.span.key[0] for run in runs))
        services = list(dict.fromkeys(filter(None, (service_of(run.span) for run in runs))))
        scopes = sorted({scope_of(span) for run in runs for span in (run.span, *run.calls, *run.tools)})
        starts = [run.start for run in runs if run.start is not None]
        ends = [run.end for run in runs if run.end is not None]
        calls = [call.told for run in runs for call in run.calls if isinstance(call.told, ModelCall)]
        title = runs[0].span.name if native in traces and runs[0].span.name else native
        return Conversation(
            conversation_id=key,
            source_id=self._source_ids[native],
            format="otlp",
            title=title[:_LONGEST_TITLE],
            group_name=services[0] if services else None,
            started_at=Clock.moment(min(starts, default=None)),
            ended_at=Clock.moment(max(ends, default=None)),
            block_scope=PROMPT_PARTS if writing.has_blocks else None,
            steps_recorded=True,
            tool_calls_recorded=writing.has_tools or any(call.is_told for call in calls) or any(r.told for r in runs),
            extra=as_json({
                "conversation": native, "traces": traces[:_MOST_TRACES],
                "more_traces": len(traces) - _MOST_TRACES if len(traces) > _MOST_TRACES else None,
                "services": services, "scopes": scopes,
                "other_spans": sum(self._runs.others[trace] for trace in traces) or None,
            }),
        )  # fmt: skip

    # --- what does not count, and what is doubtful -------------------------------------------------------------------

    def _uncounted(self, key: str, runs: Sequence[Run]) -> Iterator[UncountedUsage]:
        """Usage of spans around calls that have usage, of what was recorded again, and of what is no call."""
        for reason in ("wrapping span", "repeated record", "no model call"):
            found: defaultdict[str, Counter[str]] = defaultdict(Counter)
            for run in runs:
                for span in self._not_counted(run, reason):
                    usage = self._counting.usage(span)
                    if usage.is_recorded:
                        sums = found[run.agent.key]
                        sums["records"] += 1
                        for name in ("input", "read", "write", "output"):
                            sums[name] += getattr(usage, name) or 0
            for agent, sums in found.items():
                figures = (sums[name] for name in ("records", "input", "read", "write", "output"))
                yield UncountedUsage(f"{key}/{agent}", reason, key, *figures)

    def _not_counted(self, run: Run, reason: str) -> Iterator[Span]:
        own = [span for span in (run.span, *run.inner) if span.kind == "agent"]
        if reason == "repeated record":
            for span in (*own, *run.calls):
                yield from self._forest.repeated.get(span.key, ())
        elif reason == "no model call":
            yield from self._asides.of(run)
        elif id(run) in self._sums.has_usage:
            yield from run.wrappers
            if not (run.told and run.told.is_own):
                yield from own

    def _twice(self, spans: Sequence[Span]) -> Iterator[Remark]:
        seen: dict[tuple[str, str], Span] = {span.key: span for span in spans if span.key in self._forest.copies}
        if seen:
            copies = sum(self._forest.copies[key] for key in seen)
            text = f"{many(len(seen), 'span')} recorded again, {many(copies, 'time')} in all: each counts once"
            yield Remark("recorded-twice", "info", text, next(iter(seen.values())))

    def _finding(
        self, remark: Remark, key: str | None, step_of: Mapping[tuple[str, str], tuple[str, int]]
    ) -> Iterator[Finding]:
        span = remark.span
        file = self._files[span.place.file]
        run = self._runs.run_of.get(span.key)
        run_id, step = step_of.get(span.key, (None, None))
        if run and key:
            run_id = self._run_ids[id(run)]
        agent_id = f"{key}/{run.agent.key}" if run and key else None
        yield from file.at(
            span.place.offset, remark.code, remark.severity, remark.message, key, agent_id, run_id, step
        )  # fmt: skip


def _skewed(spans: Sequence[Span]) -> Iterator[Remark]:
    """What seems to begin before what it is inside of."""
    early: list[tuple[int, Span]] = []
    for span in spans:
        above = span.parent.start if span.parent else None
        if above is not None and span.start is not None and above - span.start > _SKEW_NS:
            early.append((above - span.start, span))
    if early:
        by, span = max(early, key=lambda each: each[0])
        text = (
            f"{many(len(early), 'span')} {'begins' if len(early) == 1 else 'begin'} before what "
            f"{'it is' if len(early) == 1 else 'they are'} inside of, by up to {by / 1e9:,.1f} s: two clocks"
        )
        yield Remark("clock-skew", "info", text, span)
