"""The tree: building it under a filter, and walking it."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any

from explorer.store.queries.proposals import hidden_lines
from explorer.store.queries.scope import host_of, one
from explorer.store.queries.shapes import Node, SortKey, Totals, TreeView
from explorer.store.readonly import FilterError, QueryError, check_filter, explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.store.database import Cursor, Database

_serial = count(1)

_COLUMNS: dict[str, str] = {
    "node_id": "n.node_id",
    "kind": "n.kind",
    "parent_id": "p.node_id",
    "position": "n.position",
    "depth": "n.depth",
    "conversation_id": "n.conversation_id",
    "agent_id": "n.agent_id",
    "run_id": "n.run_id",
    "name": "n.name",
    "label": "n.label",
    "status": "n.status",
    "model": "n.model",
    "children": "t.children",
    "kept": "t.kept",
    "start_ms": "n.start_ms",
    "duration_ms": "n.duration_ms",
    "findings": "n.own_errors + n.own_warnings + n.own_infos",
    "worst": "CASE WHEN n.total_errors > 0 THEN 'error' WHEN n.total_warnings > 0 THEN 'warning' "
    "WHEN n.total_infos > 0 THEN 'info' END",
    "own": f"row({', '.join(f'n.own_{name}' for name in Totals._fields)})",
    "total": f"row({', '.join(f'n.total_{name}' for name in Totals._fields)})",
    "concurrent": "n.concurrent",
    "started": "strftime(n.started_at, '%Y-%m-%d %H:%M')",
    "shares_name": "n.shares_name",
    "failures": "CASE WHEN n.run_id IS NULL THEN 0 "
    "ELSE coalesce(n.own_step_errors, 0) + coalesce(n.own_tool_errors, 0) END",
}
"""Each field of a node: of its line ``n``, its parent's ``p``, or the tree ``t``."""
assert tuple(_COLUMNS) == Node._fields

_SORTS: dict[SortKey, str] = {
    "order": "n.position",
    # Agents of a conversation may be compared without a clock, conversations may not.
    "start": "CASE WHEN n.kind = 'conversation' THEN epoch_ms(n.started_at) ELSE n.start_ms END",
    "name": "lower(n.name)",
    "steps": "n.{of}_steps",
    "tools": "n.{of}_tool_calls",
    "input": "n.{of}_input_tokens",
    "output": "n.{of}_output_tokens",
    "reuse": "n.{of}_hit_blocks / nullif(n.{of}_blocks, 0)",
    "time": "n.duration_ms",
    "findings": "n.{of}_errors + n.{of}_warnings + n.{of}_infos",
}


def build_tree(database: Database, where: str | None = None, cursor: Cursor | None = None) -> TreeView:
    """Build the tree of every node with its numbers, keeping runs for which ``where`` holds, and their ancestors.

    Whoever gives a cursor can interrupt it; then no tree is left behind.

    Raises:
        FilterError: ``where`` is not a DuckDB boolean over the columns of ``run_totals``.
    """
    where = where if where and where.strip() else None
    tree = TreeView(f"internal.tree_{next(_serial)}", where, 0, 0)
    if where is not None:
        database.make_ready(where)
    with nullcontext(cursor) if cursor is not None else database.cursor() as cursor:
        try:
            with database.lock:
                if where is None and not has_ancestors(cursor):
                    cursor.execute(f"CREATE TABLE {tree.table} AS {_WHOLE}")
                else:
                    _build_filtered(cursor, tree.table, where or "true")
            counted = one(
                cursor,
                "SELECT count(*) FILTER (t.kept), count(*) FROM internal.nodes AS n "
                f"LEFT JOIN {tree.table} AS t USING (position) WHERE n.run_id IS NOT NULL AND n.own_runs > 0",
            )
        except BaseException:
            drop_tree(database, tree)
            raise
    kept, runs = counted or (0, 0)
    return tree._replace(runs_kept=kept, runs=runs)


def usual_filter(cursor: Cursor) -> str | None:
    """What is left out unless somebody asks for it: agents that a recorder started by itself, if there are any."""
    helpers = one(cursor, "FROM agents WHERE helper IS NOT NULL LIMIT 1")
    return "agent_helper IS NULL" if helpers is not None else None


def has_ancestors(cursor: Cursor) -> bool:
    """Whether an opened export holds runs that its filter had not kept."""
    return one(cursor, "FROM internal.ancestors LIMIT 1") is not None


_WHOLE = """
    SELECT n.position, true AS kept, coalesce(c.children, 0) AS children
    FROM internal.nodes AS n
    LEFT JOIN (
        SELECT parent AS position, count(*) AS children FROM internal.nodes GROUP BY parent
    ) AS c USING (position)
"""

# A line is shown when a kept run lies between its position and its last: the next one from its position on tells.
_FILTERED = """
    WITH kept AS (
        SELECT l.position FROM internal.run_lines AS l WHERE l.run_id IN (
            SELECT run_id FROM run_totals WHERE NOT ancestor_only AND ({where})
        )
    ),
    kept_agents AS (
        SELECT DISTINCT l.agent_position AS position
        FROM internal.run_lines AS l
        WHERE l.position IN (SELECT position FROM kept)
    ),
    shown AS (
        SELECT n.position, n.parent, n.kind
        FROM internal.nodes AS n
        ASOF JOIN kept AS k ON k.position >= n.position
        WHERE k.position <= n.last
    )
    SELECT
        s.position,
        s.kind = 'conversation' OR s.position IN (FROM kept) OR s.position IN (FROM kept_agents) AS kept,
        coalesce(c.children, 0) AS children
    FROM shown AS s
    LEFT JOIN (SELECT parent AS position, count(*) AS children FROM shown GROUP BY parent) AS c USING (position)
"""


def _build_filtered(cursor: Cursor, table: str, where: str) -> None:
    try:
        check_filter(cursor, where, "run_totals")
        with explained(where):
            cursor.execute(f"CREATE TABLE {table} AS {_FILTERED.format(where=f'{chr(10)}{where}{chr(10)}')}")
    except QueryError as error:
        raise FilterError(error.message, error.position) from None


def drop_tree(database: Database, tree: TreeView) -> None:
    """Free a tree that is not shown any more; queries on it that are still running end as they would have."""
    with database.lock, database.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {tree.table}")


def children(
    cursor: Cursor,
    tree: TreeView,
    parent_id: str | None,
    sort: SortKey = "order",
    descending: bool = False,
    own: bool = False,
    offset: int = 0,
    limit: int = 500,
) -> list[Node]:
    """The nodes below ``parent_id`` (conversations for None), a page of them; ``own`` sorts by own numbers."""
    parent = -1 if parent_id is None else _position(cursor, parent_id)
    if parent is None:
        return []
    order = _order(sort, descending, own)
    found = _nodes(cursor, tree, f"n.parent = $1 ORDER BY {order} LIMIT $2 OFFSET $3", parent, limit, offset)
    if tree.apart and parent_id is not None and len(found) < limit:
        recorded = one(cursor, f"SELECT children FROM {tree.table} WHERE position = $1", [parent])
        first = max(0, offset - (recorded[0] if recorded else 0))
        found += _hidden(cursor, tree, parent_id)[first : first + limit - len(found)]
    return found


def _hidden(cursor: Cursor, tree: TreeView, node_id: str) -> list[Node]:
    """The lines of agents that seem to be hidden in the run of a line."""
    host = node(cursor, tree, node_id)
    return [] if host is None else hidden_lines(cursor, [host]).get(node_id, [])


def node(cursor: Cursor, tree: TreeView, node_id: str) -> Node | None:
    """One node, or None when the filter hides it or nothing has that id."""
    position = _position(cursor, node_id)
    if position is None:
        host = host_of(node_id)
        lines = _hidden(cursor, tree, host[0]) if tree.apart and host else []
        return next((line for line in lines if line.node_id == node_id), None)
    return next(iter(_nodes(cursor, tree, "n.position = $1", position)), None)


def path_to(cursor: Cursor, tree: TreeView, node_id: str) -> list[Node]:
    """The nodes from the conversation down to ``node_id``, both included; empty when it is not in the tree."""
    position = _position(cursor, node_id)
    if position is None:
        line = node(cursor, tree, node_id)
        return [*path_to(cursor, tree, line.parent_id), line] if line is not None and line.parent_id else []
    found = _nodes(cursor, tree, "n.position <= $1 AND n.last >= $1 ORDER BY n.position", position)
    return found if found and found[-1].position == position else []


def places(
    cursor: Cursor, tree: TreeView, path: Sequence[Node], sort: SortKey, descending: bool, own: bool
) -> list[int]:
    """How many children of the same parent stand before each node of a path (``path_to``)."""
    rows = cursor.execute(
        f"""
        SELECT before FROM (
            SELECT
                n.position,
                row_number() OVER (PARTITION BY n.parent ORDER BY {_order(sort, descending, own)}) - 1 AS before
            FROM internal.nodes AS n
            JOIN {tree.table} AS t USING (position)
            WHERE n.parent IN (SELECT parent FROM internal.nodes WHERE list_contains($1::BIGINT[], position))
        )
        WHERE list_contains($1::BIGINT[], position)
        ORDER BY position
        """,
        [[node.position for node in path if not node.is_proposed]],
    ).fetchall()
    before = [row[0] for row in rows]
    if path and path[-1].is_proposed:  # behind what is recorded
        host, line = path[-2:]
        hidden = [each.node_id for each in _hidden(cursor, tree, host.node_id)]
        before.append(host.children - len(hidden) + hidden.index(line.node_id))
    return before


def sibling(
    cursor: Cursor, tree: TreeView, node_id: str, sort: SortKey, descending: bool, own: bool, by: int
) -> Node | None:
    """The node ``by`` places after (before, if negative) this one among the children of its parent."""
    position = _position(cursor, node_id)
    row = one(
        cursor,
        f"""
        SELECT there FROM (
            SELECT n.position, lead(n.position, $2::BIGINT) OVER (ORDER BY {_order(sort, descending, own)}) AS there
            FROM internal.nodes AS n
            JOIN {tree.table} AS t USING (position)
            WHERE n.parent = (SELECT parent FROM internal.nodes WHERE position = $1)
        ) WHERE position = $1
        """,
        [position, by],
    )
    if row is None or row[0] is None:
        return None
    return next(iter(_nodes(cursor, tree, "n.position = $1", row[0])), None)


def next_finding(cursor: Cursor, tree: TreeView, node_id: str | None, forward: bool = True) -> Node | None:
    """The next node in depth-first order with a finding of its own, or a run in which something failed; None if none.

    Behind the last comes the first.
    """
    position = None if node_id is None else _position(cursor, node_id)
    here = position if position is not None else -1 if forward else 1 << 60
    marked = (
        f"({_COLUMNS['findings']} > 0 OR {_COLUMNS['failures']} > 0 OR (n.run_id IS NOT NULL AND n.status = 'failed'))"
    )
    ahead, way = ("n.position > $1", "") if forward else ("n.position < $1", "DESC")
    found = _nodes(cursor, tree, f"{marked} ORDER BY {ahead} DESC, n.position {way} LIMIT 1", here)
    return found[0] if found else None


def filter_columns(cursor: Cursor) -> list[tuple[str, str]]:
    """Names and types of the columns of ``run_totals``, for completion."""
    return [(row[0], row[1]) for row in cursor.execute("DESCRIBE run_totals").fetchall()]


def _position(cursor: Cursor, node_id: str) -> int | None:
    row = one(cursor, "SELECT min(position) FROM internal.nodes WHERE node_id = $1", [node_id])
    return row[0] if row else None


def _order(sort: SortKey, descending: bool, own: bool) -> str:
    way = "DESC" if descending else "ASC"
    key = _SORTS[sort].format(of="own" if own else "total")
    second = f", n.label {way} NULLS LAST" if sort == "name" else ""
    return f"{key} {way} NULLS LAST{second}, n.position"


def _nodes(cursor: Cursor, tree: TreeView, rest: str, *parameters: Any) -> list[Node]:
    rows = cursor.execute(
        f"SELECT {', '.join(_COLUMNS.values())} FROM internal.nodes AS n JOIN {tree.table} AS t USING (position) "
        f"LEFT JOIN internal.nodes AS p ON p.position = n.parent WHERE {rest}",
        list(parameters),
    ).fetchall()
    found = [Node(*row) for row in rows]
    found = [each._replace(own=Totals(*each.own), total=Totals(*each.total)) for each in found]
    if tree.apart:
        below = hidden_lines(cursor, found)
        found = [each._replace(children=each.children + len(below.get(each.node_id, ()))) for each in found]
    return found
