"""The tokens of a rollout: records of single responses where the build writes them, else the growth of its counter."""

from __future__ import annotations

from explorer.readers._values import many
from explorer.readers.codex._counters import Counter, Pair, is_real, usage_of
from explorer.readers.codex._draft import EventDraft, StepDraft, Usage
from explorer.readers.codex._json import text as text_in
from explorer.readers.codex._rollout_lines import Record
from explorer.readers.codex._rollout_notes import Notes
from explorer.readers.codex._rollout_turns import Turns


class Tokens:
    """Of one file."""

    def __init__(self, notes: Notes, turns: Turns, thread_id: str) -> None:
        self._notes, self._turns, self._thread_id = notes, turns, thread_id
        self.pairs: set[Pair] = set()
        """Every count in the file, copied ones too."""
        self.counts: dict[int, Usage] = {}
        """The total at each ordinal that has one."""
        self.copied = Counter()
        """The counter of the thread that lines were copied from."""
        self.own = Counter()
        self.answered = False
        """Whether the model has said anything in the thread's own lines."""
        self.context: int | None = None
        """Tokens that the last call took, input and output."""
        self.has_records = False
        self._responses: set[str] = set()
        self._shrinking: EventDraft | None = None

    def compacted(self, event: EventDraft) -> None:
        """The next count is an estimate of what a compaction left."""
        event.tokens_before = self.context
        self._shrinking = event

    def record(self, record: Record) -> None:
        """A token_usage_record: one model response. It is counted in the file of the thread that it names."""
        payload = record.payload
        if payload.get("thread_id") != self._thread_id:
            return
        response_id = text_in(payload, "response_id")
        if response_id is not None and response_id in self._responses:
            return
        if response_id is not None:
            self._responses.add(response_id)
        if not self.has_records:
            self.has_records = True
            self._doubt_growth()
        usage = self._usage(payload.get("usage"), record)
        step = StepDraft(self._notes.where(record), end=record.at, response_id=response_id)
        if usage is not None:
            step.usage, step.usage_source, step.usage_grade = usage, "token_usage_record", "exact"
            self.context = (usage.input_tokens or 0) + (usage.output or 0)
        self._turns.spend_record(step, text_in(payload, "turn_id"))

    def count(self, record: Record) -> None:
        """A token_count: the totals of the thread so far. Without info it tells of rate limits alone."""
        info = record.payload.get("info")
        if not isinstance(info, dict):
            return
        total = self._usage(info.get("total_token_usage"), record)
        last = self._usage(info.get("last_token_usage"), record)
        if total is None:
            return
        told = info.get("last_token_usage")
        size = told.get("total_tokens") if isinstance(told, dict) else None
        if isinstance(size, int):
            if self._shrinking is not None and not is_real(last):
                self._shrinking.tokens_after = size
            self._shrinking, self.context = None, size
        self.pairs.add((total, last))
        if record.ordinal is not None:
            self.counts[record.ordinal] = total
        counter = self.copied if self._turns.is_replay else self.own
        growth = counter.take(total, last, self.answered)
        if growth is None or self.has_records:
            return
        self._turns.spend_growth(growth, StepDraft(self._notes.where(record), end=record.at))

    def sum_up(self) -> None:
        """What the counter left open; once, at the end of the file."""
        if self.own.restarts and not self.has_records:
            times = len(self.own.restarts)
            message = f"the counter went back {many(times, 'time')}, first {self.own.restarts[0]}"
            self._notes.remark("counter-restart", "info", message, None)
        if self._turns.in_doubt:
            return
        steps = (step for turn in self._turns.thread.turns for step in turn.steps)
        unsure = [step for step in steps if step.usage_grade == "ambiguous" and not step.is_replay]
        if unsure:
            message = f"{many(len(unsure), 'step')} whose tokens the counter leaves open, from here on"
            self._notes.remark("unclear-counter", "warning", message, unsure[0].where.line)

    def _doubt_growth(self) -> None:
        """What a counter said before the first record: of a fork, records alone are sure to be its own."""
        for turn in self._turns.thread.turns if self.own.seeded else ():
            for step in turn.steps:
                if step.usage_source == "counter_delta" and not step.is_replay:
                    step.usage, step.usage_source, step.usage_grade = None, "none", "ambiguous"

    def _usage(self, value: object, record: Record) -> Usage | None:
        complaints: list[str] = []
        usage = usage_of(value, complaints)
        for complaint in complaints:
            self._notes.remark("bad-field", "warning", complaint, record.line.number)
        return usage
