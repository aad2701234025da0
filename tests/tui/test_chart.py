"""Plots of characters."""

from __future__ import annotations

import pytest

from explorer.tui.chart import Axis, Label, areas, axis, column_of, log_scale, moved, round_numbers


def test_each_column_of_a_logarithmic_scale_is_as_many_times_the_one_before() -> None:
    assert log_scale(1, 256, 9) == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert log_scale(10, 10, 3) == [10, 10, 10]
    assert log_scale(0, 0, 2) == [1, 1]
    assert log_scale(3, 100, 1) == [100]


@pytest.mark.parametrize(("value", "by", "to"), [(4, 1, 8), (4, -1, 2), (5, 1, 16), (1, -1, 1), (16, 9, 16), (1, 2, 4)])
def test_the_cursor_moves_by_columns_and_stays_on_the_scale(value: int, by: int, to: int) -> None:
    assert moved([1, 2, 4, 8, 16], value, by) == to


def test_the_cursor_passes_columns_that_are_alike() -> None:
    scale = [1, 1, 1, 2, 2, 3]
    assert (moved(scale, 1, 1), moved(scale, 2, 1), moved(scale, 3, -1), moved(scale, 2, -1)) == (2, 3, 2, 1)


def test_labels_stand_where_their_value_is_and_never_touch() -> None:
    scale = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
    labels = [Label(4, "4"), Label(8, "8"), Label(32, "32"), Label(600, "600"), Label(256, "256")]
    assert axis(scale, labels) == Axis("──┴──┴────", "  4  32   ")
    assert axis(scale, labels[:1], "MiB").labels == "  4    MiB"
    assert column_of(scale, 5) == 3


def test_the_lowest_area_ends_at_eighths_and_others_are_told_apart_by_their_fill() -> None:
    assert areas([[0.0, 0.25, 0.5, 1.0]], 2) == ["   █", " ▄██"]
    assert areas([[0.25, 0.5], [0.5, 1.0], [1.0, 1.0]], 4) == ["░▒", "░▒", "▒█", "██"]


def test_something_is_never_drawn_as_nothing_and_what_is_hidden_not_at_all() -> None:
    assert areas([[0.0001]], 3) == [" ", " ", "▁"]
    assert areas([[0.9], [0.1]], 2) == ["▆", "█"]


def test_round_numbers_come_in_the_order_of_their_roundness() -> None:
    assert round_numbers(60) == [1, 10, 5, 50, 2, 20]
