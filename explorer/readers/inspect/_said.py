"""What was said in a run: the prompt of each step, as far as it is new, and its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import orjson

from explorer.readers import Message, MessageRole, Place
from explorer.readers._values import as_text, text_in
from explorer.readers.inspect._following import Following
from explorer.readers.inspect._history import KEPT
from explorer.readers.inspect._texts import ATTACHED, Texts

_ROLES: Mapping[object, MessageRole] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_REWRITTEN = "from here on the prompt is another one than that of the step before"


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: the log is not there any more.
    """
    noted = orjson.loads(place.extra) if place.extra else {}
    path = files.get(str(noted.get("file")))
    if path is None:
        raise OSError("the log is not there any more")
    with ExitStack() as opened:
        ends = [0 if "attempt" in noted else (step.offset or 0) + (step.length or 0) for step in place.steps]
        texts = Texts(path, noted, max(ends, default=0), opened)
        if place.steps and f'"{KEPT}"' in (place.steps[0].extra or ""):
            ordinals = {step.offset: step.ordinal for step in place.steps}
            for at, message in texts.said():
                yield from _message(message, texts, ordinals.get(at))
            return
        following, tools = Following(texts), 0
        for step in place.steps:
            if step.offset is None or (place.until is not None and step.ordinal > place.until):
                continue
            of_step = orjson.loads(step.extra) if step.extra else {}
            event = texts.event(step.offset, step.length or 0, of_step.get("inside"))
            if (offered := hash(repr(event.get("tools")))) != tools and event.get("tools"):
                tools = offered
                yield _tools(event.get("tools"))
            new, is_another = following.new(event)
            note = _REWRITTEN if is_another else None
            for message in new:
                for told in _message(message, texts, None):
                    yield told._replace(note="; ".join(filter(None, (note, told.note))) or None)
                    note = None
            answer, error = _answer(event)
            yield from _answered(answer, error, texts, step.ordinal, of_step)
            following.answered(answer)


def _answer(event: dict[str, object]) -> tuple[object, str | None]:
    output, error = event.get("output"), event.get("error")
    choices = output.get("choices") if isinstance(output, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice.get("message") if isinstance(choice, dict) else None, error if isinstance(error, str) else None


def _answered(
    answer: object, error: str | None, texts: Texts, step: int, of_step: Mapping[str, object]
) -> Iterator[Message]:
    told = False
    note = "answered from Inspect's own cache" if of_step.get("cache") == "read" else None
    for message in _message(answer, texts, step) if answer else ():
        told = True
        yield message._replace(note="; ".join(filter(None, (note, message.note))) or None)
    if error is not None:
        yield Message.of("system", "other", error, step_ordinal=step, is_error=True, note="the model call failed")
    elif not told:
        yield Message.of("assistant", "text", "", step_ordinal=step, note="what it answered is not recorded")


def _tools(tools: object) -> Message:
    count = len(tools) if isinstance(tools, list) else 0
    return Message.of("system", "other", as_text(tools), note=f"{count:,} tool definitions")


def _message(message: object, texts: Texts, step: int | None) -> Iterator[Message]:
    """A message, part by part."""
    if not isinstance(message, dict):
        yield Message.of("user", "other", as_text(message), step_ordinal=step, note="a message that cannot be read")
        return
    role = _ROLES.get(text_in(message.get("role")), "user")
    if role == "tool":
        yield from _result(message, texts)
        return
    content = message.get("content")
    for part in content if isinstance(content, list) else [content] if content else []:
        yield _part(part, role, texts, step)
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            name, call_id = (value if isinstance(value := call.get(key), str) else None for key in ("function", "id"))
            wrong = call.get("parse_error")
            note = f"its arguments could not be read: {wrong}"[:200] if wrong else None
            yield Message.of(role, "tool_call", as_text(call.get("arguments")), name, call_id, step, note=note)


def _result(message: dict[str, object], texts: Texts) -> Iterator[Message]:
    name, call_id = (text_in(message.get(key)) for key in ("function", "tool_call_id"))
    error, content = message.get("error"), message.get("content")
    for part in content if isinstance(content, list) and content else [content or ""]:
        told = _part(part, "tool", texts, None)
        kind = "tool_result" if told.kind == "text" else told.kind
        yield told._replace(kind=kind, name=name, call_id=call_id, is_error=isinstance(error, dict))
    if isinstance(error, dict) and error.get("message") not in (None, content):
        text, why = texts_of(error.get("message"), texts), text_in(error.get("type"))
        yield Message.of("tool", "tool_result", text, name, call_id, is_error=True, note=why)


def _part(part: object, role: MessageRole, texts: Texts, step: int | None) -> Message:
    if not isinstance(part, dict):
        return Message.of(role, "text", texts_of(part, texts), step_ordinal=step)
    kind = part.get("type")
    if kind == "text":
        return Message.of(role, "text", texts_of(part.get("text"), texts), step_ordinal=step)
    if kind == "reasoning":
        redacted = part.get("redacted") is True
        text = part.get("summary") if redacted else part.get("reasoning") or part.get("summary")
        return Message.of(
            role, "reasoning", texts_of(text, texts), step_ordinal=step, note="encrypted" if redacted else None
        )
    if kind == "image":
        return Message.of(role, "image", "", step_ordinal=step, note=_place(part.get("image")))
    return Message.of(role, "other", as_text(part), text_in(kind), step_ordinal=step)


def _place(image: object) -> str | None:
    """Where an image is; one that is inlined is not shown."""
    inlined = not isinstance(image, str) or image.startswith(("data:", ATTACHED))
    return None if inlined else str(image)[:200]


def texts_of(value: object, texts: Texts) -> str:
    """A text, which may stand among the attachments; anything else as JSON."""
    if isinstance(value, str) and value.startswith(ATTACHED) and len(value) < 200:
        return texts.attached(value) or f"{value} (not in the log)"
    return as_text(value)
