"""The text of a rollout, read when somebody looks: the history that a run had, as the model saw it."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from explorer.readers import Message, Place, StepPlace
from explorer.readers.codex._history import asked
from explorer.readers.codex._inherited import own_lines, turns_of
from explorer.readers.codex._rollout_file import Line, is_compressed, lines, name_of, span
from explorer.readers.codex._rollout_head import Head, read_head
from explorer.readers.codex._rollout_items import is_said
from explorer.readers.codex._rollout_lines import HEAD, Record, parse
from explorer.readers.codex._said import messages_of

_HISTORY = frozenset((b"response_item", b"compacted", b"inter_agent_communication"))
_ITEMS = frozenset(("response_item", "inter_agent_communication", "bare"))
_EVENTS = frozenset((b"task_started", b"turn_started", b"task_complete", b"turn_complete", b"turn_aborted"))
_MOST_LINE = 64 << 20
_COPIED = "copied from another thread's history"


class _Entry(NamedTuple):
    """A line of the history."""

    offset: int
    length: int
    kind: bytes


@dataclass(slots=True)
class _Index:
    """Where the history of a run stands."""

    entries: list[_Entry] = field(default_factory=list)
    begin: int = 0
    """Byte at which the run began."""
    own: int = 0
    """Byte at which the lines begin that are not copied from another thread's file."""
    compacted: bool = False
    """Whether nothing of what came before the file is left."""

    def take(self, path: Path, line: Line, head: re.Match[bytes] | None, keep: bool = False) -> None:
        """Follow the history by a line; with ``keep`` what a compaction did away with stays."""
        kind = head[3] if head else b"response_item"
        if kind == b"compacted":
            self.compacted = self.compacted or not keep
            self.entries = [*(self.entries if keep else ()), _Entry(line.offset, line.length, kind)]
        elif kind in _HISTORY:
            self.entries.append(_Entry(line.offset, line.length, kind))
        elif head is not None and kind == b"event_msg" and head[4] == b"thread_rolled_back":
            _roll_back(path, self, line)


def rollout_messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run, behind the history that it began with; a step's answer bears its number.

    Raises:
        OSError: the file is not there any more.
    """
    steps = [step for step in place.steps if step.offset is not None]
    asked_for = [step for step in steps if place.until is None or step.ordinal <= place.until]
    if not asked_for:
        return
    path = files.get(asked_for[-1].source_id)
    if path is None:
        raise FileNotFoundError(errno.ENOENT, "its file is not opened", asked_for[-1].source_id)
    here = [step for step in asked_for if step.source_id == asked_for[-1].source_id]
    head, has_prefix = read_head(path)
    own_from = _own_from(files, path, head) if head is not None and has_prefix else 1
    index = _index(path, here, own_from, to_the_end=place.until is None)
    if head is not None and head.instructions:
        yield Message.of("system", "text", head.instructions, note="instructions")
    names: dict[str, str] = {}
    if head is not None and not index.compacted:
        yield from _inherited(files, head, names, {path})
    own = max(step.offset or 0 for step in here) + 1 if all(step.is_replay for step in here) else index.own
    yield from _told(path, index.entries, names, None, own, lambda entry: _step_of(here, entry, index))


def _own_from(files: Mapping[str, Path], path: Path, head: Head) -> int:
    """Number of the first line of a file that is not copied, or may not be."""
    source = head.forked_from_id or head.parent_thread_id
    named = [(name.thread_id, each) for each in files.values() if (name := name_of(each))]
    turns = [turns_of(each) for thread_id, each in named if thread_id == source and each != path]
    return own_lines(path, head, set().union(*turns) if turns else None).own_from


def _inherited(files: Mapping[str, Path], head: Head, names: dict[str, str], seen: set[Path]) -> Iterator[Message]:
    """What a rollout's history begins with that another one holds."""
    if head.history_base is None:
        return
    rollout, end = head.history_base
    path = next((path for path in files.values() if (name := name_of(path)) and name.rollout_id == rollout), None)
    if path is None or path in seen:
        note = f"what came before is in rollout {rollout}, which is not among the opened files"
        yield Message.of("developer", "other", "", note=note)
        return
    base, _ = read_head(path)
    index = _Index()
    for line in lines(path):
        found = HEAD.match(line.buffer, line.start, line.end) if isinstance(line, Line) else None
        if found is not None and found[2] is not None and int(found[2]) >= end:
            break
        if isinstance(line, Line):
            index.take(path, line, found)
    if base is not None and not index.compacted:
        yield from _inherited(files, base, names, {*seen, path})
    yield from _told(path, index.entries, names, f"from rollout {rollout}")


def _told(
    path: Path, entries: list[_Entry], names: dict[str, str], note: str | None = None, own: int = 0,
    step_of: Callable[[_Entry], int | None] = lambda _: None,
) -> Iterator[Message]:  # fmt: skip
    """The messages of these lines."""
    for entry, record in _read(path, entries):
        if record is None:
            yield Message.of("developer", "other", "", note=f"a line that could not be read, at byte {entry.offset:,}")
        elif record.kind == "compacted":
            yield from _compacted(record.payload, names)
        elif record.kind in _ITEMS and (record.kind != "bare" or record.sub is not None):
            item = _item(record)
            whose = _COPIED if entry.offset < own else note
            yield from messages_of(item, names, step_of(entry) if is_said(item) else None, whose)


def _step_of(steps: list[StepPlace], entry: _Entry, index: _Index) -> int | None:
    """The step that an answer belongs to: the next one that is counted."""
    if entry.offset < index.begin:
        return None
    found = (step.ordinal for step in steps if step.offset is not None and step.offset >= entry.offset)
    return next(found, None)


def _compacted(payload: Mapping[str, object], names: dict[str, str]) -> Iterator[Message]:
    """What a compaction left."""
    replacement = payload.get("replacement_history")
    if isinstance(replacement, list):
        for item in replacement:
            yield from messages_of(item, names, note="left by a compaction")
    elif isinstance(summary := payload.get("message"), str):
        yield Message.of("user", "text", summary, note="left by a compaction, behind what the user had said")


def _index(path: Path, steps: list[StepPlace], own_from: int, to_the_end: bool) -> _Index:
    """Follow the history to the last of these steps, or to the end of its run."""
    index = _Index()
    first = min(step.offset or 0 for step in steps)
    last = max(step.offset or 0 for step in steps)
    for line in lines(path):
        if not isinstance(line, Line) or (line.offset > last and not to_the_end):
            break
        if line.number <= own_from:
            index.own = line.offset
        head = HEAD.match(line.buffer, line.start, line.end)
        if head is not None and head[3] == b"event_msg" and head[4] in _EVENTS:
            if line.offset > last:
                break
            if line.offset <= first:
                index.begin = line.offset
        # Of a whole run, what a compaction midway did away with is told as well.
        index.take(path, line, head, keep=to_the_end and line.offset > first)
    return index


def _roll_back(path: Path, index: _Index, line: Line) -> None:
    """Take the last turns of the user's out of the history."""
    record = parse(line)
    count = record.payload.get("num_turns") if record else None
    left = count if type(count) is int else 0
    for number in range(len(index.entries) - 1, -1, -1):
        if left <= 0:
            return
        entry = index.entries[number]
        told = _parsed(path, entry) if entry.kind == b"response_item" else None
        if told is not None and asked(told.payload) is not None:
            left -= 1
            del index.entries[number:]


def _read(path: Path, entries: list[_Entry]) -> Iterator[tuple[_Entry, Record | None]]:
    """The lines of a history one after the other; of a compressed file in one pass, as it cannot be entered midway."""
    if not is_compressed(path):
        yield from ((entry, _parsed(path, entry)) for entry in entries)
        return
    wanted = {entry.offset: entry for entry in entries}
    for line in lines(path):
        if isinstance(line, Line) and (entry := wanted.pop(line.offset, None)):
            yield entry, parse(line)
        if not wanted:
            return


def _parsed(path: Path, entry: _Entry) -> Record | None:
    text = span(path, entry.offset, min(entry.length, _MOST_LINE))
    return parse(Line(1, 0, text, 0, len(text), True))


def _item(record: Record) -> dict[str, object]:
    if record.kind == "inter_agent_communication":
        return {"type": "agent_message", **record.payload}
    return record.payload
