"""What runs share with their parent and with each other, whenever they wrote it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping

from explorer.model import RunFootprint, SiblingPair
from explorer.reuse.calls import Call, Lineage, Stretch, split_prefix
from explorer.reuse.intervals import IntervalSet


def footprints(calls: list[Call], lineage: Lineage, agents: Mapping[str, IntervalSet]) -> dict[str, IntervalSet]:
    """The distinct blocks of every run, where ``agents`` holds those of every agent. ``calls`` are of one namespace."""
    runs = dict.fromkeys(call.run_id for call in calls)
    of_agent = Counter(lineage.agent_of.get(run, run) for run in runs)
    held = {run: agents[agent] for run in runs if of_agent[agent := lineage.agent_of.get(run, run)] == 1}
    for call in calls:
        if of_agent[lineage.agent_of.get(call.run_id, call.run_id)] > 1:
            blocks = held.setdefault(call.run_id, IntervalSet())
            for first, count in call.stretches:
                blocks.add(first, first + count)
    return held


def share(calls: list[Call], lineage: Lineage, held: Mapping[str, IntervalSet]) -> Iterator[RunFootprint | SiblingPair]:
    """Footprints of the runs and the pairs of siblings that share blocks. ``calls`` are of one namespace."""
    with_siblings: dict[str, int] = {}
    firsts = _first_steps(calls)
    for group in lineage.sibling_groups():
        present = [run for run in group if run in held]
        with_siblings.update(dict.fromkeys(present, 0))
        pieces = _pieces([held[run] for run in present])
        for length, members in pieces:
            for member in members:
                with_siblings[present[member]] += length
        yield from _pairs(present, pieces, firsts)
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


def _pieces(sets: list[IntervalSet]) -> list[tuple[int, list[int]]]:
    """The stretches that the same two or more sets hold: their length and the sets."""
    changes: dict[int, list[int]] = {}
    for index, blocks in enumerate(sets):
        for start, end in blocks:
            changes.setdefault(start, []).append(index)
            changes.setdefault(end, []).append(~index)
    pieces: list[tuple[int, list[int]]] = []
    inside: set[int] = set()
    before = 0
    for at in sorted(changes):
        if len(inside) > 1:
            pieces.append((at - before, sorted(inside)))
        for index in changes[at]:
            if index < 0:
                inside.discard(~index)
            else:
                inside.add(index)
        before = at
    return pieces


def _pairs(
    runs: list[str], pieces: list[tuple[int, list[int]]], firsts: Mapping[str, list[Stretch]]
) -> Iterator[SiblingPair]:
    """Every pair that shares something: for one run after the other, its pieces are added to all that hold them."""
    of_run: list[list[tuple[int, list[int]]]] = [[] for _ in runs]
    for length, members in pieces:
        for member in members:
            of_run[member].append((length, members))
    for a, run in enumerate(runs):
        shared: dict[int, int] = {}
        for length, members in of_run[a]:
            for b in members[bisect_right(members, a) :]:
                shared[b] = shared.get(b, 0) + length
        for b in sorted(shared):
            prefix, _ = split_prefix(firsts[run], firsts[runs[b]])
            yield SiblingPair(run, runs[b], shared[b], prefix)
