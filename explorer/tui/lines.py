"""The visible lines of the tree as a flat list. Opening or closing a node touches its own lines only.

Knows nothing of Textual and asks no questions: whoever fills it brings the nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from explorer.store.queries import Node

PAGE = 500
"""Children that are read at once; the rest waits behind pager lines."""


class Part(NamedTuple):
    """Some children of a node: so many, from one on."""

    first: int
    size: int


@dataclass(slots=True, eq=False)
class Line:
    """One line: a node, or a pager above or below the children of its parent that are shown."""

    node: Node | None
    """None for a pager."""
    parent: Line | None
    depth: int
    remaining: int | None = None
    """On a pager: how many children it stands for; None when only known to be some."""
    above: bool = False
    """Whether it is a pager that stands for the children before those below it."""
    expanded: bool = False
    hidden: list[Line] = field(default_factory=list)
    """The lines below a closed node that were read before, so that it opens again as it was."""

    @property
    def node_id(self) -> str | None:
        """The id of the node; None for a pager."""
        return self.node.node_id if self.node else None

    @property
    def expandable(self) -> bool:
        """Whether anything can be below it."""
        return self.node is not None and self.node.children > 0


@dataclass(frozen=True, slots=True)
class Branch:
    """Children of one node as they were read, with the branches that were open below them."""

    nodes: Sequence[Node]
    total: int | None
    """How many children there are in all; None when there are more, but nobody knows how many."""
    open: dict[str, Branch] = field(default_factory=dict)
    first: int = 0
    """How many children stand before these."""


class Lines:
    """What the tree shows, top to bottom."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._by_id: dict[str, Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> Line:
        return self._lines[index]

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def find(self, node_id: str | None) -> int | None:
        """Where a node stands, if it is visible."""
        line = self._by_id.get(node_id) if node_id is not None else None
        if line is None:
            return None
        try:
            return self._lines.index(line)
        except ValueError:  # below a closed node
            return None

    def fill(self, roots: Branch) -> None:
        """Start over from these top lines and whatever is open below them."""
        self._by_id = {}
        self._lines = list(self._grow(roots, None))

    def opened(self) -> dict[str | None, Part]:
        """The ids of the open nodes (None for the top) with their children that were read."""
        counts: dict[str | None, int] = {None: 0}
        firsts: dict[str | None, int] = {}
        for line in self._lines:
            parent_id = line.parent.node_id if line.parent else None
            if line.node is not None:
                if line.expanded:
                    counts[line.node.node_id] = 0
                counts[parent_id] += 1
            elif line.above:
                firsts[parent_id] = line.remaining or 0
        return {node_id: Part(firsts.get(node_id, 0), count) for node_id, count in counts.items()}

    def end_of(self, index: int) -> int:
        """The index after the last line below ``index``."""
        depth = self._lines[index].depth
        end = index + 1
        while end < len(self._lines) and self._lines[end].depth > depth:
            end += 1
        return end

    def parent_of(self, index: int) -> int | None:
        """The index of the parent of a line."""
        parent = self._lines[index].parent
        if parent is None:
            return None
        # The parent stands above and near, so look upwards rather than from the top.
        for above in range(index - 1, -1, -1):
            if self._lines[above] is parent:
                return above
        return None

    def needs_reading(self, index: int) -> bool:
        """Whether a node can be opened but its children were never read."""
        line = self._lines[index]
        return line.expandable and not line.expanded and not line.hidden

    def expand(self, index: int) -> int:
        """Open a node whose children were read before; how many lines appeared."""
        line = self._lines[index]
        if line.expanded or not line.hidden:
            return 0
        grown, line.hidden, line.expanded = line.hidden, [], True
        self._lines[index + 1 : index + 1] = grown
        return len(grown)

    def collapse(self, index: int) -> int:
        """Close a node; how many lines went away."""
        line = self._lines[index]
        if not line.expanded:
            return 0
        end = self.end_of(index)
        line.hidden, line.expanded = self._lines[index + 1 : end], False
        del self._lines[index + 1 : end]
        return len(line.hidden)

    def attach(self, index: int, branch: Branch) -> int:
        """Open a node with the children that were just read; how many lines appeared."""
        line = self._lines[index]
        if line.expanded:
            return 0
        line.hidden = list(self._grow(branch, line))
        return self.expand(index)

    def append_page(self, pager: int, nodes: Sequence[Node], total: int | None) -> int:
        """Put the page that a pager line stands for in its place; how many lines there are more."""
        line, wanted = self._lines[pager], self.wanted(pager)
        page = [
            each
            for each in self._grow(Branch(nodes, total, first=wanted.first), line.parent)
            if each.node is not None or each.above == line.above  # to the other side, there are lines already
        ]
        self._lines[pager : pager + 1] = page
        return len(page) - 1

    def wanted(self, pager: int) -> Part:
        """The page that a pager line stands for: the one that is next to what is shown."""
        line = self._lines[pager]
        if line.above:
            end = line.remaining or 0
            return Part(max(0, end - PAGE), min(PAGE, end))
        before = 0
        for above in range(pager - 1, -1, -1):
            other = self._lines[above]
            if other is line.parent:
                break
            if other.parent is line.parent:
                before += (other.remaining or 0) if other.above else 1
        return Part(before, PAGE)

    def _grow(self, branch: Branch, parent: Line | None) -> Iterator[Line]:
        # A stack, as agents may be nested deeper than functions may call one another.
        growing = [(branch, iter(branch.nodes), parent)]
        yield from _pager_above(branch, parent)
        while growing:
            branch, nodes, parent = growing[-1]
            for node in nodes:
                below = branch.open.get(node.node_id)
                line = Line(node, parent, _depth_below(parent), expanded=below is not None)
                self._by_id[node.node_id] = line
                yield line
                if below is not None:
                    growing.append((below, iter(below.nodes), line))
                    yield from _pager_above(below, line)
                    break
            else:
                growing.pop()
                yield from _pager_below(branch, parent)


def _depth_below(parent: Line | None) -> int:
    return parent.depth + 1 if parent else 0


def _pager_above(branch: Branch, parent: Line | None) -> Iterator[Line]:
    if branch.first:
        yield Line(None, parent, _depth_below(parent), remaining=branch.first, above=True)


def _pager_below(branch: Branch, parent: Line | None) -> Iterator[Line]:
    shown = branch.first + len(branch.nodes)
    if branch.total is None or shown < branch.total:
        remaining = None if branch.total is None else branch.total - shown
        yield Line(None, parent, _depth_below(parent), remaining=remaining)
