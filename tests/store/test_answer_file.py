"""Answers that leave as files: whole, the same as the command line writes them, never over anything or halfway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from explorer.cli.output import Table, write
from explorer.store.answer_file import write_answer
from explorer.store.database import Cursor, Database
from explorer.store.target import ExportCancelled, ExportError
from tests.store.world import family, make_database

ODD = (
    "SELECT 1 AS n, NULL AS n, 'a\"b,\n' || chr(8238) AS text, [1, 2] AS list, {'x': true} AS struct, "
    "TIMESTAMP '2026-01-02 03:04:05.678' AS at, 1.5::DECIMAL(10, 2) AS price, 12::HUGEINT AS huge FROM range(3000)"
)


@pytest.fixture(scope="module")
def database() -> Database:
    return make_database(family())


@pytest.fixture
def cursor(database: Database) -> Iterator[Cursor]:
    with database.cursor() as cursor:
        yield cursor


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_text_is_what_the_command_line_writes(
    database: Database, cursor: Cursor, tmp_path: Path, format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / f"a.{format_}"
    written = write_answer(database, cursor, ODD, target, lambda: False)
    result = database.sql(ODD)
    write(Table(result.columns, result.batches), format_, {})
    assert target.read_text("utf-8") == capsys.readouterr().out
    assert written == (3000, target.stat().st_size)
    if format_ == "jsonl":
        first = json.loads(target.read_text("utf-8").splitlines()[0])
        assert (first["n"], first["n_1"], first["list"], first["at"]) == (1, None, [1, 2], "2026-01-02T03:04:05.678Z")


def test_parquet_keeps_types_and_every_row(database: Database, cursor: Cursor, tmp_path: Path) -> None:
    target = tmp_path / "a.parquet"
    assert write_answer(database, cursor, f"{ODD}, range(50)", target, lambda: False).rows == 150_000
    sums = 'sum(n), count(n_1), any_value("list"), any_value(struct), any_value("at")::VARCHAR, any_value(price)'
    (read,) = duckdb.sql(f"SELECT {sums} FROM '{target}'").fetchall()
    assert read == (150_000, 0, [1, 2], {"x": True}, "2026-01-02 03:04:05.678", Decimal("1.5"))


@pytest.mark.parametrize(
    ("name", "query", "words"),
    [
        ("a.xlsx", "SELECT 1", "name a file that ends in .csv, .jsonl, .parquet"),
        ("there.csv", "SELECT 1", "exists and is not overwritten"),
        ("nowhere/a.csv", "SELECT 1", "is not a directory"),
        ("a.parquet", "SELECT INTERVAL 1 DAY AS x", "cast it, or write .jsonl"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(
    database: Database, cursor: Cursor, tmp_path: Path, name: str, query: str, words: str
) -> None:
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(ExportError, match=words):
        write_answer(database, cursor, query, tmp_path / name, lambda: False)
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_stopped_halfway_leaves_nothing(database: Database, cursor: Cursor, tmp_path: Path) -> None:
    looks = iter([False, False, True])
    with pytest.raises(ExportCancelled):
        write_answer(database, cursor, "FROM range(1000000000)", tmp_path / "a.csv", lambda: next(looks, True))
    assert not list(tmp_path.iterdir())
