"""Who holds which blocks of a namespace, and how far the head of a prompt is held: own, ancestor, sibling, other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from explorer.reuse.calls import Lineage, Stretch
from explorer.reuse.intervals import IntervalSet

_Levels: TypeAlias = tuple[tuple[IntervalSet, ...], ...]

Hits: TypeAlias = tuple[int, int, int, int]
"""Leading blocks of the agent itself, and how many more with its ancestors, with its siblings, with everybody."""

_NONE: Hits = 0, 0, 0, 0


class Holders:
    """The blocks that the agents of a namespace have written so far."""

    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage
        self.everyone = IntervalSet()
        self.agents: dict[str, IntervalSet] = {}
        self._broods: dict[str, IntervalSet] = {}  # what the agents below one parent hold together
        self._levels: dict[str, _Levels] = {}

    def add(self, agent: str, first: int, end: int) -> Iterable[tuple[int, int]]:
        """An agent writes the blocks [first, end); returns those that nobody had."""
        if agent not in self._levels:
            self._see(agent)
        self.agents[agent].add(first, end)
        brood = self._broods.get(self.lineage.parent_agent.get(agent) or "")
        if brood is not None:
            brood.add(first, end)
        return self.everyone.add(first, end)

    def hits(self, agent: str, stretches: list[Stretch]) -> Hits:
        """How many leading blocks each level adds to the one before it."""
        if not stretches or self.everyone.reach(stretches[0][0]) == stretches[0][0]:
            return _NONE  # nobody has so much as the first of them
        levels = self._levels.get(agent) or self._see(agent)
        hits = [0, 0, 0, 0]
        level = 0
        for first, count in stretches:
            at, end = first, first + count
            while at < end:
                reached = at
                for blocks in levels[level]:
                    reached = max(reached, blocks.reach(at))
                if reached > at:
                    reached = min(reached, end)
                    hits[level] += reached - at
                    at = reached
                elif level == 3:
                    return hits[0], hits[1], hits[2], hits[3]
                else:
                    level += 1
        return hits[0], hits[1], hits[2], hits[3]

    def _see(self, agent: str) -> _Levels:
        """The four nested levels as an agent sees them; each is the union of its sets."""
        own = self.agents.setdefault(agent, IntervalSet())
        above = tuple(self.agents.setdefault(a, IntervalSet()) for a in self.lineage.ancestors(agent))
        parent = self.lineage.parent_agent.get(agent)
        brood = (self._broods.setdefault(parent, IntervalSet()),) if parent is not None else ()
        self._levels[agent] = levels = ((own,), (own, *above), (own, *above, *brood), (self.everyone,))
        return levels
