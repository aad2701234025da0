"""Which files are of one process, and what a file of graff looks like.

A process writes ``trajectories/<run_id>.jsonl``, ``behavior/<run_id>.jsonl`` and ``traces/<run_id>.jsonl`` below one
directory, each of which may be missing. The first of them that holds anything is the source; the others are read with
it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from explorer.readers.graff._lines import Loss, records

KINDS = ("trajectories", "behavior", "traces")
BEHAVIOR = "codegraff.behavior.v1"
LEGACY = "harness.trajectory.jsonl"
"""Before each process had files of its own: all of them appended to this one, without a run id."""
RETIRED = "harness.trace.jsonl"
"""The trace of that time, begun anew by each process."""

RUN_ID = re.compile(r"[0-9a-f]{16}")
_SESSION_ID = re.compile(r"[0-9a-f]{32}")
_RUN_FILE = re.compile(r"[0-9a-f]{16}\.jsonl")
_SUFFIXES = frozenset((".jsonl", ".ndjson", ".json", ".txt", ""))
_MARKS = (b'"session_id"', BEHAVIOR.encode(), b'"unix_ms"')
_OPENING = re.compile(
    rb'\{"run_id":"[0-9a-f]{16}","pid":\d+,"session_id":"[0-9a-f]{32}","(?:t":\d+,"ev|id":\d+,"parent|kind|ev)":'
)
"""How a record begins, for one that is longer than what is seen of its file."""

_LOOKED_AT = 8
"""Whole records at the head of a file among which one must be known."""


def is_of_run(path: Path) -> bool:
    """Whether it lies and is called like one of the files of a process."""
    return path.parent.name in KINDS and bool(_RUN_FILE.fullmatch(path.name))


def files_of(path: Path) -> list[Path]:
    """The files of the process that a file is of, the source first; none when it does not lie among such files."""
    if not is_of_run(path):
        return []
    return [file for kind in KINDS if _holds_something(file := path.parent.parent / kind / path.name)]


def _holds_something(path: Path) -> bool:
    with suppress(OSError):
        return path.is_file() and path.stat().st_size > 0
    return False


def companions(path: Path) -> Sequence[Path]:
    """What is read with a source."""
    files = files_of(path)
    return files[1:] if files and files[0] == path else ()


def part_of(path: Path) -> Path | None:
    """The source that a file is read with, if it is not one itself."""
    files = files_of(path)
    return files[0] if path in files[1:] else None


def source_id_of(source_id: str, file: Path) -> str:
    """The id of a companion: the source's with another directory."""
    above, _, _ = source_id.rpartition("/")
    above, slash, kind = above.rpartition("/")
    return f"{above}{slash}{file.parent.name}/{file.name}" if kind else f"../{file.parent.name}/{file.name}"


def claims(path: Path, head: bytes | None) -> bool:
    """One of the first records is graff's, here or in another file of the same process."""
    if head is None or path.suffix.lower() not in _SUFFIXES:
        return False
    return _is_graff(path.name, head) or any(
        _is_graff(file.name, _head(file)) for file in files_of(path) if file != path
    )


def _head(path: Path) -> bytes:
    with suppress(OSError), path.open("rb") as file:
        return file.read(1 << 16)
    return b""


def _is_graff(name: str, head: bytes) -> bool:
    if name not in (LEGACY, RETIRED) and not any(mark in head for mark in _MARKS):
        return False
    if _OPENING.match(head):
        return True
    seen = 0
    for item in records(head):
        if isinstance(item, Loss):
            continue
        if _is_known(name, item.fields):
            return True
        seen += 1
        if seen == _LOOKED_AT:
            break
    return False


def _is_known(name: str, fields: dict[str, object]) -> bool:
    if fields.get("schema") == BEHAVIOR:
        return True
    event, kind = isinstance(fields.get("ev"), str), isinstance(fields.get("kind"), str)
    if has_run(fields):
        session = fields.get("session_id")
        known = isinstance(session, str) and bool(_SESSION_ID.fullmatch(session)) and type(fields.get("pid")) is int
        return known and (event or kind)
    if name == RETIRED:
        return event and type(fields.get("t")) is int
    header = fields.get("kind") == "session" and isinstance(fields.get("version"), str)
    return (header and type(fields.get("unix_ms")) is int) or (name == LEGACY and kind)


def has_run(fields: dict[str, object]) -> bool:
    """Whether a record says which process wrote it."""
    run_id = fields.get("run_id")
    return isinstance(run_id, str) and bool(RUN_ID.fullmatch(run_id))
