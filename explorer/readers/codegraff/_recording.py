"""One conversation, put together: the runs that its events tell apart, their steps, and who spawned whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from operator import gt
from typing import NamedTuple, Protocol

from explorer.model import Finding, Row, Severity
from explorer.readers import Rows
from explorer.readers._findings import Findings
from explorer.readers._prompts import PromptParts
from explorer.readers._values import key_part
from explorer.readers.codegraff import _doubts, _rows
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._contexts import Context, ModelCall
from explorer.readers.codegraff._draft import RunDraft
from explorer.readers.codegraff._events import EDGES, END, Columns, Event
from explorer.readers.codegraff._lineage import Spawn, resolve
from explorer.readers.codegraff._separate import separate
from explorer.readers.codegraff._steps import of_run, tells_all
from explorer.readers.codegraff._straight import rows_of, straight
from explorer.readers.codegraff._writing import Target, write

LONG_KNOT = 5_000
"""Events after which those of a key are written at the next start, without waiting for an end that may never come: a
run that was killed leaves none."""

CLOCK_STEP_MS = 1_000
"""A clock that goes back by less is not worth a finding."""


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
        self.context = contexts.load(place.native_id)
        self.runs: list[RunDraft] = []
        self.below: set[str] = set()
        """The conversations of agents that belong to it, once everything is read."""
        self._parts = PromptParts()
        self._base = self.context.created if self.context else None
        self._latest: int | None = None
        self._groups: dict[Key, Columns] = {}
        self._open: Counter[Key] = Counter()
        self._numbers: Counter[str] = Counter()
        self._holders: dict[str | None, str] = {}
        """Call id -> the one conversation whose messages hold it, over this conversation and those below it."""
        self._by_sums: dict[tuple[object, object], str] = {}
        """Input and output tokens -> the one conversation of an agent whose calls add up to them."""
        self._claimed: set[tuple[str, int]] = set()
        """The model calls that are some run's: conversation, and place among its messages."""
        self._counted: set[int] = set()
        """The runs, by their ``id``, of which it is known that results name them, though not which names whom."""
        self._look_into(child_ids)

    def _look_into(self, child_ids: Iterable[str]) -> None:
        held: dict[str | None, str] = {}
        several: set[str | None] = set()
        sums: dict[tuple[object, object], list[str]] = {}
        waiting, seen = [self.place.native_id, *child_ids], set[str]()
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
            if not own:
                sums.setdefault(context.tokens, []).append(conversation_id)
            for call_id in context.call_ids:
                if held.setdefault(call_id, conversation_id) != conversation_id:
                    several.add(call_id)
        self._holders = {call_id: holder for call_id, holder in held.items() if call_id not in several}
        self._by_sums = {tokens: holders[0] for tokens, holders in sums.items() if len(holders) == 1}

    @property
    def _target(self) -> Target:
        return Target(self.place.source_id, self.place.conversation_id, self._base)

    # Events in

    def add(self, key: Key, event: Event) -> Iterable[Row | Rows]:
        """Take an event, in the order of writing; gives the rows of runs that have ended."""
        return self.extend(key, Columns.of(event), 0, 1)

    def extend(self, key: Key, events: Columns, first: int, end: int) -> Iterator[Row | Rows]:
        """The same for several events of one key, from one place to before another."""
        kinds = events.kind[first:end]
        for edge in () if EDGES.isdisjoint(kinds) else [first + n for n, kind in enumerate(kinds) if kind in EDGES]:
            if events.kind[edge] == END:
                self._group(key, events.ts[first]).extend(events, first, edge + 1)
                first = edge + 1
                self._open[key] = max(0, self._open[key] - 1)
                if not self._open[key]:  # nothing of a key is open, so its runs can be written
                    yield from self._write(key)
                continue
            self._open[key] += 1
            if first < edge:
                self._group(key, events.ts[first]).extend(events, first, edge)
                first = edge
            group = self._group(key, events.ts[edge])
            if len(group.row) > LONG_KNOT and group.seq[-1] < events.seq[edge]:
                yield from self._write(key)
        if first < end:
            self._group(key, events.ts[first]).extend(events, first, end)

    def _group(self, key: Key, ts: int) -> Columns:
        """The events of a key that wait for an end; one of that time is about to be put behind them."""
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Columns.none()
            if ts and (self._base is None or (not self.runs and ts < self._base)):
                self._base = ts  # the conversation began no later than its first event
        return group

    def _write(self, key: Key) -> Iterator[Row | Rows]:
        """Tell apart the runs of a key and write their steps."""
        columns = self._groups.pop(key, Columns.none())
        if self.context is None and not self._holders and (found := straight(columns)) is not None:
            yield from rows_of(self._target, self._begin(key, found.chain, columns.ts), columns, found)
            return
        events = columns.events()
        yield from self._check_clock(events)
        chains = separate(events, self._labels(events))
        runs = [self._begin(key, chain, [event.ts for event in chain.events]) for chain in chains]
        run_ids = {id(chain): run.run_id for chain, run in zip(chains, runs, strict=True)}
        if any(chain.together > 1 for chain in chains):
            yield from self._doubt(_doubts.of_collision(key.agent, chains), runs[0])
        calls: list[list[ModelCall]] = [[] for _ in runs]
        for number in sorted(range(len(runs)), key=lambda number: -len(chains[number].events)):
            calls[number] = self._model_calls(runs[number], chains[number])
        told = {id(chain) for chain, own in zip(chains, calls, strict=True) if tells_all(chain, own)}
        for chain, run, own in zip(chains, runs, calls, strict=True):
            yield from write(self._target, run, chain, own, run_ids, told)
            for doubt in _doubts.of_run(chain):
                yield from self._doubt(doubt, run)
        for chain in chains:
            chain.events, chain.grades, chain.candidates = [], {}, {}  # written, and there may be many

    def _labels(self, events: Sequence[Event]) -> dict[int, str]:
        """Row -> the conversation that it belongs to, where messages tell: by a call's id, or an end's sums."""
        held, sums = self._holders, self._by_sums
        labels = {event.row: held[event.call_id] for event in events if event.call_id in held} if held else {}
        for event in events if sums else ():
            if event.kind == END and event.payload:
                tokens = event.payload.get("prompt_tokens"), event.payload.get("completion_tokens")
                if isinstance(tokens[0], int) and tokens in sums:
                    labels[event.row] = sums[tokens]
        return labels

    def _check_clock(self, events: Sequence[Event]) -> Iterator[Finding]:
        times = [event.ts for event in events if event.ts]
        if any(map(gt, times, [later + CLOCK_STEP_MS for later in times[1:]])):
            for before, after in pairwise([event for event in events if event.ts]):
                if after.ts < before.ts - CLOCK_STEP_MS:
                    text = f"the clock went back by {(before.ts - after.ts) / 1000:.1f} s"
                    yield from self._finding("clock-backwards", "info", text, after)

    def _begin(self, key: Key, chain: Chain, times: Iterable[int]) -> RunDraft:
        """A run for events that are one run's, and their times."""
        label = chain.label if chain.label != self.place.native_id else None
        times = list(filter(None, times))
        run = RunDraft(
            run_id=self._run_id(key.agent),
            agent=key.agent,
            parent_name=key.parent,
            conversation=label,
            native=key.run_id or label,
            is_root=chain.label == self.place.native_id or (key.parent is None and label is None),
            first=times[0] if times else None,
            last=max(times, default=None),
            chain=chain,
        )
        self._latest = max(self._latest or 0, run.last or 0) or None
        self.runs.append(run)
        return run

    def _model_calls(self, run: RunDraft, chain: Chain) -> list[ModelCall]:
        """Those of a run, where messages are kept."""
        if run.conversation is None and not run.is_root:
            return []
        context = self.contexts.load(run.conversation) if run.conversation else self.context
        found = of_run(chain, self._unclaimed(context)) if context else []
        if context and found:
            run.context = context
            self._claimed.update((context.conversation_id, call.message) for call in found)
        return found

    def _unclaimed(self, context: Context) -> list[ModelCall]:
        """The model calls of a conversation that are no run's yet."""
        calls = context.model_calls(self._parts)
        return [call for call in calls if (context.conversation_id, call.message) not in self._claimed]

    def _run_id(self, agent: str) -> str:
        name = key_part(agent)
        self._numbers[name] += 1
        return f"{self.place.conversation_id}/{name}/{self._numbers[name]}"

    # Everything is read

    def finish(self) -> Iterator[Row | Rows]:
        """The rest of the rows, the conversation's last."""
        for key in list(self._groups):
            yield from self._write(key)
        if self.context is not None and all(run.context for run in self.runs if run.is_root):
            # Of it all, or of what was said before events were recorded.
            yield from self._from_messages(self.context, None)
        yield from self._unrecorded_children()
        for run, code, reason in resolve(self.runs):
            yield from self._finding(code, "warning", f"{reason}: shown below the conversation", None, run.run_id)
        yield from _rows.rows(self._target, self.runs)
        yield from self.findings.rest(self.place.conversation_id)
        yield _rows.conversation(self._target, self.place.native_id, self.context, self._latest, self.runs)

    def _from_messages(self, context: Context, spawn: Spawn | None) -> Iterator[Row | Rows]:
        """The runs of a conversation of which no events were recorded: one for each message of the user."""
        turns: dict[int, list[ModelCall]] = {}
        for call in self._unclaimed(context):
            turns.setdefault(call.turn, []).append(call)
        if not turns and spawn is None and any(run.is_root for run in self.runs):
            return
        agent = (spawn.definition if spawn else None) or ("agent" if spawn else _rows.ROOT)
        for number, calls in enumerate(turns.values() or [[]]):
            run = RunDraft(
                run_id=self._run_id(agent),
                agent=agent,
                parent_name=None,
                conversation=context.conversation_id if spawn else None,
                native=context.conversation_id if spawn else None,
                is_root=spawn is None,
                # Only the whole conversation has times, and a run of several is not all of it.
                first=context.created if number == 0 else None,
                last=context.updated if number == len(turns) - 1 else None,
                context=context,
                compactions=context.compactions if number == 0 else 0,
            )
            self.runs.append(run)
            yield from write(self._target, run, Chain(), calls, {})

    def _unrecorded_children(self) -> Iterator[Row | Rows]:
        """Runs that wrote no events: known by the result that names their conversation, or by title and time."""
        known = self.below
        known.update(run.conversation for run in self.runs if run.conversation)
        spawns = [spawn for run in self.runs for spawn in run.spawns]
        while spawns:
            spawn = spawns.pop(0)
            if spawn.tasks and not spawn.children and spawn.failed:
                text = (
                    f"call {spawn.call_id} started {len(spawn.tasks)} agents and failed: its result names none of them"
                )
                yield from self._finding("lost-child-ids", "warning", text, None, spawn.run.run_id)
            below = [child for child in spawn.children or self._by_title(spawn) if child not in known]
            known.update(below)
            for child in below[self._recorded_otherwise(spawn, below) :]:
                before = len(self.runs)
                context = self.contexts.load(child)
                if context is not None:
                    yield from self._from_messages(context, spawn)
                else:
                    agent = spawn.definition or "agent"
                    run_id = self._run_id(agent)
                    self.runs.append(RunDraft(run_id, agent, None, child, child, False, spawn.called, spawn.answered))
                for run in self.runs[before:]:
                    if not spawn.children:
                        run.parent, run.spawn, run.parent_grade = spawn.run, spawn, "derived"
                    spawns.extend(run.spawns)

    def _recorded_otherwise(self, spawn: Spawn, children: Sequence[str]) -> int:
        """How many of a call's conversations are runs whose events tell nothing of their messages.

        Which is whose is known when it is one of each.
        """
        bare = [
            run
            for run in self.runs
            if run.chain is not None and not run.is_root and run.conversation is None and id(run) not in self._counted
        ]
        near = [
            run
            for run in bare
            if spawn.covers(run)
            and spawn.definition in (None, run.agent)
            and run.parent_name in (None, spawn.run.agent)
        ]
        if len(near) == len(children) == 1:
            near[0].conversation = children[0]
        # Ids that repeat may have given the result to another call: then it is one of those that began before it.
        before = [run for run in bare if (run.first or 0) <= (spawn.answered or 0) and not any(run is n for n in near)]
        taken = (near + before)[: len(children)]
        self._counted.update(map(id, taken))
        return len(taken)

    def _by_title(self, spawn: Spawn) -> list[str]:
        """Conversations that bear a task as their title and began while the call was open."""
        if spawn.called is None or spawn.answered is None or not spawn.tasks:
            return []
        return [
            child
            for child in self.contexts.of_agents(spawn.called, spawn.answered)
            if (context := self.contexts.load(child)) is not None and context.title in spawn.tasks
        ]

    # What is doubtful

    def complain(self, code: str, message: str, event: Event) -> Iterator[Finding]:
        """An event whose parts disagree."""
        return self._finding(code, "warning", message, event)

    def _doubt(self, doubt: _doubts.Doubt, run: RunDraft) -> Iterator[Finding]:
        return self._finding(doubt.code, doubt.severity, doubt.message, doubt.event, run.run_id)

    def _finding(
        self, code: str, severity: Severity, message: str, event: Event | None = None, run_id: str | None = None
    ) -> Iterator[Finding]:
        line = self.place.line_of(event) if event else None
        where = f" (row {event.row:,})" if event and line is None else ""
        return self.findings.at(code, severity, message + where, line, self.place.conversation_id, run_id=run_id)
