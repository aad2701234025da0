"""A large home is read in several parts, side by side: each of them has whole goals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from explorer.readers._sqlite import MAGIC, Unreadable, open_database, unfinished
from explorer.readers.maverick._layout import beside_world

_EVENTS_A_SHARE, _MOST_SHARES, _MOST_LOGGED = 250_000, 16, 4
"""Posts of one part. How many parts there are depends on the home alone, as the keys of findings do on the parts; with
an audit log they are fewer, as each of them looks through all of it for the lines of its goals."""


def shares(path: Path) -> int:
    """How many parts a source is read in; one where the database has to be copied first."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC or unfinished(path):
                return 1
        with open_database(path) as database:
            found = database.execute("SELECT max(rowid) - min(rowid) FROM goal_events")
    except (OSError, Unreadable):
        return 1
    most = _MOST_LOGGED if beside_world(path).audit else _MOST_SHARES
    return max(1, min(most, round((found[0][0] or 0) / _EVENTS_A_SHARE))) if found else 1


def share_of(
    goals: Iterable[int], weight: Callable[[int], int], head: Callable[[int], int], share: tuple[int, int]
) -> list[int]:
    """The goals of one part, which follow each other and are about as much as those of any other.

    Goals that were forked from each other are in one part.
    """
    goals = list(goals)
    number, of = share
    weights: dict[int, int] = {}
    for goal in goals:
        first = head(goal)
        weights[first] = weights.get(first, 0) + 1 + weight(goal)
    total, passed, own = sum(weights.values()), 0, set()
    for first, heavy in weights.items():
        if passed * of // total == number:
            own.add(first)
        passed += heavy
    return [goal for goal in goals if head(goal) in own]
