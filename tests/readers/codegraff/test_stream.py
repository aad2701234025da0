"""Events captured live: with ``run_id``, without it, with it twice, and damaged."""

import json
import random
from itertools import product

import pytest

from explorer.readers import claim
from tests.readers.codegraff.judging import reported, sums
from tests.readers.codegraff.simulator import fan_out
from tests.readers.codegraff.writing import (
    ROOT,
    call,
    database,
    end,
    example,
    in_order,
    of_siblings,
    result,
    row,
    siblings,
    start,
    wire,
)
from tests.readers.reading import head, line, read
from tests.readers.test_contract import assert_sound

C = f"s//{ROOT}"


@pytest.fixture
def stream(tmp_path):
    """Write events, one a line or as an array, and read them as the source ``s``."""

    def written(events, array=False, name="events.jsonl", between=b"\n"):
        path = tmp_path / name
        lines = [each if isinstance(each, bytes) else line(each) for each in events]
        path.write_bytes(b"[" + b",".join(lines) + b"]" if array else between.join(lines))
        assert claim(path, head(path)).NAME == "codegraff"
        return read(path, "s", reader="codegraff")

    return written


def stamped(simulation, **more):
    """The events of a simulation with the ids of their runs."""
    return [each | more for each in simulation.with_run_ids()]


def of_runs(simulation):
    """Place in the stream -> the number of its run."""
    return [each.run.number for each in simulation.rows]


# --- with and without ids --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("call_ids", ["provider", "anonymous", "repeated"])
def test_with_run_ids_everything_is_exact(stream, array, call_ids):
    for seed, siblings_, options in product(range(2), (2, 3, 8), ({}, {"stagger": 700}, {"killed": 0.2})):
        simulation = fan_out(seed, siblings_, agent="forge", call_ids=call_ids, **options)
        found = stream(stamped(simulation), array)
        assert_sound(found)
        assert len(found.runs) == len(simulation.runs)
        assert {run.grade for run in found.runs} == {step.grade for step in found.steps} == {"exact"}
        assert {each.grade for each in found.tool_calls} == {"exact"}
        assert {run.native_run_id for run in found.runs} == {each["run_id"] for each in stamped(simulation)}
        assert reported(found) == sums(simulation)
        assert len(found.tool_calls) == sum(run.tool_calls for run in simulation.runs)
        assert "run-collision" not in found.codes()


def test_the_same_events_without_run_ids_are_a_collision(stream):
    """What the id is for: the same fan-out with it, and as the database keeps it."""
    for seed, siblings_ in product(range(4), (2, 3, 8)):
        simulation = fan_out(seed, siblings_)
        with_ids, without = stream(stamped(simulation)), stream(simulation.events, name="without.jsonl")
        assert "run-collision" not in with_ids.codes()
        (finding,) = [each for each in without.findings if each.code == "run-collision"]
        assert finding.message.startswith(f"{siblings_} runs of sage share the key")
        assert finding.line == 1 + min(n for n, each in enumerate(simulation.rows) if each.agent_id == "sage")
        assert reported(without) == reported(with_ids) == sums(simulation)
        of_sage = [step.grade for step in without.steps if "/sage/" in step.run_id]
        assert "exact" not in of_sage


@pytest.mark.parametrize("run_id", [None, ..., "", 7])
def test_no_id_is_none_however_it_is_written(stream, run_id):
    simulation = fan_out(0, 2)
    events = [each if run_id is ... else each | {"run_id": run_id} for each in simulation.events]
    found = stream(events)
    assert_sound(found)
    assert reported(found) == sums(simulation)
    assert found.codes().count("run-collision") == 1
    assert {run.native_run_id for run in found.runs} == {None}


def test_a_stream_and_a_database_of_the_same_events_tell_the_same(stream, tmp_path):
    simulation = fan_out(2, 3, call_ids="anonymous")
    of_stream = stream(simulation.events)
    of_database = read(simulation.write(tmp_path / "x.db", contexts=False), "s", reader="codegraff")
    for kind in ("agents", "runs", "edges"):
        assert getattr(of_stream, kind) == getattr(of_database, kind)
    assert [(each.run_id, each.ordinal, each.grade) for each in of_stream.steps] == [
        (each.run_id, each.ordinal, each.grade) for each in of_database.steps
    ]


def test_numbers_of_runs_begin_again_in_every_process(stream):
    """``…-r0`` of two processes on one conversation: the id is one, the runs are two."""
    first = [
        row(901, 0, start()), row(902, 1, call("a")), row(903, 2, result("a")), row(904, 3, end()),
    ]  # fmt: skip
    later = [each | {"seq": each["seq"] + 4, "ts_ms": each["ts_ms"] + 9_000_000} for each in first]
    found = stream(wire(first + later, run_id=f"{ROOT}-forge-r0"))
    assert_sound(found)
    assert [run.native_run_id for run in found.runs] == [f"{ROOT}-forge-r0"] * 2
    assert [run.ordinal for run in found.runs] == [1, 2]
    assert {step.grade for step in found.steps} == {"exact"}


def test_two_processes_with_one_id_at_once_are_a_collision_still(stream):
    mine = siblings()
    found = stream(wire(mine, run_id=f"{ROOT}-sage-r1"))
    assert len(found.runs) == 2
    assert "run-collision" in found.codes()
    assert "exact" not in {step.grade for step in found.steps}


def test_runs_that_a_stream_tells_apart_are_judged_by_the_truth(stream):
    for seed in range(3):
        simulation = fan_out(seed, 5, call_ids="repeated", nested=True)
        for n, each in enumerate(simulation.rows, 1):
            each.id = n
        found = stream(stamped(simulation))
        by_offset = {step.offset: step.run_id for step in found.steps}
        truth = {}
        for (at, run_id), number in zip(
            ((at, by_offset[at]) for at in sorted(by_offset)),
            (each.run.number for each in simulation.rows if each.kind in ("tool_call", "error")),
            strict=True,
        ):
            assert truth.setdefault(run_id, number) == number, at


# --- rows ------------------------------------------------------------------------------------------------------------


def test_a_step_says_where_its_events_stand(stream, tmp_path):
    found = stream(wire(in_order(example(), siblings())))
    content = (tmp_path / "events.jsonl").read_bytes()
    for each in found.tool_calls:
        lines = content[each.offset : each.offset + each.length].split(b"\n")
        first, last = json.loads(lines[0])["payload"], json.loads(lines[-1])["payload"]
        assert (first["kind"], first["call_id"]) == ("tool_call", each.tool_call_id)
        assert (last["kind"], last["call_id"]) == ("tool_result", each.tool_call_id)


def test_children_are_below_the_call_that_names_them(stream):
    found = stream(wire(example()))
    assert [run.run_id for run in found.runs if run.parent_run_id == f"{C}/forge/1"] == [f"{C}/sage/1", f"{C}/sage/2"]


def test_several_conversations_in_one_stream(stream):
    other = [each | {"conversation_id": "other"} for each in example()]
    found = stream(wire([each for pair in zip(example(), other, strict=True) for each in pair]))
    assert [each.conversation_id for each in found.conversations] == [C, "s//other"]
    assert_sound(found)


# --- odd and damaged -------------------------------------------------------------------------------------------------


def test_bad_lines_cost_themselves(stream):
    good = [line(each) for each in wire(example())]
    found = stream([good[0], b"{not json", good[1], b"[1]", b'{"conversation_id":"x"}', b"", *good[2:]])
    assert_sound(found)
    assert [(each.code, each.line) for each in found.findings] == [
        ("bad-record", 2), ("bad-record", 4), ("bad-record", 5),
    ]  # fmt: skip
    assert found.report.bad_records == 3
    assert len(found.runs) == 3
    assert len(found.steps) == 1


def test_a_last_line_that_is_cut_off_is_told(stream):
    content = b"\n".join(map(line, wire(example())))
    found = stream([content[:-40]])
    assert found.codes() == ["bad-record"]
    assert found.findings[0].line == 4
    assert found.runs[0].status == "running"


def test_an_array_that_is_cut_off_keeps_what_is_whole(stream, tmp_path):
    content = b"[" + b",".join(map(line, wire(example())))
    path = tmp_path / "cut.json"
    path.write_bytes(content[:-40])
    found = read(path, "s", reader="codegraff")
    assert_sound(found)
    assert len(found.steps) == 1
    assert [finding for finding in found.findings if finding.severity == "error"]


@pytest.mark.parametrize("array", [False, True])
def test_bytes_cut_out_or_turned_round_never_raise(tmp_path, array):
    events = [line(each) for each in wire(in_order(example(), siblings()))]
    content = b"[" + b",".join(events) + b"]" if array else b"\n".join(events)
    rng = random.Random("stream")
    for number in range(150):
        at, length = rng.randrange(len(content)), rng.choice([1, 1, 3, 40, 400])
        junk = bytes(rng.choice(b'{}[]",:\\\n\0x1\xff') for _ in range(length))
        path = tmp_path / f"{number}.json"
        path.write_bytes(
            content[:at] + rng.choice([b"", junk, content[at : at + length][::-1]]) + content[at + length :]
        )
        assert_sound(read(path, "s", reader="codegraff"))


@pytest.mark.parametrize(
    "field", ["conversation_id", "agent_id", "parent_agent_id", "seq", "ts_ms", "payload", "run_id"]
)
@pytest.mark.parametrize("value", [None, 7, -1, 2.5, "", [], {}, True, 2**70])
def test_every_field_may_hold_anything(stream, field, value):
    events = wire(example())
    events[1] = events[1] | {field: value}
    found = stream(events)
    assert_sound(found)
    assert len(found.runs) >= 1


# --- claiming --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"[1,2]", b'{"conversation_id":"x","agent_id":"y"}', b"plain text", b'{"kind":"turn","seq":1}'],
)
def test_what_is_no_event_is_not_claimed(tmp_path, content):
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    assert claim(path, content) is None


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".ndjson", ".txt", ""])
def test_a_stream_may_have_any_usual_name(tmp_path, suffix):
    path = tmp_path / f"events{suffix}"
    path.write_bytes(b"\n".join(map(line, wire(example()))))
    assert claim(path, head(path)).NAME == "codegraff"


def test_messages_are_not_in_a_stream(stream, tmp_path):
    """The same events with their messages: a database tells model calls, a stream does not."""
    events = in_order(example(), siblings())
    of_stream = stream(wire(events))
    of_database = read(database(tmp_path / "x.db", events, of_siblings()), "s", reader="codegraff")
    assert (of_stream.conversation.steps_recorded, of_database.conversation.steps_recorded) == (False, True)
