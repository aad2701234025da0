"""Which records are of the same run: a container's log, an answer, a task's row, lines of usage, turns of a transcript.

A container is a run. What else there is belongs to the container within whose life it lies, if there is just one whose
session it is; what lies in none is a run of its own, and so is what may be of several, with that said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explorer.readers._claude_code._draft import Run, Session
from explorer.readers.deus._draft import TASK, Called, Group, Interaction, Life, TaskRun, Usage
from explorer.readers.deus._lives import Lives

TURN_MS = 5_000
"""How far apart the last record of a turn and its line of usage are written."""


def lives_of(group: Group) -> list[Life]:
    """The runs by their containers, and by the answers and tasks that no container is known for."""
    containers = Lives(group.containers)
    lives = list(group.containers)
    lives += filter(None, [_answered(answer, containers) for answer in group.interactions])
    known = Lives(lives)
    lives += filter(None, [_done(task, known) for task in group.tasks])
    return lives


def _answered(answer: Interaction, containers: Lives) -> Life | None:
    """Put an answer to the container that gave it; else it is a run."""
    at = answer.start
    fitting = [
        life
        for life in (containers.begun(at) if at is not None else ())
        if life.interaction is None and answer.session_id in (None, life.session_id)
    ]
    if not fitting:
        native, session = answer.native_id, answer.session_id
        return Life("interaction", native, answer.source_id, at, answer.end, session_id=session, interaction=answer)
    min(fitting, key=lambda life: abs((life.start or 0) - (at or 0))).interaction = answer
    return None


def _done(task: TaskRun, lives: Lives) -> Life | None:
    """Put a task's row to the run that did it; else it is one."""
    end = task.end
    fitting = [life for life in (lives.ended(end) if end is not None else ()) if life.task is None]
    if not fitting:
        return Life("task", f"{TASK}{task.task_id}", task.source_id, task.start, end, task=task)
    min(fitting, key=lambda life: abs((life.end or 0) - (end or 0))).task = task
    return None


def sessions_of_new(lives: Sequence[Life], group: Group, sessions: Iterable[Session]) -> None:
    """Which session a container began that was given none: the one that is first heard of within its life.

    By its usage, else by the first record of a transcript; only where there is one such session and one such container,
    and before any that resumes it.
    """
    resumed: dict[str, int] = {}
    for life in lives:
        if life.session_id is not None and life.start is not None:
            resumed[life.session_id] = min(life.start, resumed.get(life.session_id, life.start))
    new = Lives(life for life in lives if life.session_id is None)
    fits: dict[Life, list[str]] = {}
    for session_id, at in _first_heard(group, sessions).items():
        found = new.around(at, at) if at < resumed.get(session_id, at + 1) else []
        for life in found:
            fits.setdefault(life, []).append(session_id if len(found) == 1 else "")
    for life, found_ids in fits.items():
        if len(found_ids) == 1 and found_ids[0]:
            life.session_id = found_ids[0]


def _first_heard(group: Group, sessions: Iterable[Session]) -> dict[str, int]:
    """Session -> when there was anything of it."""
    heard = [(line.session_id, line.end) for line in group.usage]
    heard += [(session.session_id, _begun_itself(session)) for session in sessions]
    first: dict[str, int] = {}
    for session_id, at in heard:
        if session_id and at is not None:
            first[session_id] = min(at, first.get(session_id, at))
    return first


def _begun_itself(session: Session) -> int | None:
    """When a session began, without what it has copied from another one."""
    steps = session.main.steps.values() if session.main is not None else ()
    return min((step.start for step in steps if step.owner is None and step.start is not None), default=session.start)


def candidates(start: int | None, end: int | None, session_id: str | None, lives: Lives) -> list[Life]:
    """The runs that something of a session may belong to, in the order of their starts."""
    if start is None or end is None:
        return []
    inside = lives.around(start, end)
    own = [life for life in inside if life.session_id == session_id]
    return own or [life for life in inside if life.session_id is None or session_id is None]


def of_turn(turn: Run, lives: Lives, begun: dict[str, int]) -> tuple[list[Life], bool]:
    """The runs that a turn of a transcript may be of, and whether a record says so.

    The log of tool calls names the answer, and so when it was begun. Else it is the time, and where several fit the
    length of the prompt, which a container's log has as well.
    """
    session_id = turn.agent.session.session_id
    found = candidates(turn.start, turn.start, session_id, lives) or _resumed(turn, lives)
    starts = {begun[tool.call_id] for tool in turn.tools if tool.call_id in begun}
    if len(starts) == 1:
        named = [life for life in lives.begun(starts.pop()) if life.session_id in (None, session_id)]
        if len(named) == 1:
            return named, True
    if len(found) > 1 and turn.prompt_chars is not None:
        alike = [life for life in found if life.prompt_chars == turn.prompt_chars]
        if len(alike) == 1:
            return alike, False
    return found, False


def _resumed(turn: Run, lives: Lives) -> list[Life]:
    """The runs that resumed the session of which this one begins with a copy: they may have gone on under its id."""
    if turn.start is None:
        return []
    steps = turn.agent.steps.values()
    origins = {step.owner.run.agent.session.session_id for step in steps if step.owner is not None}
    return [life for life in lives.around(turn.start, turn.start) if life.session_id in origins and not life.spans]


def begun_of(called: Iterable[Called]) -> dict[str, int]:
    """Tool call -> when the answer was begun that it was made for; where its name does not tell, nothing."""
    found = {call.call_id: begun_at(call.interaction or "") for call in called if call.call_id}
    return {call_id: at for call_id, at in found.items() if at is not None}


def begun_at(answer: str) -> int | None:
    """When an answer was begun, by its name: ``<folder>-<milliseconds>``."""
    tail = answer.rpartition("-")[2]
    return int(tail) if len(tail) == 13 and tail.isascii() and tail.isdecimal() else None


def place_usage(group: Group, lives: list[Life], turns: Sequence[Life]) -> None:
    """Give every line of usage to its run, or make it one.

    A process gives one result after the other: a line is of none that has one which overlaps it.
    """
    known, own = Lives(lives), Lives(turns)
    lines = sorted(group.usage, key=lambda each: (each.end or 0, each.where.offset))
    open_ = [
        (
            line,
            candidates(line.start, line.end, line.session_id, known) or _turn_of(line, own) or _beside(line, known),
        )
        for line in lines
    ]
    while placed := [(line, found[0]) for line, found in open_ if len(found) == 1]:
        for line, life in placed:
            life.usage.append(line)
        open_ = [
            (line, [life for life in found if not any(_overlap(line, other) for other in life.usage)] or found)
            for line, found in open_
            if len(found) != 1
        ]
    for life in (*lives, *turns):
        life.usage.sort(key=lambda line: (line.end or 0, line.where.offset))
        life.spans += [(line.start, line.end) for line in life.usage if line.start is not None and line.end is not None]
    for line, found in open_:
        name = f"usage {line.where.line}"
        life = Life("usage", name, line.where.source_id, line.start, line.end, None, line.session_id, usage=[line])
        if line.start is not None and line.end is not None:
            life.spans.append((line.start, line.end))
        if found:
            names = " or ".join(each.native_id for each in found[:4])
            life.doubt = f"it is of one of {len(found):,} containers: {names}"
        lives.append(life)


def _overlap(one: Usage, other: Usage) -> bool:
    if one.start is None or one.end is None or other.start is None or other.end is None:
        return False
    return max(one.start, other.start) < min(one.end, other.end)


def _turn_of(line: Usage, turns: Lives) -> list[Life]:
    """The turn of its session that ended when it was written; else the last within the time that it is about."""
    if line.end is None:
        return []
    ended = [turn for turn in turns.ended(line.end, TURN_MS) if turn.session_id == line.session_id]
    return ended or _beside(line, turns)[-1:]


def _beside(line: Usage, lives: Lives) -> list[Life]:
    """The runs of its session that were there in a part of the time that a line is about."""
    if line.start is None or line.end is None:
        return []
    return [life for life in lives.around(line.end, line.start) if life.session_id == line.session_id]


def place_calls(group: Group, lives: Sequence[Life]) -> dict[Life, list[Called]]:
    """The logged tool calls of each run, by the answer in the log's name, else by time."""
    known = Lives(lives)
    begun = begun_of(group.called)
    found: dict[Life, list[Called]] = {}
    for call in group.called:
        at = begun.get(call.call_id or "")
        named = known.begun(at) if at is not None else []
        named = [life for life in named if call.session_id in (None, life.session_id)]
        fitting = named if len(named) == 1 else candidates(call.at, call.at, call.session_id, known)
        if len(fitting) == 1 and call.at is not None:
            found.setdefault(fitting[0], []).append(call)
    return found


def place_offered(group: Group, lives: Sequence[Life]) -> dict[Life, int]:
    """How many tools the containers were offered that are known by the answers that they gave."""
    known = Lives(lives)
    found: dict[Life, int] = {}
    for answer, many in group.offered.items():
        at = begun_at(answer)
        named = known.begun(at) if at is not None else []
        if len(named) == 1:
            found[named[0]] = many
    return found
