"""The text of a bundle, read when somebody looks: what was said in a run, what a step sent and got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

from explorer.readers import Message, Place, StepPlace
from explorer.readers._records import loads
from explorer.readers._values import many
from explorer.readers.codex._bundle import LOG
from explorer.readers.codex._items import fingerprint, kind_of, shown
from explorer.readers.codex._json import Record, inner, text
from explorer.readers.codex._payloads import Payloads, Unreadable, bytes_at, is_in_payload
from explorer.readers.codex._said import messages_of

_INFERENCE = b'"type":"inference_'
_IDS = ("inference_call_id", "tool_call_id")
_ENDS = ("inference_completed", "inference_failed", "inference_cancelled", "tool_call_ended")


@dataclass(slots=True)
class _Call:
    thread_id: str | None
    request: object
    response: object = None


class _Log:
    """Where the requests and answers of a bundle are."""

    def __init__(self, bundle: Path) -> None:
        self.bundle = bundle
        self.at: dict[int, _Call] = {}
        """By the byte of the request's line."""
        self.answers: dict[tuple[str | None, str], _Call] = {}
        calls: dict[str | None, _Call] = {}
        offset = 0
        with (bundle / LOG).open("rb") as file:
            for line in file:
                if _INFERENCE in line:
                    with suppress(ValueError):
                        self._take(offset, inner(loads(line), "payload"), calls)
                offset += len(line)

    def _take(self, offset: int, event: Record, calls: dict[str | None, _Call]) -> None:
        call_id = text(event, "inference_call_id")
        if text(event, "type") == "inference_started":
            call = calls[call_id] = self.at[offset] = _Call(text(event, "thread_id"), event.get("request_payload"))
        elif call_id in calls:
            call = calls[call_id]
            call.response = event.get("response_payload") or event.get("partial_response_payload")
            if response_id := text(event, "response_id"):
                self.answers[call.thread_id, response_id] = call

    def payload(self, reference: object) -> Record:
        """The object in a payload."""
        return _payload(self.bundle, reference)

    def output(self, call: _Call) -> list[object]:
        """The items of an answer."""
        items = self.payload(call.response).get("output_items")
        return items if isinstance(items, list) else []

    def input(self, call: _Call, request: Record) -> tuple[list[object], bool]:
        """The whole input of a request, and whether its beginning is known."""
        pieces: list[list[object]] = []
        seen: set[int] = set()
        while True:
            items = request.get("input")
            pieces.append(items if isinstance(items, list) else [])
            before = text(request, "previous_response_id")
            if before is None:
                return [item for piece in reversed(pieces) for item in piece], bool(request)
            base = self.answers.get((call.thread_id, before))
            if base is None or id(base) in seen:
                return [item for piece in reversed(pieces) for item in piece], False
            seen.add(id(base))
            pieces.append(self.output(base))
            call, request = base, self.payload(base.request)


def _payload(bundle: Path, reference: object) -> Record:
    """The object in a payload; an empty one where it cannot be had."""
    try:
        parsed = loads(Payloads(bundle).read(reference) or b"")
    except (Unreadable, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


class _Shown(NamedTuple):
    """What of a run has been told so far."""

    items: Counter[int]
    names: dict[str, str]
    answers: dict[int, int]
    """The step that an item was an answer of."""


def bundle_messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run: the prompt of its first step, its answer, what the next prompt adds, and so on.

    As one step saw it, that is the step's whole prompt and its answer: what a compaction before it did away with is
    not among them.

    Raises:
        OSError: the bundle is not there any more.
    """
    logs: dict[str, _Log] = {}
    told = _Shown(Counter(), {}, {})
    here = [step for step in place.steps if place.until is None or step.ordinal <= place.until]
    found = [(step, files[step.source_id]) for step in here if step.source_id in files and step.offset is not None]
    found = [(step, path) for step, path in found if path.is_dir()]
    for number, (step, path) in enumerate(found, 1):
        log = logs.get(step.source_id) or logs.setdefault(step.source_id, _Log(path))
        if place.until is None:
            yield from _of_step(log, step, told, is_first=number == 1)
        elif number == len(found):
            yield from _of_step(log, step, told, is_first=True)
        elif call := log.at.get(step.offset or 0):
            told.answers.update((_identity(item), step.ordinal) for item in log.output(call))


def _of_step(log: _Log, step: StepPlace, told: _Shown, is_first: bool) -> Iterator[Message]:
    call = log.at.get(step.offset or 0)
    if call is None:
        yield Message.of("developer", "other", "", step_ordinal=step.ordinal, note="its request is not recorded")
        return
    request = log.payload(call.request)
    items, is_whole = log.input(call, request)
    if not is_whole:
        yield Message.of("developer", "other", "", note="the beginning of this prompt is not recorded")
    if is_first:
        yield from _head(request)
    here: Counter[int] = Counter()
    for item in items:
        identity = _identity(item)
        here[identity] += 1
        if here[identity] > told.items[identity]:
            told.items[identity] = here[identity]
            yield from messages_of(item, told.names, told.answers.get(identity))
    for item in log.output(call):
        told.items[_identity(item)] += 1
        yield from messages_of(item, told.names, step.ordinal)


def _head(request: Record) -> Iterator[Message]:
    if instructions := text(request, "instructions"):
        yield Message.of("system", "text", instructions, note="instructions")
    tools = request.get("tools")
    if isinstance(tools, list) and tools:
        yield Message.of("system", "other", shown(tools), name="tools", note=many(len(tools), "tool"))


def _identity(item: object) -> int:
    """By which an item is known again: reasoning comes back without its text."""
    sealed = text(item, "encrypted_content")
    return hash(sealed) if sealed and kind_of(item) == "reasoning" else fingerprint(item)


def bundle_record(bundle: Path, offset: int, length: int, limit: int) -> bytes:
    """What is recorded at a place: of a line the payloads that it and the end of the call name, else the bytes.

    Raises:
        OSError: it is not there any more.
    """
    raw = bytes_at(bundle, offset, length)
    try:
        event = {} if is_in_payload(offset) else inner(loads(raw), "payload")
    except ValueError:
        return raw[:limit]
    events = [event, *_rest_of(bundle, offset + length, event)]
    found = [reference for each in events for reference in each.values() if text(reference, "path")]
    if not found:
        return raw[:limit]
    share = (limit - 3) // len(found)
    return b"{\n" + b",\n".join(_contents(bundle, reference)[: share - 2] for reference in found) + b"\n}"


def _contents(bundle: Path, reference: object) -> bytes:
    """A payload as a field of an object, by its name; as it was written, which is JSON if nothing is wrong with it."""
    try:
        contents = Payloads(bundle).read(reference) or b"null"
    except Unreadable as error:
        contents = orjson.dumps(str(error))
    return orjson.dumps(text(reference, "path")) + b": " + contents


def _rest_of(bundle: Path, offset: int, event: Record) -> Iterator[Record]:
    """The later events of the same call, to its end."""
    name, call_id = next(((name, told) for name in _IDS if (told := text(event, name))), ("", ""))
    if not call_id:
        return
    with (bundle / LOG).open("rb") as file:
        file.seek(offset)
        for line in file:
            if call_id.encode() not in line:
                continue
            with suppress(ValueError):
                later = inner(loads(line), "payload")
                if text(later, name) == call_id:
                    yield later
                    if text(later, "type") in _ENDS:
                        return
