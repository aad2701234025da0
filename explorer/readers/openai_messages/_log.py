"""Logs of requests and answers, one a line: a file is a conversation, each chain of prompts an agent with one run."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from explorer.model import BlockRun, Event, Finding, Row, Severity, Step
from explorer.readers import SourceFile
from explorer.readers._findings import Findings
from explorer.readers._json_lines import Line, json_lines
from explorer.readers._openai._clock import Clock
from explorer.readers._openai._usage import usage_of
from explorer.readers._values import as_json, many
from explorer.readers.openai_messages._agents import Agent
from explorer.readers.openai_messages._chains import Chain, Placed
from explorer.readers.openai_messages._exchange import Exchange, exchange_of
from explorer.readers.openai_messages._handoffs import Handoffs, Keys
from explorer.readers.openai_messages._places import answer_at, message_at
from explorer.readers.openai_messages._placing import Found, Placing
from explorer.readers.openai_messages._request import Told


class Log:
    """The conversation that a file is."""

    def __init__(self, source: SourceFile, findings: Findings) -> None:
        self.path = source.path
        self.keys = Keys(source.source_id, source.source_id)
        self.findings = findings
        self.clock = Clock()
        self.placing = Placing()
        self.agents: dict[Chain, Agent] = {}
        self.handoffs = Handoffs(self.keys)
        self.has_blocks = False

    def rows(self) -> Iterator[Row]:
        """Everything that is known while the lines are read."""
        for line in json_lines(self.path, self.findings):
            if isinstance(line, Finding):
                yield line
            elif (exchange := exchange_of(line.fields)) is None:
                message = "neither a request with messages nor an answer; it is left out"
                yield from self.findings.at("bad-record", "error", message, line.number)
            else:
                yield from self._exchange(line, exchange)

    def finding(
        self, code: str, severity: Severity, message: str, line: int | None, agent: Agent, step: int | None = None
    ) -> Iterator[Finding]:
        """A finding about an agent or a step of it."""
        ids = self.keys.agent_id(agent), self.keys.run_id(agent)
        return self.findings.at(code, severity, message, line, self.keys.conversation_id, *ids, step)

    def _exchange(self, line: Line, exchange: Exchange) -> Iterator[Row]:
        found = self.placing.place(exchange)
        told, placed = found.told, found.placed
        if placed.how == "twice":
            yield from self._twice(line, exchange, self.agents[placed.chain])
            return
        start = self.clock.at(exchange.start)
        if (agent := self.agents.get(placed.chain)) is None:
            agent = self.agents[placed.chain] = Agent(placed.chain, placed.grade, line.number)
            name = exchange.session[1] or (None if exchange.messages else "answers without prompts")
            agent.introduce(name, told.items, exchange.tools)
            agent.began = 0 if exchange.previous else told.prompt.length
            yield from self._begin(line, told, placed, agent, start)
        yield from self._step(line, found, agent, start)
        if found.is_lost:
            message = f"it goes on from the answer {exchange.previous}, which is not in the log"
            yield from self.finding("partial-prompt", "warning", message, line.number, agent, agent.steps)
        known = 0 if exchange.previous or placed.how == "rewritten" else placed.known
        for item, number in told.behind(known):
            if item.answers is not None:
                yield from self.handoffs.answered(agent, item, message_at(line, number), start)
        yield from self._answer(line, found, agent)

    def _begin(self, line: Line, told: Told, placed: Placed, agent: Agent, at: int | None) -> Iterator[Row]:
        """Where a new agent comes from."""
        if placed.how == "branches":
            agent.parent, agent.forked = self.agents[placed.others[0]], True
            yield self.handoffs.forked(agent, line, at)
        elif placed.how == "begins" and told.exchange.messages:
            yield from self.handoffs.spawned(agent, told.opening(), line, at)
            answers = sum(1 for _ in told.answers(placed.known))
            if agent.parent is None and answers and not told.exchange.previous:
                message = f"its first prompt holds {many(answers, 'answer')} that the log does not have"
                yield from self.finding("unlogged-answers", "info", message, line.number, agent)

    def _twice(self, line: Line, exchange: Exchange, agent: Agent) -> Iterator[Row]:
        """A line that has been logged twice counts once."""
        usage, counted = usage_of(exchange.usage), agent.repeated
        figures = (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.output_tokens)
        agent.repeated = [counted[0] + 1, *(sum_ + (new or 0) for sum_, new in zip(counted[1:], figures, strict=True))]
        message = f"the answer {exchange.response_id} to the same prompt has been read before: this one is left out"
        yield from self.finding("repeated-record", "warning", message, line.number, agent, agent.steps)

    # --- what it says ------------------------------------------------------------------------------------------------

    def _step(self, line: Line, found: Found, agent: Agent, start: int | None) -> Iterator[Row]:
        told, placed, exchange = found.told, found.placed, found.told.exchange
        usage = usage_of(exchange.usage)
        end = self.clock.at(exchange.end)
        agent.steps += 1
        agent.reached(start, end)
        agent.model, agent.request_model = agent.model or exchange.model, agent.request_model or exchange.request_model
        agent.last, agent.last_line = answer_at(line), line.number
        agent.failed = exchange.error is not None and not exchange.answers
        if exchange.cost is not None:
            agent.cost = (agent.cost or 0.0) + exchange.cost
        candidates = None
        if placed.grade == "ambiguous":
            agent.doubtful += 1
            agent.doubtful_line = agent.doubtful_line or line.number
            others = [self.keys.run_id(self.agents[other]) for other in placed.others]
            candidates = orjson.dumps([self.keys.run_id(agent), *others]).decode()
        is_rewritten = placed.how == "rewritten"
        yield Step(
            run_id=self.keys.run_id(agent),
            ordinal=agent.steps,
            started_at=self.clock.moment(start),
            start_ms=start,
            end_ms=end,
            request_model=exchange.request_model,
            model=exchange.model,
            input_tokens=usage.input_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            tokens_grade=usage.grade,
            finish_reason=exchange.finish_reason,
            error=exchange.error,
            grade=placed.grade,
            candidates=candidates,
            source_id=self.keys.source_id,
            offset=line.offset,
            length=line.length,
            extra=as_json(exchange.beside | {
                "cost_usd": exchange.cost, "messages": len(exchange.messages), "rewritten": is_rewritten or None,
                "delta": bool(exchange.previous) or None, "custom_id": exchange.custom_id,
                "choices": len(exchange.answers) if len(exchange.answers) > 1 else None,
            }),
        )  # fmt: skip
        if found.has_blocks:
            yield from self._blocks(told, agent)
        if is_rewritten:
            agent.rewritten_line = agent.rewritten_line or line.number
            yield from self._rewritten(told, placed, agent, start, usage.input_tokens)
        agent.tokens = usage.input_tokens
        for complaint in usage.complaints:
            yield from self.finding("bad-field", "warning", complaint, line.number, agent, agent.steps)
        if usage.total:
            yield from self.finding("total-mismatch", "warning", usage.total, line.number, agent, agent.steps)

    def _rewritten(
        self, told: Told, placed: Placed, agent: Agent, at: int | None, tokens: int | None
    ) -> Iterator[Event]:  # fmt: skip
        agent.rewritten += 1
        length, before = told.prompt.length, agent.length
        if length < before:
            agent.events += 1
            detail = f"{many(length, 'message')} after {before:,}; {placed.known:,} of them as before"
            yield Event(
                self.keys.run_id(agent),
                agent.events,
                "compaction",
                at,
                agent.tokens,
                tokens,
                "rewritten history",
                detail,
            )

    def _blocks(self, told: Told, agent: Agent) -> Iterator[BlockRun]:
        self.has_blocks = True
        position = 0
        for first, count in told.stretches:
            yield BlockRun(
                self.keys.run_id(agent), agent.steps, position, self.keys.conversation_id, first, count, None
            )
            position += count

    def _answer(self, line: Line, found: Found, agent: Agent) -> Iterator[Row]:
        """What the agent said, and the tools that it asks for."""
        exchange, agent.length = found.told.exchange, found.told.prompt.length
        if not exchange.answers:
            return
        items = self.placing.answered(agent, found)
        text = "".join(item.text for item in items).strip()
        agent.said = hash(text) if text else None
        at = self.clock.at(exchange.end)
        for call in (call for item in items for call in item.calls):
            if call.is_broken:
                name = call.call_id or call.name
                message = f"the arguments of the call {name} are no JSON: they are shown as they are"
                yield from self.finding("bad-arguments", "info", message, line.number, agent, agent.steps)
            yield from self.handoffs.ask(agent, call, line, at)
