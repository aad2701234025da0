"""Which records are of the same run: a container's log, an answer, a task's row, lines of usage, turns of a transcript.

A container is a run. What else there is belongs to the container within whose life it lies, if there is just one whose
session it is; what lies in none is a run of its own, and so is what may be of several, with that said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explorer.readers._claude_code._draft import Run, Session
from explorer.readers.deus._draft import Called, Group, Interaction, Life, TaskRun, Usage

STARTED_MS = 7_000
"""How far the start of a container, and that of the answer it gives, may lie apart: memories are looked up between."""

ENDED_MS = 2_000
"""How far apart the ends of a container and of the task that it did are written down, and how late a last line is."""


def lives_of(group: Group) -> list[Life]:
    """The runs by their containers, and by the answers and tasks that no container is known for."""
    lives = list(group.containers)
    for answer in sorted(group.interactions, key=lambda each: each.start or 0):
        _answered(answer, lives)
    for task in sorted(group.tasks, key=lambda each: each.end or 0):
        _done(task, lives)
    return lives


def _answered(answer: Interaction, lives: list[Life]) -> None:
    known = [
        life
        for life in lives
        if life.origin == "container" and life.interaction is None and answer.start is not None
        and life.start is not None and abs(life.start - answer.start) <= STARTED_MS
        and answer.session_id in (None, life.session_id)
    ]  # fmt: skip
    if known:
        at = answer.start or 0
        nearest = min(known, key=lambda life: abs((life.start or 0) - at))
        nearest.interaction = answer
        return
    life = Life("interaction", answer.native_id, answer.source_id, answer.start, answer.end, None, answer.session_id)
    life.interaction = answer
    lives.append(life)


def _done(task: TaskRun, lives: list[Life]) -> None:
    end = task.end
    known = [
        life
        for life in lives
        if life.task is None and end is not None and life.end is not None and abs(life.end - end) <= ENDED_MS
    ]
    if known:
        min(known, key=lambda life: abs((life.end or 0) - (end or 0))).task = task
        return
    lives.append(Life("task", f"task {task.task_id}", task.source_id, task.start, end, task=task))


def sessions_of_new(lives: Sequence[Life], group: Group, sessions: Iterable[Session]) -> None:
    """Which session a container began that was given none: the one that is first heard of within its life.

    By its usage, else by the first record of a transcript; only where there is one such session and one such container.
    """
    known = {life.session_id for life in lives}
    first: dict[str, int] = {}
    for line in group.usage:
        if line.session_id and line.end is not None:
            first[line.session_id] = min(line.end, first.get(line.session_id, line.end))
    for session in sessions:
        if session.start is not None:
            first[session.session_id] = min(session.start, first.get(session.session_id, session.start))
    fits: dict[str, list[Life]] = {}
    for session_id, at in first.items():
        if session_id not in known:
            fits[session_id] = [life for life in lives if life.session_id is None and _within(at, at, life)]
    for session_id, found in fits.items():
        if len(found) == 1 and sum(found[0] in others for others in fits.values()) == 1:
            found[0].session_id = session_id


def _within(start: int, end: int, life: Life) -> bool:
    """Whether something lies in a life, but for what is written while it ends."""
    if life.start is None or life.end is None:
        return False
    return life.start - 1_000 <= start and end <= life.end + ENDED_MS


def candidates(start: int | None, end: int | None, session_id: str | None, lives: Iterable[Life]) -> list[Life]:
    """The runs that something of a session may belong to, in the order of their starts."""
    if start is None or end is None:
        return []
    inside = [life for life in lives if _within(start, end, life)]
    own = [life for life in inside if life.session_id == session_id]
    found = own or [life for life in inside if life.session_id is None or session_id is None]
    return sorted(found, key=lambda life: life.start or 0)


def of_turn(turn: Run, lives: Sequence[Life], calls: dict[str, int]) -> tuple[list[Life], bool]:
    """The runs that a turn of a transcript may be of, and whether a record says so.

    The log of tool calls names the answer, and so when it was begun. Else it is the time, and where several fit the
    length of the prompt, which a container's log has as well.
    """
    found = [
        life
        for life in candidates(turn.start, turn.start, turn.agent.session.session_id, lives)
        if life.origin != "usage"
    ]
    begun = {calls[tool.call_id] for tool in turn.tools if tool.call_id in calls}
    if len(begun) == 1:
        at = begun.pop()
        named = [life for life in lives if life.start is not None and abs(life.start - at) <= STARTED_MS]
        if len(named) == 1:
            return named, True
    if len(found) > 1 and turn.prompt_chars is not None:
        alike = [life for life in found if life.prompt_chars == turn.prompt_chars]
        if len(alike) == 1:
            return alike, False
    return found, False


def begun_of(called: Iterable[Called]) -> dict[str, int]:
    """Tool call -> when the answer was begun that it was made for; where its name does not tell, nothing."""
    found: dict[str, int] = {}
    for call in called:
        at = _begun(call.interaction or "")
        if call.call_id and at is not None:
            found[call.call_id] = at
    return found


def begun_with(answer: str, life: Life) -> bool:
    """Whether an answer was begun when a run was, by its name."""
    at = _begun(answer)
    return at is not None and life.start is not None and abs(life.start - at) <= STARTED_MS


def _begun(answer: str) -> int | None:
    tail = answer.rpartition("-")[2]
    return int(tail) if len(tail) == 13 and tail.isascii() and tail.isdecimal() else None


def place_usage(group: Group, lives: list[Life], turns: Sequence[Life]) -> None:
    """Give every line of usage to its run, or make it one.

    A process gives one result after the other: a line is of none that has one which overlaps it.
    """
    lines = sorted(group.usage, key=lambda each: (each.end or 0, each.where.offset))
    open_ = [(line, candidates(line.start, line.end, line.session_id, lives)) for line in lines]
    open_ = [(line, found or [turn for turn in turns if _same_end(line, turn)]) for line, found in open_]
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


def _same_end(line: Usage, turn: Life) -> bool:
    return (
        turn.session_id == line.session_id
        and turn.end is not None
        and line.end is not None
        and abs(turn.end - line.end) <= 5_000
    )


def place_calls(group: Group, lives: Sequence[Life]) -> dict[Life, list[Called]]:
    """The logged tool calls of each run, by the answer in the log's name, else by time."""
    begun = begun_of(group.called)
    found: dict[Life, list[Called]] = {}
    for call in group.called:
        at = begun.get(call.call_id or "")
        named = [life for life in lives if at is not None and life.start is not None
                 and abs(life.start - at) <= STARTED_MS and call.session_id in (None, life.session_id)]  # fmt: skip
        fitting = named if len(named) == 1 else candidates(call.at, call.at, call.session_id, lives)
        if len(fitting) == 1 and call.at is not None:
            life = fitting[0]
            found.setdefault(life, []).append(call)
    return found
