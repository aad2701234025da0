"""Who spawned whom: by the conversations that results name, then by names, time and titles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.model import Grade


@dataclass(slots=True, eq=False)
class Spawned:
    """What lineage is worked out from, of one run. Times are milliseconds since 1970."""

    run_id: str
    agent: str
    """Its definition."""
    parent_name: str | None
    """The recorded name of its parent's definition."""
    conversation: str | None
    """Its own conversation; None where it is not known, or is the root's."""
    native: str | None
    is_root: bool
    first: int | None
    last: int | None
    spawns: list[Spawn] = field(default_factory=list)
    parent: Spawned | None = None
    spawn: Spawn | None = None
    """The call that started it."""
    parent_grade: Grade = "exact"


class Spawn(NamedTuple):
    """A tool call that started agents."""

    run: Spawned
    ordinal: int
    """Of the tool call in its run."""
    call_id: str | None
    definition: str | None
    """Of the agents it started."""
    tasks: list[str]
    children: list[str]
    """Their conversations, in order; empty when the result has none."""
    called: int | None
    answered: int | None
    grade: Grade
    failed: bool

    def covers(self, run: Spawned) -> bool:
        """Whether the run began while the call was open."""
        if run.first is None or self.called is None:
            return False
        return self.called <= run.first and (self.answered is None or run.first <= self.answered)


class Lost(NamedTuple):
    """A run whose recorded parent cannot be one, the code of the finding, and why."""

    run: Spawned
    code: str
    reason: str


def resolve(runs: Sequence[Spawned]) -> list[Lost]:
    """Give every run that is not a root, and has none by its title and time, its parent and the grade of that.

    Results that name conversations are exact as far as the call itself is. A name alone tells the definition: one open
    call of a run of it that starts such agents is derived, several are ambiguous.
    """
    lost: list[Lost] = []
    named = {child: spawn for run in runs for spawn in run.spawns for child in spawn.children}
    for run in runs:
        spawn = named.get(run.conversation or "")
        if spawn is not None and spawn.run is not run:
            # The child's conversation is named by the call: nothing is in doubt but whose call it was.
            _adopt(run, spawn, "exact" if spawn.grade == "exact" else spawn.grade)
        elif not run.is_root and run.parent is None:
            lost += _by_name(run, runs)
    for run in runs:
        if _is_cyclic(run):
            lost.append(Lost(run, "parent-cycle", "following its parents leads back to it"))
            run.parent, run.spawn, run.parent_grade = None, None, "not_recorded"
    return lost


def _adopt(run: Spawned, spawn: Spawn, grade: Grade) -> None:
    run.parent, run.spawn, run.parent_grade, run.is_root = spawn.run, spawn, grade, False


def _by_name(run: Spawned, runs: Sequence[Spawned]) -> Iterable[Lost]:
    """A parent by its definition's name and what was going on when the run began."""
    if run.parent_name is None:
        run.parent_grade = "not_recorded"
        return
    alike = [other for other in runs if other is not run and other.agent == run.parent_name]
    open_ = [
        spawn
        for other in alike
        for spawn in other.spawns
        if spawn.covers(run) and spawn.definition in (run.agent, None) and not (spawn.children and run.conversation)
    ]
    if open_:
        # Calls of one batch are all open: it is their run that is the parent.
        parents = {id(spawn.run) for spawn in open_}
        sure = len(parents) == 1 and all(spawn.grade != "ambiguous" for spawn in open_)
        nearest = max(open_, key=lambda spawn: spawn.called or 0)
        _adopt(run, nearest, "derived" if sure else "ambiguous")
        if len(open_) > 1:
            run.spawn = None
        return
    around = [
        o for o in alike if None not in (o.first, run.first) and (o.first or 0) <= (run.first or 0) <= (o.last or 0)
    ]
    if around:
        run.parent = max(around, key=lambda other: other.first or 0)
        run.parent_grade = "derived" if len(around) == 1 else "ambiguous"
        return
    run.parent_grade = "not_recorded"
    if run.parent_name == run.agent:
        yield Lost(
            run,
            "self-parent",
            f"its recorded parent is {run.parent_name}, its own name, and no other run of it was open",
        )
    else:
        yield Lost(run, "unknown-parent", f"no run of its recorded parent {run.parent_name} was open when it began")


def _is_cyclic(run: Spawned) -> bool:
    seen: list[Spawned] = []
    above = run.parent
    while above is not None and not any(above is each for each in seen):
        if above is run:
            return True
        seen.append(above)
        above = above.parent
    return False
