"""Changes below the opened paths are noticed, whatever way the system has."""

from __future__ import annotations

import queue
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from explorer.store import follow
from explorer.store.follow import changes

SECONDS = 20.0
"""How long is waited for what must come: only a test that fails takes it."""


class Watching:
    """Changes told in a thread."""

    def __init__(self, *paths: Path) -> None:
        self.told: queue.Queue[frozenset[str] | None] = queue.Queue()
        self.notes: list[str] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(paths,))
        self.thread.start()

    def _run(self, paths: tuple[Path, ...]) -> None:
        for each in changes(paths, self.stop, self.notes.append):
            self.told.put(each)

    def told_until_silence(self) -> int:
        """How much is told until nothing is for a while."""
        told = 0
        with suppress(queue.Empty):
            while True:
                self.told.get(timeout=1.0)
                told += 1
        return told

    def end(self) -> None:
        self.stop.set()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory; quiet is what has not changed for a moment, and it is looked often."""
    monkeypatch.setattr(follow, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(follow, "TOGETHER_MS", 20)
    monkeypatch.setattr(follow, "_AT_MOST_MS", 100)
    monkeypatch.setattr(follow, "_TICK_MS", 50)
    directory = tmp_path / "traces"
    directory.mkdir()
    (directory / "a.jsonl").write_text("1")
    return directory


def until_told(watching: Watching, change: Any) -> None:
    """Change something until that is told: the watch may begin later than the thread."""
    for _ in range(100):
        change()
        try:
            watching.told.get(timeout=SECONDS / 100)
            return
        except queue.Empty:
            continue
    pytest.fail("nothing was told")


@pytest.mark.parametrize("polling", [None, True], ids=["the system's way", "polling"])
def test_a_change_is_told_and_once_more_when_all_is_quiet(
    watched: Path, monkeypatch: pytest.MonkeyPatch, polling: bool | None
) -> None:
    real = watchfiles.watch

    def watch(*paths: Path, **settings: Any) -> Iterator[Any]:
        if polling and not settings["force_polling"]:
            raise OSError("OS file watch limit reached")
        yield from real(*paths, **settings)

    monkeypatch.setattr(watchfiles, "watch", watch)
    watching = Watching(watched)
    try:
        until_told(watching, lambda: (watched / "new").mkdir(exist_ok=True) or (watched / "new" / "b").write_text("2"))
        assert 1 <= watching.told_until_silence() <= 3, "the quiet, and changes made while the first was told"
    finally:
        watching.end()
    assert len(watching.notes) == bool(polling)


def test_a_directory_that_goes_away_and_comes_back_is_watched_again(watched: Path) -> None:
    watching = Watching(watched)
    try:
        until_told(watching, lambda: (watched / "a.jsonl").open("a").write("x"))
        shutil.rmtree(watched)
        assert watching.told_until_silence()
        watched.mkdir()
        assert watching.told_until_silence()
        until_told(watching, lambda: (watched / "b.jsonl").open("a").write("x"))
    finally:
        watching.end()
    assert watching.notes == []


def test_what_is_written_to_is_named_and_what_comes_or_goes_is_not(watched: Path) -> None:
    watching = Watching(watched)
    try:
        until_told(watching, lambda: (watched / "a.jsonl").open("a").write("x"))
        watching.told_until_silence()
        (watched / "a.jsonl").open("a").write("x")
        assert watching.told.get(timeout=SECONDS) == {str(watched / "a.jsonl")}
        assert watching.told.get(timeout=SECONDS) is None, "the quiet"
        (watched / "b.jsonl").write_text("x")
        assert watching.told.get(timeout=SECONDS) is None
    finally:
        watching.end()


def test_what_sqlite_keeps_beside_a_file_counts_and_what_else_is_there_does_not(watched: Path) -> None:
    wal, other = watched / "a.jsonl-wal", watched / "b.jsonl"
    wal.write_text("")
    watching = Watching(watched / "a.jsonl")
    try:
        until_told(watching, lambda: wal.open("a").write("x"))
        watching.told_until_silence()
        other.write_text("2")
        with pytest.raises(queue.Empty):
            watching.told.get(timeout=1.0)
    finally:
        watching.end()
