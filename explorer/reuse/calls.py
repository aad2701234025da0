"""What reuse is computed from: model calls with their prompts as stretches of consecutive blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from explorer.model import Agent, Run

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
    end_ms: int | None = None
    """Without one, what it wrote is there from its start."""
    model: str | None = None

    @property
    def full(self) -> int:
        """How many leading blocks of its prompt are full: all, unless its tokens are recorded and fewer."""
        size, most = self.block_tokens, self.input_tokens
        return self.blocks if not size or most is None else most // size


class Lineage(NamedTuple):
    """Where the runs stand in the hierarchy."""

    agent_of: dict[str, str]
    """run -> agent, or the run itself where it takes part by itself; asked by ``agent``"""
    parent_run: dict[str, str | None]
    parent_agent: dict[str, str | None]

    def agent(self, run: str) -> str:
        """The agent of a run; of one of which none is known, the run itself."""
        return self.agent_of.get(run, run)

    def ancestors(self, agent: str) -> list[str]:
        """The agents above, nearest first; stops where a damaged hierarchy turns in a circle."""
        found: list[str] = []
        above = self.parent_agent.get(agent)
        while above is not None and above != agent and above not in found:
            found.append(above)
            above = self.parent_agent.get(above)
        return found

    def sibling_groups(self, runs: Iterable[str]) -> list[list[str]]:
        """Those of some runs, each with all that have the same parent run, where there are several."""
        groups: dict[str, list[str]] = {}
        for run in runs:
            if (parent := self.parent_run.get(run)) is not None:
                groups[parent] = []
        for run, above in self.parent_run.items() if groups else ():
            if above in groups:
                groups[above].append(run)
        return [sorted(siblings) for siblings in groups.values() if len(siblings) > 1]


class Placed(NamedTuple):
    """What of a run tells where it stands."""

    run_id: str
    agent_id: str
    parent_run_id: str | None
    spawn_tool_call_id: str | None


def lineage_of(agents: Iterable[Agent], runs: Iterable[Run]) -> Lineage:
    """The hierarchy of a conversation as reuse sees it."""
    placed = [Placed(run.run_id, run.agent_id, run.parent_run_id, run.spawn_tool_call_id) for run in runs]
    return hierarchy({agent.agent_id: agent.parent_agent_id for agent in agents}, placed)


def hierarchy(parent_agent: Mapping[str, str | None], runs: Sequence[Placed]) -> Lineage:
    """The same from the parent of each agent.

    An agent of which several runs were spawned is a definition: each of these runs began with a context of its own, so
    it takes part by itself, as a sibling of the others. Turns of one agent that lives on take part as that agent.
    """
    spawned = Counter(run.agent_id for run in runs if run.spawn_tool_call_id is not None)
    split = {agent for agent, number in spawned.items() if number > 1}
    of = {
        run.run_id: run.run_id if run.agent_id in split and run.spawn_tool_call_id is not None else run.agent_id
        for run in runs
    }
    above = dict(parent_agent)
    for run in runs:
        if of[run.run_id] == run.run_id or above.get(run.agent_id) in split:
            above[of[run.run_id]] = of.get(run.parent_run_id or "", above.get(run.agent_id))
    return Lineage(of, {run.run_id: run.parent_run_id for run in runs}, above)


def by_start(*conversations: list[Call]) -> list[Call]:
    """Calls in order of start, ties by the record; each conversation counts from 0.

    A call without a time stands right behind the one recorded before it in the same run, or else in any run.
    """
    calls = [call for recorded in conversations for call in recorded]
    keyed: list[tuple[int, int]] = []
    for recorded in conversations:
        last: dict[str, int] = {}
        start = 0
        for call in recorded:
            start = call.start_ms if call.start_ms is not None else last.get(call.run_id, start)
            last[call.run_id] = start
            keyed.append((start, len(keyed)))
    keyed.sort()
    return [calls[index] for _, index in keyed]


def split_prefix(known: Sequence[Stretch], prompt: list[Stretch]) -> tuple[int, list[Stretch]]:
    """How many leading blocks a prompt has in common with another, and what of it lies behind them."""
    last = len(known) - 1
    if 0 <= last < len(prompt):  # nearly always it repeats the other and goes on
        (first, count), (start, more) = known[last], prompt[last]
        if start == first and more >= count and (not last or prompt[:last] == known[:last]):
            whole = sum([blocks for _, blocks in known]) if last else count
            rest = prompt[last + 1 :]
            return whole, [(first + count, more - count), *rest] if more > count else rest
    if last < 0 or not prompt or known[0][0] != prompt[0][0]:
        return 0, prompt
    same = common = 0
    for stretch, other in zip(prompt, known, strict=False):
        if stretch != other:
            break
        same += 1
        common += stretch[1]
    # The stretches that differ may still begin alike, or hold the same blocks cut at other places.
    theirs, used = same, 0
    for index in range(same, len(prompt)):
        first, count = prompt[index]
        taken = 0
        while taken < count:
            if theirs >= len(known) or known[theirs][0] + used != first + taken:
                return common + taken, [(first + taken, count - taken), *prompt[index + 1 :]]
            step = min(count - taken, known[theirs][1] - used)
            taken, used = taken + step, used + step
            if used == known[theirs][1]:
                theirs, used = theirs + 1, 0
        common += taken
    return common, []
