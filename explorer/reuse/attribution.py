"""Where the blocks at the head of each prompt came from: own, ancestor, sibling, other; by arrival, infinite cache.

A prompt hits as far as its leading blocks have been seen. The sets are nested (own, + ancestors, + agents of the same
parent, + the whole namespace), so the walk continues in the next larger set where the smaller one ends, and the four
parts add up by construction.
"""

from __future__ import annotations

from typing import TypeAlias

from explorer.model import StepReuse
from explorer.reuse.calls import Call, Lineage, Stretch, split_prefix
from explorer.reuse.chain import Chain
from explorer.reuse.intervals import IntervalSet
from explorer.reuse.numbering import Numbering

_Levels: TypeAlias = tuple[tuple[IntervalSet, ...], ...]


class Attribution:
    """One namespace, call by call in order of arrival (``calls.by_start``)."""

    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage
        self.everyone = IntervalSet()
        self.agents: dict[str, IntervalSet] = {}
        """What each agent holds."""
        self.numbering = Numbering()
        """First appearance of the ids in this order."""
        self.chain = Chain()
        self._broods: dict[str, IntervalSet] = {}  # what the agents below one parent hold together
        self._levels: dict[str, _Levels] = {}
        self._last: dict[str, list[Stretch]] = {}

    def add(self, call: Call) -> StepReuse:
        """Attribute the prompt of a call, and let later calls find it."""
        agent = self.lineage.agent_of.get(call.run_id, call.run_id)
        levels = self._levels.get(agent) or self._see(agent)
        # A prompt mostly repeats the agent's last one and goes on: what it repeats is its own, and needs no search.
        repeated, rest = split_prefix(self._last.get(agent, ()), call.stretches)
        self._last[agent] = call.stretches
        own, ancestor, sibling, other = _hits(rest, levels)
        own += repeated
        fresh, position, predecessor = 0, repeated, _last_of(call.stretches, repeated)
        brood = self._broods.get(self.lineage.parent_agent.get(agent) or "")
        for first, count in rest:
            end = first + count
            self.agents[agent].add(first, end)
            if brood is not None:
                brood.add(first, end)
            new, known = 0, True
            for start, stop in self.everyone.add(first, end):
                new += stop - start
                known = known and start != first
                self.numbering.add(start, stop)
            self.chain.add(first, end, position, predecessor, new, known)
            fresh, position, predecessor = fresh + new, position + count, end - 1
        tokens = _tokens(call, (own, ancestor, sibling, other))
        return StepReuse(call.run_id, call.ordinal, call.blocks, own, ancestor, sibling, other, fresh, *tokens)

    def _see(self, agent: str) -> _Levels:
        """The four nested levels as an agent sees them; each is the union of its sets."""
        own = self.agents.setdefault(agent, IntervalSet())
        above = tuple(self.agents.setdefault(a, IntervalSet()) for a in self.lineage.ancestors(agent))
        parent = self.lineage.parent_agent.get(agent)
        brood = (self._broods.setdefault(parent, IntervalSet()),) if parent is not None else ()
        self._levels[agent] = levels = ((own,), (own, *above), (own, *above, *brood), (self.everyone,))
        return levels


def _last_of(stretches: list[Stretch], blocks: int) -> int:
    """The last of the first ``blocks`` ids; -1 for none."""
    last = -1
    for first, count in stretches:
        if not blocks:
            break
        taken = min(count, blocks)
        last = first + taken - 1
        blocks -= taken
    return last


def _hits(stretches: list[Stretch], levels: _Levels) -> tuple[int, int, int, int]:
    """How many leading blocks each level adds to the one before it."""
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


def _tokens(call: Call, hits: tuple[int, int, int, int]) -> tuple[int | None, int | None, int | None, int | None]:
    """The hits in tokens: full blocks, and at the very end of a prompt no more than the prompt holds."""
    size, most = call.block_tokens, call.input_tokens
    if size is None:
        return None, None, None, None
    if most is None or sum(hits) * size <= most:
        return hits[0] * size, hits[1] * size, hits[2] * size, hits[3] * size
    bounds, blocks = [0], 0
    for hit in hits:
        blocks += hit
        bounds.append(min(blocks * size, most))
    return bounds[1], bounds[2] - bounds[1], bounds[3] - bounds[2], bounds[4] - bounds[3]
