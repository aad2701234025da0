"""The turns of a thread while its lines come by: what the model answered becomes a step once its tokens are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from explorer.model import RunStatus
from explorer.readers._prompts import Stretch
from explorer.readers.codex._counters import Growth, minus
from explorer.readers.codex._draft import (
    EventDraft,
    StepDraft,
    ThreadDraft,
    ToolDraft,
    TurnDraft,
    Where,
)

UNENDED = "no end is recorded"
"""Of a turn that another one follows."""


@dataclass(slots=True)
class Answer:
    """Items that the model gave one after the other, without a tool's output or a message between them."""

    prompt: list[Stretch]
    where: Where
    start: int | None
    end: int | None = None
    tools: list[ToolDraft] = field(default_factory=list)


class Turns:
    """The turns of one thread in one file."""

    def __init__(self, thread: ThreadDraft, provider: str | None, prompt: Callable[[], list[Stretch]]) -> None:
        self.thread = thread
        self.provider = provider
        self.prompt = prompt
        self.model: str | None = None
        self.settings: dict[str, object] = {}
        """What else is in force: effort, directory."""
        self.is_replay = False
        """Whether what comes now is copied."""
        self.in_doubt = False
        """Whether it may be: then its tokens are nobody's."""
        self.unanswered: StepDraft | None = None
        """The last step, if nothing of its answer is in the history: that of a compaction, if one follows."""
        self.open: TurnDraft | None = None
        self.by_id: dict[str, TurnDraft] = {}
        """The thread's own turns."""
        self._started: set[int] = set()  # those whose beginning is recorded, by identity
        self._answers: list[Answer] = []
        self._in_answer = False
        self._heard_at: int | None = None

    # --- turns -------------------------------------------------------------------------------------------------------

    def begin(self, turn_id: str | None, at: int | None, started: bool = True) -> TurnDraft:
        """A turn begins; one that is open has lost its end."""
        self.close()
        turn = TurnDraft(turn_id, at, is_replay=self.is_replay, grade="exact" if started else "derived")
        if turn_id is not None and not self.is_replay:
            self.by_id[turn_id] = turn
        if started:
            self._started.add(id(turn))
        self.thread.turns.append(turn)
        self.open, self._heard_at = turn, at
        return turn

    def end(self, turn_id: str | None, at: int | None, status: RunStatus, detail: str | None) -> TurnDraft:
        """A turn ends, mostly the one that is open."""
        turn = self.of(turn_id, at)
        if turn is self.open:
            self._flush(turn)
            self.open = None
        turn.end, turn.status, turn.status_detail = at, status, detail
        return turn

    def close(self, at_end: bool = False) -> None:
        """No end of the open turn is recorded, whether because another one begins or because the file ends."""
        if self.open is None:
            self._answers.clear()
            return
        turn, self.open = self.open, None
        self._flush(turn)
        if at_end and id(turn) in self._started and not turn.is_replay:
            turn.status = "running"
        elif id(turn) in self._started:
            turn.status_detail = UNENDED

    def of(self, turn_id: str | None, at: int | None) -> TurnDraft:
        """The turn with an id; without one, the open one, else one that begins now though nothing says so."""
        if turn_id is not None and turn_id in self.by_id:
            return self.by_id[turn_id]
        if self.open is not None and turn_id in (None, self.open.turn_id):
            return self.open
        return self.begin(turn_id, at, started=False)

    def latest(self, at: int | None) -> TurnDraft:
        """The turn that is open, else the last one: of what is told behind its end."""
        turns = self.thread.turns
        if self.open is None and turns and turns[-1].is_replay == self.is_replay:
            return turns[-1]
        return self.of(None, at)

    def event(self, event: EventDraft) -> None:
        """Something that happened in the turn."""
        self.latest(event.at).events.append(event)

    @property
    def has_answers(self) -> bool:
        """Whether the model has said anything in the open turn."""
        return self.open is not None and bool(self.open.steps or self._answers)

    def name(self, turn: TurnDraft, turn_id: str) -> None:
        """Give a turn the id that is told of it later."""
        turn.turn_id = turn_id
        if not turn.is_replay:
            self.by_id[turn_id] = turn

    def is_recorded(self, turn: TurnDraft) -> bool:
        """Whether the beginning of a turn is."""
        return id(turn) in self._started

    # --- steps -------------------------------------------------------------------------------------------------------

    def heard(self, at: int | None) -> None:
        """The model was told something: what it says next is another answer."""
        self._in_answer = False
        self._heard_at = at

    def said(self, where: Where, at: int | None) -> Answer:
        """The model said something; asked for before it is put into the history."""
        turn = self.of(None, at)
        self.unanswered = None
        if not self._in_answer or not self._answers:
            self._answers.append(Answer(self.prompt(), where, self._heard_at or turn.start))
            self._in_answer = True
        answer = self._answers[-1]
        answer.where, answer.end = where, at
        return answer

    def tool(self, tool: ToolDraft, answer: Answer | None) -> None:
        """A call of the turn; the step of its answer is known later."""
        tool.is_replay = self.is_replay
        self.latest(tool.start or tool.end).tools.append(tool)
        if answer is not None:
            answer.tools.append(tool)

    def spend_record(self, step: StepDraft, turn_id: str | None) -> None:
        """Tokens by a record of their own: those of the last answer. One before it has lost its record."""
        turn = self.of(turn_id, step.end) if turn_id is not None else self.latest(step.end)
        while turn is self.open and len(self._answers) > 1:
            self._unspent(turn, self._answers.pop(0))
        self._spend(turn, step, self._answers if turn is self.open else [])

    def spend_growth(self, growth: Growth, step: StepDraft) -> None:
        """Tokens by the growth of the counter."""
        turn = self.latest(step.end)
        answers = self._answers if turn is self.open else []
        step.usage, step.usage_source, step.usage_grade = growth.usage, "counter_delta", growth.grade
        if growth.how == "merged" and growth.last is not None and len(answers) > 1:  # the counts of the others are lost
            rest = replace(step, where=answers[-2].where, usage=minus(growth.usage, growth.last))
            rest.extra = {"merged": True} if len(answers) > 2 else {}
            self._spend(turn, rest, answers[:-1])
            self._answers = answers = answers[-1:]
            step.usage = growth.last
        elif growth.how == "merged":
            step.extra["merged"] = True
        elif growth.how != "once":  # what it says of the others is not told
            while len(answers) > 1:
                self._unspent(turn, answers.pop(0))
        if growth.how == "begun":
            step.extra["counter_began_above_zero"] = True
        self._spend(turn, step, answers)

    def _spend(self, turn: TurnDraft, step: StepDraft, answers: list[Answer]) -> None:
        """A step of these answers: of one response, or of more than one of which nothing tells where one ends."""
        if answers:
            step.prompt, step.start = answers[0].prompt, answers[0].start
            step.end = answers[-1].end if answers[-1].end is not None else step.end
            self._tools_of(turn, answers)
            answers.clear()
        else:
            step.prompt, step.start = self.prompt(), self._heard_at
            self.unanswered = step
        self._in_answer = False
        self._put(turn, step)

    def _flush(self, turn: TurnDraft) -> None:
        """Answers of which no tokens are told."""
        for answer in self._answers:
            self._unspent(turn, answer)
        self._answers.clear()
        self._in_answer = False

    def _unspent(self, turn: TurnDraft, answer: Answer) -> None:
        step = StepDraft(answer.where, answer.start, answer.end, prompt=answer.prompt)
        self._tools_of(turn, [answer])
        self._put(turn, step)

    def _tools_of(self, turn: TurnDraft, answers: list[Answer]) -> None:
        for answer in answers:
            for tool in answer.tools:
                tool.step = len(turn.steps)

    def _put(self, turn: TurnDraft, step: StepDraft) -> None:
        step.model, step.provider, step.is_replay = step.model or self.model, self.provider, self.is_replay
        if self.in_doubt and step.usage_source != "token_usage_record":
            step.usage, step.usage_grade, step.usage_source = None, "ambiguous", "none"
        turn.steps.append(step)

    def settle(self, turn: TurnDraft) -> None:
        """Give a turn the model and the settings that are in force."""
        turn.model = turn.model or self.model
        for name, value in self.settings.items():
            turn.extra.setdefault(name, value)
