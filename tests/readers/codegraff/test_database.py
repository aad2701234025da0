"""Databases as they are found: against the simulation, odd, damaged, being written to; and never touched."""

import hashlib
import json
import os
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing
from itertools import product

import pytest
from hypothesis import settings

from explorer.model import Conversation, Finding
from explorer.readers import SourceFile, claim, companions, part_of, readers
from explorer.readers.codegraff import record, shares
from tests.readers.codegraff.judging import judge_reading, reported, sums, usage
from tests.readers.codegraff.simulator import SCHEMA, Simulation, fan_out
from tests.readers.codegraff.writing import (
    LEFT,
    ROOT,
    call,
    conversation,
    database,
    end,
    example,
    in_order,
    of_siblings,
    result,
    row,
    siblings,
    start,
    text,
)
from tests.readers.codegraff.writing import usage as counts
from tests.readers.reading import Reading, head, read, single
from tests.readers.test_contract import assert_sound

C = f"s//{ROOT}"


def codegraff(path):
    return read(path, "s", reader="codegraff")


def one_run(*payloads):
    """The rows of one run."""
    return [row(901 + n, n, payload) for n, payload in enumerate(payloads)]


# --- against the truth -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case", product((1, 2, 3), ("together", "staggered", "nested"), ("provider", "anonymous", "repeated")),
    ids=lambda case: "-".join(map(str, case)),
)  # fmt: skip
@pytest.mark.parametrize("with_messages", [False, True])
def test_runs_totals_and_calls_are_those_of_the_simulation(tmp_path, case, with_messages):
    siblings_, shape, call_ids = case
    options = {"together": {}, "staggered": {"stagger": 700}, "nested": {"nested": True}}[shape]
    for seed, root in product(range(2), ("forge", "sage")):
        simulation = fan_out(seed, siblings_, root=root, call_ids=call_ids, **options)
        found = codegraff(simulation.write(tmp_path / f"{seed}{root}.db", contexts=with_messages))
        assert_sound(found)
        assert reported(found) == sums(simulation)
        told = judge_reading(simulation, found)
        assert told.wrong["exact"] == told.wrong["derived"] == 0
        if call_ids == "provider" or with_messages:
            assert len(found.runs) == len(simulation.runs)
            assert len(found.tool_calls) == sum(run.tool_calls for run in simulation.runs)
        if with_messages:
            tokens = [sum(getattr(s, f"{name}_tokens") or 0 for s in found.steps) for name in ("input", "output")]
            assert tuple(tokens) == usage(simulation)
            assert len(found.steps) == sum(r.turns for r in simulation.runs) + len(found.events)
        assert {"run-collision", "repeated-call-id"} >= set(found.codes())


def test_parents_are_those_of_the_simulation(tmp_path):
    for seed in range(5):
        simulation = fan_out(seed, 3, nested=True)
        found = codegraff(simulation.write(tmp_path / f"{seed}.db"))
        true = {run.conversation: run.parent and run.parent.conversation for run in simulation.runs}
        native = {run.run_id: run.native_run_id or simulation.root_id for run in found.runs}
        assert {native[r.run_id]: native.get(r.parent_run_id) for r in found.runs} == true
        assert {agent.parent_grade for agent in found.agents} == {"exact"}


def test_several_runs_of_a_conversation_one_after_the_other(tmp_path):
    """One for each message of the user: no siblings, and nothing in doubt."""
    simulation = Simulation(7)
    for n in range(3):
        simulation.begin(simulation.run("forge", task=f"request {n}", version=f"sha256:{n}a1b2c3d4e5f6071"))
        simulation.play()
    found = codegraff(simulation.write(tmp_path / "x.db"))
    assert len(found.runs) == len(found.agents) == 3
    assert {step.grade for step in found.steps} == {"exact"}
    assert found.codes() == []
    assert reported(found) == sums(simulation)
    by_run = Counter(step.run_id for step in found.steps if step.input_tokens)
    assert sorted(by_run.values()) == sorted(run.turns for run in simulation.runs)


def test_generation_1_has_events_of_the_root_alone(tmp_path):
    simulation = Simulation(3, errors=0.0)
    simulation.begin(simulation.run("forge", plan=[[("sage", ["a", "b"], None)]]))
    simulation.play()
    simulation.rows = [each for each in simulation.rows if each.run.parent is None]
    for with_messages in (True, False):
        found = codegraff(simulation.write(tmp_path / f"{with_messages}.db", contexts=with_messages))
        assert len(found.runs) == 3
        assert sorted(filter(None, (run.native_run_id for run in found.runs))) == sorted(
            run.conversation for run in simulation.runs if run.parent
        )
        below = [step for step in found.steps if "/sage/" in step.run_id]
        assert len(below) == (sum(run.turns for run in simulation.runs if run.parent) if with_messages else 0)
        assert found.codes() == []


def test_rows_of_the_first_day(tmp_path):
    simulation = Simulation(5, bookends=False)
    simulation.begin(simulation.run("forge"))
    simulation.play()
    found = codegraff(simulation.write(tmp_path / "x.db", contexts=False))
    (run,) = found.runs
    assert (run.status, run.reported_steps, run.model) == ("unknown", None, None)
    assert run.status_detail == "neither start nor end was recorded"
    assert len(found.tool_calls) == simulation.runs[0].tool_calls


def test_many_conversations_in_one_database(tmp_path):
    """They lie between each other; each is read by itself."""
    simulations = [fan_out(seed, 2) for seed in range(5)]
    rows = sorted((each for simulation in simulations for each in simulation.rows), key=lambda each: each.ts_ms)
    path = simulations[0].write(tmp_path / "x.db", events=False)
    with closing(sqlite3.connect(path)) as connection, connection:
        for simulation in simulations[1:]:
            connection.executemany("INSERT INTO conversations VALUES (?,?,?,?,?,?,?)", simulation.conversations())
        for number, each in enumerate(rows, 1):
            values = number, each.conversation_id, each.agent_id, each.parent_agent_id, each.seq, each.ts_ms, each.kind
            connection.execute(
                "INSERT INTO trajectory_events VALUES (?,?,?,?,?,?,?,?)", (*values, json.dumps(each.payload))
            )
    found = codegraff(path)
    assert len(found.conversations) == 5
    assert reported(found) == sorted(each for simulation in simulations for each in sums(simulation))
    assert_sound(found)


# --- odd -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "code", "severity"),
    [
        (one_run(start(), call("a"), call("a"), result("a"), result("a"), end(calls=2)), "repeated-call-id", "info"),
        ([row(901, 0, start()), row(902, 3, end(calls=0))], "seq-gap", "warning"),
        (one_run(end()), "missing-start", "warning"),
        (one_run(start(), result("a")), "unpaired-result", "warning"),
        (one_run(start(), {"kind": "telemetry", "x": 1}), "unknown-kind", "info"),
        ([row(901, 0, start(), kind="tool_call")], "kind-mismatch", "warning"),
        ([row(901, 0, start()), row(902, 1, {"no": "kind"}, kind="error")], "kind-mismatch", "warning"),
        ([row(901, 0, start()), row(902, 1, call("a"), ts=1_000_000)], "clock-backwards", "info"),
        ([row(901, 0, start()), row(902, 1, "{not json")], "bad-record", "error"),
        ([row(901, 0, start()), row(902, 1, '["a list"]')], "bad-record", "error"),
        ([row(901, 0, start()), row(902, "many", call("a"))], "bad-record", "error"),
        ([row(901, 0, start(), ts="noon")], "bad-field", "warning"),
    ],
)
def test_what_is_odd_is_a_finding_and_the_rest_is_read(reading, events, code, severity):
    found = reading(events)
    assert_sound(found)
    finding = next(finding for finding in found.findings if finding.code == code)
    assert finding.severity == severity
    assert finding.conversation_id == C
    assert "row 90" in finding.message
    assert len(found.runs) == 1
    assert found.report.bad_records == (code == "bad-record")


def test_a_call_without_a_result_was_killed_in_the_tool(reading):
    found = reading(one_run(start(), call("a")))
    (tool_call,) = found.tool_calls
    assert (tool_call.is_error, tool_call.end_ms, tool_call.length) == (None, None, 1)
    assert found.runs[0].status == "running"


def test_ids_that_the_recorder_made_up_pair_with_the_nearest(reading):
    found = reading(
        one_run(start(), call("anon-read"), result("anon-read"), call("anon-read"), result("anon-read"), end(calls=2))
    )
    assert [(each.offset, each.length) for each in found.tool_calls] == [(902, 2), (904, 2)]
    assert found.codes() == ["repeated-call-id"]


def test_tasks_of_one_session_run_at_once_in_one_conversation(reading):
    """``session_id``: the last to write wins, so the conversation has the messages of one of them."""
    values = [{"_kind": "ai", "value": "", "conversation_id": LEFT}] * 2
    asked = {"agent_id": "sage", "tasks": ["x", "y"], "session_id": LEFT}
    root = [row(901, 0, start()), row(902, 1, call("t", "task", **asked), ts=1_780_300_003_000)]
    root += [row(903, 2, result("t", "task", values), ts=1_780_300_090_000), row(904, 3, end(), ts=1_780_300_093_000)]
    found = reading(
        in_order(root, siblings()), [conversation(LEFT, of_siblings()[1]["context"]["messages"], "x", True)]
    )
    assert_sound(found)
    assert len([run for run in found.runs if run.parent_run_id]) == 2
    assert sorted(run.reported_input_tokens for run in found.runs) == [3_000, 5_000, 41_200]
    assert len(found.tool_calls) == 3


def test_a_conversation_whose_row_was_deleted_is_known_by_its_events(reading):
    found = reading(in_order(example(), siblings()), of_siblings()[1:])
    assert found.conversation.title == ROOT
    assert {run.native_run_id for run in found.runs if run.parent_run_id} == {
        each["conversation_id"] for each in of_siblings()[1:]
    }


ODD = (None, 7, -1, 2**62, 2.5, "text", b"\xff\xfe", b"", "", "\ud800".encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "column", ["conversation_id", "agent_id", "parent_agent_id", "seq", "ts_ms", "kind", "payload"]
)
def test_every_column_may_hold_anything(reading, column):
    """SQLite keeps to no types."""
    for number, value in enumerate(ODD):
        schema = SCHEMA.replace(" NOT NULL", "").replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")
        schema = schema.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS")
        events = [each | ({column: value, "id": each["id"] + 10 * number}) for each in example()]
        try:
            found = reading(events, schema=schema)
        except sqlite3.Error:
            continue
        assert_sound(found)
        untyped = column == "conversation_id" and (value is None or isinstance(value, bytes))
        assert "bad-record" in found.codes() if untyped else found.conversations


@pytest.mark.parametrize("column", ["title", "workspace_id", "context", "created_at", "updated_at", "metrics"])
def test_every_column_of_conversations_may_hold_anything(tmp_path, column):
    schema = SCHEMA.replace(" NOT NULL", "")
    messages = [text("User", "go"), text("Assistant", "Done.", usage=counts(10, 1))]
    for number, value in enumerate((*ODD, "[]", "{}", '{"messages":7}', '{"messages":[7,{},{"text":3}]}')):
        rows = [conversation(ROOT, messages, "x") | {column: value}, conversation(LEFT, messages, "whole")]
        found = codegraff(database(tmp_path / f"{number}.db", (), rows, schema=schema))
        assert_sound(found)
        assert {each.title for each in found.conversations} >= {"whole"}
        assert [step.input_tokens for step in found.steps if LEFT in step.run_id] == [10]


def test_a_huge_payload_is_read_and_only_as_much_of_it_shown_as_is_asked_for(tmp_path):
    huge = result("a", values=["x" * 5_000_000])
    path = database(tmp_path / "x.db", one_run(start(), call("a"), huge, end()))
    found = codegraff(path)
    (tool_call,) = found.tool_calls
    assert found.codes() == []
    shown = record(path, tool_call.offset, tool_call.length, 10_000)
    assert len(shown) == 10_000


def test_names_that_look_like_paths_stay_names(reading):
    found = reading([row(901, 0, start("a/b"), "a/b"), row(902, 1, end(1, 0), "a/b")])
    assert found.runs[0].run_id == f"{C}/a∕b/1"
    assert found.agents[0].name == "a/b"


# --- the recorded text -----------------------------------------------------------------------------------------------


def test_the_record_of_a_step_is_what_its_rows_say(tmp_path):
    path = database(tmp_path / "x.db", in_order(example(), siblings()))
    found = codegraff(path)
    by_call = {each.tool_call_id: each for each in found.tool_calls}
    for call_id in ("c_91", "c_a", "c_b"):
        lines = record(path, by_call[call_id].offset, by_call[call_id].length, 1 << 20).split(b"\n")
        payloads = [json.loads(line) for line in lines]
        assert [(each["kind"], each["call_id"]) for each in payloads] == [
            ("tool_call", call_id), ("tool_result", call_id),
        ]  # fmt: skip


def test_a_record_that_is_gone_is_an_oserror(tmp_path):
    path = database(tmp_path / "x.db", example())
    with pytest.raises(OSError, match="not in the database any more"):
        record(path, 5_000, 1, 100)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(OSError):
        record(path, 902, 2, 100)


# --- claiming --------------------------------------------------------------------------------------------------------


def test_databases_of_others_are_not_claimed(tmp_path):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE conversations (id INTEGER, title TEXT)")
    assert claim(path, head(path)) is None
    assert claim(tmp_path, None) is None


def test_both_generations_and_upstream_are_claimed(tmp_path):
    whole = database(tmp_path / "codegraff.db", example())
    upstream = database(tmp_path / "forge.db", (), of_siblings(), schema=SCHEMA[: SCHEMA.index("CREATE TABLE traj")])
    for path in (whole, upstream):
        assert claim(path, head(path)).NAME == "codegraff"
    assert len(codegraff(upstream).conversations) == 1


# --- being written to ------------------------------------------------------------------------------------------------


def fingerprint(directory):
    """Names, sizes, times and contents of everything in a directory."""
    return {
        each.name: (each.stat().st_size, each.stat().st_mtime_ns, hashlib.sha256(each.read_bytes()).hexdigest())
        for each in sorted(directory.iterdir())
    } | {"": directory.stat().st_mtime_ns}


@pytest.fixture
def logged(tmp_path):
    """A database with rows that are in its write-ahead log alone, and a writer that has it open."""
    path = database(tmp_path / "live" / ".forge.db", example()[:2])
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        for each in example()[2:]:
            values = [json.dumps(value) if isinstance(value, dict) else value for value in each.values()]
            writer.execute("INSERT INTO trajectory_events VALUES (?,?,?,?,?,?,?,?)", values)
        writer.commit()
        yield path, writer


def test_what_is_in_the_log_alone_is_read(logged):
    path, _ = logged
    before = fingerprint(path.parent)
    assert "/.forge.db-wal" in "".join(f"/{name}" for name in before)
    found = codegraff(path)
    assert found.runs[0].reported_input_tokens == 41_200
    assert found.codes() == []
    assert fingerprint(path.parent) == before
    assert record(path, 902, 2, 1 << 20).count(b"\n") == 1
    assert shares(path) == 1
    assert fingerprint(path.parent) == before


def test_the_log_belongs_to_its_database(logged):
    path, _ = logged
    reader = claim(path, head(path))
    beside = companions(reader, path)
    assert {each.name for each in beside} == {".forge.db-wal", ".forge.db-shm"}
    for each in beside:
        assert part_of(each) == (reader, path)
    assert part_of(path) is None


def test_a_writer_in_the_middle_of_a_change_is_not_waited_for(logged):
    path, writer = logged
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM trajectory_events")
    before = fingerprint(path.parent)
    began = time.monotonic()
    found = codegraff(path)
    assert time.monotonic() - began < 5
    assert len(found.steps) == 1  # what is not committed did not happen
    assert fingerprint(path.parent) == before
    writer.rollback()


def test_a_database_whose_log_is_gone_is_read_without_it(logged, tmp_path):
    path, _ = logged
    alone = tmp_path / "copy.db"
    alone.write_bytes(path.read_bytes())
    found = codegraff(alone)
    assert len(found.tool_calls) == 1
    assert found.runs[0].status == "running"


def test_a_log_that_is_none_changes_nothing(tmp_path):
    other = database(tmp_path / "b" / ".forge.db", siblings())
    (tmp_path / "b" / ".forge.db-wal").write_bytes(random.Random(1).randbytes(50_000))
    before = fingerprint(other.parent)
    assert len(codegraff(other).tool_calls) == 2
    assert fingerprint(other.parent) == before


def test_a_change_that_was_not_finished_is_undone_in_a_copy(tmp_path):
    """A hot journal: the writer was killed with some of its pages written."""
    directory = tmp_path / "hot"
    path = database(directory / ".forge.db", example())
    clean = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = delete")
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN")
        for number in range(2_000, 2_600):
            each = row(number, number, result("z", values=["x" * 3_000]))
            values = [json.dumps(value) if isinstance(value, dict) else value for value in each.values()]
            writer.execute("INSERT INTO trajectory_events VALUES (?,?,?,?,?,?,?,?)", values)
        torn, journal = path.read_bytes(), (directory / ".forge.db-journal").read_bytes()
        writer.execute("ROLLBACK")
    assert torn != clean
    path.write_bytes(torn)
    (directory / ".forge.db-journal").write_bytes(journal)
    before = fingerprint(directory)
    found = codegraff(path)
    assert len(found.tool_calls) == 1
    assert fingerprint(directory) == before


def test_rows_added_while_it_is_read_are_told(tmp_path):
    path = database(
        tmp_path / "x.db", in_order(*([each | {"conversation_id": f"{n}"} for each in example()] for n in range(50)))
    )
    rows = readers()["codegraff"].read(SourceFile(path, "s"))
    first = next(rows)
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("INSERT INTO trajectory_events VALUES (9999, 'new', 'forge', NULL, 0, 1, 'tool_call', '{}')")
    found = Reading([first, *rows])
    assert_sound(found)
    assert "changed-while-read" in found.codes()


def test_nothing_is_written_where_nothing_may_be(tmp_path):
    directory = tmp_path / "read-only"
    path = database(directory / ".forge.db", example(), of_siblings())
    path.chmod(0o444)
    directory.chmod(0o555)
    before = fingerprint(directory)
    try:
        assert len(codegraff(path).runs) == 3
        assert record(path, 902, 2, 100)
        assert fingerprint(directory) == before
    finally:
        directory.chmod(0o755)


# --- damaged ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A database of some hundred pages."""
    simulation = fan_out(1, 3)
    path = simulation.write(tmp_path_factory.mktemp("large") / "x.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(40):
            payloads = start(), call("a", p="x" * 900), result("a", values=["y" * 2_000]), end()
            rows = [
                row(10_000 + 10 * number + n, n, each, conversation=f"{number:036}") for n, each in enumerate(payloads)
            ]
            for each in rows:
                values = [json.dumps(value) if isinstance(value, dict) else value for value in each.values()]
                connection.execute("INSERT INTO trajectory_events VALUES (?,?,?,?,?,?,?,?)", values)
    return path


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(large, tmp_path):
    content = large.read_bytes()
    whole = codegraff(large)
    for share in (0.2, 0.5, 0.9, 0.999):
        path = tmp_path / "cut.db"
        path.write_bytes(content[: int(len(content) * share)])
        found = codegraff(path)
        assert_sound(found)
        assert "damaged-database" in found.codes()
        assert len(found.steps) < len(whole.steps)
        assert share < 0.9 or len(found.steps) > len(whole.steps) // 4


def test_pages_that_are_damaged_cost_what_is_on_them(large, tmp_path):
    content, whole = large.read_bytes(), codegraff(large)
    rng = random.Random("pages")
    for _ in range(settings.default.max_examples // 4):
        damaged = bytearray(content)
        for page in rng.sample(range(1, len(content) // 4096), rng.choice((1, 2, 5))):
            kind = rng.choice(("zeros", "noise", "bit"))
            at = page * 4096
            if kind == "bit":
                damaged[at + rng.randrange(4096)] ^= 1 << rng.randrange(8)
            else:
                damaged[at : at + 4096] = bytes(4096) if kind == "zeros" else rng.randbytes(4096)
        path = tmp_path / "damaged.db"
        path.write_bytes(damaged)
        found = codegraff(path)
        assert_sound(found)
        lost = {each.offset for each in whole.tool_calls} - {each.offset for each in found.tool_calls}
        if lost - {None}:
            assert [finding for finding in found.findings if finding.severity in ("error", "warning")]


def test_a_header_that_is_damaged_never_raises(large, tmp_path):
    content, rng = large.read_bytes(), random.Random("header")
    for _ in range(40):
        damaged = bytearray(content)
        damaged[rng.randrange(16, 200)] = rng.randrange(256)
        path = tmp_path / "damaged.db"
        path.write_bytes(damaged)
        assert_sound(codegraff(path))


# --- in several parts ------------------------------------------------------------------------------------------------


def in_parts(path, of):
    rows = [
        each for number in range(of) for each in readers()["codegraff"].read(SourceFile(path, "s", {}, (number, of)))
    ]
    return [each for row_ in rows if type(row_).__name__ != "Report" for each in single(row_)]


@pytest.mark.parametrize("of", [2, 3, 7])
def test_what_is_read_in_parts_is_what_is_read_at_once(large, tmp_path, of):
    def known(rows):
        return Counter(repr(each) for each in rows if type(each).__name__ != "Finding")

    assert known(in_parts(large, of)) == known(codegraff(large).rows)
    # A conversation that an agent began, of which nothing tells, though it began while others went on.
    orphan = conversation("orphan", [text("Assistant", usage=counts(1, 1))], "x", True, "2026-06-01 07:46:45.000")
    events = [each | {"conversation_id": f"{n}"} for n in range(8) for each in example()]
    path = database(tmp_path / "x.db", in_order(events), [orphan])
    assert known(in_parts(path, of)) == known(codegraff(path).rows)


def test_parts_have_as_many_events_and_what_is_of_no_conversation_is_told_once(tmp_path):
    events = in_order([each | {"conversation_id": f"{n}"} for n in range(8) for each in example()])
    nameless = [events[0] | {"id": 933 + n, "conversation_id": value} for n, value in enumerate((None, b"0", b"9"))]
    path = database(tmp_path / "x.db", [*events, *nameless], schema=SCHEMA.replace(" NOT NULL", ""))
    parts = [list(readers()["codegraff"].read(SourceFile(path, "s", {}, (number, 4)))) for number in range(4)]
    assert [sum(isinstance(row_, Conversation) for row_ in part) for part in parts] == [2, 2, 2, 2]
    (finding,) = [row_ for part in parts for row_ in part if isinstance(row_, Finding) and row_.code == "bad-record"]
    assert finding.message.startswith("3 events")


def test_a_small_database_is_read_at_once(large):
    assert shares(large) == 1


def test_the_working_directory_holds_nothing_of_it(large, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codegraff(large)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
