"""Notice what recorders write while it is looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import watchfiles

from explorer.store.ingest.run import QUIET_SECONDS

TOGETHER_MS = 100
"""Changes that come so soon after each other are told as one. What is told is told so much late."""

_AT_MOST_MS = 500
"""Changes that do not end are told all the same after this time."""

_TICK_MS = 500
"""How often it is looked whether what is watched is still what has these names."""

_SQLITE = ("-wal", "-shm", "-journal")


def changes(
    paths: Sequence[Path], stop: threading.Event, note: Callable[[str], None] = lambda _: None
) -> Iterator[frozenset[str] | None]:
    """One item whenever something below ``paths`` has changed, and one more when all has been quiet for a while.

    An item is the absolute paths of what has been written to; None where that is not all, as something has come or
    gone, and for the quiet, since files that ended in the middle of a record are complete by then. What goes away and
    comes back is watched again. Where the system cannot watch so many directories, they are looked through again and
    again, and ``note`` is told. Ends when ``stop`` is set.

    Raises:
        OSError: a path cannot be watched by either way.
    """
    watched = [each for path in paths for each in _watched(path)]
    polling: bool | None = None  # the watcher chooses
    while not stop.is_set():
        try:
            yield from _follow(watched, stop, polling)
        except (OSError, RuntimeError) as error:  # RuntimeError is what the watcher calls what it does not understand
            if polling and not stop.is_set():
                raise
            polling = True
            if not stop.is_set():
                note(f"the system cannot watch for changes ({error}): looking again and again instead")


def _there(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Those that exist, and by what it is known that they are the same."""
    found = {}
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            found[path] = status.st_dev, status.st_ino
    return found


def _watched(path: Path) -> list[Path]:
    """Of a file also what SQLite keeps beside it: it writes there first."""
    return [path] if path.is_dir() else [path, *(path.with_name(path.name + ending) for ending in _SQLITE)]


def _follow(paths: Sequence[Path], stop: threading.Event, polling: bool | None) -> Iterator[frozenset[str] | None]:
    """Tell changes until other files or directories have these names, which is told as the last change."""
    changed_at: float | None = None
    there = _there(paths)
    watching = watchfiles.watch(
        *there,
        watch_filter=None,  # what a recorder may write is not for us to guess
        debounce=_AT_MOST_MS,
        step=TOGETHER_MS,
        stop_event=stop,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
        force_polling=polling,
        ignore_permission_denied=True,
    )
    with closing(watching):
        for found in watching:
            if found:
                changed_at = time.monotonic()
                yield _written(found)
            elif changed_at is not None and time.monotonic() - changed_at > QUIET_SECONDS:
                changed_at = None
                yield None
            if not stop.is_set() and _there(paths) != there:
                yield None
                return


def _written(found: Collection[tuple[watchfiles.Change, str]]) -> frozenset[str] | None:
    """What has been written to, if that is all that has happened."""
    written = frozenset(path for change, path in found if change == watchfiles.Change.modified)
    return written if len(written) == len(found) else None
