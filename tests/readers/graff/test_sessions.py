"""The common file of old versions: rows without a run id, shared out among the processes that can have written them."""

import random

import pytest

from explorer.readers.graff._lines import Record
from explorer.readers.graff._sessions import separate
from tests.readers.graff.by_hand import WHO, alone, child, closed, opened


def header(unix_ms):
    return {"kind": "session", "version": "0.1", "unix_ms": unix_ms}


def bare(record):
    return {key: value for key, value in record.items() if key not in WHO}


def session(rng, unix_ms, live=False):
    """What one process writes, with its clock."""
    rows, top, turn, t = [(unix_ms, header(unix_ms))], 0, 0, rng.randrange(50, 500)
    for _ in range(rng.randrange(1, 5)):
        top += 1
        number, began = top, t
        if live:
            rows.append((unix_ms + t, bare(opened(number, t, turn))))
        for _ in range(rng.randrange(4)):
            t += rng.randrange(900, 9_000)
            top += 1
            rows.append((unix_ms + t, bare(child(top, t, 500, number))))
        t += rng.randrange(900, 9_000)
        rows.append((unix_ms + t, bare(closed(number, t, t - began, turn))))
        turn = number
        t += rng.randrange(300, 20_000)
    return rows


def shared_out(sessions):
    """The file that sessions write together, and who wrote each row."""
    rows = sorted(
        ((at, number, place, row) for number, rows in enumerate(sessions) for place, (at, row) in enumerate(rows)),
        key=lambda row: row[:3],
    )
    order = []
    for _, number, _, row in rows:
        if row["kind"] == "session":
            order.append(number)
    return [row for *_, row in rows], [order.index(number) for _, number, _, _ in rows]


def placed(rows):
    return separate([Record(place, place + 1, dict(row)) for place, row in enumerate(rows)])


@pytest.mark.parametrize("live", [False, True])
def test_processes_one_after_the_other_are_told_apart_without_a_doubt(live):
    for seed in range(30):
        rng = random.Random(seed)
        rows, truth = shared_out([session(rng, number * 10_000_000, live) for number in range(4)])
        found = placed(rows)
        assert [row.session for row in found] == truth
        assert not any(row.interleaved for row in found)


@pytest.mark.parametrize("live", [False, True])
def test_of_processes_that_ran_together_a_certain_row_is_right(live):
    ambiguous = certain = 0
    for seed in range(60):
        rng = random.Random(seed)
        rows, truth = shared_out([session(rng, number * rng.randrange(1, 20_000), live) for number in range(2)])
        for row, right in zip(placed(rows), truth, strict=True):
            assert row.session == right or right in row.candidates, (seed, row)
            assert not row.candidates or row.candidates[0] == row.session
            ambiguous += bool(row.candidates)
            certain += not row.candidates
    assert certain > 10 * ambiguous


def test_two_that_began_at_once_and_did_the_same_cannot_be_told_apart(tmp_path):
    rows = [header(1_000), header(1_010)]
    rows += [bare(closed(1, t, 90)) for t in (100, 105)]
    found = alone(tmp_path, *rows)
    first, second = found.runs
    here = "harness.trajectory.jsonl"
    assert (first.grade, second.grade) == ("ambiguous", "ambiguous")
    assert f'"candidates":["{here}' in first.extra
    assert [(f.code, f.conversation_id) for f in found.findings] == [
        ("run-collision", here),
        ("run-collision", f"{here}//2"),
    ]


def test_a_session_alone_is_not_doubted(tmp_path):
    found = alone(
        tmp_path, header(1_000), bare(child(2, 400, 90, tools="bash")), bare(closed(1, 500, 490, task="tidy"))
    )
    assert found.findings == []
    assert (found.conversation.title, found.conversation.steps_recorded) == ("tidy", False)
    assert [(run.run_id, run.grade, run.parent_run_id) for run in found.runs] == [
        ("harness.trajectory.jsonl/main/1", "derived", None),
        ("harness.trajectory.jsonl/subagent-2/1", "derived", "harness.trajectory.jsonl/main/1"),
    ]


def test_a_file_that_lost_its_first_header_is_read_from_its_first_row(tmp_path):
    found = alone(tmp_path, bare(closed(1, 500, 490)), header(9_000), bare(closed(1, 300, 290)))
    assert len(found.conversations) == 2
    assert [run.end_ms for run in found.runs] == [500, 300]


def test_the_retired_trace_is_read_as_one_process(tmp_path):
    call = {"t": 30, "ev": "api", "agent": "main", "model": "m", "ms": 9}
    found = alone(tmp_path, call, bytes(400) + b"\n", call | {"agent": "look", "t": 90}, name="harness.trace.jsonl")
    assert [step.run_id for step in found.steps] == [
        "harness.trace.jsonl/main/0",
        "harness.trace.jsonl/unrecorded-look/1",
    ]
    assert found.codes() == ["bad-record", "missing-end"]


def test_hundreds_of_sessions_are_read_soon(tmp_path):
    rows = [row for number in range(400) for _, row in session(random.Random(number), number * 1_000_000)]
    found = alone(tmp_path, *rows)
    assert len(found.conversations) == 400
    assert not found.findings
