"""A record without an end, in a file that is being written and followed, is no damage until the file is quiet."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from explorer.store.ingest import Options, ingest
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import of, plain, rows, write


@pytest.fixture
def cut(traces: Path) -> Path:
    """A whole trace, and behind it half of another."""
    path = traces / "lines.jsonl"
    text = json.dumps(plain(2))
    path.write_text(json.dumps(plain(1)) + "\n" + text[: len(text) // 2])
    return path


def codes(reading: Reading, follow: bool = True) -> tuple[str, int, list[tuple[str, str]]]:
    """Status and bad records of the source, and the findings of it."""
    reading.sources.clear()
    found = rows(ingest([reading.traces], Options(0, reading.cache, follow=follow)))
    ((status, bad),) = of(found, "sources", "status", "bad_records")
    told = of(found, "findings", "code", "severity")
    return status, bad, [each for each in told if each[0].endswith("-record")]


def test_it_is_no_damage_while_the_file_grows_and_damage_once_it_is_quiet(cut: Path, reading: Reading) -> None:
    assert codes(reading) == ("read", 0, [("unfinished-record", "info")])
    assert codes(reading) == ("read", 0, [("unfinished-record", "info")])
    assert reading.sources == ["lines.jsonl"], "it is read again until it is quiet"
    before = time.time() - 60
    os.utime(cut, (before, before))
    assert codes(reading) == ("partial", 1, [("truncated-record", "error")])
    assert codes(reading) == ("partial", 1, [("truncated-record", "error")])
    assert reading.sources == []


def test_what_is_not_followed_is_damaged_at_once(cut: Path, reading: Reading) -> None:
    assert codes(reading, follow=False) == ("partial", 1, [("truncated-record", "error")])


def test_what_grows_record_by_record_is_not_read_again_before_it_has_grown(traces: Path, reading: Reading) -> None:
    write(traces / "lines.jsonl", plain(1))
    codes(reading)
    codes(reading)
    assert reading.sources == []
