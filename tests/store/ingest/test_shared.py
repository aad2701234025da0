"""Blocks of the scope ``global`` are comparable over all sources: their reuse is computed when all are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from explorer.store.database import Batch
from explorer.store.ingest import kept as kept_module
from explorer.store.ingest import run as run_module
from explorer.store.ingest import shared as shared_module
from tests.store import world
from tests.store.ingest.conftest import Reading
from tests.store.ingest.traces import Rows, call, of, plain, repeated, rows, trace, write

NUMBERS = ("run_id", "ordinal", "hit_own", "hit_other", "fresh_blocks")


def some(number: int, *prompts: Sequence[int], start: float = 0) -> dict[str, Any]:
    calls = (call(start + 10 * index, ids) for index, ids in enumerate(prompts))
    return trace(*calls, scope="global", id=f"shared {number}")


def three(traces: Path) -> None:
    """a at 0 and 10 s, b at 1 and 11 s, c at 2 s."""
    write(traces / "a.json", some(1, [1, 2, 3], [1, 2, 3, 4]))
    write(traces / "b.json", some(2, [1, 2, 9], [1, 2, 9, 10, *range(50, 90)], start=1))
    write(traces / "deep" / "c.json", some(3, [1, 2, 9, 10, 11], start=2))
    write(traces / "local.json", plain())


def hits(found: Rows) -> dict[str, tuple[int, int, int]]:
    """Own, other and fresh blocks of every step of a shared namespace."""
    return {
        f"{run.split('.')[0]}{ordinal}": (own, other, fresh)
        for run, ordinal, own, other, fresh in of(found, "step_reuse", *NUMBERS)
        if not run.startswith("local")
    }


def test_conversations_find_what_others_wrote_before(traces: Path, reading: Reading) -> None:
    three(traces)
    assert hits(rows(reading())) == {
        "a1": (0, 0, 3),
        "b1": (0, 2, 1),
        "deep/c1": (0, 3, 2),
        "a2": (3, 0, 1),
        "b2": (3, 1, 40),
    }


def test_each_conversation_is_audited_and_has_its_footprints(traces: Path, reading: Reading) -> None:
    three(traces)
    found = rows(reading())
    assert of(found, "namespace_audit", "conversation_id", "namespace", "scope", "distinct_blocks") == [
        ("a.json", "global", "global", 4),
        ("b.json", "global", "global", 44),
        ("deep/c.json", "global", "global", 5),
        ("local.json", "local.json", "local", 3),
    ]
    assert len(found["run_footprint"]) == 4
    assert not repeated(found)


@pytest.mark.parametrize("jobs", [0, 2])
@pytest.mark.parametrize("most_rows", [1, 400_000])
def test_the_reuse_does_not_depend_on_who_reads_what_first(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch, jobs: int, most_rows: int
) -> None:
    three(traces)
    for number, name in enumerate(("tie.json", "a-tie.json")):  # both begin when a.json does
        write(traces / name, some(number, [1, 2, 3, 70, *range(80, 90 + 20 * number)]))
    expected = rows(reading())
    forwards = list(reading.sources)
    monkeypatch.setattr(kept_module, "MOST_PENDING_ROWS", most_rows)
    assert rows(reading(jobs=jobs, use_cache=False)) == expected
    # The largest is read first, so they are said to be of other sizes.
    found = list(run_module.walk([traces], lambda _: False))
    monkeypatch.setattr(run_module, "walk", lambda *_: (each._replace(size=-(each.size or 0)) for each in found))
    backwards = rows(reading(jobs=jobs, use_cache=False))
    assert jobs or reading.sources == forwards[::-1]
    for row in expected["sources"]:
        row["bytes"] = -row["bytes"]
    assert backwards == expected


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for every time that shared reuse is computed."""
    times: list[int] = []
    compute = shared_module.shared_reuse

    def noted(batches: Sequence[Batch]) -> Iterator[Any]:
        times.append(len(times))
        return compute(batches)

    monkeypatch.setattr(shared_module, "shared_reuse", noted)
    return times


def test_shared_reuse_is_computed_again_only_when_a_source_that_shares_has_changed(
    traces: Path, reading: Reading, computed: list[int]
) -> None:
    three(traces)
    reading()
    reading()
    write(traces / "local.json", plain(2))
    reading()
    assert len(computed) == 1
    for change in (
        lambda: write(traces / "a.json", some(1, [1, 2], [1, 2, 3, 4])),
        lambda: write(traces / "d.json", some(4, [7], start=3)),
        lambda: (traces / "b.json").unlink(),
        lambda: write(traces / "deep" / "c.json", plain(3)),
    ):
        before = len(computed)
        change()
        changed = rows(reading())
        assert len(computed) == before + 1
        assert not repeated(changed)
        assert changed == rows(reading(use_cache=False))


def test_shared_reuse_that_was_lost_is_computed_again_without_reading_anything(
    traces: Path, reading: Reading, computed: list[int]
) -> None:
    three(traces)
    expected = rows(reading())
    (batch,) = [
        path
        for path in reading.directory().glob("batch-*")
        if (path / "step_reuse.parquet").exists() and not (path / "steps.parquet").exists()
    ]
    (batch / "step_reuse.parquet").unlink()
    assert rows(reading()) == expected
    assert (reading.sources, len(computed)) == ([], 2)


def test_when_nobody_shares_any_more_nothing_is_left_of_it(traces: Path, reading: Reading, computed: list[int]) -> None:
    three(traces)
    reading()
    for name in ("a.json", "b.json", "deep/c.json"):
        (traces / name).unlink()
    left = rows(reading())
    assert hits(left) == {}
    assert len(left["namespace_audit"]) == 1
    assert len(computed) == 1


@pytest.mark.parametrize("traces_", [[trace(scope="global")], [trace(call(0, []), call(1, []), scope="global")]])
def test_a_shared_namespace_may_be_empty(traces: Path, reading: Reading, traces_: list[dict[str, Any]]) -> None:
    write(traces / "a.json", *traces_)
    found = rows(reading())
    assert len(found["conversations"]) == 1
    assert found["step_reuse"] == found["namespace_audit"] == []


def test_a_file_named_global_is_as_any_other(traces: Path, reading: Reading) -> None:
    write(traces / "global", plain())
    write(traces / "x" / "global", some(1, [0, 1, 2]))
    write(traces / "y.json", some(2, [0, 1, 2, 3], start=1))
    found = rows(reading())
    assert not repeated(found)
    assert {run.split("/main")[0]: other for run, other in of(found, "step_reuse", "run_id", "hit_other")} == {
        "global": 0, "x/global": 0, "y.json": 3,
    }  # fmt: skip
    (traces / "global").unlink()
    write(traces / "global", some(3, [0, 1, 2, 7], start=2))
    found = rows(reading())
    assert not repeated(found)
    assert (3,) in of(found, "step_reuse", "hit_other")


def test_a_source_that_cannot_be_read_to_its_end_takes_no_part(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(traces)
    (traces / "cut.json").write_text((traces / "b.json").read_text()[:200])
    assert not repeated(rows(reading()))


def test_an_opened_export_brings_its_own_reuse(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is computed of its conversations again."""
    three(traces)
    expected = hits(rows(reading()))
    (traces / "export").mkdir()
    (tmp_path / "parts").mkdir()
    batch = world.write_batch(
        [
            world.conversation("exported", block_scope="global"),
            world.agent("exported/main", conversation_id="exported"),
            world.run("exported/main/1", "exported/main", conversation_id="exported"),
            world.step("exported/main/1", start_ms=0, input_tokens=64),
            *world.blocks("exported/main/1", 1, (1, 1), namespace="global"),
            world.reuse("exported/main/1", 1, 1, fresh=1),
        ],
        tmp_path / "parts",
    )
    monkeypatch.setattr(run_module, "is_bundle", lambda path: path.name == "export")
    monkeypatch.setattr(run_module, "bundle_batch", lambda path: batch)
    found = rows(reading(use_cache=False))
    assert not repeated(found)
    assert hits(found) == expected | {"exported/main/11": (0, 0, 1)}


def test_a_trace_that_is_replaced_by_an_export_no_longer_counts(
    traces: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(traces / "a", plain())
    reading()
    (traces / "a").unlink()
    (traces / "a").mkdir()
    monkeypatch.setattr(run_module, "is_bundle", lambda path: path.name == "a")
    monkeypatch.setattr(run_module, "bundle_batch", lambda path: Batch({}, None))
    assert not any(rows(reading()).values())
