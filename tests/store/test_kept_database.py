"""A database that was kept and one that was made of the parts: nobody can tell one from the other."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from explorer.store import kept_database
from explorer.store.database import Batch, DamagedPart, Database, Opening
from explorer.store.kept_database import KeptDatabase, made_of
from explorer.store.queries import build_tree
from explorer.store.readonly import QueryError
from tests.store.world import ask, conversation, event, family, finding, write_batch

Batches = Callable[[Path], Sequence[Batch]]

WORLDS: dict[str, Batches] = {
    "a family": lambda parts: [write_batch(family(), parts)],
    "some of what was read, and an export beside it": lambda parts: [
        write_batch([*family(), finding("bad-record:b.json:1", source_id="b.json")], parts / "of traces")._replace(
            live=frozenset({"a.json"})
        ),
        write_batch(family(), parts / "ex'port")._replace(prefix="ex'port", ancestors=frozenset({"main/1"})),
    ],
}

RELATIONS = """
SELECT schema_name, name, kind, text FROM (
    SELECT schema_name, view_name AS name, 'view' AS kind, sql AS text, internal FROM duckdb_views()
    UNION ALL SELECT schema_name, table_name, 'table', sql, internal FROM duckdb_tables()
    UNION ALL SELECT schema_name, function_name, function_type, concat(parameters::VARCHAR, macro_definition), internal
    FROM duckdb_functions()
    UNION ALL SELECT schema_name, table_name, 'column', concat_ws(' ', column_name, data_type, comment), internal
    FROM duckdb_columns()
)
WHERE NOT internal ORDER BY ALL
"""


DATABASES = "SELECT database_name FROM duckdb_databases() WHERE NOT internal"


def opening(directory: Path, batches: Batches = WORLDS["a family"]) -> Opening:
    cache = directory / "cache"
    cache.mkdir()
    return Opening(list(batches(directory / "parts")), {}, cache=cache)


def kept(opened: Opening) -> list[Path]:
    """The one file, if it is there."""
    assert opened.cache is not None
    return list(opened.cache.iterdir())


def keep(opened: Opening) -> Path:
    database = Database(opened)
    database.keep()
    database.close()
    (file,) = kept(opened)
    return file


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows whenever a database is made of its parts."""
    calls: list[str] = []
    prepare = kept_database.KeptDatabase.note

    def note(*arguments: Any) -> None:
        calls.append("made")
        prepare(*arguments)

    monkeypatch.setattr(kept_database.KeptDatabase, "note", note)
    return calls


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Opening:
    """Of a family, whose database is kept."""
    opened = opening(tmp_path_factory.mktemp("once"))
    keep(opened)
    return opened


@pytest.fixture
def again(once: Opening, tmp_path: Path) -> Opening:
    """The same, with a copy of what is kept."""
    assert once.cache is not None
    return once._replace(cache=Path(shutil.copytree(once.cache, tmp_path / "copy")))


def everything(database: Database) -> dict[str, Any]:
    """What is defined, and all rows of every relation that anybody asks."""
    database.compute()
    with database.cursor() as cursor:
        defined = cursor.execute(RELATIONS).fetchall()
        kinds = {("main", "view"), ("main", "table"), ("internal", "table")}
        names = [f'"{schema}"."{name}"' for schema, name, kind, _ in defined if (schema, kind) in kinds]
        rows = {name: sorted(cursor.execute(f"FROM {name}").fetchall(), key=str) for name in names}
        return {"defined": defined, **rows}


@pytest.mark.parametrize("world", WORLDS)
def test_what_was_kept_has_the_same_relations_with_the_same_rows(world: str, tmp_path: Path, made: list[str]) -> None:
    opened = opening(tmp_path, WORLDS[world])
    first = Database(opened)
    first.keep()
    second = Database(opened)
    assert made == ["made"]
    found = everything(second)
    assert found == everything(first)
    assert len(found["defined"]) > 500
    assert build_tree(second)[1:] == build_tree(first)[1:]


def test_what_comes_into_a_database_later_is_not_kept(tmp_path: Path, made: list[str]) -> None:
    opened = opening(tmp_path)
    first = Database(opened)
    with first.cursor() as cursor:
        before = cursor.execute(RELATIONS).fetchall()
    first.compute()
    build_tree(first, "steps > 1")
    first.keep()
    second = Database(opened)
    with second.cursor() as cursor:
        assert cursor.execute(RELATIONS).fetchall() == before
        assert cursor.execute("FROM prompt_recency").fetchall() == []
    computed = "SELECT count(*), sum(hash(p)) FROM prompt_recency AS p"
    assert ask(second, computed) == ask(first, computed) != ask(second, "SELECT 0, NULL")
    assert made == ["made"]


def test_using_a_database_leaves_what_was_kept_as_it_was(again: Opening) -> None:
    (file,) = kept(again)
    before = file.stat().st_mtime_ns, file.read_bytes()
    database = Database(again)
    database.compute()
    build_tree(database, "steps > 1")
    database.keep()
    database.close()
    assert kept(again) == [file]
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before


def test_a_database_that_was_kept_is_locked_down_as_one_that_was_made(tmp_path: Path) -> None:
    opened = opening(tmp_path)
    other = write_batch([conversation("d")], tmp_path / "other").files["conversations"]
    for _ in range(2):
        database = Database(opened)
        database.keep()
        for query in (
            "CREATE TABLE t (i INTEGER)", "DELETE FROM internal.live", f"FROM '{kept(opened)[0]}'", f"FROM '{other}'"
        ):  # fmt: skip
            with pytest.raises(QueryError):
                list(database.sql(query).batches)
        with database.cursor() as cursor:
            for statement in (
                f"ATTACH '{tmp_path / 'new.db'}' AS new", f"ATTACH '{kept(opened)[0]}' AS again (READ_ONLY)",
                f"COPY runs TO '{tmp_path / 'runs.csv'}'", f"FROM read_blob('{other}')",
                "SET enable_external_access = true", "SET threads = 1",
            ):  # fmt: skip
                with pytest.raises(duckdb.Error):
                    cursor.execute(statement)
            assert cursor.execute(DATABASES).fetchall() == [("memory",)]
        database.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: batch._replace(live=frozenset({"a.json"})),
        lambda batch: batch._replace(prefix="b"),
        lambda batch: batch._replace(ancestors=frozenset({"main/1"})),
        lambda batch: batch._replace(files={**batch.files, "runs": batch.files["steps"]}),
        lambda batch: batch._replace(files={name: path for name, path in batch.files.items() if name != "events"}),
        lambda batch: os.utime(batch.files["runs"], ns=(0, 0)) or batch,
        lambda batch: os.truncate(batch.files["runs"], 9) or batch,
    ],
)
def test_a_change_of_any_batch_is_another_database(change: Callable[[Batch], Batch], tmp_path: Path) -> None:
    batch = write_batch([*family(), event("main/1")], tmp_path)
    before = made_of([batch])
    assert made_of([batch]) == before
    assert made_of([change(batch)]) != before


def test_the_order_of_sets_is_none(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(9)]
    one, two = (Batch({}, frozenset(order), "", frozenset(order)) for order in (names, names[::-1]))
    assert made_of([one]) == made_of([two]) != made_of([one, two])


def test_another_version_makes_another_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = {made_of([])}
    monkeypatch.setattr(kept_database, "__version__", "another")
    found.add(made_of([]))
    monkeypatch.setattr(duckdb, "__version__", "another")
    found.add(made_of([]))
    monkeypatch.setattr(kept_database, "RECIPE", ("store/views.sql",))
    found.add(made_of([]))
    assert len(found) == 4


def test_the_recipe_has_all_that_defines_a_relation() -> None:
    package = Path(kept_database.__file__).parent.parent
    recipe = {path for pattern in kept_database.RECIPE for path in package.glob(pattern)}
    scripts = {path for path in package.rglob("*.sql") if "CREATE " in path.read_text("utf-8")}
    assert scripts | {package / "model" / "_recorded.py", package / "store" / "prepare.py"} <= recipe


def test_only_the_latest_is_kept(again: Opening, made: list[str]) -> None:
    (file,) = kept(again)
    assert keep(again._replace(batches=[])) != file
    assert made == ["made"]


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def turn_over(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def be_something_else(file: Path) -> None:
    """Under a name that says that it is what it is."""
    file.write_text("no database\n" * 1000)
    digest = hashlib.blake2b(file.read_bytes(), digest_size=8).hexdigest()
    file.rename(file.with_name(f"{file.name.rpartition('-')[0]}-{digest}"))


@pytest.mark.parametrize("damage", [cut, turn_over, be_something_else])
def test_damage_costs_time_only(damage: Callable[[Path], None], again: Opening, made: list[str]) -> None:
    (file,) = kept(again)
    damage(file)
    for _ in range(2):
        database = Database(again)
        assert ask(database, "SELECT count(*) FROM steps") == [(7,)]
        database.keep()
        database.close()
    assert made == ["made"]
    assert len(kept(again)) == 1


@pytest.mark.parametrize("damage", [cut, Path.unlink])
def test_a_damaged_part_is_told_of_though_a_database_was_kept(
    damage: Callable[[Path], None], again: Opening, tmp_path: Path
) -> None:
    batch = write_batch(family(), tmp_path)
    opened = again._replace(batches=[batch])
    assert again.cache is not None
    (file,) = kept(again)
    digest = file.name.rpartition("-")[2]
    shutil.copy(file, again.cache / f"kept-{made_of([batch])}-{digest}")
    Database(opened).close()
    damage(batch.files["steps"])
    with pytest.raises(DamagedPart) as raised:
        Database(opened)
    assert raised.value.path == batch.files["steps"]


def test_where_nothing_can_be_kept_all_else_goes_on(tmp_path: Path) -> None:
    opened = opening(tmp_path)
    database = Database(opened)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))  # as on a full disk
    try:
        database.keep()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert kept(opened) == []
    assert ask(database, "SELECT count(*) FROM steps") == [(7,)]
    with database.cursor() as cursor:
        assert cursor.execute(DATABASES).fetchall() == [("memory",)]


def test_what_will_not_be_asked_for_again_has_no_place(once: Opening) -> None:
    assert KeptDatabase.of(once)
    assert not KeptDatabase.of(once._replace(complete=False))
    assert not KeptDatabase.of(once._replace(cache=None))


def test_several_may_keep_and_load_the_same_at_once(tmp_path: Path) -> None:
    opened = opening(tmp_path)
    databases = [Database(opened) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(Database.keep, databases))
        assert kept(opened)
        later = list(pool.map(Database, [opened] * 3))
    assert [ask(database, "SELECT count(*) FROM steps") for database in later] == [[(7,)]] * 3


def test_no_file_stays_open(again: Opening) -> None:
    for opened in (again, again._replace(batches=[])):
        database = Database(opened)
        database.keep()
        assert not [file for file in psutil.Process().open_files() if file.path.startswith(str(again.cache))]
        database.close()


def test_a_database_that_was_closed_is_not_kept_any_more(tmp_path: Path) -> None:
    empty = Opening([], {}, cache=tmp_path)
    database = Database(empty)
    database.close()
    database.keep()
    assert kept(empty) == []
