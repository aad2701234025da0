"""The one file that all processes used to append to: rows without a run id, told apart by what they can follow.

A ``session`` row begins a process and has its clock; ids of nodes and ``t`` begin anew there. Processes that ran at the
same time interleave. What each of them can write next is narrow: ids go up by one, ``t`` never goes back, a turn's
parent is the turn before it, a child's is the turn that is current, and rows stand in the file in the order of the
clock. So the ways to share the rows out are followed through the file, each with what it has against it, and the best
is taken; a row for which equally good ways differ is ambiguous.

Older writers: justrach/codegraff src/main.zig (``kind:"session"`` with version and unix_ms, ids from 1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from explorer.readers.graff._lines import Record

MOST_OPEN = 8
"""Processes, the latest ones, that a row is tried with."""

MOST_WAYS = 24
MOST_AGAINST = 3.0
"""Ways that have so much more against them than the best are followed no further."""

CLOCK_MS = 250
"""By how much rows may seem to stand in a wrong order."""

_NEVER, _HARDLY, _UNLIKELY, _MISSING = 10.0, 5.0, 3.0, 0.5


class _Written(NamedTuple):
    """What a process has written so far."""

    t: int = 0
    top: int = 0
    """Highest id."""
    open: int = 0
    """The turn that is going on, 0 when none is known."""
    turn: int = 0
    """The last turn that ended."""


class _Way:
    """One way to share out the rows so far. Ways that come to the same are one, with several pasts."""

    __slots__ = ("against", "now", "pasts", "session", "written")

    def __init__(self, session: int, written: tuple[_Written, ...], now: int, against: float) -> None:
        self.session = session
        """Whose the last row is."""
        self.written = written
        """By the latest processes."""
        self.now = now
        self.against = against
        self.pasts: list[_Way] = []


class Placed(NamedTuple):
    """A row, and whose it is."""

    record: Record
    session: int
    candidates: tuple[int, ...]
    """All sessions whose it may be, when there are several; the one that it is given to first."""
    interleaved: bool
    """Whether another session than the latest wrote it, or may have."""


def separate(rows: Sequence[Record]) -> list[Placed]:
    """Whose each row is; sessions are numbered from 0 in the order of their headers."""
    clocks: list[int | None] = []
    latest: list[int] = []
    ways = [_Way(-1, (), 0, 0.0)]
    for record in rows:
        if record.fields.get("kind") == "session" or not clocks:
            clocks.append(_whole(record.fields, "unix_ms"))
            ways = [_begun(way, clocks) for way in ways]
        if record.fields.get("kind") != "session":
            ways = _next(ways, record.fields, clocks)
        latest.append(len(clocks) - 1)
    best = min((way.against for way in ways), default=0.0)
    reached = [way for way in ways if way.against == best]
    found: list[Placed] = []
    for record, last in zip(reversed(rows), reversed(latest), strict=True):
        sessions = sorted({way.session for way in reached}, reverse=True)
        chosen = reached[0].session
        candidates = (chosen, *(session for session in sessions if session != chosen)) if len(sessions) > 1 else ()
        found.append(Placed(record, chosen, candidates, chosen != last or bool(candidates)))
        pasts = {id(past): past for way in reached for past in way.pasts}
        reached = sorted(pasts.values(), key=lambda past: past is not reached[0].pasts[0])
    return found[::-1]


def _begun(way: _Way, clocks: list[int | None]) -> _Way:
    """A process begins."""
    clock = clocks[-1]
    late = clock is not None and clock + CLOCK_MS < way.now
    now = max(way.now, clock or 0)
    after = _Way(
        len(clocks) - 1, (*way.written, _Written())[-MOST_OPEN:], now, way.against + (_UNLIKELY if late else 0.0)
    )
    after.pasts = [way]
    return after


def _next(ways: Sequence[_Way], fields: dict[str, object], clocks: list[int | None]) -> list[_Way]:
    """A row is one process's, or another's; what is worth following of that, the best first."""
    open_, t = len(ways[0].written), _whole(fields, "t")
    first = len(clocks) - open_
    unplaced = t is None and "id" not in fields  # of whom it is does not matter
    same: dict[tuple[object, ...], _Way] = {}
    most = math.inf
    for way in ways:
        for place in range(open_ - 1, open_ - 2 if unplaced else -1, -1):
            clock = clocks[first + place]
            against, after = _against(way.written[place], fields, t)
            at = way.now if t is None or clock is None else clock + t
            against += way.against + (_UNLIKELY if at + CLOCK_MS < way.now else 0.0)
            if against > most:
                continue
            most = min(most, against + MOST_AGAINST)
            written = (*way.written[:place], after, *way.written[place + 1 :])
            key = written, at, place
            known = same.get(key)
            if known is None or against < known.against:
                known = same[key] = _Way(first + place, written, max(way.now, at), against)
                known.pasts.append(way)
            elif against == known.against:
                known.pasts.append(way)
    found = sorted(same.values(), key=lambda way: way.against)[:MOST_WAYS]
    return [way for way in found if way.against <= most]


def _against(written: _Written, fields: dict[str, object], t: int | None) -> tuple[float, _Written]:
    """What speaks against a process having written a row next, and what it has written then."""
    number, parent = _whole(fields, "id"), _whole(fields, "parent")
    against = _NEVER if t is not None and t < written.t else 0.0
    after = written._replace(t=max(written.t, t or 0))
    if number is None:
        if parent is not None and parent not in (written.turn, written.open):
            against += _HARDLY
        return against, after
    if fields.get("kind") == "turn":
        against += _HARDLY if (parent or 0) != written.turn else 0.0
        if number == written.open:
            return against, after._replace(open=0, turn=number)
        missing = number - written.top - 1
        against += _HARDLY if written.open else 0.0
        after = after._replace(open=number) if fields.get("live") is True else after._replace(open=0, turn=number)
    elif not written.open and parent and parent > written.top:  # the first that is heard of a turn
        missing = number - written.top - 2
        after = after._replace(open=parent)
    else:
        missing = number - written.top - 1
        against += 0.0 if (parent or 0) in (written.open, written.turn) else _HARDLY
    against += _NEVER if missing < 0 else _MISSING * min(missing, 6)
    return against, after._replace(top=max(written.top, number))


def _whole(fields: dict[str, object], name: str) -> int | None:
    value = fields.get(name)
    return value if type(value) is int and value >= 0 else None
