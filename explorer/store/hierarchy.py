"""Depth-first order of a recorded hierarchy, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Forest(NamedTuple):
    """A hierarchy laid out depth-first."""

    order: list[int]
    """The items by their position, from 0."""
    depths: list[int]
    """Of each item; 0 for a root."""
    lasts: list[int]
    """Position of the last item below each item, its own if there is none: what lies below is one range."""


def lay_out(parents: Sequence[int]) -> Forest:
    """Lay out items depth-first, children in the order they are given.

    ``parents`` has the parent of each item, -1 for a root, and must be free of cycles.
    """
    below: dict[int, list[int]] = {}
    stack: list[int] = []
    for item, parent in enumerate(parents):
        if parent < 0:
            stack.append(item)
        else:
            below.setdefault(parent, []).append(item)
    stack.reverse()

    order: list[int] = []
    depths, lasts = [0] * len(parents), [0] * len(parents)
    way: list[int] = []  # down to the item before; an item is closed when the walk leaves it
    while stack:
        item = stack.pop()
        depth = depths[item]
        while len(way) > depth:
            lasts[way.pop()] = len(order) - 1
        way.append(item)
        order.append(item)
        if item in below:
            for child in reversed(below[item]):
                depths[child] = depth + 1
                stack.append(child)
    for item in way:
        lasts[item] = len(order) - 1
    assert len(order) == len(parents), "a cycle"
    return Forest(order, depths, lasts)


def cyclic(parents: Sequence[int]) -> list[int]:
    """The items that are their own ancestors; those that merely hang below a cycle are not. -1 is no parent."""
    settled = bytearray(len(parents))
    found: list[int] = []
    for start in range(len(parents)):
        trail: dict[int, int] = {}
        item = start
        while item >= 0 and not settled[item] and item not in trail:
            trail[item] = len(trail)
            item = parents[item]
        if item in trail:
            found.extend(list(trail)[trail[item] :])
        for passed in trail:
            settled[passed] = 1
    return sorted(found)
