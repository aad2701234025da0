"""Several conversations on one cache: when each of them begins, which no recording tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Literal, NamedTuple, TypeAlias

from explorer.reuse.calls import Call, by_start

Order: TypeAlias = Literal["at_once", "in_turn", "poisson"]


class Arrivals(NamedTuple):
    """A way to let conversations begin."""

    order: Order
    """All at once; each when the one before it has ended; or at random, independently of each other."""
    gap_ms: int = 300_000
    """Of random arrivals: the mean time between two of them."""
    seed: int = 0
    """The same seed gives the same arrivals."""


def arrive(conversations: Sequence[list[Call]], arrivals: Arrivals) -> Iterator[list[Call]]:
    """The conversations, in the order given, with the times of their calls on one clock.

    A call without a time gets that of the call before it in its conversation (``calls.by_start``).
    """
    draw = Random(arrivals.seed)
    begin = 0
    for number, calls in enumerate(conversations):
        if arrivals.order == "poisson" and number:
            begin += round(draw.expovariate(1 / arrivals.gap_ms))
        shifted, now, last = [], begin, begin
        for call in by_start(calls):
            now = now if call.start_ms is None else begin + call.start_ms
            last = max(last, now, now if call.end_ms is None else begin + call.end_ms)
            shifted.append(call._replace(start_ms=now, end_ms=None if call.end_ms is None else begin + call.end_ms))
        yield shifted
        if arrivals.order == "in_turn":
            begin = last + 1
