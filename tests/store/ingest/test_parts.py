from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from explorer.model import ALL_TABLES, columns
from explorer.store.database import SOURCE_COLUMN, Opening
from explorer.store.ingest import IngestError
from explorer.store.ingest import kept as kept_module
from explorer.store.ingest.cache import Cache
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import (
    asked,
    call,
    corpus,
    family,
    messages,
    of,
    plain,
    repeated,
    rows,
    sources,
    trace,
    write,
)

TYPES = {
    "VARCHAR": pl.String,
    "BIGINT": pl.Int64,
    "UBIGINT": pl.UInt64,
    "DOUBLE": pl.Float64,
    "BOOLEAN": pl.Boolean,
    "TIMESTAMP": pl.Datetime("us"),
}


def parts(opening: Opening) -> list[tuple[str, Path]]:
    return [(table, path) for batch in opening.batches for table, path in batch.files.items()]


def test_a_part_has_the_columns_of_its_table_and_the_reading_of_each_row(traces: Path, reading: Reading) -> None:
    corpus(traces)
    found = parts(reading())
    assert {"sources", "steps", "block_runs", "step_reuse", "sibling_pairs", "namespace_audit"} < dict(found).keys()
    for table, path in found:
        wanted = {column.name: TYPES[column.type] for column in columns(ALL_TABLES[table])}
        assert pl.read_parquet_schema(path) == wanted | {SOURCE_COLUMN: pl.String}
        assert pl.read_parquet(path)[SOURCE_COLUMN].null_count() == 0


def test_the_parts_open_as_a_database(traces: Path, reading: Reading) -> None:
    corpus(traces)
    opening = reading()
    for table in ("conversations", "steps", "sources"):
        assert asked(opening, f"SELECT count(*) FROM {table}") == [(len(rows(opening)[table]),)]


def test_the_rows_do_not_depend_on_how_they_are_collected(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(traces)
    expected = rows(reading())
    monkeypatch.setattr("explorer.store.ingest.worker.CHUNK_ROWS", 3)
    monkeypatch.setattr("explorer.store.ingest.parts.FRAME_ROWS", 2)
    monkeypatch.setattr(kept_module, "MOST_PENDING_ROWS", 7)
    split = reading(use_cache=False)
    assert rows(split) == expected
    assert not repeated(expected)


def test_batches_are_merged_when_they_become_many(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_BATCHES", 2)
    corpus(traces)
    reading()
    for number in range(4):
        write(traces / f"{number}.json", plain(number))
        write(traces / "changing.json", family(number))
        merged = reading()
        assert sorted(reading.sources) == [f"{number}.json", "changing.json"]
        assert len(merged.batches) <= 2
        assert rows(merged) == rows(reading(use_cache=False))
    again = reading()
    assert reading.sources == []
    assert rows(again) == rows(merged)


def test_a_source_that_changes_over_and_over_has_no_other_written_again(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_BATCHES", 2)
    write(traces / "still.json", family())
    (still,) = reading().batches
    for number in range(4):
        write(traces / "changing.json", plain(number))
        opened = reading()
        assert opened.batches[0] == still
        assert len(opened.batches) == 2
        assert len(Cache(reading.directory()).load().batches) == 2


def test_rows_that_no_longer_count_are_dropped_when_they_are_many(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_BATCHES", 3)
    for steps in range(1, 12):
        write(traces / "a.json", plain(1, steps))
        opening = reading()
    assert sum(pl.read_parquet(path).height for table, path in parts(opening) if table == "sources") <= 4


def test_when_everything_is_gone_nothing_counts(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_BATCHES", 0)
    path = write(traces / "a.json", plain())
    reading()
    path.unlink()
    for _ in range(2):
        assert reading().batches == []


@pytest.mark.parametrize("name", ["[ab] a*b? k=v", "new\nline", "émoji \N{BUG} quote'd \"twice"])
def test_a_cache_may_have_any_name(traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(kept_module, "MOST_BATCHES", 1)
    write(traces / "family.json", family())
    expected = rows(reading())
    reading.cache = reading.cache / name
    assert rows(reading()) == expected
    write(traces / "more.json", plain(9))
    opening = reading()
    assert len(opening.batches) == 1
    assert rows(opening) == rows(reading(use_cache=False))


UNFIT = {
    "overflow": "steps: unexpected value while building Series of type Int64",
    "surrogate": "steps: 'utf-8' codec can't encode character",
    "mistype": "steps: unexpected value while building Series of type Int64",
}


@pytest.mark.parametrize("slip", UNFIT)
@pytest.mark.parametrize("frame_rows", [1, 10_000])
def test_a_value_that_no_column_holds_costs_its_source_only(
    traces: Path, reading: Reading, scripted: None, monkeypatch: pytest.MonkeyPatch, slip: str, frame_rows: int
) -> None:
    monkeypatch.setattr("explorer.store.ingest.parts.FRAME_ROWS", frame_rows)
    corpus(traces)
    expected = rows(reading())
    (traces / "slip.scripted").write_text(f"steps 3\n{slip}\nsteps 4")
    for _ in range(2):
        opening = reading()
        assert sources(opening)["slip.scripted"] == "failed"
        assert messages(opening)["slip.scripted"].startswith(f"the scripted reader failed: {UNFIT[slip]}")
        found = rows(opening)
        assert [row for row in found["findings"] if row["source_id"] == "slip.scripted"]
        for table in ("steps", "runs", "conversations", "step_reuse"):
            assert found[table] == expected[table]
        assert not repeated(found)


def test_ids_that_use_all_of_64_bits_are_read(traces: Path, reading: Reading) -> None:
    top = 2**64 - 1
    write(traces / "a.json", trace(call(0, [1]), call(1, [top, 0]), call(2, [2**63, 5, top])))
    opening = reading()
    assert sources(opening) == {"a.json": "read"}
    assert {first for (first,) in of(rows(opening), "block_runs", "first_block")} == {1, top, 0, 2**63, 5}
    assert of(rows(opening), "namespace_audit", "missing_ids_document") == [(2**63 - 1,)]


def fail_with(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_an_error_with_a_cause_and_a_next_step(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(traces)
    with monkeypatch.context() as patch:
        patch.setattr(pl.DataFrame, "write_parquet", fail_with(FULL))
        with pytest.raises(IngestError) as failed:
            reading()
    assert str(failed.value) == (
        f"cannot write what was read to {reading.directory()}: No space left on device. "
        "Free some space, or name another directory with --cache-dir."
    )
    assert list(reading.directory().iterdir()) == []
    assert rows(reading()) == rows(reading(use_cache=False))


@pytest.mark.parametrize("error", [pl.exceptions.ComputeError("no space"), KeyboardInterrupt(), MemoryError()])
def test_whatever_stops_the_writing_leaves_no_half_batch(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    corpus(traces)
    written = pl.DataFrame.write_parquet

    def some(frame: pl.DataFrame, path: Path, **options: object) -> None:
        if path.name == "steps.parquet":
            path.write_bytes(b"PAR1 and then")
            raise error
        written(frame, path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pl.DataFrame, "write_parquet", some)
    with pytest.raises(IngestError if isinstance(error, pl.exceptions.PolarsError) else type(error)):
        reading()
    assert list(reading.directory().iterdir()) == []


def test_a_file_that_may_not_grow_is_told_of_by_the_system_itself(traces: Path, reading: Reading) -> None:
    """No patch: the process is forbidden to write more than some bytes, as a quota does."""
    corpus(traces)
    program = (
        "import sys; from pathlib import Path; from explorer.store.ingest import *\n"
        "try: ingest([Path(sys.argv[1])], Options(0, Path(sys.argv[2])))\n"
        "except IngestError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, traces, reading.cache],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)),
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # it would leave modules cut off for other processes
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "cannot write what was read to" in done.stdout
    assert "File too large" in done.stdout
    assert "--cache-dir" in done.stdout
    assert list(reading.directory().iterdir()) == []


def test_a_disk_that_is_full_when_batches_are_merged_is_told_of_and_nothing_is_lost(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MOST_BATCHES", 1)
    corpus(traces)
    reading()
    write(traces / "more.json", plain(9))
    notes: list[str | None] = []
    sink, batches = pl.LazyFrame.sink_parquet, set[Path]()

    def full_at_the_second_batch(frame: pl.LazyFrame, path: Path, **options: Any) -> object:
        batches.add(Path(path).parent)
        if len(batches) > 1:
            Path(path).write_bytes(b"PAR1")
            raise FULL
        return sink(frame, path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(pl.LazyFrame, "sink_parquet", full_at_the_second_batch)
        opening = reading(progress=lambda progress: notes.append(progress.note))
    assert "could not be tidied" in str(notes[-1])
    assert rows(opening) == rows(reading(use_cache=False))
    assert not reading.leftovers()
    assert len(reading().batches) == 1
    assert reading.sources == []


def test_a_disk_that_is_full_when_the_manifest_is_saved_is_told_of_and_nothing_is_lost(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(traces)
    notes: list[str | None] = []
    with monkeypatch.context() as patch:
        patch.setattr("explorer.store.ingest.cache.Path.replace", fail_with(FULL))
        opening = reading(progress=lambda progress: notes.append(progress.note))
    assert "No space left on device" in str(notes[-1])
    assert "read again next time" in str(notes[-1])
    assert rows(opening) == rows(reading(use_cache=False))
    assert not reading.leftovers()


def test_a_part_that_was_overwritten_is_an_error_with_a_next_step(traces: Path, reading: Reading) -> None:
    """Where its rows are needed to compute what several sources share; sizes do not show the damage."""
    corpus(traces)
    reading()
    for path in reading.directory().rglob("block_runs.parquet"):
        path.write_bytes(os.urandom(path.stat().st_size))
    write(traces / "shared" / "c.json", trace(call(0, [1, 2]), scope="global"))
    with pytest.raises(IngestError, match=r"cannot read back.*--no-cache"):
        reading()
    assert sources(reading(use_cache=False))["shared/c.json"] == "read"
