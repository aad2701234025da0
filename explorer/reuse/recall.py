"""What a cache that forgets would have hit: the rows for every prompt of one cache.

They are given as the columns of their tables, as there are many of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import sub
from typing import Any, TypeAlias

from explorer.reuse.axis import Axis
from explorer.reuse.calls import Call, Lineage
from explorer.reuse.optimal import optimal
from explorer.reuse.recency import Recency, Reused, Touched
from explorer.reuse.stopping import Stop, never, until
from explorer.reuse.streaks import Streak

PromptRow: TypeAlias = tuple[str, int, int, int, int | None, int | None, int | None, int | None]
"""``model.PromptRecency`` as a tuple."""

OptimalRow: TypeAlias = tuple[str, int, int, int, int, int, int | None]
"""``model.PromptOptimal`` as a tuple."""

Columns: TypeAlias = list[list[Any]]
"""Those of a table in order, each with a value per row."""


class Recalled:
    """The rows of one or several caches: ``model.PromptRecency``, ``PromptOptimal`` and ``StepRecency``."""

    def __init__(self) -> None:
        self.prompts: Columns = [[] for _ in range(8)]
        self.optimal: Columns = [[] for _ in range(7)]
        self.steps: Columns = [[] for _ in range(13)]


def recall(cached: Sequence[Streak], lineage: Lineage, into: Recalled, stop: Stop = never) -> None:
    """Add the rows of one cache, whose calls are given in order of start.

    Raises:
        Stopped: ``stop``, which is asked again and again, said so; some of its rows were added.
    """
    cache, axis = Recency(len(cached)), Axis(cached, lineage)
    lasts = [streak.calls[-1].start_ms for streak in cached] if axis.timed else None
    reused: list[list[Reused]] = []
    rows: list[PromptRow] = []
    for number, (calls, growth) in enumerate(until(stop, cached)):
        first = calls[0]
        found = cache.add(first.namespace, first.stretches)
        reused.append(cache.reused)
        _add_first(rows, first, found, lasts)
        distinct = cache.last
        cache.grow(first.namespace, growth)
        axis.add(number, calls, distinct, cache)
    _extend(into.prompts, zip(*rows, strict=True))
    _extend(into.optimal, zip(*until(stop, best(cached, reused)), strict=True))
    _extend(into.steps, axis.columns())
    _add_others(into, cached, axis.timed)


def best(cached: Sequence[Streak], reused: Sequence[Sequence[Reused]]) -> Iterator[OptimalRow]:
    """The rows of a cache that knows the future, of the first calls of streaks.

    ``reused`` tells of each what was there before it. Its other calls find the prompt before them, all of it.
    """
    grown = [calls[-2].blocks if len(calls) > 1 else 0 for calls, _ in cached]
    for (calls, _), kept in zip(cached, optimal(reused, grown), strict=True):
        first = calls[0]
        for piece in kept:
            for at, count, low, high, tokens in alike(first, *piece):
                yield first.run_id, first.ordinal, at, count, low, high, tokens


def _extend(columns: Columns, by: Iterable[Iterable[Any]]) -> None:
    for column, values in zip(columns, by, strict=False):  # there are none of no rows
        column += values


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
    if position < call.blocks:
        tokens = _tokens(call, position, call.blocks)
        rows.append((call.run_id, call.ordinal, position, call.blocks - position, None, None, None, tokens))


def _add_others(into: Recalled, cached: Sequence[Streak], timed: bool) -> None:
    """The same of the other calls of streaks, each behind the one before it, and their rows of the best cache.

    What such a call repeats is on top of the stack, and needed sooner than all else.
    """
    before = [call for calls, _ in cached for call in calls[:-1]]
    calls = [call for calls, _ in cached for call in calls[1:]]
    if not calls:
        return
    runs, ordinals, starts, inputs, sizes, _, _, blocks, _, _ = zip(*calls, strict=True)
    _, _, earlier, _, _, _, _, hits, _, _ = zip(*before, strict=True)
    zeros, ones, nothing = [0] * len(calls), [1] * len(calls), [None] * len(calls)
    whole = [size and size * count for size, count in zip(sizes, hits, strict=True)]
    ages = list(map(sub, starts, earlier)) if timed else nothing
    _extend(into.prompts, (runs, ordinals, zeros, hits, ones, hits, ages, whole))
    _extend(into.optimal, (runs, ordinals, zeros, hits, ones, hits, whole))
    rests = list(map(sub, blocks, hits))
    held = [_held(*prompt) for prompt in zip(blocks, sizes, inputs, strict=True)]
    tokens = [None if end is None else end - start for start, end in zip(whole, held, strict=True)]
    behind = runs, ordinals, hits, rests, nothing, nothing, nothing, tokens
    _extend(into.prompts, (compress(column, rests) for column in behind))


Alike: TypeAlias = tuple[int, int, int, int, int | None]
"""Position, blocks, first and last distance, tokens of blocks that are alike."""


def alike(call: Call, position: int, blocks: int, first: int, last: int) -> Sequence[Alike]:
    """Some blocks of a prompt, cut so that all of a piece have as many tokens."""
    size, full = call.block_tokens, call.full
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


def _tokens(call: Call, start: int, end: int) -> int | None:
    """Of the blocks [start, end) of a prompt: full ones, and no more in all than the prompt holds."""
    before, held = (_held(blocks, call.block_tokens, call.input_tokens) for blocks in (start, end))
    return None if before is None or held is None else held - before


def _held(blocks: int, size: int | None, most: int | None) -> int | None:
    """Tokens in so many leading blocks of a prompt."""
    if size is None or most is None or blocks * size < most:
        return size and blocks * size
    return most
