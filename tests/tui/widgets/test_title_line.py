"""The counts of the first line, where there is less and less room."""

from __future__ import annotations

from explorer.store.queries import Counts
from explorer.tui.widgets.title_line import counts_in_words

SAMPLES = Counts(101, 211, 110, 250, 1_034, 3, 90, 14, 13, 2, 32, 80, 79, 0, 0)


def test_what_there_is_no_room_for_is_left_out_and_the_rest_stays_readable() -> None:
    whole, short, *shorter = counts_in_words(SAMPLES, True)
    assert whole.endswith("3 replayed, not counted · 14 files read in part · 15 files skipped · 191 findings ✖")
    assert short.endswith("15 skipped · 191 findings ✖")
    assert shorter[1:] == [
        "101 conv · 110 sub-agents · 1.0k steps · 14 partial · 15 skipped · 32 errors",
        "101 conv · 110 sub-agents · 1.0k steps · 15 skipped · 32 errors",
        "101 conv · 1.0k steps · 15 skipped · 32 errors",
        "101 conv · 15 skipped · 32 errors",
    ]


def test_the_shortest_fits_sixty_columns_beside_a_path() -> None:
    most = Counts(*[999_999_999] * 15)
    assert len(list(counts_in_words(most, False))[-1]) <= 60 - 4 - 12


def test_findings_are_told_by_the_worst_of_them() -> None:
    def last(**values: int) -> str:
        return list(counts_in_words(SAMPLES._replace(**values), False))[-1]

    assert last(errors=0, warnings=1) == "… 101 conv · 15 skipped · 1 warning"
    assert last(errors=0, warnings=0).endswith("79 infos")
    assert last(errors=0, warnings=0, infos=0).endswith("15 skipped")
