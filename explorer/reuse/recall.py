"""What a cache that forgets would have hit: the rows for every prompt of one cache.

The rows are tuples in the order of the columns of their tables, as there are many of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from explorer.reuse.calls import Call, Lineage, split_prefix
from explorer.reuse.live import live
from explorer.reuse.optimal import optimal
from explorer.reuse.recency import Recency, Reused, Touched

PromptRow: TypeAlias = tuple[str, int, int, int, int | None, int | None, int | None, int | None]
"""``model.PromptRecency`` as a tuple."""

OptimalRow: TypeAlias = tuple[str, int, int, int, int, int, int | None]
"""``model.PromptOptimal`` as a tuple."""

StepRow: TypeAlias = tuple[
    str, int, int | None, int, int | None, int, int | None, int | None, int | None, int, int | None, int | None,
    int | None,
]  # fmt: skip
"""``model.StepRecency`` as a tuple."""

WINDOWS_MS = (60_000, 300_000, 900_000)
"""Of the working sets."""


class Recalled(NamedTuple):
    """The rows of one or several caches."""

    prompts: list[PromptRow]
    optimal: list[OptimalRow]
    steps: list[StepRow]


def recall(started: list[Call], lineage: Lineage, into: Recalled) -> None:
    """Add the rows of one cache, whose calls are given in order of start (``calls.by_start``)."""
    cache = Recency(len(started))
    times = [call.start_ms for call in started if call.start_ms is not None]
    timed = len(times) == len(started)  # or else it is not known how long ago anything was
    agents = [lineage.agent_of.get(call.run_id, call.run_id) for call in started]
    at_work = live(started, lineage) if timed and len(set(agents)) > 1 else None
    reused: list[list[Reused]] = []
    latest: dict[str, Call] = {}
    short = middle = long = None
    for number, call in enumerate(started):
        found = cache.add(call.namespace, call.stretches)
        reused.append(cache.reused)
        if timed:
            now = times[number]
            short, middle, long = [cache.since(bisect_right(times, now - window, 0, number)) for window in WINDOWS_MS]
        _add_prompt(into.prompts, call, found, number, times if timed else None)
        agent = agents[number]
        previous, repeated = None, 0
        if agent in latest:
            before = latest[agent]
            previous = before.blocks
            if cache.reused and cache.reused[0] == (number - 1, 0, previous) and before is started[number - 1]:
                repeated = previous
            else:
                repeated = split_prefix(before.stretches, call.stretches)[0]
        latest[agent] = call
        working: tuple[int | None, int | None, int | None] = (None, None, None)
        if timed:
            working = at_work[number] if at_work else (1, cache.since(number), call.blocks)
        into.steps.append(
            (call.run_id, call.ordinal, call.start_ms, call.blocks, previous, repeated, short, middle, long,
             cache.distinct, *working)
        )  # fmt: skip
    into.optimal.extend(best(started, reused))


def best(started: list[Call], reused: Sequence[Sequence[Reused]]) -> Iterator[OptimalRow]:
    """The rows of a cache that knows the future, of which ``reused`` tells what was there before each call."""
    for call, kept in zip(started, optimal(reused), strict=True):
        full = _full(call)
        for position, blocks, first, last in kept:
            if position + blocks <= full:
                size = call.block_tokens
                yield call.run_id, call.ordinal, position, blocks, first, last, None if size is None else blocks * size
                continue
            for at, count, low, high, tokens in alike(call, position, blocks, first, last):
                yield call.run_id, call.ordinal, at, count, low, high, tokens


def _add_prompt(
    rows: list[PromptRow], call: Call, found: list[Touched], number: int, times: Sequence[int] | None
) -> None:
    """A row for each stretch that would be hit alike, and one for the rest, which no cache would hit.

    ``times`` are those of all calls, of which this is the one with that ``number``; None where some have none.
    """
    run, ordinal, size, full = call.run_id, call.ordinal, call.block_tokens, _full(call)
    position = 0
    for blocks, first, last, before in found:
        age = None if times is None else times[number] - times[before]
        if position + blocks <= full:  # as nearly always
            rows.append((run, ordinal, position, blocks, first, last, age, None if size is None else blocks * size))
        else:
            for at, count, low, high, tokens in alike(call, position, blocks, first, last):
                rows.append((run, ordinal, at, count, low, high, age, tokens))
        position += blocks
    if position < call.blocks:
        tokens = _tokens(call, position, call.blocks)
        rows.append((run, ordinal, position, call.blocks - position, None, None, None, tokens))


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
