"""Several recordings of the same threads put together: process lifetimes, and session files beside bundles.

The first recording that has a turn keeps it. Of the others it gets what it lacks: calls of which it has no answer, such
as those of compactions, and an end. So nothing is counted twice, and nothing is lost.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from explorer.readers._values import many
from explorer.readers.codex._draft import EventDraft, HandOff, Remark, StepDraft, ThreadDraft, TurnDraft

_LATE = 1 << 62
_TOLD_ONCE = ("parent_thread_id", "session_id", "forked_from_id", "path", "nickname", "role", "cwd", "title")
_OPEN = ("running", "unknown")


@dataclass(slots=True)
class Told:
    """What of one source is shown."""

    turns: int = 0
    turns_elsewhere: int = 0
    """Those that are shown from another source."""
    steps_added: int = 0
    """Answers that such a turn lacked in the other source."""


@dataclass(slots=True)
class Joined:
    """The threads of all recordings."""

    threads: dict[str, ThreadDraft] = field(default_factory=dict)
    told: dict[str, dict[str, Told]] = field(default_factory=dict)
    """By thread, by source."""
    resumes: list[HandOff] = field(default_factory=list)
    """Threads that went on in a later process."""

    def add_lifetime(self, threads: Iterable[ThreadDraft]) -> None:
        """Take what a later process wrote."""
        threads = list(threads)
        for thread in threads:
            known = self.threads.get(thread.thread_id)
            if known is not None and known.turns and thread.turns:
                before, after = known.turns[-1], thread.turns[0]
                if (after.start or 0) > (before.start or 0) and after.turn_id != before.turn_id:
                    after.events.append(EventDraft("resume", after.start, "bundle", "by another process"))
                    of = thread.thread_id
                    resume = HandOff("resume", of, before.turn_id, of, after.turn_id, at=after.start)
                    resume.resolution = "thread"
                    self.resumes.append(resume)
        self.add(threads)

    def add(self, threads: Iterable[ThreadDraft]) -> None:
        """Take what a further recording tells."""
        for thread in threads:
            known = self.threads.get(thread.thread_id)
            if known is None:
                self.threads[thread.thread_id] = thread
                self._count(thread, thread.source_id)
                for turn in thread.turns:
                    self._count(thread, _source_of(turn, thread), turns=not turn.is_replay)
            elif known is not thread:
                self._merge(known, thread)

    def _count(self, known: ThreadDraft, source_id: str, turns: int = 0, elsewhere: int = 0, steps: int = 0) -> None:
        of = self.told.setdefault(known.thread_id, {}).setdefault(source_id, Told())
        of.turns += turns
        of.turns_elsewhere += elsewhere
        of.steps_added += steps

    def _merge(self, known: ThreadDraft, other: ThreadDraft) -> None:
        for name in _TOLD_ONCE:
            if getattr(known, name) is None:
                setattr(known, name, getattr(other, name))
        if known.parent_thread_id and known.parent_grade == "not_recorded":
            known.parent_grade = other.parent_grade
        known.extra = other.extra | known.extra
        known.start = min((start for start in (known.start, other.start) if start is not None), default=None)
        turns = {turn.turn_id: turn for turn in known.turns if turn.turn_id is not None}
        answered: set[str | None] = {
            step.response_id for turn in known.turns for step in turn.steps if step.response_id
        }
        for turn in other.turns:
            same = turns.get(turn.turn_id) if turn.turn_id is not None else None
            if same is None:
                known.turns.append(turn)
                self._count(known, _source_of(turn, other), turns=not turn.is_replay)
            elif same.is_replay and not turn.is_replay:
                known.turns[known.turns.index(same)] = turn
                self._count(known, _source_of(turn, other), turns=1)
            elif not turn.is_replay:
                self._count(known, _source_of(turn, other), elsewhere=1, steps=_complete(same, turn, answered))
        known.turns.sort(key=lambda turn: _LATE if turn.start is None else turn.start)

    def remarks(self) -> list[Remark]:
        """What is recorded twice, and what came from where."""
        found = []
        for thread in self.threads.values():
            told = self.told.get(thread.thread_id, {})
            for source_id, of in told.items():
                if not of.turns_elsewhere:
                    continue
                others = ", ".join(other for other in told if other != source_id)
                message = f"{many(of.turns_elsewhere, 'turn')} shown from {others}, which tells of the same"
                if of.steps_added:
                    are = "are" if of.steps_added > 1 else "is"
                    message += f", with {many(of.steps_added, 'answer')} that {are} here alone"
                if of.turns:
                    message += f"; {many(of.turns, 'turn')} shown from here"
                found.append(Remark("recorded-twice", "info", message, source_id, None, thread.thread_id))
        return found


def _source_of(turn: TurnDraft, thread: ThreadDraft) -> str:
    """The source that tells of a turn: of a thread that was reverted, not that of every one is the thread's."""
    places = [*(step.where for step in turn.steps), *(tool.where for tool in turn.tools)]
    return places[0].source_id if places else thread.source_id


def _complete(turn: TurnDraft, other: TurnDraft, answered: set[str | None]) -> int:
    """Give a turn what only another recording of it has; returns how many model calls that is."""
    if turn.status in _OPEN and other.status not in _OPEN:
        turn.status, turn.status_detail = other.status, other.status_detail
    if turn.end is None:
        turn.end = other.end
    turn.extra = other.extra | turn.extra
    happened = Counter(event.kind for event in turn.events)
    for event in other.events:
        happened[event.kind] -= 1
        if happened[event.kind] < 0:
            turn.events.append(event)
    if not turn.steps and not turn.tools:
        turn.steps, turn.tools = other.steps, other.tools
        return len(turn.steps)
    return _add_answers(turn, other, answered)


def _add_answers(turn: TurnDraft, other: TurnDraft, answered: set[str | None]) -> int:
    """Give a turn the answers that only another recording has, and its own ones what they cost by that."""
    by_answer = {step.response_id: step for step in turn.steps if step.response_id is not None}
    added, is_longer = 0, False
    for step in other.steps:
        same = by_answer.get(step.response_id) if step.response_id is not None else None
        if same is None and _is_missing(step, answered):
            same = next((each for each in turn.steps if _may_be(each, step)), None)
            if same is None:
                turn.steps.append(step)
                is_longer = True
            answered.add(step.response_id)
            added += 1
        if same is not None and same.usage is None:
            same.usage, same.usage_source, same.usage_grade = step.usage, step.usage_source, step.usage_grade
            same.response_id, same.end = same.response_id or step.response_id, same.end or step.end
    if is_longer:
        _sort(turn)
    return added


def _sort(turn: TurnDraft) -> None:
    """Put the steps of a turn in the order of time."""
    times = [step.end if step.start is None else step.start for step in turn.steps]
    order = sorted(range(len(times)), key=lambda index: _LATE if times[index] is None else times[index] or 0)
    turn.steps = [turn.steps[index] for index in order]
    for tool in turn.tools:
        tool.step = None if tool.step is None else order.index(tool.step)


def _may_be(open_step: StepDraft, step: StepDraft) -> bool:
    """Whether a call whose end is lost is the one that another recording has the answer of."""
    is_open = open_step.end is None and open_step.error is None and open_step.finish_reason is None
    return is_open and (open_step.start or 0) <= (step.end or 0)


def _is_missing(step: StepDraft, answered: set[str | None]) -> bool:
    """Whether the other recording has no call with this answer. Without an id that can be said of compactions alone."""
    if step.response_id is not None:
        return step.response_id not in answered
    return bool(step.extra.get("compaction"))


def joined_hand_offs(recordings: Iterable[Iterable[HandOff]]) -> list[HandOff]:
    """The hand-offs of all recordings, each once: that of the first, delivered if any of them shows it delivered."""
    all_of_them: list[HandOff] = []
    for recording in recordings:
        found: dict[tuple[object, ...], deque[HandOff]] = {}
        for known in all_of_them:
            found.setdefault(_key(known), deque()).append(known)
        for hand_off in recording:
            same = found.get(_key(hand_off))
            if not same:
                all_of_them.append(hand_off)
                continue
            first = same.popleft()
            if first.resolution != "item" and hand_off.delivered:
                first.resolution, first.delivered, first.got = hand_off.resolution, True, hand_off.got
                first.to_thread, first.to_turn = hand_off.to_thread, hand_off.to_turn
    return all_of_them


def _key(hand_off: HandOff) -> tuple[object, ...]:
    if hand_off.kind == "spawn" and hand_off.to_thread is not None:
        return hand_off.kind, hand_off.to_thread
    if hand_off.call_id is not None and hand_off.kind != "result":
        return hand_off.kind, hand_off.from_thread, hand_off.call_id
    return hand_off.kind, hand_off.from_thread, hand_off.from_turn, hand_off.to_thread


def still_true(remarks: Iterable[Remark], hand_offs: Iterable[HandOff]) -> list[Remark]:
    """Remarks but for those of results that another recording shows delivered."""
    arrived = {(each.from_thread, each.from_turn) for each in hand_offs if each.kind == "result" and each.delivered}
    return [
        remark
        for remark in remarks
        if remark.code != "undelivered-result" or (remark.thread_id, remark.turn_id) not in arrived
    ]
