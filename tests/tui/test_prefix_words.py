"""Prefix trees, two runs and single blocks in words."""

from __future__ import annotations

from explorer.store.queries import Limb, Named, Passport, Piece, PrefixTree, Reader, Use
from explorer.tui.pair_words import lay_out_passport
from explorer.tui.prefix_words import lay_out_prefixes
from explorer.tui.widgets.picker import Line

RUN = Named("r", "Explore", "Explore", None)


def leaf(blocks: int) -> PrefixTree:
    use = Use(RUN, 1, 0, None)
    return PrefixTree("x", "c", 2, 2, 0, [Limb(None, 0, 0, blocks, 15_132, [Piece(0, 0, blocks, use)], [use], 1)])


def told(lines: list[Line]) -> str:
    return " ".join(
        "".join(text for text, _ in row).strip() + (f" {aim.tells}" if aim is not None else "") for row, aim in lines
    )


def test_a_first_prompt_of_one_block_is_not_said_to_share_nothing() -> None:
    one, two = (told(list(lay_out_prefixes(leaf(blocks), True, 120))) for blocks in (1, 2))
    assert "cannot be told" in one
    assert "in Reuse (r)" in one
    assert "shares nothing" not in one
    assert "shares nothing with others: 2 blocks (15,132 tokens)" in two


def test_a_block_of_one_prompt_is_not_said_to_be_in_use() -> None:
    once = Passport("c", 7, 0, 7, 7, [Reader(RUN, 1, 1, 0, 1, 0, None, None)], 1, 0, None)
    text = told(list(lay_out_passport(once, 120)))
    assert "No other prompt holds it" in text
    assert "In use for" not in text
