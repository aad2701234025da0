"""One rollout file: its lines become the turns of its thread, and what it tells of other threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from explorer.readers._prompts import PromptParts
from explorer.readers._values import many
from explorer.readers.codex._counters import Counter, Pair
from explorer.readers.codex._draft import EventDraft, Usage
from explorer.readers.codex._history import History
from explorer.readers.codex._inherited import Prefix
from explorer.readers.codex._json import text as text_in
from explorer.readers.codex._rollout_events import Events
from explorer.readers.codex._rollout_head import Head, head_of
from explorer.readers.codex._rollout_items import Items
from explorer.readers.codex._rollout_lines import Damage, Record, records
from explorer.readers.codex._rollout_state import State

CLOCK_SLACK = 1_000
"""Milliseconds that a line may be older than the one above it: they are written by several tasks."""


class ForeignHistory(Exception):
    """Copied history where none was expected: the file must be read again, knowing where it ends."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is of another thread")
        self.line = line


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of the file that a thread's history is from."""

    turns: Collection[str] = ()
    """Its turns by id."""
    pairs: Collection[Pair] = ()
    """Its token counts."""
    counts: Mapping[int, Usage] = field(default_factory=dict)
    """Its totals by ordinal."""


class RolloutThread:
    """A file while it is read."""

    def __init__(
        self, path: Path, source_id: str, head: Head, prefix: Prefix, parts: PromptParts, origin: Origin | None = None,
        before: History | None = None, keep_at: Iterable[int] = (),
    ) -> None:  # fmt: skip
        self._path, self._prefix, self._origin = path, prefix, origin
        self._state = state = State(source_id, head, parts, before)
        self.head, self.draft, self.traffic = head, state.draft, state.traffic
        self.remarks, self.turn_ids, self.began = state.notes.remarks, state.turn_ids, state.began
        self.pairs, self.counts = state.tokens.pairs, state.tokens.counts
        self.kept: dict[int, History] = {}
        """The history before each ordinal that another file goes on from."""
        self._keep_at = sorted(keep_at, reverse=True)
        self._compacted = False
        self._own_heads = 0
        """Lines among the copied ones that say whose the file is."""
        items, events = Items(state), Events(state)
        self._handlers: Mapping[str, Callable[[Record], None]] = {
            "session_meta": self._session_meta, "response_item": items.take, "event_msg": events.take,
            "turn_context": self._turn_context, "compacted": self._compaction,
            "bare": lambda record: items.take(record) if record.sub is not None else None,
            "token_usage_record": state.tokens.record, "inter_agent_communication": items.communication,
            "inter_agent_communication_metadata": items.trigger,
        }  # fmt: skip
        self._own = prefix.own_from == 1
        state.turns.is_replay = not self._own
        if self._own:
            self._begin_own()

    def read(self) -> None:
        """Read it to its end.

        Raises:
            OSError: it cannot be read.
            ForeignHistory: it begins with copied lines, which its prefix does not say.
        """
        notes = self._state.notes
        for record in records(self._path):
            if isinstance(record, Damage):
                notes.remark(record.code, record.severity, record.message, record.line)
                self.traffic.is_cut = record.code == "truncated-record"
                continue
            if not self._own and record.line.number >= self._prefix.own_from:
                self._begin_own()
            self._place(record)
            handle = self._handlers.get(record.kind)
            if handle is None:
                notes.strange(record.kind, record)
            else:
                handle(record)
                self._compacted = record.kind == "compacted"
        for ordinal in self._keep_at:
            self.kept[ordinal] = self._state.history.copy()
        self._state.turns.close(at_end=True)
        self._sum_up()

    def _place(self, record: Record) -> None:
        """Note when and where a line was written."""
        if record.ordinal is not None:
            self._state.ordinal = record.ordinal
            while self._keep_at and record.ordinal >= self._keep_at[-1]:
                self.kept[self._keep_at.pop()] = self._state.history.copy()
        if record.at is not None:
            behind = (self.traffic.last_at or 0) - record.at
            if behind > CLOCK_SLACK:
                message = f"written {behind / 1000:,.1f} s before the line above it"
                self._state.notes.remark("clock-backwards", "info", message, record.line.number)
            self.traffic.last_at = record.at

    def _begin_own(self) -> None:
        """From here on the lines are the thread's own, or may be."""
        turns, tokens, base, origin = self._state.turns, self._state.tokens, self.head.history_base, self._origin
        turns.close()
        self._own, turns.is_replay = True, False
        turns.in_doubt = self._prefix.rule == "unknown"
        turns.settings = {"cwd": self.head.cwd} if self.head.cwd else {}
        before = tokens.copied.at
        if base is not None and origin is not None and before is None:
            before = next((origin.counts[n] for n in sorted(origin.counts, reverse=True) if n < base[1]), None)
        forked = base is not None or self.head.forked_from_id is not None or self._prefix.rule != "whole"
        tokens.own = Counter(before, forked, origin.pairs if origin else None)

    def _session_meta(self, record: Record) -> None:
        found = head_of({"type": "session_meta", "payload": record.payload})
        if found is None:
            self._state.notes.remark("bad-field", "warning", "a session_meta without an id", record.line.number)
        elif found.thread_id != self.head.thread_id and self._prefix.rule == "whole":
            raise ForeignHistory(record.line.number)
        elif found.thread_id == self.head.thread_id and not self._own:
            self._own_heads += 1

    def _turn_context(self, record: Record) -> None:
        """Settings of a turn; in files that do not say when turns begin, its beginning."""
        payload, turns = record.payload, self._state.turns
        turn_id = text_in(payload, "turn_id")
        turns.model = text_in(payload, "model") or turns.model
        self._state.set(effort=payload.get("effort"), cwd=payload.get("cwd"))
        turn = turns.open
        if turn is None or (turn_id is not None and turn.turn_id not in (None, turn_id)):
            turn = self._state.begin(turn_id, record.at, started=False)
        elif turn_id is None and turns.has_answers and not turns.is_recorded(turn) and not self._compacted:
            turn = self._state.begin(None, record.at, started=False)
        if turn.turn_id is None and turn_id is not None:
            turns.name(turn, turn_id)
        turns.settle(turn)

    def _compaction(self, record: Record) -> None:
        state, payload = self._state, record.payload
        if state.turns.unanswered is not None:
            state.turns.unanswered.extra["compaction"] = True
            state.turns.unanswered = None
        state.history.compact(payload.get("replacement_history"), payload.get("message"))
        state.turns.heard(record.at)
        number = payload.get("window_number")
        event = EventDraft("compaction", record.at, detail=f"window {number}" if isinstance(number, int) else None)
        state.turns.event(event)
        state.tokens.compacted(event)
        state.tokens.answered = state.tokens.answered or not state.turns.is_replay

    def _sum_up(self) -> None:
        """What can be said of the file as a whole."""
        prefix, notes = self._prefix, self._state.notes
        notes.sum_up()
        self._state.tokens.sum_up()
        if prefix.own_from > 1:
            steps = sum(len(turn.steps) for turn in self.draft.turns if turn.is_replay)
            whose = self.head.forked_from_id or "another thread"
            lines = many(prefix.own_from - 1 - self._own_heads, "line")
            message = f"{lines}, with {many(steps, 'step')}, copied from {whose}"
            notes.remark("replayed-history", "info", message, prefix.own_from)
        if prefix.rule == "unknown":
            message = "where copied history ends cannot be told: from here on, tokens by the counter are nobody's"
            message += "" if self._origin else ", and the file that it was copied from is not there"
            notes.remark("unclear-prefix", "warning", message, prefix.own_from)
