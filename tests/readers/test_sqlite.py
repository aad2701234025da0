"""SQLite databases: read with their logs, past damage, and without a trace beside them."""

import random
import sqlite3
from contextlib import closing

import pytest

from explorer.readers._sqlite import Unreadable, beside, database_of, open_database, text

ROWS = 500


def made(path, rows=ROWS):
    """A database of one table, with rows of about 700 bytes."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"{n}" + "x" * 700) for n in range(1, rows + 1)])
    return path


@pytest.fixture
def database(tmp_path):
    directory = tmp_path / "d"
    directory.mkdir()
    return made(directory / "a.db")


def state(path):
    """Everything beside a file that a reader could change."""
    directory = path.parent
    return directory.stat().st_mtime_ns, {
        each.name: (each.stat().st_mtime_ns, each.read_bytes()) for each in directory.iterdir()
    }


def ids(path):
    """The keys that can be read, and what is said of the rest."""
    with open_database(path) as database:
        return [row for row, _ in database.scan("t", ("id", "word"))], [each.message for each in database.damage]


def test_a_whole_database_is_read_in_order_of_its_key(database):
    before = state(database)
    assert ids(database) == (list(range(1, ROWS + 1)), [])
    assert state(database) == before


def test_rows_can_be_chosen(database):
    with open_database(database) as opened:
        rows = list(opened.scan("t", ("id", "length(word)"), "id BETWEEN ? AND ?", (7, 9)))
        assert rows == [(7, 701), (8, 701), (9, 701)]
        assert opened.columns("t") == ("id", "word")
        assert opened.columns("none") == ()
        assert opened.execute("SELECT count(*) FROM t") == [(ROWS,)]


def test_a_query_that_fails_is_damage_and_no_exception(database):
    with open_database(database) as opened:
        assert opened.execute("SELECT * FROM nothing") == []
        assert [each.table for each in opened.damage] == [""]


def test_nothing_can_be_written_through_it(database):
    before = state(database)
    with open_database(database) as opened:
        opened.execute("INSERT INTO t VALUES (9999, 'x')")
        opened.execute("PRAGMA journal_mode = wal")
        assert opened.damage
    assert state(database) == before


def test_a_name_may_hold_what_means_something_in_a_uri(tmp_path):
    for name in ("100%.db", "a?mode=rw.db", "a#b.db", "a b.db", "ü.db"):
        assert len(ids(made(tmp_path / name, 3))[0]) == 3


def test_text_that_is_not_utf_8_is_shown(tmp_path):
    assert text(b"a\xff") == "a\\xff"
    path = made(tmp_path / "x.db", 1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE t SET word = CAST(x'61ff' AS TEXT)")
    with open_database(path) as opened:
        assert list(opened.scan("t", ("id", "word"))) == [(1, "a\\xff")]
    with open_database(path, bytes) as opened:
        assert list(opened.scan("t", ("id", "word"))) == [(1, b"a\xff")]


def test_keys_may_be_any_integers(tmp_path):
    path = made(tmp_path / "x.db", 1)
    keys = [-(2**63), -5, 0, 1, 2**63 - 1]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT OR REPLACE INTO t VALUES (?, '')", [(key,) for key in keys])
    assert ids(path) == (keys, [])


# --- logs and journals -----------------------------------------------------------------------------------------------


@pytest.fixture
def logged(database):
    """A writer with a row in the write-ahead log alone."""
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("INSERT INTO t VALUES (1000, 'new')")
        writer.commit()
        yield database, writer


def test_the_log_is_read_and_nothing_written(logged):
    path, _ = logged
    before = state(path)
    assert ids(path)[0][-1] == 1000
    assert state(path) == before


def test_the_files_beside_a_database_are_its_own(logged):
    path, _ = logged
    assert [each.name for each in beside(path)] == ["a.db-wal", "a.db-shm"]
    assert {database_of(each) for each in beside(path)} == {path}
    assert database_of(path) is None
    assert database_of(path.with_name("b.db-wal")) is None
    assert database_of(path.with_name("-wal")) is None


def test_a_log_that_is_cut_off_is_read_as_far_as_it_goes(logged, tmp_path):
    path, writer = logged
    writer.execute("INSERT INTO t VALUES (1001, 'newer')")
    writer.commit()
    log = path.with_name("a.db-wal").read_bytes()
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    copy.with_name("copy.db-wal").write_bytes(log[:-4_000])
    assert ids(copy)[0][-1] == 1000


def test_a_log_that_was_taken_over_needs_no_copy(logged):
    path, writer = logged
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.with_name("a.db-wal").stat().st_size == 0
    before = state(path)
    assert ids(path)[0][-1] == 1000
    assert state(path) == before


def test_a_change_that_was_not_finished_is_undone(database):
    clean = ids(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN")
        writer.execute("UPDATE t SET word = 'torn'")
        torn, journal = database.read_bytes(), database.with_name("a.db-journal").read_bytes()
        writer.execute("ROLLBACK")
    database.write_bytes(torn)
    database.with_name("a.db-journal").write_bytes(journal)
    before = state(database)
    assert ids(database) == clean
    with open_database(database) as opened:
        assert opened.execute("SELECT count(*) FROM t WHERE word = 'torn'") == [(0,)]
    assert state(database) == before


def test_it_is_known_when_somebody_writes(database):
    with open_database(database) as opened:
        assert not opened.changed()
        with closing(sqlite3.connect(database)) as writer, writer:
            writer.execute("INSERT INTO t VALUES (1000, 'new')")
        assert opened.changed()


def test_an_exclusive_lock_is_not_waited_for(database):
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert len(ids(database)[0]) == ROWS


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"SQLite", b"plain text", b"SQLite format 4\0" + bytes(200)])
def test_what_is_no_database_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(Unreadable), open_database(path):
        pass


def test_a_file_that_is_not_there_is_an_oserror(tmp_path):
    with pytest.raises(OSError), open_database(tmp_path / "none.db"):
        pass


def test_a_database_that_is_cut_off_is_read_as_far_as_it_goes(database, tmp_path):
    content = database.read_bytes()
    path = tmp_path / "cut.db"
    path.write_bytes(content[: len(content) * 2 // 3])
    found, damage = ids(path)
    assert 100 < len(found) < ROWS
    assert found == sorted(found)
    assert "cut off" in damage[0]
    assert any("cannot be read" in each for each in damage)


def test_a_cut_that_takes_the_whole_of_a_later_table_leaves_the_others(database):
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE later (id INTEGER PRIMARY KEY)")
        connection.execute("INSERT INTO later VALUES (7)")
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 2 + 100])
    with open_database(database) as opened:
        found = [key for key, *_ in opened.scan("t", ("id", "word"))]
        assert found == list(range(1, len(found) + 1))
        assert len(found) > ROWS / 3
        assert list(opened.scan("later", ("id",))) == []
        assert opened.damage[-1].table == "later"


def test_rows_are_read_from_a_key_on(database):
    with open_database(database) as opened:
        assert [key for (key,) in opened.scan("t", ("id",), "id % 2 = 0", start=ROWS - 4)] == [ROWS - 4, ROWS - 2, ROWS]


def test_damaged_pages_cost_the_rows_on_them(database, tmp_path):
    content = database.read_bytes()
    pages = len(content) // 4096
    rng = random.Random("sqlite")
    for number in range(40):
        damaged = bytearray(content)
        hit = rng.sample(range(2, pages), 1 + number % 3)
        for page in hit:
            damaged[page * 4096 : page * 4096 + 4096] = rng.randbytes(4096) if number % 2 else bytes(4096)
        path = tmp_path / "damaged.db"
        path.write_bytes(damaged)
        found, damage = ids(path)
        assert found == sorted(set(found) & set(range(1, ROWS + 1)))
        assert damage or len(found) == ROWS
        assert len(found) >= ROWS - 60 * len(hit) or any("from" in each for each in damage)


def test_a_header_or_a_schema_that_is_damaged_never_raises_anything_else(database, tmp_path):
    content, rng = database.read_bytes(), random.Random("head")
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(rng.choice((1, 2, 8))):
            damaged[rng.randrange(16, 4096)] = rng.randrange(256)
        path = tmp_path / "damaged.db"
        path.write_bytes(damaged)
        try:
            ids(path)
        except Unreadable:
            continue
