"""One conversation, put together: the runs that its events tell apart, their steps, and who spawned whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import orjson

from explorer.model import (
    Agent,
    BlockRun,
    Conversation,
    Edge,
    Finding,
    Grade,
    Row,
    Run,
    RunStatus,
    Severity,
    Step,
    ToolCall,
)
from explorer.model import Event as RunEvent
from explorer.readers._findings import Findings
from explorer.readers._prompts import PromptParts
from explorer.readers.codegraff._contexts import Asked, Context, ModelCall
from explorer.readers.codegraff._events import CALL, END, ERROR, KINDS, START, Event, children, whole, words
from explorer.readers.codegraff._lineage import Spawn, Spawned, resolve
from explorer.readers.codegraff._separate import Chain, separate
from explorer.readers.codegraff._steps import Draft, Pair, drafts, grade_of, matching, of_run

LONG_KNOT = 5_000
"""Events after which runs that have nothing in common with what follows are written without waiting for an end that
may never come: a run that was killed leaves none."""


class Key(NamedTuple):
    """What a recorder stamps on all events of a run; others may bear the same."""

    agent: str
    parent: str | None
    run_id: str | None


class Contexts(Protocol):
    """The stored messages that go with a recording."""

    def load(self, conversation_id: str) -> Context | None:
        """The messages of a conversation."""

    def of_agents(self, first: int, last: int) -> Sequence[str]:
        """Conversations that agents began between two times, in milliseconds since 1970."""


class NoContexts:
    """There are none."""

    def load(self, conversation_id: str) -> Context | None:
        """Nothing."""
        return None

    def of_agents(self, first: int, last: int) -> Sequence[str]:
        """Nothing."""
        return ()


@dataclass(slots=True, eq=False)
class RunDraft(Spawned):
    """A run to be written once everything of the conversation is known."""

    chain: Chain | None = None
    context: Context | None = None
    steps: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    compactions: int = 0
    errors: list[tuple[int | None, str]] = field(default_factory=list)


class Place(NamedTuple):
    """Where a conversation is in the opened directory."""

    source_id: str
    conversation_id: str
    """Our key."""
    native_id: str
    """The recorder's."""
    line_of: Callable[[Event], int | None]
    """The line of an event in its file; None in a database."""


class Recording:
    """The conversation while it is read: events in, rows out."""

    def __init__(self, place: Place, findings: Findings, contexts: Contexts, child_ids: Iterable[str] = ()) -> None:
        self.place = place
        self.findings = findings
        self.contexts = contexts
        self.parts = PromptParts()
        self.context = contexts.load(place.native_id)
        self.base = self.context.created if self.context else None
        self.last: int | None = None
        self.events = 0
        self.groups: dict[Key, list[Event]] = {}
        self.open: Counter[Key] = Counter()
        self.runs: list[RunDraft] = []
        self.numbers: Counter[str] = Counter()
        self.complete_steps = True
        self.holders = self._holders(child_ids)
        self.previous = 0
        self.spawning: list[tuple[ToolCall, Spawn]] = []

    def _holders(self, child_ids: Iterable[str]) -> dict[str, str]:
        """Call id -> the one conversation whose messages hold it, over this conversation and those below it."""
        held: dict[str, str] = {}
        several: set[str] = set()
        waiting = [self.place.native_id, *child_ids]
        seen: set[str] = set()
        while waiting:
            conversation_id = waiting.pop()
            if conversation_id in seen:
                continue
            seen.add(conversation_id)
            own = conversation_id == self.place.native_id
            context = self.context if own else self.contexts.load(conversation_id)
            if context is None:
                continue
            waiting.extend(context.children)
            for call_id in context.call_ids:
                if held.setdefault(call_id, conversation_id) != conversation_id:
                    several.add(call_id)
        return {call_id: holder for call_id, holder in held.items() if call_id not in several}

    # Events in

    def add(self, key: Key, event: Event) -> Iterator[Row]:
        """Take an event, in the order of writing; gives the rows of runs that have ended."""
        self.events += 1
        if event.ts:
            if self.last is None and (self.base is None or event.ts < self.base):
                self.base = event.ts  # the conversation began no later than its first event
            if event.ts < self.previous - 1000:
                text = f"the clock went back by {(self.previous - event.ts) / 1000:.1f} s"
                yield from self._finding("clock-backwards", "info", text, event)
            self.previous = event.ts
            self.last = max(self.last or 0, event.ts)
        group = self.groups.setdefault(key, [])
        if event.kind == START:
            if len(group) > LONG_KNOT and group[-1].seq < event.seq:
                yield from self._write(key)
                group = self.groups.setdefault(key, [])
            self.open[key] += 1
        group.append(event)
        if event.kind == END:
            self.open[key] -= 1
            if self.open[key] == 0:
                yield from self._write(key)
            elif self.open[key] < 0:
                self.open[key] = 0

    def _write(self, key: Key) -> Iterator[Row]:
        """Tell apart the runs of a key and write their steps."""
        events = self.groups.pop(key, [])
        if not events:
            return
        labels = {
            event.row: holder
            for event in events
            if event.call_id and (holder := self.holders.get(event.call_id)) is not None
        }
        chains = separate(events, labels)
        runs = {id(chain): self._draft(key, chain) for chain in chains}
        if len(chains) > 1 and max(chain.together for chain in chains) > 1:
            yield from self._collision(key, chains, [runs[id(chain)] for chain in chains])
        for chain in chains:
            yield from self._steps(runs[id(chain)], chain, runs)

    def _draft(self, key: Key, chain: Chain) -> RunDraft:
        label = chain.label if chain.label != self.place.native_id else None
        draft = RunDraft(
            run_id=self._run_id(key.agent),
            agent=key.agent,
            parent_name=key.parent,
            conversation=label,
            native=key.run_id or label,
            is_root=chain.label == self.place.native_id or (key.parent is None and label is None),
            first=next((event.ts for event in chain.events if event.ts), None),
            last=max((event.ts for event in chain.events), default=0) or None,
            chain=chain,
        )
        self.runs.append(draft)
        return draft

    def _run_id(self, agent: str) -> str:
        name = agent.replace("/", "∕")  # the division slash: a name must not look like a path of ours
        self.numbers[name] += 1
        return f"{self.place.conversation_id}/{name}/{self.numbers[name]}"

    # Steps out

    def _steps(self, run: RunDraft, chain: Chain, runs: Mapping[int, RunDraft]) -> Iterator[Row]:
        context = self.context if run.conversation is None and run.is_root else None
        if run.conversation is not None:
            context = self.contexts.load(run.conversation)
        run.context = context
        model_calls = of_run(chain, list(context.model_calls(self.parts))) if context else []
        for draft in drafts(chain, model_calls):
            yield from self._step(run, chain, draft, runs)
        yield from self._complain(run, chain)
        chain.grades, chain.candidates, chain.events = {}, {}, []

    def _step(self, run: RunDraft, chain: Chain, draft: Draft, runs: Mapping[int, RunDraft]) -> Iterator[Row]:
        run.steps += 1
        events = draft.events
        first = events[0] if events else None
        grade = grade_of(chain, events)
        candidates = None
        if chain.candidates and grade == "ambiguous":
            others = {runs[id(each)].run_id: None for event in events for each in chain.candidates.get(event.row, ())}
            candidates = _json([run.run_id, *(other for other in others if other != run.run_id)])
        call = draft.model_call
        self.complete_steps &= call is not None
        start, end = self._interval(chain, draft)
        usage = call.usage if call else None
        error = words(draft.error.payload, "message") or draft.error.kind if draft.error else None
        yield Step(
            run_id=run.run_id,
            ordinal=run.steps,
            started_at=_moment(start),
            start_ms=self._ms(start),
            end_ms=self._ms(end),
            model=call.model if call else None,
            input_tokens=usage.prompt if usage else None,
            cache_read_tokens=usage.cached if usage else None,
            output_tokens=usage.completion if usage else None,
            tokens_grade=_usage_grade(call),
            error=error if draft.error is None or draft.error.kind == ERROR else None,
            grade=grade,
            candidates=candidates,
            source_id=self.place.source_id,
            offset=first.offset if first else None,
            length=_length(events) if first else None,
            extra=_extra(draft),
        )
        if call is not None:
            run.model_calls += 1
            position = 0
            for first_block, count in call.prompt:
                yield BlockRun(
                    run.run_id, run.steps, position, self.place.conversation_id, first_block, count, None
                )  # fmt: skip
                position += count
        for asked, pair in matching(draft):
            tool_call = self._tool_call(run, chain, asked, pair)
            if run.spawns and run.spawns[-1].ordinal == tool_call.ordinal:
                self.spawning.append((tool_call, run.spawns[-1]))  # until it is known which runs it spawned
            else:
                yield tool_call
        if draft.error and draft.error.kind == ERROR:
            run.errors.append((self._ms(draft.error.ts), error or "error"))

    def _interval(self, chain: Chain, draft: Draft) -> tuple[int | None, int | None]:
        """When a step was.

        A tool call from its call to its result; a model call from what was written before it to its first tool call,
        or to the end of the run.
        """
        events = draft.events
        if draft.model_call is None:
            last = draft.pairs[-1].result if draft.pairs else draft.error
            return events[0].ts or None, (last.ts or None) if last else None
        before = [e for e in chain.events if e.seq < draft.order[0] or (not events and e.seq == draft.order[0])]
        start = before[-1].ts if before else None
        if events:
            return start or None, events[0].ts or None
        end = chain.end
        return start or None, end.ts or None if end and before and end.seq == before[-1].seq + 1 else None

    def _tool_call(self, run: RunDraft, chain: Chain, asked: Asked | None, pair: Pair | None) -> ToolCall:
        run.tool_calls += 1
        call, result = pair or (None, None)
        event = call or result
        below = list(asked.children) if asked else []
        below = below or (children(result.payload) if result and result.payload else [])
        arguments = asked.arguments if asked else (call.payload or {}).get("arguments") if call else None
        name = asked.name if asked else event.name if event else None
        grade = grade_of(chain, [each for each in (call, result) if each])
        if below or _tasks(arguments):
            run.spawns.append(
                Spawn(
                    run,
                    run.tool_calls,
                    (asked.call_id if asked else event.call_id if event else None),
                    name,
                    _definition(name, arguments),
                    _tasks(arguments),
                    below,
                    call.ts or None if call else None,
                    result.ts or None if result else None,
                    grade,
                    bool(result and result.is_error) or bool(asked and asked.is_error),
                )
            )
        return ToolCall(
            run_id=run.run_id,
            ordinal=run.tool_calls,
            step_ordinal=run.steps,
            tool_call_id=asked.call_id if asked else event.call_id if event else None,
            name=name,
            start_ms=self._ms(call.ts) if call else None,
            end_ms=self._ms(result.ts) if result else None,
            is_error=result.is_error if result else asked.is_error if asked else None,
            child_run_id=None,
            grade=grade,
            source_id=self.place.source_id,
            offset=event.offset if event else None,
            length=_length([each for each in (call, result) if each]) if event else None,
        )

    # What is doubtful

    def _collision(self, key: Key, chains: Sequence[Chain], runs: Sequence[RunDraft]) -> Iterator[Finding]:
        """Runs that share their key, and what one would take them for."""
        counts = Counter(event.seq for chain in chains for event in chain.events)
        twice = sorted(seq for seq, number in counts.items() if number > 1)
        grades = Counter(chain.grades.get(event.row, "exact") for chain in chains for event in chain.events)
        together = max(chain.together for chain in chains)
        calls = [sum(event.kind == CALL for event in chain.events) for chain in chains]
        shown = ", ".join(map(str, twice[:8])) + (f" and {len(twice) - 8:,} more" if len(twice) > 8 else "")
        text = (
            f"{len(chains)} runs of {key.agent} share the key (conversation, agent), {together} of them at work "
            f"together: seq {shown} {'occurs' if len(twice) == 1 else 'occur'} twice or more. Merged they would be one "
            f"run of {sum(calls):,} tool calls{_tokens([chain.end for chain in chains])}; they are "
            f"{_listed(calls, chains)}. "
            f"Of {sum(grades.values()):,} events {grades['exact']:,} are certain, {grades['derived']:,} follow from "
            f"the others, {grades['ambiguous']:,} fit several of the runs"
        )
        yield from self._finding("run-collision", "warning", text, chains[0].events[0], runs[0])

    def _complain(self, run: RunDraft, chain: Chain) -> Iterator[Finding]:
        """What is wrong with one run's events."""
        if chain.start is None and chain.end is not None:
            text = (
                "the run has an end and no start: it may have begun under a version that wrote none, or a row is lost"
            )
            yield from self._finding("missing-start", "warning", text, chain.events[0], run)
        for before, after in chain.gaps:
            lost = after - before - 1
            which = f"seq {before + 1} to {after - 1} are" if lost > 1 else f"seq {before + 1} is"
            text = f"{which} missing: {lost:,} of its rows were not written"
            event = next(event for event in chain.events if event.seq == after)
            yield from self._finding("seq-gap", "warning", text, event, run)
        ids = Counter(event.call_id for event in chain.events if event.kind == CALL and event.call_id)
        for call_id, number in ids.items():
            if number > 1:
                text = f"call id {call_id} stands for {number} calls of this run: results go with the nearest open call"
                yield from self._finding("repeated-call-id", "info", text, chain.events[0], run)
        open_: Counter[str | None] = Counter()
        for event in chain.events:
            if event.kind == CALL:
                open_[event.call_id] += 1
            elif event.kind not in KINDS:
                text = f"an event of the unknown kind {event.kind}: kept as a step"
                yield from self._finding("unknown-kind", "info", text, event, run)
            elif event.kind == "tool_result":
                open_[event.call_id] -= 1
                if open_[event.call_id] < 0:
                    open_[event.call_id] = 0
                    text = f"a result of {event.name or 'a tool'} without its call"
                    yield from self._finding("unpaired-result", "warning", text, event, run)

    def complain(self, message: str, event: Event) -> Iterator[Finding]:
        """An event whose parts disagree."""
        return self._finding(
            "kind-mismatch" if "kind" in message or "row says" in message else "bad-field", "warning", message, event
        )

    def _finding(
        self, code: str, severity: Severity, message: str, event: Event | None = None, run: RunDraft | None = None
    ) -> Iterator[Finding]:
        line = self.place.line_of(event) if event else None
        where = f" (row {event.row:,})" if event and line is None else ""
        run_id = run.run_id if run else None
        return self.findings.at(
            code, severity, message + where, line, self.place.conversation_id, run_id=run_id
        )  # fmt: skip

    # Everything is read

    def finish(self) -> Iterator[Row]:
        """The rest of the rows, the conversation's last."""
        for key in list(self.groups):
            yield from self._write(key)
        if self.context is not None and not any(run.is_root for run in self.runs):
            yield from self._from_context(self.context, None)
        yield from self._unrecorded_children()
        for lost in resolve(self.runs):
            assert isinstance(lost.run, RunDraft)
            yield from self._finding(
                lost.code, "warning", f"{lost.reason}: shown below the conversation", None, lost.run
            )
        yield from self._spawning_calls()
        agents = yield from self._agents()
        yield from self._run_rows(agents)
        yield from self.findings.rest(self.place.conversation_id)
        context = self.context
        yield Conversation(
            conversation_id=self.place.conversation_id,
            source_id=self.place.source_id,
            format="codegraff",
            title=(context.title if context else None) or self.place.native_id,
            group_name=f"workspace {context.workspace}" if context and context.workspace is not None else None,
            started_at=_moment(self.base),
            ended_at=_moment(max(filter(None, (self.last, context.updated if context else None)), default=None)),
            block_scope="prompt-parts" if any(run.context for run in self.runs) else None,
            steps_recorded=self.complete_steps and bool(self.runs),
            tool_calls_recorded=True,
            extra=_json({"conversation_id": self.place.native_id, **_metrics(context)}),
        )

    def _from_context(self, context: Context, spawn: Spawn | None) -> Iterator[Row]:
        """The runs of a conversation of which no events were recorded: one for each message of the user."""
        turns: dict[int, list[ModelCall]] = {}
        for call in context.model_calls(self.parts):
            turns.setdefault(call.turn, []).append(call)
        agent = (spawn.definition if spawn else None) or ("agent" if spawn else "root")
        for calls in turns.values() or [[]]:
            run = RunDraft(
                run_id=self._run_id(agent),
                agent=agent,
                parent_name=None,
                conversation=context.conversation_id if spawn else None,
                native=context.conversation_id,
                is_root=spawn is None,
                first=context.created,
                last=context.updated,
                context=context,
                compactions=context.compactions(),
            )
            self.runs.append(run)
            for draft in drafts(Chain(), calls):
                yield from self._step(run, Chain(), draft, {})

    def _unrecorded_children(self) -> Iterator[Row]:
        """Runs that wrote no events: known by the result that names their conversation, or by title and time."""
        known = {run.conversation for run in self.runs if run.conversation}
        spawns = [spawn for run in self.runs for spawn in run.spawns]
        while spawns:
            spawn = spawns.pop(0)
            ids = spawn.children or (self._by_title(spawn, known) if not self._has_runs(spawn) else [])
            if spawn.tasks and not spawn.children and spawn.failed:
                text = (
                    f"call {spawn.call_id} started {len(spawn.tasks)} agents and failed: its result names none of them"
                )
                assert isinstance(spawn.run, RunDraft)
                yield from self._finding("lost-child-ids", "warning", text, None, spawn.run)
            for child in ids:
                if child in known:
                    continue
                known.add(child)
                before = len(self.runs)
                context = self.contexts.load(child)
                if context is not None:
                    yield from self._from_context(context, spawn)
                elif not self._has_runs(spawn):
                    agent = spawn.definition or "agent"
                    self.runs.append(
                        RunDraft(self._run_id(agent), agent, None, child, child, False, spawn.called, spawn.answered)
                    )
                for run in self.runs[before:]:
                    run.conversation = child
                    run.is_root = False
                    if not spawn.children:
                        run.parent, run.spawn, run.parent_grade = spawn.run, spawn, "derived"
                    spawns.extend(run.spawns)

    def _has_runs(self, spawn: Spawn) -> bool:
        """Whether runs that wrote events may be those that the call started."""
        return any(run.chain is not None and not run.is_root and spawn.covers(run) for run in self.runs)

    def _by_title(self, spawn: Spawn, known: Iterable[str]) -> list[str]:
        """Conversations that bear a task as their title and began while the call was open."""
        if spawn.called is None or not spawn.tasks:
            return []
        found = []
        for child in self.contexts.of_agents(spawn.called, spawn.answered or spawn.called + 86_400_000):
            context = self.contexts.load(child) if child not in known else None
            if context is not None and context.title in spawn.tasks:
                found.append(child)
        return found

    def _spawning_calls(self) -> Iterator[Row]:
        """The tool calls that spawned runs, with the run where it is one."""
        spawned: dict[tuple[int, int], list[RunDraft]] = {}
        for run in self.runs:
            if run.spawn is not None:
                spawned.setdefault((id(run.spawn.run), run.spawn.ordinal), []).append(run)
        for tool_call, spawn in self.spawning:
            below = spawned.get((id(spawn.run), spawn.ordinal), [])
            child = below[0].run_id if len(below) == 1 else None
            yield _replaced(tool_call, child)

    def _agents(self) -> Generator[Row, None, dict[int, str]]:
        """The agents: a definition and version below one parent run. Returns run -> agent id."""
        ids: dict[int, str] = {}
        rows: dict[str, Agent] = {}
        for run in self.runs:
            ids[id(run)] = self._agent_id(run)
        for run in self.runs:
            agent_id = ids[id(run)]
            parent = ids[id(run.parent)] if run.parent is not None else None
            known = rows.get(agent_id)
            if known is None or _RANK[known.parent_grade] < _RANK[run.parent_grade]:
                version = words(run.chain.start.payload, "agent_version") if run.chain and run.chain.start else None
                name = run.agent if run.agent != "root" or run.chain else None
                label = None if name else "agent not recorded"
                rows[agent_id] = Agent(
                    agent_id, self.place.conversation_id, parent, name, version, label, run.parent_grade
                )
        yield from rows.values()
        return ids

    def _agent_id(self, run: RunDraft) -> str:
        above = run.parent.run_id if run.parent is not None else self.place.conversation_id
        version = words(run.chain.start.payload, "agent_version") if run.chain and run.chain.start else None
        short = f"@{version.removeprefix('sha256:')[:8]}" if version else ""
        return f"{above}/{(run.agent + short).replace('/', '∕')}"

    def _run_rows(self, agents: Mapping[int, str]) -> Iterator[Row]:
        ordinals: Counter[str] = Counter()
        for run in sorted(self.runs, key=lambda run: (run.first or 1 << 62, run.run_id)):
            agent_id = agents[id(run)]
            ordinals[agent_id] += 1
            yield self._run_row(run, agent_id, ordinals[agent_id])
            ordinal = 0
            for at, message in run.errors:
                ordinal += 1
                yield RunEvent(run.run_id, ordinal, "error", at, None, None, None, message)
            if run.compactions:
                text = "its messages hold a summary of earlier ones; the calls it stands for are not kept"
                yield RunEvent(run.run_id, ordinal + 1, "compaction", None, None, None, None, text)
            if run.parent is not None:
                grade: Grade = run.parent_grade
                call_id = run.spawn.call_id if run.spawn else None
                at = self._ms(run.first or (run.spawn.called if run.spawn else None))
                key = f"{run.run_id}>"
                yield Edge(f"{key}spawn", "spawn", run.parent.run_id, run.run_id, call_id, at, None, grade)
                if run.spawn and run.spawn.answered is not None and not run.spawn.failed:
                    answered = self._ms(run.spawn.answered)
                    yield Edge(f"{key}result", "result", run.run_id, run.parent.run_id, call_id, answered, True, grade)

    def _run_row(self, run: RunDraft, agent_id: str, ordinal: int) -> Run:
        chain = run.chain
        start = chain.start.payload if chain and chain.start else None
        end = chain.end.payload if chain and chain.end else None
        status, detail = _status(run, end)
        began = chain.start.ts if chain and chain.start and chain.start.ts else run.first
        ended = run.last if chain is None else chain.end.ts if chain.end and chain.end.ts else None
        doubt = chain is not None and chain.grade == "ambiguous"
        return Run(
            run_id=run.run_id,
            conversation_id=self.place.conversation_id,
            agent_id=agent_id,
            parent_run_id=run.parent.run_id if run.parent else None,
            spawn_tool_call_id=run.spawn.call_id if run.spawn else None,
            ordinal=ordinal,
            native_run_id=run.native,
            status=status,
            status_detail=detail,
            started_at=_moment(began),
            ended_at=_moment(ended),
            start_ms=self._ms(began),
            end_ms=self._ms(ended),
            time_grade="not_recorded" if began is None else "derived" if chain is None else chain.start_grade,
            request_model=words(start, "requested_model"),
            model=words(start, "resolved_model") or (run.context and _model(run.context)) or None,
            reported_steps=whole(end, "turns"),
            reported_input_tokens=whole(end, "prompt_tokens"),
            reported_output_tokens=whole(end, "completion_tokens"),
            reported_tool_calls=whole(end, "tool_calls"),
            reported_tool_errors=whole(end, "tool_errors"),
            reported_cost_usd=_cost(run.context) if chain is None or not chain.together > 1 else None,
            reported_duration_ms=whole(end, "wall_ms"),
            reported_note=(
                "these are one run's own sums; that they are those of this run and not of a sibling is one of several "
                "possibilities"
                if doubt
                else None
            ),
            grade=chain.grade if chain else "exact",
            extra=_json({"conversation_id": run.conversation}) if run.conversation else None,
        )

    def _ms(self, ts: int | None) -> int | None:
        return None if not ts or self.base is None else ts - self.base


_RANK: dict[Grade, int] = {"exact": 0, "derived": 1, "ambiguous": 2, "not_recorded": 3}


def _status(run: RunDraft, end: dict[str, object] | None) -> tuple[RunStatus, str | None]:
    if end is not None:
        success, reason = end.get("success"), words(end, "interrupt_reason")
        if success is True:
            return "completed", reason
        return ("failed", reason) if success is False else ("unknown", reason)
    if run.chain is not None:
        if run.chain.start is None:
            return "unknown", "neither start nor end was recorded"
        return "running", "no end was recorded: killed, crashed, or still running"
    if run.spawn is not None and run.spawn.answered is not None:
        return ("failed", "the call that started it failed") if run.spawn.failed else ("completed", None)
    return "unknown", None


def _definition(tool: str | None, arguments: object) -> str | None:
    """Which agents a call starts: ``task`` says so, and an agent that is a tool has the tool's name."""
    named = arguments.get("agent_id") if isinstance(arguments, dict) else None
    if isinstance(named, str) and named:
        return named
    return tool if tool != "task" else None


def _tasks(arguments: object) -> list[str]:
    tasks = arguments.get("tasks") if isinstance(arguments, dict) else None
    if not isinstance(tasks, list) or not isinstance(arguments, dict) or "agent_id" not in arguments:
        return []
    return [task for task in tasks if isinstance(task, str)]


def _usage_grade(call: ModelCall | None) -> Grade:
    usage = call.usage if call else None
    if usage is None or (usage.prompt is None and usage.completion is None):
        return "not_recorded"
    return "derived" if usage.approximate else "exact"


def _length(events: Sequence[Event]) -> int:
    """From the first to the last of them: in rows of a database, else in bytes."""
    last = max(events, key=lambda event: event.offset)
    return last.offset + last.length - min(event.offset for event in events)


def _extra(draft: Draft) -> str | None:
    """What of a step no column names."""
    found: dict[str, object] = {}
    call = draft.model_call
    if call is not None:
        found["message"] = call.message
        if call.usage and call.usage.cost is not None:
            found["cost_usd"] = call.usage.cost
    if draft.error is not None and draft.error.kind != ERROR:
        found["kind"] = draft.error.kind
    source = words(draft.error.payload, "source") if draft.error else None
    if source:
        found["source"] = source
    return _json(found) if found else None


def _replaced(tool_call: ToolCall, child_run_id: str | None) -> ToolCall:
    return replace(tool_call, child_run_id=child_run_id) if child_run_id else tool_call


def _tokens(ends: Sequence[Event | None]) -> str:
    sums = [whole(end.payload, "prompt_tokens") for end in ends if end]
    return f" and {sum(filter(None, sums)):,} input tokens" if any(each is not None for each in sums) else ""


def _listed(calls: Sequence[int], chains: Sequence[Chain]) -> str:
    """Each run's own numbers; of many, those of the first."""
    shown = []
    for number, chain in list(zip(calls, chains, strict=True))[:8]:
        tokens = whole(chain.end.payload, "prompt_tokens") if chain.end else None
        shown.append(f"{number:,} calls with {f'{tokens:,} tokens' if tokens is not None else 'no end'}")
    return "; ".join(shown) + (f"; and {len(calls) - 8} more" if len(calls) > 8 else "")


def _model(context: Context) -> str | None:
    for kind, body, _ in context.messages:
        model = body.get("model") if kind == "text" else None
        if isinstance(model, str) and model:
            return model
    return None


def _cost(context: Context | None) -> float | None:
    costs = [usage.cost for _, _, usage in context.messages if usage and usage.cost is not None] if context else []
    return sum(costs) if costs else None


def _metrics(context: Context | None) -> dict[str, object]:
    metrics = context.metrics if context else None
    changed = metrics.get("files_changed") if isinstance(metrics, dict) else None
    return {"files_changed": len(changed)} if isinstance(changed, dict) and changed else {}


def _moment(ts: int | None) -> datetime | None:
    """UTC without zone; None for what no calendar holds."""
    if not ts:
        return None
    try:
        return datetime.fromtimestamp(ts / 1000, UTC).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
