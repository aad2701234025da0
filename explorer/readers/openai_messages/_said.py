"""What was said in a run, by the shape of its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import orjson

from explorer.model import Finding
from explorer.readers import Message, Place, StepPlace
from explorer.readers._findings import Findings
from explorer.readers._json_lines import json_lines
from explorer.readers._openai._documents import Document, lines_of, whole_file
from explorer.readers._openai._said import said
from explorer.readers.openai_messages._conversations import key_of, native_id
from explorer.readers.openai_messages._growing import shape_of_file
from explorer.readers.openai_messages._places import exchange_at

ANEW = "from here on the prompt was written anew"


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: the file is not there any more.
    """
    source_id = place.conversation_id.partition("//")[0]
    path = files[source_id]
    shape = shape_of_file(path)
    if shape == "requests":
        yield from _of_requests(path, place)
        return
    names: dict[str, str] = {}
    own = {step.offset: step.ordinal for step in place.steps}
    for offset, message in _recorded(path, source_id, place, shape):
        yield from said(message, names, own.get(offset), me=place.agent_id.rpartition("/")[2])


def _recorded(path: Path, source_id: str, place: Place, shape: str | None) -> Iterator[tuple[int, object]]:
    """The messages of a conversation, with where they begin."""
    nobody = Findings(source_id)
    if shape == "messages":
        for line in json_lines(path, nobody):
            if not isinstance(line, Finding):
                yield line.offset, line.fields
        return
    is_document = shape == "document"
    documents = (whole_file if is_document else lines_of)(path, nobody)
    first = min((step.offset for step in place.steps if step.offset is not None), default=0)
    whole = (document for document in documents if isinstance(document, Document))
    for number, document in enumerate(whole):
        if _is(document, source_id, place, is_document and not number):
            entries = [(entry.offset, entry.message) for entry in document.entries]
            if not entries or entries[-1][0] >= first:  # of several with one id, the one in which the steps stand
                yield from entries
                return


def _is(document: Document, source_id: str, place: Place, is_first: bool) -> bool:
    key = key_of(source_id, native_id(document), None if is_first else document.line)
    return key == place.conversation_id or place.conversation_id.startswith(f"{key}~")


# --- logs ------------------------------------------------------------------------------------------------------------


def _of_requests(path: Path, place: Place) -> Iterator[Message]:
    """Prompt by prompt: the last one before each that was written anew holds what was said until then."""
    steps = [step for step in place.steps if place.until is None or step.ordinal <= place.until]
    names: dict[str, str] = {}
    for number, part in enumerate(_parts(steps)):
        exchange = exchange_at(path, part[-1].offset or 0, part[-1].length or 0)
        if exchange is None:
            continue
        wrote = {_noted(step).get("messages"): step.ordinal for step in part[:-1]}
        note = ANEW if number and not _noted(part[0]).get("delta") else None
        for index, message in enumerate(exchange.messages):
            is_answer = isinstance(message, dict) and message.get("role", "assistant") == "assistant"
            yield from said(message, names, wrote.get(index) if is_answer else None, note=None if index else note)
        last = part[-1].ordinal
        for choice, answer in enumerate(exchange.answers):
            yield from said(answer, names, last, note=f"choice {choice + 1}" if len(exchange.answers) > 1 else None)
        if not exchange.answers:
            note = exchange.error or "its answer is not recorded"
            yield Message.of("assistant", "text", "", step_ordinal=last, is_error=bool(exchange.error), note=note)


def _parts(steps: Sequence[StepPlace]) -> Iterator[list[StepPlace]]:
    """Steps whose prompts go on from each other; each by itself where a request holds only what is new."""
    part: list[StepPlace] = []
    for step in steps:
        noted = _noted(step)
        if part and (noted.get("rewritten") or noted.get("delta") or not noted.get("messages")):
            yield part
            part = []
        part.append(step)
    if part:
        yield part


def _noted(step: StepPlace) -> dict[str, object]:
    found = orjson.loads(step.extra) if step.extra else {}
    return found if isinstance(found, dict) else {}
