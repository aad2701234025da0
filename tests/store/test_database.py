import dataclasses
import os
from pathlib import Path

import duckdb
import polars as pl
import pytest

from explorer.model import ALL_TABLES, COMPUTED, columns
from explorer.store.database import SOURCE_COLUMN, Batch, DamagedPart, Database, Opening
from explorer.store.laboratory import names_laboratory
from explorer.store.queries import build_tree
from explorer.store.readonly import QueryError, explained
from tests.store.world import agent, ask, conversation, family, finding, make_database, run, source, step, write_batch

VIEWS = {
    "spawn_tree",
    "run_totals",
    "agent_totals",
    "agent_version_totals",
    "conversation_totals",
    "run_reuse",
    "sibling_sharing",
    "sibling_cold_starts",
    "counting_audit",
    "scope_experiment",
    "merge_experiment",
    "scope_report",
    "sub_agent_scope",
    "forked_captures",
    "reuse_distance",
    "reuse_age",
    "reuse_means",
    "cache_curve",
    "shared_cache_curve",
    "time_to_live_curve",
    "working_set",
}


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


def test_every_table_and_view_is_there_and_empty_when_nothing_was_read() -> None:
    database = make_database([])
    named = {row[0] for row in ask(database, "SHOW TABLES")}
    assert named - {"kv_models"} == ALL_TABLES.keys() | COMPUTED.keys() | VIEWS
    for relation in ALL_TABLES.keys() | COMPUTED.keys() | VIEWS:
        assert ask(database, f"FROM {relation}") == []


def test_what_opening_does_without_is_there_once_it_is_named(tmp_path: Path) -> None:
    database = make_database(family(), tmp_path)
    defined = (
        "SELECT if(schema_name = 'main', name, concat(schema_name, '.', name)) FROM ("
        " SELECT schema_name, view_name AS name, internal FROM duckdb_views() UNION ALL"
        " SELECT schema_name, function_name, internal FROM duckdb_functions() UNION ALL"
        " SELECT schema_name, table_name, internal FROM duckdb_tables()) WHERE NOT internal"
    )
    with database.cursor() as cursor:
        before = set(cursor.execute(defined).fetchall())
        assert build_tree(database, "run_id IN (SELECT s.RUN_ID FROM SUB_AGENT_SCOPE AS s)").runs_kept == 2
        later = set(cursor.execute(defined).fetchall()) - before
    assert {"scope_report", "cache_curve", "missed_blocks", "kv_models", "kv_gib"} <= {name for (name,) in later}
    assert [name for (name,) in later if not names_laboratory(name) and not name.startswith("internal.tree_")] == []
    assert not names_laboratory("FROM run_totals WHERE steps > 5")


@pytest.mark.parametrize("table", ALL_TABLES | COMPUTED)
def test_tables_have_the_columns_and_types_of_the_model_with_or_without_rows(table: str, database: Database) -> None:
    wanted = [(column.name, column.type) for column in columns((ALL_TABLES | COMPUTED)[table])]
    for opened in (database, make_database([])) if table == "steps" else (database,):
        assert [row[:2] for row in ask(opened, f"DESCRIBE {table}")] == wanted


def test_rows_come_back_as_they_were_written(database: Database) -> None:
    written = [row for row in family() if type(row) is ALL_TABLES["steps"]]
    assert ask(database, "FROM steps ORDER BY run_id, ordinal") == sorted(map(dataclasses.astuple, written))


def test_batches_are_added_up(tmp_path: Path) -> None:
    one = write_batch([conversation("c"), agent("a"), run("r", "a"), step("r", 1)], tmp_path / "one")
    two = write_batch([step("r", 2), step("r", 3)], tmp_path / "two")
    database = Database(Opening([one, two], {}))
    assert ask(database, "SELECT run_id, steps FROM run_totals") == [("r", 3)]


def test_rows_of_sources_that_do_not_count_any_more_are_left_out(tmp_path: Path) -> None:
    old = write_batch(
        [source("a"), source("b"), step("r", 1, source_id="a"), step("r", 2, source_id="b")], tmp_path / "1"
    )
    new = write_batch([source("a"), step("r", 1, source_id="a", input_tokens=7)], tmp_path / "2")
    database = Database(Opening([old._replace(live=frozenset({"b"})), new], {}))
    assert ask(database, "SELECT source_id, input_tokens FROM steps ORDER BY 1") == [("a", 7), ("b", None)]
    assert ask(database, "SELECT source_id FROM sources ORDER BY 1") == [("a",), ("b",)]


def test_nothing_counts_of_a_batch_without_live_sources(tmp_path: Path) -> None:
    batch = write_batch(family(), tmp_path)._replace(live=frozenset())
    assert ask(Database(Opening([batch], {})), "SELECT count(*) FROM steps") == [(0,)]


def test_a_prefix_goes_before_the_keys_and_before_nothing_else(tmp_path: Path) -> None:
    plain = write_batch(family(), tmp_path)
    database = Database(Opening([plain, plain._replace(prefix="it's/b")], {}))
    assert ask(
        database, "SELECT run_id, agent_id, conversation_id, parent_run_id FROM runs WHERE run_id LIKE '%x/1'"
    ) == [
        ("x/1", "x", "c", "main/1"),
        ("it's/b/x/1", "it's/b/x", "it's/b/c", "it's/b/main/1"),
    ]
    assert ask(database, "SELECT DISTINCT namespace FROM block_runs ORDER BY 1") == [("c",), ("it's/b/c",)]
    assert ask(database, "SELECT run_id, total_steps, reuse FROM run_totals WHERE depth = 0 ORDER BY 1") == [
        ("it's/b/main/1", 7, 0.5),
        ("main/1", 7, 0.5),
    ]
    assert ask(database, "SELECT count(*) FROM sibling_sharing") == [(4,)]


def test_blocks_that_are_comparable_everywhere_stay_so_under_a_prefix(tmp_path: Path) -> None:
    rows = [row for row in family() if type(row) is ALL_TABLES["block_runs"]]
    batch = write_batch([dataclasses.replace(row, namespace="global") for row in rows], tmp_path)
    database = Database(Opening([batch._replace(prefix="b")], {}))
    assert ask(database, "SELECT DISTINCT namespace FROM block_runs") == [("global",)]


def test_a_prefix_goes_behind_the_code_of_a_finding(tmp_path: Path) -> None:
    batch = write_batch([finding("bad-record:a.json:1")], tmp_path)._replace(prefix="b")
    assert ask(Database(Opening([batch], {})), "SELECT finding_id FROM findings") == [("bad-record:b/a.json:1",)]


def test_parts_may_lie_under_names_that_mean_something_to_sql(tmp_path: Path) -> None:
    batch = write_batch(family(), tmp_path / "it's [a] * b?{}\n")
    assert ask(Database(Opening([batch], {})), "SELECT count(*) FROM steps") == [(7,)]


class TestDamagedParts:
    @pytest.fixture
    def batch(self, tmp_path: Path) -> Batch:
        return write_batch(family(), tmp_path)

    def refused(self, batch: Batch, table: str, reason: str) -> None:
        with pytest.raises(DamagedPart, match=reason) as raised:
            Database(Opening([batch], {}))
        assert raised.value.path == batch.files[table]
        assert str(batch.files[table]) in str(raised.value)

    def test_a_missing_part_is_named(self, batch: Batch) -> None:
        batch.files["steps"].unlink()
        self.refused(batch, "steps", "No such file")

    @pytest.mark.parametrize("size", [0, 5, 40, 700])
    def test_a_part_that_was_cut_off_is_named(self, batch: Batch, size: int) -> None:
        os.truncate(batch.files["runs"], size)
        self.refused(batch, "runs", r"cut off|not a whole Parquet file")

    def test_a_part_whose_content_is_damaged_is_named(self, batch: Batch) -> None:
        content = bytearray(batch.files["steps"].read_bytes())
        content[4:400] = b"\xff" * 396  # the footer stays as it was
        batch.files["steps"].write_bytes(content)
        self.refused(batch, "steps", "its content is damaged")

    def test_a_part_without_a_column_is_named(self, batch: Batch) -> None:
        pl.read_parquet(batch.files["steps"]).drop("wait_ms").write_parquet(batch.files["steps"])
        self.refused(batch, "steps", "columns are not those of steps")

    def test_a_part_with_another_type_is_named(self, batch: Batch) -> None:
        pl.read_parquet(batch.files["steps"]).cast({"input_tokens": pl.Int32}).write_parquet(batch.files["steps"])
        self.refused(batch, "steps", "columns are not those of steps")

    def test_a_part_without_its_sources_is_named(self, batch: Batch) -> None:
        pl.read_parquet(batch.files["agents"]).drop(SOURCE_COLUMN).write_parquet(batch.files["agents"])
        self.refused(batch, "agents", "columns are not those of agents")

    def test_something_else_in_the_place_of_a_part_is_named(self, batch: Batch) -> None:
        batch.files["runs"].write_text("these are not the runs you are looking for\n" * 100)
        self.refused(batch, "runs", "not a whole Parquet file")


class TestLockDown:
    @pytest.mark.parametrize(
        "query",
        [
            "SELECT * FROM read_text('/etc/passwd')",
            "SELECT * FROM read_blob('/etc/passwd')",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM read_parquet('/etc/passwd')",
            "SELECT * FROM parquet_metadata('/etc/passwd')",
            "SELECT * FROM sniff_csv('/etc/passwd')",
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM 'https://example.org/x.csv'",
            "SELECT * FROM glob('/*')",
            "SELECT (SELECT content FROM read_text('/etc/passwd'))",
            "WITH x AS (FROM read_text('/etc/passwd')) FROM x",
            "SELECT * FROM runs WHERE EXISTS (FROM glob('/etc/*'))",
            "EXPLAIN ANALYZE COPY (SELECT 1) TO '{outside}/a.csv'",
            "EXPLAIN /* SELECT */ COPY (SELECT 1) TO '{outside}/a.csv'",
            "COPY (SELECT 1) TO '{outside}/a.csv'",
            "COPY runs TO '{outside}/a.parquet'",
            "EXPORT DATABASE '{outside}/a'",
            "ATTACH '{outside}/a.db'",
            "ATTACH ':memory:' AS other",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET threads = 1",
            "SET enable_external_access = true",
            "RESET ALL",
            "SET VARIABLE a = 1",
            "PRAGMA enable_profiling",
            "PRAGMA version",
            "CALL enable_logging()",
            "SELECT * FROM enable_logging(storage = 'file', storage_config = {{'path': '{outside}/log'}})",
            "SELECT * FROM query('SELECT 1')",
            "SELECT * FROM query_table('runs')",
            "FROM force_checkpoint()",
            "CREATE TABLE a (i INTEGER)",
            "CREATE TEMP TABLE a AS SELECT 1",
            "CREATE OR REPLACE VIEW run_totals AS SELECT 1",
            "CREATE MACRO a(x) AS x",
            "INSERT INTO internal.live VALUES (1, 'a')",
            "WITH x AS (INSERT INTO internal.live VALUES (1, 'a') RETURNING *) FROM x",
            "DELETE FROM internal.runs",
            "UPDATE internal.runs SET steps = 0",
            "DROP VIEW run_totals",
            "BEGIN TRANSACTION",
            "CHECKPOINT",
            "VACUUM",
            "PREPARE a AS SELECT 1",
            "SELECT 1; SELECT 2",
            "SELECT 1; DROP VIEW run_totals",
        ],
    )
    def test_a_query_reads_the_tables_and_nothing_else(self, query: str, database: Database, tmp_path: Path) -> None:
        query = query.format(outside=tmp_path) if "{outside}" in query else query
        with pytest.raises(QueryError):
            for _ in database.sql(query).batches:
                pass
        assert list(tmp_path.iterdir()) == []

    def test_a_variable_of_the_program_is_no_table(self, database: Database) -> None:
        family_frame = pl.DataFrame({"a": [1]})
        with pytest.raises(QueryError, match="family_frame does not exist"):
            database.sql("FROM family_frame")
        assert family_frame.height == 1

    def test_a_cursor_of_ours_cannot_reach_files_either(self, database: Database, tmp_path: Path) -> None:
        with database.cursor() as cursor:
            for query in ("FROM read_text('/etc/passwd')", f"COPY (SELECT 1) TO '{tmp_path}/a.csv'", "SET threads = 1"):
                with pytest.raises(Exception, match=r"disabled by configuration|has been locked"):
                    cursor.execute(query)


class TestQueries:
    @pytest.mark.parametrize(
        ("query", "rows"),
        [
            ("SELECT count(*) FROM runs", [(4,)]),
            ("FROM (VALUES (1, 'a'), (2, NULL))", [(1, "a"), (2, None)]),
            ("WITH a AS (SELECT 1 AS x) SELECT x FROM a; ", [(1,)]),
            ("-- how many\nSELECT count(*) /* of them */ FROM steps -- all", [(7,)]),
            ("SELECT sum(i) FROM range(4) AS r (i)", [(6,)]),
            ("SELECT unnest([1, 2])", [(1,), (2,)]),
            ("SELECT 1 WHERE false", []),
        ],
    )
    def test_queries_that_read_are_answered(
        self, query: str, rows: list[tuple[object, ...]], database: Database
    ) -> None:
        assert ask(database, query) == rows

    @pytest.mark.parametrize(
        "query", ["DESCRIBE runs", "SUMMARIZE runs", "SHOW TABLES", "EXPLAIN SELECT 1", "TABLE runs"]
    )
    def test_a_query_may_ask_about_tables_and_plans(self, query: str, database: Database) -> None:
        assert ask(database, query)

    def test_an_answer_has_the_names_and_types_of_its_columns(self, database: Database) -> None:
        answer = database.sql("SELECT run_id AS who, steps, reuse FROM run_totals")
        assert answer.columns == ("who", "steps", "reuse")
        assert answer.types == ("VARCHAR", "BIGINT", "DOUBLE")

    def test_a_long_answer_comes_in_batches(self, database: Database) -> None:
        sizes = [len(batch) for batch in database.sql("FROM range(10000)").batches]
        assert sum(sizes) == 10000
        assert max(sizes) < 5000

    def test_answers_may_be_read_at_the_same_time(self, database: Database) -> None:
        one, two = (database.sql("FROM range(5000)").batches for _ in range(2))
        assert next(one) == next(two)
        assert sum(map(len, one)) == sum(map(len, two))

    @pytest.mark.parametrize(
        ("query", "message", "position"),
        [
            ("SELEC 1", 'cannot be understood at "SELEC"', 0),
            ("SELECT\n  nothing FROM runs", "there is no column nothing", 9),
            ("SELECT 'ä', nothing FROM runs", "there is no column nothing", 12),
            ("FROM nowhere", "nowhere does not exist", 5),
            ("SELECT 'x'::INTEGER", "Could not convert", 10),
            ("", "nothing to run", None),
            ("-- nothing", "nothing to run", None),
        ],
    )
    def test_a_mistake_is_explained_and_pointed_at(
        self, query: str, message: str, position: int | None, database: Database
    ) -> None:
        with pytest.raises(QueryError, match=message) as raised:
            list(database.sql(query).batches)
        assert raised.value.position == position

    def test_the_message_shows_the_line_with_a_caret(self, database: Database) -> None:
        with pytest.raises(QueryError) as raised:
            database.sql("SELECT\n  nothing FROM runs")
        assert str(raised.value).splitlines()[-2:] == ["    nothing FROM runs", "    ^"]

    def test_a_query_that_fails_on_the_way_is_explained(self, database: Database) -> None:
        with pytest.raises(QueryError, match="Could not convert"):
            list(
                database.sql(
                    "SELECT CASE WHEN i > 9000 THEN 'x' ELSE '1' END::INTEGER FROM range(10000) AS r (i)"
                ).batches
            )

    def test_a_query_that_takes_too_much_memory_is_told_so(self) -> None:
        with pytest.raises(QueryError, match="more memory than is allowed"), explained("FROM runs"):
            raise duckdb.OutOfMemoryException("set this and that")

    def test_deep_nesting_is_refused_and_not_followed_to_the_end(self, database: Database) -> None:
        with pytest.raises(QueryError):
            list(database.sql("SELECT " + "(" * 5_000 + "1" + ")" * 5_000).batches)
