"""When conversations begin that share a cache."""

from __future__ import annotations

from itertools import pairwise

from explorer.reuse.arrivals import Arrivals, arrive
from explorer.reuse.calls import Call
from tests.reuse.by_sets import Prompt, call_of


def conversation(*times: tuple[int | None, int | None]) -> list[Call]:
    return [
        call_of(Prompt("r", ordinal, start, [1], None), 64)._replace(end_ms=end)
        for ordinal, (start, end) in enumerate(times)
    ]


CONVERSATIONS = [conversation((0, 40), (50, 90), (20, None)), conversation((5, 7), (None, None)), conversation((0, 1))]


def starts(arrivals: Arrivals, conversations: list[list[Call]] = CONVERSATIONS) -> list[list[int | None]]:
    return [[call.start_ms for call in calls] for calls in arrive(conversations, arrivals)]


def test_all_at_once_each_counts_from_0() -> None:
    assert starts(Arrivals("at_once")) == [[0, 20, 50], [5, 5], [0]]


def test_one_after_another_nothing_overlaps() -> None:
    assert starts(Arrivals("in_turn")) == [[0, 20, 50], [96, 96], [99]]
    ends = [[call.end_ms for call in calls] for calls in arrive(CONVERSATIONS, Arrivals("in_turn"))]
    assert ends == [[40, None, 90], [98, None], [100]]


def test_random_arrivals_are_the_same_for_a_seed_and_as_far_apart_as_was_asked() -> None:
    many = [conversation((0, None))] * 2_000
    begins = [calls[0] or 0 for calls in starts(Arrivals("poisson", 60_000, 3), many)]
    assert begins == sorted(begins)
    assert begins == [calls[0] for calls in starts(Arrivals("poisson", 60_000, 3), many)]
    assert begins != [calls[0] for calls in starts(Arrivals("poisson", 60_000, 4), many)]
    assert 55_000 < begins[-1] / 1_999 < 65_000
    # Of exponential gaps, 1 - 1/e are below the mean.
    below = sum(b - a < 60_000 for a, b in pairwise(begins)) / 1_999
    assert 0.6 < below < 0.66
