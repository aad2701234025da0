"""Which trajectory belongs to which: sub-agents below the results that name them, continuations behind the first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from explorer.model import Grade
from explorer.readers.atif._head import beside
from explorer.readers.atif._step import Noted, Reference
from explorer.readers.atif._trajectory import File, Trajectory


@dataclass(slots=True, eq=False)
class Link:
    """What a trajectory hangs on."""

    parent: Trajectory
    step: Noted | None = None
    """The step that names it; None where none does, and it only stands inside its parent."""
    call_id: str | None = None
    continues: bool = False
    grade: Grade = "exact"
    has_content: bool = False
    """Whether the result that names it has one."""


@dataclass(slots=True, eq=False)
class Family:
    """The trajectories of all files that are read together."""

    roots: list[Trajectory] = field(default_factory=list)
    below: dict[Trajectory, list[Trajectory]] = field(default_factory=lambda: defaultdict(list))
    links: dict[Trajectory, Link] = field(default_factory=dict)
    missing: list[tuple[Trajectory, str]] = field(default_factory=list)
    """Trajectories that are named and not there: by whom, and by which name."""


def family(files: Sequence[File]) -> Family:
    """Who belongs to whom."""
    found = Family()
    every = [each for file in files for root in file.roots for each in root.all()]
    index = _Index(files, every)
    for each in every:
        _continued(found, index, each)
    for each in every:
        for step in each.steps:
            for result in step.results:
                for reference in result.references:
                    child = index.of(each, reference)
                    if child is None:
                        name = reference.trajectory_id or reference.path or reference.session_id or "without a name"
                        found.missing.append((each, name))
                        continue
                    call_id = result.call_id or (step.calls[0][0] if len(step.calls) == 1 else None)
                    _hang(found, child, Link(each, step, call_id, False, "exact", result.has_content))
    for each in every:
        if each.above is not None:
            _hang(found, each, Link(each.above, grade="derived"))
    found.roots = [each for each in every if each not in found.links]
    return found


def _continued(found: Family, index: _Index, each: Trajectory) -> None:
    name = each.text("continued_trajectory_ref")
    if name is None:
        return
    later = index.of(each, Reference(None, name, None))
    if later is None:
        found.missing.append((each, name))
    else:
        _hang(found, later, Link(each, continues=True))


def _hang(found: Family, child: Trajectory, link: Link) -> None:
    """Put a trajectory below another, unless it has a place, or would be below itself."""
    above: Trajectory | None = link.parent
    while above is not None:
        if above is child:
            return
        above = found.links[above].parent if above in found.links else None
    if child not in found.links:
        found.links[child] = link
        found.below[link.parent].append(child)


class _Index:
    """Finds trajectories by what others call them."""

    def __init__(self, files: Sequence[File], every: Sequence[Trajectory]) -> None:
        self._by_place = {place: file for file in files if (place := beside(file.path, file.path.name)) is not None}
        self._by_id: dict[str, list[Trajectory]] = defaultdict(list)
        self._by_session: dict[str, list[Trajectory]] = defaultdict(list)
        for each in every:
            if (name := each.text("trajectory_id")) is not None:
                self._by_id[name].append(each)
            if (name := each.text("session_id")) is not None:
                self._by_session[name].append(each)

    def of(self, by: Trajectory, reference: Reference) -> Trajectory | None:
        """What is meant, the nearest first: inside, in the file, in another file; by its session if only one has it."""
        if reference.trajectory_id is not None:
            same = self._by_id[reference.trajectory_id]
            near = next((each for each in same if each.above is by), None)
            near = near or next((each for each in same if each.file is by.file), None)
            if near is not None:
                return near
            if len(same) == 1:
                return same[0]
        if reference.path is not None and (file := self._by_place.get(beside(by.file.path, reference.path) or "")):
            return next(iter(file.roots), None)
        if reference.session_id is not None and reference.session_id != by.text("session_id"):
            only = self._by_session[reference.session_id]
            return only[0] if len(only) == 1 else None
        return None


def descendants(found: Family, root: Trajectory) -> Iterator[Trajectory]:
    """A trajectory and everything below it, those above first."""
    waiting = [root]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += reversed(found.below.get(each, ()))
