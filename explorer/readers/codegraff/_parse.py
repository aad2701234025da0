"""From what was written to an ``Event``."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import orjson

from explorer.readers.codegraff._events import CALL, RESULT, Columns, Event, children

_MOST = 1 << 62
_NO_TIME = 1 << 48
"""Milliseconds since 1970 that are no time of a recording."""

_KINDS: dict[object, str] = {kind: kind for kind in (CALL, RESULT)}
_of_call = itemgetter("kind", "tool_name", "call_id", "arguments")
_of_result = itemgetter("kind", "tool_name", "call_id", "is_error", "output")
_named = dict[str, str]().setdefault
"""Tool names, each kept once: there are few of them and millions of calls."""

_loads = orjson.loads


class BadEvent(Exception):
    """What was written is no event."""


class OddEvent(Exception):
    """What was written is an event, and something about it is odd."""

    def __init__(self, event: Event, code: str, message: str) -> None:
        super().__init__(message)
        self.event = event
        self.code = code


def columns_of(rows: Sequence[tuple[Any, ...]]) -> Columns | None:
    """The events of rows of id, ``seq``, ``ts_ms``, ``kind``, payload and two more; None if one of them is odd.

    Nearly all are calls and results with everything in place, so they get by with what is needed of them.
    """
    kinds: list[str] = []
    names: list[str | None] = []
    call_ids: list[str | None] = []
    failed: list[bool] = []
    kept: list[dict[str, object] | None] = []
    try:
        for row, seq, ts, kind, payload, _, _ in rows:
            keep, is_error = None, False
            if kind == b"tool_result":
                fields = _loads(payload)
                said, name, call_id, answer, output = _of_result(fields)
                own, is_error = RESULT, answer is True
                for value in output["values"]:
                    if type(value) is dict:  # most are plain text
                        keep = fields if children(fields) else None
                        break
            elif kind == b"tool_call":
                fields = _loads(payload)
                said, name, call_id, arguments = _of_call(fields)
                own = CALL
                if type(arguments) is dict and "tasks" in arguments:
                    keep = fields
            else:
                *_, own, name, call_id, is_error, keep, _, _ = event_of(row, seq, ts, kind, payload)
                kinds.append(own)
                names.append(name)
                call_ids.append(call_id)
                failed.append(is_error)
                kept.append(keep)
                continue
            usual = said == own and type(seq) is type(ts) is int and 0 <= ts < _NO_TIME
            if not (usual and type(name) is type(call_id) is str and name and call_id):
                return None
            kinds.append(own)
            names.append(_named(name, name))
            call_ids.append(call_id)
            failed.append(is_error)
            kept.append(keep)
    except (orjson.JSONDecodeError, LookupError, TypeError, BadEvent, OddEvent):
        return None
    ids, seqs, times, *_ = map(list, zip(*rows, strict=True))
    if min(seqs) <= -_MOST or max(seqs) >= _MOST:
        return None
    return Columns(ids, seqs, times, kinds, names, call_ids, failed, kept, ids, [1] * len(ids))


def event_of(row: int, seq: object, ts: object, kind: object, payload: bytes | None) -> Event:
    """The event of a row.

    Raises:
        BadEvent: the payload is not a JSON object, or there is no count.
        OddEvent: its columns and its payload disagree.
    """
    try:
        fields = _loads(payload or b"")
    except orjson.JSONDecodeError as error:
        raise BadEvent(f"its payload is not JSON ({error})") from None
    if type(fields) is not dict:
        raise BadEvent("its payload is not an object")
    return event_from(row, seq, ts, kind, fields, row, 1)


def event_from(
    row: int, seq: object, ts: object, kind: object, fields: dict[str, object], offset: int, length: int
) -> Event:
    """The same for a payload that has been parsed.

    Raises:
        BadEvent: there is no count.
        OddEvent: its columns and its payload disagree.
    """
    if type(seq) is not int or not -_MOST < seq < _MOST:
        raise BadEvent(f"its seq is {seq!r:.40}, not a whole number")
    complaint: tuple[str, str] | None = None
    said = kind.decode("utf-8", "replace") if isinstance(kind, bytes) else kind if isinstance(kind, str) else None
    own = fields.get("kind")
    if type(own) is not str:
        own = said or "none"
        complaint = ("kind-mismatch", f"its payload has no kind: taken as {own:.40}")
    elif said is not None and said != own:
        complaint = ("kind-mismatch", f"the row says {said:.40} and its payload {own:.40}: the payload counts")
    if type(ts) is not int or not 0 <= ts < _NO_TIME:
        complaint = complaint or ("bad-field", f"its ts_ms is {ts!r:.40}, no time: counted as not recorded")
        ts = 0
    name, call_id = fields.get("tool_name"), fields.get("call_id")
    paired = _KINDS.get(own)
    needed = paired is None or _starts_agents(paired, fields)
    event = Event(
        row, seq, ts, paired or own,
        _named(name, name) if type(name) is str and name else None,
        call_id if type(call_id) is str and call_id else None, fields.get("is_error") is True,
        fields if needed else None, offset, length,
    )  # fmt: skip
    if complaint:
        raise OddEvent(event, *complaint)
    return event


def _starts_agents(kind: str, fields: dict[str, object]) -> bool:
    """Whether a call gives tasks to agents, or a result names their conversations."""
    if kind == CALL:
        arguments = fields.get("arguments")
        return isinstance(arguments, dict) and "tasks" in arguments
    return bool(children(fields))
