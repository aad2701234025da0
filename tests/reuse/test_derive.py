from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explorer.model import NamespaceAudit, Row, StepReuse
from explorer.reuse.calls import Lineage
from explorer.reuse.derive import derive
from tests.readers.reading import single
from tests.reuse.by_sets import (
    Hits,
    Prompt,
    World,
    as_hits,
    audits,
    derived,
    events,
    hits,
    in_order_of_arrival,
    is_chained,
    worlds,
)


def within(conversation: str, world: World) -> World:
    """The same recording with every name put under its conversation's."""

    def name(inner: str | None) -> str | None:
        return inner and f"{conversation}:{inner}"

    return World(
        {f"{conversation}:{agent}": name(parent) for agent, parent in world.parent_agent.items()},
        {f"{conversation}:{run}": f"{conversation}:{agent}" for run, agent in world.agent_of.items()},
        {f"{conversation}:{run}": name(parent) for run, parent in world.parent_run.items()},
        [prompt._replace(run=f"{conversation}:{prompt.run}") for prompt in world.prompts],
        world.size,
    )


def laid_over(worlds: list[World]) -> World:
    """Several recordings as one, each call with the start that it has in its own."""
    prompts: list[Prompt] = []
    for world in worlds:
        rank = {(p.run, p.ordinal): i for i, p in enumerate(in_order_of_arrival(world.prompts))}
        ordered = sorted(world.prompts, key=lambda p: rank[p.run, p.ordinal])
        start = 0
        starts = {}
        for prompt in ordered:
            start = max(start, prompt.start if prompt.start is not None else start)
            starts[prompt.run, prompt.ordinal] = start
        prompts += [p._replace(start=starts[p.run, p.ordinal]) for p in world.prompts]
    first = worlds[0]
    return World(
        {agent: parent for world in worlds for agent, parent in world.parent_agent.items()},
        {run: agent for world in worlds for run, agent in world.agent_of.items()},
        {run: parent for world in worlds for run, parent in world.parent_run.items()},
        prompts,
        first.size,
    )


several = st.lists(worlds(most_agents=3, tokens=False), min_size=2, max_size=3).map(
    lambda found: {f"c{i}": within(f"c{i}", world._replace(size=None)) for i, world in enumerate(found)}
)


@given(several)
def test_conversations_of_one_namespace_find_each_others_blocks_as_other(worlds: dict[str, World]) -> None:
    expected: dict[tuple[str, int], Hits] = hits(laid_over(list(worlds.values())))
    found = {(row.run_id, row.ordinal): as_hits(row) for row in derived(worlds) if isinstance(row, StepReuse)}
    assert found == expected


@given(several)
def test_each_conversation_of_a_namespace_is_audited_by_itself_and_chained_together(worlds: dict[str, World]) -> None:
    prompts = [prompt.ids for world in worlds.values() for prompt in world.prompts]
    found = {audit.conversation_id: audit for audit in audits(worlds)}
    assert list(found) == [name for name, world in worlds.items() if world.prompts]
    for name, audit in found.items():
        own = [prompt.ids for prompt in worlds[name].prompts]
        assert audit.distinct_blocks == len({block for ids in own for block in ids})
        assert (audit.perfect_document, audit.gap_events_document) == events(own)[:2]
        assert audit.perfect_start_time == events(p.ids for p in in_order_of_arrival(worlds[name].prompts))[0]
        assert audit.chained == is_chained(prompts)
        assert (audit.scope, audit.namespace) == ("global", "n")


@given(worlds())
def test_every_call_has_one_row_and_every_run_with_calls_one_footprint(world: World) -> None:
    rows = derived({"c": world})
    steps = [(row.run_id, row.ordinal) for row in rows if isinstance(row, StepReuse)]
    assert sorted(steps) == sorted((prompt.run, prompt.ordinal) for prompt in world.prompts)
    assert len({(type(row), *astuple_key(row)) for row in rows}) == len(rows)


def astuple_key(row: Row) -> tuple[object, ...]:
    names = ("run_id", "ordinal", "run_a", "run_b", "conversation_id", "chain")
    return tuple(getattr(row, name) for name in names if hasattr(row, name))


def test_nothing_recorded_gives_nothing() -> None:
    assert list(derive({}, {}, Lineage({}, {}, {}))) == []
    assert list(derive({"c": []}, {"c": None}, Lineage({"r": "a"}, {"r": None}, {"a": None}))) == []


@given(worlds())
def test_hits_by_whole_prefixes_are_those_of_plain_sets_of_prefixes(world: World):
    prefixes: set[tuple[int, ...]] = set()
    seen: set[int] = set()
    by_prefix = by_id = 0
    for prompt in in_order_of_arrival(world.prompts):
        ids = prompt.ids
        by_prefix += sum(tuple(ids[: n + 1]) in prefixes for n in range(len(ids)))
        by_id += next((n for n, block in enumerate(ids) if block not in seen), len(ids))
        prefixes.update(tuple(ids[: n + 1]) for n in range(len(ids)))
        seen.update(ids)
    assert [(row.hits, row.prefix_hits) for row in audits({"c": world})] == [(by_id, by_prefix)] * bool(world.prompts)


@given(worlds())
def test_hashes_are_reused_like_numbers(world: World):
    """Ids scattered over 64 bits, in an order of their own: everything but their numbering is the same."""
    scattered = world._replace(
        prompts=[
            prompt._replace(ids=[(block + 1) * 0x9E3779B97F4A7C15 % 2**64 for block in prompt.ids])
            for prompt in world.prompts
        ]
    )

    def rows(of: World, scope: str | None) -> list[Row]:
        return [each for row in derive({"c": of.calls()}, {"c": scope}, of.lineage) for each in single(row)]

    def told(row: Row) -> object:
        if isinstance(row, NamespaceAudit):
            return row.distinct_blocks, row.chained, row.hits, row.prefix_hits, row.coverage
        return row

    assert [*map(told, rows(scattered, "hashes"))] == [*map(told, rows(world, None))]
