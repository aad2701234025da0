"""The text of a rollout, read when somebody looks: the history that a run had, as the model saw it."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from explorer.readers import Message, Place, StepPlace
from explorer.readers.codex._history import asked
from explorer.readers.codex._rollout_file import Line, is_compressed, lines, span
from explorer.readers.codex._rollout_head import read_head
from explorer.readers.codex._rollout_items import is_said
from explorer.readers.codex._rollout_lines import HEAD, Record, parse
from explorer.readers.codex._said import messages_of

_HISTORY = frozenset((b"response_item", b"compacted", b"inter_agent_communication"))
_ITEMS = frozenset(("response_item", "inter_agent_communication", "bare"))
_EVENTS = frozenset((b"task_started", b"turn_started", b"task_complete", b"turn_complete", b"turn_aborted"))
_MOST_LINE = 64 << 20


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
    end: int = 0
    """Byte behind what belongs to it."""


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
    index = _index(path, here, to_the_end=place.until is None)
    head, _ = read_head(path)
    if head is not None and head.instructions:
        yield Message.of("system", "text", head.instructions, note="instructions")
    if head is not None and head.history_base is not None:
        note = f"what came before is in rollout {head.history_base[0]}"
        yield Message.of("developer", "other", "", note=note)
    names: dict[str, str] = {}
    copied = "copied from another thread's history" if all(step.is_replay for step in here) else None
    for entry, record in _read(path, index.entries):
        if record is None:
            yield Message.of("developer", "other", "", note=f"a line that could not be read, at byte {entry.offset:,}")
        elif record.kind == "compacted":
            yield from _compacted(record.payload, names)
        elif record.kind in _ITEMS and (record.kind != "bare" or record.sub is not None):
            item = _item(record)
            ordinal = _step_of(here, entry, index) if is_said(item) else None
            yield from messages_of(item, names, ordinal, copied)


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


def _index(path: Path, steps: list[StepPlace], to_the_end: bool) -> _Index:
    """Follow the history to the last of these steps, or to the end of its run."""
    index = _Index()
    first = min(step.offset or 0 for step in steps)
    last = max(step.offset or 0 for step in steps)
    for line in lines(path):
        if not isinstance(line, Line) or (line.offset > last and not to_the_end):
            break
        head = HEAD.match(line.buffer, line.start, line.end)
        kind, sub = (head[3], head[4]) if head else (b"response_item", None)
        if kind == b"event_msg":
            if sub in _EVENTS and line.offset > last:
                break
            if sub in _EVENTS and line.offset <= first:
                index.begin = line.offset
            elif sub == b"thread_rolled_back":
                _roll_back(path, index, line)
        elif kind == b"compacted":
            is_within = to_the_end and line.offset > first  # of a whole run, what came before it is told as well
            index.entries = [*(index.entries if is_within else ()), _Entry(line.offset, line.length, kind)]
        elif kind in _HISTORY:
            index.entries.append(_Entry(line.offset, line.length, kind))
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
