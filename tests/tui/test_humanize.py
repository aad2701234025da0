import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.tui.humanize import duration, number, percent, plural, size, tokens


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (61_049, "61.0k"),
        (999_949, "999.9k"),
        (999_950, "1.0M"),
        (14_200_000, "14.2M"),
        (999_949_999, "999.9M"),
        (999_950_000, "1.0G"),
        (3_100_000_000_000, "3.1T"),
    ],
)
def test_tokens(value: int | None, shown: str) -> None:
    assert tokens(value) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (None, 10, "–"),
        (1, None, "–"),
        (0, 0, "–"),
        (0, 10, "0 %"),
        (1, 100_000, "<1 %"),
        (1, 100, "1 %"),
        (956, 1_000, "96 %"),
        (996, 1_000, "99 %"),
        (99_999, 100_000, "99 %"),
        (10, 10, "100 %"),
        (100_001, 100_000, "101 %"),
    ],
)
def test_percent(part: int | None, whole: int | None, shown: str) -> None:
    assert percent(part, whole) == shown


def test_percent_with_a_tenth() -> None:
    assert percent(22_989_628, 23_836_077, 1) == "96.4 %"
    assert percent(1, 100_000, 1) == "<0.1 %"
    assert percent(99_999, 100_000, 1) == "99.9 %"


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_only_all_is_a_hundred_percent_and_only_nothing_is_zero(part: int, whole: int) -> None:
    assert (percent(part, whole) == "100 %") == (part == whole)
    assert (percent(part, whole) == "0 %") == (part == 0)


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (1, "1ms"),
        (850, "850ms"),
        (1_240, "1.2s"),
        (59_949, "59.9s"),
        (59_950, "1m00s"),
        (184_000, "3m04s"),
        (3_599_600, "1h00m"),
        (8_100_000, "2h15m"),
        (273_600_000, "3d04h"),
        (-1_240, "-1.2s"),
    ],
)
def test_duration(ms: int | None, shown: str) -> None:
    assert duration(ms) == shown


@given(st.integers(0, 10**12))
def test_durations_and_tokens_stay_narrow(value: int) -> None:
    assert len(tokens(value)) <= 6
    assert len(duration(value)) <= 7


def test_sizes_numbers_and_nouns() -> None:
    assert size(512) == "512 B"
    assert size(118_778_901) == "118.8 MB"
    assert size(None) == "–"
    assert number(22_989_628) == "22,989,628"
    assert plural(1, "step") == "1 step"
    assert plural(11_721, "step") == "11,721 steps"
    assert plural(2, "query", "queries") == "2 queries"
