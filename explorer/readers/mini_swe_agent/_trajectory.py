"""The rows of one trajectory."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.model import BlockRun, Event, Finding, Row, Severity, Step
from explorer.readers._findings import Findings
from explorer.readers._openai._clock import Clock, unix_ms
from explorer.readers._openai._documents import Document, Entry
from explorer.readers._openai._items import items_of, text_of, word
from explorer.readers._openai._usage import usage_of
from explorer.readers._prompts import Prompt, PromptParts
from explorer.readers._values import as_json
from explorer.readers.mini_swe_agent._calls import FORMAT_ERROR, Answer, actions_of, answer_of, extra_of
from explorer.readers.mini_swe_agent._commands import Commands
from explorer.readers.mini_swe_agent._info import Info
from explorer.readers.mini_swe_agent._sums import Sums

_MOST_DETAIL = 500
"""Characters of a message that an event tells."""


class Trajectory:
    """A conversation with one agent and one run."""

    def __init__(self, source_id: str, number: int, document: Document, findings: Findings) -> None:
        self.source_id = source_id
        self.conversation_id = source_id if number == 1 else f"{source_id}//{number}"
        self.agent_id = f"{self.conversation_id}/main"
        self.run_id = f"{self.agent_id}/1"
        self.document = document
        self.findings = findings
        self.info = Info.of(document.fields)
        self.clock = Clock()
        self.sums = Sums()
        self.commands = Commands(self.run_id, source_id)
        self.prompt = Prompt(PromptParts())
        self.exit: str | None = None
        self._exit_ms: int | None = None

    def rows(self) -> Iterator[Row]:
        """Steps, tool calls and events; nothing of the messages is kept but the hashes of their texts."""
        for entry in self.document.entries:
            if isinstance(entry.message, dict):
                yield from self._message(entry.message, entry)
            else:
                yield from self.finding("bad-record", "error", "a message that is no object; it is left out", entry)
        yield from self.commands.end(self._exit_ms)

    def finding(
        self, code: str, severity: Severity, message: str, entry: Entry | None = None, step: int | None = None
    ) -> Iterator[Finding]:
        """A finding at a message, or about all of it."""
        line = self.document.line if entry is None else self.document.line_at(entry.offset)
        return self.findings.at(code, severity, message, line, self.conversation_id, self.agent_id, self.run_id, step)

    def _message(self, message: dict[str, object], entry: Entry) -> Iterator[Row]:
        at = self._time(message)
        if (answer := answer_of(message)) is not None:
            yield from self._step(message, answer, entry, at)
        result = self.commands.answer(message, at)
        if isinstance(result, str):
            text = f"a result of the call {result}, which nobody had made or which has one"
            yield from self.finding("unpaired-result", "warning", text, entry)
        elif result is not None:
            yield result
        if (interrupt := word(extra_of(message).get("interrupt_type"))) and interrupt != FORMAT_ERROR:
            yield self._event("interrupt", at, interrupt, message)
        if message.get("role") == "exit":
            self.exit, self._exit_ms = word(extra_of(message).get("exit_status")) or self.exit, at
            if self.exit not in (None, "Submitted"):
                yield self._event("error", at, self.exit, message)
        else:
            for item in items_of(message):
                self.prompt.add(item)
        self.clock.passed(at)

    def _time(self, message: dict[str, object]) -> int | None:
        """When a message was added. The first answer was begun at the whole second that the API says."""
        extra = extra_of(message)
        response = extra.get("response")
        fields = response if isinstance(response, dict) else message
        began = unix_ms(fields.get("created")) or unix_ms(fields.get("created_at"))
        return self.clock.at(unix_ms(extra.get("timestamp", message.get("timestamp"))), began)

    def _event(self, kind: str, at: int | None, trigger: str | None, message: dict[str, object]) -> Event:
        self.sums.events += 1
        detail = text_of(message.get("content"))[:_MOST_DETAIL] or None
        return Event(self.run_id, self.sums.events, kind, at, None, None, trigger, detail)  # type: ignore[arg-type]

    def _step(self, message: dict[str, object], answer: Answer, entry: Entry, at: int | None) -> Iterator[Row]:
        """A model call, its prompt and what it asks for."""
        sums, usage = self.sums, usage_of(answer.response.get("usage"))
        sums.add(answer.cost, isinstance(extra_of(message).get("response"), str))
        start, model = self.clock.start_of(at, sums.steps == 1), word(answer.response.get("model"))
        sums.model = sums.model or model
        yield Step(
            run_id=self.run_id,
            ordinal=sums.steps,
            started_at=self.clock.moment(start),
            start_ms=start,
            end_ms=at,
            request_model=self.info.model,
            model=model or self.info.model,
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            tokens_grade=usage.grade,
            finish_reason=answer.finish_reason,
            error=answer.error,
            grade="exact",
            source_id=self.source_id,
            offset=entry.offset,
            length=entry.length,
            extra=as_json({"cost_usd": answer.cost, "response_id": word(answer.response.get("id"))}),
        )
        position = 0
        for first, count in self.prompt.stretches():
            yield BlockRun(self.run_id, sums.steps, position, self.conversation_id, first, count, None)
            position += count
        for complaint in usage.complaints:
            yield from self.finding("bad-field", "warning", complaint, entry, sums.steps)
        if usage.total:
            yield from self.finding("total-mismatch", "warning", usage.total, entry, sums.steps)
        for call_id, name in actions_of(message) if answer.error is None else ():
            self.commands.ask(sums.steps, call_id, name, at, entry.offset, entry.length)
