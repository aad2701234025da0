"""Every test here is stopped when it hangs, and leaves neither processes nor threads behind."""

from __future__ import annotations

import faulthandler
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

import explorer.readers
from explorer.store.database import Opening
from explorer.store.ingest import Options, ingest
from explorer.store.ingest import pool as pool_module
from explorer.store.ingest.worker import Chunk, Task, chunks

HERE = Path(__file__).parent
HANG_SECONDS = 60


@pytest.fixture(autouse=True)
def nothing_hangs_and_nothing_stays(request: pytest.FixtureRequest) -> Iterator[None]:
    uncaptured = request.config.stash[fault_handler_stderr_fd_key]
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True, file=uncaptured)
    children, threads = set(psutil.Process().children(recursive=True)), set(threading.enumerate())
    yield
    faulthandler.cancel_dump_traceback_later()
    assert not set(psutil.Process().children(recursive=True)) - children
    assert not set(threading.enumerate()) - threads


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """The directory that is opened."""
    directory = tmp_path / "traces"
    directory.mkdir()
    return directory


class Reading:
    """Opens a directory of traces with a cache of its own, and notes which sources are read for it."""

    def __init__(self, traces: Path, cache: Path) -> None:
        self.traces = traces
        self.cache = cache
        self.sources: list[str] = []
        """What was read in this process, in order; worker processes are not seen."""

    def __call__(self, *paths: Path, jobs: int | None = 0, use_cache: bool = True, **callbacks: Any) -> Opening:
        self.sources.clear()
        return ingest(paths or (self.traces,), Options(jobs, self.cache, use_cache), **callbacks)

    def directory(self) -> Path:
        """Where the parts are."""
        (found,) = self.cache.glob("*/*")
        return found

    def batches(self) -> set[str]:
        return {path.name for path in self.directory().iterdir() if path.name.startswith("batch-")}

    def leftovers(self) -> set[str]:
        return {path.name for path in self.cache.rglob("tmp-*")}


@pytest.fixture
def reading(traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    made = Reading(traces, tmp_path / "cache")

    def noted(task: Task) -> Iterator[Chunk]:
        made.sources.append(task.source_id)
        return chunks(task)

    monkeypatch.setattr(pool_module, "chunks", noted)
    return made


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The format ``scripted`` is known here and in worker processes."""
    monkeypatch.setattr(explorer.readers, "__path__", [*explorer.readers.__path__, str(HERE / "readers")])
    monkeypatch.syspath_prepend(HERE / "site")
    explorer.readers.readers.cache_clear()
    yield
    explorer.readers.readers.cache_clear()
