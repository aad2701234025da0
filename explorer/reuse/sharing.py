"""What runs share with their parent and with each other, whenever they wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

from explorer.model import RunFootprint, SiblingPair
from explorer.reuse.calls import Call, Lineage, Stretch, split_prefix
from explorer.reuse.intervals import IntervalSet


def footprints(calls: list[Call], lineage: Lineage, agents: Mapping[str, IntervalSet]) -> dict[str, IntervalSet]:
    """The distinct blocks of every run, where ``agents`` holds those of every agent. ``calls`` are of one namespace."""
    runs = dict.fromkeys(call.run_id for call in calls)
    of_agent = Counter(lineage.agent(run) for run in runs)
    held = {run: agents[agent] for run in runs if of_agent[agent := lineage.agent(run)] == 1}
    for call in calls:
        if of_agent[lineage.agent(call.run_id)] > 1:
            held.setdefault(call.run_id, IntervalSet()).update(call.stretches)
    return held


def share(calls: list[Call], lineage: Lineage, held: Mapping[str, IntervalSet]) -> Iterator[RunFootprint | SiblingPair]:
    """Footprints of the runs and the pairs of siblings that share blocks. ``calls`` are of one namespace."""
    with_siblings: dict[str, int] = {}
    groups = lineage.sibling_groups(held)
    firsts = _first_steps(calls) if groups else {}
    for group in groups:
        present = [run for run in group if run in held]
        known = _held_twice([held[run] for run in present])
        parts = {run: _union(held[run].shared(known)) for run in present}
        with_siblings.update((run, len(part)) for run, part in parts.items())
        yield from _pairs({run: part for run, part in parts.items() if len(part)}, firsts)
    sizes = {call.run_id: call.block_tokens for call in calls}
    for run, blocks in held.items():
        parent = lineage.parent_run.get(run)
        unique, size = len(blocks), sizes[run]
        shared_parent = None if parent is None else blocks.common(held[parent]) if parent in held else 0
        yield RunFootprint(run, unique, None if size is None else unique * size, shared_parent, with_siblings.get(run))


def _first_steps(calls: list[Call]) -> Mapping[str, list[Stretch]]:
    firsts: dict[str, Call] = {}
    for call in calls:
        if call.run_id not in firsts or call.ordinal < firsts[call.run_id].ordinal:
            firsts[call.run_id] = call
    return {run: call.stretches for run, call in firsts.items()}


def _union(intervals: Iterable[tuple[int, int]]) -> IntervalSet:
    blocks = IntervalSet()
    for start, end in intervals:
        blocks.add(start, end)
    return blocks


def _held_twice(sets: list[IntervalSet]) -> IntervalSet:
    """What more than one of the sets hold."""
    once, twice = IntervalSet(), IntervalSet()
    for blocks in sets:
        for start, end in blocks:
            at = start
            for first, last in (*once.add(start, end), (end, end)):
                if at < first:
                    twice.add(at, first)
                at = last
    return twice


def _pairs(parts: Mapping[str, IntervalSet], firsts: Mapping[str, list[Stretch]]) -> Iterator[SiblingPair]:
    """Every pair that shares something; ``parts`` holds what each run, in order, shares with any other."""
    for (run_a, a), (run_b, b) in combinations(parts.items(), 2):
        if blocks := a.common(b):
            prefix, _ = split_prefix(firsts[run_a], firsts[run_b])
            yield SiblingPair(run_a, run_b, blocks, prefix)
