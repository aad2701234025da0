"""What agents of a log ask of each other: what a call says is the first prompt of another, whose answer is its result.

A log does not say who asked for an agent. Where what it is told first, or a whole line of that, is a text in the
arguments of a call whose result is still awaited, that call asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from explorer.model import Edge, EdgeKind, ToolCall
from explorer.readers._json_lines import Line
from explorer.readers._openai._items import Call, Item
from explorer.readers._records import loads
from explorer.readers.openai_messages._agents import Agent, Asked, short
from explorer.readers.openai_messages._places import Place, message_at

SHORTEST_TASK = 12
"""Characters of an argument that may be a task."""

_MOST_TEXTS = 50
"""Texts of the arguments of one call that are looked at."""


class Keys(NamedTuple):
    """Where agents are found in the tables."""

    source_id: str
    conversation_id: str

    def agent_id(self, agent: Agent) -> str:
        """By the order of the agents' first requests."""
        return f"{self.conversation_id}/agent-{agent.chain.number}"

    def run_id(self, agent: Agent) -> str:
        """An agent has one run."""
        return f"{self.agent_id(agent)}/1"


class Handoffs:
    """The calls whose results are awaited, and the agents that they asked for."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._tasks: dict[int, tuple[Agent, Asked]] = {}
        self.has_calls = False
        self.answered_tools: set[str | None] = set()
        """Names of tools whose results are in prompts."""

    def ask(self, agent: Agent, call: Call, line: Line, at: int | None) -> Iterator[ToolCall]:
        """A tool is asked for by the agent's latest answer. One without an id waits for no result."""
        self.has_calls = True
        agent.calls += 1
        tasks = tuple(dict.fromkeys(hash(text) for text in _texts_of(call.arguments))) if call.call_id else ()
        asked = Asked(agent.calls, agent.steps, call.call_id, call.name, at, line.offset, line.length, tasks)
        if call.call_id is None or call.call_id in agent.open:
            yield self._row(agent, asked, None)
            return
        agent.open[call.call_id] = asked
        for task in tasks:
            self._tasks[task] = agent, asked

    def spawned(self, child: Agent, opening: Mapping[str, int], line: Line, at: int | None) -> Iterator[Edge]:
        """What a new agent is told first: of whom that was a task, it is a child."""
        for text, number in opening.items():
            parent, asked = self._tasks.get(hash(text), (None, None))
            if parent is None or asked is None or parent.chain.session[0] != child.chain.session[0]:
                continue
            child.parent, child.spawn, child.label = parent, asked, short(text)
            parent.children.setdefault(asked.call_id or "", child)
            yield self._edge("spawn", parent, child, asked.call_id, at, None, message_at(line, number), True)
            return

    def forked(self, child: Agent, line: Line, at: int | None) -> Edge:
        """A new agent goes on from what its parent was shown, or from a part of it."""
        assert child.parent is not None
        return self._edge("fork", child.parent, child, None, at, None, (line.offset, line.length), True)

    def answered(
        self, agent: Agent, item: Item, received: Place, at: int | None
    ) -> Iterator[ToolCall | Edge]:  # fmt: skip
        """A result in the agent's prompt, and with it what its child had said last."""
        asked = agent.open.pop(item.answers or "", None)
        if asked is None:
            return
        self.answered_tools.add(asked.name)
        child = agent.children.pop(item.answers or "", None)
        yield self._row(agent, asked, at, child)
        for task in asked.tasks:
            if self._tasks.get(task, (None, None))[1] is asked:
                del self._tasks[task]
        if child is not None:
            told = child.chain.told is not None and child.chain.told in {
                hash(each.strip()) for each in item.text.split("\n")
            }
            delivered = True if told or child.said == hash(item.text.strip()) else None
            yield self._edge("result", child, agent, asked.call_id, at, child.last, received, delivered)

    def end(self, agent: Agent) -> Iterator[ToolCall]:
        """The calls of an agent whose results are in no prompt."""
        for call_id, asked in agent.open.items():
            yield self._row(agent, asked, None, agent.children.get(call_id))

    def _edge(
        self, kind: EdgeKind, of: Agent, to: Agent, call_id: str | None, at: int | None, sent: Place | None,
        received: Place, delivered: bool | None,
    ) -> Edge:  # fmt: skip
        """Without a place of what was sent, it stands in the record of the call."""
        keys, source_id = self._keys, self._keys.source_id
        edge_id = f"{keys.run_id(of if kind == 'result' else to)}>{kind}"
        offset, length = sent or (None, None)
        return Edge(
            edge_id, kind, keys.run_id(of), keys.run_id(to), call_id, at, delivered, "derived",
            "item" if delivered else "thread", source_id if sent else None, offset, length, source_id, *received,
        )  # fmt: skip

    def _row(self, agent: Agent, asked: Asked, end_ms: int | None, child: Agent | None = None) -> ToolCall:
        """A call. Whether it failed is not recorded."""
        return ToolCall(
            run_id=self._keys.run_id(agent),
            ordinal=asked.ordinal,
            step_ordinal=asked.step_ordinal,
            tool_call_id=asked.call_id,
            name=asked.name,
            start_ms=asked.start_ms,
            end_ms=end_ms,
            child_run_id=None if child is None else self._keys.run_id(child),
            grade="exact" if asked.call_id else "derived",
            source_id=self._keys.source_id,
            offset=asked.offset,
            length=asked.length,
        )


def _texts_of(arguments: str) -> Iterator[str]:
    """The texts in the arguments of a call that may be tasks."""
    with suppress(ValueError):
        found = [loads(arguments.encode("utf-8", "replace"))]
        for _ in range(_MOST_TEXTS):
            if not found:
                return
            value = found.pop()
            if isinstance(value, str) and len(text := value.strip()) >= SHORTEST_TASK:
                yield text
            elif isinstance(value, dict | list):
                found.extend(value.values() if isinstance(value, dict) else value)
