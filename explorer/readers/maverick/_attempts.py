"""Which attempt at a goal an agent was part of.

All attempts write under one goal and no record names its episode. But an agent instance lives in one process, a process
works on one episode, and the episode has a start and an end: an instance belongs to the attempt within which everything
of it lies. Two processes on one goal make several attempts fit; then all of them are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from explorer.model import Grade
from explorer.readers.maverick._census import Census, Instance
from explorer.readers.maverick._evidence import Episode, Evidence
from explorer.readers.maverick._shapes import is_stable

SLACK = 1.0
"""Seconds by which a record may lie outside its attempt: its last post is written around the time of its end."""

_NEVER = float("inf")


@dataclass(eq=False)
class Attempt:
    """A run of the root agent."""

    episode: Episode | None
    start: float
    end: float
    roots: list[Instance] = field(default_factory=list)
    """Its root, and further ones where it was resumed by another process."""
    name: str = "orchestrator-0"
    ordinal: int = 1

    def holds(self, at: float, slack: float = 0.0) -> bool:
        """Whether a time lies within it."""
        return self.start - slack <= at <= self.end + slack


class Placed(NamedTuple):
    """Where something belongs: the best attempt first."""

    attempts: Sequence[Attempt]
    grade: Grade

    @property
    def attempt(self) -> Attempt:
        """The one that it is shown in."""
        return self.attempts[0]


class Attempts:
    """The attempts at one goal."""

    def __init__(self, evidence: Evidence, census: Census) -> None:
        self.recorded = bool(evidence.episodes)
        self._of_root: dict[Instance, Placed] = {}
        self._of_segment: dict[int, Attempt] = {}
        if evidence.episodes:
            self.all = _of_episodes(evidence.episodes)
            self._open_ends(census.roots())
            for root in census.roots():
                placed = self.by_time(root.first, root.last)
                placed.attempt.roots.append(root)
                self._of_root[root] = placed
        elif census.segments and not any(root.posts and not root.of_trace for root in census.roots()):
            self.all = self._of_segments(census)
        else:
            self.all = [Attempt(None, _known(root.first), _NEVER, [root]) for root in census.roots()]
            if not self.all and (census.posts or census.lines or evidence.checkpoints):
                self.all = [Attempt(None, _known(census.first), _NEVER)]
            _close(self.all)
        for attempt in self.all:
            for root in attempt.roots:
                self._of_root.setdefault(root, Placed((attempt,), "derived"))
        self._latest = self.all[0] if self.all else Attempt(None, _NEVER, _NEVER)
        self._name(evidence)

    def _open_ends(self, roots: Iterable[Instance]) -> None:
        """A killed attempt ends where the next begins, unless its root is seen to go on."""
        _close(self.all)
        for attempt in self.all:
            if attempt.episode is not None and attempt.episode.ended is None:
                for root in roots:
                    if root.first is not None and root.last is not None and attempt.holds(root.first):
                        attempt.end = max(attempt.end, root.last)

    def _of_segments(self, census: Census) -> list[Attempt]:
        found: list[Attempt] = []
        of_root: dict[Instance, Attempt] = {}
        for number, segment in enumerate(census.segments):
            root = segment.roots[0] if segment.roots else None
            attempt = of_root.get(root) if root is not None else None
            if attempt is None:
                attempt = Attempt(None, _known(segment.start), _NEVER, [root] if root is not None else [])
                found.append(attempt)
            for each in segment.roots:
                of_root.setdefault(each, attempt)
                if each not in attempt.roots and of_root[each] is attempt:
                    attempt.roots.append(each)
            self._of_segment[number] = attempt
        _close(found)
        return found

    def _name(self, evidence: Evidence) -> None:
        saved = {each.episode: each.agent for each in evidence.checkpoints if is_stable(each.agent)}
        domain = evidence.goal.domain if evidence.goal is not None else None
        ordinals: dict[str, int] = {}
        for attempt in self.all:
            if attempt.roots and attempt.roots[0].name is not None:
                attempt.name = attempt.roots[0].name.stable
            elif attempt.episode is not None and attempt.episode.id in saved:
                attempt.name = saved[attempt.episode.id]
            elif domain and not domain.startswith("MVKAR1:"):
                attempt.name = f"{domain}-0"
            attempt.ordinal = ordinals[attempt.name] = ordinals.get(attempt.name, 0) + 1

    def of(self, instance: Instance) -> Placed:
        """Where an agent was at work."""
        if instance in self._of_root:
            return self._of_root[instance]
        if instance.of_trace and instance.segment in self._of_segment:
            return Placed((self._of_segment[instance.segment],), "derived")
        return self.by_time(instance.first, instance.last)

    def by_time(self, first: float | None, last: float | None) -> Placed:
        """The attempts that a stretch of time lies in; failing that, the one it began in, or the last before it."""
        if first is None or last is None:
            return Placed(self.all[::-1], "ambiguous" if len(self.all) > 1 else "derived")
        for slack in (0.0, SLACK):
            found = [one for one in self.all if one.holds(first, slack) and one.holds(last, slack)]
            if found:
                return Placed(found[::-1], "ambiguous" if len(found) > 1 else "derived")
        found = [one for one in self.all if one.holds(first)]
        if not found:
            before = [one for one in self.all if one.start <= first]
            found = [*before[::-1], *(one for one in self.all if one not in before)]
            return Placed(found, "ambiguous" if len(found) > 1 else "derived")
        return Placed(found[::-1], "ambiguous" if len(found) > 1 else "derived")

    def is_outside(self, at: float | None) -> bool:
        """Whether a time lies in no recorded attempt."""
        if at is None or not self.recorded or self._latest.holds(at, SLACK):
            return False
        for one in self.all:
            if one.holds(at, SLACK):
                self._latest = one
                return False
        return True

    def overlapping(self) -> list[tuple[Attempt, Attempt]]:
        """Neighbours that were at work together."""
        by_start = sorted(self.all, key=lambda one: one.start)
        return [
            (one, other)
            for index, one in enumerate(by_start)
            for other in by_start[index + 1 : index + 2]
            if one.end - SLACK > other.start
        ]


def _of_episodes(episodes: Sequence[Episode]) -> list[Attempt]:
    found = [
        Attempt(one, _known(one.started), _NEVER if one.ended is None else max(one.ended, _known(one.started)))
        for one in episodes
    ]
    return sorted(found, key=lambda one: (one.start, one.episode.id if one.episode else 0))


def _close(attempts: Sequence[Attempt]) -> None:
    """Where no end is known, one ends where the next begins."""
    for one, following in pairwise(attempts):
        if one.end == _NEVER:
            one.end = max(one.start, following.start)


def _known(at: float | None) -> float:
    return -_NEVER if at is None else at
