"""The rows of one source: a home with its database, a file that stands alone, or the export of a goal."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from functools import partial
from pathlib import Path

from explorer.model import Finding, Row
from explorer.readers import Report, Rows, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._sqlite import Unreadable, open_database
from explorer.readers.maverick._evidence import Entry, Evidence, Post, Twice, entries_of
from explorer.readers.maverick._export import evidence_of
from explorer.readers.maverick._goal import GoalRows
from explorer.readers.maverick._layout import (
    Kind,
    beside_world,
    goal_of,
    kind_of,
    source_id_of,
    tenant_of,
)
from explorer.readers.maverick._logs import ByGoal, File, Line
from explorer.readers.maverick._shapes import conversation_id, text_of
from explorer.readers.maverick._shares import share_of
from explorer.readers.maverick._trace import posts_of
from explorer.readers.maverick._trajectories import Trajectories, counted, is_step
from explorer.readers.maverick._world import World


def rows(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of one source, a goal at a time."""
    findings = Findings(source.source_id, source.share[0])
    with source.path.open("rb") as file:
        head = file.read(1 << 16)
    kind = _kind(source.source_id, head)
    if kind == "world":
        bad = yield from _read_world(source, findings)
    else:
        bad = 0
        yield from _read_alone(kind, source, findings)
    yield from findings.rest()
    yield Report(findings.bad_records + bad)


def _kind(source_id: str, head: bytes) -> Kind:
    """What a source is; of one that is damaged, what its name says."""
    name = source_id.rpartition("/")[2]
    found = kind_of(name, head)
    if found is not None:
        return found
    if name.endswith((".json", ".db")):
        return "world" if name.endswith(".db") else "export"
    return "trace" if goal_of(source_id) is not None else "trajectories" if "trajector" in name else "audit"


def _read_world(source: SourceFile, findings: Findings) -> Generator[Row | Rows, None, int]:
    home = _Home(source)
    is_first = source.share[0] == 0  # what is not of one goal is said by the first part alone
    try:
        with open_database(source.path, bytes) as database:
            world = World(source.source_id, database, findings if is_first else Findings(""))
            for finding in world.index():
                if is_first:
                    yield finding
            world.findings = findings
            if world.legacy and is_first:
                message = (
                    "the table of checkpoints is of the first shape, without episode_id: attempts at one goal share "
                    "their keys, and a newer Maverick cannot look anything up in it"
                )
                yield from findings.at("legacy-checkpoints", "warning", message)
            yield from home.index(is_first)
            known = world.goals()
            goals = (*known, *sorted(home.goals() - set(known)))
            for goal in share_of(goals, lambda goal: world.events(goal) + home.lines(goal), world.head, source.share):
                evidence = world.evidence(goal)
                yield from home.add(evidence)
                rows = GoalRows(source.source_id, evidence, findings, home.tenant)
                yield from rows.rows()
                world.remember(goal, rows.runs)
                yield from world.problems()
            if is_first and database.changed():
                message = "the database was written to while it was read: rows may be missing; ctrl+r reads it again"
                yield from findings.at("changed-while-read", "warning", message)
    except Unreadable as error:
        message = f"the database cannot be opened ({error}): nothing of it is read"
        yield from findings.at("damaged-database", "error", message)
    finally:
        home.close()
    for file in home.files:
        yield from file.findings.rest()
    return sum(file.findings.bad_records for file in home.files)


class _Home:
    """The files beside a database."""

    def __init__(self, source: SourceFile) -> None:
        beside = beside_world(source.path)
        self.tenant = tenant_of(source.source_id)
        self.files: list[File] = []
        self._source = source
        self._audit = ByGoal([self._file(path) for path in beside.audit], _has_kind)
        trajectories = [self._file(beside.trajectories)] if beside.trajectories is not None else []
        self._steps = ByGoal(trajectories, is_step)
        self._traces: dict[int, list[File]] = {}
        for path in beside.traces:
            goal = goal_of(path.name)
            if goal is not None:
                self._traces.setdefault(goal, []).append(self._file(path))

    def _file(self, path: Path) -> File:
        source_id = source_id_of(self._source.source_id, self._source.path, path)
        file = File(path, source_id, Findings(source_id, self._source.share[0]))
        self.files.append(file)
        return file

    def index(self, is_told: bool) -> Iterator[Finding]:
        """Find out of which goals they are, and say what is wrong unless another part says it."""
        yield from self._audit.index(is_told)
        yield from self._steps.index(is_told)

    def lines(self, goal: int) -> int:
        """How many lines of the audit log are of a goal."""
        return self._audit.count(goal)

    def goals(self) -> set[int]:
        """The goals that they have anything of."""
        return {*self._audit.goals(), *self._steps.goals(), *self._traces}

    def add(self, evidence: Evidence) -> Iterator[Finding]:
        """Put what they have of a goal beside what the database has."""
        goal = evidence.goal_id
        if self._audit.count(goal):
            evidence.audit = _entries(self._audit, goal)
        if self._steps.count(goal):
            lines = list(self._steps.of(goal))
            yield from (line for line in lines if isinstance(line, Finding))
            found = counted(line for line in lines if isinstance(line, Line))
            evidence.role_steps, evidence.episode_steps = found
        if goal in self._traces:
            files, first = self._traces[goal], Findings("")
            key = conversation_id(self._source.source_id, goal)
            evidence.trace = Twice(partial(_posts, files, key, first), first)
            evidence.also = [file.findings for file in files]

    def close(self) -> None:
        """Close what is open."""
        self._audit.close()
        self._steps.close()


def _posts(files: Iterable[File], key: str, first_time: Findings, findings: Findings) -> Iterator[Post | Finding]:
    """The posts of the traces of a goal, one file behind the other; the first time with each file's own findings."""
    segments = 0
    for number, file in enumerate(files):
        first = segments + (number > 0)
        for post in posts_of(file, key, file.findings if findings is first_time else findings):
            if isinstance(post, Post):
                segments = post.segment + first
                post = post._replace(segment=segments) if first else post
            yield post


def _entries(log: ByGoal, goal: int) -> Twice[Entry]:
    first_time = Findings("")
    return Twice(lambda findings: entries_of(log.of(goal, findings is first_time)), first_time)


def _has_kind(fields: dict[str, object]) -> bool:
    return text_of(fields.get("kind")) is not None


def _read_alone(kind: Kind, source: SourceFile, findings: Findings) -> Iterator[Row | Rows]:
    """A file that no database is beside."""
    source_id, tenant = source.source_id, tenant_of(source.source_id)
    if kind == "export":
        for found in evidence_of(source.path, source_id, findings):
            if isinstance(found, Finding):
                yield found
            else:
                yield from GoalRows(source_id, found, findings, tenant).rows()
        return
    file = File(source.path, source_id, findings)
    if kind == "trace":
        goal = goal_of(source_id) or 0
        posts = Twice(partial(posts_of, file, conversation_id(source_id, goal)), findings)
        yield from GoalRows(source_id, Evidence(goal, trace=posts), findings, tenant).rows()
        return
    log = ByGoal([file], is_step if kind == "trajectories" else _has_kind)
    try:
        yield from log.index()
        for goal in log.goals():
            if kind == "trajectories":
                yield from Trajectories(source_id, goal, findings, tenant).rows(log.of(goal))
            else:
                evidence = Evidence(goal, audit=_entries(log, goal))
                yield from GoalRows(source_id, evidence, findings, tenant).rows()
    finally:
        log.close()
