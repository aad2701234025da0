"""Where the blocks at the head of each prompt came from: own, ancestor, sibling, other; on an infinite cache.

A prompt hits as far as its leading blocks have been seen. The sets are nested (own, + ancestors, + agents of the same
parent, + the whole namespace), so the walk continues in the next larger set where the smaller one ends, and the four
parts add up by construction.

By arrival a block is there once an earlier step had it in its prompt; causally, once such a step had ended.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

from explorer.reuse.calls import Call, Lineage, Stretch, split_prefix
from explorer.reuse.chain import Chain
from explorer.reuse.holders import Hits, Holders
from explorer.reuse.numbering import Numbering
from explorer.reuse.streaks import Streak

_Tokens: TypeAlias = tuple[int | None, int | None, int | None, int | None]
_UNKNOWN: _Tokens = None, None, None, None
Attributed: TypeAlias = tuple[
    str, int, int, int, int, int, int, int, int | None, int | None, int | None, int | None, int, int, int, int,
    int | None, int | None, int | None, int | None,
]  # fmt: skip
"""The columns of ``StepReuse`` in order: there are as many as model calls, and an object of each is dear."""


class Attribution:
    """One namespace, call by call in order of arrival (``calls.by_start``)."""

    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage
        self.arrived = Holders(lineage)
        """What the steps so far had in their prompts."""
        self.numbering = Numbering()
        """First appearance of the ids in this order."""
        self.chain = Chain()
        self._ended = _Ended(lineage)
        self._last: dict[str, list[Stretch]] = {}

    def add(self, call: Call) -> Attributed:
        """Attribute the prompt of a call, and let later calls find it."""
        agent = self.lineage.agent(call.run_id)
        # A prompt mostly repeats the agent's last one and goes on: what it repeats is its own, and needs no search.
        repeated, rest = split_prefix(self._last.get(agent, ()), call.stretches)
        self._last[agent] = call.stretches
        own, ancestor, sibling, other = self.arrived.hits(agent, rest)
        hits = own + repeated, ancestor, sibling, other
        causal = self._ended.add(call, agent, hits)
        fresh = self._write(agent, rest, repeated, _before(call.stretches, rest))
        return _row(call, hits, _tokens(call, hits), causal, fresh)

    def add_all(self, streak: Streak) -> list[Attributed]:
        """The same of all calls of a streak."""
        calls, growth = streak
        first, last = calls[0], calls[-1]
        rows = [self.add(first)]
        if len(calls) > 1:
            agent = self.lineage.agent(first.run_id)
            self._last[agent] = last.stretches
            self._write(agent, growth, first.blocks, sum(first.stretches[-1]) - 1)
            for before, call in pairwise(calls):
                own, size = before.blocks, call.block_tokens
                hits, tokens = (own, 0, 0, 0), _UNKNOWN if size is None else (own * size, 0, 0, 0)
                rows.append(_row(call, hits, tokens, self._ended.add(call, agent, hits), call.blocks - own))
        return rows

    def _write(self, agent: str, stretches: list[Stretch], position: int, predecessor: int) -> int:
        """Note what an agent writes at a position of its prompt, behind a block; returns how many are fresh."""
        fresh = 0
        for first, count in stretches:
            end = first + count
            new, known = 0, True
            for start, stop in self.arrived.add(agent, first, end):
                new += stop - start
                known = known and start != first
                self.numbering.add(start, stop)
            self.chain.add(first, end, position, predecessor, new, known)
            fresh, position, predecessor = fresh + new, position + count, end - 1
        return fresh


def _row(call: Call, hits: Hits, tokens: _Tokens, causal: Hits, fresh: int) -> Attributed:
    causal_tokens = tokens if causal is hits else _tokens(call, causal)
    return call.run_id, call.ordinal, call.blocks, *hits, fresh, *tokens, *causal, *causal_tokens


class _Ended:
    """The same of the steps that had ended. Its sets are brought up to date only when some had not."""

    def __init__(self, lineage: Lineage) -> None:
        self._ended = Holders(lineage)
        self._others: list[tuple[int, str, Call]] = []  # end, agent: those that are not in the sets
        self._last: dict[str, list[Stretch]] = {}
        self._now = 0
        self._until = 0  # when the last of all ends

    def add(self, call: Call, agent: str, arrived: Hits) -> Hits:
        """The hits of a call among what has ended by its start; ``arrived`` are those among everything."""
        if call.start_ms is not None:  # or else it arrives together with the one before it
            self._now = call.start_ms
        hits = arrived
        if self._until > self._now:
            self._catch_up()
            hits = self._ended.hits(agent, call.stretches)
        end = self._now if call.end_ms is None else call.end_ms
        self._others.append((end, agent, call))
        if end > self._until:
            self._until = end
        return hits

    def _catch_up(self) -> None:
        running = []
        for other in self._others:
            end, agent, call = other
            if end > self._now:
                running.append(other)
                continue
            _, rest = split_prefix(self._last.get(agent, ()), call.stretches)
            self._last[agent] = call.stretches
            for first, count in rest:
                self._ended.add(agent, first, first + count)
        self._others = running


def _before(stretches: list[Stretch], rest: list[Stretch]) -> int:
    """The id before the ``rest`` of a prompt; -1 if that is all of it, or nothing."""
    if not rest:
        return -1
    at = len(stretches) - len(rest)
    if stretches[at][0] != rest[0][0]:  # cut in two
        return rest[0][0] - 1
    return sum(stretches[at - 1]) - 1 if at else -1


def _tokens(call: Call, hits: Hits) -> _Tokens:
    """The hits in tokens: full blocks, and at the very end of a prompt no more than the prompt holds."""
    size, most = call.block_tokens, call.input_tokens
    if size is None:
        return _UNKNOWN
    if most is None or sum(hits) * size <= most:
        return hits[0] * size, hits[1] * size, hits[2] * size, hits[3] * size
    bounds, blocks = [0], 0
    for hit in hits:
        blocks += hit
        bounds.append(min(blocks * size, most))
    return bounds[1], bounds[2] - bounds[1], bounds[3] - bounds[2], bounds[4] - bounds[3]
