"""What one cell of a row holds, and where the row goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from explorer.store.queries.scope import scope_of
from explorer.store.queries.timeline.happenings import HAPPENINGS, MARK
from explorer.store.queries.timeline.placed import MEMBERS, members, parts_of
from explorer.store.queries.timeline.shapes import Cells, Happening, Spot, SpotStep, Stretch

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.shapes import TreeView


def timeline_spot(
    cursor: Cursor,
    tree: TreeView,
    node_id: str | None,
    own: bool,
    stretch: Stretch,
    cells: Cells,
    cell: int,
    limit: int = 6,
) -> Spot:
    """What a cell of a row holds: steps that start there, and what else happened."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return Spot([], 0, 0, 0, 1, None, [], 0)
    parts = parts_of(tree, scope, own, cells.wall)
    asked = members(stretch) | {"start": cells.start, "width": cells.width, "cell": cell}
    steps = cursor.execute(_SPOT_STEPS.format(**parts, limit=limit), asked).fetchall()
    count, replayed, failed, candidates, last = cursor.execute(_SPOT_COUNT.format(**parts), asked).fetchall()[0]
    rest = cursor.execute(_SPOT_REST.format(**parts, limit=limit), asked).fetchall()
    happenings = [Happening(*row[:-1]) for row in rest]
    return Spot(
        [SpotStep(*row) for row in steps],
        count, replayed, failed, candidates, last,
        happenings, rest[0][-1] if rest else 0,
    )  # fmt: skip


def timeline_beside(
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, stretch: Stretch, cells: Cells, cell: int, by: int
) -> float | None:
    """When the steps and marks of a row begin that are ``by`` cells with any after a cell, or before for a negative.

    Where there are fewer, the furthest; None if there are none.
    """
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    way = ("min", ">", "ASC", "DESC") if by > 0 else ("max", "<", "DESC", "ASC")
    asked = members(stretch) | {"start": cells.start, "width": cells.width, "cell": cell}
    pick, side, near, far = way
    parts = parts_of(tree, scope, own, cells.wall)
    sql = _BESIDE.format(**parts, pick=pick, side=side, near=near, far=far, limit=abs(by))
    found = cursor.execute(sql, asked).fetchall()
    return cast("float", found[0][0]) if found else None


def timeline_step(
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, wall: bool, run_id: str, ordinal: int
) -> tuple[int, float] | None:
    """The line of the tree whose run a step belongs to, and when it starts; None if it is not among the node's."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    parts = parts_of(tree, scope, own, wall)
    found = cursor.execute(_STEP.format(**parts), [run_id, ordinal]).fetchall()
    return cast("tuple[int, float]", found[0]) if found else None


_STEP = """
    WITH {placed}
    SELECT p.position, s.start_ms::DOUBLE + p.shift
    FROM steps AS s
    JOIN placed AS p USING (run_id)
    WHERE s.run_id = $1 AND s.ordinal = $2 AND s.start_ms IS NOT NULL
"""

_CELL = "floor((moment - $start) / $width)"
"""As cells are counted when they are drawn, so that what rounding puts into one is found there."""

_STEPS = (
    "WITH {placed}, "
    + MEMBERS
    + """,
    here AS (
        SELECT
            s.*, s.start_ms::DOUBLE + m.shift AS moment,
            greatest(1, coalesce(json_array_length(CASE WHEN json_valid(s.candidates) THEN s.candidates END), 1))
                AS runs
        FROM steps AS s
        JOIN members AS m USING (run_id)
        WHERE """
    + _CELL
    + """ = $cell
    )
"""
)

_SPOT_STEPS = (
    _STEPS
    + """
    SELECT
        run_id, ordinal, start_ms, end_ms, input_tokens, output_tokens, coalesce(model, request_model), error,
        is_replay, grade, runs
    FROM here
    ORDER BY moment, run_id, ordinal
    LIMIT {limit}
"""
)

_SPOT_COUNT = (
    _STEPS
    + """
    SELECT
        count(*), count(*) FILTER (is_replay), count(error) FILTER (NOT is_replay), coalesce(max(runs), 1),
        arg_max(ordinal, [moment, ordinal])
    FROM here
"""
)

_SPOT_REST = (
    "WITH {placed}, "
    + MEMBERS
    + ", "
    + HAPPENINGS
    + """
    SELECT
        h.what, h.outward,
        CASE WHEN h.what = 'tool' THEN h.other ELSE internal.called(n.kind, n.name, n.label, a.name) END,
        h.detail,
        h.delivered, h.grade, h.before, h.after, h.failed, h.took, h.edge_id, p.position,
        h.moment_there::DOUBLE + p.shift, count(*) OVER ()
    FROM happenings AS h
    JOIN members AS m USING (run_id)
    LEFT JOIN internal.run_lines AS l ON h.outward IS NOT NULL AND l.run_id = h.other
    LEFT JOIN internal.nodes AS n ON n.position = l.position
    LEFT JOIN internal.agents AS a ON a.agent_id = n.agent_id
    LEFT JOIN placed AS p ON h.edge_id IS NOT NULL AND p.run_id = h.other
    WHERE floor((h.moment::DOUBLE + m.shift - $start) / $width) = $cell
    -- Of the ordinary there may be too much to list the rest.
    ORDER BY h.what = 'tool' AND NOT h.failed, h.moment, h.what, h.outward, h.other, h.detail
    LIMIT {limit}
"""
)

_BESIDE = (
    "WITH {placed}, "
    + MEMBERS
    + ", "
    + HAPPENINGS
    + """,
    there AS (
        SELECT s.start_ms::DOUBLE + m.shift AS moment FROM steps AS s JOIN members AS m USING (run_id)
        UNION ALL
        SELECT h.moment::DOUBLE + m.shift FROM happenings AS h JOIN members AS m USING (run_id) WHERE """
    + MARK
    + """ IS NOT NULL
    ),
    nearest AS (
        SELECT {pick}(moment) AS mark_at
        FROM there
        WHERE """
    + _CELL
    + """ {side} $cell
        GROUP BY """
    + _CELL
    + """
        ORDER BY mark_at {near}
        LIMIT {limit}
    )
    SELECT mark_at FROM nearest ORDER BY mark_at {far} LIMIT 1
"""
)
