"""The steps on the time axis of their cache: what each kept of the prompt before it, and what was in use around it."""

from __future__ import annotations

from collections.abc import Sequence
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
        self._streak_of: list[int] = []  # by call, as all that follow
        self._distinct: list[int] = []
        self._below: list[int] = []
        self._previous: list[int | None] = []
        self._repeated: list[int] = []
        self._latest: dict[str, Call] = {}

    def _agent(self, call: Call) -> str:
        return self._lineage.agent_of.get(call.run_id, call.run_id)

    def add(self, number: int, calls: list[Call], distinct: int, cache: Recency) -> None:
        """The next streak, which a cache has just taken. Its first prompt has so many distinct blocks."""
        begin = len(self._streak_of)
        self._streak_of += [number] * len(calls)
        for since, begins in zip(self._since, self._begins, strict=True):
            since += [cache.since(self._streak_of[call]) for call in begins[begin : begin + len(calls)]]
        blocks = [call.blocks for call in calls]
        self._distinct += [distinct, *blocks[1:]]
        self._below += [cache.below] * len(calls)
        agent = self._agent(calls[0])
        before = self._latest.get(agent)
        self._latest[agent] = calls[-1]
        self._previous += [before.blocks if before else None, *blocks[:-1]]
        self._repeated += [split_prefix(before.stretches, calls[0].stretches)[0] if before else 0, *blocks[:-1]]

    def columns(self) -> list[list[Any]]:
        """Those of all streaks."""
        calls, distinct = self._calls, self._distinct
        blocks = [call.blocks for call in calls]
        unknown: list[Any] = [None] * len(calls)
        sets = [[a + b for a, b in zip(distinct, since, strict=True)] for since in self._since] or [unknown] * 3
        at_work = [[1] * len(calls), distinct, blocks] if self.timed else [unknown] * 3
        if self.timed and len({self._agent(call) for call in calls}) > 1:
            at_work = list(map(list, zip(*live(calls, self._lineage), strict=True)))
        return [
            [call.run_id for call in calls],
            [call.ordinal for call in calls],
            [call.start_ms for call in calls],
            blocks,
            self._previous,
            self._repeated,
            *sets,
            [a + b for a, b in zip(distinct, self._below, strict=True)],
            *at_work,
        ]


def _begins(times: Sequence[int], window: int) -> list[int]:
    """For each call, of all that started less than so long before it the first."""
    begins, first = [], 0
    for now in times:
        while times[first] <= now - window:
            first += 1
        begins.append(first)
    return begins
