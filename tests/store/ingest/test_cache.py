from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.readers import weka
from explorer.store.database import Database
from explorer.store.ingest import IngestError, Options, Progress, ingest, mended
from explorer.store.ingest import cache as cache_module
from explorer.store.ingest.cache import MANIFEST, Cache
from explorer.store.opening import DamagedPart, Opening
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import corpus, family, messages, of, plain, repeated, rows, sources, write

LONG_AGO = (0, 0)


def older(path: Path) -> None:
    """Another time of change, at the same size."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns - 1))


def test_what_has_not_changed_is_not_read_again(traces: Path, reading: Reading) -> None:
    corpus(traces)
    first = reading()
    assert len(reading.sources) > len({"family.json", "lines.jsonl"})
    second = reading()
    assert reading.sources == []
    assert rows(second) == rows(first)
    assert second.batches == first.batches


def test_opening_what_has_not_changed_writes_nothing(traces: Path, reading: Reading) -> None:
    """Also with sources that can never be read, which are looked at every time."""
    corpus(traces)
    os.mkfifo(traces / "fifo")
    (traces / "again.json").symlink_to("family.json")
    reading()
    before = {path: path.stat().st_ino for path in reading.directory().rglob("*")}
    reading()
    assert {path: path.stat().st_ino for path in reading.directory().rglob("*")} == before


def test_opening_what_has_not_changed_loads_no_library_to_make_it_with(traces: Path, reading: Reading) -> None:
    corpus(traces)
    database = Database(reading())
    database.keep()
    database.close()
    program = (
        "import sys; from explorer.cli import main;"
        "sys.exit = lambda code: print(code, *({'numpy', 'polars', 'pyarrow'} & set(sys.modules)), file=sys.stderr);"
        "main()"
    )
    options = "--summary", "--format", "csv", "--cache-dir"
    command = [sys.executable, "-c", program, *options, reading.cache, traces]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout
    assert done.stderr == "0\n"


@pytest.mark.parametrize("change", [lambda path: write(path, plain(7)), older])
def test_a_source_of_another_size_or_time_is_read_again_and_no_other(
    traces: Path, reading: Reading, change: Callable[[Path], None]
) -> None:
    for name in "abc":
        write(traces / f"{name}.json", plain(ord(name)))
    reading()
    change(traces / "b.json")
    again = rows(reading())
    assert reading.sources == ["b.json"]
    assert not repeated(again)
    assert again == rows(reading(use_cache=False))


def test_a_source_that_is_gone_no_longer_counts(traces: Path, reading: Reading) -> None:
    corpus(traces)
    reading()
    (traces / "family.json").unlink()
    (traces / "empty.json").unlink()
    left = rows(reading())
    assert reading.sources == []
    assert left == rows(reading(use_cache=False))
    assert not {"family.json", "empty.json"} & {row["source_id"] for row in left["sources"] + left["findings"]}


def test_of_added_sources_only_they_are_read(traces: Path, reading: Reading) -> None:
    write(traces / "b.json", plain(1))
    reading()
    write(traces / "a.json", plain(2))
    write(traces / "c.json", family())
    after = rows(reading())
    assert sorted(reading.sources) == ["a.json", "c.json"]
    assert after == rows(reading(use_cache=False))


def test_a_renamed_source_counts_under_its_new_name_only(traces: Path, reading: Reading) -> None:
    path = write(traces / "a.json", family())
    reading()
    path.rename(traces / "b.json")
    assert {name for (name,) in of(rows(reading()), "conversations", "source_id")} == {"b.json"}


def test_a_source_that_changes_many_times_counts_once(traces: Path, reading: Reading) -> None:
    write(traces / "still.json", family())
    for steps in range(1, 8):
        write(traces / "growing.json", plain(1, steps))
        found = rows(reading())
        assert reading.sources == (["growing.json"] if steps > 1 else reading.sources)
        assert not repeated(found)
        assert len([run for (run,) in of(found, "steps", "run_id") if run.startswith("growing")]) == steps


def test_a_trace_that_becomes_something_else_is_no_longer_a_trace(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain())
    reading()
    (traces / "a.json").write_text("not any more")
    found = rows(reading())
    assert of(found, "sources", "source_id", "status") == [("a.json", "skipped")]
    assert found["steps"] == []


def test_each_set_of_paths_has_a_cache_of_its_own(traces: Path, reading: Reading) -> None:
    a, b = write(traces / "a.json", plain(1)), write(traces / "b.json", plain(2))
    assert sources(reading(a)) == {"a.json": "read"}
    assert sources(reading(b)) == {"b.json": "read"}
    assert sources(reading(a, b)) == {"a.json": "read", "b.json": "read"}
    reading(a)
    assert reading.sources == []


def test_a_directory_has_one_cache_whatever_way_leads_to_it(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(traces)
    (traces.parent / "link").symlink_to(traces)
    reading()
    monkeypatch.chdir(traces / "deep")
    for path in (Path(".."), traces.parent / "link", traces / "deep" / ".."):
        reading(path)
        assert reading.sources == []


def test_a_reader_of_another_version_reads_everything_again(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(traces / "a.json", plain())
    reading()
    monkeypatch.setattr(weka, "VERSION", weka.VERSION + 1)
    reading()
    assert reading.sources == ["a.json"]


def replace_json(change: Callable[[list[Any]], object]) -> Callable[[bytes], bytes]:
    """A manifest that is whole but says something else."""

    def changed(manifest: bytes) -> bytes:
        stored = json.loads(manifest.partition(b"\n")[2])
        stored = change(stored) or stored
        text = json.dumps(stored).encode()
        return cache_module._digest(b"") + b"\n" + text

    return changed


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        lambda text: text[: len(text) // 2],
        lambda text: text[:-1],
        lambda text: text.partition(b"\n")[2],
        lambda text: text.partition(b"\n")[0],
        lambda text: b"\0" * len(text),
        lambda text: b"[" * 100_000,
        lambda text: b"\xff\xfe\n{}",
        lambda text: b"null",
        lambda text: text.replace(b"a.json", b"z.json"),
        lambda text: text.replace(b"batch-", b"../../"),
        lambda text: text + b" ",
        replace_json(lambda stored: stored[0].clear()),
        replace_json(lambda stored: stored[1].update({"batch-x": None})),
        replace_json(lambda stored: [stored]),
    ],
)
def test_a_manifest_that_is_not_whole_is_as_none(
    traces: Path, reading: Reading, damage: Callable[[bytes], bytes]
) -> None:
    write(traces / "a.json", plain())
    write(traces / "b.json", family())
    expected = rows(reading())
    manifest = reading.directory() / MANIFEST
    manifest.write_bytes(damage(manifest.read_bytes()))
    assert rows(reading()) == expected
    assert sorted(reading.sources) == ["a.json", "b.json"]
    reading()
    assert reading.sources == []


def test_a_manifest_that_cannot_be_replaced_is_told_of(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain())
    expected = rows(reading())
    manifest = reading.directory() / MANIFEST
    manifest.unlink()
    manifest.mkdir()
    notes: list[str | None] = []
    assert rows(reading(progress=lambda progress: notes.append(progress.note))) == expected
    assert "the cache could not be written" in str(notes[-1])
    assert not reading.leftovers()


def in_two_batches(traces: Path, reading: Reading) -> tuple[Path, Path]:
    """The batches of a.json and of b.json."""
    write(traces / "a.json", plain(1))
    reading()
    (first,) = reading.batches()
    write(traces / "b.json", family())
    reading()
    (second,) = reading.batches() - {first}
    return reading.directory() / first, reading.directory() / second


@pytest.mark.parametrize(
    "damage",
    [
        lambda batch: (batch / "steps.parquet").unlink(),
        lambda batch: os.truncate(batch / "runs.parquet", 40),
        lambda batch: os.truncate(batch / "sources.parquet", 0),
        lambda batch: batch.rename(batch.with_name("elsewhere")),
    ],
)
def test_only_the_sources_of_a_batch_that_is_not_whole_are_read_again(
    traces: Path, reading: Reading, damage: Callable[[Path], None]
) -> None:
    first, _ = in_two_batches(traces, reading)
    damage(first)
    after = rows(reading())
    assert reading.sources == ["a.json"]
    assert after == rows(reading(use_cache=False))
    reading()
    assert reading.sources == []


def test_what_another_process_left_half_written_is_not_opened(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain())
    expected = rows(reading())
    for name in ("tmp-1234", "batch-1234"):
        (reading.directory() / name).mkdir()
        (reading.directory() / name / "steps.parquet").write_bytes(b"PAR1")
    (reading.directory() / "tmp-5678").write_bytes(b"{")
    assert rows(reading()) == expected
    assert reading.sources == []


def test_what_nobody_names_is_removed_when_nobody_can_be_using_it_any_more(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain())
    reading()
    for name in ("tmp-old", "batch-old", "tmp-new", "batch-new"):
        path = reading.directory() / name
        path.mkdir()
        (path / "steps.parquet").write_bytes(b"PAR1")
        if name.endswith("old"):
            os.utime(path, LONG_AGO)
    reading()
    names = {path.name for path in reading.directory().iterdir()}
    assert {"tmp-new", "batch-new"} <= names
    assert not {"tmp-old", "batch-old"} & names


def test_caches_that_nobody_opens_any_more_are_removed_and_nothing_else(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain())
    reading()
    mine = reading.directory()
    version = mine.parent.name
    old, lately = "0" * 24, "1" * 24
    caches = {f"{version}/{old}", f"{version}/{lately}", f"{'f' * 16}/{old}", f"photos/{old}", f"{'f' * 16}/holiday"}
    for name in caches:
        (reading.cache / name).mkdir(parents=True)
        (reading.cache / name / "manifest").write_text("of an earlier day")
        if not name.endswith(lately):
            os.utime(reading.cache / name, LONG_AGO)
    os.utime(mine, LONG_AGO)
    reading()
    left = {name for name in caches if (reading.cache / name).exists()}
    assert left == {f"{version}/{lately}", f"photos/{old}", f"{'f' * 16}/holiday"}
    assert reading.sources == []


def test_nobody_else_may_read_a_cache(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain())
    reading()
    assert reading.directory().stat().st_mode & 0o077 == 0


def test_a_part_that_proves_damaged_is_read_again_once(tmp_path: Path) -> None:
    part = tmp_path / "batch-1" / "steps.parquet"
    part.parent.mkdir()
    part.write_bytes(b"")
    readings: list[bool] = []

    def read() -> Opening:
        readings.append(part.exists())
        return Opening([], {})

    def use(_: Opening) -> str:
        if part.exists():
            raise DamagedPart(part, "its content is damaged")
        return "open"

    assert mended(read, use) == "open"
    assert readings == [True, False]


def test_a_damaged_part_of_an_export_stays(tmp_path: Path) -> None:
    part = tmp_path / "steps.parquet"
    part.write_bytes(b"")

    def use(_: Opening) -> None:
        raise DamagedPart(part, "its content is damaged")

    with pytest.raises(DamagedPart):
        mended(lambda: Opening([], {}), use)
    assert part.exists()


def test_a_batch_that_was_opened_lately_outlives_its_merging(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another explorer that shows it goes on reading its parts."""
    write(traces / "a.json", plain(0))
    first = reading()
    for name in reading.batches():
        os.utime(reading.directory() / name, LONG_AGO)
    shown = reading()
    expected = rows(shown)
    monkeypatch.setattr("explorer.store.ingest.kept.MOST_BATCHES", 1)
    write(traces / "b.json", plain(2))
    assert shown.batches[0] not in reading().batches
    assert rows(shown) == rows(first) == expected


def test_a_cache_that_cannot_be_written_is_told_of_and_done_without(traces: Path, reading: Reading) -> None:
    corpus(traces)
    expected = rows(reading())
    (traces.parent / "file").write_text("in the way")
    reading.cache = traces.parent / "file" / "cache"
    notes: list[str | None] = []
    assert rows(reading(progress=lambda progress: notes.append(progress.note))) == expected
    assert all(note and "the cache cannot be written" in note for note in notes)


def test_a_read_only_cache_is_told_of_and_done_without(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    write(traces / "a.json", plain())
    monkeypatch.setattr(cache_module.tempfile, "TemporaryFile", refuse)
    notes: list[str | None] = []
    assert sources(reading(progress=lambda progress: notes.append(progress.note))) == {"a.json": "read"}
    assert "Read-only file system" in str(notes[-1])


def test_nowhere_to_write_at_all_is_an_error_with_a_next_step(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(IngestError, match=r"No space left on device.*--cache-dir"):
        reading(use_cache=False)


def test_without_the_cache_nothing_is_taken_from_it_or_put_into_it(traces: Path, reading: Reading) -> None:
    corpus(traces)
    expected = rows(reading())
    before = {path: path.stat().st_mtime_ns for path in reading.cache.rglob("*")}
    assert rows(reading(use_cache=False)) == expected
    assert reading.sources
    assert {path: path.stat().st_mtime_ns for path in reading.cache.rglob("*")} == before


def test_the_database_is_kept_where_the_next_opening_finds_it(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain())
    assert reading().cache == reading.directory()
    assert reading(use_cache=False).cache is None
    assert ingest([traces], Options(0, reading.cache, follow=True)).cache is None


def test_nothing_is_written_beside_the_traces(traces: Path, reading: Reading) -> None:
    corpus(traces)
    before = {path: path.stat().st_mtime_ns for path in [traces, *traces.rglob("*")]}
    reading()
    reading(use_cache=False)
    assert {path: path.stat().st_mtime_ns for path in [traces, *traces.rglob("*")]} == before


def test_a_source_whose_reading_failed_is_read_again_though_it_has_not_changed(
    traces: Path, reading: Reading, scripted: None
) -> None:
    (traces / "a.scripted").write_text("steps 2\nrefuse for now")
    (traces / "b.scripted").write_text("steps 1")
    for _ in range(3):
        opening = reading()
        assert sources(opening) == {"a.scripted": "partial", "b.scripted": "read"}
        assert messages(opening) == {"a.scripted": "for now"}
        assert not repeated(rows(opening))
        assert "a.scripted" in reading.sources
    assert reading.sources == ["a.scripted"]


def test_the_places_of_all_sources_are_known_on_every_opening(traces: Path, reading: Reading) -> None:
    corpus(traces)
    first = reading().roots
    assert reading().roots == first
    assert first["deep/one.json"] == traces / "deep" / "one.json"
    assert len(first) == len([path for path in traces.rglob("*") if path.is_file()])


def test_progress_ends_where_it_said_it_would(traces: Path, reading: Reading) -> None:
    corpus(traces)
    told: list[Progress] = []
    reading(progress=told.append)
    assert [told[0].phase, told[-1].phase] == ["reading", "done"]
    during = [progress for progress in told if progress.phase == "reading"]
    files = [path for path in traces.rglob("*") if path.is_file()]
    assert (during[-1].files_done, during[-1].files_total) == (len(files), len(files))
    assert during[-1].bytes_done == during[-1].bytes_total == sum(path.stat().st_size for path in files)
    assert [progress.bytes_done for progress in during] == sorted(progress.bytes_done for progress in during)


def test_a_cache_is_found_by_the_bytes_of_its_path(traces: Path, reading: Reading) -> None:
    """Names that are not UTF-8 are paths like any other."""
    directory = Path(os.fsdecode(os.fsencode(traces) + b"/\xff\x1b\n"))
    write(directory / "a.json", plain())
    assert sources(reading(directory)) == {"a.json": "read"}
    reading(directory)
    assert reading.sources == []


def test_a_damaged_manifest_never_leads_outside_the_cache(traces: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    (tmp_path / MANIFEST).write_bytes(b"{}")
    assert cache.load().entries == {}
