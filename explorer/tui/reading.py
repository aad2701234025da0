"""Read the part of the tree that is visible: pages of children below whatever is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from explorer.tui.lines import PAGE, Branch, Part

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries import Node, SortKey, TreeView


Opened: TypeAlias = Mapping["str | None", Part]
"""The nodes that are open (None for the top), and which of their children are shown."""

_NEAR = 10 * PAGE
"""Children that are read together with one; for one that is further down, those around it."""


class Order(NamedTuple):
    """How children are ordered."""

    sort: SortKey
    descending: bool
    own: bool


class Picture(NamedTuple):
    """What the tree shows after a reading."""

    roots: Branch
    path: list[Node]
    """From the conversation down to the root; empty at the top."""


class Reader(NamedTuple):
    """One reading of the tree with one cursor."""

    cursor: Cursor
    tree: TreeView
    order: Order
    conversations: int | None
    """How many conversations there are, if a filter does not hide some of them."""
    complete: bool
    """Whether no more conversations will come."""

    def picture(self, root: str | None, opened: Opened) -> Picture:
        """Everything below a root (the top for None) that is open, with as many children as were read before."""
        from explorer.store import queries

        path = queries.path_to(self.cursor, self.tree, root) if root is not None else []
        if path:
            node = path[-1]
            roots = Branch([node], 1)
            if node.children:
                roots = self._unfold(roots, opened)
            return Picture(roots, path)
        roots = self.children(None, self.conversations, opened)
        if self.complete and len(roots.nodes) == 1 and not roots.open:
            roots = self._unfold(roots, opened)
        return Picture(roots, [])

    def again(self, root: str | None, opened: Opened, cursor: str | None) -> Picture:
        """The same in an order or of data that may be others: instead of what stood far down, what the cursor is on."""
        near = {node_id: Part(0, 0) if part.first else part for node_id, part in opened.items()}
        if near != opened and cursor is not None and (found := self.reveal(cursor, root, near)) is not None:
            return found[1]
        return self.picture(root, near)

    def children(self, parent_id: str | None, total: int | None, opened: Opened) -> Branch:
        """The children of a node, and theirs where they are open."""
        top = self._branch(parent_id, total, opened)
        waiting = [top]  # agents may be nested deeper than functions may call one another
        while waiting:
            branch = waiting.pop()
            for node in branch.nodes:
                if node.node_id in opened and node.children:
                    below = branch.open[node.node_id] = self._branch(node.node_id, node.children, opened)
                    waiting.append(below)
        return top

    def _branch(self, parent_id: str | None, total: int | None, opened: Opened) -> Branch:
        first, size = opened.get(parent_id, Part(0, 0))
        nodes, total = self.page(parent_id, first, max(PAGE, size), total)
        if first and not nodes:  # there are fewer than there were
            first = 0
            nodes, total = self.page(parent_id, first, PAGE, total)
        return Branch(nodes, total, first=first)

    def page(self, parent_id: str | None, offset: int, limit: int, total: int | None) -> tuple[list[Node], int | None]:
        """Children from ``offset`` on, and how many there are in all if that is known."""
        from explorer.store import queries

        # One more than wanted tells whether there are more, where nobody has counted them.
        nodes = queries.children(self.cursor, self.tree, parent_id, *self.order, offset, limit + 1)
        if len(nodes) <= limit:
            return nodes, offset + len(nodes)
        return nodes[:limit], total

    def reveal(self, node_id: str, root: str | None, opened: Opened) -> tuple[str | None, Picture] | None:
        """Open whatever leads to a node. The root changes to the top when the node is not below it."""
        from explorer.store import queries

        path = queries.path_to(self.cursor, self.tree, node_id)
        if not path:
            return None
        ids: list[str | None] = [None, *(node.node_id for node in path)]
        if root not in ids:
            root = None
        wider = dict(opened)
        places = queries.places(self.cursor, self.tree, path, *self.order)
        for parent_id, place in list(zip(ids, places, strict=False))[ids.index(root) :]:
            wider[parent_id] = _with(place, wider.get(parent_id, Part(0, 0)))
        return root, self.picture(root, wider)

    def _unfold(self, roots: Branch, opened: Opened) -> Branch:
        """Open a lone node, and its child if there is just one: nothing else could be wanted."""
        node = roots.nodes[0]
        below = self.children(node.node_id, node.children, opened)
        if len(below.nodes) == 1 and not below.open and below.nodes[0].children:
            only = below.nodes[0]
            below.open[only.node_id] = self.children(only.node_id, only.children, opened)
        roots.open[node.node_id] = below
        return roots


def _with(place: int, shown: Part) -> Part:
    """The children to show so that one of them is among them: those that are shown, and more, if it is near."""
    first, size = shown
    if first <= place < first + max(size, _NEAR):
        return Part(first, max(size, ((place - first) // PAGE + 1) * PAGE))
    return Part(max(0, place - PAGE // 2), PAGE)
