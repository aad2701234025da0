"""Notice what recorders write while it is looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import watchfiles

from explorer.store.ingest.run import QUIET_SECONDS

TOGETHER_MS = 400
"""Changes that come so soon after each other are told as one."""

_AT_MOST_MS = 2_000
"""Changes that do not end are told all the same after this time."""

_SQLITE = ("-wal", "-shm", "-journal")


def changes(
    paths: Sequence[Path], stop: threading.Event, note: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """One item whenever something below ``paths`` has changed, and one more when all has been quiet for a while.

    The last is for files that ended in the middle of a record: by then that is how they end. Where the system cannot
    watch so many directories, they are looked through again and again, and ``note`` is told. Ends when ``stop`` is set.

    Raises:
        OSError: a path cannot be watched by either way.
    """
    watched = [each for path in paths for each in _watched(path) if each.exists()]
    try:
        yield from _follow(watched, stop, polling=None)
    except (OSError, RuntimeError) as error:  # RuntimeError is what the watcher calls what it does not understand
        if stop.is_set():
            return
        note(f"the system cannot watch for changes ({error}): looking again and again instead")
        yield from _follow(watched, stop, polling=True)


def _watched(path: Path) -> list[Path]:
    """Of a file also what SQLite keeps beside it: it writes there first."""
    return [path] if path.is_dir() else [path, *(path.with_name(path.name + ending) for ending in _SQLITE)]


def _follow(paths: Sequence[Path], stop: threading.Event, polling: bool | None) -> Iterator[None]:
    changed_at: float | None = None
    watching = watchfiles.watch(
        *paths,
        watch_filter=None,  # what a recorder may write is not for us to guess
        debounce=_AT_MOST_MS,
        step=TOGETHER_MS,
        stop_event=stop,
        rust_timeout=500,
        yield_on_timeout=True,
        raise_interrupt=False,
        force_polling=polling,
        ignore_permission_denied=True,
    )
    with closing(watching):
        for found in watching:
            if found:
                changed_at = time.monotonic()
                yield
            elif changed_at is not None and time.monotonic() - changed_at > QUIET_SECONDS:
                changed_at = None
                yield
