"""Runs of one group that were there at once: whether both were at work, on which IPC folder, on whose transcript.

Deus lets one container of a chat run at a time; what has a chat id of its own (agents beside the chat, a `/compact`
that it gives itself) is not held back by that, and finds the group's folders in use (sliamh11/Deus#985, #792). A
container also lives on, idle, for half an hour after its last output: that alone is no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from explorer.model import Severity
from explorer.readers._values import moment
from explorer.readers.deus._draft import Group, Life, overlap
from explorer.readers.deus._lives import STARTED_MS
from explorer.readers.deus._runs import Runs

_TIMED = frozenset(("container", "interaction"))
"""Runs whose start is written down some time before their process is there."""


class Overlap(NamedTuple):
    """A finding at a run."""

    code: str
    severity: Severity
    message: str
    life: Life


def overlaps(group: Group, runs: Runs) -> Iterator[Overlap]:
    """Every pair of runs that were there at once, at the later of them."""
    alive: list[Life] = []
    for life in runs.lives:
        start = life.start
        if start is None or life.end is None or life.doubt is not None:
            continue
        alive = [other for other in alive if other.end is not None and other.end > start]
        for other in alive:
            yield from _pair(other, life, group, runs)
        alive.append(life)


def know_ipc(group: Group, lives: Sequence[Life]) -> None:
    """Find the IPC folder of every run whose log does not name it.

    By the session that was written to a run's own folder; else, where no run has a folder of its own, they all had the
    group's.
    """
    of_session: dict[str, set[str]] = {}
    for sent in group.sent:
        if sent.session_id:
            of_session.setdefault(sent.session_id, set()).add(sent.run_key or "")
    for life in lives:
        if life.ipc_key is not None or life.origin == "turn":
            continue
        keys = of_session.get(life.session_id or "", set())
        if len(keys) == 1:
            life.ipc_key, life.ipc_derived = next(iter(keys)), True
        elif not group.run_keys and group.has_ipc:
            life.ipc_key, life.ipc_derived = "", True


def _pair(earlier: Life, later: Life, group: Group, runs: Runs) -> Iterator[Overlap]:
    start, end = later.began, min(earlier.end or 0, later.end or 0)
    if start is None:
        return
    lives, work = end - start, overlap(earlier.spans, later.spans)
    tolerance = STARTED_MS if later.origin in _TIMED and later.spawned is None else 0
    if lives <= tolerance and not work:
        return
    together = f"for {seconds(lives)} ({clock(start)} to {clock(end)})"
    if not earlier.spans or not later.spans:
        silent = earlier if not earlier.spans else later
        together += f"; when {name(silent)} was at work is not recorded"
    elif work:
        together += f", both at work for {seconds(work)}"
    else:
        together += ", never both at work: one was idle"
    apart = _apart(earlier, later)
    folder = f"data/ipc/{group.folder or ''}"
    ipc = {
        None: "whether they shared an IPC folder is not recorded",
        True: f"each with an IPC folder of its own ({_ipc(earlier, folder)}, {_ipc(later, folder)})",
        False: f"both on one IPC folder, {_ipc(earlier, folder)}",
    }[apart]
    known = earlier.session_id is not None and earlier.session_id == later.session_id
    idle = not work and bool(earlier.spans) and bool(later.spans)
    severity: Severity = "info" if idle or (apart and not known) else "warning"
    race = _race(earlier, later, runs) if known and not idle else None
    if race is not None:
        life, why = race
        other = earlier if life is later else later
        yield Overlap("compaction-race", "warning", f"{why} beside {name(other)} {together}; {ipc}", life)
    else:
        yield Overlap("overlapping-runs", severity, f"beside {name(earlier)} {together}; {ipc}", later)
    if known and work:
        message = (
            f"two processes wrote one transcript: it and {name(earlier)} had resumed session {later.session_id}, and "
            f"both were at work for {seconds(work)}"
        )
        yield Overlap("shared-transcript", "warning", message, later)


def _apart(earlier: Life, later: Life) -> bool | None:
    if earlier.ipc_key is None or later.ipc_key is None:
        return None
    return earlier.ipc_key != later.ipc_key


def _ipc(life: Life, folder: str) -> str:
    return f"{folder}/{life.ipc_key}" if life.ipc_key else folder


def _race(earlier: Life, later: Life, runs: Runs) -> tuple[Life, str] | None:
    """Which of two runs on one session compacted it while the other ran, and by what that is known."""
    for at in runs.compacted.get(later.session_id or "", ()):
        if (later.start or 0) <= at <= min(earlier.end or 0, later.end or 0):
            return (earlier if earlier.compacts else later), f"compacted the session at {clock(at)},"
    for life in (later, earlier):
        if life.compacts and not runs.run_of[life].steps:
            return life, "a /compact, by its prompt of 8 characters,"
    return None


def name(life: Life) -> str:
    """A run as a finding names it."""
    named = f"answer {life.native_id}" if life.origin == "interaction" else life.native_id
    return f"{named} (session {life.session_id[:8]})" if life.session_id else named


def seconds(ms: int) -> str:
    """A stretch of time in words."""
    return f"{ms / 1000:,.1f} s" if ms < 600_000 else f"{ms / 60_000:,.1f} min"


def clock(ms: int) -> str:
    """A time of the day, UTC."""
    at = moment(ms)
    return f"{at:%H:%M:%S}.{at.microsecond // 100_000}" if at is not None else "?"
