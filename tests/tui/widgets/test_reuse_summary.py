from hypothesis import given
from hypothesis import strategies as st

from explorer.store.queries import ColdStart, ReuseTotals, SiblingMatrix
from explorer.tui.chart import apportion
from explorer.tui.widgets.reuse_summary import lay_out_reuse, shares

TOTALS = ReuseTotals(
    steps=157, blocks=23_836_077, own=22_000_000, ancestor=900_000, sibling=89_628, other=0, fresh=700_000,
    behind=146_449, input_tokens=1_500_000_000, own_tokens=1_400_000_000, ancestor_tokens=60_000_000,
    sibling_tokens=5_000_000, other_tokens=0, cache_read_tokens=None, mean_step_share=0.91,
)  # fmt: skip


def words(totals: ReuseTotals | None, unit: str = "blocks", width: int = 100, group: object = None) -> str:
    rows = lay_out_reuse(totals, group, unit, width)  # type: ignore[arg-type]
    return "\n".join("".join(text for text, _ in row) for row in rows)


def test_the_headline_names_numerator_denominator_and_mean() -> None:
    page = words(TOTALS)
    assert "Could have hit 96.4 % of blocks" in page
    assert "block-weighted: 22,989,628 of 23,836,077 blocks" in page
    assert "each counted alike: 91.0 %" in page
    assert "Did hit: – (the recorder measured no cache reads)" in page
    # Own hits are all that is left: 22,000,000 of 23,836,077.
    assert "with a namespace for each agent, as some loaders have it: 92.3 %, 989,628 blocks fewer" in page


def test_parts_of_prompts_are_no_cache_that_a_measured_share_could_exceed() -> None:
    parts = TOTALS._replace(
        steps=4, blocks=19, own=10, ancestor=0, sibling=1, fresh=8, behind=0, input_tokens=87_080, own_tokens=None,
        cache_read_tokens=77_428, part_blocks=19,
    )  # fmt: skip
    page = words(parts, width=57)
    assert "There before: 57.9 % of the recorded parts of prompts" in page
    assert "Could have hit" not in page and "cache without" not in page and "endless" not in page
    assert "do not compare" in " ".join(page.split())
    assert "52.6 %, 1 part fewer" in " ".join(page.split())
    assert "Could have hit" in words(parts._replace(part_blocks=5)), "not where others have block ids"
    assert "b counts parts" in words(parts, "tokens")


def test_tokens_are_measured_against_the_input() -> None:
    page = words(TOTALS._replace(cache_read_tokens=750_000_000), "tokens")
    assert "of input tokens" in page
    assert "1,465,000,000 of 1,500,000,000" in page
    assert "Did hit 50.0 %: 750,000,000 of 1,500,000,000 input tokens" in page


def test_what_was_cached_of_an_input_that_is_not_recorded_has_no_share():
    page = words(TOTALS._replace(cache_read_tokens=37_147, input_tokens=None))
    assert "Did hit: 37,147 tokens, as the recorder measured; of how many is unknown: input not recorded" in page


def test_unknown_block_sizes_are_not_taken_for_zero() -> None:
    page = words(
        TOTALS._replace(own_tokens=None, ancestor_tokens=None, sibling_tokens=None, other_tokens=None), "tokens"
    )
    assert "Could have hit – of input tokens" in page
    assert "0.0 %" not in page


def test_prompts_that_were_not_recorded_are_not_taken_for_empty_ones() -> None:
    nothing = (None,) * 6
    runs = [ColdStart(f"r{i}", f"n{i}", "Explore", None, i, 9_000, *nothing, None) for i in range(2)]
    group = (SiblingMatrix(runs, [None] * 2, [[None] * 2] * 2, [[None] * 2] * 2, "main"), 2)
    rows = words(TOTALS, group=group).splitlines()[-2:]
    assert [row.split() for row in rows] == [[f"{i}", "Explore", *"–––––––"] for i in (1, 2)]


def test_one_child_is_an_only_child() -> None:
    one = ColdStart("r", "n", "Explore", None, 0, 9_000, *(None,) * 6, None)
    group = (SiblingMatrix([one], [None], [[None]], [[None]], "lead run 2"), 1)
    assert "First steps of the only child of lead run 2" in words(TOTALS, group=group)


def test_nothing_is_claimed_without_blocks() -> None:
    assert "cannot be told" in words(None)


def test_the_parts_are_the_whole() -> None:
    assert sum(share.amount for share in shares(TOTALS, "blocks")) == TOTALS.blocks
    assert sum(share.amount for share in shares(TOTALS, "tokens")) == TOTALS.input_tokens


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), st.integers(6, 200))
def test_the_bar_is_exactly_as_wide_and_shows_everything_there_is(amounts: list[int], cells: int) -> None:
    result = apportion(amounts, cells)
    assert sum(result) == (cells if any(amounts) else 0)
    assert all((count > 0) == (amount > 0) for count, amount in zip(result, amounts, strict=True))


def test_the_cold_start_table_keeps_what_matters_on_a_narrow_screen() -> None:
    runs = [
        ColdStart(f"r{i}", f"n{i}", "Explore", f"agent_{i:03}", i, 9_000, 154, 0, 3, 150 * (i > 0), 0, 1, None)
        for i in range(2)
    ]
    group = (SiblingMatrix(runs, [9, 9], [[9, 3], [3, 9]], [[1, 1], [1, 1]], "main"), 2)
    narrow = words(TOTALS, width=50, group=group)
    assert "First steps of the 2 children of main" in narrow
    assert "Explore agent_001" in narrow
    for head in ("parent", "sibling", "new"):
        assert head in narrow
    assert "cached" not in narrow
    assert "cached" in words(TOTALS, width=100, group=group)


def test_what_a_cache_was_measured_to_do_stays_and_columns_of_nothing_go() -> None:
    first = ColdStart("r0", "n0", "general-purpose", "Review the parsers", 0, 9_000, 1, 0, 0, 0, 0, 1, 0, "wrote")
    runs = [first, first._replace(run_id="r1", node_id="n1", cached_tokens=8_000, cache="read")]
    group = (SiblingMatrix(runs, [1, 1], [[1, 0], [0, 1]], [[1, 0], [0, 1]], "main"), 2)
    head, *rows = words(TOTALS, width=50, group=group).splitlines()[-3:]
    assert head.split() == ["blocks", "new", "cached", "cache"]
    assert [row.split()[-2:] for row in rows] == [["0", "wrote"], ["8.0k", "read"]]


def test_who_missed_the_cache_is_said_with_the_reason() -> None:
    first = ColdStart("r0", "n0", "Explore", None, 0, 9_000, 4, 0, 0, 0, 0, 4, 0, "wrote")
    second = first._replace(run_id="r1", node_id="n1", cache="missed", why="asked before the first answer began")
    shown = words(
        TOTALS, width=100, group=(SiblingMatrix([first, second], [4, 4], [[4, 0], [0, 4]], [[4, 0], [0, 4]], "main"), 2)
    )
    assert "wrote" in shown
    assert "2 missed what its siblings had cached: asked before the first answer began" in shown
