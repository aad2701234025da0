"""The steps on the time axis of their cache: what each kept of the prompt before it, and what was in use around it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import add
from typing import Any

from explorer.reuse.calls import Call, Lineage, split_prefix
from explorer.reuse.live import live
from explorer.reuse.recency import Recency
from explorer.reuse.streaks import Streak

WINDOWS_MS = (60_000, 300_000, 900_000)
"""Of the working sets."""


class Axis:
    """The rows of one cache, ``model.StepRecency``, streak by streak."""

    def __init__(self, cached: Sequence[Streak], lineage: Lineage) -> None:
        self._calls = [call for streak in cached for call in streak.calls]
        self._lineage = lineage
        times = [call.start_ms for call in self._calls if call.start_ms is not None]
        self.timed = len(times) == len(self._calls)
        """Whether every call has a time, or else it is not known how long ago anything was."""
        self._begins = [_begins(times, window) for window in WINDOWS_MS] if self.timed else []
        self._since: list[list[int]] = [[] for _ in self._begins]  # of other streaks than that of the call
        self._streak_of: list[int] = []  # by call, as the next
        self._below: list[int] = []
        self._firsts: list[tuple[int, int, int | None, int]] = []  # call, distinct, previous, repeated
        self._latest: dict[str, Call] = {}

    def _agent(self, call: Call) -> str:
        return self._lineage.agent(call.run_id)

    def add(self, number: int, calls: list[Call], distinct: int, cache: Recency) -> None:
        """The next streak, which a cache has just taken. Its first prompt has so many distinct blocks."""
        begin = len(self._streak_of)
        end = begin + len(calls)
        for since, begins in zip(self._since, self._begins, strict=True):
            within = bisect_left(begins, begin, begin, end)  # from here on the window begins within the streak
            others = [self._streak_of[call] for call in begins[begin:within]]
            touched = {other: cache.since(other) for other in set(others)}
            since += [*[touched[other] for other in others], *[0] * (end - within)]
        self._streak_of += [number] * len(calls)
        self._below += [cache.below] * len(calls)
        agent = self._agent(calls[0])
        before = self._latest.get(agent)
        self._latest[agent] = calls[-1]
        if before is None:
            self._firsts.append((begin, distinct, None, 0))
        else:
            repeated, _ = split_prefix(before.stretches, calls[0].stretches)
            self._firsts.append((begin, distinct, before.blocks, repeated))

    def columns(self) -> list[Sequence[Any]]:
        """Those of all streaks."""
        if not self._calls:
            return []
        runs, ordinals, starts, _, _, _, _, blocks, _, _ = zip(*self._calls, strict=True)
        distinct, repeated = list(blocks), [0, *blocks[:-1]]
        previous: list[int | None] = [*repeated]
        for call, *first in self._firsts:
            distinct[call], previous[call], repeated[call] = first
        unknown = [None] * len(blocks)
        sets = [list(map(add, distinct, since)) for since in self._since] or [unknown] * 3
        ever = list(map(add, distinct, self._below))
        at_work: Iterable[Sequence[Any]] = ([1] * len(blocks), distinct, blocks) if self.timed else [unknown] * 3
        if self.timed and len({self._agent(call) for call in self._calls}) > 1:
            at_work = zip(*live(self._calls, self._lineage), strict=True)
        return [runs, ordinals, starts, blocks, previous, repeated, *sets, ever, *at_work]


def _begins(times: Sequence[int], window: int) -> list[int]:
    """For each call, of all that started less than so long before it the first."""
    begins, first = [], 0
    for now in times:
        while times[first] <= now - window:
            first += 1
        begins.append(first)
    return begins
