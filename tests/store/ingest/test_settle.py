"""What is true of a corpus of weka traces shows in some of its files and counts for all of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from explorer.store.database import Opening
from explorer.store.ingest import run as run_module
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import Rows, call, corpus, of, plain, repeated, rows, sub_agent, trace, write


def silent(steps: int = 5) -> dict[str, Any]:
    """A sub-agent of 90 s with t = 100 s, and nothing that tells whether that is its start or its end."""
    return trace(sub_agent(100, *(call(t, [t]) for t in range(steps)), duration_ms=90_000), call(200, [1, 2]))


def telling() -> dict[str, Any]:
    """A sub-agent whose t is its end: its duration leads back to where the call before it ended."""
    return trace(call(0, [1]), sub_agent(61, call(0, [1, 2]), duration_ms=60_000), call(70, [1, 2, 3]))


def starts(opening: Opening | Rows) -> dict[str, int]:
    """When the sub-agents start, by source."""
    found = opening if isinstance(opening, dict) else rows(opening)
    return {
        run_id.split("/agent")[0].removesuffix("/main"): start
        for run_id, start, parent in of(found, "runs", "run_id", "start_ms", "parent_run_id")
        if parent
    }


@pytest.mark.parametrize("jobs", [0, 2])
@pytest.mark.parametrize("steps", [1, 50])
def test_a_source_that_was_read_under_wrong_times_is_read_again(
    traces: Path, reading: Reading, jobs: int, steps: int
) -> None:
    """Whether it is read before or after the one that tells: the larger is first."""
    write(traces / "silent.json", silent(steps))
    write(traces / "telling.json", telling())
    opening = reading(jobs=jobs)
    assert starts(opening) == {"silent.json": 10_000, "telling.json": 1_000}
    assert not repeated(rows(opening))
    if jobs == 0:
        assert sorted(reading.sources) == ["silent.json", "silent.json", "telling.json"]


def test_a_source_that_is_added_later_changes_how_others_are_read(traces: Path, reading: Reading) -> None:
    write(traces / "silent.json", silent())
    write(traces / "plain.json", plain())
    assert starts(reading()) == {"silent.json": 100_000}
    told = write(traces / "telling.json", telling())
    opening = reading()
    assert starts(opening) == {"silent.json": 10_000, "telling.json": 1_000}
    assert sorted(reading.sources) == ["silent.json", "telling.json"]
    assert rows(opening) == rows(reading(use_cache=False))
    told.unlink()
    opening = reading()
    assert starts(opening) == {"silent.json": 100_000}
    assert reading.sources == ["silent.json"]
    assert rows(opening) == rows(reading(use_cache=False))
    reading()
    assert reading.sources == []


def test_a_corpus_is_one_directory(traces: Path, reading: Reading) -> None:
    write(traces / "a" / "silent.json", silent())
    write(traces / "b" / "silent.json", silent())
    write(traces / "b" / "telling.json", telling())
    assert starts(reading()) == {"a/silent.json": 100_000, "b/silent.json": 10_000, "b/telling.json": 1_000}


def test_what_is_shown_meanwhile_never_counts_a_source_twice(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time doubles with every look at the clock: everything that arrives is shown at once."""
    clock = itertools.count()
    monkeypatch.setattr(run_module.time, "monotonic", lambda: 4.0 ** next(clock))
    monkeypatch.setattr("explorer.store.ingest.worker.CHUNK_ROWS", 4)
    for name in "abc":
        write(traces / f"{name}.json", silent(6))
    write(traces / "telling.json", telling())
    shown: list[tuple[bool, Rows]] = []
    final = reading(opened=lambda opening: shown.append((opening.complete, rows(opening))))
    assert len(shown) > 10
    for complete, found in shown:
        assert not complete
        assert not repeated(found)
    assert {len(found["conversations"]) for _, found in shown[-6:]} == {4}, "what was read stays until it is replaced"
    assert starts(shown[-6][1]) != starts(final)
    assert final.complete


def test_what_is_shown_is_part_of_what_is_found_in_the_end(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count()
    monkeypatch.setattr(run_module.time, "monotonic", lambda: 4.0 ** next(clock))
    corpus(traces)
    shown: list[Rows] = []
    final = rows(reading(opened=lambda opening: shown.append(rows(opening))))
    assert len(shown) > 3
    for found in shown:
        for table, its in found.items():
            assert all(row in final[table] for row in its)
    assert final == rows(reading(use_cache=False))
