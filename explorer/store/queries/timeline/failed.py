"""What failed in the runs of a node, one after the other in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from explorer.store.queries.scope import scope_of
from explorer.store.queries.timeline.happenings import HAPPENINGS, MARK
from explorer.store.queries.timeline.placed import parts_of

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.shapes import TreeView
    from explorer.store.queries.timeline.shapes import Cells


def timeline_failed(
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, cells: Cells, cell: int, position: int, by: int
) -> tuple[int, float] | None:
    """Where and when something failed, ``by`` places behind a cell of a line of the tree, or before for a negative.

    A place is a cell of a line: first by cell, then down the tree. Failed are steps, tool calls and runs, at their end;
    so are errors that the recorder notes, and what never arrived. Where there are fewer, the furthest; None if there
    are none.
    """
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    side, near, far = (">", "ASC", "DESC") if by > 0 else ("<", "DESC", "ASC")
    parts = parts_of(tree, scope, own, cells.wall)
    sql = _FAILED.format(**parts, side=side, near=near, far=far, limit=abs(by))
    asked = {"start": cells.start, "width": cells.width, "cell": cell, "position": position}
    found = cursor.execute(sql, asked).fetchall()
    return cast("tuple[int, float]", found[0]) if found else None


_FAILED = (
    "WITH {placed}, "
    + HAPPENINGS
    + """,
    there AS (
        SELECT run_id, start_ms::DOUBLE AS moment FROM steps WHERE error IS NOT NULL AND NOT is_replay
        UNION ALL
        SELECT run_id, moment::DOUBLE FROM happenings WHERE """
    + MARK
    + """ IN ('error', 'lost', 'tool_error')
        UNION ALL
        SELECT p.run_id, p.stop - p.shift FROM placed AS p JOIN internal.runs AS s USING (run_id)
        WHERE s.status = 'failed'
    ),
    places AS (
        SELECT p.position, floor((t.moment + p.shift - $start) / $width) AS cell, min(t.moment + p.shift) AS moment
        FROM there AS t
        JOIN placed AS p USING (run_id)
        WHERE t.moment IS NOT NULL
        GROUP BY ALL
    ),
    nearest AS (
        SELECT position, moment, cell
        FROM places
        WHERE [cell, position] {side} [$cell::DOUBLE, $position]
        ORDER BY cell {near}, position {near}
        LIMIT {limit}
    )
    SELECT position, moment FROM nearest ORDER BY cell {far}, position {far} LIMIT 1
"""
)
