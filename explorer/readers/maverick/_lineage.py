"""Who spawned whom. Nothing on disk says it: it follows from what the parent announced, or from when it was spawning.

In this order: the plan of a swarm names its agents; one call that spawns an agent was open when it posted its plan; one
agent of the depth above was at work in the same attempt. Where several fit, the one that began last is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.model import Grade
from explorer.readers.maverick._attempts import Attempt, Attempts
from explorer.readers.maverick._census import Census, Instance, Interval

_ROUNDING = 0.05
"""Seconds by which a plan may seem to come before the call that asked for it: they are stamped one after the other."""


class Link(NamedTuple):
    """An agent's parent: another agent, or the root of an attempt."""

    parent: Instance | Attempt | None
    grade: Grade
    interval: Interval | None = None
    several: Sequence[str] = ()
    """Of an ambiguous one: who else it could be."""


@dataclass
class Lineage:
    """The parents of all agents of a goal."""

    census: Census
    attempts: Attempts
    links: dict[Instance, Link] = field(default_factory=dict)
    _open: dict[Instance, list[Interval]] = field(default_factory=dict)
    """Agents of which several calls may be the one that spawned them."""

    def resolve(self) -> None:
        """Find everyone's parent."""
        spawned: dict[str, list[Instance]] = {}
        for instance in self.census.instances.values():
            for name in instance.spawned:
                spawned.setdefault(name, []).append(instance)
        for child in self.census.instances.values():
            if not child.is_root:
                self.links[child] = self._link(child, spawned.get(child.full, []))
        self._eliminate()
        self._break_cycles()
        for child, link in self.links.items():
            if link.interval is not None:
                link.interval.children.append(child)

    def attempt_of(self, instance: Instance) -> Attempt:
        """The attempt at whose root the parents of an agent end."""
        seen: set[Instance] = set()
        while instance in self.links and instance not in seen:
            seen.add(instance)
            parent = self.links[instance].parent
            if isinstance(parent, Attempt):
                return parent
            if parent is None:
                break
            instance = parent
        return self.attempts.of(instance).attempt

    def _link(self, child: Instance, announced: list[Instance]) -> Link:
        if child.name is None:
            return Link(None, "not_recorded")
        depth = child.name.depth
        intervals = self._spawning(child, depth)
        if announced:
            parents = list(dict.fromkeys(announced))
            interval = next((one for one in intervals if one.parent is parents[0]), None)
            if len(parents) == 1:
                return Link(self._node(parents[0]), "exact", interval)
            return Link(self._node(parents[-1]), "ambiguous", None, [one.full for one in parents])
        if intervals:
            return self._by_call(child, intervals)
        return self._by_time(child, depth)

    def _spawning(self, child: Instance, depth: int) -> list[Interval]:
        """The calls of agents of the depth above that were open when it was first seen."""
        at = child.first if child.planned is None else child.planned
        if at is None:
            return []
        return [
            one
            for one in self.census.intervals
            if one.parent.name is not None
            and one.parent.name.depth == depth - 1
            and one.start - _ROUNDING <= at <= one.end
        ]

    def _by_call(self, child: Instance, intervals: list[Interval]) -> Link:
        assert child.name is not None
        single = [one for one in intervals if one.tool != "spawn_swarm"]
        named = [one for one in single if _mentions(one.asked, child.name.role)]
        chosen = named or single or intervals
        if len(chosen) == 1:
            certain = chosen == named and child.planned is not None
            return Link(self._node(chosen[0].parent), "exact" if certain else "derived", chosen[0])
        self._open[child] = chosen
        names = list(dict.fromkeys(one.parent.full for one in chosen))
        return Link(self._node(chosen[-1].parent), "ambiguous", None, names)

    def _eliminate(self) -> None:
        """A call spawns one agent, unless it is a swarm's: what others came from is left out."""
        found = True
        while found:
            found = False
            used = {link.interval for link in self.links.values() if link.interval is not None}
            for child, chosen in list(self._open.items()):
                left = [one for one in chosen if one.tool == "spawn_swarm" or one not in used]
                if len(left) == 1:
                    self.links[child] = Link(self._node(left[0].parent), "derived", left[0])
                    del self._open[child]
                    found = True
                    break

    def _by_time(self, child: Instance, depth: int) -> Link:
        placed = self.attempts.of(child)
        if depth == 1:
            several = [_title(attempt) for attempt in placed.attempts] if placed.grade == "ambiguous" else []
            return Link(placed.attempt, placed.grade, None, several)
        here = [
            one
            for one in self.census.instances.values()
            if one.name is not None
            and one.name.depth == depth - 1
            and any(attempt in placed.attempts for attempt in self.attempts.of(one).attempts)
            and _was_at_work(one, child.first)
        ]
        if not here:
            return Link(placed.attempt, "ambiguous", None, [])
        here.sort(key=lambda one: one.first or 0.0)
        if len(here) == 1:
            return Link(here[0], placed.grade if placed.grade == "ambiguous" else "derived", None, [])
        return Link(here[-1], "ambiguous", None, [one.full for one in here])

    def _node(self, parent: Instance) -> Instance | Attempt:
        return self.attempts.of(parent).attempt if parent.is_root else parent

    def _break_cycles(self) -> None:
        """Plans that name each other cannot both be right."""
        for child in list(self.links):
            seen = {child}
            parent = self.links[child].parent
            while isinstance(parent, Instance):
                if parent in seen:
                    self.links[child] = Link(self.attempts.of(child).attempt, "ambiguous", None, [])
                    break
                seen.add(parent)
                parent = self.links[parent].parent if parent in self.links else None


def _mentions(asked: str, role: str) -> bool:
    """Whether a call names a role; what is recorded of its arguments may be cut off."""
    return f'"{role}"' in asked or f"'{role}'" in asked


def _was_at_work(instance: Instance, at: float | None) -> bool:
    if at is None or instance.first is None:
        return True
    begun = instance.planned is None or instance.first <= at  # without its plan, nobody knows when it began
    return begun and (instance.finding is None or at <= instance.finding)


def _title(attempt: Attempt) -> str:
    return f"episode {attempt.episode.id}" if attempt.episode is not None else f"{attempt.name} {attempt.ordinal}"
