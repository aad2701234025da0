"""Which runs a node stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.store.database import Cursor


def one(cursor: Cursor, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...] | None:
    """The only row of an answer. All of it is fetched: a cursor with an unread answer refuses the next query."""
    rows = cursor.execute(sql, list(parameters)).fetchall()
    return rows[0] if rows else None


class Scope(NamedTuple):
    """A node in the tree, and the runs that are its own or below it."""

    node_id: str | None
    kind: str
    """``conversation``, ``agent``, ``run``; ``all`` for everything opened."""
    position: int
    last: int
    chain: int | None = None
    """Of an agent that seems to be hidden in the run: its number."""

    def runs(self, own: bool) -> str:
        """A condition over ``internal.run_lines``; own are an agent's runs, a conversation's those of its roots."""
        if self.kind == "all":
            return "true"
        if not own:
            return f"position BETWEEN {self.position} AND {self.last}"
        if self.kind == "conversation":
            return f"conversation_position = {self.position} AND depth = 0"
        if self.kind == "agent":
            return f"agent_position = {self.position}"
        return f"position = {self.position}"

    @property
    def lines(self) -> str:
        """A condition over lines with a ``position``: this one and all below."""
        return "true" if self.kind == "all" else f"position BETWEEN {self.position} AND {self.last}"


def host_of(node_id: str) -> tuple[str, int] | None:
    """Of the line of an agent that seems to be hidden in a run: that run's line, and its number; None of others."""
    host, _, chain = node_id.rpartition("#")
    return (host, int(chain)) if host and chain.isdecimal() else None


def scope_of(cursor: Cursor, node_id: str | None) -> Scope | None:
    """The scope of a node, whether a filter hides it or not; None when nothing has that id.

    That of an agent which seems to be hidden in a run (``queries.hidden_lines``) is its run's.
    """
    if node_id is None:
        return Scope(None, "all", -1, -1)
    row = one(
        cursor,
        "SELECT kind, position, last FROM internal.nodes WHERE node_id = $1 ORDER BY position LIMIT 1",
        [node_id],
    )
    if row is None and (host := host_of(node_id)) and (scope := scope_of(cursor, host[0])) is not None:
        return scope._replace(chain=host[1])
    return None if row is None else Scope(node_id, *row)
