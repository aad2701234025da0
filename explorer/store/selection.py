"""Which rows of every table belong to the runs that a filter keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from explorer.model import ALL_TABLES, columns
from explorer.store.opening import SOURCE_COLUMN
from explorer.store.queries.tree import build_tree, drop_tree, has_ancestors

if TYPE_CHECKING:
    from explorer.store.database import Cursor, Database

_KEYS = {
    "sources": "source_id",
    "conversations": "conversation_id",
    "conversation_names": "conversation_id, source_id",
    "agents": "agent_id",
    "runs": "run_id",
    "steps": "run_id, ordinal",
    "tool_calls": "run_id, ordinal",
    "block_runs": "run_id, step_ordinal, position",
    "edges": "edge_id",
    "events": "run_id, ordinal",
    "checkpoints": "checkpoint_key",
    "uncounted_usage": "agent_id, reason",
    "findings": "finding_id, message",
    "step_reuse": "run_id, ordinal",
    "run_footprint": "run_id",
    "sibling_pairs": "run_a, run_b",
    "namespace_audit": "conversation_id, namespace",
    "hidden_agents": "run_id, chain",
}
assert _KEYS.keys() == ALL_TABLES.keys()

_OF_RUN = "EXISTS (FROM {runs} AS k WHERE k.run_id = t.run_id)"

_BELONGS = {
    "sources": "t.source_id IN (SELECT source_id FROM {conversations})",
    "conversations": "t.conversation_id IN (SELECT conversation_id FROM {conversations})",
    "conversation_names": "t.conversation_id IN (SELECT conversation_id FROM {conversations})",
    "agents": "t.agent_id IN (SELECT agent_id FROM {agents})",
    "edges": (
        "(t.from_run_id IS NULL OR t.from_run_id IN (SELECT run_id FROM {runs})) "
        "AND (t.to_run_id IS NULL OR t.to_run_id IN (SELECT run_id FROM {runs})) "
        "AND coalesce(t.from_run_id, t.to_run_id) IS NOT NULL"
    ),
    "checkpoints": (
        "CASE WHEN t.run_id IS NOT NULL THEN t.run_id IN (SELECT run_id FROM {runs}) "
        "ELSE t.conversation_id IN (SELECT conversation_id FROM {conversations}) END"
    ),
    "findings": (
        "CASE WHEN t.run_id IS NOT NULL THEN t.run_id IN (SELECT run_id FROM {runs}) "
        "WHEN t.agent_id IS NOT NULL THEN t.agent_id IN (SELECT agent_id FROM {agents}) "
        "WHEN t.conversation_id IS NOT NULL THEN t.conversation_id IN (SELECT conversation_id FROM {conversations}) "
        "ELSE t.source_id IN (SELECT source_id FROM {conversations}) END"
    ),
    "uncounted_usage": "t.agent_id IN (SELECT agent_id FROM {agents})",
    "sibling_pairs": "t.run_a IN (SELECT run_id FROM {runs}) AND t.run_b IN (SELECT run_id FROM {runs})",
    "namespace_audit": "t.conversation_id IN (SELECT conversation_id FROM {conversations})",
}
"""When a row ``t`` belongs to the selection; all other tables go by ``run_id``."""

_SOURCE = {
    "sources": "t.source_id",
    "conversations": "t.source_id",
    "steps": "t.source_id",
    "tool_calls": "t.source_id",
    "checkpoints": "t.source_id",
    "findings": "coalesce(t.source_id, '')",
}
"""What ``_source`` is; of other tables it is not told, as nothing asks for it in an export."""


class Selection:
    """The runs, agents and conversations of an export, as tables; without a filter, everything."""

    def __init__(self, cursor: Cursor, name: str | None) -> None:
        self._cursor = cursor
        self._name = name
        everything = name is None
        kept = "FROM internal.runs" if everything else f"FROM {name}_runs WHERE kept"
        self.kept = self._count(kept)
        """Runs that the filter keeps."""
        self.copies = self._count(f"FROM internal.runs WHERE is_replay AND run_id IN (SELECT run_id {kept})")
        """Of the kept runs, those that are nothing but copied history, and never counted."""
        self.ancestors = 0 if everything else self._count(f"FROM {name}_runs WHERE NOT kept")
        """Further runs that the tree needs."""

    def rows(self, table: str) -> str:
        """A query for the rows of a table, in any order."""
        names = ", ".join(f't."{column.name}"' for column in columns(ALL_TABLES[table]))
        source = _SOURCE.get(table, "''")
        query = f'SELECT {names}, {source} AS {SOURCE_COLUMN} FROM "{table}" AS t'
        return query if self._name is None else f"{query} WHERE {self._belongs(table)}"

    def rows_in_order(self, table: str) -> str:
        """The same, sorted by the key."""
        return f"{self.rows(table)} ORDER BY {_KEYS[table]}"

    def totals(self) -> str:
        """``run_totals`` of the kept runs, in the order of the tree."""
        kept = "" if self._name is None else f"SEMI JOIN (FROM {self._name}_runs WHERE kept) USING (run_id) "
        return f"SELECT t.* FROM run_totals AS t {kept}JOIN internal.run_lines AS l USING (run_id) ORDER BY l.position"

    def sources(self) -> str:
        """Ids and sizes of the sources."""
        return f"SELECT source_id, bytes FROM ({self.rows('sources')}) ORDER BY source_id"

    def ancestor_ids(self) -> list[str]:
        """Runs that are there only because a kept one is below them, or was spawned by them."""
        if self._name is None:
            return []
        rows = self._cursor.execute(f"SELECT run_id FROM {self._name}_runs WHERE NOT kept ORDER BY run_id").fetchall()
        return [row[0] for row in rows]

    def _belongs(self, table: str) -> str:
        names = {each: f"{self._name}_{each}" for each in ("runs", "agents", "conversations")}
        return _BELONGS.get(table, _OF_RUN).format(**names)

    def _count(self, query: str) -> int:
        return int(self._cursor.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0])


@contextmanager
def select_runs(database: Database, cursor: Cursor, where: str | None) -> Iterator[Selection]:
    """Find what belongs to the runs for which ``where`` holds, for as long as the block lasts.

    Raises:
        FilterError: ``where`` is not a filter.
    """
    if (where is None or not where.strip()) and not has_ancestors(cursor):
        yield Selection(cursor, None)
        return
    tree = build_tree(database, where, cursor)
    name = f"{tree.table}_export"
    try:
        with database.lock:
            _choose_lines(cursor, tree.table, name)
            for table, query in _CHOSEN.items():
                cursor.execute(f"CREATE TABLE {name}_{table} AS {query.format(name=name, tree=tree.table)}")
        yield Selection(cursor, name)
    finally:
        drop_tree(database, tree)
        # Not with the same cursor, which may not answer any more.
        with database.lock, database.cursor() as cleaner:
            for table in ("marks", "lines", *_CHOSEN):
                cleaner.execute(f"DROP TABLE IF EXISTS {name}_{table}")


_CHOSEN = {
    "runs": """
        SELECT n.run_id, coalesce(t.kept, false) AS kept
        FROM {name}_lines AS l
        JOIN internal.nodes AS n USING (position)
        LEFT JOIN {tree} AS t USING (position)
        WHERE n.run_id IS NOT NULL
    """,
    "agents": """
        SELECT n.agent_id FROM {name}_lines AS l JOIN internal.nodes AS n USING (position) WHERE n.kind = 'agent'
    """,
    "conversations": """
        SELECT c.conversation_id, c.source_id
        FROM {name}_lines AS l
        JOIN internal.nodes AS n USING (position)
        JOIN internal.conversations AS c ON c.conversation_id = n.conversation_id
        WHERE n.kind = 'conversation'
    """,
}


def _choose_lines(cursor: Cursor, tree: str, name: str) -> None:
    """The lines that lead to kept runs, and whatever else decides that they are shown where they are."""
    cursor.execute(
        f"CREATE TABLE {name}_marks AS "
        f"SELECT position FROM {tree} AS t JOIN internal.nodes AS n USING (position) "
        "WHERE t.kept AND n.run_id IS NOT NULL"
    )
    while True:
        cursor.execute(
            f"""
            CREATE OR REPLACE TABLE {name}_lines AS
            SELECT n.position, n.kind, n.agent_id, n.run_id
            FROM internal.nodes AS n
            ASOF JOIN {name}_marks AS m ON m.position >= n.position
            WHERE m.position <= n.last
            """
        )
        added = cursor.execute(f"INSERT INTO {name}_marks {_NEEDED.format(name=name)}").fetchall()
        if not added[0][0]:
            return


_NEEDED = """
    SELECT DISTINCT position
    FROM (
        -- The runs that spawned these, which may hang elsewhere.
        SELECT p.position
        FROM {name}_lines AS l
        JOIN internal.runs AS r USING (run_id)
        JOIN internal.run_lines AS p ON p.run_id = r.parent_run_id
        UNION ALL
        -- The first run of each agent, which tells what the agent hangs below.
        SELECT p.position
        FROM {name}_lines AS l
        JOIN internal.agents AS a USING (agent_id)
        JOIN internal.run_lines AS p ON p.run_id = a.first_run_id
        WHERE l.kind = 'agent'
        UNION ALL
        -- The parent of an agent that is not shown below it, as that would go in a circle.
        SELECT p.position
        FROM {name}_lines AS l
        JOIN internal.cyclic_agents AS c USING (agent_id)
        JOIN internal.agents AS a USING (agent_id)
        JOIN internal.nodes AS p ON p.kind = 'agent' AND p.agent_id = a.parent_agent_id
        WHERE l.kind = 'agent'
        UNION ALL
        -- The runs with steps that may be of these: without them it would seem certain which steps these have.
        SELECT p.position
        FROM (
            SELECT run_id, unnest(try(from_json(candidates, '["VARCHAR"]'))) AS candidate
            FROM steps WHERE candidates IS NOT NULL
        ) AS s
        JOIN {name}_lines AS l ON l.run_id = s.candidate
        JOIN internal.run_lines AS p ON p.run_id = s.run_id
    )
    WHERE position NOT IN (SELECT position FROM {name}_lines)
"""
