"""All calls on one cache, summed up: how many blocks each capacity hits."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from explorer.reuse.calls import Call
from explorer.reuse.recall import alike, best
from explorer.reuse.recency import Recency, Reused
from explorer.reuse.stopping import Stop, never, until
from explorer.reuse.streaks import streaks

Policy: TypeAlias = Literal["lru", "optimal"]


class Piece(NamedTuple):
    """Blocks that are hit alike."""

    cache: Policy
    """Which evicts what was used least recently, or keeps what is needed soonest."""
    first_distance: int
    """The least capacity that hits some of these blocks."""
    last_distance: int
    """The one that hits all; each in between hits as many more."""
    blocks: int
    tokens: int | None
    """None where the size of some is not recorded."""


def together(started: list[Call], stop: Stop = never) -> list[Piece]:
    """What is hit of calls in order of start (``calls.by_start``), each distance once.

    Raises:
        Stopped: ``stop``, which is asked again and again, said so.
    """
    cached = streaks(until(stop, started))
    cache = Recency(len(cached))
    reused: list[list[Reused]] = []
    sums: dict[tuple[Policy, int, int], tuple[int, int | None]] = {}

    def add(policy: Policy, first: int, last: int, blocks: int, tokens: int | None) -> None:
        before, held = sums.get((policy, first, last), (0, 0))
        known = None if tokens is None or held is None else held + tokens
        sums[policy, first, last] = before + blocks, known

    for calls, growth in until(stop, cached):
        call, position = calls[0], 0
        for blocks, first, last, _ in cache.add(call.namespace, call.stretches):
            for _, count, low, high, tokens in alike(call, position, blocks, first, last):
                add("lru", low, high, count, tokens)
            position += blocks
        reused.append(cache.reused)
        cache.grow(call.namespace, growth)
        for before, call in pairwise(calls):
            blocks, size = before.blocks, call.block_tokens
            add("lru", 1, blocks, blocks, size and blocks * size)
            add("optimal", 1, blocks, blocks, size and blocks * size)
    for _, _, _, blocks, first, last, tokens in until(stop, best(cached, reused)):
        add("optimal", first, last, blocks, tokens)
    return [Piece(*key, *held) for key, held in sums.items()]
