"""The timeline's arithmetic: windows, zooming, panning, round labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.tui.time_scale import FINEST, Span, Window, clock, clock_label, fitted, offset, ticks

NEW_YEAR = 1_767_225_600_000  # 2026-01-01 in UTC


class TestWindow:
    def test_everything_fits_and_the_last_moment_is_in_the_last_cell(self) -> None:
        window = fitted(Span(1_000, 9_000), 40)
        assert (window.cell(1_000), window.cell(9_000)) == (0, 39)

    def test_a_span_without_length_has_cells_of_the_finest_width(self) -> None:
        assert fitted(Span(5, 5), 10) == Window(5, FINEST, 10)

    def test_zooming_keeps_the_cell_under_the_cursor_where_it_is(self) -> None:
        span = Span(0, 100_000)
        window = Window(20_000, 100, 100)
        zoomed = window.zoomed(0.5, 60, span)
        assert zoomed.width == 50
        assert window.at(60) <= zoomed.at(60) <= zoomed.at(61) <= window.at(61)

    @pytest.mark.parametrize(("cell", "edge"), [(0, "start"), (99, "end")])
    def test_zooming_at_an_edge_of_the_window_keeps_that_edge(self, cell: int, edge: str) -> None:
        window = Window(20_000, 100, 100)
        assert getattr(window.zoomed(0.5, cell, Span(0, 100_000)), edge) == getattr(window, edge)

    def test_zooming_out_ends_with_everything(self) -> None:
        span = Span(0, 9_000)
        window = Window(4_000, 10, 40)
        for _ in range(20):
            window = window.zoomed(2, 7, span)
        assert window == fitted(span, 40)

    def test_zooming_in_ends_at_a_millisecond_a_cell(self) -> None:
        window = fitted(Span(0, 9_000), 40)
        for _ in range(20):
            window = window.zoomed(0.5, 7, Span(0, 9_000))
        assert window.width == FINEST

    def test_panning_stops_at_both_ends(self) -> None:
        span = Span(0, 1_000)
        window = Window(400, 10, 20)
        assert window.panned(5, span).start == 450
        assert window.panned(-999, span).start == 0
        last = window.panned(999, span)
        assert last.cell(1_000) == 19 or last.end >= 1_000

    def test_another_width_shows_the_same_time_and_everything_stays_everything(self) -> None:
        span = Span(0, 1_000)
        assert fitted(span, 40).resized(80, span) == fitted(span, 80)
        window = Window(400, 10, 20).resized(40, span)
        assert (window.start, window.end) == (400, 600)

    def test_a_screen_without_room_for_a_cell_forgets_nothing(self) -> None:
        span = Span(0, 1_000)
        gone = Window(400, 10, 20).resized(-5, span)
        assert (gone.cells, gone.start, gone.end) == (1, 400, 600)
        back = gone.resized(20, span)
        assert (back.start, back.end) == (400, 600)
        assert fitted(span, 20).resized(0, span).resized(20, span) == fitted(span, 20)

    @given(
        st.integers(-(10**13), 10**13), st.integers(0, 10**12), st.integers(1, 300),
        st.lists(st.tuples(st.sampled_from(["zoom", "pan"]), st.floats(0.1, 10), st.integers(0, 299)), max_size=8),
    )  # fmt: skip
    def test_no_key_leads_out_of_the_span(
        self, start: int, length: int, cells: int, keys: list[tuple[str, float, int]]
    ) -> None:
        span = Span(start, start + length)
        whole = window = fitted(span, cells)
        for key, factor, cell in keys:
            cell = min(cell, cells - 1)
            window = window.zoomed(factor, cell, span) if key == "zoom" else window.panned(cell - cells // 2, span)
            assert FINEST <= window.width <= whole.width
            assert window.start >= span.start
            assert window.end <= whole.end + whole.width
            assert window.cells == cells


class TestTicks:
    def test_labels_stand_at_round_times(self) -> None:
        assert ticks(fitted(Span(0, 9_000), 40), wall=False) == [
            (0, "0"), (8, "+2s"), (17, "+4s"), (26, "+6s"), (35, "+8s")
        ]  # fmt: skip

    def test_the_wall_clock_has_its_own(self) -> None:
        start = NEW_YEAR + 14 * 3_600_000
        assert [tick.label for tick in ticks(Window(start, 60_000, 40), wall=True)] == [
            "14:00", "14:10", "14:20", "14:30"
        ]  # fmt: skip

    def test_midnight_is_a_date(self) -> None:
        window = Window(NEW_YEAR - 7_200_000, 200_000, 80)
        assert "Jan 01" in [tick.label for tick in ticks(window, wall=True)]

    @given(st.integers(0, 10**12), st.floats(1, 10**8), st.integers(1, 300), st.booleans())
    def test_labels_never_touch_and_never_leave_the_axis(
        self, start: int, width: float, cells: int, wall: bool
    ) -> None:
        found = ticks(Window(start, width, cells), wall)
        end = -1
        for cell, label in found:
            assert cell > end
            end = cell + len(label)
            assert end <= cells


@pytest.mark.parametrize(
    ("ms", "step", "text"),
    [
        (0, 1, "0"),
        (250, 50, "+250ms"),
        (1_250, 50, "+1.25s"),
        (60_050, 50, "+1m00.05s"),
        (303_000, 1_000, "+5m03s"),
        (3_600_000, 60_000, "+1h"),
        (3_603_000, 1_000, "+1h00m03s"),
        (5_400_000, 60_000, "+1h30m"),
        (90_000_000, 3_600_000, "+1d01h"),
        (86_405_000, 1_000, "+1d00h00m05s"),
        (-1_500, 1, "-1.5s"),
    ],
)
def test_time_since_the_start_is_as_exact_as_the_axis(ms: int, step: int, text: str) -> None:
    assert offset(ms, step) == text


def test_the_time_of_day_is_as_exact_as_the_axis() -> None:
    ms = NEW_YEAR + 1_250
    assert clock_label(ms, 50) == "00:00:01.250"
    assert clock_label(ms, 1_000) == "00:00:01"
    assert clock_label(ms, 60_000) == "00:00"
    assert clock_label(NEW_YEAR, 86_400_000) == "Jan 01"
    assert clock_label(NEW_YEAR, 100 * 86_400_000) == "2026-01-01"
    assert clock(ms) == "2026-01-01 00:00:01.250 UTC"


def test_a_time_that_no_calendar_has_is_not_shown_as_one() -> None:
    assert clock(9e18) == "a time out of range"
    assert clock_label(float("nan"), 1_000) == "?"
