"""An order of things in which what is alike stands together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations


def by_similarity(alike: Sequence[Sequence[float]]) -> list[int]:
    """The indices of a square matrix, its most similar pairs joined first, and groups by their most similar members.

    What is equally similar keeps its order, and of two groups the one that began first goes ahead.
    """
    groups = [[index] for index in range(len(alike))]
    of = list(range(len(alike)))  # index -> its group
    for a, b in sorted(combinations(of, 2), key=lambda pair: -max(alike[pair[0]][pair[1]], alike[pair[1]][pair[0]])):
        one, other = sorted((of[a], of[b]))
        if one != other:
            groups[one] += groups[other]
            for index in groups[other]:
                of[index] = one
            groups[other] = []
    return [index for group in groups for index in group]
