"""What makes two blocks one: their id, whatever it looks like, or their id and all the ids before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from explorer.reuse.calls import Call, Stretch


def renumbered(conversations: Mapping[str, Iterable[Call]]) -> dict[str, list[Call]]:
    """The same calls with every id replaced by the number of its first appearance.

    Hashes are scattered over 64 bits, a stretch each; what came together gets numbers that follow each other. Nothing
    that is computed from calls changes by it but how ids are numbered.
    """
    numbers: dict[int, int] = {}
    return {
        conversation: [call._replace(stretches=_renamed(call.stretches, numbers)) for call in calls]
        for conversation, calls in conversations.items()
    }


def _renamed(stretches: list[Stretch], numbers: dict[int, int]) -> list[Stretch]:
    found: list[Stretch] = []
    first = end = -1
    for block in _ids(stretches):
        number = numbers.setdefault(block, len(numbers))
        if number != end:
            if end > first:
                found.append((first, end - first))
            first = number
        end = number + 1
    return [*found, (first, end - first)] if end > first else found


def prefix_hits(calls: Iterable[Call]) -> Counter[str]:
    """By run: leading blocks that an earlier call holds behind the very same blocks. Calls are in order of arrival.

    A node of the tree of all prompts is kept for each id behind each prefix, one by one: for ids that are not chained.
    """
    nodes: dict[tuple[int, int], int] = {}
    hits: Counter[str] = Counter()
    for call in calls:
        node, known = 0, 0
        for depth, block in enumerate(_ids(call.stretches)):
            fresh = len(nodes) + 1
            node = nodes.setdefault((node, block), fresh)
            known += node != fresh and known == depth
        hits[call.run_id] += known
    return hits


def _ids(stretches: list[Stretch]) -> Iterator[int]:
    for first, count in stretches:
        yield from range(first, first + count)
