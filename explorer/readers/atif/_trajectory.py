"""The trajectories of a file, with those that are inside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from explorer.readers._drafts import Where
from explorer.readers._findings import Findings
from explorer.readers._records import Lines, open_bytes
from explorer.readers._walk import Walk
from explorer.readers.atif._step import Noted, noted
from explorer.readers.atif._trial import OF_TRIALS, Trial, is_trial

KNOWN = re.compile(
    rb'"(?:schema_version|steps|final_metrics|continued_trajectory_ref|subagent_trajectories)"[ \t\r\n]*+:'
)
"""Keys that a trajectory has, and nothing in it does."""

STEP = re.compile(rb'\{[ \t\r\n]*+"(?:step_id|timestamp)"[ \t\r\n]*+:')
EMBEDDED = re.compile(rb'\{[ \t\r\n]*+"(?:schema_version|trajectory_id)"[ \t\r\n]*+:[ \t\r\n]*+"')

MOST_INSIDE = 64
"""Trajectories inside each other that are followed; real ones are two or three deep."""

_FIELDS = frozenset((
    "schema_version", "session_id", "trajectory_id", "agent", "notes", "final_metrics", "continued_trajectory_ref",
    "extra",
))  # fmt: skip


@dataclass(slots=True, eq=False)
class File:
    """One of the files that are read together."""

    path: Path
    source_id: str
    findings: Findings
    roots: list[Trajectory] = field(default_factory=list)
    trial: Trial | None = None
    """Of a file that is the result of a trial."""
    damage: list[tuple[int, str, str]] = field(default_factory=list)
    """Line, code and reason."""


@dataclass(slots=True, eq=False)
class Trajectory:
    """A trajectory, and where in its file it begins."""

    file: File
    offset: int
    above: Trajectory | None
    """That which it stands in."""
    fields: dict[str, object] = field(default_factory=dict)
    others: dict[str, object] = field(default_factory=dict)
    """Fields that a trajectory has not, and the result of a trial has."""
    steps: list[Noted] = field(default_factory=list)
    embedded: list[Trajectory] = field(default_factory=list)
    complaints: list[tuple[int | None, str]] = field(default_factory=list)
    """Line, and what is wrong there."""
    unpaired: list[tuple[int, str]] = field(default_factory=list)
    """Results of calls that are not in it: where, and of which."""

    def text(self, name: str) -> str | None:
        """A field that is a text."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None

    def of(self, name: str) -> dict[str, object]:
        """A field that is an object; empty where it is none."""
        value = self.fields.get(name)
        return value if isinstance(value, dict) else {}

    def all(self) -> Iterator[Trajectory]:
        """Itself and everything inside it."""
        yield self
        for each in self.embedded:
            yield from each.all()


def read_file(file: File) -> None:
    """Take in all trajectories of a file.

    Raises:
        OSError: it cannot be read.
    """
    with open_bytes(file.path) as buffer:
        walk, lines = Walk(buffer), Lines(buffer)
        for _ in walk.objects():
            found = _trajectory(walk, lines, file, None, 0)
            if "schema_version" not in found.fields and is_trial(found.fields.keys() | found.others.keys()):
                file.trial = Trial.of(found.others)
            else:
                file.roots.append(found)
        for offset, code, reason in walk.damage:
            file.damage.append((lines.at(min(offset, len(buffer))), code, reason))


def _trajectory(walk: Walk, lines: Lines, file: File, above: Trajectory | None, depth: int) -> Trajectory:
    found = Trajectory(file, walk.at, above)
    for key in walk.members(KNOWN):
        if key == "steps":
            _steps(walk, lines, found)
        elif key == "subagent_trajectories" and depth < MOST_INSIDE:
            for start in walk.items(EMBEDDED, KNOWN):
                if walk.buffer[start : start + 1] == b"{":
                    found.embedded.append(_trajectory(walk, lines, file, found, depth + 1))
        elif key in _FIELDS:
            found.fields[key] = walk.value()
        elif key in OF_TRIALS:
            found.others[key] = walk.value()
    return found


def _steps(walk: Walk, lines: Lines, found: Trajectory) -> None:
    """Take in a list of steps."""
    for piece in walk.records(STEP, KNOWN):
        if not isinstance(piece.value, dict):
            walk.note(piece.start, "a step that is no object")
            continue
        step = noted(piece.value, Where(found.file.source_id, piece.start, piece.end - piece.start))
        found.steps.append(step)
        if step.complaints:
            found.complaints += [(lines.at(piece.start), each) for each in step.complaints]
