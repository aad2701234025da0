"""The runs that a question of the timeline is about, and their times on the scale that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.store.queries.scope import Scope
    from explorer.store.queries.shapes import TreeView
    from explorer.store.queries.timeline.shapes import Stretch


def members(stretch: Stretch) -> dict[str, float | bool]:
    """The parameters of ``MEMBERS``."""
    return {"first": stretch.first, "last": stretch.last, "own": stretch.own}


def parts_of(tree: TreeView, scope: Scope, own: bool, wall: bool = False) -> dict[str, str]:
    """The common table expressions of all these questions, filled in for a node."""
    own = own and scope.kind != "all"
    chosen = _CHOSEN.format(tree=tree.table, condition=scope.runs(own))
    placed = _PLACED.format(
        shift="c.clock" if wall else "0::DOUBLE",
        clocks="JOIN clocks AS c ON c.conversation_id = s.conversation_id AND c.clock IS NOT NULL" if wall else "",
    )
    asked = "position IN (SELECT position FROM chosen UNION ALL SELECT agent_position FROM chosen)"
    return {
        "chosen": chosen,
        "placed": f"{chosen}, {placed}",
        "tree": tree.table,
        "lines": f"{scope.lines} AND {asked}" if own else scope.lines,
        "all_runs": scope.runs(own),
    }


_CHOSEN = """
    chosen AS (
        SELECT l.run_id, l.position, l.agent_position, t.kept
        FROM internal.run_lines AS l
        JOIN {tree} AS t USING (position)
        WHERE {condition}
    ),
    clocks AS (
        SELECT
            s.conversation_id,
            coalesce(epoch_ms(any_value(c.started_at)), min(epoch_ms(r.started_at)::DOUBLE - r.start_ms))::DOUBLE
                AS clock
        FROM chosen
        JOIN internal.runs AS s USING (run_id)
        JOIN runs AS r USING (run_id)
        LEFT JOIN internal.conversations AS c ON c.conversation_id = s.conversation_id
        GROUP BY s.conversation_id
    ),
    ends AS (
        SELECT conversation_id, max(greatest(start_ms, end_ms)) AS last_ms FROM internal.runs GROUP BY conversation_id
    )
"""
"""The runs of the node that the tree shows, and when their conversations started and ended."""

_PLACED = """
    placed AS (
        SELECT
            h.run_id, h.position, h.agent_position, h.kept, {shift} AS shift,
            coalesce(s.start_ms, s.end_ms)::DOUBLE + {shift} AS start,
            greatest(s.start_ms, s.end_ms, CASE WHEN s.is_open THEN e.last_ms END)::DOUBLE + {shift} AS stop
        FROM chosen AS h
        JOIN internal.runs AS s USING (run_id)
        JOIN ends AS e ON e.conversation_id = s.conversation_id
        {clocks}
    )
"""
"""The same with their times on the scale that was asked for, an open run's until its conversation ends."""

MEMBERS = """
    members AS (
        SELECT run_id, shift FROM placed
        WHERE position BETWEEN $first AND $last AND (NOT $own OR agent_position = $first)
    )
"""
"""The runs of one row of the screen."""
