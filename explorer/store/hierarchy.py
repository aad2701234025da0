"""Depth-first order of a recorded hierarchy, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Forest(NamedTuple):
    """A hierarchy laid out depth-first; entry ``i`` is about item ``i`` as it was given."""

    positions: list[int]
    """Place in the depth-first order, from 0."""
    depths: list[int]
    """0 for a root."""
    lasts: list[int]
    """Position of the last item below, the item's own if there is none: what lies below is one range."""


def lay_out(parents: Sequence[int | None]) -> Forest:
    """Lay out items depth-first, children in the order they are given; ``parents`` must be free of cycles."""
    below: dict[int, list[int]] = {}
    stack: list[int] = []
    for item, parent in enumerate(parents):
        if parent is None:
            stack.append(item)
        else:
            below.setdefault(parent, []).append(item)
    stack.reverse()

    size = len(parents)
    positions, depths, lasts = [0] * size, [0] * size, [0] * size
    way: list[int] = []  # down to the item before; an item is closed when the walk leaves it
    position = 0
    while stack:
        item = stack.pop()
        depth = depths[item]
        while len(way) > depth:
            lasts[way.pop()] = position - 1
        way.append(item)
        positions[item] = position
        for child in reversed(below.get(item, ())):
            depths[child] = depth + 1
            stack.append(child)
        position += 1
    for item in way:
        lasts[item] = position - 1
    assert position == size, "a cycle"
    return Forest(positions, depths, lasts)


def cyclic(parents: Sequence[int | None]) -> list[int]:
    """The items that are their own ancestors; those that merely hang below a cycle are not."""
    settled = bytearray(len(parents))
    found: list[int] = []
    for start in range(len(parents)):
        trail: dict[int, int] = {}
        item: int | None = start
        while item is not None and not settled[item] and item not in trail:
            trail[item] = len(trail)
            item = parents[item]
        if item is not None and item in trail:
            found.extend(list(trail)[trail[item] :])
        for passed in trail:
            settled[passed] = 1
    return sorted(found)
