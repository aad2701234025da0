"""What the agents that are at work need to be held for them at the moment, and how much of it they have in common.

An agent is at work from the start of its first call to the end of its last one, and needs its latest prompt.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from explorer.reuse.calls import Call, Lineage, Stretch, split_prefix


class Live(NamedTuple):
    """At the start of a call, its own agent included."""

    agents: int
    blocks: int
    """Distinct blocks in the latest prompts of these agents: the live footprint."""
    apart: int
    """The blocks of these prompts added up, as if nothing were shared."""


def live(started: Sequence[Call], lineage: Lineage) -> list[Live]:
    """For each of the calls, which are given in order of start (``calls.by_start``) and all have a time."""
    agents = [lineage.agent(call.run_id) for call in started]
    ends: dict[str, int] = {}
    for agent, call in zip(agents, started, strict=True):
        ends[agent] = max(ends.get(agent, 0), call.start_ms or 0, call.end_ms or 0)
    latest: dict[str, Call] = {}
    leaving: list[tuple[int, str]] = []
    held: _Held | None = None  # while there are several
    apart = 0
    found = []
    for agent, call in zip(agents, started, strict=True):
        while leaving and leaving[0][0] < (call.start_ms or 0):
            gone = latest.pop(heappop(leaving)[1])
            apart -= gone.blocks
            if held is not None:
                held.change(gone.stretches, -1)
        before = latest.get(agent)
        if before is None:
            heappush(leaving, (ends[agent], agent))
        latest[agent] = call
        apart += call.blocks - (before.blocks if before else 0)
        if len(latest) == 1:
            held = None
            found.append(Live(1, _distinct(call.stretches), apart))
            continue
        if held is None:
            held = _Held()
            for other in latest.values():
                held.change(other.stretches, 1)
        elif before is None:
            held.change(call.stretches, 1)
        else:  # most of the prompt stays
            held.change(split_prefix(call.stretches, before.stretches)[1], -1)
            held.change(split_prefix(before.stretches, call.stretches)[1], 1)
        found.append(Live(len(latest), held.blocks, apart))
    return found


def _distinct(stretches: list[Stretch]) -> int:
    blocks = reached = 0
    for first, count in sorted(stretches) if len(stretches) > 1 else stretches:
        end = first + count
        if end > reached:
            blocks += end - max(first, reached)
            reached = end
    return blocks


class _Held:
    """How often each block is held."""

    def __init__(self) -> None:
        self.blocks = 0
        """Held at least once."""
        self._starts: list[int] = []
        self._times: list[int] = []  # of the ids from each start to the next

    def change(self, stretches: list[Stretch], by: int) -> None:
        """Hold blocks once more, or once less."""
        starts, times = self._starts, self._times
        for first, count in stretches:
            low, high = self._cut(first), self._cut(first + count)
            for index in range(low, high):
                before = times[index]
                times[index] = after = before + by
                if not before or not after:
                    self.blocks += by * (starts[index + 1] - starts[index])

    def _cut(self, block: int) -> int:
        """The index of the stretch that begins with a block, which now one does."""
        at = bisect_left(self._starts, block)
        if at == len(self._starts) or self._starts[at] != block:
            self._starts.insert(at, block)
            self._times.insert(at, self._times[at - 1] if at else 0)
        return at
