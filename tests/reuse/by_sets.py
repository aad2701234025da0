"""Small random recordings, and what their reuse is when counted id by id over plain sets.

Only ``derived`` and what it stands on run the code under test; everything else shares nothing with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st

from explorer.model import NamespaceAudit, Row, StepReuse
from explorer.reuse.calls import Call, Lineage
from explorer.reuse.derive import derive
from tests.readers.reading import single


class Prompt(NamedTuple):
    """A model call with its block ids one by one."""

    run: str
    ordinal: int
    start: int | None
    ids: list[int]
    tokens: int | None


class World(NamedTuple):
    """A recording: who is below whom, and the prompts in the order of the record."""

    parent_agent: dict[str, str | None]
    agent_of: dict[str, str]
    parent_run: dict[str, str | None]
    prompts: list[Prompt]
    size: int | None

    @property
    def lineage(self) -> Lineage:
        return Lineage(self.agent_of, self.parent_run, self.parent_agent)

    def calls(self, namespace: str = "c") -> list[Call]:
        return [call_of(prompt, self.size, namespace) for prompt in self.prompts]


def call_of(prompt: Prompt, size: int | None, namespace: str = "c") -> Call:
    pieces = stretches_of(prompt.ids)
    return Call(prompt.run, prompt.ordinal, prompt.start, prompt.tokens, size, namespace, pieces, len(prompt.ids))


def stretches_of(ids: Sequence[int], cuts: Iterable[int] = ()) -> list[tuple[int, int]]:
    """Ids as (first, how many follow), also cut where the ids go on."""
    cuts, found = set(cuts), []
    for index, block in enumerate(ids):
        if found and index not in cuts and block == sum(found[-1]):
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((block, 1))
    return found


@st.composite
def worlds(draw: st.DrawFn, most_agents: int = 5, tokens: bool = True) -> World:
    """Agents in a random hierarchy, runs of them, and prompts that repeat, extend, share and shuffle each other."""
    parent_agent: dict[str, str | None] = {"a0": None}
    for number in range(1, draw(st.integers(1, most_agents))):
        parent_agent[f"a{number}"] = draw(st.sampled_from([*parent_agent, *parent_agent, None]))
    agent_of: dict[str, str] = {}
    parent_run: dict[str, str | None] = {}
    for agent, parent in parent_agent.items():
        above = [run for run, its in agent_of.items() if its == parent]
        for ordinal in range(1, draw(st.sampled_from([1, 1, 1, 2, 3])) + 1):
            agent_of[run := f"{agent}/{ordinal}"] = agent
            parent_run[run] = draw(st.sampled_from(above)) if above else None
    size = draw(st.sampled_from([None, 1, 4, 16, 16]))
    return World(parent_agent, agent_of, parent_run, draw(prompts(list(agent_of), size if tokens else None)), size)


@st.composite
def prompts(draw: st.DrawFn, runs: list[str], size: int | None) -> list[Prompt]:
    made: list[Prompt] = []
    ordinals: dict[str, int] = {}
    following = draw(st.integers(0, 2))  # the next number of a builder that numbers by first appearance
    for _ in range(draw(st.integers(0, 10))):
        if made and draw(st.integers(0, 2)) == 2:  # the run of the last one goes on from it
            run, _, start, ids, _ = made[-1]
            length = draw(st.integers(0, 4))
            ids, following = [*ids, *range(following, following + length)], following + length
            ordinals[run] += 1
            made.append(Prompt(run, ordinals[run], start, ids, draw(tokens_for(len(ids), size))))
            continue
        earlier = draw(st.sampled_from(made)).ids if made else []
        ids = earlier[: draw(st.integers(0, len(earlier)))]
        for length in draw(st.lists(st.integers(1, 4), max_size=3)):
            if draw(st.booleans()):
                ids = [*ids, *range(following, following + length)]
                following += length + draw(st.sampled_from([0, 0, 0, 1, 3]))
            else:
                first = draw(st.integers(0, 12))
                ids = [*ids, *range(first, first + length)]
        if not ids:
            ids = [following]
        run = draw(st.sampled_from(runs))
        ordinals[run] = ordinals.get(run, 0) + 1
        start = draw(st.none() | st.integers(0, 6))
        made.append(Prompt(run, ordinals[run], start, ids, draw(tokens_for(len(ids), size))))
    return made


def tokens_for(blocks: int, size: int | None) -> st.SearchStrategy[int | None]:
    """Input tokens as recorders give them: none, more or less than the blocks hold, or the last block in part."""
    if size is None:
        return st.none() | st.integers(0, 50)
    part = st.integers((blocks - 1) * size + 1, blocks * size + size - 1)
    return part | part | st.none() | st.integers(0, 2 * blocks * size)


def in_order_of_arrival(prompts: Sequence[Prompt]) -> list[Prompt]:
    """By start. Without one, a call starts with the call of its run recorded before it, or else of any run."""
    starts: list[int] = []
    for index, prompt in enumerate(prompts):
        own = [starts[i] for i in range(index) if prompts[i].run == prompt.run]
        starts.append(prompt.start if prompt.start is not None else (own or starts or [0])[-1])
    return [prompts[i] for i in sorted(range(len(prompts)), key=lambda i: (starts[i], i))]


def ancestors(world: World, agent: str) -> list[str]:
    parent = world.parent_agent[agent]
    return [] if parent is None else [parent, *ancestors(world, parent)]


class Hits(NamedTuple):
    own: int
    ancestor: int
    sibling: int
    other: int
    fresh: int
    tokens: tuple[int, int, int, int] | None


def hits(world: World, ends: Mapping[tuple[str, int], int] | None = None) -> dict[tuple[str, int], Hits]:
    """What every prompt found, and from whom, by looking every id up in the sets of all earlier prompts.

    With ``ends``, of those of them that had ended when it started; every prompt then has a start.
    """
    found: dict[tuple[str, int], Hits] = {}
    earlier: list[Prompt] = []
    for prompt in in_order_of_arrival(world.prompts):
        agent = world.agent_of[prompt.run]
        parent = world.parent_agent[agent]
        family = [a for a, its in world.parent_agent.items() if parent is not None and its == parent]

        def there(other: Prompt, start: int | None = prompt.start) -> bool:
            return ends is None or start is None or ends[other.run, other.ordinal] <= start

        def written(agents: Iterable[str], earlier: Sequence[Prompt] = tuple(filter(there, earlier))) -> set[int]:
            wanted = set(agents)
            return {block for p in earlier if world.agent_of[p.run] in wanted for block in p.ids}

        above = [agent, *ancestors(world, agent)]
        everyone = written(world.parent_agent)
        reached = [
            leading(prompt.ids, known)
            for known in (written([agent]), written(above), written([*above, *family]), everyone)
        ]
        added = [reached[0], *(after - before for before, after in pairwise(reached))]
        fresh = len(set(prompt.ids) - everyone)
        found[prompt.run, prompt.ordinal] = Hits(*added, fresh, tokens_of(reached, world.size, prompt.tokens))
        earlier.append(prompt)
    return found


def leading(ids: Sequence[int], known: set[int]) -> int:
    for index, block in enumerate(ids):
        if block not in known:
            return index
    return len(ids)


def tokens_of(reached: Sequence[int], size: int | None, most: int | None) -> tuple[int, int, int, int] | None:
    """Block by block: a full one holds ``size`` tokens, and none holds more than the prompt has left."""
    if size is None:
        return None
    held = [size if most is None else max(0, min(size, most - index * size)) for index in range(reached[-1])]
    sums = [sum(held[:bound]) for bound in reached]
    return sums[0], sums[1] - sums[0], sums[2] - sums[1], sums[3] - sums[2]


def blocks_of(world: World) -> dict[str, set[int]]:
    """The distinct ids of every run that has any."""
    held: dict[str, set[int]] = {}
    for prompt in world.prompts:
        held.setdefault(prompt.run, set()).update(prompt.ids)
    return held


def siblings(world: World, run: str) -> list[str]:
    parent = world.parent_run[run]
    return [] if parent is None else [r for r, its in world.parent_run.items() if its == parent and r != run]


def events(prompts: Iterable[Sequence[int]]) -> tuple[bool, int, int, int]:
    """First appearance, id by id: perfect or not, gap events, missing ids, reset events."""
    seen: set[int] = set()
    last: int | None = None
    gaps = missing = resets = 0
    for ids in prompts:
        for block in ids:
            if block in seen:
                continue
            if last is not None and block != last + 1:
                if block > max(seen):
                    gaps, missing = gaps + 1, missing + block - max(seen) - 1
                else:
                    resets += 1
            seen.add(block)
            last = block
    return not gaps and not resets, gaps, missing, resets


def is_chained(prompts: Iterable[Sequence[int]]) -> bool:
    """Whether every id has one position and one predecessor."""
    places: dict[int, set[tuple[int, int | None]]] = {}
    for ids in prompts:
        for position, block in enumerate(ids):
            places.setdefault(block, set()).add((position, ids[position - 1] if position else None))
    return all(len(of_one) == 1 for of_one in places.values())


def in_common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common prefix."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def derived(conversations: dict[str, World]) -> list[Row]:
    """What the code under test makes of recordings in one namespace."""
    lineage = Lineage({}, {}, {})
    for world in conversations.values():
        lineage.agent_of.update(world.agent_of)
        lineage.parent_run.update(world.parent_run)
        lineage.parent_agent.update(world.parent_agent)
    calls = {conversation: world.calls("n") for conversation, world in conversations.items()}
    return [each for row in derive(calls, dict.fromkeys(conversations, "global"), lineage) for each in single(row)]


def audits(conversations: dict[str, World]) -> list[NamespaceAudit]:
    return [row for row in derived(conversations) if isinstance(row, NamespaceAudit)]


def as_hits(row: StepReuse) -> Hits:
    """A row in the terms of ``hits``."""
    tokens = (row.hit_own_tokens, row.hit_ancestor_tokens, row.hit_sibling_tokens, row.hit_other_tokens)
    given = [count for count in tokens if count is not None]
    return Hits(
        row.hit_own, row.hit_ancestor, row.hit_sibling, row.hit_other, row.fresh_blocks,
        (given[0], given[1], given[2], given[3]) if given else None,
    )  # fmt: skip
