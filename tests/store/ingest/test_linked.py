"""Sources that belong together are read as one, whatever is added to them or taken away; so are directories."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from explorer.store.database import Database
from explorer.store.ingest import Progress
from explorer.store.ingest.together import Linked, groups
from explorer.store.ingest.walk import Found
from explorer.store.queries import record
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import messages, of, repeated, rows

pytestmark = pytest.mark.usefixtures("scripted")


@pytest.fixture
def world(traces: Path) -> Path:
    """Three files of one trace, the middle one holding the others together, and one on its own."""
    (traces / "a.scripted").write_text("link x\nsteps 1")
    (traces / "b.scripted").write_text("steps 5")
    (traces / "deep").mkdir()
    (traces / "deep" / "c.scripted").write_text("link x\nlink y\nsteps 2")
    (traces / "deep" / "d.scripted").write_text("link y\nsteps 3\nbad")
    return traces


def conversations(found: dict[str, list[dict[str, object]]]) -> list[str]:
    return [str(row["conversation_id"]) for row in found["conversations"]]


def test_linked_sources_are_one_and_each_says_what_stands_in_it(world: Path, reading: Reading) -> None:
    found = rows(reading())
    assert sorted(reading.sources) == ["a.scripted", "b.scripted"]
    assert of(found, "sources", "source_id", "format", "status", "records", "bad_records", "message") == [
        ("a.scripted", "scripted", "read", 1, 0, None),
        ("b.scripted", "scripted", "read", 5, 0, None),
        ("deep/c.scripted", "scripted", "read", 2, 0, "read with a.scripted"),
        ("deep/d.scripted", "scripted", "partial", 3, 1, "read with a.scripted; 1 record could not be read"),
    ]
    assert conversations(found) == ["a.scripted", "b.scripted"]
    assert not repeated(found)


def test_what_has_not_changed_is_not_read_again(world: Path, reading: Reading) -> None:
    first = rows(reading())
    assert rows(reading()) == first
    assert reading.sources == []


@pytest.mark.parametrize("name", ["a.scripted", "deep/c.scripted", "deep/d.scripted"])
def test_all_are_read_again_when_one_grows(world: Path, reading: Reading, name: str) -> None:
    reading()
    with (world / name).open("a") as file:
        file.write("\nsteps 4")
    found = rows(reading())
    assert reading.sources == ["a.scripted"]
    assert len(found["steps"]) == 15
    assert found == rows(reading(use_cache=False))


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("a.scripted", ["b.scripted", "deep/c.scripted"]),
        ("deep/c.scripted", ["a.scripted", "b.scripted", "deep/d.scripted"]),
        ("deep/d.scripted", ["a.scripted", "b.scripted"]),
    ],
)
def test_what_is_left_stands_for_itself_when_one_goes_and_comes(
    world: Path, reading: Reading, name: str, left: list[str]
) -> None:
    whole = rows(reading())
    content = (world / name).read_bytes()
    (world / name).unlink()
    found = rows(reading())
    assert conversations(found) == left
    assert not repeated(found)
    (world / name).write_bytes(content)
    os.utime(world / name)
    assert rows(reading()) == whole
    reading()
    assert reading.sources == []


def test_what_is_read_with_a_linked_source_is_watched_too(world: Path, reading: Reading) -> None:
    log = world / "deep" / "d.scripted-log"
    log.write_text("steps 1")
    reading()
    reading()
    assert reading.sources == []
    log.write_text("steps 10")
    reading()
    assert reading.sources == ["a.scripted"]


def test_a_new_source_brings_two_that_stood_alone_together(traces: Path, reading: Reading) -> None:
    (traces / "a.scripted").write_text("link x\nsteps 1")
    (traces / "c.scripted").write_text("link y\nsteps 2")
    assert conversations(rows(reading())) == ["a.scripted", "c.scripted"]
    (traces / "b.scripted").write_text("link x\nlink y\nsteps 4")
    told: list[Progress] = []
    found = rows(reading(progress=told.append))
    assert conversations(found) == ["a.scripted"]
    assert (len(found["steps"]), reading.sources) == (7, ["a.scripted"])
    assert (told[-1].files_done, told[-1].files_total) == (3, 3)
    assert told[-1].bytes_done == told[-1].bytes_total


@pytest.mark.parametrize("jobs", [0, 2])
def test_progress_ends_where_it_said_it_would(world: Path, reading: Reading, jobs: int) -> None:
    told: list[Progress] = []
    reading(progress=told.append, jobs=jobs)
    assert (told[-1].files_done, told[-1].files_total) == (4, 4)
    assert told[-1].bytes_done == told[-1].bytes_total == sum(p.stat().st_size for p in world.rglob("*.scripted"))


def test_a_trace_that_could_not_be_read_is_tried_again(world: Path, reading: Reading) -> None:
    part = world / "deep" / "d.scripted"
    whole = part.read_text()
    part.write_text(whole + "\nraise it is broken")
    found = rows(reading())
    assert messages(reading())["a.scripted"] == "the scripted reader failed: ValueError: it is broken"
    assert reading.sources == ["a.scripted"]
    part.write_text(whole)
    found = rows(reading())
    assert len(found["steps"]) == 11
    assert found == rows(reading(use_cache=False))


def test_a_directory_that_is_a_trace_is_one_source(traces: Path, reading: Reading) -> None:
    whole = traces / "one.scripted-dir"
    (whole / "deep").mkdir(parents=True)
    (whole / "lines").write_text("link x\nsteps 2")
    (whole / "deep" / "more").write_text("123")
    (traces / "a.scripted").write_text("link x\nsteps 1")
    found = rows(reading())
    assert of(found, "sources", "source_id", "bytes", "records", "message") == [
        ("a.scripted", 14, 1, None),
        ("one.scripted-dir", 17, 2, "read with a.scripted"),
    ]
    database = Database(reading())
    try:
        assert database.trace_of("one.scripted-dir") == {
            "a.scripted": traces / "a.scripted",
            "one.scripted-dir": whole,
        }
        assert record(database, "a.scripted/main/1", 2) == "step 2 of one.scripted-dir"
        (whole / "deep" / "more").write_text("1234")
        with pytest.raises(OSError, match="has changed since it was read"):
            record(database, "a.scripted/main/1", 2)
    finally:
        database.close()
    reading()
    assert reading.sources == ["a.scripted"]
    assert of(rows(reading(whole)), "sources", "source_id", "status") == [(".", "read")]


@pytest.mark.parametrize("order", list(itertools.permutations(["a", "b", "c", "d", "e"]))[::7])
def test_groups_do_not_depend_on_the_order_of_looking(order: tuple[str, ...]) -> None:
    links = {"a": ["1"], "b": ["2", "3"], "c": ["1", "2"], "d": ["4"], "e": ["3", "5"]}
    linked = [Linked(Found(Path(name), name, 0, 0, None), "r", links[name], None) for name in order]
    found = groups(linked, {name: number for number, name in enumerate("ebcad")})
    assert sorted([each.found.source_id for each in group.members] for group in found) == [["d"], ["e", "b", "c", "a"]]
