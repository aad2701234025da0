import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explorer import __version__
from explorer.model import ALL_TABLES, Row
from explorer.store.database import Batch, DamagedPart, Database, Opening
from explorer.store.export import (
    ExportCancelled,
    Exported,
    ExportError,
    NotABundle,
    bundle_batch,
    export,
    is_bundle,
    plan,
    schema_fingerprint,
)
from explorer.store.queries import FilterError, overview, steps
from explorer.store.summary import summary
from tests.store.test_every_question import damaged
from tests.store.test_views import several_runs
from tests.store.world import (
    agent,
    ask,
    audit,
    by_run,
    checkpoint,
    conversation,
    family,
    finding,
    lines,
    make_database,
    run,
    source,
    step,
    tool_call,
    write_batch,
)

OWN = ("steps", "input_tokens", "output_tokens", "tool_calls", "blocks", "hit_own", "hit_sibling", "unique_blocks")


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


def reopen(directory: Path, prefix: str = "") -> Database:
    return Database(Opening([bundle_batch(directory)._replace(prefix=prefix)], {}))


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    return {table: ask(database, f"FROM {table} ORDER BY ALL") for table in ALL_TABLES}


def metadata(path: Path) -> dict[str, str]:
    found = pq.read_metadata(path).metadata or {}
    return {key.decode(): value.decode() for key, value in found.items()}


class TestBundles:
    def test_an_export_of_everything_opens_with_the_same_rows(self, database: Database, tmp_path: Path) -> None:
        told = export(database, None, tmp_path / "out")
        again = reopen(tmp_path / "out")
        assert everything(again) == everything(database)
        assert ask(again, "FROM run_totals ORDER BY run_id") == ask(database, "FROM run_totals ORDER BY run_id")
        assert ask(again, "FROM sibling_sharing ORDER BY ALL") == ask(database, "FROM sibling_sharing ORDER BY ALL")
        assert lines(again) == lines(database)
        files = list((tmp_path / "out").iterdir())
        assert sorted(file.name for file in files) == sorted(f"{table}.parquet" for table in ALL_TABLES)
        assert told == Exported(tmp_path / "out", 48, sum(file.stat().st_size for file in files), 4, 0)

    def test_a_filtered_export_has_the_kept_runs_and_those_above_them(self, database: Database, tmp_path: Path) -> None:
        export(database, "run_id = 'z/1'", tmp_path / "out")
        again = reopen(tmp_path / "out")
        assert lines(again) == ["c", "  (main)", "    (x)", "      z"]
        assert lines(again) == lines(database, "run_id = 'z/1'")
        assert by_run(again, "ancestor_only") == {"main/1": True, "x/1": True, "z/1": False}
        with again.cursor() as cursor:
            assert [row.runs for row in summary(cursor)] == [1, 1]
        before = by_run(database, *OWN)
        assert by_run(again, *OWN) == {run_id: before[run_id] for run_id in ("main/1", "x/1", "z/1")}
        # y is gone, and with it its steps, its tool calls, its edge and its pair; what x shares with it is still told.
        assert by_run(again, "total_steps") == {"main/1": 6, "x/1": 3, "z/1": 1}
        assert by_run(again, "shared_sibling_blocks")["x/1"] == 3
        assert ask(again, "SELECT edge_id FROM edges ORDER BY 1") == [("e1",), ("e3",), ("e4",)]
        assert ask(again, "FROM sibling_pairs") == []
        assert ask(again, "SELECT finding_id FROM findings ORDER BY 1") == [("f1",), ("f2",)]

    def test_the_metadata_tell_version_schema_filter_sources_and_ancestors(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_bytes(b"the recording")
        rows = [source("a.json", bytes=13), source("other"), *family()[1:]]
        database = make_database(rows, tmp_path / "parts", {"a.json": tmp_path / "a.json"})
        export(database, "run_id = 'z/1'", tmp_path / "out")
        for table in ALL_TABLES:
            told = metadata(tmp_path / "out" / f"{table}.parquet")
            assert told["trace_explore.version"] == __version__
            assert told["trace_explore.schema"] == schema_fingerprint()
            assert told["trace_explore.where"] == "run_id = 'z/1'"
        assert json.loads(metadata(tmp_path / "out" / "runs.parquet")["trace_explore.ancestors"]) == ["main/1", "x/1"]
        digest = blake2b(b"the recording", digest_size=32).hexdigest()
        assert json.loads(metadata(tmp_path / "out" / "sources.parquet")["trace_explore.sources"]) == [
            {"source_id": "a.json", "bytes": 13, "digest": digest}
        ]

    @pytest.mark.parametrize("content", [None, b"it has grown since it was read"])
    def test_the_digest_of_a_source_that_is_gone_or_has_changed_is_null(
        self, content: bytes | None, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.json"
        if content is not None:
            path.write_bytes(content)
        database = make_database([source(bytes=13), *family()[1:]], tmp_path / "parts", {"a.json": path})
        export(database, None, tmp_path / "out.parquet")
        assert json.loads(metadata(tmp_path / "out.parquet")["trace_explore.sources"]) == [
            {"source_id": "a.json", "bytes": 13, "digest": None}
        ]

    def test_the_runs_that_spawned_a_kept_run_come_along_wherever_they_hang(self, tmp_path: Path) -> None:
        # c has a second run, which the first run of p spawned: below p/2 in the tree, as c's first run decides.
        rows = [*several_runs(), run("c/2", "c", "p/1", ordinal=2, start_ms=900), step("c/2")]
        database = make_database(rows)
        export(database, "run_id = 'c/2'", tmp_path / "out")
        again = reopen(tmp_path / "out")
        assert lines(again) == lines(database, "run_id = 'c/2'")
        assert sorted(by_run(again, "steps")) == ["c/1", "c/2", "p/1", "p/2"]
        assert ask(again, "FROM findings") == []

    def test_the_metadata_count_a_run_of_several_as_an_ancestor_only_if_it_is_not_kept(self, tmp_path: Path) -> None:
        database = make_database(several_runs())
        export(database, "agent_id = 'c'", tmp_path / "out")
        assert json.loads(metadata(tmp_path / "out" / "runs.parquet")["trace_explore.ancestors"]) == ["p/1", "p/2"]

    def test_findings_of_rules_come_along_and_are_not_found_twice(self, tmp_path: Path) -> None:
        rows = [*family(), agent("o", "gone"), run("o/1", "o", reported_steps=5)]
        database = make_database(rows)
        before = ask(database, "FROM findings ORDER BY finding_id")
        assert len(before) == 4
        export(database, None, tmp_path / "out")
        assert ask(reopen(tmp_path / "out"), "FROM findings ORDER BY finding_id") == before
        assert ask(reopen(tmp_path / "out", "it's"), "SELECT count(*) FROM findings") == [(4,)]

    def test_findings_of_what_was_filtered_out_stay_behind(self, tmp_path: Path) -> None:
        rows: list[Row] = [source("a.json"), source("b.json"), conversation("c"), conversation("d", source_id="b.json")]
        rows += [agent("a"), run("a/1", "a"), agent("b", conversation_id="d"), run("b/1", "b", conversation_id="d")]
        rows += [finding("1", source_id="a.json"), finding("2", source_id="b.json"), finding("3", source_id=None)]
        rows += [finding("4", conversation_id="c"), finding("5", conversation_id="d"), finding("6", agent_id="b")]
        database = make_database(rows)
        export(database, "run_id = 'a/1'", tmp_path / "out")
        again = reopen(tmp_path / "out")
        assert ask(again, "SELECT finding_id FROM findings ORDER BY 1") == [("1",), ("4",)]
        assert ask(again, "SELECT source_id FROM sources") == [("a.json",)]

    def test_a_circle_of_parents_is_still_one_after_a_filter(self, tmp_path: Path) -> None:
        database = make_database(damaged())
        export(database, "run_id = 'd'", tmp_path / "out")
        again = reopen(tmp_path / "out")
        wanted = "SELECT finding_id, message FROM findings WHERE run_id = 'd' OR agent_id = 'd'"
        assert ask(again, wanted) == ask(database, wanted) != []

    def test_a_damaged_recording_is_exported_whole(self, tmp_path: Path) -> None:
        database = make_database(damaged())
        export(database, None, tmp_path / "out")
        assert everything(reopen(tmp_path / "out")) == everything(database)

    def test_an_export_of_no_run_is_refused(self, database: Database, tmp_path: Path) -> None:
        for empty, where in ((make_database([]), None), (database, "false")):
            with pytest.raises(ExportError, match="no run is kept"):
                export(empty, where, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["out.csv", "out.JSONL"])
    def test_a_name_that_asks_for_another_format_is_refused(
        self, database: Database, tmp_path: Path, name: str
    ) -> None:
        with pytest.raises(ExportError, match="an export is Parquet"):
            export(database, None, tmp_path / name)

    def test_nothing_is_written_among_the_traces(self, tmp_path: Path) -> None:
        (tmp_path / "traces").mkdir()
        (tmp_path / "way").symlink_to(tmp_path / "traces")
        parts = tmp_path / "parts"
        parts.mkdir()
        database = Database(Opening([write_batch(family(), parts)], {}, paths=(tmp_path / "traces",)))
        for target in (tmp_path / "traces" / "out", tmp_path / "way" / "out.parquet", tmp_path / "parts/../traces/x"):
            with pytest.raises(ExportError, match="among the traces"):
                export(database, None, target)
        assert list((tmp_path / "traces").iterdir()) == []
        export(database, None, tmp_path / "beside")

    def test_an_export_of_an_export_is_the_same(self, database: Database, tmp_path: Path) -> None:
        export(database, None, tmp_path / "one")
        export(reopen(tmp_path / "one"), None, tmp_path / "two")
        for table in ALL_TABLES:
            one, two = (tmp_path / name / f"{table}.parquet" for name in ("one", "two"))
            assert one.read_bytes() == two.read_bytes()

    def test_an_export_of_a_filtered_export_still_tells_ancestors_apart(
        self, database: Database, tmp_path: Path
    ) -> None:
        export(database, "run_id = 'z/1'", tmp_path / "one")
        told = export(reopen(tmp_path / "one"), None, tmp_path / "two")
        one, two = reopen(tmp_path / "one"), reopen(tmp_path / "two")
        assert (told.runs, told.ancestors) == (1, 2)
        assert everything(two) == everything(one)
        assert lines(two) == lines(one)
        assert lines(reopen(tmp_path / "two", "sub")) == ["sub/c", "  (sub/main)", "    (sub/x)", "      sub/z"]

    def test_another_process_writes_the_same_bytes(self, database: Database, tmp_path: Path) -> None:
        export(database, "steps > 1", tmp_path / "one")
        program = (
            "from pathlib import Path; from explorer.store.export import export; "
            "from tests.store.world import family, make_database; "
            f"export(make_database(family()), 'steps > 1', Path({str(tmp_path / 'two')!r}))"
        )
        root = Path(__file__).parents[2]
        subprocess.run([sys.executable, "-c", program], check=True, cwd=root, env=os.environ | {"PYTHONHASHSEED": "7"})
        for table in ALL_TABLES:
            one, two = (tmp_path / name / f"{table}.parquet" for name in ("one", "two"))
            assert one.read_bytes() == two.read_bytes()

    def test_a_prefix_lets_an_export_stand_beside_what_it_came_from(self, database: Database, tmp_path: Path) -> None:
        export(database, None, tmp_path / "out")
        again = reopen(tmp_path / "out", "sub/out")
        assert lines(again)[:2] == ["sub/out/c", "  sub/out/main"]
        assert by_run(again, *OWN)["sub/out/x/1"] == by_run(database, *OWN)["x/1"]

    @pytest.mark.parametrize("prefix", ["", "sub/out"])
    def test_a_rule_adds_nothing_to_what_an_export_carries_of_it(self, tmp_path: Path, prefix: str) -> None:
        rows = [source(), conversation(), agent("main"), run("main/1", "main", status="running")]
        orders = ("document", "parent_first", "start_time")
        events = {f"gap_events_{order}": 1 for order in orders} | {f"missing_ids_{order}": 5 for order in orders}
        gaps = audit(**events, **{f"perfect_{order}": False for order in orders})
        database = make_database([*rows, gaps])
        found = ask(database, "SELECT code FROM findings ORDER BY code")
        assert found == [("numbering-gap",), ("open-run",)]
        export(database, None, tmp_path / "out")
        assert ask(reopen(tmp_path / "out", prefix), "SELECT code FROM findings ORDER BY code") == found


def _shapes(size: int) -> st.SearchStrategy[list[tuple[int, list[tuple[int, bool]]]]]:
    """Each agent's parent (-1 none, -2 missing), and the spawner of each of its runs and whether that is kept."""
    run = st.tuples(st.integers(-2, size - 1), st.booleans())
    agent = st.tuples(st.integers(-2, size - 1), st.lists(run, min_size=1, max_size=2))
    return st.lists(agent, min_size=size, max_size=size)


@given(st.integers(1, 5).flatmap(_shapes))
@settings(max_examples=settings.default.max_examples // 8)
def test_what_is_exported_shows_the_same_numbers_and_parents_whatever_is_kept(
    shape: list[tuple[int, list[tuple[int, bool]]]],
) -> None:
    names = {-1: None, -2: "gone"} | {number: f"a{number}" for number in range(len(shape))}
    rows: list[Row] = [source(), conversation()]
    kept: set[str] = set()
    for number, (parent, runs) in enumerate(shape):
        rows.append(agent(f"a{number}", names[parent]))
        for ordinal, (spawner, keep) in enumerate(runs, 1):
            run_id, spawned_by = f"a{number}/{ordinal}", None if names[spawner] is None else f"{names[spawner]}/1"
            rows += [run(run_id, f"a{number}", spawned_by, ordinal=ordinal, reported_steps=ordinal)]
            rows += [step(run_id, 1, input_tokens=number)]
            kept |= {run_id} if keep else set()
    assume(kept)
    database = make_database(rows)
    where = f"run_id IN ({', '.join(map(repr, sorted(kept)))})"

    planned = plan(database, where)
    with tempfile.TemporaryDirectory() as directory:
        export(database, where, Path(directory) / "out")
        again = reopen(Path(directory) / "out")
        before, after = by_run(database, *OWN, "status"), by_run(again, *OWN, "status")
        assert kept <= after.keys()
        assert {run_id for run_id, only in by_run(again, "ancestor_only").items() if not only} == kept
        assert after == {run_id: before[run_id] for run_id in after}
        assert (planned.runs, planned.runs + planned.ancestors) == (len(kept), len(after))
        # An agent of which one run is left is one line; which agents are above stays the same.
        above = "SELECT run_id, list_filter(path, lambda name: name NOT LIKE 'run %') FROM spawn_tree"
        paths = dict(ask(database, above))
        assert dict(ask(again, above)) == {run_id: paths[run_id] for run_id in after}
        assert set(ask(again, "FROM findings")) <= set(ask(database, "FROM findings"))


class TestCopies:
    def test_kept_runs_that_are_copied_history_are_told_apart(self, tmp_path: Path) -> None:
        rows = [conversation(), agent("a"), run("r", "a"), run("copied", "a", ordinal=2, is_replay=True)]
        told = export(make_database(rows), None, tmp_path / "all")
        assert (told.runs, told.copies) == (2, 1)
        told = export(make_database(rows), "NOT is_replay", tmp_path / "own")
        assert (told.runs, told.copies) == (1, 0)


class TestOneFile:
    def test_a_parquet_file_holds_the_totals_of_the_kept_runs(self, database: Database, tmp_path: Path) -> None:
        told = export(database, "depth = 1", tmp_path / "out.parquet")
        frame = pl.read_parquet(tmp_path / "out.parquet")
        assert frame["run_id"].to_list() == ["x/1", "y/1"]
        assert frame.columns == [row[0] for row in ask(database, "DESCRIBE run_totals")]
        assert told == Exported(tmp_path / "out.parquet", 2, (tmp_path / "out.parquet").stat().st_size, 2, 0)
        assert metadata(tmp_path / "out.parquet")["trace_explore.where"] == "depth = 1"

    def test_without_a_filter_it_holds_all_in_the_order_of_the_tree(self, database: Database, tmp_path: Path) -> None:
        export(database, None, tmp_path / "out.parquet")
        assert pl.read_parquet(tmp_path / "out.parquet")["run_id"].to_list() == ["main/1", "x/1", "z/1", "y/1"]


class TestPlan:
    def test_it_says_what_an_export_would_hold(self, database: Database, tmp_path: Path) -> None:
        for where, runs, ancestors in ((None, 4, 0), ("depth = 2", 1, 2), ("status = 'failed'", 1, 1), ("false", 0, 0)):
            planned = plan(database, where)
            assert (planned.runs, planned.ancestors) == (runs, ancestors)
            if runs:
                assert planned.rows == export(database, where, tmp_path / f"{runs}{ancestors}{where is None}").rows
        assert plan(database).bytes_estimate == sum(database.part_bytes.values())
        assert plan(database, "false").bytes_estimate == 0

    def test_a_filter_that_is_none_is_refused(self, database: Database, tmp_path: Path) -> None:
        with pytest.raises(FilterError):
            plan(database, "nothing > 1")
        with pytest.raises(FilterError):
            export(database, "nothing > 1", tmp_path / "out")
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_left_in_the_database(self, database: Database) -> None:
        before = ask(database, "SELECT table_name FROM duckdb_tables()")
        plan(database, "steps > 1")
        assert ask(database, "SELECT table_name FROM duckdb_tables()") == before


class TestCompleteOrAbsent:
    @pytest.mark.parametrize("name", ["out", "out.parquet"])
    def test_what_exists_is_not_overwritten(self, name: str, database: Database, tmp_path: Path) -> None:
        target = tmp_path / name
        for make in (lambda: target.write_text("mine"), lambda: target.symlink_to("nowhere"), lambda: _full(target)):
            make()
            with pytest.raises(ExportError, match="exists and is not overwritten: choose another name"):
                export(database, None, target)
            shutil.rmtree(target) if target.is_dir() else target.unlink()
        assert list(tmp_path.iterdir()) == []

    def test_an_empty_directory_is_filled(self, database: Database, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        export(database, None, tmp_path / "out")
        assert is_bundle(tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    def test_a_place_that_does_not_exist_is_named(self, database: Database, tmp_path: Path) -> None:
        with pytest.raises(ExportError, match="nowhere is not a directory: create it"):
            export(database, None, tmp_path / "nowhere" / "out")

    @pytest.mark.parametrize("name", ["out", "out.parquet"])
    def test_a_cancelled_export_leaves_nothing(self, name: str, database: Database, tmp_path: Path) -> None:
        cancelled = threading.Event()
        cancelled.set()
        with pytest.raises(ExportCancelled, match="nothing was written"):
            export(database, None, tmp_path / name, cancelled)
        assert list(tmp_path.iterdir()) == []

    def test_an_export_that_is_cancelled_midway_leaves_nothing(self, database: Database, tmp_path: Path) -> None:
        class AfterAWhile(threading.Event):
            asked = 0

            def is_set(self) -> bool:
                self.asked += 1
                return self.asked > 5

        with pytest.raises(ExportCancelled):
            export(database, None, tmp_path / "out", AfterAWhile())
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["out", "out.parquet"])
    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (OSError(28, "No space left on device"), "no space left on the disk"),
            (PermissionError(13, "Permission denied"), "must not be written here"),
            (OSError(5, "Input/output error"), "Input/output error"),
        ],
    )
    def test_a_failing_disk_leaves_nothing_and_is_named(
        self, name: str, error: OSError, words: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(self: object, *_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
        with pytest.raises(ExportError, match=words):
            export(database, None, tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_ctrl_c_leaves_nothing(self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(self: object, *_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
        with pytest.raises(KeyboardInterrupt):
            export(database, None, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []

    def test_somebody_who_takes_the_name_meanwhile_keeps_it(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = pq.ParquetWriter.write_table

        def take(self: pq.ParquetWriter, *arguments: object, **options: object) -> None:
            (tmp_path / "out.parquet").write_text("mine")
            write(self, *arguments, **options)

        monkeypatch.setattr(pq.ParquetWriter, "write_table", take)
        with pytest.raises(ExportError, match="exists"):
            export(database, None, tmp_path / "out.parquet")
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.parquet", "mine")]


def _full(target: Path) -> None:
    target.mkdir()
    (target / "mine").write_text("")


class TestRecognition:
    @pytest.fixture
    def bundle(self, database: Database, tmp_path: Path) -> Path:
        export(database, None, tmp_path / "out")
        return tmp_path / "out"

    def test_an_export_is_recognised(self, bundle: Path) -> None:
        assert is_bundle(bundle)
        assert bundle_batch(bundle) == Batch({table: bundle / f"{table}.parquet" for table in ALL_TABLES}, None)

    def test_other_things_are_not(self, tmp_path: Path, database: Database) -> None:
        (tmp_path / "file").write_text("")
        (tmp_path / "empty").mkdir()
        (tmp_path / "foreign").mkdir()
        pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "foreign" / "sources.parquet")
        (tmp_path / "short").mkdir()
        (tmp_path / "short" / "sources.parquet").write_bytes(b"PAR1")
        (tmp_path / "huge").mkdir()
        (tmp_path / "huge" / "sources.parquet").write_bytes(b"\xff\xff\xff\xffPAR1")
        export(database, None, tmp_path / "one.parquet")
        for path in (*tmp_path.iterdir(), tmp_path / "nowhere"):
            assert not is_bundle(path)
            with pytest.raises(NotABundle, match="not an export"):
                bundle_batch(path)

    def test_a_missing_table_is_named(self, bundle: Path) -> None:
        (bundle / "steps.parquet").unlink()
        with pytest.raises(DamagedPart, match=r"steps\.parquet: No such file"):
            bundle_batch(bundle)

    def test_a_table_that_was_cut_off_is_named(self, bundle: Path) -> None:
        os.truncate(bundle / "steps.parquet", 100)
        with pytest.raises(DamagedPart, match=r"steps\.parquet: not a whole Parquet file"):
            bundle_batch(bundle)

    def test_a_table_with_other_columns_is_named(self, bundle: Path) -> None:
        path = bundle / "runs.parquet"
        pl.read_parquet(path).rename({"reward": "rewards"}).write_parquet(path)
        with pytest.raises(DamagedPart, match=r"runs\.parquet: its columns"):
            bundle_batch(bundle)

    def test_an_export_with_another_schema_is_refused_with_its_version(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("explorer.store.export.schema_fingerprint", lambda: "another")
            patch.setattr("explorer.store.export.__version__", "0.0.7")
            export(database, None, tmp_path / "old")
        assert is_bundle(tmp_path / "old")
        with pytest.raises(DamagedPart, match=r"trace-explore 0\.0\.7, whose tables are not those of this version"):
            bundle_batch(tmp_path / "old")


class TestDoubtAndCheckpoints:
    def rows(self) -> list[Row]:
        return [
            source(), conversation(), agent("a", name="sage"), agent("b", "a"),
            run("r", "a", reported_tool_calls=1), run("s", "a", ordinal=2, reported_tool_calls=2), run("t", "b", "s"),
            step("r", 1, grade="ambiguous", candidates='["r","s"]'), step("s", 1), step("t", 1),
            checkpoint("a.json#1", run_id="r", source_id="a.json", step_seq=1, messages=2),
            checkpoint("a.json#2", run_id="s", source_id="a.json", step_seq=2, messages=4, resumable=True),
            checkpoint("a.json#3", source_id="a.json", note="of no run"),
        ]  # fmt: skip

    def test_they_survive_and_mean_the_same(self, tmp_path: Path) -> None:
        database = make_database(self.rows())
        export(database, None, tmp_path / "out")
        again = reopen(tmp_path / "out")
        assert everything(again) == everything(database)
        assert by_run(again, "tool_calls") == by_run(database, "tool_calls") == {"r": 1, "s": 2, "t": 0}
        assert ask(again, "FROM agent_version_totals") == ask(database, "FROM agent_version_totals")

    def test_beside_other_traces_they_get_the_directorys_name_in_front(self, tmp_path: Path) -> None:
        export(make_database(self.rows()), None, tmp_path / "out")
        again = reopen(tmp_path / "out", prefix='o"\\ut')
        key = 'o"\\ut/'
        ((candidates,),) = ask(again, "SELECT candidates FROM steps WHERE candidates IS NOT NULL")
        assert json.loads(candidates) == [f"{key}r", f"{key}s"]
        saved = "SELECT checkpoint_key, run_id, conversation_id, source_id FROM checkpoints ORDER BY ALL"
        assert ask(again, saved) == [
            (f"{key}a.json#1", f"{key}r", f"{key}c", f"{key}a.json"),
            (f"{key}a.json#2", f"{key}s", f"{key}c", f"{key}a.json"),
            (f"{key}a.json#3", None, f"{key}c", f"{key}a.json"),
        ]
        assert by_run(again, "tool_calls") == {f"{key}r": 1, f"{key}s": 2, f"{key}t": 0}
        with again.cursor() as cursor:
            table = steps(cursor, f"{key}r")
            assert table["may belong to"].to_pylist() == ["any of: sage run 1, sage run 2"]
            labels = [fact.label for fact in overview(cursor, f"{key}a")]
        assert {"run 1 step 1", "run 2 step 2"} <= set(labels)

    def test_a_filter_keeps_the_checkpoints_of_kept_runs_and_those_of_no_run(self, tmp_path: Path) -> None:
        export(make_database(self.rows()), "run_id = 's'", tmp_path / "out")
        again = reopen(tmp_path / "out")
        kept = {key for (key,) in ask(again, "SELECT checkpoint_key FROM checkpoints")}
        assert "a.json#2" in kept
        assert by_run(again, "tool_calls", "ancestor_only")["s"] == (2, False)

    def test_what_is_uncertain_stays_so_when_a_filter_keeps_one_of_the_runs(self, tmp_path: Path) -> None:
        rows: list[Row] = [source(), conversation(), agent("a"), agent("b"), agent("d"), run("r", "a"), run("u", "d")]
        rows += [run("s", "b", reported_tool_calls=2), step("r", grade="ambiguous", candidates='["r","s"]')]
        export(make_database([*rows, tool_call("s")]), "run_id = 's'", tmp_path / "out")
        again = reopen(tmp_path / "out")
        assert by_run(again, "tool_calls", "ancestor_only") == {"r": (0, True), "s": (2, False)}
