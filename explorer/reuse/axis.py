"""The steps on the time axis of their cache: what each kept of the prompt before it, and what was in use around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from explorer.reuse.calls import Call, Lineage, split_prefix
from explorer.reuse.live import live
from explorer.reuse.recency import Recency
from explorer.reuse.streaks import Streak

StepRow: TypeAlias = tuple[
    str, int, int | None, int, int | None, int, int | None, int | None, int | None, int, int | None, int | None,
    int | None,
]  # fmt: skip
"""``model.StepRecency`` as a tuple."""

WINDOWS_MS = (60_000, 300_000, 900_000)
"""Of the working sets."""

_Three: TypeAlias = tuple[int | None, int | None, int | None]
_UNKNOWN: _Three = None, None, None


class Axis:
    """The rows of one cache, streak by streak."""

    def __init__(self, cached: Sequence[Streak], lineage: Lineage) -> None:
        started = [call for streak in cached for call in streak.calls]
        times = [call.start_ms for call in started if call.start_ms is not None]
        self.timed = len(times) == len(started)
        """Whether every call has a time, or else it is not known how long ago anything was."""
        self._agent_of = lineage.agent_of
        self._streak_of: list[int] = []  # by call
        self._begins = [_begins(times, window) for window in WINDOWS_MS] if self.timed else []
        several = len({self._agent(call) for call in started}) > 1
        self._live = live(started, lineage) if self.timed and several else None
        self._latest: dict[str, Call] = {}
        self._number = -1

    def _agent(self, call: Call) -> str:
        return self._agent_of.get(call.run_id, call.run_id)

    def rows(self, calls: list[Call], distinct: int, cache: Recency) -> list[StepRow]:
        """Those of the next streak, which a cache has just taken; its first prompt has so many distinct blocks."""
        self._number += 1
        self._streak_of += [self._number] * len(calls)
        agent = self._agent(calls[0])
        before = self._latest.get(agent)
        self._latest[agent] = calls[-1]
        own = [distinct, *[call.blocks for call in calls[1:]]]
        kept: list[tuple[int | None, int]] = [(call.blocks, call.blocks) for call in calls]
        kept[1:], kept[0] = kept[:-1], (None, 0)
        if before is not None:
            kept[0] = before.blocks, split_prefix(before.stretches, calls[0].stretches)[0]
        return [
            (call.run_id, call.ordinal, call.start_ms, call.blocks, *held, *sets, blocks + cache.below, *working)
            for call, held, blocks, sets, working in zip(
                calls, kept, own, *self._in_use(calls, own, cache), strict=True
            )
        ]

    def _in_use(self, calls: list[Call], own: list[int], cache: Recency) -> tuple[Iterable[_Three], Iterable[_Three]]:
        """The working sets, and what the agents at work need."""
        if not self.timed:
            return [_UNKNOWN] * len(calls), [_UNKNOWN] * len(calls)
        end = len(self._streak_of)
        begin = end - len(calls)
        since = [[cache.since(self._streak_of[call]) for call in begins[begin:end]] for begins in self._begins]
        sets = [(blocks + a, blocks + b, blocks + c) for blocks, a, b, c in zip(own, *since, strict=True)]
        if self._live is not None:
            return sets, self._live[begin:end]
        return sets, [(1, blocks, call.blocks) for blocks, call in zip(own, calls, strict=True)]


def _begins(times: Sequence[int], window: int) -> list[int]:
    """For each call, of all that started less than so long before it the first."""
    begins, first = [], 0
    for now in times:
        while times[first] <= now - window:
            first += 1
        begins.append(first)
    return begins
