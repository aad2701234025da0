"""Transcripts that are being written, gone on with from where they ended.

Each is read into a family of its own, which is kept. What files that are read together have in common depends on their
order, so these families are joined in that order, as if the files had been read one behind the other; where a file has
records, calls or agents that another has too, only reading them so will do. What is made of the agents once all has
been joined is taken back before more is read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from typing import Final, TypeAlias

from explorer.readers._claude_code._draft import Agent, Run, Session, Step
from explorer.readers._claude_code._family import TRANSCRIPTS, Family, Transcript
from explorer.readers._claude_code._layout import name_of
from explorer.readers._claude_code._lines import Damage, Place, lines_of
from explorer.readers._prompts import MovableParts
from explorer.readers._records import Buffer, open_bytes

KEPT_BYTES: Final = 256 << 20
"""Of transcripts that are kept as they were read, those that were read last; what is kept takes half of that."""

_COMPARED = 4_096
"""Bytes before the end by which it is known that a file has only been written on."""

_LATER: Final = {
    Agent: (
        "session", "helper", "agent_type", "description", "tool_use_id", "mate_id", "phase", "parent", "parent_grade",
        "spawn",
    ),
    Run: ("parent", "part_of", "spawn"),
    Step: ("prompt", "owner", "finish_reason", "usage"),
}  # fmt: skip
"""What is found out once all files have been read, or becomes another then; and of tools ``child``, of runs events."""

_TAKE = {kind: attrgetter(*names) for kind, names in _LATER.items()}
_Memory: TypeAlias = list[tuple[Agent | Run | Step, tuple[object, ...]]]


class Growing:
    """One transcript as far as it has been read."""

    def __init__(self, path: Path, source_id: str, teams: bool) -> None:
        self.parts = MovableParts()
        self.family = Family(teams, self.parts)
        self.file = Transcript(self.family, source_id, name_of(source_id))
        self.cut: Sequence[Damage] = ()
        """What is wrong with a line at the end that has no end itself."""
        self.size = 0
        self._identity = _identity(path)
        self._place = Place(0, 0)
        self._before = b""
        self._memory: _Memory = []
        self._events: list[tuple[Run, int]] = []

    def goes_on(self, path: Path, buffer: Buffer) -> bool:
        """Whether the file is the one that was read, with perhaps more in it."""
        end = self._place.offset
        same = self._identity == _identity(path) and len(buffer) >= end
        return same and self._before == _digest(buffer, end)

    def read(self, buffer: Buffer) -> bool:
        """Take in what is new. False when it ends with a record that may become another: that cannot be taken back."""
        self._forget_later()
        start, end = self._place.offset, buffer.rfind(b"\n") + 1
        if not start and buffer[:3] == b"\xef\xbb\xbf":
            start = 3
        if end > start:
            for line in lines_of(buffer, self.file.source_id, Place(start, self._place.number), end):
                if type(line) is Damage:
                    self.family.damage.append((self.file.source_id, line))
                else:
                    self.file.take(*line)
            self._place = Place(end, self._place.number + buffer[start:end].count(b"\n"))
            self._before = _digest(buffer, end)
        self.size = len(buffer)
        self._remember()
        place = self._place._replace(offset=max(self._place.offset, start))
        rest = list(lines_of(buffer, self.file.source_id, place, len(buffer)))
        self.cut = [line for line in rest if type(line) is Damage]
        return len(self.cut) == len(rest)

    def _remember(self) -> None:
        agents = [agent for session in self.family.sessions.values() for agent in session.agents.values()]
        runs = [run for agent in agents for run in agent.runs]
        objects: Iterator[Agent | Run | Step] = iter([*agents, *runs, *(step for run in runs for step in run.steps)])
        self._memory = [(each, _TAKE[type(each)](each)) for each in objects]
        self._events = [(run, len(run.events)) for run in runs]

    def _forget_later(self) -> None:
        for each, values in self._memory:
            for name, value in zip(_LATER[type(each)], values, strict=True):
                setattr(each, name, value)
        for run, events in self._events:
            del run.events[events:]
            for tool in run.tools:
                tool.child = None


_kept: OrderedDict[tuple[Path, str, bool], Growing] = OrderedDict()


def read_growing(files: Iterable[tuple[Path, str]], teams: bool) -> Family | None:
    """The family of files in the order in which they are read, some of which are being written.

    None where they must be read one behind the other: a file depends on others, or cannot be read.
    """
    family = Family(teams)
    for path, source_id in files:
        try:
            if name_of(source_id).kind not in TRANSCRIPTS:
                family.read(path, source_id)
            elif (growing := _read(path, source_id, teams)) is None or not _join(family, growing):
                return None
        except OSError:
            return None
    return family


def _read(path: Path, source_id: str, teams: bool) -> Growing | None:
    key = path, source_id, teams
    growing = _kept.pop(key, None)
    with open_bytes(path) as buffer:
        if growing is None or not growing.goes_on(path, buffer):
            growing = Growing(path, source_id, teams)
        is_whole = growing.read(buffer)
    _kept[key] = growing
    while len(_kept) > 1 and sum(each.size for each in _kept.values()) > KEPT_BYTES:
        _kept.popitem(last=False)
    return growing if is_whole else None


def _join(family: Family, growing: Growing) -> bool:
    """Put what a file tells behind what the others did. False, with nothing done, when it depends on them."""
    own, file = growing.family, growing.file
    both = [(family.sessions[name], session) for name, session in own.sessions.items() if name in family.sessions]
    if (file.leans and family.sessions) or any(_overlap(session, other) for session, other in both):
        return False
    numbers = family.parts.take_over(growing.parts)
    for session in own.sessions.values():
        mine = family.session(session.session_id, session.source_id)
        _merge(mine, session)
        for agent in session.agents.values():
            for run in agent.runs:
                for step in run.steps:
                    step.prompt = numbers.stretches(step.prompt)
    family.foreign |= own.foreign
    family.summaries += own.summaries
    family.damage += own.damage
    family.damage += ((file.source_id, damage) for damage in growing.cut)
    family.close(file)
    return True


def _overlap(session: Session, other: Session) -> bool:
    """Whether what two files tell of a session cannot be told apart."""
    if (session.main or session.teammate) and (other.main or other.teammate):
        return True
    calls = session.spawns.keys()
    return not (
        session.agents.keys().isdisjoint(other.agents)
        and session.of_record.keys().isdisjoint(other.of_record)
        and all(calls.isdisjoint(agent.tools) for agent in other.agents.values())
    )


def _merge(session: Session, other: Session) -> None:
    """What was told of a session first, and what another file tells of it then."""
    session.add(other)
    if session.cwd is None:
        session.cwd = other.cwd
        session.branch = session.branch or other.branch
        session.version = session.version or other.version
        session.team = session.team or other.team
        session.background = session.background or other.background
        session.forked_from = other.forked_from or session.forked_from
    session.continued_in = other.continued_in or session.continued_in
    session.title = other.title or session.title
    if session.first_prompt is None:
        session.first_prompt = other.first_prompt


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _digest(buffer: Buffer, end: int) -> bytes:
    return blake2b(buffer[max(0, end - _COMPARED) : end], digest_size=16).digest()
