"""Runs as screens show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from explorer.store.database import Cursor

MOST_RUNS = 2_000
"""Runs of one answer; of more, those that started first."""


class Named(NamedTuple):
    """A run with its place in the tree."""

    run_id: str
    node_id: str
    name: str
    label: str | None


def named_runs(cursor: Cursor, condition: str, parameter: object) -> dict[str, Named]:
    """Those for which a condition over ``internal.runs AS r`` holds, in order of start, at most ``MOST_RUNS``."""
    rows = cursor.execute(
        f"""
        SELECT r.run_id, n.node_id, n.name, n.label
        FROM internal.runs AS r
        JOIN internal.run_lines AS l USING (run_id)
        JOIN internal.nodes AS n USING (position)
        WHERE {condition}
        ORDER BY r.start_ms NULLS LAST, l.position
        LIMIT {MOST_RUNS}
        """,
        [parameter],
    ).fetchall()
    return {row[0]: Named(*row) for row in rows}
