"""Threads as rows: a conversation for each root, its threads as agents, their turns as runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from explorer.model import PROMPT_PARTS, Agent, BlockRun, Conversation, Edge, Event, Finding, Row, Run, Step, ToolCall
from explorer.readers._findings import Findings
from explorer.readers._values import as_json, key_part, moment
from explorer.readers.codex import NAME
from explorer.readers.codex._draft import HandOff, Remark, StepDraft, ThreadDraft, ToolDraft, TurnDraft, Where
from explorer.readers.codex._join import Told
from explorer.readers.codex._tree import Tree

_UNNAMED = "outside"
"""In the key of a run: a turn that bears no id."""


class Assembly:
    """Writes the rows of everything that belongs together."""

    def __init__(
        self, source_id: str, threads: Mapping[str, ThreadDraft], hand_offs: Sequence[HandOff],
        remarks: Sequence[Remark], told: Mapping[str, Mapping[str, Told]], captures: Mapping[str, str | None],
    ) -> None:  # fmt: skip
        self._source_id = source_id
        self._tree = Tree(threads)
        self._threads = threads
        self._hand_offs = hand_offs
        self._remarks = [*remarks, *self._tree.remarks]
        self._told = told
        self._captures = captures
        self._findings: dict[str, Findings] = {}
        self._runs: dict[tuple[str, str | None], str] = {}
        self._run_ids: dict[int, str] = {}
        for thread in threads.values():
            thread.turns.sort(key=lambda turn: turn.is_replay)  # a copy is not the first of its agent's runs
            self._name_runs(thread)
            for turn in thread.turns:
                if turn.is_replay:
                    _forget_times(turn)
        self._spawned_by: dict[str, HandOff] = {}
        self._assigned: dict[tuple[str, str | None], HandOff] = {}
        self._started_by: dict[tuple[str | None, str | None, str | None], list[HandOff]] = {}
        for hand_off in hand_offs:
            if hand_off.kind in ("spawn", "assign") and hand_off.to_thread is not None:
                if hand_off.kind == "spawn":
                    self._spawned_by.setdefault(hand_off.to_thread, hand_off)
                self._assigned.setdefault((hand_off.to_thread, hand_off.to_turn), hand_off)
                caller = hand_off.from_thread, hand_off.from_turn, hand_off.call_id
                self._started_by.setdefault(caller, []).append(hand_off)

    def rows(self) -> Iterator[Row]:
        """Conversation by conversation."""
        by_root: dict[str, list[ThreadDraft]] = {}
        for thread in self._threads.values():
            by_root.setdefault(self._tree.roots[thread.thread_id], []).append(thread)
        homes = {source: root for root, threads in by_root.items() for source in (t.source_id for t in threads)}
        for root, threads in by_root.items():
            yield from self._conversation(root, threads, homes)
        for remark in self._remarks:
            if self._home(remark, homes) not in by_root:
                yield from self._finding(remark, None)
        for findings in self._findings.values():
            yield from findings.rest()

    def bad_records(self) -> dict[str, int]:
        """Records that could not be read, by source; once all rows were made."""
        return {source_id: findings.bad_records for source_id, findings in self._findings.items()}

    def _home(self, remark: Remark, homes: Mapping[str, str]) -> str | None:
        """The root of the conversation that a remark is about."""
        return self._tree.roots.get(remark.thread_id or "") or homes.get(remark.source_id)

    # --- keys ----------------------------------------------------------------------------------------------------

    def _conversation_id(self, thread_id: str) -> str:
        return f"{NAME}/{key_part(self._tree.roots[thread_id])}"

    def _agent_id(self, thread_id: str) -> str:
        return f"{self._conversation_id(thread_id)}/{key_part(thread_id)}"

    def _name_runs(self, thread: ThreadDraft) -> None:
        taken: Counter[str] = Counter()
        for turn in thread.turns:
            name = _unique(key_part(turn.turn_id or _UNNAMED), taken)
            run_id = f"{self._agent_id(thread.thread_id)}/{name}"
            self._run_ids[id(turn)] = run_id
            self._runs.setdefault((thread.thread_id, turn.turn_id), run_id)

    def _run_of(self, thread_id: str | None, turn_id: str | None, at: int | None = None) -> str | None:
        """The run of a turn; where the turn is not known, the one that was going on, else the first."""
        if thread_id not in self._threads or thread_id is None:
            return None
        if turn_id is not None and (thread_id, turn_id) in self._runs:
            return self._runs[thread_id, turn_id]
        turns = [turn for turn in self._threads[thread_id].turns if not turn.is_replay]
        begun = [turn for turn in turns if at is not None and turn.start is not None and turn.start <= at]
        return self._run_ids[id((begun[-1:] or turns)[0])] if turns else None

    # --- rows ----------------------------------------------------------------------------------------------------

    def _conversation(self, root: str, threads: list[ThreadDraft], homes: Mapping[str, str]) -> Iterator[Row]:
        moments = [*_moments(threads)]
        base = min(moments, default=None)
        conversation_id = f"{NAME}/{key_part(root)}"
        for thread in threads:
            yield self._agent(thread, conversation_id)
            for ordinal, turn in enumerate(thread.turns, 1):
                yield self._run(thread, turn, ordinal, base)
                yield from self._steps(turn, conversation_id, base)
                yield from self._tools(thread, turn, base)
                yield from self._events(turn, base)
        yield from self._edges(root, base)
        for remark in self._remarks:
            if self._home(remark, homes) == root:
                yield from self._finding(remark, conversation_id)
        for findings in self._findings.values():
            yield from findings.rest(conversation_id)
        top = self._threads.get(root, threads[0])
        has_blocks = any(step.prompt for thread in threads for turn in thread.turns for step in turn.steps)
        sources = self._sources(threads)
        yield Conversation(
            conversation_id=conversation_id,
            source_id=self._source_id if self._source_id in sources else top.source_id,
            format=NAME,
            title=top.title or root,
            cwd=top.cwd,
            started_at=moment(base),
            ended_at=moment(max(moments, default=None)),
            block_scope=PROMPT_PARTS if has_blocks else None,
            steps_recorded=True,
            tool_calls_recorded=True,
            extra=as_json({"thread_id": root, "sources": sources, **top.extra}),
        )

    def _sources(self, threads: Iterable[ThreadDraft]) -> dict[str, object]:
        """What of each source is shown, and the recorder's id of a bundle."""
        sums: dict[str, Counter[str]] = {}
        for thread in threads:
            for source_id, of in self._told.get(thread.thread_id, {}).items():
                told = {"turns": of.turns, "turns_elsewhere": of.turns_elsewhere, "steps_added": of.steps_added}
                sums.setdefault(source_id, Counter()).update(told)
        captures = {source_id: {"trace_id": self._captures.get(source_id)} for source_id in self._captures}
        return {source_id: {**counts, **captures.get(source_id, {})} for source_id, counts in sums.items()}

    def _agent(self, thread: ThreadDraft, conversation_id: str) -> Agent:
        parent = self._tree.parents.get(thread.thread_id)
        name = thread.path or thread.nickname or thread.role or ("/root" if parent is None else None)
        label = thread.nickname if thread.nickname and thread.path else thread.thread_id
        return Agent(
            self._agent_id(thread.thread_id), conversation_id, self._agent_id(parent) if parent else None, name, None,
            label, thread.parent_grade if parent else "exact",
        )  # fmt: skip

    def _run(self, thread: ThreadDraft, turn: TurnDraft, ordinal: int, base: int | None) -> Run:
        above, call_id = (None, None) if turn.is_replay else self._started(thread, turn)
        return Run(
            run_id=self._run_ids[id(turn)],
            conversation_id=self._conversation_id(thread.thread_id),
            agent_id=self._agent_id(thread.thread_id),
            parent_run_id=above,
            spawn_tool_call_id=call_id,
            ordinal=ordinal,
            native_run_id=turn.turn_id,
            status=turn.status,
            status_detail=turn.status_detail,
            started_at=moment(turn.start),
            ended_at=moment(turn.end),
            start_ms=_since(turn.start, base),
            end_ms=_since(turn.end, base),
            time_grade="not_recorded" if turn.start is None else "exact",
            model=turn.model,
            is_replay=turn.is_replay,
            grade=turn.grade,
            extra=as_json(turn.extra | ({"role": thread.role, **thread.extra} if ordinal == 1 else {})),
        )

    def _started(self, thread: ThreadDraft, turn: TurnDraft) -> tuple[str | None, str | None]:
        """The run that a turn was started from, and the call of it that did."""
        parent = self._tree.parents.get(thread.thread_id)
        if parent is None:
            return None, None
        spawn = self._spawned_by.get(thread.thread_id)
        cause = self._assigned.get((thread.thread_id, turn.turn_id), spawn)
        if cause is not None and cause.from_thread != parent:
            cause = spawn if spawn is not None and spawn.from_thread == parent else None
        above = self._run_of(parent, cause.from_turn if cause else None, turn.start)
        return above, cause.call_id if cause and above else None

    def _steps(self, turn: TurnDraft, namespace: str, base: int | None) -> Iterator[Row]:
        run_id = self._run_ids[id(turn)]
        for ordinal, step in enumerate(turn.steps, 1):
            yield _step(run_id, ordinal, step, turn.is_replay, base)
            position = 0
            for first, count in step.prompt:
                yield BlockRun(run_id, ordinal, position, namespace, first, count, None)
                position += count

    def _tools(self, thread: ThreadDraft, turn: TurnDraft, base: int | None) -> Iterator[ToolCall]:
        run_id = self._run_ids[id(turn)]
        for ordinal, tool in enumerate(turn.tools, 1):
            yield ToolCall(
                run_id=run_id,
                ordinal=ordinal,
                step_ordinal=None if tool.step is None else tool.step + 1,
                tool_call_id=tool.call_id,
                name=tool.name,
                start_ms=_since(tool.start, base),
                end_ms=_since(tool.end, base),
                is_error=tool.is_error,
                child_run_id=self._child(thread, turn, tool),
                grade=tool.grade,
                source_id=tool.where.source_id,
                offset=tool.where.offset,
                length=tool.where.length,
            )

    def _child(self, thread: ThreadDraft, turn: TurnDraft, tool: ToolDraft) -> str | None:
        if tool.call_id is None:
            return None
        for hand_off in self._started_by.get((thread.thread_id, turn.turn_id, tool.call_id), ()):
            if hand_off.kind == "spawn" or hand_off.resolution == "item":
                return self._run_of(hand_off.to_thread, hand_off.to_turn)
        return None

    def _events(self, turn: TurnDraft, base: int | None) -> Iterator[Event]:
        in_order = sorted(turn.events, key=lambda event: (event.at is None, event.at or 0))
        for ordinal, event in enumerate(in_order, 1):
            yield Event(
                self._run_ids[id(turn)], ordinal, event.kind, _since(event.at, base), event.tokens_before,
                event.tokens_after, event.trigger, event.detail,
            )  # fmt: skip

    def _edges(self, root: str, base: int | None) -> Iterator[Edge]:
        taken: Counter[str] = Counter()
        for hand_off in self._hand_offs:
            both = [hand_off.from_thread, hand_off.to_thread]
            if hand_off.kind == "fork":  # from another conversation, and told in the one that it began
                both.reverse()
            ends = [thread_id for thread_id in both if thread_id in self._threads]
            if not ends or self._tree.roots[ends[0] or ""] != root:
                continue
            sender = self._run_of(hand_off.from_thread, hand_off.from_turn, hand_off.at)
            receiver = self._run_of(hand_off.to_thread, hand_off.to_turn, hand_off.at)
            key = f"{sender or f'{NAME}/{key_part(root)}'}>{hand_off.kind}:" + key_part(
                hand_off.call_id or hand_off.to_thread or hand_off.to_path or ""
            )
            sent, got = hand_off.asked, hand_off.got
            yield Edge(
                _unique(key, taken), hand_off.kind, sender, receiver, hand_off.call_id,
                _since(hand_off.at, base), hand_off.delivered, hand_off.grade, hand_off.resolution,
                *_place(sent), *_place(got),
            )  # fmt: skip

    def _finding(self, remark: Remark, conversation_id: str | None) -> Iterator[Finding]:
        findings = self._findings.setdefault(remark.source_id, Findings(remark.source_id))
        known = remark.thread_id in self._threads and conversation_id is not None
        agent_id = self._agent_id(remark.thread_id) if known and remark.thread_id else None
        run_id = self._runs.get((remark.thread_id or "", remark.turn_id)) if known and remark.turn_id else None
        yield from findings.at(
            remark.code, remark.severity, remark.message, remark.line, conversation_id, agent_id, run_id
        )


def _forget_times(turn: TurnDraft) -> None:
    """Of copied history: its lines were stamped when they were copied, which says nothing of when it happened."""
    timed: list[TurnDraft | StepDraft | ToolDraft] = [turn, *turn.steps, *turn.tools]
    for each in timed:
        each.start = each.end = None
    for event in turn.events:
        event.at = None


def _moments(threads: Iterable[ThreadDraft]) -> Iterator[int]:
    """Every time that is recorded of threads, but for copied history."""
    for thread in threads:
        if thread.start is not None:
            yield thread.start
        for turn in thread.turns:
            spans: list[TurnDraft | StepDraft | ToolDraft] = [turn, *turn.steps, *turn.tools]
            for each in () if turn.is_replay else spans:
                yield from (at for at in (each.start, each.end) if at is not None)


def _step(run_id: str, ordinal: int, step: StepDraft, is_replay: bool, base: int | None) -> Step:
    usage = step.usage
    extra = {"usage_source": step.usage_source, "response_id": step.response_id, **step.extra}
    return Step(
        run_id=run_id,
        ordinal=ordinal,
        started_at=moment(step.start),
        start_ms=_since(step.start, base),
        end_ms=_since(step.end, base),
        model=step.model,
        provider=step.provider,
        input_tokens=usage.input_tokens if usage else None,
        cache_read_tokens=usage.cached if usage else None,
        cache_write_tokens=usage.cache_write if usage else None,
        output_tokens=usage.output if usage else None,
        reasoning_tokens=usage.reasoning if usage else None,
        tokens_grade=step.usage_grade,
        finish_reason=step.finish_reason,
        error=step.error,
        is_replay=is_replay or step.is_replay,
        grade="exact",
        source_id=step.where.source_id,
        offset=step.where.offset,
        length=step.where.length,
        extra=as_json(extra),
    )


def _unique(key: str, taken: Counter[str]) -> str:
    """A key that no other row has: with ~2 behind it if one has, and so on."""
    taken[key] += 1
    return key if taken[key] == 1 else _unique(f"{key}~{taken[key]}", taken)


def _since(at: int | None, base: int | None) -> int | None:
    return None if at is None or base is None else at - base


def _place(where: Where | None) -> tuple[str | None, int | None, int | None]:
    return (where.source_id, where.offset, where.length) if where else (None, None, None)
