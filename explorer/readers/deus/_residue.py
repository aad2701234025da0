"""What is left in the IPC folders of a group: it tells of messages that nobody took, and of two that took turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from explorer.model import Severity
from explorer.readers.deus._draft import Group, Life, Sent
from explorer.readers.deus._layout import Way
from explorer.readers.deus._overlaps import clock, seconds

LATEST_MS = 3_600_000
"""How long before the first run or after the last a file may have been written to be of them: of copies all are new."""

LEAST_MS = 1_000
"""By how much a file must be newer than the one that follows it."""


class Residue(NamedTuple):
    """A finding at a file."""

    code: str
    severity: Severity
    message: str
    source_id: str


_LEFT: dict[Way, tuple[str, str]] = {
    "close": (
        "leftover-close",
        "a container was to end by this file, and none took it: the next one that starts on this folder finds it "
        "and ends, or it was meant for one that another's had ended before",
    ),
    "input": ("unconsumed-message", "a message for a container that none took: its model never saw it"),
    "messages": ("unconsumed-message", "a message from a container that the host did not take: it was not delivered"),
    "tasks": ("unconsumed-message", "a request of a container that the host did not take: it was not done"),
    "error": ("failed-message", "a message that the host could not make anything of, and put aside"),
}


def residue(group: Group, lives: list[Life]) -> Iterator[Residue]:
    """What the files tell that were not taken away."""
    for way, source_id, _ in group.left:
        code, message = _LEFT[way]
        yield Residue(code, "warning", message, source_id)
    for key in sorted({sent.run_key or "" for sent in group.sent}):
        sent = sorted((each for each in group.sent if (each.run_key or "") == key), key=lambda each: each.number or 0)
        yield from _sessions(sent)
        yield from _restarts(sent, lives)


def _sessions(sent: list[Sent]) -> Iterator[Residue]:
    found = sorted({each.session_id for each in sent if each.session_id})
    if len(found) > 1:
        message = (
            f"the messages of this folder are of {len(found):,} sessions ({', '.join(found[:4])}): several containers "
            "wrote into it, and the host takes what it finds for the answer of the one that it waits for"
        )
        yield Residue("mixed-output", "warning", message, sent[0].source_id)


def _restarts(sent: list[Sent], lives: list[Life]) -> Iterator[Residue]:
    """A message that is newer than one with a higher number: another container counted from 0 again."""
    known = [at for life in lives for at in (life.start, life.end) if at is not None]
    newest: Sent | None = None
    for each in sent:
        if each.number is None or each.written is None or not known:
            continue
        if not min(known) - LATEST_MS <= each.written <= max(known) + LATEST_MS:
            continue
        if newest is not None and newest.written is not None and newest.written - each.written > LEAST_MS:
            later = seconds(newest.written - each.written)
            message = (
                f"message {newest.number} was written at {clock(newest.written)}, {later} after message {each.number}: "
                "a second container counted from 0 in a folder that was in use"
            )
            yield Residue("output-restart", "warning", message, newest.source_id)
        if newest is None or (newest.written or 0) < each.written:
            newest = each
