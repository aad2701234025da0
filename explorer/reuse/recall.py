"""What a cache that forgets would have hit: the rows for every prompt of one cache.

The rows are tuples in the order of the columns of their tables, as there are many of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from explorer.reuse.axis import Axis, StepRow
from explorer.reuse.calls import Call, Lineage
from explorer.reuse.optimal import optimal
from explorer.reuse.recency import Recency, Reused, Touched
from explorer.reuse.streaks import Streak

PromptRow: TypeAlias = tuple[str, int, int, int, int | None, int | None, int | None, int | None]
"""``model.PromptRecency`` as a tuple."""

OptimalRow: TypeAlias = tuple[str, int, int, int, int, int, int | None]
"""``model.PromptOptimal`` as a tuple."""


class Recalled(NamedTuple):
    """The rows of one or several caches."""

    prompts: list[PromptRow]
    optimal: list[OptimalRow]
    steps: list[StepRow]


def recall(cached: Sequence[Streak], lineage: Lineage, into: Recalled) -> None:
    """Add the rows of one cache, whose calls are given in order of start."""
    cache, axis = Recency(len(cached)), Axis(cached, lineage)
    lasts = [streak.calls[-1].start_ms for streak in cached] if axis.timed else None
    reused: list[list[Reused]] = []
    for calls, growth in cached:
        first = calls[0]
        found = cache.add(first.namespace, first.stretches)
        reused.append(cache.reused)
        distinct = cache.last
        cache.grow(first.namespace, growth)
        _add_first(into.prompts, first, found, lasts)
        _add_others(into.prompts, calls, axis.timed)
        into.steps.extend(axis.rows(calls, distinct, cache))
    into.optimal.extend(best(cached, reused))


def best(cached: Sequence[Streak], reused: Sequence[Sequence[Reused]]) -> Iterator[OptimalRow]:
    """The rows of a cache that knows the future; ``reused`` tells of each streak what was there before its first call.

    The others find the prompt before them, all of which is needed so soon that any cache has it that can hold it.
    """
    grown = [calls[-2].blocks if len(calls) > 1 else 0 for calls, _ in cached]
    for (calls, _), kept in zip(cached, optimal(reused, grown), strict=True):
        first = calls[0]
        for piece in kept:
            for at, count, low, high, tokens in alike(first, *piece):
                yield first.run_id, first.ordinal, at, count, low, high, tokens
        for before, call in pairwise(calls):
            for at, count, low, high, tokens in alike(call, 0, before.blocks, 1, before.blocks):
                yield call.run_id, call.ordinal, at, count, low, high, tokens


def _add_first(rows: list[PromptRow], call: Call, found: list[Touched], lasts: Sequence[int | None] | None) -> None:
    """A row for each stretch that would be hit alike, and one for the rest, which no cache would hit.

    ``lasts`` are the starts of the last calls of all streaks; None where some call has no time.
    """
    position = 0
    for blocks, first, last, before in found:
        age = None if lasts is None else (call.start_ms or 0) - (lasts[before] or 0)
        for at, count, low, high, tokens in alike(call, position, blocks, first, last):
            rows.append((call.run_id, call.ordinal, at, count, low, high, age, tokens))
        position += blocks
    _add_rest(rows, call, position)


def _add_others(rows: list[PromptRow], calls: list[Call], timed: bool) -> None:
    """The same of the other calls of a streak: each finds the prompt before it on top of the stack."""
    for before, call in pairwise(calls):
        age = (call.start_ms or 0) - (before.start_ms or 0) if timed else None
        for at, count, low, high, tokens in alike(call, 0, before.blocks, 1, before.blocks):
            rows.append((call.run_id, call.ordinal, at, count, low, high, age, tokens))
        _add_rest(rows, call, before.blocks)


def _add_rest(rows: list[PromptRow], call: Call, position: int) -> None:
    if position < call.blocks:
        tokens = _tokens(call, position, call.blocks)
        rows.append((call.run_id, call.ordinal, position, call.blocks - position, None, None, None, tokens))


Alike: TypeAlias = tuple[int, int, int, int, int | None]
"""Position, blocks, first and last distance, tokens of blocks that are alike."""


def alike(call: Call, position: int, blocks: int, first: int, last: int) -> Sequence[Alike]:
    """Some blocks of a prompt, cut so that all of a piece have as many tokens."""
    size, full = call.block_tokens, _full(call)
    end = position + blocks
    if end <= full:
        return ((position, blocks, first, last, None if size is None else blocks * size),)
    pieces: list[Alike] = []
    for stop in (full, full + 1, end):  # behind the next one they are empty
        if position < (stop := min(stop, end)):
            upto = last - (end - stop) if last > first else last
            pieces.append((position, stop - position, first, upto, _tokens(call, position, stop)))
            first, position = upto + 1 if last > first else first, stop
    return pieces


def _full(call: Call) -> int:
    """How many leading blocks of a prompt are full: all, unless its tokens are recorded and fewer."""
    size, most = call.block_tokens, call.input_tokens
    return call.blocks if not size or most is None else most // size


def _tokens(call: Call, start: int, end: int) -> int | None:
    """Of the blocks [start, end) of a prompt: full ones, and no more in all than the prompt holds."""
    size, most = call.block_tokens, call.input_tokens
    if size is None:
        return None
    if most is None:
        return (end - start) * size
    return min(end * size, most) - min(start * size, most)
