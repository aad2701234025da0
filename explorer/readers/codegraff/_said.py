"""What was said in a run: by the messages that are kept of its conversation, else by the events of its steps.

Format: crates/forge_domain/src/{context,message,tools}.rs and trajectory.rs of justrach/codegraff @e1bba44f, @b4ba8081.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import takewhile
from json import JSONDecodeError, JSONDecoder
from pathlib import Path

import orjson

from explorer.readers import Message, MessageRole, Place, StepPlace
from explorer.readers._sqlite import MAGIC, Unreadable, open_database
from explorer.readers.codegraff._contexts import Context, Usage
from explorer.readers.codegraff._dump import dumped_in
from explorer.readers.codegraff._events import CALL, ERROR, RESULT
from explorer.readers.codegraff._layout import is_dump
from explorer.readers.codegraff._lookup import context_of, payloads_of

Payloads = Iterable[dict[str, object]]

_ROLES: dict[object, MessageRole] = {"System": "system", "User": "user", "Assistant": "assistant"}
_DECODER = JSONDecoder()

MOST_BYTES = 64 << 20
"""Bytes of a stream between a call and its result that are looked through."""


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: the source is not there any more.
    """
    source_id, _, native_id = place.conversation_id.partition("//")
    path, ids = files[source_id], (place.native_run_id, native_id)
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(MAGIC):
        try:
            with open_database(path, bytes) as database:
                contexts = (context_of(database, each) for each in ids if each)
                context = next((each for each in contexts if each), None)
                yield from _told(place, context, lambda step: _parsed(payloads_of(database, *_where(step))))
        except Unreadable as error:
            raise OSError(f"the database cannot be read any more: {error}") from None
    elif is_dump(head):
        kept = dumped_in(path)
        yield from _told(place, next((kept[each] for each in ids if each in kept), None), lambda step: ())
    else:
        yield from _told(place, None, lambda step: _captured(path, *_where(step)))


def _where(step: StepPlace) -> tuple[int, int]:
    return step.offset or 0, step.length or 0


def _told(place: Place, context: Context | None, events_of: Callable[[StepPlace], Payloads]) -> Iterator[Message]:
    """The kept messages up to each step's own, and the events of steps of which none is kept."""
    kept = context.messages if context else []
    steps = [step for step in place.steps if place.until is None or step.ordinal <= place.until]
    numbers = [_message_of(step, len(kept)) for step in steps]
    at = next((number for number in numbers if number is not None), 0)
    for entry in kept[:at]:
        yield from _of_message(*entry, None)
    for step, number in zip(steps, numbers, strict=True):
        if number is None:
            yield from _of_events(events_of(step), step.ordinal, bool(kept))
            continue
        for entry in kept[at:number]:
            yield from _of_message(*entry, None)
        yield from _of_message(*kept[number], step.ordinal)
        at = max(at, number + 1)
    if place.until is None and steps:
        for entry in takewhile(lambda entry: entry[0] != "text", kept[at:]):
            yield from _of_message(*entry, None)


def _message_of(step: StepPlace, count: int) -> int | None:
    """Which of the kept messages a step is."""
    noted = orjson.loads(step.extra).get("message") if step.extra else None
    return noted if isinstance(noted, int) and noted < count else None


def _of_message(kind: str, body: dict[str, object], usage: Usage | None, step: int | None) -> Iterator[Message]:
    if kind == "tool":
        yield _result(body, body.get("name"))
    elif kind == "image":
        yield Message.of("user", "image", "", note=_word(body.get("mime_type")))
    elif kind == "text":
        yield from _of_text(body, usage, step)
    else:
        yield Message.of("user", "other", "", note="of a kind that is not known")


def _of_text(body: dict[str, object], usage: Usage | None, step: int | None) -> Iterator[Message]:
    role = _ROLES.get(body.get("role"), "user")
    details = body.get("reasoning_details")
    for detail in details if isinstance(details, list) else ():
        text = _word(detail.get("text")) if isinstance(detail, dict) else None
        if text or (isinstance(detail, dict) and detail.get("data")):
            yield Message.of(role, "reasoning", text or "", step_ordinal=step, note=None if text else "encrypted")
    content, calls = body.get("content"), body.get("tool_calls")
    calls = calls if isinstance(calls, list) else []
    if content or not calls:
        summary = usage is not None and role != "assistant"
        note = "a summary of earlier messages, which are not kept" if summary else None
        yield Message.of(role, "text", _text(content), step_ordinal=step, note=note)
    for call in calls:
        if isinstance(call, dict):
            yield _call(call, call.get("name"), step)


def _of_events(payloads: Payloads, step: int, others: bool) -> Iterator[Message]:
    note = "from the recorded events: it is not among the kept messages" if others else None
    for payload in payloads:
        if payload.get("kind") == CALL:
            yield _call(payload, payload.get("tool_name"), step, note)
        elif payload.get("kind") == RESULT:
            yield _result(payload, payload.get("tool_name"))
        elif payload.get("kind") == ERROR:
            text = _text(payload.get("message"))
            yield Message.of("system", "other", text, step_ordinal=step, is_error=True, note="the model call failed")


def _call(body: dict[str, object], name: object, step: int | None, note: str | None = None) -> Message:
    text, call_id = _text(body.get("arguments")), _word(body.get("call_id"))
    return Message.of("assistant", "tool_call", text, _word(name), call_id, step, note=note)


def _result(body: dict[str, object], name: object) -> Message:
    output = body.get("output")
    failed, values = (output.get("is_error"), output.get("values")) if isinstance(output, dict) else (None, [output])
    texts = [_value(value) for value in values] if isinstance(values, list) else [_text(values)]
    images = sum(text is None for text in texts)
    return Message.of(
        "tool", "tool_result", "\n".join(text for text in texts if text is not None), _word(name),
        _word(body.get("call_id")), is_error=(body.get("is_error") or failed) is True,
        note=f"{images} of its parts are images" if images else None,
    )  # fmt: skip


def _value(value: object) -> str | None:
    """A part of a tool's output as text; None for an image."""
    if not isinstance(value, dict):
        return "" if value in (None, "empty") else _text(value)
    if "image" in value or value.get("_kind") == "image":
        return None
    inner = value if value.get("_kind") == "ai" else next((value[key] for key in ("aI", "ai", "AI") if key in value), 0)
    if isinstance(inner, dict):
        return _text(inner.get("value"))
    return _text(next(iter(value.values()))) if len(value) == 1 else _text(value)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _text(value: object) -> str:
    """Text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else orjson.dumps(value).decode()
    except (TypeError, RecursionError):
        return repr(value)


def _parsed(payloads: Iterable[bytes]) -> Iterator[dict[str, object]]:
    for payload in payloads:
        try:
            found = orjson.loads(payload)
        except orjson.JSONDecodeError:
            continue  # told in the findings
        if isinstance(found, dict):
            yield found


def _captured(path: Path, offset: int, length: int) -> Iterator[dict[str, object]]:
    """The payloads of the first event in a stretch of a stream, and of those behind it that are of the same call."""
    with path.open("rb") as file:
        file.seek(offset)
        text = file.read(min(length, MOST_BYTES)).decode("utf-8", "replace")
    first, at = None, 0
    while (at := text.find("{", at)) >= 0:
        try:
            event, at = _DECODER.raw_decode(text, at)
        except (JSONDecodeError, RecursionError):
            at = text.find("\n", at)
            if at < 0:
                return
            continue
        payload = event.get("payload")
        if isinstance(payload, dict):
            of = event.get("conversation_id"), event.get("agent_id"), event.get("run_id"), payload.get("call_id")
            first = first or of
            if of == first:
                yield payload
