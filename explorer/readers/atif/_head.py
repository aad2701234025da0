"""How a trajectory is known, and which files it names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from explorer.readers._records import loads, open_bytes
from explorer.readers._walk import Walk
from explorer.readers.atif._trial import TRAJECTORY, is_trial

VERSION = re.compile(r"ATIF-v\d+\.\d+")
_STAMP = re.compile(rb'"schema_version"[ \t\r\n]*+:[ \t\r\n]*+"ATIF-v')
_NEVER = re.compile(rb"(?!)")
_NAMED = re.compile(rb'"(?:trajectory_path|continued_trajectory_ref)"[ \t\r\n]*+:[ \t\r\n]*+("(?:[^"\\\n]|\\.)*+")')

MOST_NAMED = 10_000
"""Files that one trajectory may name."""


def claims(path: Path, head: bytes | None) -> bool:
    """An object whose own ``schema_version`` says so, or the result of a trial; names say nothing."""
    if head is None or not (b'"trial_name"' in head or (b'"ATIF-v' in head and _STAMP.search(head))):
        return False
    fields = _fields(head)
    return "schema_version" in fields or is_trial(set(fields))


def links(path: Path, head: bytes | None) -> list[str]:
    """The file itself and those that it names, by their places, and its session in this directory.

    The result of a trial belongs to the trajectory below it. A run of several trajectories has one session id; files
    that bear it by chance are told apart when they are read.
    """
    found = {_place(path): None}
    fields = _fields(head or b"")
    if "schema_version" not in fields:
        return [*found, _place(path.parent / TRAJECTORY)]
    session = fields.get("session_id")
    if isinstance(session, str) and session:
        found[f"{_place(path.parent)}//{session}"] = None
    try:
        with open_bytes(path) as buffer:
            for name in _NAMED.finditer(buffer):
                if (text := beside(path, loads(name[1]))) is not None and len(found) < MOST_NAMED:
                    found[text] = None
    except (OSError, ValueError):
        pass  # reading it says why
    return [*found]


def beside(path: Path, name: object) -> str | None:
    """Where a file is that a trajectory names; None for what is no name."""
    if not isinstance(name, str) or not name or "\0" in name or "://" in name:
        return None
    return _place(path.parent / name)


def _place(path: Path) -> str:
    """A path as text; names on a disk need not be any."""
    return os.fsencode(os.path.normpath(path)).decode("utf-8", "backslashreplace")


def _fields(head: bytes) -> dict[str, object]:
    """The fields of the object in the head; with values those two by which a trajectory is known."""
    walk = Walk(head)
    found: dict[str, object] = {}
    if next(walk.objects(), None) is not None:
        for key in walk.members(_NEVER):
            value = walk.value() if key in ("schema_version", "session_id") else None
            if key != "schema_version" or (isinstance(value, str) and VERSION.fullmatch(value)):
                found[key] = value
    return found
