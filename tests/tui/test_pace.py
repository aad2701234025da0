"""Readings of what changes all the time leave the machine to others."""

from __future__ import annotations

from explorer.tui.pace import REST, Pace


def test_the_first_reading_need_not_wait_and_the_next_waits_as_long_as_it_took() -> None:
    pace = Pace()
    assert pace.wait(100.0) == 0
    pace.begin(100.0)
    pace.end(104.0)
    assert pace.wait(104.0) == 4 * REST
    assert pace.wait(105.0) == 4 * REST - 1
    assert pace.wait(104.0 + 4 * REST) == 0


def test_a_reading_of_other_things_makes_nobody_wait() -> None:
    pace = Pace()
    pace.begin(100.0)
    pace.end(101.0)
    pace.end(500.0)  # of a reading that was asked for, say
    assert pace.wait(500.0) == 0


def test_readings_get_half_of_the_time_at_most() -> None:
    pace, now, read = Pace(), 0.0, 0.0
    for took in (0.5, 3.0, 0.1, 10.0):
        now += pace.wait(now)
        pace.begin(now)
        now, read = now + took, read + took
        pace.end(now)
    now += pace.wait(now)
    assert read <= now / 2
