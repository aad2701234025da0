"""Whose a request is: by the answer that it names, else by what its prompt repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from explorer.readers._openai._items import Item
from explorer.readers._prompts import GrowingParts, Stretch
from explorer.readers.openai_messages._agents import Agent
from explorer.readers.openai_messages._bases import Bases, key_of
from explorer.readers.openai_messages._chains import Chain, Chains, Placed
from explorer.readers.openai_messages._exchange import Exchange
from explorer.readers.openai_messages._request import Base, Told, known_by, telling


class Found(NamedTuple):
    """A request, its prompt, and where it belongs."""

    told: Told
    placed: Placed
    has_blocks: bool
    """Whether all of its prompt is known."""
    is_lost: bool = False
    """Whether it names an answer that is not in the log."""


class _After(NamedTuple):
    """What a request goes on from that names an answer."""

    agent: Agent
    stretches: list[Stretch] | None
    """The blocks up to the answer; None if not all of what led to it is known."""


class Placing:
    """Finds the chain of every request of a log."""

    def __init__(self) -> None:
        self._parts = GrowingParts()
        self._bases = Bases(self._parts)
        self._chains = Chains()
        self._unasked: Chain | None = None
        self._after: dict[int, _After] = {}
        self._by_id: dict[int, Agent] = {}  # by the id of its last answer

    def place(self, exchange: Exchange) -> Found:
        """The chain that a request goes on from, or a new one."""
        return self._by_name(exchange) if exchange.previous else self._by_prompt(exchange)

    def _by_prompt(self, exchange: Exchange) -> Found:
        """Answers of which the prompt is not recorded are all one agent's, for want of knowing."""
        tools = key_of(exchange.tools) if exchange.tools else 0
        placed, base = None, self._bases.of_prompt(exchange, tools)
        if base is not None:
            told = Told(exchange, self._parts, base)
            placed = self._chains.goes_on(told.prompt)
        if placed is None:
            told = Told(exchange, self._parts, self._bases.of_tools(exchange, tools))
            same = self._by_id.get(hash(exchange.response_id)) if exchange.response_id else None
            if same is not None and self._chains.is_last(same.chain, told.prompt, told.answered()[0]):
                return Found(told, Placed(same.chain, "twice", "exact"), True)
            if not exchange.messages:
                self._unasked = self._unasked or self._chains.begin(told.prompt)
                return Found(told, Placed(self._unasked, "goes on", "not_recorded"), False)
            placed = self._chains.place(told.prompt, told.answers, told.opening)
        self._chains.ask(placed.chain, told.prompt)
        self._bases.keep(placed.chain, told, tools)
        return Found(told, placed, True)

    def _by_name(self, exchange: Exchange) -> Found:
        after = self._after.get(hash(exchange.previous))
        stretches = after.stretches if after else None
        told = Told(exchange, self._parts, Base(stretches or ()))
        if after is None:
            placed = Placed(self._chains.begin(told.prompt), "begins", "exact")
        elif after.agent.latest == hash(exchange.previous):
            placed = Placed(after.agent.chain, "goes on", "exact")
        else:
            placed = Placed(self._chains.begin(told.prompt), "branches", "exact", (after.agent.chain,))
        self._chains.ask(placed.chain, told.prompt)
        return Found(told, placed, stretches is not None, after is None)

    def answered(self, agent: Agent, found: Found) -> Sequence[Item]:
        """What an agent was answered, as the items of the first choice."""
        told, exchange = found.told, found.told.exchange
        paths, items = told.answered()
        if exchange.messages:
            self._chains.answer(agent.chain, paths, known_by(items), telling(items))
        if exchange.response_id:
            self._by_id.pop(agent.latest or 0, None)
            agent.latest = hash(exchange.response_id)
            self._by_id[agent.latest] = agent
            if exchange.by_responses:
                self._after[agent.latest] = _After(agent, told.with_answer(items) if found.has_blocks else None)
        return items
