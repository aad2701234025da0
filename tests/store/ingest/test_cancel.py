"""Stopping in the middle: what had been read is not read again, and what had not is not there."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.store.database import Opening
from explorer.store.ingest import Cancelled, Progress
from explorer.store.ingest import run as run_module
from explorer.store.ingest import shared as shared_module
from explorer.store.ingest.worker import CHUNK_ROWS
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import asked, call, corpus, plain, repeated, rows, trace, write


def stop_when(condition: Callable[[Progress], bool]) -> dict[str, Any]:
    """Callbacks that cancel as soon as the progress is so."""
    stop = threading.Event()

    def look(progress: Progress) -> None:
        if condition(progress):
            stop.set()

    return {"cancelled": stop, "progress": look}


def test_what_was_read_before_a_cancel_is_not_read_again(traces: Path, reading: Reading) -> None:
    for number in range(6):
        write(traces / f"{number}.json", plain(number, steps=10 - number))
    with pytest.raises(Cancelled):
        reading(**stop_when(lambda progress: progress.files_done == 3))
    read = set(reading.sources)
    opening = reading()
    assert len(reading.sources) == 3
    assert not read - {"3.json"} & set(reading.sources)
    assert rows(opening) == rows(reading(use_cache=False))


@pytest.mark.parametrize("jobs", [0, 1, 2])
def test_a_cancel_in_the_middle_of_a_source_leaves_nothing_of_it(
    traces: Path, reading: Reading, scripted: None, jobs: int
) -> None:
    (traces / "a.scripted").write_text(f"steps {2 * CHUNK_ROWS}")
    with pytest.raises(Cancelled):
        reading(jobs=jobs, **stop_when(lambda progress: progress.bytes_done > 0))
    found = rows(reading())
    assert len(found["steps"]) == 2 * CHUNK_ROWS
    assert not repeated(found)


def test_a_cancel_shows_what_there_is(traces: Path, reading: Reading) -> None:
    for number in range(4):
        write(traces / f"{number}.json", plain(number))
    shown: list[Opening] = []
    with pytest.raises(Cancelled):
        reading(opened=shown.append, **stop_when(lambda progress: progress.files_done == 2))
    (opening,) = shown
    assert not opening.complete
    assert len(rows(opening)["conversations"]) == 2
    assert asked(opening, "SELECT count(*) FROM conversations") == [(2,)]


def test_a_cancel_before_anything_is_read_shows_nothing(traces: Path, reading: Reading) -> None:
    corpus(traces)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        reading(cancelled=stop, opened=pytest.fail)
    assert reading.sources == []
    assert reading.batches() == set()


def test_a_cancel_is_heard_while_files_are_being_found(traces: Path, reading: Reading) -> None:
    for number in range(600):
        (traces / f"{number}.txt").touch()
    told: list[Progress] = []

    def look(progress: Progress) -> None:
        told.append(progress)
        stop.set()

    stop = threading.Event()
    with pytest.raises(Cancelled):
        reading(cancelled=stop, progress=look)
    assert [progress.phase for progress in told] == ["walking"]


def test_a_cancel_of_what_has_not_changed_comes_too_late(traces: Path, reading: Reading) -> None:
    corpus(traces)
    expected = rows(reading())
    stop = threading.Event()
    stop.set()
    assert rows(reading(cancelled=stop)) == expected


def test_a_cancel_while_sources_are_read_again_counts_none_of_them_twice(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read again because of what another source tells of all their times."""
    from tests.store.ingest.test_settle import silent, starts, telling

    for name in "abc":
        write(traces / f"{name}.json", silent(9))
    write(traces / "telling.json", telling())
    monkeypatch.setattr("explorer.store.ingest.worker.CHUNK_ROWS", 4)
    shown: list[Opening] = []
    again = itertools.count()

    def second_time(progress: Progress) -> bool:
        return progress.files_total == 3 and next(again) == 5

    with pytest.raises(Cancelled):
        reading(opened=shown.append, **stop_when(second_time))
    assert not repeated(rows(shown[-1]))
    assert len(rows(shown[-1])["conversations"]) == 4
    opening = reading()
    assert set(starts(opening).values()) == {10_000, 1_000}
    assert rows(opening) == rows(reading(use_cache=False))


def test_a_cancel_while_shared_reuse_is_computed_leaves_none_of_it(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        write(traces / f"{number}.json", trace(*(call(t, range(t + 1)) for t in range(5)), scope="global"))
    stop = threading.Event()
    compute = shared_module.shared_reuse

    def stopping(batches: Any) -> Iterator[Any]:
        for number, row in enumerate(compute(batches)):
            if number == 4:
                stop.set()
            yield row

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "CHUNK_ROWS", 3)
        patch.setattr(shared_module, "shared_reuse", stopping)
        with pytest.raises(Cancelled):
            reading(cancelled=stop)
    opening = reading()
    assert reading.sources == []
    assert not repeated(rows(opening))
    assert rows(opening) == rows(reading(use_cache=False))
