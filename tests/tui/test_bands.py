"""Hundreds of siblings in the timeline: which rows they are clustered into, and what these say."""

from __future__ import annotations

from explorer.store.queries import Lane, Timeline
from explorer.tui.bands import bands_of
from explorer.tui.lanes import Row, folded_down, name_of, row_at, rows_of
from explorer.tui.time_scale import Window
from explorer.tui.timeline_words import what, where
from tests.tui.test_lanes import NOTHING, lane, timeline


def crowd(children: int, listed: int | None = None) -> Timeline:
    """A run with children of a second each, one after the other; the third has a child of its own."""
    grandchild = 4
    lanes = [lane(0, "root", 0, 10**6, last=children + 1, runs=children + 2, name="main")]
    position = 1
    for i in range(children):
        own = i == 2
        start = 1_000 * i
        lanes.append(lane(position, f"r{i}", start, start + 1_000, depth=1, last=position + own, runs=1 + own,
                          name="Explore", label=f"agent_{i:03}"))  # fmt: skip
        position += 1
        if own:
            assert position == grandchild
            lanes.append(lane(position, "grandchild", start, start + 500, depth=2, name="Plan"))
            position += 1
    kept = lanes[: listed or len(lanes)]
    return timeline(*kept, lines=len(lanes))


def shown(lanes: Timeline, folded: set[str]) -> list[Row]:
    return rows_of(lanes, folded, False)


def names(rows: list[Row]) -> list[str]:
    return [name_of(row, 60) for row in rows]


def test_up_to_a_hundred_siblings_have_a_row_each() -> None:
    assert bands_of(crowd(100).lanes) == []


def test_hundreds_are_clustered_in_rows_of_some_dozens_that_cover_every_line_once() -> None:
    lanes = crowd(130)
    rows = shown(lanes, folded_down(lanes))
    assert names(rows) == [
        "▾ main",
        " ▸ 26 runs agent_000 to agent_024",  # with the grandchild
        " ▸ 25 runs agent_025 to agent_049",
        " ▸ 25 runs agent_050 to agent_074",
        " ▸ 25 runs agent_075 to agent_099",
        " ▸ 25 runs agent_100 to agent_124",
        " ▸ 5 runs agent_125 to agent_129",
    ]
    covered = [position for row in rows[1:] for position in range(row.first, row.last + 1)]
    assert covered == list(range(1, 132))
    assert len({row.id for row in rows}) == len(rows)


def test_one_that_is_opened_has_a_row_for_each_further_in() -> None:
    lanes = crowd(130)
    folded = folded_down(lanes)
    second = shown(lanes, folded)[2]
    rows = names(shown(lanes, folded - {second.fold_id}))
    assert rows[2:5] == [" ▾ 25 runs agent_025 to agent_049", "    Explore agent_025", "    Explore agent_026"]
    assert rows[27:29] == ["    Explore agent_049", " ▸ 25 runs agent_050 to agent_074"]


def test_folding_their_parent_hides_all_of_them() -> None:
    lanes = crowd(130)
    assert names(shown(lanes, folded_down(lanes) | {"root"})) == ["  main", " ▸ 131 runs below"]


def test_thousands_are_no_more_rows_than_a_few_screens() -> None:
    assert len(bands_of(crowd(4_000).lanes)) == 40


def test_what_is_beyond_the_lines_that_were_read_is_one_more_row_that_counts_it() -> None:
    lanes = crowd(400, listed=202)  # the root, 200 children, the grandchild
    rows = shown(lanes, folded_down(lanes))
    assert names(rows)[-2] == "   200 runs after agent_199, not listed one by one"
    assert (rows[-2].first, rows[-2].last, rows[-2].foldable) == (202, 401, False)
    assert rows[-1].kind == "note"


def test_a_line_is_found_in_the_row_that_it_is_folded_into() -> None:
    lanes = crowd(130)
    rows = shown(lanes, folded_down(lanes))
    assert [row_at(rows, position) for position in (0, 4, 131, 999, None)] == [0, 1, 6, None, None]


def test_the_words_tell_whose_runs_and_when() -> None:
    lanes = crowd(130)
    row = shown(lanes, folded_down(lanes))[2]
    window = Window(0, 10_000, 10)
    assert where(row, window, 0, False).startswith("25 runs of main: agent_025 to agent_049 · at 0 from the start")
    assert what(row, None, NOTHING, 0, False) == "0 runs at once · 25 runs, +25s to +50s, 25.0s"
    assert what(row, None, None, 0, False) == "reading …"


def test_names_of_traces_are_made_safe() -> None:
    lanes = [lane(0, "root", last=101, runs=102), *(lane(i, f"r{i}", depth=1, label="\x1b[31m") for i in range(1, 102))]
    rows = shown(timeline(*lanes), folded_down(timeline(*lanes)))
    assert "\x1b" not in "".join(names(rows)) + where(rows[1], Window(0, 1, 1), 0, False)


def _is_a_lane(made: Lane) -> bool:
    return made.run_id is None


def test_a_band_is_no_run() -> None:
    assert all(_is_a_lane(band.lane) for band in bands_of(crowd(130).lanes))
