"""Paths that are read again and again: what is told to have changed is read, and all is as if everything were."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from explorer.store.database import Database
from explorer.store.ingest import Cancelled, Options, ingest
from explorer.store.ingest import pool as pool_module
from explorer.store.ingest import run as run_module
from explorer.store.ingest.followed import Followed
from explorer.store.opening import Opening
from tests.readers.claude_code.writing import SESSION, answered, said, text
from tests.readers.claude_code.writing import write as transcript
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import corpus, family, plain, repeated, rows, write

MAIN, AGENT = f"{SESSION}.jsonl", f"{SESSION}/subagents/agent-a1.jsonl"


class Following:
    """Follows a directory, and counts how often everything is looked at."""

    def __init__(self, traces: Path, cache: Path, jobs: int) -> None:
        self.traces, self.options = traces, Options(jobs, cache, follow=True)
        self.reader = Followed()
        self.walks = 0

    def __call__(self, *written: str, anything: bool = False, **callbacks: Any) -> Opening:
        self.reader.note({str(self.traces / name) for name in written})
        if anything:
            self.reader.note(None)
        return self.reader([self.traces], self.options, **callbacks)

    def is_right(self, opening: Opening) -> bool:
        """Whether there is what a reading of everything, without what is known, finds."""
        found = rows(opening)
        return not repeated(found) and found == rows(ingest([self.traces], self.options._replace(use_cache=False)))


@pytest.fixture
def following(traces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Following]:
    corpus(traces)
    transcript(traces, MAIN, said("u1", None, 1, "go"), answered("a1", "u1", 2, text("well")))
    transcript(traces, AGENT, said("b1", None, 3, "look", agentId="a1"))
    made = Following(traces, tmp_path / "cache", 0)
    walk = run_module.walk

    def counted(*arguments: Any) -> Iterator[Any]:
        made.walks += 1
        return walk(*arguments)

    made()
    monkeypatch.setattr(run_module, "walk", counted)
    yield made
    made.reader.close()


def append(path: Path, *records: Any) -> None:
    with path.open("ab") as file:
        file.write(b"".join(json.dumps(each).encode() + b"\n" for each in records))


GROWTHS: dict[str, Callable[[Path], object]] = {
    "family.json": lambda path: write(path, family(7)),
    "lines.jsonl": lambda path: path.open("a").write("\n" + json.dumps(plain(8)) + '\n{"id": "half'),
    "shared/a.json": lambda path: write(path, json.loads(path.read_text()) | {"id": "u"}),
    MAIN: lambda path: append(path, said("u2", "a1", 4, "more"), answered("a2", "u2", 5, text("yes"), id="m2")),
    AGENT: lambda path: append(path, answered("b2", "b1", 6, text("seen"), id="m3", agentId="a1")),
}


def test_what_is_told_to_have_grown_is_read_and_nothing_else_is_looked_at(
    following: Following, reading: Reading
) -> None:
    for names, read in [
        (["family.json"], ["family.json"]),
        (["shared/a.json", "lines.jsonl"], ["lines.jsonl", "shared/a.json"]),
        ([MAIN], [AGENT]),  # the first of those that are read together
        ([AGENT], [AGENT]),
        ([AGENT, MAIN], [AGENT]),
    ]:
        for name in names:
            GROWTHS[name](following.traces / name)
        reading.sources.clear()
        opening = following(*names)
        assert sorted(reading.sources) == read
        assert following.walks == 0
        assert following.is_right(opening)
        following.walks = 0


def test_what_follows_from_several_sources_is_made_again(following: Following) -> None:
    write(following.traces / "shared" / "a.json", json.loads((following.traces / "shared" / "b.json").read_text()))
    assert following.is_right(following("shared/a.json"))


def replaced(directory: Path) -> str:
    new = write(directory / "new", plain(9))
    new.replace(directory / "family.json")
    return "family.json"


def gone(directory: Path) -> str:
    (directory / AGENT).unlink()
    return AGENT


def elsewhere(directory: Path) -> str:
    transcript(directory, MAIN, said("x1", None, 1, "go", sessionId="5e551012-0000-4000-8000-000000000000"))
    return MAIN


def of_no_format(directory: Path) -> str:
    (directory / "family.json").write_text("nothing any more")
    return "family.json"


def come(directory: Path) -> str:
    write(directory / "come.json", plain(9))
    return "come.json"


@pytest.mark.parametrize("change", [replaced, gone, elsewhere, of_no_format, come])
def test_everything_is_looked_at_where_more_has_changed(following: Following, change: Callable[[Path], str]) -> None:
    opening = following(change(following.traces))
    assert following.walks == 1
    assert following.is_right(opening)


def test_everything_is_looked_at_when_that_is_asked_for_or_nothing_is_told(
    following: Following, reading: Reading
) -> None:
    GROWTHS[MAIN](following.traces / MAIN)
    following(MAIN)
    reading.sources.clear()
    following()
    assert following.walks == 1
    assert reading.sources == ["cut.json"], "what ends in the middle of a record, and not what has been read already"
    GROWTHS[MAIN](following.traces / MAIN)
    write(following.traces / "come.json", plain(9))
    assert following.is_right(following(MAIN, anything=True))
    write(following.traces / "come.json", plain(10))
    assert following.is_right(following())


def test_after_a_reading_that_was_cut_short_everything_is_looked_at(following: Following) -> None:
    GROWTHS[MAIN](following.traces / MAIN)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        following(MAIN, cancelled=stop)
    GROWTHS[AGENT](following.traces / AGENT)
    assert following.is_right(following(AGENT))


def test_one_process_reads_again_and_again_and_another_when_it_has_ended(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "INLINE_BYTES", 0)
    following.options = following.options._replace(jobs=None)
    following(anything=True)
    seen = []
    for number in range(3):
        write(following.traces / "family.json", family(20 + number))
        opening = following("family.json")
        (process,) = psutil.Process().children()
        seen.append(process.pid)
        if number == 1:
            process.kill()
            process.wait()
    assert seen[0] == seen[1] != seen[2]
    following.options = following.options._replace(jobs=0)
    assert following.is_right(opening)


def test_parts_that_were_replaced_are_removed_once_nobody_shows_them(following: Following, reading: Reading) -> None:
    def written(number: int) -> Opening:
        write(following.traces / "family.json", family(30 + number))
        return following("family.json")

    (following.traces / "cut.json").unlink()  # it would be read again whenever everything is looked at
    following()
    first = reading.batches()
    shown = Database(written(0))
    for number in range(1, 6):
        Database(written(number)).close()
    last = Database(written(6))
    assert first < reading.batches()
    assert len(reading.batches() - first) == 2, "what is shown, and what is there now"
    for database in (shown, last):
        assert list(database.sql("FROM steps").batches)
    shown.close()
    last.close()
    following()
    written(7)
    assert len(reading.batches() - first) == 2, "what the cache was told of last stays, as others may show it"
