"""Where a thread's own lines begin: what stands before them was copied from the thread that it was forked from.

Format: openai/codex codex-rs/core/src/agent/control/spawn.rs @b3cc2173, and what readers of later builds report.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from explorer.readers.codex._rollout_file import Line, lines
from explorer.readers.codex._rollout_head import Head, head_of
from explorer.readers.codex._rollout_lines import HEAD, parse

Rule: TypeAlias = Literal["ordinal", "base", "whole", "settings", "trigger", "turn", "unknown"]
"""What told where the own lines begin."""

_LOOKED_AT = frozenset((b"event_msg", b"inter_agent_communication", b"inter_agent_communication_metadata"))
_TRIGGER = re.compile(rb'"trigger_turn":\s*true')
_TURN = re.compile(rb'"turn_id":"([^"\\]+)"')
_STARTED = frozenset((b"task_started", b"turn_started"))


class Prefix(NamedTuple):
    """How much of a file is copied."""

    own_from: int
    """Number of the first line of its own; with the rule ``unknown``, of the first that may be."""
    rule: Rule


WHOLE = Prefix(1, "whole")
"""Nothing is copied."""


@dataclass
class _Seen:
    """What a file holds behind the last session_meta of another thread."""

    behind: int = 0
    """Line of that session_meta; 0 without one."""
    ancestors: int = 0
    """How many of them there are: a parent that was forked itself has marks of its own among the copies."""
    settings: list[int] = field(default_factory=list)
    """Lines at which settings changed."""
    turns: list[tuple[int, str]] = field(default_factory=list)
    """Line and id of each turn that begins."""
    triggered: list[int] = field(default_factory=list)
    """Lines at which turns began that another agent triggered."""
    ordinal: int | None = None
    """Line of the first ordinal that is the thread's own."""


def own_lines(path: Path, head: Head, of_parent: Container[str] | None) -> Prefix:
    """Where the lines of a file begin to be its thread's own.

    ``of_parent`` holds the ids of the turns in the file it was forked from, None if that is not there: no turn of the
    parent's begins among the thread's own lines, whatever else seems to mark them.

    Raises:
        OSError: it cannot be read.
    """
    seen = _look(path, head)
    if head.paginated and head.own_from_ordinal is not None and seen.ordinal is not None:
        return Prefix(seen.ordinal, "ordinal")
    if head.history_base:
        return Prefix(1, "base")
    if not seen.behind:
        return WHOLE
    number, rule = _marked(seen, of_parent)
    return Prefix(number, rule) if number else Prefix(seen.behind + 1, "unknown")


def turns_of(path: Path) -> set[str]:
    """The ids of the turns that begin in a file, copied ones too.

    Raises:
        OSError: it cannot be read.
    """
    seen = _Seen()
    for line in lines(path):
        start = HEAD.match(line.buffer, line.start, line.end) if isinstance(line, Line) else None
        if start is not None and start[3] == b"event_msg" and isinstance(line, Line):
            _note(seen, line, start[3], start[4])
    return {turn for _, turn in seen.turns}


def _marked(seen: _Seen, of_parent: Container[str] | None) -> tuple[int | None, Rule]:
    """The line of the first mark that is not copied itself."""
    marks: tuple[tuple[list[int], Rule], ...] = ((seen.settings, "settings"), (seen.triggered, "trigger"))
    for numbers, rule in marks:
        if of_parent is not None:
            numbers = [number for number in numbers if not _copied_behind(seen, number, of_parent)]
        elif seen.ancestors > 1 and (rule == "settings" or len(numbers) > 1):
            continue  # they may be the parent's
        if numbers:
            return numbers[0], rule
    own = [number for number, turn in seen.turns if of_parent is not None and turn not in of_parent]
    return (own[0], "turn") if own else (None, "unknown")


def _copied_behind(seen: _Seen, number: int, of_parent: Container[str]) -> bool:
    return any(line > number and turn in of_parent for line, turn in seen.turns)


def _look(path: Path, head: Head) -> _Seen:
    seen = _Seen()
    ordinal = None
    for line in lines(path):
        start = HEAD.match(line.buffer, line.start, line.end) if isinstance(line, Line) else None
        if start is None or not isinstance(line, Line):
            continue
        if ordinal is None and head.own_from_ordinal is not None and start[2]:
            ordinal = line.number if int(start[2]) >= head.own_from_ordinal else None
        if start[3] == b"session_meta" and _is_foreign(line, head):
            seen = _Seen(line.number, seen.ancestors + 1)
        elif start[3] in _LOOKED_AT:
            _note(seen, line, start[3], start[4])
    seen.ordinal = ordinal
    return seen


def _note(seen: _Seen, line: Line, kind: bytes, sub: bytes | None) -> None:
    if kind != b"event_msg":
        if seen.turns and _TRIGGER.search(line.buffer, line.start, line.end):
            seen.triggered.append(seen.turns[-1][0])
    elif sub == b"thread_settings_applied":
        seen.settings.append(line.number)
    elif sub in _STARTED:
        turn = _TURN.search(line.buffer, line.start, line.end)
        seen.turns.append((line.number, turn[1].decode("utf-8", "replace") if turn else ""))


def _is_foreign(line: Line, head: Head) -> bool:
    record = parse(line)
    found = head_of({"type": record.kind, "payload": record.payload}) if record else None
    return found is not None and found.thread_id != head.thread_id
