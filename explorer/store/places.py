"""Where recordings usually are on this machine, for whoever names no path."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from explorer.readers import HEAD_BYTES, claim, places, readers

LOOK_SECONDS = 2.0
"""How long one place is looked through; what was found by then is told as "at least"."""

_TRIED = 200
"""Files of the current directory that are asked for their format: it may be anything, and there is one of them."""


class UsualPlace(NamedTuple):
    """A file or directory that there is something in."""

    path: Path
    format: str | None
    """The format whose recorder keeps its recordings there; None for the current directory."""
    files: int
    bytes: int
    newest: datetime | None
    """When the latest of its files changed, UTC without zone."""
    whole: bool
    """Whether that is all, and not only what was seen in time."""


def usual_places(environment: Mapping[str, str], home: Path, current: Path) -> Iterator[UsualPlace]:
    """The places that hold files, one by one as they are looked through; the current directory last, if it has traces.

    Nothing is read but the beginnings of some files of the current directory.
    """
    seen = set()
    for reader in readers().values():
        for path in places(reader, environment, home):
            real = os.path.realpath(path)
            if real not in seen and (found := _look(path, reader.NAME)):
                seen.add(real)
                yield found
    real = os.path.realpath(current)
    if real not in seen and _has_traces(current) and (found := _look(current, None)):
        yield found


def _look(path: Path, format_: str | None) -> UsualPlace | None:
    """How much there is; None when there is nothing, or nothing that may be looked at."""
    files = size = latest = 0
    end, whole = time.monotonic() + LOOK_SECONDS, True
    for _, status in _files(path):
        files, size, latest = files + 1, size + status.st_size, max(latest, status.st_mtime_ns)
        if time.monotonic() > end:
            whole = False
            break
    newest = datetime.fromtimestamp(latest / 1e9, UTC).replace(tzinfo=None) if latest else None
    return UsualPlace(path, format_, files, size, newest, whole) if files else None


def _files(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file under a path, without following links."""
    waiting = [path]
    while waiting:
        each = waiting.pop()
        with suppress(OSError):
            if not each.is_dir():
                yield each, each.stat()
                continue
            with os.scandir(each) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        yield Path(entry.path), entry.stat(follow_symlinks=False)


def _has_traces(directory: Path) -> bool:
    """Whether a reader knows the directory, or one of the first files in it."""
    with suppress(Exception):
        if claim(directory, None):
            return True
    for number, (path, _) in enumerate(_files(directory)):
        if number == _TRIED:
            break
        with suppress(Exception):  # it cannot be opened, or a reader's mistake: the next one may do
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
            if head and claim(path, head):
                return True
    return False
