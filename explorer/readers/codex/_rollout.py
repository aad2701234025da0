"""The rollouts of one conversation: a file for each thread, more where it was reverted, copies where it was archived.

Format: openai/codex codex-rs/rollout, codex-rs/thread-store @b3cc2173.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from explorer.readers._prompts import PromptParts
from explorer.readers._values import many
from explorer.readers.codex._draft import HandOff, Remark, ThreadDraft, TurnDraft
from explorer.readers.codex._history import History
from explorer.readers.codex._inherited import WHOLE, Prefix, own_lines
from explorer.readers.codex._rollout_agents import hand_offs
from explorer.readers.codex._rollout_file import name_of
from explorer.readers.codex._rollout_head import Head, read_head
from explorer.readers.codex._rollout_thread import ForeignHistory, Origin, RolloutThread
from explorer.readers.codex._rollout_turns import UNENDED
from explorer.readers.codex._traffic import Traffic


class Rollouts(NamedTuple):
    """What the rollouts of a conversation tell."""

    threads: list[ThreadDraft]
    hand_offs: list[HandOff]
    remarks: list[Remark]


@dataclass(slots=True, eq=False)
class _File:
    path: Path
    source_id: str
    head: Head
    has_prefix: bool
    rollout_id: str
    rank: tuple[bool, bool, str]
    """Sorts what is better to the front among copies of one rollout."""
    stamp: str
    read: RolloutThread | None = None


def reduce_rollouts(files: Sequence[tuple[Path, str]], parts: PromptParts) -> Rollouts:
    """Everything in these files, each given with its source_id; threads in the order of their beginnings.

    A file that cannot be read is a remark.
    """
    remarks: list[Remark] = []
    found: list[_File] = []
    for path, source_id in files:
        try:
            head, has_prefix = read_head(path)
        except OSError as error:
            remarks.append(Remark("unreadable-source", "error", str(error), source_id))
            continue
        if head is None:
            remarks.append(Remark("bad-record", "error", "no line says whose it is", source_id, 1))
            continue
        name = name_of(path)
        rollout_id = name.rollout_id if name else head.thread_id
        rank = "archived_sessions" in path.parts, bool(name and name.compressed), source_id
        found.append(_File(path, source_id, head, has_prefix, rollout_id, rank, name.stamp if name else ""))
    by_rollout = _without_copies(found, remarks)
    reading = _Reading(by_rollout, parts)
    for file in by_rollout.values():
        reading.read(file)
    remarks += reading.remarks
    threads: dict[str, list[_File]] = {}
    for file in sorted(by_rollout.values(), key=lambda file: (file.stamp, file.source_id)):
        if file.read is not None:
            threads.setdefault(file.head.thread_id, []).append(file)
    traffic = [_put_together(of_thread, remarks) for of_thread in threads.values()]
    traffic.sort(key=lambda each: (each.thread.start or 0, each.thread.source_id))
    told, undelivered = hand_offs(traffic)
    told += [fork for file in by_rollout.values() if (fork := _fork(file, reading.sources.get(id(file))))]
    return Rollouts([each.thread for each in traffic], told, [*remarks, *undelivered])


def _fork(file: _File, source: _File | None) -> HandOff | None:
    """What another thread's history went on as; a child that got its parent's was spawned."""
    if file.read is None or source is None or source.read is None:
        return None
    thread, origin, base = file.read.draft, source.read, file.head.history_base
    if source.head.thread_id in (thread.thread_id, thread.parent_thread_id):
        return None
    if base is not None:
        copied = [turn for turn in origin.draft.turns if not turn.is_replay and origin.began.get(id(turn), 0) < base[1]]
    else:
        copied = [turn for turn in thread.turns if turn.is_replay and turn.turn_id in origin.turn_ids]
    own = next((turn for turn in thread.turns if not turn.is_replay), None)
    if not copied or own is None:
        return None
    return HandOff(
        "fork", source.head.thread_id, copied[-1].turn_id, thread.thread_id, own.turn_id, at=own.start, delivered=True,
        resolution="thread", grade="derived" if base is None else "exact",
    )  # fmt: skip


def _without_copies(files: Sequence[_File], remarks: list[Remark]) -> dict[str, _File]:
    """The best file of each rollout, by its id."""
    best: dict[str, _File] = {}
    for file in sorted(files, key=lambda file: file.rank):
        kept = best.setdefault(file.rollout_id, file)
        if kept is not file:
            message = f"another copy of {kept.source_id}, which is read: nothing of this one is counted"
            remarks.append(Remark("stale-copy", "info", message, file.source_id, None, file.head.thread_id))
    return best


class _Reading:
    """Reads files, each after the one that its history is from."""

    def __init__(self, by_rollout: Mapping[str, _File], parts: PromptParts) -> None:
        self.by_rollout = by_rollout
        self.parts = parts
        self.remarks: list[Remark] = []
        self.sources: dict[int, _File] = {}
        """The file that a file's history is from, by the file's identity."""
        self._looked_at: set[int] = set()
        self._newest: dict[str, _File] = {}
        self._kept_at: dict[str, set[int]] = {}  # rollout -> ordinals at which another one goes on from it
        for file in sorted(by_rollout.values(), key=lambda file: file.stamp):
            self._newest[file.head.thread_id] = file
            if file.head.history_base:
                rollout, ordinal = file.head.history_base
                self._kept_at.setdefault(rollout, set()).add(ordinal)

    def read(self, file: _File) -> None:
        """Read a file, and before it those that its history is from; one of a circle of them goes without."""
        chain: dict[int, tuple[_File, _File | None]] = {}
        each: _File | None = file
        while each is not None and id(each) not in self._looked_at:
            self._looked_at.add(id(each))
            source = self._source(each)
            chain[id(each)] = each, source
            if source is not None:
                self.sources[id(each)] = source
            each = source
        for each, source in reversed(chain.values()):
            try:
                each.read = self._one(each, source.read if source else None)
            except OSError as error:
                self.remarks.append(Remark("unreadable-source", "error", str(error), each.source_id))
            else:
                self.remarks += each.read.remarks

    def _source(self, file: _File) -> _File | None:
        """The file that holds what a file's history begins with."""
        base = file.head.history_base
        if base is not None:
            source = self.by_rollout.get(base[0]) or self._newest.get(base[0])
            if source is None:
                message = (
                    f"its prompts begin with the records before ordinal {base[1]:,} of rollout {base[0]}, which is not "
                    "among the opened files: they lack all of these"
                )
                self.remarks.append(
                    Remark("missing-history", "warning", message, file.source_id, 1, file.head.thread_id)
                )
        else:
            source = self._newest.get(file.head.forked_from_id or file.head.parent_thread_id or "")
        return source if source is not file else None

    def _one(self, file: _File, source: RolloutThread | None) -> RolloutThread:
        origin = Origin(source.turn_ids, source.pairs, source.counts) if source else None
        keep = self._kept_at.get(file.rollout_id, set())
        before = self._before(file, source)
        prefix = own_lines(file.path, file.head, origin.turns if origin else None) if file.has_prefix else WHOLE
        thread = RolloutThread(file.path, file.source_id, file.head, prefix, self.parts, origin, before, keep)
        try:
            thread.read()
        except ForeignHistory as foreign:
            prefix = own_lines(file.path, file.head, origin.turns if origin else None)
            if prefix.rule == "whole":  # a line that begins as none does
                prefix = Prefix(foreign.line + 1, "unknown")
            thread = RolloutThread(file.path, file.source_id, file.head, prefix, self.parts, origin, before, keep)
            thread.read()
        return thread

    def _before(self, file: _File, source: RolloutThread | None) -> History | None:
        base = file.head.history_base
        return source.kept.get(base[1]) if base and source else None


# --- several files of one thread -------------------------------------------------------------------------------------


def _put_together(files: Sequence[_File], remarks: list[Remark]) -> Traffic:
    """One thread of its files, oldest first: what the newest repeats is a copy there."""
    reads = [file.read for file in files if file.read is not None]
    newest = reads[-1]
    later: set[str] = set()
    turns: list[list[TurnDraft]] = [newest.draft.turns]
    for older, newer in zip(reversed(reads[:-1]), reversed(reads[1:]), strict=True):
        later |= {turn.turn_id for turn in newer.draft.turns if turn.turn_id and not turn.is_replay}
        remarks.extend(_revert(older, newer, later))
        turns.insert(0, older.draft.turns)
    traffic = newest.traffic
    for older in reversed(reads[:-1]):
        other = older.traffic
        traffic.calls = {**{key: call for key, call in other.calls.items() if not call.turn.is_replay}, **traffic.calls}
        traffic.deliveries[:0] = [each for each in other.deliveries if not each.turn.is_replay]
        traffic.finals[:0] = [each for each in other.finals if not each.turn.is_replay]
        traffic.prompts[:0] = other.prompts
        traffic.thread.title = other.thread.title or traffic.thread.title
        traffic.thread.start = other.thread.start or traffic.thread.start
    in_order = [turn for each in turns for turn in each]
    if len(turns) > 1:  # of a turn that is there twice, the one that counts stands for both
        in_order.sort(key=lambda turn: (turn.start is None, turn.start or 0, turn.is_replay))
    traffic.thread.turns = in_order
    return traffic


def _revert(older: RolloutThread, newer: RolloutThread, later: set[str]) -> Iterator[Remark]:
    """Mark what a later file of the thread repeats, and what it took back."""
    base = newer.head.history_base
    taken_back = repeated = 0
    for turn in older.draft.turns:
        if turn.is_replay:
            continue
        if turn.turn_id in later or (turn.turn_id is None and base is None):
            repeated += 1
            _make_replay(turn)
        elif base is None or older.began.get(id(turn), 0) >= base[1]:
            taken_back += 1
            turn.extra["reverted"] = True
        if turn.status == "running":
            turn.status, turn.status_detail = "unknown", UNENDED
    if repeated or taken_back:
        message = (
            f"{newer.draft.source_id} goes on from here: of this one, {many(taken_back, 'turn')} taken back, whose "
            f"tokens were spent all the same, and {many(repeated, 'turn')} repeated there and counted there"
        )
        yield Remark("reverted-history", "info", message, older.draft.source_id, None, older.head.thread_id)


def _make_replay(turn: TurnDraft) -> None:
    turn.is_replay = True
    for step in turn.steps:
        step.is_replay = True
    for tool in turn.tools:
        tool.is_replay = True
