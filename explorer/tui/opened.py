"""What is open: the database, the tree built over it, and how much there is. Replaced as a whole, never changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from explorer.store.database import Database, Opening
    from explorer.store.queries import Counts, Node, TreeView


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything a question needs."""

    database: Database
    tree: TreeView
    counts: Counts
    complete: bool
    """False while sources are still being read, and after reading was stopped."""

    def with_tree(self, tree: TreeView) -> Opened:
        """The same data seen through another filter."""
        return replace(self, tree=tree)


@runtime_checkable
class Renewed(Protocol):
    """A dialog that asks again of what is there once all is read."""

    def renew(self, opened: Opened) -> None:
        """All is read now."""


def whose(node: Node | None, own: bool) -> str:
    """What a dialog is about: ``planner and below``; with ``own``, without what is below it."""
    if node is None:
        return "everything that is open"
    name = " ".join(filter(None, (node.name, node.label if node.label != node.name else "")))
    return f"{name or node.node_id} {'alone' if own else 'and below'}"


def kept_in_words(tree: TreeView, own: bool) -> str:
    """How many runs a filter keeps, and that it hides lines while the totals of those above them stay what they are."""
    counted = "" if own or tree.runs_kept == tree.runs else "; totals count all"
    return f" ({tree.runs_kept:,} of {tree.runs:,} runs{counted})"


def open_up(opening: Opening, where: str | None) -> Opened:
    """Load what an ingest has written so far; slow, so it belongs in a thread.

    Without a filter, not even an empty one, what recorders started by themselves is left out, and the filter says so.

    Raises:
        queries.FilterError: ``where`` is not a filter.
    """
    from explorer.store import queries
    from explorer.store.database import Database

    database = Database(opening)
    try:
        with database.cursor() as cursor:
            where = queries.usual_filter(cursor) if where is None else where
            counts = queries.counts(cursor)
        tree = queries.build_tree(database, where)
    except BaseException:
        database.close()
        raise
    return Opened(database, tree, counts, opening.complete)
