"""Find every file under the opened paths, and which reader claims it. Nothing is left out in silence."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from explorer.readers import HEAD_BYTES, claim


class Found(NamedTuple):
    """A file, or a directory that is one trace or cannot be listed."""

    path: Path
    source_id: str
    size: int | None
    mtime_ns: int | None
    problem: str | None
    """Why it cannot be read: permission, not a regular file, a link in a circle, a second name of another file."""


class Claim(NamedTuple):
    """What a source was found to be."""

    reader: str | None
    problem: str | None


def walk(paths: Sequence[Path], is_trace: Callable[[Path], bool]) -> Iterator[Found]:
    """Everything under ``paths``, in a fixed order. ``is_trace`` says of a directory that it is one source as a whole.

    Raises:
        FileNotFoundError: one of ``paths`` does not exist.
    """
    seen: dict[tuple[int, int], str] = {}
    names: set[str] = set()
    for root in paths:
        root.stat()
        below = root.is_dir()
        prefix = "" if len(paths) == 1 and below else _text(root.name or root.resolve().name)
        for path in _under(root, is_trace, set()):
            inner = _text(os.path.relpath(path, root)) if path != root else ""
            source_id = "/".join(part for part in (prefix, inner) if part) or "."
            while source_id in names:
                source_id += "~"
            names.add(source_id)
            yield _look(path, source_id, seen)


def _text(name: str) -> str:
    r"""A path as text: bytes that are not UTF-8 become ``\\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace").replace(os.sep, "/")


def _under(path: Path, is_trace: Callable[[Path], bool], above: set[tuple[int, int]]) -> Iterator[Path]:
    """Files below a path, depth first by name; links to directories are followed, but never in a circle."""
    try:
        status = path.stat()
        if not stat.S_ISDIR(status.st_mode):
            yield path
            return
        key = (status.st_dev, status.st_ino)
        if key in above:
            return
        if is_trace(path):
            yield path
            return
        children = sorted(path.iterdir(), key=lambda child: os.fsencode(child.name))
    except OSError:
        yield path  # looked at again by _look, which says why
        return
    for child in children:
        yield from _under(child, is_trace, above | {key})


def _look(path: Path, source_id: str, seen: dict[tuple[int, int], str]) -> Found:
    try:
        status = path.stat()
    except OSError as error:
        return Found(path, source_id, None, None, error.strerror or str(error))
    problem = None
    if stat.S_ISDIR(status.st_mode):
        try:
            os.scandir(path).close()
        except OSError as error:
            problem = error.strerror or str(error)
    elif not stat.S_ISREG(status.st_mode):
        problem = "not a regular file"
    elif (same := seen.setdefault((status.st_dev, status.st_ino), source_id)) != source_id:
        problem = f"the same file as {same}"
    return Found(path, source_id, status.st_size, status.st_mtime_ns, problem)


def identify(found: Found) -> Claim:
    """Ask the readers whose format a source is."""
    if found.problem:
        return Claim(None, found.problem)
    try:
        if found.path.is_dir():
            head = None
        else:
            with found.path.open("rb", buffering=0) as file:
                head = file.read(HEAD_BYTES)
            if not head:
                return Claim(None, "empty")
    except OSError as error:
        return Claim(None, error.strerror or str(error))
    reader = claim(found.path, head)
    return Claim(reader.NAME if reader else None, None if reader else "no known format")
