"""What was said in a run: the prompt of its first step, what each step answered, and what each later prompt adds.

A prompt repeats the one before it with the answer to that and what came of its calls. Where it does not, what it has
instead is told from the place on at which they part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import orjson

from explorer.readers import CallPlace, Message, Place, StepPlace
from explorer.readers.otlp import _names as names
from explorer.readers.otlp._content import Content
from explorer.readers.otlp._messages import Said, said_in
from explorer.readers.otlp._passages import span_at
from explorer.readers.otlp._values import attributes_of

_NOT_RECORDED = "what was said is not recorded: recorders leave it out unless they are told to keep it"
_ANEW = "from here on the prompt is another than that of the step before"


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """The messages of a run, lazily.

    Raises:
        OSError: the source is not there any more.
    """
    steps = [step for step in place.steps if place.until is None or step.ordinal <= place.until]
    telling = _Telling(files)
    said = chain.from_iterable(map(telling.step, steps))
    first = next(said, None)
    if first is None:
        said = chain(telling.run(place))
        first = next(said, None)
    if first is None:
        said = chain.from_iterable(_without_content(step, place.calls) for step in steps)
        first = next(said, None)
    if first is not None:
        yield first
        yield from said


def _without_content(step: StepPlace, calls: Sequence[CallPlace]) -> Iterator[Message]:
    yield Message.of("assistant", "text", "", step_ordinal=step.ordinal, note=_NOT_RECORDED)
    for call in calls:
        if call.step_ordinal == step.ordinal:
            yield Message.of("assistant", "tool_call", "", call.name, call.call_id, step.ordinal)
            if call.is_error:
                note = "it failed; its result is not recorded"
                yield Message.of("tool", "tool_result", "", call.name, call.call_id, is_error=True, note=note)


class _Telling:
    """Goes through the steps of a run."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._names: dict[str, str] = {}
        """Of calls by their ids: results mostly have no name of their own."""
        self._prompt: list[Said] = []
        self._answer: list[Said] = []

    def step(self, step: StepPlace) -> Iterator[Message]:
        """What a prompt adds to the one before it, and the answer."""
        content = self._content(step)
        if content is None:
            return
        prompt, answer = content.prompt(), content.answer()
        common = _common(self._prompt, prompt)
        new = prompt[common:]
        if self._prompt and prompt and common < len(self._prompt):
            yield Message.of("system", "other", "", note=_ANEW)
        else:
            new = new[_common(_bare(self._answer), _bare(new)) :]  # it has been told as an answer
        for said in (*prompt, *answer):
            if said.kind == "tool_call" and said.call_id and said.name:
                self._names[said.call_id] = said.name
        for said in new:
            yield _message(said._replace(name=said.name or self._names.get(said.call_id or "")))
        for said in answer:
            yield _message(said, step.ordinal)
        if not answer and prompt:
            yield Message.of("assistant", "text", "", step_ordinal=step.ordinal, note="its answer is not recorded")
        self._prompt, self._answer = prompt or self._prompt, answer

    def run(self, place: Place) -> Iterator[Message]:
        """What the span of the agent itself has, where those of its calls have nothing."""
        noted = orjson.loads(place.extra) if place.extra else {}
        where = noted.get("place")
        if not isinstance(where, list) or len(where) != 3:
            return
        fields = self._fields(*where)
        attributes = attributes_of(fields.get("attributes"))
        recorded_as = (*names.INPUT_MESSAGES, *names.WHOLE_INPUT)
        given = next((attributes[name] for name in recorded_as if attributes.get(name) is not None), None)
        yield from map(_message, said_in(given, "user"))
        last = place.steps[-1].ordinal if place.steps else None
        for said in Content(fields, attributes).answer():
            yield _message(said, last)

    def _content(self, step: StepPlace) -> Content | None:
        told = orjson.loads(step.extra).get("told") if step.extra else None
        if told == []:
            return None
        source_id, offset, length = told or (step.source_id, step.offset, step.length)
        fields = self._fields(source_id, offset, length)
        return Content(fields, attributes_of(fields.get("attributes")))

    def _fields(self, source_id: str, offset: int | None, length: int | None) -> dict[str, object]:
        if source_id not in self._files:
            raise OSError(f"{source_id} is not among the sources any more")
        return span_at(self._files[source_id], offset or 0, length or 0)


def _message(said: Said, step: int | None = None) -> Message:
    return Message.of(
        said.role, said.kind, said.text, said.name, said.call_id, step, is_error=said.is_error, note=said.note
    )  # fmt: skip


def _common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many leading things two lists have in common."""
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return number
    return min(len(one), len(other))


def _bare(said: Sequence[Said]) -> list[tuple[object, ...]]:
    """What an answer and its repetition in a prompt have in common: of calls the id, of the rest the words."""
    return [
        (each.role, each.kind, each.call_id) if each.call_id else (each.role, each.kind, each.text.strip())
        for each in said
    ]  # fmt: skip
