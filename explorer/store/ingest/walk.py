"""Find every file under the opened paths, and which reader claims it. Nothing is left out in silence."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from explorer.readers import HEAD_BYTES, claim

_Place: TypeAlias = tuple[str, str]
"""A path, and as the text it has below the opened directory; bytes that are not UTF-8 are surrogates in the first."""


class Found(NamedTuple):
    """A file, or a directory that is one trace or cannot be listed."""

    path: Path
    source_id: str
    size: int | None
    mtime_ns: int | None
    problem: str | None
    """Why it cannot be read: permission, not a regular file, a second name of what is read under another."""
    is_directory: bool = False
    identity: tuple[int, int] = (0, 0)
    """By which it is told whether two paths lead to one file."""


class Claim(NamedTuple):
    """What a source was found to be."""

    reader: str | None
    problem: str | None


def walk(paths: Sequence[Path], is_trace: Callable[[Path], bool]) -> Iterator[Found]:
    """Everything under ``paths``, in a fixed order. ``is_trace`` says of a directory that it is one source as a whole.

    Every directory is entered once, and what links point to comes last: a source keeps its own name whatever points to
    it, and no web of links takes longer than what it connects.

    Raises:
        FileNotFoundError: one of ``paths`` does not exist.
    """
    seen: dict[tuple[int, int], str] = {}
    names: set[str] = set()
    waiting = [(str(root), _root_name(root, alone=len(paths) == 1)) for root in paths]
    links: deque[_Place] = deque()
    waiting.reverse()
    while waiting or links:
        place = waiting.pop() if waiting else links.popleft()
        found = _look(place, seen)
        if found.is_directory and not found.problem:
            try:
                if not is_trace(found.path):
                    inside, linked = _children(place)
                    waiting.extend(reversed(inside))
                    links.extend(linked)
                    continue
            except OSError as error:
                found = found._replace(problem=error.strerror or str(error))
        source_id = found.source_id or "."
        while source_id in names:
            source_id += "~"
        names.add(source_id)
        yield found._replace(source_id=source_id)


def _root_name(root: Path, alone: bool) -> str:
    """What stands before the names below an opened path: nothing when there is no other."""
    if stat.S_ISDIR(root.stat().st_mode) and alone:
        return ""
    return text(root.name if root.name not in ("", "..") else os.path.basename(os.path.realpath(root)))  # noqa: PTH119


def text(name: str) -> str:
    r"""A name as text: bytes that are not UTF-8 become ``\\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _children(place: _Place) -> tuple[list[_Place], list[_Place]]:
    """What a directory holds, by name: its own, and links.

    Raises:
        OSError: it cannot be listed.
    """
    path, name = place
    with os.scandir(path) as entries:
        listed = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    places = [(entry, (entry.path, "/".join(filter(None, (name, text(entry.name)))))) for entry in listed]
    return (
        [place for entry, place in places if not entry.is_symlink()],
        [place for entry, place in places if entry.is_symlink()],
    )


def _look(place: _Place, seen: dict[tuple[int, int], str]) -> Found:
    path, source_id = Path(place[0]), place[1]
    try:
        status = path.stat()
    except OSError as error:
        return Found(path, source_id, None, None, error.strerror or str(error))
    is_directory, problem = stat.S_ISDIR(status.st_mode), None
    key = identity(status)
    if not is_directory and not stat.S_ISREG(status.st_mode):
        problem = "not a regular file"
    elif key in seen and status.st_ino:  # some network drives number nothing
        problem = f"the same {'directory' if is_directory else 'file'} as {seen[key] or '.'}"
    seen.setdefault(key, source_id)
    return Found(path, source_id, status.st_size, status.st_mtime_ns, problem, is_directory, key)


def identity(status: os.stat_result) -> tuple[int, int]:
    """What two paths to one file have in common."""
    return status.st_dev, status.st_ino


def identify(found: Found) -> Claim:
    """Ask the readers whose format a source is."""
    if found.problem:
        return Claim(None, found.problem)
    head = None
    try:
        if not found.is_directory:
            with found.path.open("rb") as file:
                head = file.read(HEAD_BYTES)
            if not head.strip() and len(head) < HEAD_BYTES:
                return Claim(None, "empty")
        reader = claim(found.path, head)
    except OSError as error:
        return Claim(None, error.strerror or str(error))
    except Exception as error:  # a reader's mistake costs this source, not the session
        return Claim(None, f"the readers cannot tell its format: {type(error).__name__}: {error}")
    return Claim(reader.NAME if reader else None, None if reader else "no known format")
