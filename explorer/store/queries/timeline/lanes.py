"""The lanes of a node: its lines of the tree with the time each spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.store.queries.scope import one, scope_of
from explorer.store.queries.timeline.placed import parts_of
from explorer.store.queries.timeline.shapes import Lane, Timeline

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.shapes import TreeView

LANES = 5_000
"""Lines that are read at most."""


def timeline(cursor: Cursor, tree: TreeView, node_id: str | None, own: bool = False) -> Timeline:
    """The lanes at a node and below it; with ``own``, those of its own runs."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return Timeline([], 0, 0, 0, 0, 0, None, None, None, None, None)
    parts = parts_of(tree, scope, own)
    lanes = [Lane(*row) for row in cursor.execute(_LANES.format(**parts, limit=LANES)).fetchall()]
    totals = one(cursor, _TOTALS.format(**parts))
    assert totals is not None
    return Timeline(lanes, *totals)


_LANES = """
    WITH {chosen},
    rows AS (
        SELECT n.position, n.last, n.depth, n.kind, n.node_id, n.run_id, n.name, n.label, n.status, t.kept,
            n.conversation_id
        FROM internal.nodes AS n
        JOIN {tree} AS t USING (position)
        WHERE {lines}
        ORDER BY position
        LIMIT {limit}
    ),
    timed AS (
        SELECT
            h.run_id, h.position, s.conversation_id, s.parent_run_id, s.is_open, r.time_grade,
            r.end_ms IS NOT NULL AS end_recorded,
            coalesce(s.start_ms, s.end_ms)::DOUBLE AS start,
            greatest(coalesce(s.end_ms, s.start_ms), coalesce(s.start_ms, s.end_ms))::DOUBLE AS stop
        FROM chosen AS h
        JOIN internal.runs AS s USING (run_id)
        JOIN runs AS r USING (run_id)
    ),
    -- Most lines have nothing below them, and a range takes long to join.
    below AS (
        SELECT w.position, count(*) AS runs, min(x.start) AS start, max(x.stop) AS stop
        FROM rows AS w
        JOIN timed AS x ON x.position BETWEEN w.position AND w.last
        WHERE w.last > w.position
        GROUP BY w.position
        UNION ALL
        SELECT w.position, 1, x.start, x.stop
        FROM rows AS w
        JOIN timed AS x ON x.position = w.position
        WHERE w.last = w.position
    ),
    spawns AS (SELECT DISTINCT to_run_id AS run_id FROM edges WHERE kind = 'spawn'),
    results AS (
        SELECT from_run_id AS run_id, CASE WHEN bool_or(NOT delivered) THEN 'lost' ELSE 'given' END AS result
        FROM edges
        WHERE kind = 'result'
        GROUP BY from_run_id
    )
    SELECT
        w.position, w.last, w.depth - min(w.depth) OVER (), w.kind, w.node_id, w.run_id, w.name, w.label, w.status,
        w.kept, coalesce(b.runs, 0),
        CASE WHEN w.run_id IS NULL THEN b.start ELSE x.start END,
        CASE WHEN w.run_id IS NULL THEN b.stop ELSE x.stop END,
        b.start, b.stop, c.clock, x.time_grade, coalesce(x.is_open, false), coalesce(x.end_recorded, false),
        x.parent_run_id, p.run_id IS NOT NULL,
        e.result
    FROM rows AS w
    LEFT JOIN below AS b USING (position)
    LEFT JOIN timed AS x ON x.run_id = w.run_id
    LEFT JOIN clocks AS c ON c.conversation_id = coalesce(x.conversation_id, w.conversation_id)
    LEFT JOIN spawns AS p ON p.run_id = w.run_id
    LEFT JOIN results AS e ON e.run_id = w.run_id
    ORDER BY w.position
"""

_TOTALS = """
    WITH {chosen}
    SELECT
        (SELECT count(*) FROM internal.nodes AS n JOIN {tree} AS t USING (position) WHERE {lines}),
        count(*) FILTER (h.kept),
        (SELECT count(*) FROM internal.run_lines WHERE {all_runs}) - count(*) FILTER (h.kept),
        count(DISTINCT s.conversation_id),
        count(DISTINCT s.conversation_id) FILTER (c.clock IS NOT NULL),
        min(coalesce(s.start_ms, s.end_ms))::DOUBLE,
        max(greatest(coalesce(s.end_ms, s.start_ms), coalesce(s.start_ms, s.end_ms)))::DOUBLE,
        min(coalesce(s.start_ms, s.end_ms)::DOUBLE + c.clock),
        max(greatest(coalesce(s.end_ms, s.start_ms), coalesce(s.start_ms, s.end_ms))::DOUBLE + c.clock),
        max(s.peak_context_tokens)
    FROM chosen AS h
    JOIN internal.runs AS s USING (run_id)
    LEFT JOIN clocks AS c ON c.conversation_id = s.conversation_id
"""
