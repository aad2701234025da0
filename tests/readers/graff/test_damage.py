"""Lines that are glued, holed, cut off or of the wrong types: each costs itself, with its line."""

import json

import pytest

from explorer.readers.graff._lines import Loss, Record, records
from tests.readers.graff.by_hand import HERE, TRACE, api, child, closed, opened, process, text

A, B = (json.dumps(record, separators=(",", ":")).encode() for record in (api(30, 9), api(60, 9)))


def read_lines(content):
    """What is read of some bytes: each record's bytes, and the codes of the losses."""
    found = list(records(content))
    whole = [content[item.offset : item.end] for item in found if isinstance(item, Record)]
    return whole, [item.code for item in found if isinstance(item, Loss)]


@pytest.mark.parametrize(
    ("content", "whole", "losses"),
    [
        (A + b"\n" + B, [A, B], []),
        (A + b"\r\n\r\n  " + B + b" \n", [A, B], []),
        (b"\xef\xbb\xbf" + A, [A], []),
        (b'{"text":"You ar' + A + b"\n", [A], ["spliced-record"]),
        (b'{"run_id":"00ff","t":5,' + A + b"\n" + B, [A, B], ["spliced-record"]),
        (A[:40] + A + b"\n", [A], ["spliced-record"]),
        (A + B + b"\n", [A, B], []),
        (A + b'ms":5}' + b"\n" + B, [A, B], ["bad-record"]),
        (b'kens":5}\n' + A, [A], ["bad-record"]),
        pytest.param(bytes(4096) + A + b"\n", [A], ["bad-record"], id="a page of zeros before it"),
        pytest.param(A + b"\n" + bytes(4096) + b"\n" + B, [A, B], ["bad-record"], id="a page of zeros between them"),
        (A[:50] + bytes(64) + B[50:] + b"\n" + A, [A], ["bad-record"]),
        (A + bytes(64) + B + b"\n", [A, B], ["bad-record"]),
        pytest.param(bytes(1 << 20), [], ["bad-record"], id="a megabyte of zeros"),
        (A + b"\n" + B[:-1], [A], ["truncated-record"]),
        (A + b"\n" + B[:-1] + b"\n", [A], ["bad-record"]),
        (b"[1]\n5\nnull\n" + A, [A], ["bad-record"] * 3),
        (b"", [], []),
        (b"\n\n \n", [], []),
        (b'{"args":{"kind":"eval"},"t":' + b"\n", [], ["bad-record"]),
    ],
)
def test_what_is_whole_is_read_and_the_rest_of_a_line_is_one_loss(content, whole, losses):
    assert read_lines(content) == (whole, losses)


def test_a_line_of_nothing_but_braces_ends_soon():
    content = b'{"kind":' * 400_000
    assert read_lines(content) == ([], ["truncated-record"])


def test_a_record_that_another_was_written_into_costs_itself(tmp_path):
    spliced = b'{"run_id":"00ff00ff00ff00ff","pid":41,"kind":"prompt","text":"You ar' + text([child(2, 400, 90)])
    found = process(tmp_path, trajectories=[opened(1, 5), spliced, closed(1, 500, 495)])
    assert [run.native_run_id for run in found.runs] == ["1", "2"]
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.line, finding.conversation_id) == (
        "spliced-record",
        "error",
        2,
        HERE,
    )
    assert found.report.bad_records == 1


def test_damage_in_a_companion_is_of_that_file(tmp_path):
    found = process(tmp_path, trajectories=[closed(1, 500, 495)], traces=[api(30, 9), bytes(90) + b"\n", api(60, 9)])
    assert [step.start_ms for step in found.steps] == [21, 51]
    (finding,) = found.findings
    assert (finding.code, finding.source_id, finding.line, finding.conversation_id) == ("bad-record", TRACE, 2, HERE)


def test_a_ruined_file_is_a_hundred_findings_and_one_that_counts(tmp_path):
    found = process(tmp_path, trajectories=[opened(1, 5), *([b"}{\n"] * 300)])
    assert len(found.findings) == 101
    assert found.findings[-1].message == "200 more of this kind in this conversation"
    assert found.report.bad_records == 300


def test_a_file_without_a_single_record_has_no_conversation(tmp_path):
    found = process(tmp_path, trajectories=[b"}{\n"] * 200)
    assert (found.conversations, found.runs) == ([], [])
    assert len(found.findings) == 101
    assert {finding.conversation_id for finding in found.findings} == {None}


ODD = ["x", -1, 1.5, True, None, [], {}, 10**30, {"deep": [1]}]


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_a_field_of_a_wrong_type_is_not_recorded(tmp_path, value):
    for field in ("t", "ms", "id", "parent", "tools", "ok", "live", "label", "model", "prompt_sha", "context_tokens"):
        found = process(tmp_path, trajectories=[opened(1, 5), child(2, 400, 90) | {field: value}, closed(1, 500, 495)])
        assert len(found.runs) >= 1
    for field in ("t", "ms", "turn", "agent", "model", "cache_read_tokens", "is_error", "call_id", "name", "from_sub"):
        found = process(tmp_path, trajectories=[closed(1, 500, 495)], traces=[api(30, 9) | {field: value}])
        assert len(found.steps) == 1


def test_a_wrong_field_is_a_finding_at_its_line(tmp_path):
    found = process(
        tmp_path,
        trajectories=[closed(1, 500, 495, cost_microusd="much")],
        traces=[api(30, 9), api(60, 9, cache_read_tokens="x")],
    )
    assert [(f.code, f.source_id, f.line) for f in found.findings] == [("bad-field", TRACE, 2), ("bad-field", HERE, 1)]


def test_a_call_whose_kind_is_damaged_is_known_by_its_fields(tmp_path):
    found = process(tmp_path, trajectories=[closed(1, 500, 495)], traces=[api(30, 9) | {"ev": "apj"}])
    assert [step.start_ms for step in found.steps] == [21]


def test_times_before_the_start_of_the_process_stay_as_recorded(tmp_path):
    (step,) = process(tmp_path, trajectories=[closed(1, 500, 495)], traces=[api(30, 90)]).steps
    assert (step.start_ms, step.end_ms) == (-60, 30)
