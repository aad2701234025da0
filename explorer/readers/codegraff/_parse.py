"""From what was written to an ``Event``."""

from __future__ import annotations

import orjson

from explorer.readers.codegraff._events import CALL, END, ERROR, RESULT, START, Event

_MOST = 1 << 62
_CHILDREN = (b'"conversation_id"', b'"tasks"')
"""What a payload holds that starts agents, or names their conversations."""

_SHORT: dict[str, str] = {}
"""Tool names, each kept once: there are few of them and millions of calls."""


class BadEvent(Exception):
    """What was written is no event."""


def event_of(
    row: int, seq: object, ts: object, kind: object, payload: bytes | None, offset: int, length: int
) -> tuple[Event, str | None]:
    """The event of a row, and a complaint when its columns and its payload disagree.

    Raises:
        BadEvent: the payload is not a JSON object, or there is no count.
    """
    try:
        fields = orjson.loads(payload or b"")
    except orjson.JSONDecodeError as error:
        raise BadEvent(f"its payload is not JSON ({error})") from None
    if type(fields) is not dict:
        raise BadEvent("its payload is not an object")
    return event_from(row, seq, ts, kind, fields, offset, length, payload or b"")


def event_from(
    row: int, seq: object, ts: object, kind: object, fields: dict[str, object], offset: int, length: int,
    text: bytes = b'"conversation_id"',
) -> tuple[Event, str | None]:  # fmt: skip
    """The same for a payload that has been parsed; ``text`` is what it was parsed from, to look for marks in it.

    Raises:
        BadEvent: there is no count.
    """
    if type(seq) is not int or not -_MOST < seq < _MOST:
        raise BadEvent(f"its seq is {seq!r:.40}, not a whole number")
    complaint = None
    own = fields.get("kind")
    if type(own) is not str:
        own = kind.decode("utf-8", "replace") if isinstance(kind, bytes) else kind if isinstance(kind, str) else "none"
        complaint = f"its payload has no kind: taken as {own}"
    elif kind is not None and kind != own and kind != own.encode():
        other = kind.decode("utf-8", "replace") if isinstance(kind, bytes) else str(kind)
        complaint = f"the row says {other:.40} and its payload {own:.40}: the payload counts"
    if type(ts) is not int or not 0 <= ts < 1 << 48:
        complaint = complaint or f"its ts_ms is {ts!r:.40}, not a time: counted as not recorded"
        ts = 0
    name = fields.get("tool_name")
    call_id = fields.get("call_id")
    keep = own in (START, END, ERROR) or (own in (CALL, RESULT) and any(mark in text for mark in _CHILDREN))
    return Event(
        row,
        seq,
        ts,
        own,
        _SHORT.setdefault(name, name) if type(name) is str and name else None,
        call_id if type(call_id) is str and call_id else None,
        fields.get("is_error") is True,
        fields if keep or own not in (CALL, RESULT) else None,
        offset,
        length,
    ), complaint
