"""What reuse is computed from: model calls with their prompts as stretches of consecutive blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Stretch: TypeAlias = tuple[int, int]
"""First block and how many follow each other from it."""


class Call(NamedTuple):
    """A step as reuse sees it. Calls are given in the order of the record."""

    run_id: str
    ordinal: int
    start_ms: int | None
    input_tokens: int | None
    block_tokens: int | None
    namespace: str
    stretches: list[Stretch]
    blocks: int
    """How many they are in all."""


class Lineage(NamedTuple):
    """Where the runs stand in the hierarchy."""

    agent_of: dict[str, str]
    """run -> agent"""
    parent_run: dict[str, str | None]
    parent_agent: dict[str, str | None]

    def ancestors(self, agent: str) -> list[str]:
        """The agents above, nearest first; stops where a damaged hierarchy turns in a circle."""
        found: list[str] = []
        above = self.parent_agent.get(agent)
        while above is not None and above != agent and above not in found:
            found.append(above)
            above = self.parent_agent.get(above)
        return found

    def sibling_groups(self) -> list[list[str]]:
        """The runs of each parent run that has several."""
        groups: dict[str, list[str]] = {}
        for run, parent in self.parent_run.items():
            if parent is not None:
                groups.setdefault(parent, []).append(run)
        return [sorted(runs) for runs in groups.values() if len(runs) > 1]


def by_start(calls: list[Call]) -> list[Call]:
    """Calls in order of start, ties and unknown starts by the record.

    A call without a time stands right behind the one recorded before it in the same run.
    """
    last: dict[str, int] = {}
    keyed: list[tuple[int, int]] = []
    for index, call in enumerate(calls):
        start = call.start_ms if call.start_ms is not None else last.get(call.run_id, 0)
        last[call.run_id] = start
        keyed.append((start, index))
    keyed.sort()
    return [calls[index] for _, index in keyed]


def split_prefix(known: Sequence[Stretch], prompt: list[Stretch]) -> tuple[int, list[Stretch]]:
    """How many leading blocks a prompt has in common with another, and what of it lies behind them."""
    common = 0
    for index, (first, count) in enumerate(prompt):
        if index >= len(known) or known[index][0] != first:
            return common, prompt[index:]
        same = min(count, known[index][1])
        common += same
        if same < count:
            return common, [(first + same, count - same), *prompt[index + 1 :]]
        if same < known[index][1]:
            return common, prompt[index + 1 :]
    return common, []
