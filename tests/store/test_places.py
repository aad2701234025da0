"""What is offered to whoever names no path."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from explorer.store import places as module
from explorer.store.places import usual_places
from tests.store.ingest.traces import plain, write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with Maverick's files and an empty database's directory."""
    directory = tmp_path / "home"
    (directory / ".maverick" / "audit").mkdir(parents=True)
    (directory / ".maverick" / "world.db").write_bytes(b"x" * 30)
    (directory / ".maverick" / "audit" / "2026-06-02.ndjson").write_bytes(b"x" * 12)
    os.utime(directory / ".maverick" / "world.db", (1_780_000_000, 1_780_000_000))
    os.utime(directory / ".maverick" / "audit" / "2026-06-02.ndjson", (1_780_000_060, 1_780_000_060))
    (directory / ".forge").mkdir()
    return directory


def found(home: Path, current: Path, **environment: str) -> list[tuple[str | None, Path, int, int]]:
    return [(each.format, each.path, each.files, each.bytes) for each in usual_places(environment, home, current)]


def test_places_that_hold_something_are_offered_and_the_current_directory_if_it_has_traces(home: Path) -> None:
    here = home / "work"
    write(here / "deep" / "one.json", plain())
    (here / "notes.txt").write_text("no trace")
    size = (here / "deep" / "one.json").stat().st_size + 8
    assert found(home, here) == [("maverick", home / ".maverick", 2, 42), (None, here, 2, size)]
    (here / "deep" / "one.json").unlink()
    assert found(home, here) == [("maverick", home / ".maverick", 2, 42)]


def test_it_says_when_something_was_last_written(home: Path) -> None:
    (place,) = usual_places({}, home, home / ".forge")
    assert (place.newest, place.whole) == (datetime(2026, 5, 28, 20, 27, 40), True)  # noqa: DTZ001


def test_recorders_are_looked_for_where_their_variables_say(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".forge.db").write_bytes(b"SQLite")
    assert found(home, tmp_path / "none", FORGE_CONFIG=str(elsewhere), MAVERICK_HOME=str(tmp_path / "gone")) == [
        ("codegraff", elsewhere / ".forge.db", 1, 6)
    ]


def test_one_place_is_offered_once(home: Path) -> None:
    assert [each[0] for each in found(home, home / ".maverick")] == ["maverick"]


def test_what_takes_too_long_is_told_as_a_part(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", -1)
    (place,) = usual_places({}, home, home / ".forge")
    assert (place.files, place.whole) == (1, False)
