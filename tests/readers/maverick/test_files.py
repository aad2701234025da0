"""Which files are Maverick's, which are read together, and that nothing is left among them."""

import json
import shutil
import sqlite3
from collections import Counter

import pytest

from explorer.readers import SourceFile, claim, companions, part_of, readers
from explorer.readers.maverick import record, shares
from explorer.readers.maverick._layout import tenant_of
from tests.readers.maverick.worlds import (
    ROOT,
    ROOT_2,
    T,
    call,
    episode,
    goal,
    lines,
    plan,
    post,
    reading,
    result,
    saved,
    tool,
    world,
)
from tests.readers.reading import SAMPLES, Reading, head

MAVERICK = readers()["maverick"]


def claims(path):
    """Whether this reader and no other claims a file."""
    claimant = claim(path, head(path))
    return claimant is MAVERICK


def small(path, **options):
    return world(path, [goal()], [episode(1, 0, 9)], [plan(1, ROOT), tool(2, ROOT)], **options)


# --- claiming --------------------------------------------------------------------------------------------------------


def test_a_database_is_known_by_its_tables_whatever_it_is_called(tmp_path):
    assert claims(small(tmp_path / "world.db"))
    assert claims(small(tmp_path / "copy.sqlite3", checkpoints=[saved(1, 1)]))


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE checkpoints (thread_id TEXT, checkpoint_ns TEXT, checkpoint_id TEXT, checkpoint BLOB)",
        "CREATE TABLE goals (id INTEGER, parent_id INTEGER); CREATE TABLE episodes (id INTEGER, goal_id INTEGER)",
        "CREATE TABLE goals (id, parent_id); CREATE TABLE episodes (id, goal_id, reward); "
        "CREATE TABLE goal_events (id, goal_id, agent); CREATE TABLE schema_version (v)",
        "CREATE TABLE goals (id); CREATE TABLE episodes (id, goal_id, cost_dollars); "
        "CREATE TABLE goal_events (id, goal_id, actor); CREATE TABLE schema_version (v)",
        "CREATE TABLE other (id)",
    ],
)
def test_a_database_with_other_tables_or_columns_is_not(tmp_path, schema):
    connection = sqlite3.connect(tmp_path / "world.db")
    connection.executescript(schema)
    connection.close()
    assert claim(tmp_path / "world.db", head(tmp_path / "world.db")) is None


def test_tables_of_which_the_head_says_nothing_are_looked_up(tmp_path):
    many = "".join(f"CREATE TABLE extra_{n} (a TEXT DEFAULT '{'x' * 900}');" for n in range(100))
    path = tmp_path / "world.db"
    connection = sqlite3.connect(path)
    connection.executescript(many)
    connection.close()
    small(path)
    assert b"goal_events" not in head(path)
    assert claims(path)


def test_lines_are_known_by_their_fields_and_the_files_name(tmp_path):
    trace = {"seq": 1, "t": T, "kind": "plan", "agent": ROOT, "content": "x"}
    step = {"goal_id": 1, "episode_id": 1, "step": 1, "role": "r", "tool": "t", "is_final": False, "parent_step": 0}
    assert claims(lines(tmp_path / "2026-06-02.ndjson", call(1, ROOT)))
    assert claims(lines(tmp_path / "2026-06-03.ndjson", b"MVKAR1\n\0\1\2"))
    assert claims(lines(tmp_path / "goal-7.jsonl", trace))
    assert claims(lines(tmp_path / "trajectories.ndjson", step))
    for name, record_ in [
        ("anchors.ndjson", call(1, ROOT)), ("goal-x.jsonl", trace), ("notes.jsonl", trace),
        ("goal-7.jsonl", {"seq": 1}),
        ("2026-06-04.ndjson", {"v": 1, "ts": T, "kind": "x"}), ("trajectories.ndjson", {"goal_id": 1}),
    ]:  # fmt: skip
        path = lines(tmp_path / "other" / name, record_)
        assert claim(path, head(path)) is None, name


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 3000])
def test_an_export_is_known_however_long_it_is(tmp_path, indent, size):
    events = [post(n, ROOT, "note", "x" * 100) | {"id": n} for n in range(size)]
    path = tmp_path / "goal-1.json"
    path.write_text(
        json.dumps({"v": 1, "goal": goal(), "events": events, "episodes": [episode(1, 0, 9)]}, indent=indent)
    )
    assert claims(path)
    found = reading(path, "goal-1.json")
    assert found.conversation.title == "goal number 1"
    assert len(found.events) == size
    assert [run.native_run_id for run in found.runs] == ["1"]


def test_a_torn_export_keeps_the_events_before_the_tear(tmp_path):
    events = [tool(n, ROOT, f"t{n}") for n in range(20)]
    content = json.dumps({"v": 1, "goal": goal(), "events": events, "episodes": [episode(1, 0, 99)]}).encode()
    path = tmp_path / "goal-1.json"
    path.write_bytes(content[: content.index(b'"tool=t12')])
    found = reading(path, "goal-1.json")
    assert len(found.steps) == 12
    assert [finding.code for finding in found.findings if finding.severity == "error"] == ["truncated-record"]
    assert found.conversation.title == "goal number 1"


# --- what is read together -------------------------------------------------------------------------------------------


def home(directory):
    """A home with everything, and what only looks like it."""
    small(directory / "world.db")
    lines(directory / "audit" / "2026-06-02.ndjson", call(1, ROOT), result(2, ROOT))
    lines(directory / "audit" / "2026-06-03.ndjson", call(1, ROOT))
    lines(directory / "audit" / "anchors.ndjson", {"anchor": 1})
    lines(directory / "audit" / "keys" / "2026-06-02.ndjson", call(1, ROOT))
    lines(directory / "goal-1.jsonl", {"seq": 1, "t": T, "kind": "note", "agent": ROOT, "content": "x"})
    lines(directory / "trace" / "goal-2.jsonl", {"seq": 1, "t": T, "kind": "note", "agent": ROOT, "content": "x"})
    lines(directory / "traces" / "goal-3.jsonl", b"not a trace\n")
    lines(directory / "traces" / "goal-x.jsonl", b"x\n")
    lines(directory / "elsewhere" / "goal-4.jsonl", {"seq": 1, "t": T, "kind": "x", "agent": ROOT, "content": "x"})
    lines(directory / "trajectories.ndjson", {"goal_id": 1})
    (directory / "goal-1.json").write_text("{}")
    for ending in ("-wal", "-shm", "-journal"):
        (directory / f"world.db{ending}").write_bytes(b"")
    return directory


def test_companions_and_part_of_are_each_others_inverse(tmp_path):
    top = home(tmp_path / "ada")
    home(top / "tenants" / "acme")
    home(top / "traces")  # a home in a place of traces: what lies there is its own
    small(top / "copy.db")
    worlds = [path for path in top.rglob("*.db")]
    files = [path for path in top.rglob("*") if path.is_file()]
    of_world = {path: set(companions(MAVERICK, path)) for path in worlds}
    for path in files:
        owners = [each for each, beside in of_world.items() if path in beside]
        found = part_of(path)
        assert ([found[1]] if found else []) == owners, path
        assert found is None or found[0] is MAVERICK
    assert {str(path.relative_to(top)) for path in of_world[top / "world.db"]} == {
        "world.db-wal", "world.db-shm", "world.db-journal", "audit/2026-06-02.ndjson", "audit/2026-06-03.ndjson",
        "goal-1.jsonl", "trace/goal-2.jsonl", "trajectories.ndjson",
    }  # fmt: skip
    assert of_world[top / "copy.db"] == set()


def test_nothing_is_part_of_a_database_that_is_not_maverick_s(tmp_path):
    connection = sqlite3.connect(tmp_path / "world.db")
    connection.execute("CREATE TABLE other (id)")
    connection.close()
    log = lines(tmp_path / "audit" / "2026-06-02.ndjson", call(1, ROOT))
    assert part_of(log) is None
    (tmp_path / "world.db").write_bytes(b"no database")
    assert part_of(log) is None


@pytest.mark.parametrize(
    ("source_id", "tenant"),
    [
        ("world.db", None), ("tenants/acme%20corp/world.db", "acme corp"), ("a/tenants/b/tenants/c/world.db", "c"),
        ("tenants/world.db", None), ("tenants/%41/audit/2026-06-02.ndjson", "A"), ("tenants/b", None),
    ],
)  # fmt: skip
def test_the_tenant_is_the_directory_below_tenants(source_id, tenant):
    assert tenant_of(source_id) == tenant


def test_a_tenant_is_the_group_of_its_goals(tmp_path):
    path = world(tmp_path / "world.db", [goal(domain="finance")])
    assert reading(path, "x/tenants/a%2Fb/world.db").conversation.group_name == "a/b"
    assert reading(path, "x/world.db").conversation.group_name == "finance"


def test_companions_have_ids_beside_the_sources(tmp_path):
    small(tmp_path / "world.db")
    lines(tmp_path / "audit" / "2026-06-02.ndjson", call(1, ROOT), b"{torn", )  # fmt: skip
    found = reading(tmp_path / "world.db", "deep/er/world.db")
    assert {step.source_id for step in found.steps} == {"deep/er/audit/2026-06-02.ndjson"}
    assert [(finding.source_id, finding.line) for finding in found.findings] == [("deep/er/audit/2026-06-02.ndjson", 2)]
    assert found.report.bad_records == 1


# --- sealed ----------------------------------------------------------------------------------------------------------


def test_sealed_text_is_shown_as_sealed_and_numbers_are_used(tmp_path):
    sealed = "MVKAR1:AAAA"
    hidden = goal(title=sealed, description=sealed, result=sealed)
    events = [post(1, ROOT, "plan", sealed), post(2, ROOT, "observation", sealed), post(3, ROOT, "error", sealed)]
    done = episode(1, 0, 9, outcome=sealed, summary=sealed)
    found = reading(world(tmp_path / "world.db", [hidden], [done], events))
    assert found.conversation.title == "goal 1 (sealed)"
    assert "AAAA" not in "".join(map(str, found.rows))
    (run,) = found.runs
    assert (run.status, run.status_detail, run.reported_cost_usd) == ("unknown", "sealed", 0.5)
    (finding,) = found.findings
    assert (finding.code, finding.severity) == ("sealed-text", "info")
    assert finding.message.startswith("8 texts")


@pytest.mark.parametrize("magic", [b"MVKAR1\n", b"MVKAR2\n", b"MVKTEN1\n"])
def test_a_sealed_day_is_said_alone_and_beside_a_database(tmp_path, magic):
    path = lines(tmp_path / "audit" / "2026-06-02.ndjson", magic + b"\x00\xff\n{}")
    found = reading(path, "audit/2026-06-02.ndjson")
    assert found.codes() == ["sealed-text"]
    assert found.report.bad_records == 0
    small(tmp_path / "world.db")
    found = reading(tmp_path / "world.db")
    assert [(finding.code, finding.source_id) for finding in found.findings] == [
        ("sealed-text", "audit/2026-06-02.ndjson")
    ]
    assert len(found.steps) == 1


# --- the records themselves ------------------------------------------------------------------------------------------


def test_a_row_is_given_as_json(tmp_path):
    path = small(tmp_path / "world.db")
    text = record(path, 2, 1, 10_000)
    assert json.loads(text) == {
        "id": 2, "goal_id": 1, "agent": ROOT, "kind": "observation", "ts": T + 2,
        "content": "tool=read_file -> <tool_output tool='read_file' id=00aa11bb22cc33dd>\nx",
    }  # fmt: skip
    assert len(record(path, 1, 2, 10_000).split(b"\n")) == 2
    assert record(path, 1, 1, 10) == record(path, 1, 1, 10_000)[:10]
    with pytest.raises(OSError, match="not in the database"):
        record(path, 99, 1, 10)
    path.write_bytes(b"SQLite format 3\0 and nothing")
    with pytest.raises(OSError, match="cannot be read"):
        record(path, 1, 1, 10)


def test_a_line_is_given_as_it_is(tmp_path):
    path = lines(tmp_path / "2026-06-02.ndjson", call(1, ROOT), result(2, ROOT))
    (step,) = reading(path, path.name).steps
    assert record(path, step.offset, step.length, 10_000) + b"\n" == path.read_bytes()


# --- untouched -------------------------------------------------------------------------------------------------------


def contents(directory):
    return {
        path.relative_to(directory): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in directory.rglob("*")
    }


def test_a_folder_is_byte_for_byte_untouched(tmp_path):
    shutil.copytree(SAMPLES / "maverick", tmp_path / "samples")
    before = contents(tmp_path)
    for path in sorted((tmp_path / "samples").rglob("*")):
        if path.is_file():
            head_ = head(path)
            MAVERICK.claims(path, head_)
            part_of(path)
            reading(path, path.name)
    record(tmp_path / "samples" / "ada" / "world.db", 900, 1, 100)
    assert contents(tmp_path) == before


def test_what_is_still_in_the_log_is_read_and_nothing_written(tmp_path):
    path = tmp_path / "home" / "world.db"
    small(path)
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = wal")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("INSERT INTO goal_events VALUES (50, 1, ?, 'observation', 'tool=late -> x', ?)", (ROOT, T + 5))
    writer.commit()
    before = contents(tmp_path)
    assert path.with_name("world.db-wal").stat().st_size
    assert [each.name for each in reading(path).tool_calls] == ["read_file", "late"]
    assert json.loads(record(path, 50, 1, 1000))["content"] == "tool=late -> x"
    assert contents(tmp_path) == before
    shutil.copyfile(path, tmp_path / "alone.db")  # without its log
    assert len(reading(tmp_path / "alone.db").tool_calls) == 1
    writer.close()


def test_a_database_that_a_writer_has_locked_is_read(tmp_path):
    path = small(tmp_path / "home" / "world.db")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    before = contents(tmp_path)
    assert len(reading(path).steps) == 1
    assert contents(tmp_path) == before
    writer.execute("ROLLBACK")
    writer.close()


def test_a_database_that_is_written_to_meanwhile_is_said(tmp_path):
    path = small(tmp_path / "world.db")
    rows = MAVERICK.read(SourceFile(path, path.name))
    found = [next(rows)]
    writer = sqlite3.connect(path)
    writer.execute("INSERT INTO goals (id, title) VALUES (99, 'new')")
    writer.commit()
    writer.close()
    found += rows
    assert [row.code for row in found if hasattr(row, "code")] == ["changed-while-read"]


# --- in several parts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [2, 5])
def test_what_is_read_in_parts_is_what_is_read_at_once(tmp_path, of):
    fork = saved(1, 1, goal_id=5, episode_id=2)  # goal 5 was forked from goal 2, so that both are in one part
    goals = [goal(number, parent_id=2 if number == 5 else None) for number in range(1, 6)]
    events = [tool(at, ROOT, f"t{at}") | {"goal_id": at % 5 + 1} for at in range(60)] + [
        tool(70, ROOT) | {"goal_id": "x"}
    ]
    path = world(tmp_path / "world.db", goals, [episode(n, 0, 99, goal_id=n) for n in range(1, 5)], events, [fork])
    logged = [call(at, ROOT, "a") | {"goal_id": at % 7} for at in range(40)]
    lines(tmp_path / "audit" / "2026-06-02.ndjson", *logged, b"no json\n", b'{"goal_id": 3, \n')
    lines(tmp_path / "goal-4.jsonl", {"seq": 1, "t": T, "kind": "note", "agent": ROOT_2, "content": "x"}, b"no json\n")

    def known(found):
        findings = Counter((each.code, each.source_id, each.line, each.message) for each in found.findings)
        others = Counter(repr(row) for row in found.rows if type(row).__name__ != "Finding")
        return findings, others, found.report.bad_records

    parts = [Reading(list(MAVERICK.read(SourceFile(path, "world.db", {}, (number, of))))) for number in range(of)]
    findings, others, bad = (sum(each, type(each[0])()) for each in zip(*map(known, parts), strict=True))
    assert (findings, others, bad) == known(reading(path))
    assert {edge.from_run_id for part in parts for edge in part.edges if edge.kind == "fork"} == {
        "world.db//goal-2/orchestrator-0/1"
    }
    assert sum(bool(part.runs) for part in parts) >= 2
    assert len({each.finding_id for part in parts for each in part.findings}) == sum(findings.values())


def test_a_home_is_read_in_as_many_parts_as_it_is_large(tmp_path):
    events = [tool(1, ROOT) | {"id": row} for row in (1, 2_000_000)]
    path = world(tmp_path / "world.db", [goal()], [], events)
    assert shares(path) == 8
    lines(tmp_path / "audit" / "2026-06-02.ndjson", call(1, ROOT))
    assert shares(path) == 4  # each of them reads all of the log
    assert shares(small(tmp_path / "small" / "world.db")) == 1
