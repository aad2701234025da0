"""Conversations and their totals, over the runs that a filter keeps: the answer of ``--summary``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from explorer.store.readonly import FilterError, QueryError, check_filter, explained

if TYPE_CHECKING:
    from explorer.store.database import Cursor


class SummaryRow(NamedTuple):
    """One conversation, or the sum of all (without ids). None is "not recorded"."""

    conversation_id: str | None
    title: str | None
    format: str | None
    agents: int
    """With a filter, those of kept runs; without one all, also those of which no run is recorded."""
    sub_agents: int
    runs: int
    steps: int
    tool_calls: int | None
    input_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    blocks: int | None
    """Blocks in all prompts."""
    hit_own: int | None
    hit_ancestor: int | None
    hit_sibling: int | None
    hit_other: int | None
    reuse: float | None
    """(own + ancestor + sibling + other) / blocks"""
    distinct_blocks: int | None
    """Over the whole conversation, whatever the filter keeps."""
    perfect_document: int | bool | None
    """Whether ids appear first in the order of their numbers, in the order of the record; in the sum, how many do."""
    perfect_parent_first: int | bool | None
    perfect_start_time: int | bool | None
    repeated_steps: int
    """Of its steps, those that another conversation further up in the tree has too (see ``forked_captures``)."""
    repeated_input_tokens: int | None
    """In these steps, as the two below; None without any."""
    repeated_output_tokens: int | None
    repeated_blocks: int | None
    findings: int
    """Of the kept runs, of their agents and of the conversation itself."""


_CHOSEN = """r.run_id IN (SELECT run_id FROM run_totals WHERE (
{where}
))"""
"""A filter is over the columns of ``run_totals``, and they take long to resolve: only where there is a filter."""

_ROWS = """
WITH kept AS (
    SELECT r.*, internal.is_sub_agent(l.depth, a.recorded_parent) AS is_sub_agent
    FROM internal.runs AS r
    JOIN internal.run_lines AS l USING (run_id)
    JOIN internal.agents AS a USING (agent_id)
    WHERE r.run_id NOT IN (FROM internal.ancestors) AND {chosen}
),
per_conversation AS (
    SELECT
        conversation_id,
        count(DISTINCT agent_id) AS agents, count(DISTINCT agent_id) FILTER (is_sub_agent) AS sub_agents,
        count(*) FILTER (NOT is_replay) AS runs, sum(steps)::BIGINT AS steps, sum(tool_calls)::BIGINT AS tool_calls,
        sum(input_tokens)::BIGINT AS input_tokens, sum(cache_read_tokens)::BIGINT AS cache_read_tokens,
        sum(cache_write_tokens)::BIGINT AS cache_write_tokens, sum(output_tokens)::BIGINT AS output_tokens,
        sum(reasoning_tokens)::BIGINT AS reasoning_tokens, sum(blocks)::BIGINT AS blocks,
        sum(hit_own)::BIGINT AS hit_own, sum(hit_ancestor)::BIGINT AS hit_ancestor,
        sum(hit_sibling)::BIGINT AS hit_sibling, sum(hit_other)::BIGINT AS hit_other,
        count(*) = any_value(runs_of_conversation) AS whole
    FROM kept
    JOIN (SELECT conversation_id, count(*) AS runs_of_conversation FROM internal.runs GROUP BY conversation_id)
        USING (conversation_id)
    GROUP BY conversation_id
    UNION ALL BY NAME
    -- Without a run, as of a file that was cut before its first turn: no filter over runs keeps these.
    SELECT conversation_id, 0 AS agents, 0 AS sub_agents, 0 AS runs, 0 AS steps, true AS whole
    FROM internal.conversations
    WHERE {unfiltered} AND conversation_id NOT IN (SELECT conversation_id FROM internal.runs)
),
everyone AS (
    SELECT
        a.conversation_id, count(*) AS agents,
        count(*) FILTER (internal.is_sub_agent(n.depth - 1, a.recorded_parent)) AS sub_agents
    FROM internal.agents AS a
    LEFT JOIN internal.nodes AS n ON n.kind = 'agent' AND n.agent_id = a.agent_id
    WHERE {unfiltered}
    GROUP BY a.conversation_id
),
again AS (
    SELECT
        conversation_id, count(*) AS steps, internal.whole(sum(input_tokens)) AS input_tokens,
        internal.whole(sum(output_tokens)) AS output_tokens, internal.whole(sum(blocks)) AS blocks
    FROM internal.repeated
    WHERE run_id IN (SELECT run_id FROM kept)
    GROUP BY conversation_id
),
found AS (
    SELECT n.conversation_id, count(*) AS findings
    FROM internal.placed_findings AS f
    JOIN internal.nodes AS n USING (position)
    WHERE CASE
        WHEN f.run_id IS NOT NULL THEN f.run_id IN (SELECT run_id FROM kept)
        WHEN f.agent_id IS NOT NULL THEN f.agent_id IN (SELECT agent_id FROM kept)
            OR ({unfiltered} AND f.agent_id NOT IN (SELECT agent_id FROM internal.runs))
        ELSE true
    END
    GROUP BY n.conversation_id
)
SELECT
    p.conversation_id, c.title, c.format,
    p.* EXCLUDE (conversation_id, whole) REPLACE (
        CASE WHEN p.whole THEN coalesce(e.agents, p.agents) ELSE p.agents END AS agents,
        CASE WHEN p.whole THEN coalesce(e.sub_agents, p.sub_agents) ELSE p.sub_agents END AS sub_agents,
        -- With all of its runs, a conversation has what recorders summed up over several of them, too.
        CASE WHEN p.whole THEN coalesce(t.total_tool_calls, p.tool_calls) ELSE p.tool_calls END AS tool_calls,
        CASE WHEN p.whole THEN coalesce(t.total_input_tokens, p.input_tokens) ELSE p.input_tokens END AS input_tokens,
        CASE WHEN p.whole THEN coalesce(t.total_output_tokens, p.output_tokens) ELSE p.output_tokens END
            AS output_tokens
    ),
    (p.hit_own + p.hit_ancestor + p.hit_sibling + p.hit_other) / p.blocks,
    a.distinct_blocks,
    CASE WHEN internal.is_numbered(a.scope) THEN a.perfect_document END,
    CASE WHEN internal.is_numbered(a.scope) THEN a.perfect_parent_first END,
    CASE WHEN internal.is_numbered(a.scope) THEN a.perfect_start_time END,
    coalesce(g.steps, 0), g.input_tokens, g.output_tokens, g.blocks,
    coalesce(f.findings, 0)
FROM per_conversation AS p
JOIN internal.conversations AS c USING (conversation_id)
JOIN internal.nodes AS t ON t.kind = 'conversation' AND t.conversation_id = p.conversation_id
LEFT JOIN namespace_audit AS a USING (conversation_id)
LEFT JOIN everyone AS e USING (conversation_id)
LEFT JOIN again AS g USING (conversation_id)
LEFT JOIN found AS f USING (conversation_id)
ORDER BY c.title, p.conversation_id
"""


def summary(cursor: Cursor, where: str | None = None) -> list[SummaryRow]:
    """A row for each conversation with a kept run, and without a filter for each, by title; the sum of all last.

    Raises:
        FilterError: ``where`` is not a DuckDB boolean over the columns of ``run_totals``.
    """
    where = where if where and where.strip() else None
    if where is not None:
        try:
            check_filter(cursor, where, "run_totals")
        except QueryError as error:
            raise FilterError(error.message, error.position) from None
    chosen = _CHOSEN.format(where=where) if where else "true"
    query = _ROWS.format(chosen=chosen, unfiltered="false" if where else "true")
    try:
        with explained(query):
            rows = [SummaryRow(*row) for row in cursor.execute(query).fetchall()]
    except QueryError as error:  # of this row or that: the position is in our query, not in the filter
        raise FilterError(error.message) from None
    return [*rows, _total(rows)]


_COUNTS = ("agents", "sub_agents", "runs", "steps", "repeated_steps", "findings")


def _total(rows: list[SummaryRow]) -> SummaryRow:
    sums: dict[str, int | None] = {}
    for field in SummaryRow._fields[3:]:
        values = [value for row in rows if (value := getattr(row, field)) is not None]
        sums[field] = sum(values) if values or field in _COUNTS else None
    blocks = sums["blocks"]
    hits = [sums[field] or 0 for field in ("hit_own", "hit_ancestor", "hit_sibling", "hit_other")]
    sums["reuse"] = sum(hits) / blocks if blocks else None  # type: ignore[assignment]  # the one ratio among the sums
    return SummaryRow(None, None, None, **sums)  # type: ignore[arg-type]  # named by the fields themselves
