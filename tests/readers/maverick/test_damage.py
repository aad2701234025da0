"""Databases and logs that are damaged, or hold what no Maverick wrote: what is readable is read, the rest is said."""

import json
import random
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.readers.maverick.worlds import (
    CHECKPOINTS,
    EPISODES,
    EVENTS,
    GOALS,
    ROOT,
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
from tests.readers.test_contract import assert_sound
from tests.strategies import texts

COUNT = 4000
"""Posts of a goal, over many pages."""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A database of many pages: three goals, the middle one with most of it."""
    goals = [goal(n) for n in (1, 2, 3)]
    episodes = [episode(n, 0, 99_999, goal_id=n) for n in (1, 2, 3)]
    events = [
        tool(n / 10, ROOT, f"t{n}") | {"goal_id": 1 if n < 100 else 3 if n > COUNT - 100 else 2} for n in range(COUNT)
    ]
    rows = [saved(1, 1, [{"role": "user", "content": "x" * 20_000}])]
    return world(tmp_path_factory.mktemp("large") / "world.db", goals, episodes, events, rows)


def of_goal(found, number):
    return [step for step in found.steps if f"goal-{number}/" in step.run_id]


def test_a_whole_database_has_all_its_steps(large):
    found = reading(large)
    assert [len(of_goal(found, n)) for n in (1, 2, 3)] == [100, COUNT - 199, 99]
    assert found.findings == [] or {each.code for each in found.findings} <= {"bad-record"}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_database_that_is_cut_off_keeps_what_is_there(large, tmp_path, share):
    content = large.read_bytes()
    path = tmp_path / "world.db"
    path.write_bytes(content[: int(len(content) * share)])
    found = reading(path)
    assert_sound(found)
    assert "damaged-database" in found.codes()
    assert any(finding.severity == "error" for finding in found.findings)
    whole = {step.offset: step for step in reading(large).steps}
    assert all(whole[step.offset].start_ms == step.start_ms for step in found.steps)
    if share > 0.5:
        assert len(found.steps) > COUNT * share / 2


def test_a_page_of_events_costs_its_rows(large, tmp_path):
    content = bytearray(large.read_bytes())
    at = content.index(b"tool=t2000 -> ") // 4096 * 4096
    content[at : at + 4096] = bytes(4096)
    path = tmp_path / "world.db"
    path.write_bytes(content)
    found = reading(path)
    assert_sound(found)
    lost = COUNT - 0 - len(found.steps)
    assert 0 < lost < 100
    assert [len(of_goal(found, n)) for n in (1, 3)] == [100, 99]
    messages = [finding.message for finding in found.findings if finding.code == "damaged-database"]
    assert any("goal_events" in message for message in messages)
    assert len(messages) <= 4


def test_pages_overwritten_anywhere_never_raise(large, tmp_path):
    content = large.read_bytes()
    rng = random.Random("pages")
    path = tmp_path / "world.db"
    for _ in range(25):
        damaged = bytearray(content)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(content) // 4096) * 4096 + rng.choice([0, 0, 8, 100, 2000])
            damaged[at : at + rng.choice([1, 4, 60])] = bytes(rng.randrange(256) for _ in range(rng.choice([1, 4, 60])))
        path.write_bytes(damaged[: len(content)])
        assert_sound(reading(path))


def test_bytes_flipped_in_small_databases_never_raise(tmp_path):
    path = world(tmp_path / "world.db", [goal()], [episode(1, 0, 9)], [plan(1, ROOT), tool(2, ROOT)], [saved(1, 1)])
    content = path.read_bytes()
    rng = random.Random("bytes")
    for _ in range(80):
        damaged = bytearray(content)
        for _ in range(rng.randrange(1, 30)):
            damaged[rng.randrange(16, len(content))] = rng.randrange(256)
        path.write_bytes(damaged)
        assert_sound(reading(path))


def test_what_is_no_database_at_all_is_said(tmp_path):
    path = tmp_path / "world.db"
    path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    found = reading(path)
    assert [(finding.code, finding.severity) for finding in found.findings] == [("damaged-database", "error")]


# --- values that no Maverick writes ----------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), texts(12), st.binary(max_size=12),
    st.sampled_from([
        ROOT, "orchestrator-0", "plan", "finding", "error", "observation", "tool=a -> b", "tool=a DENIED", "MVKAR1:x",
        "role=r depth=1 brief=b", f"spawning swarm of 1: r({ROOT})", "spawning swarm of 1: r(r-1-abcdef)", "r-1-abcdef",
        "1780400001", b"\xff\xfe", "a\0b", "[]", "{}", '[{"role":"assistant","content":[{"type":"tool_use"}]}]', 1, 2,
        1780400001.5, float("nan"), float("inf"), 1e308, "success", "nan",
    ]),
)  # fmt: skip


def columns(table):
    return [column.split()[0] for column in table.split(", ")]


def rows(table):
    names = columns(table)
    return st.lists(st.tuples(*([VALUES] * (len(names) - 1))), max_size=5)


@given(rows(GOALS), rows(EPISODES), rows(EVENTS), rows(CHECKPOINTS))
def test_any_values_in_any_columns_never_raise(goals, episodes, events, checkpoints):
    tables = {
        "goals": (GOALS, goals), "episodes": (EPISODES, episodes), "goal_events": (EVENTS, events),
        "checkpoints": (CHECKPOINTS.replace(" NOT NULL", ""), checkpoints),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "world.db"
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE schema_version (version)")
        for name, (table, values) in tables.items():
            loose = ", ".join([columns(table)[0] + " INTEGER PRIMARY KEY", *columns(table)[1:]])
            connection.execute(f"CREATE TABLE {name} ({loose})")
            for value in values:
                marks = ", ".join("?" * (len(value) + 1))
                connection.execute(f"INSERT INTO {name} VALUES ({marks})", (None, *value))
        connection.commit()
        connection.close()
        found = reading(path)
        assert_sound(found)
        assert len([each for each in found.conversations if each.title]) >= len(goals)


LINES = st.dictionaries(
    st.sampled_from([
        "v", "ts", "kind", "agent", "goal_id", "name", "status", "input_summary", "output_summary", "seq", "t",
        "content", "episode_id", "step", "role", "tool", "is_final", "parent_step", "error", "tool_succeeded", "domain",
    ]),
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from([
            ROOT, "r-1-abcdef", "tool_call", "tool_result", "goal_start", "goal_end", "halt", "capability_denied", "a",
            "spawn_subagent", "spawn_swarm", "plan", "finding", "orchestrator", "ok", "error",
            "spawning swarm of 1: r(r-1-abcdef)", "tool=a -> b", 1, 2, 1780400001.5,
        ]),
        st.lists(st.integers(), max_size=2),
    ),
)  # fmt: skip


@given(
    st.lists(st.one_of(LINES, st.binary(max_size=20)), max_size=12),
    st.sampled_from(["2026-06-02.ndjson", "goal-1.jsonl", "trajectories.ndjson"]),
)
def test_any_fields_in_any_lines_never_raise(records, name):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / name
        found = reading(lines(path, *records), name)
        assert_sound(found)
        recorded = [record for record in records if isinstance(record, dict)]
        assert len(found.steps) <= len(recorded)


def is_json(value):
    """Whether the json module writes it as others read it."""
    return not isinstance(value, bytes) and not (isinstance(value, float) and not abs(value) < 1e300)


NAMES = st.sampled_from(["v", "goal", "events", "episodes", "id", "agent", "kind", "content", "ts", "title"])
JSON = st.recursive(
    VALUES.filter(is_json),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)


@given(JSON)
def test_any_export_never_raises(value):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "goal-1.json"
        path.write_text(json.dumps(value))
        assert_sound(reading(path, "goal-1.json"))
        path.write_text(json.dumps({"v": 1, "goal": value, "events": [value], "episodes": [value]}))
        assert_sound(reading(path, "goal-1.json"))


def test_wrong_values_are_said_and_not_recorded(tmp_path):
    odd = episode(1, 0, 9, cost_dollars="much", input_tokens=-5, output_tokens=1.5, tool_calls=b"\xff")
    path = world(tmp_path / "world.db", [goal(title=b"\xff\xfe", created_at="then")], [odd], [tool(1, ROOT)])
    found = reading(path)
    (run,) = found.runs
    assert (run.reported_cost_usd, run.reported_input_tokens, run.reported_output_tokens, run.reported_tool_calls) == (
        None, None, None, None,
    )  # fmt: skip
    assert found.conversation.title == "\\xff\\xfe"
    messages = [finding.message for finding in found.findings if finding.code == "bad-field"]
    assert [message.split(" is ")[0] for message in messages] == [
        "goal 1: created_at", "episode 1: cost_dollars", "episode 1: input_tokens", "episode 1: output_tokens",
        "episode 1: tool_calls",
    ]  # fmt: skip


def test_rows_that_name_no_goal_are_left_out_and_counted(tmp_path):
    events = [tool(1, ROOT), tool(2, ROOT) | {"goal_id": "none"}, tool(3, ROOT) | {"goal_id": None}]
    found = reading(world(tmp_path / "world.db", [goal()], [episode(1, 0, 9)], events))
    assert len(found.steps) == 1
    assert sorted(finding.message for finding in found.findings) == [
        "row 2 of goal_events is of no goal: left out",
        "row 3 of goal_events is of no goal: left out",
    ]


def test_newer_columns_and_tables_do_no_harm(tmp_path):
    more = "ALTER TABLE goals ADD COLUMN mood TEXT; CREATE TABLE moods (id); ALTER TABLE goal_events ADD COLUMN hue"
    found = reading(world(tmp_path / "world.db", [goal()], [episode(1, 0, 9)], [tool(1, ROOT)], more=more))
    assert (len(found.steps), found.codes()) == (1, [])


def test_a_file_of_the_log_that_is_gone_is_said(tmp_path):
    world(tmp_path / "world.db", [goal()], [episode(1, 0, 9)], [tool(1, ROOT)])
    path = lines(tmp_path / "audit" / "2026-06-02.ndjson", call(1, ROOT), result(2, ROOT))
    path.chmod(0)
    found = reading(tmp_path / "world.db")
    if found.codes():  # whoever may read everything reads it
        assert found.codes() == ["unreadable-source"]
    assert len(found.steps) == 1


@pytest.mark.parametrize("held", [1, 1000])
def test_a_broken_line_of_the_log_costs_itself_and_is_said_once_with_its_place(tmp_path, monkeypatch, held):
    from explorer.readers.maverick import _evidence

    monkeypatch.setattr(_evidence, "HELD", held)
    broken = b'{"goal_id": 1, "v": 1, "kind": "tool_call", \xff}\n'
    # A key of an inner object, or two of one name: not the goal of the line until all of it is read.
    inner = call(3, ROOT, "b") | {"goal_id": 2, "input": {"goal_id": 1}}
    alone = {"v": 1, "ts": 1_780_400_001.0, "kind": "note", "agent": ROOT, "input": {"goal_id": 7}}
    log = call(1, ROOT, "a"), broken, inner, alone, result(2, ROOT, "a"), b"no json\n", call(4, ROOT, "c")
    lines(tmp_path / "audit" / "2026-06-02.ndjson", *log)
    found = reading(world(tmp_path / "world.db", [goal(1), goal(2)], [episode(1, 0, 9)], [plan(0, ROOT)]))
    assert [(each.code, each.line) for each in found.findings] == [("bad-record", 6), ("bad-record", 2)]
    assert found.report.bad_records == 2
    names = {(each.run_id.split("/")[2], each.name) for each in found.tool_calls}
    assert names == {("goal-1", "a"), ("goal-1", "c"), ("goal-2", "b")}
    assert len(found.conversations) == 2


def test_a_million_findings_are_a_hundred(tmp_path):
    events = [post(1, ROOT, "note", "x", ts="never") for _ in range(500)]
    found = reading(world(tmp_path / "world.db", [goal()], [episode(1, 0, 9)], events))
    assert len(found.findings) == 101
    assert found.findings[-1].message.startswith("400 more")
