"""Find every file under the opened paths, and which reader claims it. Nothing is left out in silence."""

from __future__ import annotations

import codecs
import errno
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from explorer.readers import HEAD_BYTES, claim, links

_Place: TypeAlias = tuple[str, str]
"""A path, and as the text it has below the opened directory; bytes that are not UTF-8 are surrogates in the first."""


class Found(NamedTuple):
    """A file, or a directory that is one trace or cannot be listed."""

    place: str
    """Its path; a Path of it is made when it is needed, which takes longer than to find it."""
    source_id: str
    size: int | None
    mtime_ns: int | None
    problem: str | None
    """Why it cannot be read: permission, not a regular file, a second name of what is read under another."""
    is_directory: bool = False
    identity: tuple[int, int] = (0, 0)
    """By which it is told whether two paths lead to one file."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.place)


class Claim(NamedTuple):
    """What a source was found to be."""

    reader: str | None
    problem: str | None
    links: Sequence[str] = ()
    """By which it belongs with others."""


_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

NOWHERE = "a link that leads nowhere"
NO_FILE = "not a regular file"
"""Problems that cost nothing of a trace."""


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
    aside: deque[_Place] = deque()  # links
    waiting.reverse()
    while waiting or aside:
        place = waiting.pop() if waiting else aside.popleft()
        found = _look(place, seen)
        if found.is_directory and not found.problem:
            try:
                if not is_trace(found.path):
                    inside, linked = _children(place)
                    waiting.extend(reversed(inside))
                    aside.extend(linked)
                    continue
                size, mtime_ns = state(found.path)
                found = found._replace(size=size, mtime_ns=mtime_ns)
            except OSError as error:
                found = found._replace(problem=error.strerror or str(error))
        source_id = found.source_id or "."
        while source_id in names:
            source_id += "~"
        names.add(source_id)
        yield found if source_id == found.source_id else found._replace(source_id=source_id)


def _root_name(root: Path, alone: bool) -> str:
    """What stands before the names below an opened path: nothing when there is no other."""
    if stat.S_ISDIR(root.stat().st_mode) and alone:
        return ""
    return text(root.name if root.name not in ("", "..") else os.path.basename(os.path.realpath(root)))  # noqa: PTH119


def text(name: str) -> str:
    r"""A name as text: bytes that are not UTF-8 become ``\\xNN``."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def _children(place: _Place) -> tuple[list[_Place], list[_Place]]:
    """What a directory holds, by name: its own, and links.

    Raises:
        OSError: it cannot be listed.
    """
    path, name = place
    with os.scandir(path) as entries:
        listed = sorted(entries, key=lambda entry: os.fsencode(entry.name))
    above = f"{name}/" if name else ""
    own: list[_Place] = []
    linked: list[_Place] = []
    for entry in listed:
        (linked if entry.is_symlink() else own).append((entry.path, above + text(entry.name)))
    return own, linked


def look(path: str, source_id: str) -> Found:
    """A file as it is now."""
    return _look((path, source_id), {})


def _look(place: _Place, seen: dict[tuple[int, int], str]) -> Found:
    path, source_id = place
    try:
        status = os.stat(path)  # noqa: PTH116 - many times a second
    except OSError as error:
        reason = error.strerror or str(error)
        lost = error.errno in (errno.ENOENT, errno.ELOOP) and Path(path).is_symlink()
        return Found(path, source_id, None, None, f"{NOWHERE} ({reason})" if lost else reason)
    is_directory, problem = stat.S_ISDIR(status.st_mode), None
    key = identity(status)
    if not is_directory and not stat.S_ISREG(status.st_mode):
        problem = NO_FILE
    elif key in seen and status.st_ino:  # some network drives number nothing
        problem = f"the same {'directory' if is_directory else 'file'} as {seen[key] or '.'}"
    seen.setdefault(key, source_id)
    return Found(path, source_id, status.st_size, status.st_mtime_ns, problem, is_directory, key)


def state(path: Path) -> tuple[int, int]:
    """Size and time of change of a file, or of everything in a directory that is one trace: its sum, and the latest.

    Raises:
        OSError: something in it cannot be looked at.
    """
    status = path.stat()
    if not stat.S_ISDIR(status.st_mode):
        return status.st_size, status.st_mtime_ns
    size, latest = 0, status.st_mtime_ns
    waiting = [os.fspath(path)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                status = entry.stat(follow_symlinks=False)
                size += status.st_size if entry.is_file(follow_symlinks=False) else 0
                latest = max(latest, status.st_mtime_ns)
    return size, latest


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
        if reader is not None:
            return Claim(reader.NAME, None, links(reader, found.path, head))
    except OSError as error:
        return Claim(None, error.strerror or str(error))
    except Exception as error:  # a reader's mistake costs this source, not the session
        return Claim(None, f"the readers cannot tell its format: {type(error).__name__}: {error}")
    return Claim(None, "UTF-16" if head is not None and head.startswith(_UTF_16) else "no known format")
