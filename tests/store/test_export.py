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
    beside,
    by_run,
    checkpoint,
    conversation,
    edge,
    family,
    finding,
    lines,
    make_database,
    run,
    source,
    step,
    tool_call,
    within,
)

OWN = ("steps", "input_tokens", "output_tokens", "tool_calls", "blocks", "hit_own", "hit_sibling", "unique_blocks")


def doubtful() -> list[Row]:
    """A step that is of one of two runs, and checkpoints of either and of none."""
    return [
        source(), conversation(), agent("a", name="sage"), agent("b", "a"),
        run("r", "a", reported_tool_calls=1), run("s", "a", ordinal=2, reported_tool_calls=2), run("t", "b", "s"),
        step("r", 1, grade="ambiguous", candidates='["r","s"]'), step("s", 1), step("t", 1),
        checkpoint("a.json#1", run_id="r", source_id="a.json", step_seq=1, messages=2),
        checkpoint("a.json#2", run_id="s", source_id="a.json", step_seq=2, messages=4, resumable=True),
        checkpoint("a.json#3", source_id="a.json", note="of no run"),
    ]  # fmt: skip


def ruled() -> list[Row]:
    """What four rules find something in, beside what was found before."""
    orders = ("document", "parent_first", "start_time")
    events = {f"gap_events_{order}": 1 for order in orders} | {f"missing_ids_{order}": 5 for order in orders}
    gaps = audit(**events, **{f"perfect_{order}": False for order in orders})
    rows: list[Row] = [source(), conversation(), agent("main"), run("main/1", "main", status="running"), gaps]
    return [*rows, agent("o", "gone"), run("o/1", "o", reported_steps=5), finding("f")]


def two_sources() -> list[Row]:
    """Findings of either of two conversations, and of nothing."""
    rows: list[Row] = [source("a.json"), source("b.json"), conversation("c"), conversation("d", source_id="b.json")]
    rows += [agent("a"), run("a/1", "a"), agent("b", conversation_id="d"), run("b/1", "b", conversation_id="d")]
    rows += [finding("1", source_id="a.json"), finding("2", source_id="b.json"), finding("3", source_id=None)]
    return [*rows, finding("4", conversation_id="c"), finding("5", conversation_id="d"), finding("6", agent_id="b")]


def uncertain() -> list[Row]:
    """A step that is of one of two runs of different agents."""
    rows: list[Row] = [source(), conversation(), agent("a"), agent("b"), agent("d"), run("r", "a"), run("u", "d")]
    rows += [run("s", "b", reported_tool_calls=2), step("r", grade="ambiguous", candidates='["r","s"]')]
    return [*rows, tool_call("s")]


WORLDS: dict[str, list[Row]] = {
    "family": family(),
    # c has a second run, which the first run of p spawned: below p/2 in the tree, as c's first run decides.
    "spawned twice": [*several_runs(), run("c/2", "c", "p/1", ordinal=2, start_ms=900), step("c/2")],
    "damaged": damaged(),
    "doubtful": doubtful(),
    "ruled": ruled(),
    "two sources": two_sources(),
    "uncertain": uncertain(),
    "copied": [conversation(), agent("a"), run("r", "a"), run("copy", "a", ordinal=2, is_replay=True)],
}
KEPT = ["family/z/1", "spawned twice/c/2", "damaged/d", "doubtful/s", "two sources/a/1", "uncertain/s"]
FEW = f"run_id IN ({', '.join(map(repr, KEPT))})"


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


@pytest.fixture(scope="module")
def worlds() -> Database:
    return make_database(beside(WORLDS))


@pytest.fixture(scope="module")
def whole(worlds: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of all worlds."""
    return export(worlds, None, tmp_path_factory.mktemp("whole") / "out").path


@pytest.fixture(scope="module")
def again(whole: Path) -> Database:
    return reopen(whole)


@pytest.fixture(scope="module")
def elsewhere(whole: Path) -> Database:
    """The same, opened beside other traces."""
    return reopen(whole, ELSEWHERE)


ELSEWHERE = "it's o\"\\ut"


@pytest.fixture(scope="module")
def few(worlds: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """An export of one run of most worlds, opened."""
    return reopen(export(worlds, FEW, tmp_path_factory.mktemp("few") / "out").path)


def reopen(directory: Path, prefix: str = "") -> Database:
    return Database(Opening([bundle_batch(directory)._replace(prefix=prefix)], {}))


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    return {table: ask(database, f"FROM {table} ORDER BY ALL") for table in ALL_TABLES}


def metadata(path: Path) -> dict[str, str]:
    found = pq.read_metadata(path).metadata or {}
    return {key.decode(): value.decode() for key, value in found.items()}


class TestBundles:
    def test_an_export_of_everything_opens_with_the_same_rows(self, worlds: Database, again: Database) -> None:
        assert everything(again) == everything(worlds)
        for view in ("run_totals", "sibling_sharing", "agent_version_totals WHERE agent_name IS NOT NULL"):
            assert ask(again, f"FROM {view} ORDER BY ALL") == ask(worlds, f"FROM {view} ORDER BY ALL")
        assert lines(again) == lines(worlds)

    def test_what_was_written_is_told(self, database: Database, tmp_path: Path) -> None:
        told = export(database, None, tmp_path / "out")
        files = list((tmp_path / "out").iterdir())
        assert sorted(file.name for file in files) == sorted(f"{table}.parquet" for table in ALL_TABLES)
        assert told == Exported(tmp_path / "out", 48, sum(file.stat().st_size for file in files), 4, 0, 0)

    def test_a_filtered_export_has_the_kept_runs_and_those_above_them(self, worlds: Database, few: Database) -> None:
        def its(query: str) -> list[tuple[object, ...]]:
            return within("family", ask(few, query))

        assert lines(few, world="family") == ["c", "  (main)", "    (x)", "      z"] == lines(worlds, FEW, "family")
        assert by_run(few, "ancestor_only", world="family") == {"main/1": True, "x/1": True, "z/1": False}
        with few.cursor() as cursor:
            assert {row.conversation_id: row.runs for row in summary(cursor)}["family/c"] == 1
        before = by_run(worlds, *OWN, world="family")
        assert by_run(few, *OWN, world="family") == {run_id: before[run_id] for run_id in ("main/1", "x/1", "z/1")}
        # y is gone, and with it its steps, its tool calls, its edge and its pair; what x shares with it is still told.
        assert by_run(few, "total_steps", world="family") == {"main/1": 6, "x/1": 3, "z/1": 1}
        assert by_run(few, "shared_sibling_blocks", world="family")["x/1"] == 3
        assert its("SELECT edge_id FROM edges ORDER BY 1") == [("e1",), ("e3",), ("e4",)]
        assert its("FROM sibling_pairs") == []
        assert its("SELECT finding_id FROM findings WHERE finding_id NOT LIKE '%:%' ORDER BY 1") == [("f1",), ("f2",)]

    def test_the_metadata_tell_version_schema_filter_sources_and_ancestors(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_bytes(b"the recording")
        (tmp_path / "grown").write_bytes(b"it has grown since it was read")
        rows = [*(source(name, bytes=13) for name in ("a.json", "gone", "grown")), source("other"), *family()[1:]]
        roots = {name: tmp_path / name for name in ("a.json", "gone", "grown")}
        database = make_database(rows, tmp_path / "parts", roots)
        export(database, "run_id = 'z/1'", tmp_path / "out")
        for table in ALL_TABLES:
            told = metadata(tmp_path / "out" / f"{table}.parquet")
            assert told["trace_explore.version"] == __version__
            assert told["trace_explore.schema"] == schema_fingerprint()
            assert told["trace_explore.where"] == "run_id = 'z/1'"
        assert json.loads(metadata(tmp_path / "out" / "runs.parquet")["trace_explore.ancestors"]) == ["main/1", "x/1"]
        digest = blake2b(b"the recording", digest_size=32).hexdigest()
        its = {"source_id": "a.json", "bytes": 13, "digest": digest}
        assert json.loads(metadata(tmp_path / "out" / "sources.parquet")["trace_explore.sources"]) == [its]
        # A source that is gone or has changed since it was read has none.
        export(database, None, tmp_path / "out.parquet")
        told_of_all = json.loads(metadata(tmp_path / "out.parquet")["trace_explore.sources"])
        assert its in told_of_all
        assert {each["source_id"]: each["digest"] for each in told_of_all if each != its and each["bytes"] == 13} == {
            "gone": None, "grown": None,
        }  # fmt: skip

    def test_the_runs_that_spawned_a_kept_run_come_along_wherever_they_hang(
        self, worlds: Database, few: Database
    ) -> None:
        world = "spawned twice"
        assert lines(few, world=world) == lines(worlds, FEW, world)
        assert sorted(by_run(few, "steps", world=world)) == ["c/1", "c/2", "p/1", "p/2"]
        assert within(world, ask(few, "FROM findings")) == []

    def test_the_metadata_count_a_run_of_several_as_an_ancestor_only_if_it_is_not_kept(
        self, worlds: Database, tmp_path: Path
    ) -> None:
        export(worlds, "run_id = 'spawned twice/c/1'", tmp_path / "out")
        told = json.loads(metadata(tmp_path / "out" / "runs.parquet")["trace_explore.ancestors"])
        assert told == ["spawned twice/p/1", "spawned twice/p/2"]

    def test_findings_of_rules_come_along_and_are_not_found_twice(
        self, worlds: Database, again: Database, elsewhere: Database
    ) -> None:
        before = within("ruled", ask(worlds, "SELECT finding_id, code FROM findings ORDER BY ALL"))
        rules = ["bad-record", "numbering-gap", "open-run", "orphan-agent", "total-mismatch"]
        assert sorted(code for _, code in before) == rules
        assert within("ruled", ask(again, "SELECT finding_id, code FROM findings ORDER BY ALL")) == before
        found = within("ruled", ask(elsewhere, "SELECT finding_id, code FROM findings"))
        assert sorted(code for _, code in found) == rules

    def test_findings_of_what_was_filtered_out_stay_behind(self, few: Database) -> None:
        world = "two sources"
        assert within(world, ask(few, "SELECT finding_id FROM findings ORDER BY 1")) == [("1",), ("4",)]
        assert within(world, ask(few, "SELECT source_id FROM sources")) == [("a.json",)]

    def test_a_circle_of_parents_is_still_one_after_a_filter(self, worlds: Database, few: Database) -> None:
        wanted = "SELECT finding_id, message FROM findings WHERE run_id = 'damaged/d' OR agent_id = 'damaged/d'"
        assert ask(few, wanted) == ask(worlds, wanted) != []

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

    def test_nothing_is_written_among_the_traces(
        self, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "traces").mkdir()
        (tmp_path / "way").symlink_to(tmp_path / "traces")
        monkeypatch.setattr(database, "paths", (tmp_path / "traces",))
        for target in (tmp_path / "traces" / "out", tmp_path / "way" / "out.parquet", tmp_path / "way/../traces/x"):
            with pytest.raises(ExportError, match="among the traces"):
                export(database, None, target)
        assert list((tmp_path / "traces").iterdir()) == []
        export(database, None, tmp_path / "beside")

    def test_an_export_of_an_export_is_the_same(self, whole: Path, again: Database, tmp_path: Path) -> None:
        export(again, None, tmp_path / "two")
        for table in ALL_TABLES:
            one, two = (directory / f"{table}.parquet" for directory in (whole, tmp_path / "two"))
            assert one.read_bytes() == two.read_bytes()

    def test_an_export_of_a_filtered_export_still_tells_ancestors_apart(self, few: Database, tmp_path: Path) -> None:
        told = export(few, None, tmp_path / "two")
        # Above the kept ones: two in the family, three where c was spawned twice, one in the circle of the damaged; and
        # the other run that a step may be of, twice.
        assert (told.runs, told.ancestors) == (6, 8)
        two = reopen(tmp_path / "two")
        assert everything(two) == everything(few)
        assert lines(two) == lines(few)

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

    def test_a_prefix_lets_an_export_stand_beside_what_it_came_from(
        self, worlds: Database, few: Database, elsewhere: Database, tmp_path: Path
    ) -> None:
        world = f"{ELSEWHERE}/family"
        assert lines(elsewhere, world=world) == lines(worlds, world="family")
        assert by_run(elsewhere, *OWN, world=world) == by_run(worlds, *OWN, world="family")
        export(few, None, tmp_path / "out")
        assert lines(reopen(tmp_path / "out", "sub"), world="sub/family") == ["c", "  (main)", "    (x)", "      z"]

    def test_a_prefix_goes_before_the_places_of_hand_offs_too(self, tmp_path: Path) -> None:
        places = {"sent_source_id": "a.json", "received_source_id": "b.json"}
        export(make_database([*family(), edge("told", "message", "x/1", "y/1", **places)]), None, tmp_path / "out")
        again = reopen(tmp_path / "out", "sub")
        found = ask(again, "SELECT sent_source_id, received_source_id FROM edges WHERE edge_id = 'sub/told'")
        assert found == [("sub/a.json", "sub/b.json")]


def _shapes(size: int) -> st.SearchStrategy[list[tuple[int, list[tuple[int, bool]]]]]:
    """Each agent's parent (-1 none, -2 missing), and the spawner of each of its runs and whether that is kept."""
    run = st.tuples(st.integers(-2, size - 1), st.booleans())
    agent = st.tuples(st.integers(-2, size - 1), st.lists(run, min_size=1, max_size=2))
    return st.lists(agent, min_size=size, max_size=size)


Shape = list[tuple[int, list[tuple[int, bool]]]]


@given(st.lists(st.integers(1, 5).flatmap(_shapes), min_size=2, max_size=4))
@settings(max_examples=settings.default.max_examples // 20)
def test_what_is_exported_shows_the_same_numbers_and_parents_whatever_is_kept(shapes: list[Shape]) -> None:
    kept = {run_id for number, shape in enumerate(shapes) for run_id in kept_of(f"{number}", shape)}
    assume(kept)
    database = make_database(beside({f"{number}": rows_of(shape) for number, shape in enumerate(shapes)}))
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


def kept_of(world: str, shape: Shape) -> list[str]:
    runs = [
        (number, ordinal, keep) for number, (_, its) in enumerate(shape) for ordinal, (_, keep) in enumerate(its, 1)
    ]
    return [f"{world}/a{number}/{ordinal}" for number, ordinal, keep in runs if keep]


def rows_of(shape: Shape) -> list[Row]:
    names = {-1: None, -2: "gone"} | {number: f"a{number}" for number in range(len(shape))}
    rows: list[Row] = [source(), conversation()]
    for number, (parent, runs) in enumerate(shape):
        rows.append(agent(f"a{number}", names[parent]))
        for ordinal, (spawner, _) in enumerate(runs, 1):
            run_id, spawned_by = f"a{number}/{ordinal}", None if names[spawner] is None else f"{names[spawner]}/1"
            rows += [run(run_id, f"a{number}", spawned_by, ordinal=ordinal, reported_steps=ordinal)]
            rows += [step(run_id, 1, input_tokens=number)]
    return rows


class TestCopies:
    def test_kept_runs_that_are_copied_history_are_told_apart(self, worlds: Database, tmp_path: Path) -> None:
        its = "starts_with(run_id, 'copied/')"
        told = export(worlds, its, tmp_path / "all")
        assert (told.runs, told.copies) == (1, 1)
        told = export(worlds, f"{its} AND NOT is_replay", tmp_path / "own")
        assert (told.runs, told.copies) == (1, 0)


class TestOneFile:
    def test_a_parquet_file_holds_the_totals_of_the_kept_runs(self, database: Database, tmp_path: Path) -> None:
        told = export(database, "depth = 1", tmp_path / "out.parquet")
        frame = pl.read_parquet(tmp_path / "out.parquet")
        assert frame["run_id"].to_list() == ["x/1", "y/1"]
        assert frame.columns == [row[0] for row in ask(database, "DESCRIBE run_totals")]
        assert told == Exported(tmp_path / "out.parquet", 2, (tmp_path / "out.parquet").stat().st_size, 2, 0, 0)
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
    def test_they_survive_and_mean_the_same(self, worlds: Database, again: Database) -> None:
        calls = {"r": 1, "s": 2, "t": 0}
        assert by_run(again, "tool_calls", world="doubtful") == by_run(worlds, "tool_calls", world="doubtful") == calls

    def test_beside_other_traces_they_get_the_directorys_name_in_front(self, elsewhere: Database) -> None:
        world = f"{ELSEWHERE}/doubtful"
        candidates = ask(elsewhere, "SELECT candidates FROM steps WHERE candidates IS NOT NULL")
        assert [f"{world}/r", f"{world}/s"] in [json.loads(each) for (each,) in candidates]
        saved = "SELECT checkpoint_key, run_id, conversation_id, source_id FROM checkpoints ORDER BY ALL"
        assert within(world, ask(elsewhere, saved)) == [
            ("a.json#1", "r", "c", "a.json"),
            ("a.json#2", "s", "c", "a.json"),
            ("a.json#3", None, "c", "a.json"),
        ]
        assert by_run(elsewhere, "tool_calls", world=world) == {"r": 1, "s": 2, "t": 0}
        with elsewhere.cursor() as cursor:
            table = steps(cursor, f"{world}/r")
            assert table["may belong to"].to_pylist() == ["any of: sage run 1, sage run 2"]
            labels = [fact.label for fact in overview(cursor, f"{world}/a")]
        assert {"run 1 step 1", "run 2 step 2"} <= set(labels)

    def test_a_filter_keeps_the_checkpoints_of_kept_runs_and_those_of_no_run(self, few: Database) -> None:
        kept = {key for (key,) in within("doubtful", ask(few, "SELECT checkpoint_key FROM checkpoints"))}
        assert "a.json#2" in kept
        assert by_run(few, "tool_calls", "ancestor_only", world="doubtful")["s"] == (2, False)

    def test_what_is_uncertain_stays_so_when_a_filter_keeps_one_of_the_runs(self, few: Database) -> None:
        found = by_run(few, "tool_calls", "ancestor_only", world="uncertain")
        assert found == {"r": (0, True), "s": (2, False)}
