"""From paths to Parquet parts: walk, claim, read in worker processes, derive, cache.

What was read before and has not changed is taken from the cache, which is keyed by path, size and time of change.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from explorer.store.opening import DamagedPart

if TYPE_CHECKING:
    from explorer.store.opening import Opening

Used = TypeVar("Used")


class Progress(NamedTuple):
    """How far the ingest is."""

    phase: Literal["walking", "reading", "finishing", "done"]
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    current: str | None
    """Source whose rows came last."""
    note: str | None = None
    """Something the user should know, such as a cache that cannot be written."""


class Options(NamedTuple):
    """How to ingest."""

    jobs: int | None = None
    """Worker processes; None for one per core, 0 to read in this process."""
    cache_dir: Path | None = None
    """Where parts are kept; None for the user's cache directory."""
    use_cache: bool = True
    follow: bool = False
    """Whether recorders may be at work: what ends in the middle of a record, and has just changed, is being written."""


class IngestError(Exception):
    """Nothing can be opened. The message names the cause and the next step."""


class Cancelled(Exception):
    """The caller asked to stop; what had been read is in the cache."""


def mended(read: Callable[[], Opening], use: Callable[[Opening], Used]) -> Used:
    """What becomes of what is read; where a part of the cache turns out damaged, its sources are read again for that.

    Raises:
        DamagedPart: the part is of an export, which is the user's.
    """
    try:
        return use(read())
    except DamagedPart as error:
        if error.path.parent.name.startswith("batch-"):
            shutil.rmtree(error.path.parent, ignore_errors=True)
        return use(read())


def ingest(
    paths: Sequence[Path],
    options: Options,
    progress: Callable[[Progress], None] = lambda _: None,
    opened: Callable[[Opening], object] | None = None,
    cancelled: threading.Event | None = None,
) -> Opening:
    """Read everything under ``paths`` that has not been read before.

    ``opened`` is given partial openings while there is more to read. Both callbacks run in the calling thread.

    Raises:
        IngestError: a path does not exist, or parts can be written nowhere.
        Cancelled: ``cancelled`` was set.
    """
    # Imported here: worker processes import this package too, and need none of the storage libraries.
    from explorer.store.ingest.run import Ingest

    return Ingest(paths, options, progress, opened, cancelled or threading.Event()).run()
