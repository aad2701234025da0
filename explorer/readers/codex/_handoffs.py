"""What agents of a bundle told each other: who sent what to whom, and whether the receiver's prompts ever held it.

As the recorder does, a letter in the receiver's prompt is taken for a hand-off when author, recipient and content are
those of the sender; the first that fits, and each for one hand-off. Unlike there, what never arrives is kept.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from explorer.readers.codex._draft import HandOff, Remark, StepDraft, ThreadDraft
from explorer.readers.codex._inferences import PROMPT
from explorer.readers.codex._reduce import Lifetime, Result
from explorer.readers.codex._requests import Sighting
from explorer.readers.codex._tools import Tool


class _Sent(NamedTuple):
    hand_off: HandOff
    content: str
    line: int


class Deliveries:
    """The hand-offs of all bundles of a conversation."""

    def __init__(
        self, lifetimes: Sequence[Lifetime], threads: Mapping[str, ThreadDraft], of_bundles: Container[str]
    ) -> None:
        self._lifetimes = lifetimes
        self._of_bundles = of_bundles
        self._threads = threads
        self._waiting: dict[str, list[Sighting]] = {}
        for lifetime in lifetimes:
            for sighting in lifetime.sightings:
                self._waiting.setdefault(sighting.thread_id, []).append(sighting)
        self.remarks: list[Remark] = []

    def hand_offs(self) -> list[list[HandOff]]:
        """All of them, bundle by bundle in the order of its log; at last those of which no call is recorded."""
        found: list[list[HandOff]] = []
        spawned: set[str | None] = set()
        for lifetime in self._lifetimes:
            sent = [*self._of_tools(lifetime), *(self._of_result(result) for result in lifetime.results)]
            sent.sort(key=lambda each: each.line)
            for each in sent:
                self._deliver(each)
            found.append([*(each.hand_off for each in sent), *lifetime.resumes])
            spawned.update(each.hand_off.to_thread for each in sent if each.hand_off.kind == "spawn")
        found.append([self._of_child(thread) for thread in self._threads.values() if self._is_orphan(thread, spawned)])
        return found

    def _is_orphan(self, thread: ThreadDraft, spawned: set[str | None]) -> bool:
        is_child = thread.thread_id in self._of_bundles and thread.parent_thread_id in self._threads
        return is_child and thread.thread_id not in spawned

    def _of_tools(self, lifetime: Lifetime) -> Iterator[_Sent]:
        for tool in lifetime.tools:
            if tool.edge is None:
                continue
            thread_id = self._target(tool)
            if thread_id is None and tool.draft.is_error:
                continue  # nobody was there to be told
            hand_off = HandOff(
                tool.edge, tool.thread_id, tool.turn.turn_id, thread_id, to_path=None if thread_id else tool.target,
                call_id=tool.draft.call_id, at=tool.draft.start, asked=tool.asked,
                grade="exact" if tool.to_thread else "derived",
            )  # fmt: skip
            if tool.edge == "spawn":
                tool.draft.child_thread_id = thread_id
            yield _Sent(hand_off, tool.message, tool.entry.where.line)

    def _of_result(self, result: Result) -> _Sent:
        hand_off = HandOff(
            "result", result.child, result.child_turn, result.parent, at=result.at, asked=result.told
        )  # fmt: skip
        return _Sent(hand_off, result.message, result.where.line)

    def _of_child(self, child: ThreadDraft) -> HandOff:
        """The spawn of a child of which no call is recorded: by its parent and its start."""
        parent = self._threads[child.parent_thread_id or ""]
        begun = [turn for turn in parent.turns if None not in (turn.start, child.start)]
        before = [turn for turn in begun if (turn.start or 0) <= (child.start or 0)]
        turn_id = before[-1].turn_id if before else None
        first = child.turns[0].turn_id if child.turns else None
        return HandOff(
            "spawn", parent.thread_id, turn_id, child.thread_id, first, at=child.start, resolution="thread",
            grade="derived",
        )  # fmt: skip

    def _target(self, tool: Tool) -> str | None:
        """The thread that a call turns to: as the recorder says, else by the name that the call gives."""
        if tool.to_thread is not None:
            return tool.to_thread if tool.to_thread in self._threads else None
        name = tool.target
        if name is None:
            return None
        if name in self._threads:
            return name
        path = self._threads[tool.thread_id].path or ""
        named = (name, f"{path}/{name}")
        fits = [thread.thread_id for thread in self._threads.values() if thread.path in named]
        return fits[0] if len(fits) == 1 else None

    def _deliver(self, sent: _Sent) -> None:
        hand_off = sent.hand_off
        target = self._threads.get(hand_off.to_thread or "")
        if target is None or hand_off.kind in ("close", "resume"):
            hand_off.resolution = "thread" if target else "pending"
            return
        sighting = self._sighting(hand_off, target, sent.content)
        if sighting is not None:
            hand_off.resolution, hand_off.delivered = "item", True
            hand_off.to_turn, hand_off.got = sighting.turn_id, sighting.where
            hand_off.sealed = sent.content in sighting.letter.sealed
        elif hand_off.kind == "spawn":
            hand_off.resolution = "thread"
            hand_off.to_turn = target.turns[0].turn_id if target.turns else None
        elif _is_unread(target, hand_off.at):
            pass  # it may be in a prompt that is lost
        elif hand_off.kind == "result":
            hand_off.delivered = False
            self.remarks.append(self._undelivered(hand_off, target, sent.line))
        elif _calls_after(target, hand_off.at):
            hand_off.delivered = False  # else a resumed agent may have got it: its bundle does not tell of it

    def _sighting(self, hand_off: HandOff, target: ThreadDraft, content: str) -> Sighting | None:
        author = self._threads[hand_off.from_thread or ""].path
        waiting = self._waiting.get(target.thread_id, [])
        for index, sighting in enumerate(waiting):
            letter = sighting.letter
            if (letter.author, letter.recipient) == (author, target.path) and letter.holds(content):
                return waiting.pop(index)
        return None

    def _undelivered(self, hand_off: HandOff, parent: ThreadDraft, line: int) -> Remark:
        child = self._threads[hand_off.from_thread or ""]
        later = len(_calls_after(parent, hand_off.at))
        had = f"{later:,} model calls after it" if later else "no model call after it"
        message = f"the result of {child.path or child.thread_id} is in no prompt of its parent, which made {had}"
        source_id = hand_off.asked.source_id if hand_off.asked else child.source_id
        return Remark("undelivered-result", "warning", message, source_id, line, child.thread_id, hand_off.from_turn)


def _calls_after(thread: ThreadDraft, at: int | None) -> list[StepDraft]:
    """The model calls that an agent made from a moment on."""
    steps = (step for turn in thread.turns for step in turn.steps if not step.is_replay)
    return [step for step in steps if step.start is not None and step.start >= (at or 0)]


def _is_unread(thread: ThreadDraft, at: int | None) -> bool:
    """Whether the request of such a call is lost."""
    return any(step.extra.get(PROMPT) == "not recorded" for step in _calls_after(thread, at))
