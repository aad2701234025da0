"""Agents that a recording shows as calls of one run: its calls taken apart into chains of prompts that go on.

A call goes on a chain whose last prompt is all of the beginning of its own, has ended and is of the same model; of
several such chains, the one with the longest last prompt. Else it leaves the chain with whose last prompt it has the
most in common, the latest of several, and begins one of its own. Afterwards a chain turns out to be no other agent, but
the same one after its context was cut: if nothing ever went on from the prompt that it left, and it has the most in
common with that of all that left there; or if all chains that began before it had ended by then, so that nothing tells
of two agents.

Up to that last case, and to which of several is left, this is how aiperf tells agents in flat recordings apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from explorer.model import HiddenAgent, HiddenKind
from explorer.reuse.calls import Call, split_prefix
from explorer.reuse.streaks import Streak

MOST_CHAINS = 256
"""With more, a run is no conversation of agents but a log of requests that have nothing to do with each other."""

_TOGETHER = 3
"""So many chains that part at one place are workers, if some of them overlap."""


@dataclass(slots=True, eq=False)
class _Chain:
    first: int
    """Number of its first call, in order of start."""
    left: _Chain | None = None
    """Which one it left, behind ``common`` blocks of the prompt of the call ``behind``."""
    behind: int = -1
    common: int = 0
    calls: list[Call] = field(default_factory=list)
    latest: int = -1
    """Number of its last call so far."""
    goes_on: _Chain | None = None
    """The chain that it turned out to be the rest of."""

    @property
    def agent(self) -> _Chain:
        """The chain that it is, or is the rest of."""
        chain = self
        while chain.goes_on is not None:
            chain = chain.goes_on
        return chain


@dataclass(slots=True)
class _Chains:
    slack: int
    """Milliseconds that ends may lie behind starts because starts are rounded."""
    found: list[_Chain] = field(default_factory=list)
    left: dict[int, list[_Chain]] = field(default_factory=dict)
    """Number of a call -> the chains that left its prompt."""
    number: int = 0
    """Of calls so far."""

    def add(self, streak: Streak) -> None:
        """Put calls on their chains."""
        onto, last = None, streak.calls[0]
        for call in streak.calls:
            # What a streak grows by is new: no other chain has more of the prompt than that of the call before.
            if onto is None or not self.ended(last, call):
                if len(self.found) > MOST_CHAINS:
                    return
                onto = self._chain_of(call)
            onto.calls.append(call)
            onto.latest, last = self.number, call
            self.number += 1

    def _chain_of(self, call: Call) -> _Chain:
        """The chain that a call goes on, or else one that begins with it."""
        onto = nearest = None
        length = most = 0
        for chain in self.found:
            last = chain.calls[-1]
            if last.blocks < length or (last.blocks == length and chain.latest < self.number - 1):
                continue  # of two as long, that of the call before it is meant
            common = split_prefix(last.stretches, call.stretches)[0]
            if common == last.blocks and last.model == call.model and self.ended(last, call):
                onto, length = chain, common
            elif common > most or (nearest is not None and common == most and chain.latest > nearest.latest):
                nearest, most = chain, common
        if onto is None:
            onto = _Chain(self.number)
            if nearest is not None:
                onto.left, onto.behind, onto.common = nearest, nearest.latest, most
                self.left.setdefault(nearest.latest, []).append(onto)
            self.found.append(onto)
        return onto

    def ended(self, call: Call, other: Call) -> bool:
        """Whether a call had ended when another began; without times it had."""
        end = call.start_ms if call.end_ms is None else call.end_ms
        return end is None or other.start_ms is None or end <= other.start_ms + self.slack

    def join(self) -> None:
        """Join what is one agent before and after its context was cut."""
        for number in sorted(self.left):
            agent = self.left[number][0].left
            assert agent is not None
            agent = agent.agent
            if agent.latest != number:
                continue  # something went on from there
            after = [chain for chain in self.left[number] if self.ended(agent.calls[-1], chain.calls[0])]
            if after:
                _join(agent, max(after, key=lambda chain: (chain.common, -chain.first)))
        for chain in self.found[1:]:
            if chain.goes_on is None:
                first = chain.first
                before = [other for other in self.found if other.goes_on is None and other.first < first]
                if all(other.latest < first and self.ended(other.calls[-1], chain.calls[0]) for other in before):
                    _join(max(before, key=lambda other: other.latest), chain)


def _join(agent: _Chain, rest: _Chain) -> None:
    agent.calls += rest.calls
    agent.latest = rest.latest
    rest.goes_on = agent


def hidden_agents(run: Sequence[Streak]) -> Iterator[HiddenAgent]:
    """The agents of one run if its prompts are those of several, else nothing. It is given in order of arrival."""
    starts = [call.start_ms for streak in run for call in streak.calls if call.start_ms is not None]
    rounded = bool(starts) and all(start % 1_000 == 0 for start in starts)
    chains = _Chains(1_000 if rounded else 0)
    for streak in run:
        if streak.calls[0].blocks:
            chains.add(streak)
    if len(chains.found) > MOST_CHAINS:
        return
    chains.join()
    agents = [chain for chain in chains.found if chain.goes_on is None]
    if len(agents) < 2:
        return
    agents.sort(key=lambda chain: chain.first)
    if len(agents[0].calls) == 1:  # a title for the conversation, a check of the quota
        longest = max(agents, key=lambda chain: len(chain.calls))
        agents = [longest, *(chain for chain in agents if chain is not longest)]
    numbers = {chain: number for number, chain in enumerate(agents, 1)}
    workers = _workers(agents[1:])
    for chain in agents:
        left = chain.left.agent if chain.left is not None else None
        kind: HiddenKind = "solo" if len(chain.calls) > 1 else "sidecar"
        if chain is agents[0]:
            kind = "main"
        elif chain in workers:
            kind = "worker"
        yield _row(chain, numbers[chain], kind, numbers[left] if left is not None else None)


def _workers(agents: Sequence[_Chain]) -> set[_Chain]:
    """Those of which at least three part at one place of their prompts, some at the same time."""
    groups: dict[tuple[_Chain, int], list[_Chain]] = {}
    for chain in agents:
        left = chain.left
        if left is None:
            continue
        while left.left is not None and left.common >= chain.common:
            left = left.left  # which had left there itself
        group = groups.setdefault((left.agent, chain.common), [left.agent] if left.agent in agents else [])
        group.append(chain)
    found: set[_Chain] = set()
    for group in groups.values():
        spans = sorted(map(_span, group))
        if len(group) >= _TOGETHER and any(after[0] < before[1] for before, after in pairwise(spans)):
            found.update(group)
    return found


def _span(chain: _Chain) -> tuple[int, int]:
    starts = [call.start_ms or 0 for call in chain.calls]
    ends = [call.end_ms if call.end_ms is not None else call.start_ms or 0 for call in chain.calls]
    return min(starts), max(ends)


def _row(chain: _Chain, number: int, kind: HiddenKind, left: int | None) -> HiddenAgent:
    calls = chain.calls
    starts = [call.start_ms for call in calls if call.start_ms is not None]
    ends = [call.end_ms for call in calls if call.end_ms is not None]
    return HiddenAgent(
        calls[0].run_id,
        number,
        kind,
        left,
        chain.common,
        len(calls),
        json.dumps([call.ordinal for call in calls], separators=(",", ":")),
        min(starts, default=None),
        max(ends, default=None),
        "derived",
    )
