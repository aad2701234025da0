"""Reuse of a node in every mean, on a cache without end. ``Database.compute`` must have been called."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from explorer.model import PROMPT_PARTS
from explorer.store.queries.curves import chosen
from explorer.store.queries.scope import one, scope_of

if TYPE_CHECKING:
    from explorer.store.database import Cursor

_KINDS = ("hit", "causal", "same_model", "private")


class Hits(NamedTuple):
    """Leading blocks that one way of counting finds there."""

    blocks: int
    tokens: int | None
    """None where the size of some block is not recorded."""
    mean_step_share: float
    """Mean over steps of hits / blocks."""


class Means(NamedTuple):
    """The steps with blocks of a node."""

    steps: int
    blocks: int
    input_tokens: int | None
    """None, as the next, where those of some step are not recorded."""
    covered_tokens: int | None
    """Those in recorded blocks."""
    coverage: str | None
    """How block counts follow from tokens, as in ``namespace_audit``; None where conversations differ."""
    models: int
    """Different models of its steps."""
    hit: Hits
    """Any earlier step of the namespace holds them."""
    causal: Hits
    """One does that had ended."""
    same_model: Hits
    """One of the same model does."""
    private: Hits
    """One of the same agent does."""
    cache_read_tokens: int | None
    """As the recorder measured."""
    measured_input_tokens: int | None
    """Of the steps that have it measured."""
    of_parts: bool = False
    """Whether blocks of some are the parts of recorded prompts, of any length."""


def means(cursor: Cursor, node_id: str | None, own: bool = False) -> Means | None:
    """Every mean of a node; None without blocks."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    sums = ", ".join(
        f"sum({kind})::BIGINT, internal.sum_of_all({kind}_tokens), round(avg({kind} / blocks), 12)" for kind in _KINDS
    )
    row = one(
        cursor,
        f"""
        WITH steps_of_it AS (FROM internal.step_means WHERE {chosen(scope, own)})
        SELECT
            count(*), sum(blocks)::BIGINT,
            internal.sum_of_all(input_tokens::HUGEINT), internal.sum_of_all(covered_tokens::HUGEINT),
            (SELECT CASE WHEN count(DISTINCT coverage) = 1 THEN any_value(coverage) END FROM namespace_audit
             WHERE conversation_id IN (SELECT conversation_id FROM steps_of_it)),
            count(DISTINCT coalesce(model, '')),
            internal.whole(sum(cache_read_tokens::HUGEINT)),
            internal.whole(sum(input_tokens::HUGEINT) FILTER (cache_read_tokens IS NOT NULL)),
            EXISTS (FROM internal.conversations WHERE block_scope = '{PROMPT_PARTS}'
                    AND conversation_id IN (SELECT conversation_id FROM steps_of_it)),
            {sums}
        FROM steps_of_it
        """,
    )
    if row is None or not row[0]:
        return None
    steps, blocks, tokens, covered, coverage, models, read, measured, of_parts, *figures = row
    hits = [Hits(*figures[index : index + 3]) for index in range(0, len(figures), 3)]
    return Means(
        steps, blocks, tokens, covered, coverage, models, hits[0], hits[1], hits[2], hits[3], read, measured, of_parts
    )
