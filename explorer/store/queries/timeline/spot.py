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
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, stretch: Stretch, cell: Cells, limit: int = 6
) -> Spot:
    """What the first of these cells holds in a row: steps that start there, and what else happened."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return Spot([], 0, None, [], 0)
    parts = parts_of(tree, scope, own, cell.wall)
    asked = members(stretch) | {"start": cell.start, "finish": cell.start + cell.width}
    steps = cursor.execute(_SPOT_STEPS.format(**parts, limit=limit), asked).fetchall()
    counted = cursor.execute(_SPOT_COUNT.format(**parts), asked).fetchall()[0]
    happenings = [Happening(*row) for row in cursor.execute(_SPOT_REST.format(**parts), asked).fetchall()]
    return Spot([SpotStep(*row) for row in steps], counted[0], counted[1], happenings[:limit], len(happenings))


def timeline_beside(
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, stretch: Stretch, at: float, wall: bool, by: int
) -> float | None:
    """When the next step or mark of a row is (the one before for a negative ``by``)."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    way = ("min", ">=") if by > 0 else ("max", "<")
    asked = members(stretch) | {"at": at}
    sql = _BESIDE.format(**parts_of(tree, scope, own, wall), pick=way[0], side=way[1])
    return cast("float | None", cursor.execute(sql, asked).fetchall()[0][0])


_SPOT_FROM = """
    FROM steps AS s
    JOIN members AS m USING (run_id)
    WHERE s.start_ms::DOUBLE + m.shift >= $start AND s.start_ms::DOUBLE + m.shift < $finish
"""

_SPOT_STEPS = (
    "WITH {placed}, "
    + MEMBERS
    + """
    SELECT
        s.run_id, s.ordinal, s.start_ms, s.end_ms, s.input_tokens, s.output_tokens,
        coalesce(s.model, s.request_model), s.error, s.is_replay, s.grade,
        greatest(1, coalesce(json_array_length(CASE WHEN json_valid(s.candidates) THEN s.candidates END), 1))
    """
    + _SPOT_FROM
    + " ORDER BY s.start_ms, s.run_id, s.ordinal LIMIT {limit}"
)

_SPOT_COUNT = (
    "WITH {placed}, " + MEMBERS + " SELECT count(*), arg_max(s.ordinal, [s.start_ms, s.ordinal]) " + _SPOT_FROM
)

_SPOT_REST = (
    "WITH {placed}, "
    + MEMBERS
    + ", "
    + HAPPENINGS
    + """
    SELECT
        h.what, h.outward, CASE WHEN h.what = 'tool' THEN h.other ELSE concat_ws(' ', n.name, n.label) END, h.detail,
        h.delivered, h.grade, h.before, h.after
    FROM happenings AS h
    JOIN members AS m USING (run_id)
    LEFT JOIN internal.run_lines AS l ON h.outward IS NOT NULL AND l.run_id = h.other
    LEFT JOIN internal.nodes AS n ON n.position = l.position
    WHERE h.moment::DOUBLE + m.shift >= $start AND h.moment::DOUBLE + m.shift < $finish
    ORDER BY h.moment, h.what, h.outward, h.other, h.detail
"""
)

_BESIDE = (
    "WITH {placed}, "
    + MEMBERS
    + ", "
    + HAPPENINGS
    + """
    SELECT {pick}(moment) FROM (
        SELECT s.start_ms::DOUBLE + m.shift AS moment FROM steps AS s JOIN members AS m USING (run_id)
        UNION ALL
        SELECT h.moment::DOUBLE + m.shift FROM happenings AS h JOIN members AS m USING (run_id) WHERE """
    + MARK
    + """ IS NOT NULL
    )
    WHERE moment {side} $at
"""
)
