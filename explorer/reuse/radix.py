"""The prefix tree of prompts: what they have in common is on one branch, and they part where they differ.

Places at which no two runs part are folded into the branch they are on, and what a run has for itself is one leaf,
however often its own prompts part there. Ids need not be chained: a place in the tree is an id behind all before it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from explorer.reuse.calls import Call, Stretch, split_prefix
from explorer.reuse.streaks import Streak

_Since: TypeAlias = tuple[int, Call]
"""A call with its number in order of arrival."""


class Branch(NamedTuple):
    """Blocks that follow each other in the prompts of the very same runs."""

    above: int | None
    """Which branch of the list it goes on from; None at the start of prompts."""
    depth: int
    """How many branches are above it."""
    position: int
    """Blocks between the start of the prompt and it."""
    blocks: int
    """How many are on it: 0 on the leaf of a run that has nothing for itself."""
    stretches: list[Stretch]
    places: list[int]
    """Blocks between the start of the prompt and each stretch; on a leaf with several ends not one behind the other."""
    holders: list[Call]
    """Of each run that holds it the first call to do so, in order of arrival: the first of all wrote it."""
    ends: int
    """Of a leaf, which one run has for itself: at how many places its prompts come to an end, one at least. 0 of a
    branch that several runs hold."""


def radix(arrived: Iterable[Streak]) -> list[Branch]:
    """The branches over calls in order of arrival: depth first, and what was there first before the rest."""
    return list(_fold(_grow(_paths(arrived))))


def head(stretches: Iterable[Stretch], blocks: int) -> list[Stretch]:
    """The first ``blocks`` of them."""
    found: list[Stretch] = []
    for first, count in stretches:
        if blocks <= 0:
            break
        found.append((first, min(count, blocks)))
        blocks -= count
    return found


def behind(stretches: Iterable[Stretch], blocks: int) -> list[Stretch]:
    """All but the first ``blocks`` of them."""
    found: list[Stretch] = []
    for first, count in stretches:
        if count > blocks:
            found.append((first + blocks, count - blocks))
        blocks = max(0, blocks - count)
    return found


@dataclass(slots=True)
class _Path:
    """Prompts of a run, each of which goes on where the one before it ended."""

    run_id: str
    stretches: list[Stretch]
    blocks: int
    common: int
    """How many leading blocks it has in common with the path before it of the same run."""
    reached: list[int] = field(default_factory=list)
    """How many blocks it had by each of these calls."""
    calls: list[_Since] = field(default_factory=list)

    def first_at(self, position: int) -> _Since:
        """The first call that holds the block at a position."""
        return self.calls[bisect_right(self.reached, position)]


@dataclass(slots=True)
class _Node:
    stretches: list[Stretch]
    position: int
    blocks: int
    children: dict[int, _Node] = field(default_factory=dict)
    """By their first block."""
    holders: dict[str, _Path] = field(default_factory=dict)
    """Of each run the first path that comes through. It was there before its others, whichever block is asked for."""

    @property
    def end(self) -> int:
        """How many blocks there are down to its last."""
        return self.position + self.blocks

    def since(self) -> list[_Since]:
        """Of each run the first call that holds the first block, in order of arrival."""
        return sorted((path.first_at(self.position) for path in self.holders.values()), key=_number)


def _number(since: _Since) -> int:
    return since[0]


def _paths(arrived: Iterable[Streak]) -> Iterator[_Path]:
    """Those of one run in order of arrival."""
    latest: dict[str, _Path] = {}
    number = 0
    for calls, _ in arrived:
        last = calls[-1]  # which has all that the others have
        path = latest.get(last.run_id)
        common = split_prefix(path.stretches, last.stretches)[0] if path is not None else 0
        if path is None or common < min(path.blocks, last.blocks):
            if path is not None:
                yield path
            path = latest[last.run_id] = _Path(last.run_id, [], 0, common)
        for call in calls:
            if call.blocks > path.blocks:
                path.blocks = call.blocks
                path.reached.append(call.blocks)
                path.calls.append((number, call))
            number += 1
        if path.blocks == last.blocks:
            path.stretches = last.stretches
    yield from latest.values()


def _grow(paths: Iterable[_Path]) -> _Node:
    """The whole tree, with a node wherever paths part or end. Returns its root, which has no blocks."""
    root = _Node([], 0, 0)
    latest: dict[str, list[_Node]] = {}  # the nodes on the last path of each run, for the next one parts from it
    for path in paths:
        passed = latest.setdefault(path.run_id, [])
        while passed and passed[-1].end > path.common:
            passed.pop()
        node = passed[-1] if passed else root
        rest = behind(path.stretches, node.end)
        while rest:
            node, rest = _descend(node, rest)
            node.holders.setdefault(path.run_id, path)
            passed.append(node)
    return root


def _descend(node: _Node, rest: list[Stretch]) -> tuple[_Node, list[Stretch]]:
    """The node below that begins like the rest of a path, made if there is none; and what of the path is behind it."""
    child = node.children.get(rest[0][0])
    if child is None:
        child = node.children[rest[0][0]] = _Node(rest, node.end, sum([count for _, count in rest]))
    common, tail = split_prefix(rest, child.stretches)
    rest = split_prefix(child.stretches, rest)[1]
    if tail:  # the path leaves it on the way, or ends there
        upper = _Node(head(child.stretches, common), node.end, common, {tail[0][0]: child}, dict(child.holders))
        child.stretches, child.position, child.blocks = tail, upper.end, child.blocks - common
        node.children[upper.stretches[0][0]] = child = upper
    return child, rest


def _down(nodes: list[_Node]) -> Iterator[_Node]:
    """These and all below them, each before its children. A loop, as a run may part thousands of times."""
    waiting = nodes[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children.values())


class _Part(NamedTuple):
    """What goes on from a node: a node that several runs hold, or what one run has for itself."""

    since: _Since
    shared: _Node | None
    alone: list[_Node]


def _parts(node: _Node) -> list[_Part]:
    """In order of arrival. What a run has for itself may be nothing."""
    alone: dict[str, list[_Node]] = {}
    parts: list[_Part] = []
    going_on: set[str] = set()
    for child in node.children.values():
        if len(child.holders) == 1:
            (run,) = child.holders
            alone.setdefault(run, []).append(child)
        else:
            going_on |= child.holders.keys()
            parts.append(_Part(child.since()[0], child, []))
    parts += [_Part(nodes[0].since()[0], None, nodes) for nodes in alone.values()]
    for run, path in node.holders.items():
        if run not in alone and run not in going_on:
            parts.append(_Part(path.first_at(node.position), None, []))
    return sorted(parts, key=lambda part: part.since[0])


def _places(position: int, stretches: Iterable[Stretch]) -> Iterator[int]:
    """Where each of some stretches begins that follow each other from a position on."""
    for _, count in stretches:
        yield position
        position += count


def _fold(root: _Node) -> Iterator[Branch]:
    number = -1
    waiting: list[tuple[_Part, int, int | None, int]] = [(part, 0, None, 0) for part in reversed(_parts(root))]
    while waiting:
        part, position, above, depth = waiting.pop()
        number += 1
        node = part.shared
        if node is None:
            nodes = list(_down(part.alone))
            stretches = [stretch for node in nodes for stretch in node.stretches]
            places = [place for node in nodes for place in _places(node.position, node.stretches)]
            blocks, ends = sum(node.blocks for node in nodes), sum(not node.children for node in nodes)
            yield Branch(above, depth, position, blocks, stretches, places, [part.since[1]], ends or 1)
            continue
        holders, stretches = [call for _, call in node.since()], list(node.stretches)
        while len(node.children) == 1:
            (child,) = node.children.values()
            if len(child.holders) < len(node.holders):
                break
            node = child
            stretches += node.stretches
        places = list(_places(position, stretches))
        yield Branch(above, depth, position, node.end - position, stretches, places, holders, 0)
        waiting += [(below, node.end, number, depth + 1) for below in reversed(_parts(node))]
