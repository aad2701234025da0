"""The page about reuse in every mean: numerators, denominators, and which mean it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from explorer.tui import humanize
from explorer.tui.widgets.sheet import Row, wrapped

if TYPE_CHECKING:
    from explorer.store.queries import Means

_COVERAGE = {
    "floor": "only full blocks are recorded: the tokens behind the last one are in none and never hit",
    "ceil": "the last block of a prompt holds what is left of it, and counts with that",
    "exact": "prompts end where a block ends",
    "mixed": "prompts of more than one kind: tokens behind the last block are never hit, and none counts twice",
}


PARTS = (
    "Each message, or other part, counts as one, whatever its length. Parts that were not recorded, often system "
    "prompt and tools, are left out, though shared too: this share and a measured one of tokens do not compare."
)
"""What to know of reuse where a format has prompts and no block ids."""

SOME_PARTS = "Some of these are parts of prompts, of any length, of formats without block ids: look at each by itself."


def means_page(found: Means | None, counted: bool, width: int) -> Iterator[Row]:
    """Every way to count hits, in three means each."""
    if found is None:
        yield [("Whose the blocks were is not known here." if counted else "counting …", "note")]
        return
    yield from wrapped(
        f"Reuse on a cache without end: of {humanize.plural(found.blocks, 'block')} in "
        f"{humanize.plural(found.steps, 'prompt')}, {humanize.number(found.input_tokens)} input tokens.",
        width,
    )
    yield []
    wide = width >= 100
    number = 16 if wide else 0
    yield [(f"{'':14}{'of blocks':>{10 + number}}{'of tokens':>{10 + number}}{'mean of steps':>15}", "note")]
    ways = {
        "by arrival": found.hit, "ended": found.causal, "same model": found.same_model, "same agent": found.private
    }  # fmt: skip
    for name, hits in ways.items():
        blocks = f"{humanize.number(hits.blocks):>{number}}" if wide else ""
        tokens = f"{humanize.number(hits.tokens):>{number}}" if wide else ""
        share = humanize.percent(hits.blocks, found.blocks, 1)
        token_share = humanize.percent(hits.tokens, found.input_tokens, 1)
        mean = humanize.percent(hits.mean_step_share, 1, 1)
        yield [(f"  {name:<12}", "strong"), (f"{blocks}{share:>10}{tokens}{token_share:>10}{mean:>15}", "plain")]
    measured = humanize.percent(found.cache_read_tokens, found.measured_input_tokens, 1)
    read = f"{humanize.number(found.cache_read_tokens):>{number}}" if wide else ""
    yield [("  measured    ", "strong"), (f"{'':{10 + number}}{read}{measured:>10}", "plain")]
    yield []
    models = "all have one model" if found.models == 1 else f"{found.models} models"
    for text in (
        "by arrival: leading blocks that any earlier prompt of the namespace has.",
        "ended: that one has whose answer had ended; what is still computed cannot be read.",
        f"same model: that one of the same model has, as a server keeps each model's cache apart ({models}).",
        "same agent: that one of the same agent has, as if every agent had a namespace of its own.",
        "measured: cache reads as recorded, "
        + (
            "which no step here has."
            if found.measured_input_tokens is None
            else f"of {humanize.number(found.measured_input_tokens)} input tokens of the steps that have them."
        ),
        "mean of steps: mean over prompts of hits / blocks, each prompt counting the same.",
        f"Blocks cover {humanize.percent(found.covered_tokens, found.input_tokens, 2)} of the input tokens"
        + (f": {_COVERAGE[found.coverage]}." if found.coverage in _COVERAGE else "."),
        *([PARTS] if found.of_parts else ()),
        "Per agent and conversation in SQL: reuse_means.",
    ):
        yield from wrapped(text, width, "note", "  ", "    ")
