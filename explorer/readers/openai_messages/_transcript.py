"""A conversation as its messages were recorded, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from explorer.model import BlockRun, Edge, Finding, Row, Severity, Step, ToolCall
from explorer.readers._findings import Findings
from explorer.readers._openai._clock import Clock, first_time
from explorer.readers._openai._items import Item, items_of, shown, word
from explorer.readers._openai._usage import usage_of
from explorer.readers._prompts import Prompt, PromptParts
from explorer.readers._values import key_part, untaken
from explorer.readers.openai_messages._participants import Asked, Participant, Place

_TIMES = ("created_at", "created", "timestamp", "time", "ts", "date")
_TITLE = 80


class Transcript:
    """One conversation: every assistant's message is a step, its prompt what stands before it."""

    def __init__(self, source_id: str, conversation_id: str, findings: Findings) -> None:
        self.source_id = source_id
        self.conversation_id = conversation_id
        self.findings = findings
        self.clock = Clock()
        self.prompt = Prompt(PromptParts())
        self.participants: dict[str | None, Participant] = {}
        self._taken: set[str] = set()
        """Keys of agents: names that differ may make the same."""
        self.title: str | None = None
        self._open: dict[str | None, deque[Asked]] = {}
        self._latest: tuple[Participant, Place] | None = None
        self._edges = 0
        self._in_a_row = False

    def tools(self, tools: object) -> None:
        """What the model was offered: it stands before all messages."""
        for tool in tools if isinstance(tools, list) else ():
            self.prompt.add(("tool", shown(tool)))

    def add(self, message: object, place: Place) -> Iterator[Row]:
        """The next message."""
        items = list(items_of(message))
        if not isinstance(message, dict) or not items:
            if not isinstance(message, dict) or message.get("type") != "reasoning":
                text = "a message without a role; it is left out"
                yield from self.findings.at("bad-record", "error", text, place.line)
            return
        at = self.clock.at(first_time(message, _TIMES))
        if items[0].role == "assistant":
            if "role" not in message and self._in_a_row and self._latest is not None:  # of one answer, item by item
                yield from self._calls(items[0], self._latest[0], place, at)
            else:
                yield from self._step(message, items, place, at)
            self._in_a_row = True
        else:
            self._in_a_row = False
            if items[0].role == "user" and self.title is None:
                self.title = " ".join(items[0].text[: 8 * _TITLE].split())[:_TITLE] or None
        for item in items:
            if item.role in ("tool", "function"):
                yield from self._result(item, place, at)
            self.prompt.add(item)
        self.clock.passed(at)

    def finding(
        self, code: str, severity: Severity, message: str, line: int | None, of: Participant | None = None
    ) -> Iterator[Finding]:
        """A finding at a line of the conversation."""
        ids = (of.agent_id, of.run_id, of.steps) if of else (None, None, None)
        return self.findings.at(code, severity, message, line, self.conversation_id, *ids)

    # --- steps and their tools ---------------------------------------------------------------------------------------

    def _participant(self, name: str | None) -> Participant:
        found = self.participants.get(name)
        if found is None:
            agent_id = untaken(f"{self.conversation_id}/{key_part(name or 'assistant')}", self._taken)
            found = self.participants[name] = Participant(agent_id, name or "assistant")
        return found

    def _step(self, message: dict[str, object], items: list[Item], place: Place, at: int | None) -> Iterator[Row]:
        speaker, usage = self._participant(items[0].name), usage_of(message.get("usage"))
        speaker.steps += 1
        start, model = self.clock.start_of(at, is_first=self._latest is None), word(message.get("model"))
        speaker.model = speaker.model or model
        speaker.reached(start, at)
        yield Step(
            run_id=speaker.run_id,
            ordinal=speaker.steps,
            started_at=self.clock.moment(start),
            start_ms=start,
            end_ms=at,
            model=model,
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            tokens_grade=usage.grade,
            finish_reason=word(message.get("finish_reason")),
            grade="exact",
            source_id=self.source_id,
            offset=place.offset,
            length=place.length,
        )
        position = 0
        for first, count in self.prompt.stretches():
            yield BlockRun(speaker.run_id, speaker.steps, position, self.conversation_id, first, count, None)
            position += count
        yield from self._told_by_another(speaker, place, start)
        for complaint in usage.complaints:
            yield from self.finding("bad-field", "warning", complaint, place.line, speaker)
        if usage.total:
            yield from self.finding("total-mismatch", "warning", usage.total, place.line, speaker)
        if self._in_a_row and self._latest is not None and self._latest[0] is speaker:
            text = "two answers in a row: counted as two calls, though they may be one that was written in two"
            yield from self.finding("answers-in-a-row", "info", text, place.line, speaker)
        self._latest = speaker, place
        for item in items:
            yield from self._calls(item, speaker, place, at)

    def _told_by_another(self, speaker: Participant, place: Place, at: int | None) -> Iterator[Edge]:
        """Everybody is shown everything: who speaks next got what was said last."""
        if self._latest is None or self._latest[0] is speaker:
            return
        other, said = self._latest
        self._edges += 1
        yield Edge(
            f"{self.conversation_id}>message/{self._edges}", "message", other.run_id, speaker.run_id, None, at, True,
            "derived", "item", self.source_id, said.offset, said.length, self.source_id, said.offset, said.length,
        )  # fmt: skip

    def _calls(self, item: Item, speaker: Participant, place: Place, at: int | None) -> Iterator[Row]:
        for call in item.calls:
            speaker.calls += 1
            if call.is_broken:
                text = f"the arguments of the call {call.call_id or call.name} are no JSON: they are shown as they are"
                yield from self.finding("bad-arguments", "info", text, place.line, speaker)
            key = call.call_id or f"\0{call.name}"  # of calls before there were ids, results name the function
            if call.call_id and self._open.get(key):
                text = f"the call {call.call_id} is awaited already: a result goes with the first of them"
                yield from self.finding("repeated-call-id", "info", text, place.line, speaker)
            asked = Asked(speaker, speaker.calls, speaker.steps, call.call_id, call.name, at, place)
            self._open.setdefault(key, deque()).append(asked)

    def _result(self, item: Item, place: Place, at: int | None) -> Iterator[Row]:
        key = item.answers or f"\0{item.name}"
        waiting = self._open.get(key)
        if waiting:
            asked = waiting.popleft()
            if not waiting:
                del self._open[key]
            yield self._tool_call(asked, at)
        else:
            text = f"a result of the call {item.answers or item.name}, which nobody had made or which has one"
            yield from self.finding("unpaired-result", "warning", text, place.line)

    def unanswered(self) -> Iterator[ToolCall]:
        """The calls that have no result."""
        for waiting in self._open.values():
            yield from (self._tool_call(asked, None) for asked in waiting)

    def _tool_call(self, asked: Asked, end_ms: int | None) -> ToolCall:
        return ToolCall(
            run_id=asked.participant.run_id,
            ordinal=asked.ordinal,
            step_ordinal=asked.step_ordinal,
            tool_call_id=asked.call_id,
            name=asked.name,
            start_ms=asked.start_ms,
            end_ms=end_ms,
            grade="exact" if asked.call_id else "derived",
            source_id=self.source_id,
            offset=asked.place.offset,
            length=asked.place.length,
        )
