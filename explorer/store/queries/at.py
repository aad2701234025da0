"""Nodes by what somebody writes: a search, and the PLACE of ``--at``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from explorer.store.queries.scope import one, scope_of

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries.shapes import TreeView


def search(cursor: Cursor, tree: TreeView, text: str, limit: int = 10_000) -> list[str]:
    """Ids of the nodes whose name, label, id, title or model contains ``text`` (any case), depth-first."""
    if not text:
        return []
    rows = cursor.execute(
        f"""
        SELECT n.node_id FROM internal.nodes AS n JOIN {tree.table} AS t USING (position)
        WHERE contains(lower(concat_ws(chr(10), n.name, n.label, n.node_id, n.run_id, n.model)), lower($1::VARCHAR))
        ORDER BY n.position LIMIT $2
        """,
        [text, limit],
    ).fetchall()
    return [row[0] for row in rows]


def locate(cursor: Cursor, tree: TreeView, place: str) -> tuple[str, int | None] | None:
    """The node id and step ordinal of a PLACE ``conversation/agent/run#step``; parts may be ids, titles or labels."""
    path, mark, step = place.rpartition("#")
    if mark and step.isdecimal() and (found := _locate(cursor, tree, path)):
        return found, int(step)
    return (found, None) if (found := _locate(cursor, tree, place)) else None


def near(cursor: Cursor, tree: TreeView, place: str, limit: int = 3) -> list[str]:
    """Ids of nodes that may be meant by a PLACE at which nothing is: what a search for it, or for its end, finds."""
    path = place.rpartition("#")[0] or place
    parts = [path, *reversed(path.split("/"))]
    found = (search(cursor, tree, part, limit) for part in parts if part.strip())
    return next(filter(None, found), [])


def step_range(cursor: Cursor, node_id: str) -> tuple[int, int] | None:
    """The first and the last ordinal of a node's own steps; None where it has none."""
    scope = scope_of(cursor, node_id)
    runs = f"SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=True)}" if scope else "SELECT NULL"
    row = one(cursor, f"SELECT min(ordinal), max(ordinal) FROM steps WHERE run_id IN ({runs})")
    return (row[0], row[1]) if row is not None and row[0] is not None else None


def _locate(cursor: Cursor, tree: TreeView, place: str) -> str | None:
    """An id as a whole, else part by part: ids hold slashes, so parts are matched from the left, longest first.

    Else the only id that ends in it, as ids begin with the path of their source.
    """
    whole = one(
        cursor,
        f"SELECT n.node_id FROM internal.nodes AS n JOIN {tree.table} AS t USING (position) "
        "WHERE n.node_id = $1 OR n.run_id = $1 ORDER BY n.position LIMIT 1",
        [place],
    )
    if whole:
        return cast(str, whole[0])
    here: _Part | None = None
    rest = place.strip("/")
    while rest:
        here = _next_part(cursor, tree, here, rest)
        if here is None:
            return _ending_in(cursor, tree, place.strip("/"))
        rest = here.rest
    return here.node_id if here else None


def _ending_in(cursor: Cursor, tree: TreeView, end: str) -> str | None:
    rows = cursor.execute(
        f"""
        SELECT n.node_id FROM internal.nodes AS n JOIN {tree.table} AS t USING (position)
        WHERE ends_with(n.node_id, '/' || $1::VARCHAR) OR ends_with(n.run_id, '/' || $1::VARCHAR)
        LIMIT 2
        """,
        [end],
    ).fetchall()
    return cast(str, rows[0][0]) if len(rows) == 1 else None


class _Part(NamedTuple):
    """A part of a PLACE that was found, and what is left to find below it."""

    position: int
    last: int
    node_id: str
    rest: str


def _next_part(cursor: Cursor, tree: TreeView, here: _Part | None, rest: str) -> _Part | None:
    """The node below ``here`` (a conversation at first) that ``rest`` begins with."""
    # The one run of an agent has no line of its own, so it is found on the agent's.
    below, names = "n.parent = -1", "[n.node_id, n.name]"
    if here is not None:
        below = f"n.position BETWEEN {here.position} AND {here.last}"
        names = (
            f"CASE WHEN n.position = {here.position} THEN [n.run_id] ELSE [n.node_id, n.label, n.name, n.run_id] END"
        )
    row = one(
        cursor,
        f"""
        SELECT n.position, n.last, n.node_id, substr($1, length(part) + 2)
        FROM internal.nodes AS n
        JOIN {tree.table} AS t USING (position)
        CROSS JOIN unnest({names}) AS parts (part)
        WHERE {below} AND part <> '' AND starts_with($1::VARCHAR || '/', part || '/')
        ORDER BY length(part) DESC, n.position
        LIMIT 1
        """,
        [rest],
    )
    return _Part(*row) if row else None
