"""Rows depend on what is recorded, and on nothing else: not on who reads it, when, in what order, how often."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.store.ingest import Options, ingest
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import corpus, family, of, plain, repeated, rows, sources, write

REAL = Path(__file__).parents[4] / "shared" / "traces" / "weka"


@pytest.mark.parametrize("jobs", [1, 5, None])
def test_the_rows_are_the_same_however_many_processes_read(traces: Path, reading: Reading, jobs: int | None) -> None:
    corpus(traces)
    expected = rows(reading())
    assert rows(reading(jobs=jobs, use_cache=False)) == expected
    assert not repeated(expected)


def test_the_rows_are_the_same_when_read_bit_by_bit(traces: Path, reading: Reading, tmp_path: Path) -> None:
    """Every file added by itself, in any order."""
    whole = tmp_path / "whole"
    corpus(whole)
    paths = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    random.Random(7).shuffle(paths)
    for path in paths:
        (traces / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(whole / path, traces / path)
        bit_by_bit = reading()
    assert rows(bit_by_bit) == rows(reading(use_cache=False)) == rows(reading(whole))


def test_the_rows_are_the_same_wherever_the_directory_stands(traces: Path, reading: Reading, tmp_path: Path) -> None:
    corpus(traces)
    expected = rows(reading())
    moved = shutil.move(traces, tmp_path / "moved to [elsewhere]")
    assert rows(reading(moved)) == expected


@pytest.mark.skipif(not REAL.is_dir(), reason="the recorded traces are not here")
def test_recorded_traces_have_the_same_rows_however_many_processes_read(reading: Reading) -> None:
    names = ("0003", "0008", "0254", "0274", "0277", "0019")
    paths = [REAL / f"trace_{name}.json" for name in names]
    here = rows(reading(*paths))
    assert len(here["conversations"]) == len(names)
    assert rows(reading(*paths, jobs=2, use_cache=False)) == here
    assert not repeated(here)


def test_no_rows_are_of_a_source_that_is_not_listed(traces: Path, reading: Reading) -> None:
    corpus(traces)
    found = rows(reading())
    listed = {source_id for (source_id,) in of(found, "sources", "source_id")}
    assert {
        name for table in ("conversations", "steps", "findings") for (name,) in of(found, table, "source_id")
    } <= listed
    runs = {run for (run,) in of(found, "runs", "run_id")}
    for table in ("steps", "block_runs", "step_reuse", "run_footprint", "events"):
        assert {run for (run,) in of(found, table, "run_id")} <= runs


BYTES = json.dumps(family()).encode() + b"\n" + json.dumps(plain()).encode()


inserted = st.binary(max_size=6) | st.sampled_from([b'"', b"}]}", b"\n"])
damages = st.lists(st.tuples(st.integers(0, len(BYTES)), st.integers(0, 30), inserted), min_size=1, max_size=3)


@settings(max_examples=settings.default.max_examples // 4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damages)
def test_whatever_is_done_to_a_file_it_is_listed_and_its_neighbour_is_whole(
    tmp_path: Path, damage: list[tuple[int, int, bytes]]
) -> None:
    """Pieces cut out and bytes put in, anywhere."""
    text = BYTES
    for position, length, instead in damage:
        text = text[:position] + instead + text[position + length :]
    traces = tmp_path / "damaged"
    write(traces / "b.json", plain(2))
    (traces / "a.jsonl").write_bytes(text)
    opening = ingest([traces], Options(0, None, use_cache=False))
    found = rows(opening)
    assert sources(opening).keys() == {"a.jsonl", "b.json"}
    assert sources(opening)["b.json"] == "read"
    assert len([run for (run,) in of(found, "steps", "run_id") if run.startswith("b.json")]) == 3
    assert not repeated(found)
    if sources(opening)["a.jsonl"] in ("partial", "failed"):
        assert any(row["source_id"] == "a.jsonl" for row in found["findings"])
