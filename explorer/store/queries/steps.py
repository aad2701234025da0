"""Lists below a node: its steps and its findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.store.queries.scope import one, scope_of
from explorer.store.queries.shapes import FindingRow

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.store.database import Cursor


def steps(cursor: Cursor, node_id: str | None, own: bool = True) -> pa.Table:
    """The steps of a node (of everything below too unless ``own``), in order of time, as Arrow.

    Columns: ``#`` (ordinal), ``conversation`` and ``run`` (their names; only for several), ``start`` (ms from the
    conversation's start), ``took`` (ms), ``wait`` (ms), ``model``, ``input``, ``cached`` (measured), ``output``,
    ``reasoning``, ``blocks``, ``own``, ``ancestor``, ``sibling``, ``other``, ``new``, ``stop``, ``error``,
    ``failed tools`` (how many of its tool calls failed; None rather than 0), ``grade``, ``may belong to`` (the runs
    among which an ambiguous step is), ``run_id``, ``replay``. Several conversations come one after the other. Of
    an agent that seems to be hidden in a run, they are those that seem to be its own.
    """
    scope = scope_of(cursor, node_id)
    hidden = scope.chain if scope else None
    condition = scope.runs(own or hidden is not None) if scope else "false"
    several = one(cursor, f"SELECT count(*) > 1 FROM (FROM internal.run_lines WHERE {condition} LIMIT 2)")
    run = "concat_ws(' ', l.name, l.label) AS run," if several and several[0] else ""
    if scope is not None and scope.kind == "all" and one(cursor, "SELECT count(*) FROM conversations") != (1,):
        run = "l.conversation, " + run
    return cursor.sql(
        f"""
        WITH chosen AS (
            SELECT r.run_id, r.conversation_position, r.position, n.name, n.label, c.name AS conversation
            FROM internal.run_lines AS r
            JOIN internal.nodes AS n USING (position)
            JOIN internal.nodes AS c ON c.position = r.conversation_position
            WHERE r.run_id IN (SELECT run_id FROM internal.run_lines WHERE {condition})
        ),
        candidates AS (
            SELECT run_id, ordinal, unnest(try(from_json(candidates, '["VARCHAR"]'))) AS candidate
            FROM steps
            WHERE candidates IS NOT NULL AND run_id IN (SELECT run_id FROM chosen)
        ),
        among AS (
            SELECT
                c.run_id,
                c.ordinal,
                'any of: ' || string_agg(
                    coalesce(nullif(internal.called(n.kind, n.name, n.label, a.name), ''), c.candidate),
                    ', ' ORDER BY c.candidate <> c.run_id, r.position
                ) AS runs
            FROM candidates AS c
            LEFT JOIN internal.run_lines AS r ON r.run_id = c.candidate
            LEFT JOIN internal.nodes AS n ON n.position = r.position
            LEFT JOIN internal.nodes AS a ON a.position = r.agent_position
            GROUP BY c.run_id, c.ordinal
        ),
        failed AS (
            SELECT run_id, step_ordinal AS ordinal, count(*) AS tools
            FROM tool_calls
            WHERE is_error AND run_id IN (SELECT run_id FROM chosen)
            GROUP BY ALL
        )
        SELECT
            s.ordinal AS "#",
            {run}
            s.start_ms AS start,
            s.end_ms - s.start_ms AS took,
            s.wait_ms AS wait,
            coalesce(s.model, s.request_model) AS model,
            s.input_tokens AS input,
            s.cache_read_tokens AS cached,
            s.output_tokens AS output,
            s.reasoning_tokens AS reasoning,
            u.blocks,
            u.hit_own AS own,
            u.hit_ancestor AS ancestor,
            u.hit_sibling AS sibling,
            u.hit_other AS other,
            u.blocks - u.hit_own - u.hit_ancestor - u.hit_sibling - u.hit_other AS new,
            s.finish_reason AS stop,
            s.error,
            f.tools AS "failed tools",
            s.grade,
            m.runs AS "may belong to",
            s.run_id,
            s.is_replay AS replay
        FROM steps AS s
        JOIN chosen AS l USING (run_id)
        LEFT JOIN step_reuse AS u ON u.run_id = s.run_id AND u.ordinal = s.ordinal
        LEFT JOIN among AS m ON m.run_id = s.run_id AND m.ordinal = s.ordinal
        LEFT JOIN failed AS f ON f.run_id = s.run_id AND f.ordinal = s.ordinal
        WHERE {"true" if hidden is None else _HIDDEN.format(chain=hidden)}
        ORDER BY l.conversation_position, s.start_ms NULLS LAST, l.position, s.ordinal
        """
    ).to_arrow_table()


_HIDDEN = """(s.run_id, s.ordinal) IN (
    SELECT (run_id, unnest(from_json(ordinals, '["BIGINT"]'))) FROM hidden_agents WHERE chain = {chain}
)"""


def findings(cursor: Cursor, node_id: str | None, limit: int = 5_000) -> tuple[list[FindingRow], int]:
    """Findings of a node and everything below (all for None), worst first, and how many there are in all."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return [], 0
    rows = cursor.execute(
        f"""
        SELECT f.finding_id, f.code, f.severity, f.source_id, f.line, n.node_id, f.run_id, f.step_ordinal, f.message
        FROM internal.placed_findings AS f
        LEFT JOIN internal.nodes AS n USING (position)
        WHERE {scope.lines}
        ORDER BY
            list_position(['error', 'warning', 'info'], f.severity), f.position NULLS LAST, f.source_id, f.line,
            f.step_ordinal, f.finding_id
        LIMIT $1
        """,
        [limit],
    ).fetchall()
    total = one(cursor, f"SELECT count(*) FROM internal.placed_findings WHERE {scope.lines}")
    return [FindingRow(*row) for row in rows], total[0] if total else 0
