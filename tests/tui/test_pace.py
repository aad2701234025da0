"""Readings of what changes all the time leave the machine to others."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from explorer.tui.pace import SAVED_SECONDS, SHARE, Pace


def read(pace: Pace, now: float, durations: Iterable[float]) -> tuple[float, list[float]]:
    """One reading after the other, each as soon as it may be: when they are done, and how long each waited."""
    waits = []
    for took in durations:
        waits.append(pace.wait(now))
        now += waits[-1]
        assert pace.wait(now) == pytest.approx(0)
        pace.begin(now)
        now += took
        pace.end(now)
    return now, waits


def test_a_few_readings_need_not_wait_for_each_other_and_then_they_leave_as_much_time_as_they_take() -> None:
    _, waits = read(Pace(), 100.0, [1.0] * 40)
    at_once = int(SAVED_SECONDS / (1 - SHARE))  # a second of reading costs one, and half of it is saved meanwhile
    assert waits[:at_once] == [0.0] * at_once
    assert waits[at_once:] == pytest.approx([1.0] * len(waits[at_once:]))


def test_readings_of_any_length_get_their_share_at_most() -> None:
    durations = [0.5, 30.0, 0.1, 10.0] * 5
    end, _ = read(Pace(), 100.0, durations)
    assert sum(durations[:-1]) - SAVED_SECONDS <= SHARE * (end - 100.0)


def test_who_has_waited_long_need_not_wait_and_has_not_saved_more_than_that() -> None:
    pace = Pace()
    now, _ = read(pace, 100.0, [20.0])
    assert pace.wait(now) > 0
    _, waits = read(pace, now + 1_000, [1.0] * 40)
    assert waits[0] == 0
    assert waits == read(Pace(), now + 1_000, [1.0] * 40)[1]


def test_a_reading_of_other_things_makes_nobody_wait() -> None:
    pace = Pace()
    pace.end(500.0)
    assert pace.wait(500.0) == 0
