"""Several processes on one directory and one cache, also such as are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from explorer.store.ingest import kept as kept_module
from tests.store.ingest.conftest import Reading
from tests.store.ingest.together import digest
from tests.store.ingest.traces import corpus, family, plain, rows, write

ROOT = Path(__file__).parents[3]


class Explorer:
    """Another process that opens the directory when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin
        assert process.stdout
        self.process, self.input, self.output = process, process.stdin, process.stdout

    def begin(self, line: str) -> None:
        self.input.write(f"{line}\n")
        self.input.flush()

    def end(self) -> str:
        """What it found; nothing when it was killed."""
        return self.output.readline().strip()


@contextmanager
def explorer(reading: Reading) -> Iterator[Explorer]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.ingest.together", reading.traces, reading.cache],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        opened = Explorer(process)
        assert opened.end() == "ready"
        yield opened
        process.kill()


def test_explorers_that_open_a_directory_at_once_all_find_the_same(traces: Path, reading: Reading) -> None:
    """Again and again, while files come, change and go, and whoever saves last."""
    corpus(traces)
    with ExitStack() as stack:
        explorers = [stack.enter_context(explorer(reading)) for _ in range(2)]
        for number in range(4):
            write(traces / f"{number % 5}.json", plain(number))
            write(traces / "family.json", family(number))
            (traces / f"{(number + 2) % 5}.json").unlink(missing_ok=True)
            for each, jobs in zip(explorers, (0, number % 3), strict=True):
                each.begin(str(jobs))
            expected = digest(rows(reading(use_cache=False)))
            assert [each.end() for each in explorers] == [expected] * 2
    assert digest(rows(reading())) == expected
    assert not reading.leftovers()


def test_explorers_that_fill_an_empty_cache_at_once_all_find_the_same(traces: Path, reading: Reading) -> None:
    corpus(traces)
    expected = digest(rows(reading(use_cache=False)))
    with ExitStack() as stack:
        explorers = [stack.enter_context(explorer(reading)) for _ in range(2)]
        for number in range(3):
            for directory in reading.cache.glob("*/*"):
                (directory / "manifest").unlink()
            for each in explorers:
                each.begin(str(number % 3))
            assert [each.end() for each in explorers] == [expected] * 2


def test_an_explorer_goes_on_while_another_merges_the_batches(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_BATCHES", 1)
    corpus(traces)
    with explorer(reading) as other:
        for number in range(4):
            write(traces / f"{number}.json", plain(number))
            other.begin("0")
            merged = rows(reading())
            assert other.end() == digest(merged) == digest(rows(reading(use_cache=False)))


@pytest.mark.parametrize("files", [0, 4])
def test_after_an_explorer_was_killed_the_next_finds_everything(traces: Path, reading: Reading, files: int) -> None:
    corpus(traces)
    expected = rows(reading(use_cache=False))
    with explorer(reading) as killed:
        killed.begin(f"die {files}")
        assert killed.end() == ""
        assert killed.process.wait() == -9
    assert rows(reading()) == expected
    assert rows(reading()) == expected
    assert reading.sources == []


def test_after_an_explorer_was_killed_what_it_had_found_before_still_counts(traces: Path, reading: Reading) -> None:
    corpus(traces)
    reading()
    write(traces / "new.json", plain(9))
    with explorer(reading) as killed:
        killed.begin("die 0")
        assert killed.end() == ""
    found = rows(reading())
    assert reading.sources == ["new.json"]
    assert found == rows(reading(use_cache=False))
