"""The lanes of a node: its lines of the tree with the time each spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.store.queries.scope import one, scope_of
from explorer.store.queries.timeline.happenings import HAPPENINGS, MARK
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
            greatest(s.start_ms, s.end_ms)::DOUBLE AS stop,
            CASE WHEN s.is_open THEN e.last_ms END::DOUBLE AS open_until
        FROM chosen AS h
        JOIN internal.runs AS s USING (run_id)
        JOIN runs AS r USING (run_id)
        JOIN ends AS e ON e.conversation_id = s.conversation_id
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
        x.open_until, x.parent_run_id, p.run_id IS NOT NULL, e.result, coalesce(v.steps_recorded, true)
    FROM rows AS w
    LEFT JOIN below AS b USING (position)
    LEFT JOIN timed AS x ON x.run_id = w.run_id
    LEFT JOIN clocks AS c ON c.conversation_id = coalesce(x.conversation_id, w.conversation_id)
    LEFT JOIN internal.conversations AS v ON v.conversation_id = x.conversation_id
    LEFT JOIN spawns AS p ON p.run_id = w.run_id
    LEFT JOIN results AS e ON e.run_id = w.run_id
    ORDER BY w.position
"""

_TOTALS = (
    "WITH {chosen}, "
    + HAPPENINGS
    + """,
    stepped AS (
        SELECT run_id, min(start_ms) AS first, max(coalesce(end_ms, start_ms)) AS last
        FROM steps
        WHERE NOT is_replay
        GROUP BY run_id
    ),
    marked AS (
        SELECT run_id, min(moment) AS first, max(moment) AS last
        FROM happenings
        -- Tool calls are within their steps and runs; there may be millions.
        WHERE (what <> 'tool' OR failed) AND """
    + MARK
    + """ IS NOT NULL
        GROUP BY run_id
    ),
    spans AS (
        SELECT
            h.kept, s.conversation_id, c.clock, s.peak_context_tokens,
            -- Steps and marks may be where their run, by its own record, was not.
            least(s.start_ms, s.end_ms, p.first, m.first)::DOUBLE AS first,
            greatest(s.start_ms, s.end_ms, p.last, m.last)::DOUBLE AS last
        FROM chosen AS h
        JOIN internal.runs AS s USING (run_id)
        LEFT JOIN clocks AS c ON c.conversation_id = s.conversation_id
        LEFT JOIN stepped AS p ON p.run_id = h.run_id
        LEFT JOIN marked AS m ON m.run_id = h.run_id AND coalesce(s.start_ms, s.end_ms) IS NOT NULL
    )
    SELECT
        (SELECT count(*) FROM internal.nodes AS n JOIN {tree} AS t USING (position) WHERE {lines}),
        count(*) FILTER (kept),
        (SELECT count(*) FROM internal.run_lines WHERE {all_runs}) - count(*) FILTER (kept),
        count(DISTINCT conversation_id),
        count(DISTINCT conversation_id) FILTER (clock IS NOT NULL),
        min(first), max(last), min(first + clock), max(last + clock),
        max(peak_context_tokens)
    FROM spans
"""
)
