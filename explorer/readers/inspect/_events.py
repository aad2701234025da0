"""Events of a transcript, one after another: model calls, tools, spans, and what happens besides."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import orjson

from explorer.model import EventKind
from explorer.readers._drafts import NO_USAGE, CallDraft, Happening, StepDraft, Where
from explorer.readers._prompts import PromptParts
from explorer.readers._values import Fields, text_in, unix_ms
from explorer.readers.inspect._noted import NotedCall, NotedHappening, NotedStep, Reference, Span, Transcript
from explorer.readers.inspect._usage import usage

MOST_INSIDE = 32
"""Events inside each other, of old logs, that are followed."""

_QUIET = frozenset((
    "state", "store", "info", "logger", "input", "approval", "sandbox", "sample_init", "anchor", "branch", "checkpoint",
    "score_edit", "review", "subtask",
))  # fmt: skip
"""Kinds that say nothing about who called which model."""

_CACHED = "cache"


class Events:
    """Takes in the events of a sample."""

    def __init__(self, parts: PromptParts, complain: Callable[[str], None]) -> None:
        self.transcript = Transcript()
        self._parts = parts
        self._complain = complain
        self._steps: list[Span] = []  # of an old log, those that are open
        self._kinds: dict[object, Callable[[dict[str, object], Where, tuple[int, ...]], None]] = {
            "span_begin": self._begin, "span_end": self._end, "step": self._step, "model": self._model,
            "tool": self._tool, "compaction": self._compaction, "error": self._error,
            "sample_limit": self._limit, "interrupt": self._interrupt, "score": self._score,
        }  # fmt: skip

    def take(self, event: dict[str, object], where: Where, inside: tuple[int, ...] = ()) -> None:
        """An event that stands there; ``inside`` is the way to it, in an event that holds others."""
        at = unix_ms(event.get("timestamp"))
        found = self.transcript
        found.count += 1
        for each in (at, unix_ms(event.get("completed"))):
            if each is not None:
                found.first = each if found.first is None else min(found.first, each)
                found.last = each if found.last is None else max(found.last, each)
        kind = text_in(event.get("event"))
        nested = event.get("events")
        handle = self._kinds.get(kind)
        if handle is not None:
            handle(event, where, inside)
        elif kind not in _QUIET:
            name = kind[:40] if kind else "none"
            found.unknown[name] = found.unknown.get(name, 0) + 1
        if isinstance(nested, list) and nested and len(inside) < MOST_INSIDE:
            self._nested(event, nested, where, inside)

    def _nested(self, event: dict[str, object], nested: list[object], where: Where, inside: tuple[int, ...]) -> None:
        """Events of a tool or of a subtask, which before 2025 stood in its own event: a span around them."""
        agent = text_in(event.get("agent"))
        name = agent or text_in(event.get("name")) or text_in(event.get("function"))
        span = Span(
            f"inside {where.offset} {inside}", self._span_of(event), "agent" if agent else "tool", name,
            unix_ms(event.get("timestamp")), unix_ms(event.get("completed")), True,
        )  # fmt: skip
        self.transcript.spans[span.span_id] = span
        if event.get("event") == "tool" and self.transcript.calls:
            call = self.transcript.calls[-1]
            call.agent_span_id = call.agent_span_id or (span.span_id if agent else None)
        around = len(self._steps)
        self._steps.append(span)
        for number, each in enumerate(nested):
            if isinstance(each, dict):
                self.take(each, where, (*inside, number))
        del self._steps[around:]  # it may be gone: a step that ends ends what lies in it

    def _span_of(self, event: dict[str, object]) -> str | None:
        """Which span an event is of: its own, else, as before 2025, that of the step around it."""
        return text_in(event.get("span_id")) or (self._steps[-1].span_id if self._steps else None)

    # --- spans -------------------------------------------------------------------------------------------------------

    def _begin(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        span_id = text_in(event.get("id"))
        if span_id is None:
            self._complain("a span without an id: what is in it counts to what is around it")
            return
        names = text_in(event.get("type")), text_in(event.get("name"))
        span = Span(span_id, text_in(event.get("parent_id")), *names, unix_ms(event.get("timestamp")))
        known = self.transcript.spans.setdefault(span_id, span)
        if known is not span:
            self._complain(f"a second span {span_id[:40]!r}: its events count to the first one")

    def _end(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        span = self.transcript.spans.get(text_in(event.get("id")) or "")
        if span is None:
            self.transcript.ends_without_begin += 1
            return
        span.end, span.is_closed = unix_ms(event.get("timestamp")), True

    def _step(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        """What logs before 2025 have for spans: they lie in each other, and what is between is in them."""
        at, name = unix_ms(event.get("timestamp")), text_in(event.get("name"))
        if event.get("action") == "begin":
            span_id = f"step {where.offset} {inside}"
            parent = self._steps[-1].span_id if self._steps else None
            span = self.transcript.spans[span_id] = Span(span_id, parent, text_in(event.get("type")), name, at)
            self._steps.append(span)
            return
        for span in reversed(self._steps):
            if span.name == name:
                span.end, span.is_closed = at, True
                del self._steps[self._steps.index(span) :]
                return
        self.transcript.ends_without_begin += 1

    # --- calls -------------------------------------------------------------------------------------------------------

    def _model(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        fields, output = Fields(event), _object(event.get("output"))
        found = usage(output.get("usage"))
        asked_of, answered = fields.text("model"), text_in(output.get("model"))
        start, end = unix_ms(event.get("timestamp")), unix_ms(event.get("completed"))
        working = fields.number("working_time", 0)
        choice = _object(next(iter(_list(output.get("choices"))), None))
        is_pending, cache = event.get("pending") is True, event.get("cache")
        error = text_in(event.get("error")) or text_in(output.get("error"))
        draft = StepDraft(
            where, start, end, asked_of, answered or asked_of,
            asked_of.partition("/")[0] if asked_of and "/" in asked_of else None,
            found.tokens, found.grade, text_in(choice.get("stop_reason")), error[:2_000] if error else None,
        )  # fmt: skip
        if start is not None and end is not None and working is not None:
            draft.wait = max(end - start - round(1000 * working), 0)
        draft.extra = {
            "role": fields.text("role"), "retries": fields.count("retries"), "inside": list(inside) or None,
            _CACHED: cache if isinstance(cache, str) else None, "pending": is_pending or None,
        }  # fmt: skip
        for complaint in (*fields.complaints, *found.complaints):
            self._complain(complaint)
        if cache == "read":
            self.transcript.from_cache.append((draft, found.tokens))
            draft.tokens, draft.tokens_grade = NO_USAGE, "not_recorded"
        asked = asked_by(_object(choice.get("message")))
        tools = event.get("tools")
        step = NotedStep(draft, self._span_of(event), [digest(tools)] if tools else [], None, asked, is_pending)
        given = _list(event.get("input"))
        if given:
            draft.prompt = self._parts.stretches([*step.opening, *(digest_of(message) for message in given)])
        else:
            step.references = references(event.get("input_refs"))
        self.transcript.steps.append(step)

    def _tool(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        failed, error = event.get("failed"), event.get("error")
        is_pending = event.get("pending") is True
        draft = CallDraft(
            where, None, text_in(event.get("id")), text_in(event.get("function")), unix_ms(event.get("timestamp")),
            unix_ms(event.get("completed")), None if is_pending else failed is True or isinstance(error, dict),
            not is_pending,
        )  # fmt: skip
        arguments = event.get("arguments")
        words = [each for each in _object(arguments).values() if isinstance(each, str)]
        asked = " ".join(words[0].split())[:60] if words else ""
        self.transcript.calls.append(
            NotedCall(draft, self._span_of(event), text_in(event.get("agent_span_id")), asked)
        )  # fmt: skip

    # --- what happens ------------------------------------------------------------------------------------------------

    def _note(
        self, event: dict[str, object], kind: EventKind, trigger: object, detail: object,
        before: int | None = None, after: int | None = None,
    ) -> None:  # fmt: skip
        why, what = (each[:2_000] if isinstance(each, str) and each else None for each in (trigger, detail))
        happening = Happening(kind, unix_ms(event.get("timestamp")), why, what, before, after)
        self.transcript.happenings.append(NotedHappening(happening, self._span_of(event)))

    def _compaction(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        fields = Fields(event)
        before, after = fields.count("tokens_before"), fields.count("tokens_after")
        self._note(event, "compaction", event.get("type"), event.get("source"), before, after)
        for complaint in fields.complaints:
            self._complain(complaint)

    def _error(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        self._note(event, "error", None, _object(event.get("error")).get("message"))

    def _limit(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        self._note(event, "interrupt", f"{event.get('type')} limit", event.get("message"))

    def _interrupt(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        self._note(event, "interrupt", event.get("source") or event.get("reason"), event.get("message"))

    def _score(self, event: dict[str, object], where: Where, inside: tuple[int, ...]) -> None:
        score = _object(event.get("score"))
        self._note(event, "note", "score", str(score.get("value")))


def asked_by(message: dict[str, object]) -> dict[str, str | None]:
    """The tools that an answer asks for, by the id of the call."""
    return {
        call_id: text_in(call.get("function"))
        for call in _list(message.get("tool_calls"))
        if isinstance(call, dict) and (call_id := text_in(call.get("id"))) is not None
    }


def references(recorded: object) -> Sequence[Reference]:
    """Half-open ranges of the pool; what is none is left out."""
    pairs = [tuple(each) for each in _list(recorded) if isinstance(each, list) and len(each) == 2]
    return [(first, last) for first, last in pairs if type(first) is int and type(last) is int and 0 <= first < last]


def digest_of(message: object) -> int:
    """Equal for messages that a model sees as equal, whatever ids they were given."""
    if not isinstance(message, dict):
        return digest(message)
    return digest({key: message.get(key) for key in ("role", "content", "tool_calls", "tool_call_id", "function")})


def digest(value: object) -> int:
    """Equal for equal content."""
    try:
        return hash(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
    except TypeError:  # nested more deeply than can be written
        return hash(repr(value))


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
