"""Where the blocks at the head of each prompt came from: own, ancestor, sibling, other; by arrival, infinite cache.

A prompt hits as far as its leading blocks have been seen. The sets are nested (own, + ancestors, + agents of the same
parent, + the whole namespace), so the walk continues in the next larger set where the smaller one ends, and the four
parts add up by construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from explorer.model import StepReuse
from explorer.reuse.calls import Call, Lineage, Stretch
from explorer.reuse.intervals import IntervalSet


class _Holders:
    """The block sets of one namespace: what each agent, each brood of siblings and everyone holds so far."""

    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage
        self.everyone = IntervalSet()
        self.agents: dict[str, IntervalSet] = {}
        self.broods: dict[str, IntervalSet] = {}
        self.views: dict[str, tuple[tuple[IntervalSet, ...], ...]] = {}

    def view(self, agent: str) -> tuple[tuple[IntervalSet, ...], ...]:
        """The four nested levels as an agent sees them; each level is the union of its sets."""
        if agent not in self.views:
            own = self.agents.setdefault(agent, IntervalSet())
            above = tuple(self.agents.setdefault(a, IntervalSet()) for a in self.lineage.ancestors(agent))
            parent = self.lineage.parent_agent.get(agent)
            brood = (self.broods.setdefault(parent, IntervalSet()),) if parent is not None else ()
            levels = ((own,), (own, *above), (own, *above, *brood), (self.everyone,))
            self.views[agent] = levels
        return self.views[agent]

    def add(self, agent: str, first: int, end: int) -> Iterable[tuple[int, int]]:
        """Note that an agent holds these blocks; returns those that nobody held."""
        self.agents[agent].add(first, end)
        parent = self.lineage.parent_agent.get(agent)
        if parent is not None:
            self.broods[parent].add(first, end)
        return self.everyone.add(first, end)


def attribute(calls: Iterable[Call], lineage: Lineage) -> Iterator[StepReuse]:
    """One row per call that has blocks. ``calls`` are of one namespace, in order of arrival (``by_start``)."""
    holders = _Holders(lineage)
    for call in calls:
        agent = lineage.agent_of.get(call.run_id, call.run_id)
        hits = _hits(call.stretches, holders.view(agent))
        fresh = 0
        for first, count in call.stretches:
            for start, end in holders.add(agent, first, first + count):
                fresh += end - start
        blocks = sum(count for _, count in call.stretches)
        own, ancestor, sibling, other = hits
        yield StepReuse(
            call.run_id, call.ordinal, blocks, own, ancestor, sibling, other, fresh, *_tokens(call, hits)
        )


def _hits(stretches: list[Stretch], levels: tuple[tuple[IntervalSet, ...], ...]) -> list[int]:
    """How many leading blocks each level adds to the one before it."""
    hits = [0] * len(levels)
    level = 0
    for first, count in stretches:
        at, end = first, first + count
        while at < end:
            reached = max(blocks.reach(at) for blocks in levels[level])
            if reached > at:
                reached = min(reached, end)
                hits[level] += reached - at
                at = reached
            elif level == len(levels) - 1:
                return hits
            else:
                level += 1
    return hits


def _tokens(call: Call, hits: list[int]) -> tuple[int | None, int | None, int | None, int | None]:
    """The hits in tokens: full blocks, and at the very end of a prompt no more than the prompt holds."""
    if call.block_tokens is None:
        return None, None, None, None
    bounds, blocks = [0], 0
    for hit in hits:
        blocks += hit
        reached = blocks * call.block_tokens
        bounds.append(reached if call.input_tokens is None else min(reached, call.input_tokens))
    own, ancestor, sibling, other = (high - low for low, high in zip(bounds, bounds[1:], strict=False))
    return own, ancestor, sibling, other
