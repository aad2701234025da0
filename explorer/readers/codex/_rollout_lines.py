"""Lines of a rollout as records. What no screen needs is passed over by the beginning of its line, unparsed.

Format: openai/codex codex-rs/history/src/lib.rs, codex-rs/protocol/src/protocol.rs @b3cc2173.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from explorer.model import Severity
from explorer.readers._records import loads
from explorer.readers.codex._images import without_images
from explorer.readers.codex._rollout_file import Line, Unreadable, lines
from explorer.readers.codex._rollout_head import milliseconds

LONGEST_RECORD = 64 << 20
"""Bytes of the longest line that is parsed, images left out."""

_PASSED = frozenset((b"world_state", b"security_risk_score", b"retained_context", b"realtime_item"))
_SKIMMED = _PASSED | {b"event_msg"}
_PASSED_EVENTS = frozenset((
    b"user_message", b"agent_message", b"agent_reasoning", b"agent_reasoning_raw_content", b"agent_message_delta",
    b"agent_reasoning_section_break", b"context_compacted", b"exec_command_begin", b"mcp_tool_call_begin",
    b"patch_apply_begin", b"web_search_begin", b"web_search_end", b"image_generation_end", b"view_image_tool_call",
    b"plan_update", b"entered_review_mode", b"exited_review_mode", b"session_configured", b"turn_diff",
    b"background_event", b"undo_completed", b"hook_started", b"hook_completed", b"item_started", b"thread_name_updated",
))  # fmt: skip
_PASSED_ITEMS = frozenset((
    b"UserMessage", b"AgentMessage", b"Reasoning", b"Plan", b"HookPrompt", b"ContextCompaction",
    b"EnteredReviewMode", b"ExitedReviewMode",
))  # fmt: skip

HEAD = re.compile(
    rb'\{"timestamp":"([^"\\]{1,40})",(?:"ordinal":(\d{1,18}),)?"type":"(\w+)","payload":\{(?:"type":"(\w+)")?'
)
"""How lines begin: time, ordinal, type, and the type within."""

_MILLISECONDS = re.compile(rb"\.\d{3}Z")
_ITEM = re.compile(rb'"item":\{"type":"(\w+)"')
_INSIDE = re.compile(rb'\{"timestamp":"[^"\\]{1,40}",(?:"ordinal":\d{1,18},)?"type":"\w+","payload":\{')


class Clock:
    """Reads the times of lines, of which many are of the same second."""

    def __init__(self) -> None:
        self._second, self._at = b"", 0

    def at(self, stamp: bytes) -> int | None:
        """Milliseconds since 1970 of ``2026-09-21T14:26:40.100Z``; None for what is no time."""
        if stamp[:19] == self._second and _MILLISECONDS.fullmatch(stamp, 19):
            return self._at + int(stamp[20:23])
        at = milliseconds(stamp.decode("utf-8", "replace"))
        if at is not None and _MILLISECONDS.fullmatch(stamp, 19):
            self._second, self._at = stamp[:19], at - int(stamp[20:23])
        return at


class Record(NamedTuple):
    """One line."""

    line: Line
    at: int | None
    """Milliseconds since 1970."""
    ordinal: int | None
    kind: str
    """``bare`` for the lines of before September 2025."""
    sub: str | None
    """The type within: of an event its name, of an item its type."""
    payload: dict[str, object]


class Damage(NamedTuple):
    """A line, or a part of one, that could not be read."""

    line: int
    code: str
    message: str
    severity: Severity = "error"


def records(path: Path) -> Iterator[Record | Damage]:
    """What a file says, line by line.

    Raises:
        OSError: it cannot be read.
    """
    clock = Clock()
    following: int | None = None  # the ordinal that the next line should have
    for line in lines(path):
        if isinstance(line, Unreadable):
            yield Damage(line.line, "truncated-record", f"the compressed stream ends early: {line.reason}")
            return
        head = HEAD.match(line.buffer, line.start, line.end)
        if head is None:
            yield from _whole(line)
            following = None
            continue
        stamp, place, kind, sub = head.groups()
        number = None
        if place is not None:
            number = int(place)
            if following is not None and number != following:
                yield Damage(line.number, "seq-gap", f"ordinal {number:,} where {following:,} should stand", "warning")
            following = number + 1
        if kind in _SKIMMED and is_passed(line, head) and line.buffer[line.end - 1] == 0x7D:  # "}"
            continue
        try:
            record = _loads(line)
        except ValueError as error:
            yield from _salvage(line, str(error))
            following = None
            continue
        payload = record.get("payload")
        if isinstance(payload, dict):
            yield Record(line, clock.at(stamp), number, kind.decode(), None if sub is None else sub.decode(), payload)
        else:
            yield Damage(line.number, "bad-record", "its payload is not an object")


def is_passed(line: Line, head: re.Match[bytes]) -> bool:
    """Whether nothing of a line is needed."""
    kind, sub = head[3], head[4]
    if kind != b"event_msg":
        return kind in _PASSED
    if sub == b"item_completed":
        item = _ITEM.search(line.buffer, head.end(), min(line.end, head.end() + 400))
        return item is not None and item[1] in _PASSED_ITEMS
    return sub in _PASSED_EVENTS


def parse(line: Line) -> Record | None:
    """A line on its own; None when it cannot be read."""
    return next((record for record in _whole(line) if isinstance(record, Record)), None)


def _loads(line: Line) -> dict[str, object]:
    """The object of a line, its images cut out.

    Raises:
        ValueError: it is none.
    """
    text = without_images(line.buffer, line.start, line.end)
    if len(text) > LONGEST_RECORD:
        raise ValueError(f"longer than {LONGEST_RECORD >> 20} MiB")
    try:
        record = orjson.loads(text)
    except ValueError:
        record = loads(text)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


def _whole(line: Line) -> Iterator[Record | Damage]:
    """A line that does not begin as they do: of another writer, from before September 2025, or damaged."""
    try:
        fields = _loads(line)
    except ValueError as error:
        yield from _salvage(line, str(error))
        return
    payload, kind = fields.get("payload"), fields.get("type")
    if isinstance(payload, dict) and isinstance(kind, str):
        sub, ordinal = payload.get("type"), fields.get("ordinal")
        yield Record(
            line, milliseconds(fields.get("timestamp")), ordinal if type(ordinal) is int else None, kind,
            sub if isinstance(sub, str) else None, payload,
        )  # fmt: skip
    elif "payload" not in fields and ("instructions" in fields or "record_type" in fields or isinstance(kind, str)):
        yield Record(
            line, milliseconds(fields.get("timestamp")), None, "bare", kind if isinstance(kind, str) else None, fields
        )
    else:
        yield Damage(line.number, "bad-record", "an object that is no line of a rollout")


def _salvage(line: Line, reason: str) -> Iterator[Record | Damage]:
    """The record that was written into a torn one, if there is one on the line."""
    if line.length > LONGEST_RECORD and not line.complete:
        yield Damage(line.number, "truncated-record", reason)
        return
    inside = [found.start() for found in _INSIDE.finditer(line.buffer, line.start + 1, line.end)]
    if inside:
        inner = line._replace(offset=line.offset + inside[-1] - line.start, start=inside[-1])
        try:
            _loads(inner)
        except ValueError:
            pass
        else:
            message = f"{inner.start - line.start:,} bytes of a record that another one was written into"
            yield Damage(line.number, "spliced-record", message)
            yield from _whole(inner)
            return
    if line.complete:
        yield Damage(line.number, "bad-record", f"not a JSON object: {reason}")
    else:
        yield Damage(line.number, "truncated-record", f"the last line is cut off, or still being written: {reason}")
