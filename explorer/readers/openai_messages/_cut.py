"""Which agents may be earlier ones whose history was cut, where nothing that a prompt repeats says so.

Siblings of one definition have their instructions, tools and model in common, so that these make no agent of two. What
siblings do not do is stop before the results of their calls are sent. Where one did, and another began later with a
shorter prompt, the log does not say whether that is the first with a summary in place of its history.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator

from explorer.readers.openai_messages._agents import Agent

_MOST = 16
"""Agents that stopped and that are looked at for each which begins."""


def cut(agents: Iterable[Agent], answered: Collection[str | None]) -> Iterator[tuple[Agent, list[Agent]]]:
    """Agents that may go on from others, each with these.

    ``agents`` are in the order of their first requests. ``answered`` has the names of tools whose results are sent
    back: a call of another, such as one that hands in the work, is the end of an agent and leaves nothing open.
    """
    agents = [agent for agent in agents if agent.chain.head >= 0]  # with instructions or tools
    left = deque(sorted((each for each in agents if _stopped(each, answered)), key=lambda each: each.last_line))
    stopped: dict[object, deque[Agent]] = {}
    for agent in agents:
        while left and left[0].last_line < agent.line:
            stopped.setdefault(_kind(left[0]), deque(maxlen=_MOST)).append(left.popleft())
        if agent.parent is not None or agent.grade != "exact" or not agent.began:
            continue
        alike = stopped.get(_kind(agent), ())
        if found := [each for each in alike if agent.began < each.length]:
            yield agent, found
        if len(found) == 1:
            stopped[_kind(agent)].remove(found[0])


def _kind(agent: Agent) -> object:
    """What an agent has in common with what it goes on from."""
    return agent.chain.session, agent.chain.head, agent.request_model


def _stopped(agent: Agent, answered: Collection[str | None]) -> bool:
    """Whether its last request failed, or its last answer asks for tools whose results were never sent."""
    return agent.failed or any(
        asked.step_ordinal == agent.steps and asked.name in answered for asked in agent.open.values()
    )
