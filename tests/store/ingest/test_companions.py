"""Files that are read together with another one: listed, read once, and noticed when they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from explorer.readers import weka
from explorer.store.database import Database
from explorer.store.ingest import Progress
from explorer.store.queries import record
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import corpus, messages, of, repeated, rows, sources

pytestmark = pytest.mark.usefixtures("scripted")


@pytest.fixture
def world(traces: Path) -> Path:
    """A whole with two companions."""
    (traces / "a.scripted").write_text("steps 1")
    (traces / "a.scripted-log").write_text("steps 2")
    (traces / "logs").mkdir()
    (traces / "logs" / "a.scripted").write_text("steps 3")
    return traces


def test_a_companion_is_listed_and_read_with_its_whole(world: Path, reading: Reading) -> None:
    found = rows(reading())
    assert reading.sources == ["a.scripted"]
    columns = ("source_id", "format", "status", "bytes", "records", "bad_records", "read_with")
    assert of(found, "sources", *columns) == [
        ("a.scripted", "scripted", "read", 7, 6, 0, None),
        ("a.scripted-log", "scripted", "read", 7, None, None, "a.scripted"),
        ("logs/a.scripted", "scripted", "read", 7, None, None, "a.scripted"),
    ]
    assert (found["findings"], len(found["steps"])) == ([], 6)


def test_what_has_not_changed_is_not_read_again(world: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    first = reading()
    second = reading()
    assert reading.sources == []
    assert rows(second) == rows(first)
    assert second.batches == first.batches
    monkeypatch.chdir(world)
    reading(Path())
    assert reading.sources == []


@pytest.mark.parametrize("name", ["a.scripted-log", "logs/a.scripted"])
def test_a_whole_is_read_again_when_a_companion_grows(world: Path, reading: Reading, name: str) -> None:
    reading()
    (world / name).write_text("steps 10")
    found = rows(reading())
    assert reading.sources == ["a.scripted"]
    assert (name, 8) in of(found, "sources", "source_id", "bytes")
    assert not repeated(found)
    assert found == rows(reading(use_cache=False))


@pytest.mark.parametrize("name", ["a.scripted-log", "logs/a.scripted"])
def test_a_whole_is_read_again_when_a_companion_is_written_to_at_the_same_size(
    world: Path, reading: Reading, name: str
) -> None:
    reading()
    os.utime(world / name, ns=(0, (world / name).stat().st_mtime_ns - 1))
    reading()
    assert reading.sources == ["a.scripted"]


@pytest.mark.parametrize("name", ["a.scripted-log", "logs/a.scripted"])
def test_a_whole_is_read_again_when_a_companion_goes_and_when_it_comes(
    world: Path, reading: Reading, name: str
) -> None:
    both = rows(reading())
    content = (world / name).read_bytes()
    (world / name).unlink()
    found = rows(reading())
    assert reading.sources == ["a.scripted"]
    assert name not in [source for (source,) in of(found, "sources", "source_id")]
    assert len(found["steps"]) < 6
    (world / name).write_bytes(content)
    assert rows(reading()) == both
    assert reading.sources == ["a.scripted"]


def test_a_companion_that_is_a_source_of_its_own_becomes_a_part_and_back(traces: Path, reading: Reading) -> None:
    (traces / "logs").mkdir()
    (traces / "logs" / "a.scripted").write_text("steps 3")
    reading()
    assert reading.sources == ["logs/a.scripted"]
    (traces / "a.scripted").write_text("steps 1")
    found = rows(reading())
    assert reading.sources == ["a.scripted"]
    assert of(found, "conversations", "conversation_id") == [("a.scripted",)]
    (traces / "a.scripted").unlink()
    found = rows(reading())
    assert reading.sources == ["logs/a.scripted"]
    assert of(found, "conversations", "conversation_id") == [("logs/a.scripted",)]


def test_without_its_whole_a_companion_is_read_by_itself(world: Path, reading: Reading) -> None:
    found = rows(reading(world / "logs"))
    assert of(found, "sources", "source_id", "status", "records", "message") == [("a.scripted", "read", 3, None)]


@pytest.mark.parametrize("content", ["steps 2", ""])
def test_a_companion_that_cannot_be_read_without_its_whole_says_what_that_is(
    world: Path, reading: Reading, content: str
) -> None:
    log = world / "a.scripted-log"
    log.write_text(content)
    for _ in range(2):
        found = rows(reading(log))
        said = "part of a.scripted, which is not opened"
        assert of(found, "sources", "source_id", "status", "message") == [("a.scripted-log", "skipped", said)]
        assert of(found, "findings", "code", "severity", "message") == [("lone-companion", "info", said)]
    assert reading.sources == []


def test_a_companion_whose_whole_is_gone_is_as_any_other_file(world: Path, reading: Reading) -> None:
    (world / "a.scripted").unlink()
    opening = reading()
    assert sources(opening) == {"a.scripted-log": "skipped", "logs/a.scripted": "read"}
    assert messages(opening)["a.scripted-log"] == "no reader knows this format; the file is not shown"


def test_the_whole_is_found_under_whatever_name_it_was_opened(world: Path, reading: Reading) -> None:
    """Here its second name comes first, and the companion hangs on it by the first."""
    log = world / "a.scripted-log"
    (world.parent / "link").symlink_to(world)
    assert messages(reading(world.parent / "link" / "a.scripted", log)) == {"a.scripted-log": "read with a.scripted"}
    (world / "second.scripted").hardlink_to(world / "a.scripted")
    found = messages(reading(world / "second.scripted", log))
    assert found == {"a.scripted-log": "read with second.scripted"}


@pytest.mark.parametrize("jobs", [0, 2])
def test_progress_ends_where_it_said_it_would(world: Path, reading: Reading, jobs: int) -> None:
    corpus(world)
    told: list[Progress] = []
    reading(progress=told.append, jobs=jobs)
    during = [progress for progress in told if progress.phase == "reading"]
    files = [path for path in world.rglob("*") if path.is_file()]
    assert (during[-1].files_done, during[-1].files_total) == (len(files), len(files))
    assert during[-1].bytes_done == during[-1].bytes_total == sum(path.stat().st_size for path in files)


def test_places_that_are_no_bytes_do_not_run_ahead_of_the_file(traces: Path, reading: Reading) -> None:
    (traces / "a.scripted").write_text("steps 20000")
    told: list[Progress] = []
    reading(progress=told.append)
    assert max(progress.bytes_done for progress in told) == 11


def test_a_hook_that_fails_costs_nothing_but_itself(
    world: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise RuntimeError("cannot tell")

    monkeypatch.setattr(weka, "part_of", fail, raising=False)
    monkeypatch.setattr(weka, "companions", fail, raising=False)
    corpus(world)
    found = sources(reading())
    assert (found["family.json"], found["logs/a.scripted"]) == ("read", "read")
    reading()
    assert reading.sources == []


def test_a_record_is_asked_of_the_reader_until_something_has_changed(world: Path, reading: Reading) -> None:
    database = Database(reading())
    try:
        assert record(database, "a.scripted/main/1", 5) == "step 5 of a.scripted"
        assert record(database, "a.scripted/main/1", 5, limit=4) == "step"
        log = world / "a.scripted-log"
        log.write_text("steps 22")
        with pytest.raises(OSError, match="has changed since it was read"):
            record(database, "a.scripted/main/1", 5)
        log.unlink()
        with pytest.raises(OSError, match="has changed since it was read"):
            record(database, "a.scripted/main/1", 5)
    finally:
        database.close()
