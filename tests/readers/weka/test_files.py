"""Weka files as bytes: what may stand around and between traces, and what is left when something is wrong there."""

import json

import pytest

from explorer.readers import SourceFile, readers
from explorer.readers.weka import claims
from explorer.store.ingest.worker import Task, chunks
from tests.readers.reading import line, read, request, sub_agent, trace
from tests.readers.weka.conftest import RELATIVE_END

WHOLE = trace(request(out=1), sub_agent(request(out=2), request(out=3)), request(out=4), tool_tokens=5)


def outs(found):
    return [step.output_tokens for step in found.steps]


# --- claims ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        line(WHOLE),
        line(WHOLE)[:120],
        json.dumps(WHOLE, indent=2).encode(),
        b"\xef\xbb\xbf" + line(WHOLE),
        b"\n\n" + line(WHOLE),
        line({"requests": [request()], "id": "x"}),
        line({"id": "x", "block_size": 64, "requests": []}),
        b"rubbish\n" + line(WHOLE),
        line([WHOLE]),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "A.JSON", "a.ndjson", "a.txt", "a"])
def test_a_list_of_requests_with_a_mark_beside_it_is_claimed(tmp_path, head, name):
    assert claims(tmp_path / name, head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{}",
        b'{"requests":[]}',
        b'{"requests":[{"t":1}]}',
        b'{"block_size":64}',
        b'{"requests":["a"],"block_size":64}',
        b'{"timestamp":1,"input_length":5,"output_length":1,"hash_ids":[1,2]}',
        b"\x89PNG\r\n",
        line(WHOLE).decode().encode("utf-16"),
        b"requests: [] block_size: 64",
    ],
)
def test_anything_else_is_not(tmp_path, head):
    assert not claims(tmp_path / "a.json", head)


@pytest.mark.parametrize("name", ["a.py", "a.parquet", "a.json.gz", "a.csv"])
def test_files_of_other_kinds_are_not_whatever_they_hold(tmp_path, name):
    assert not claims(tmp_path / name, line(WHOLE))


def test_a_directory_is_not(tmp_path):
    assert not claims(tmp_path, None)


# --- containers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        line(WHOLE),
        line(WHOLE) + b"\n",
        b"\n \n" + line(WHOLE),
        b"\xef\xbb\xbf" + line(WHOLE),
        b"\xef\xbb\xbf\r\n" + line(WHOLE) + b"\r\n\r\n",
        json.dumps(WHOLE).encode(),
        json.dumps(WHOLE, indent=2).encode(),
        json.dumps(WHOLE, indent=0).encode(),
        json.dumps(WHOLE, indent="\t").replace("\n", "\r\n").encode(),
        line(WHOLE).replace(b'{"t"', b'\n{"t"'),
        line(WHOLE)[:-1] + b",}",
        line(WHOLE).replace(b'}],"', b'},],"'),
        line({"requests": WHOLE["requests"], **{key: WHOLE[key] for key in WHOLE if key != "requests"}}),
        line([WHOLE]),
    ],
    ids=range(14),
)
def test_a_trace_may_be_written_in_any_style(reading, text):
    found = reading(text, facts=RELATIVE_END)
    assert outs(found) == [1, 2, 3, 4]
    assert found.conversation.title == "c"
    assert json.loads(found.conversation.extra)["tool_tokens"] == 5
    assert found.codes() == ["repaired-time"]
    for step in found.steps:
        assert json.loads(text[step.offset : step.offset + step.length])["out"] == step.output_tokens


def test_lines_are_conversations_named_after_their_line(reading):
    found = reading(trace(request(out=1), id="a"), b"", trace(request(out=2), id="b"), b"  ", trace(id="c"))
    assert [(c.conversation_id, c.title) for c in found.conversations] == [("s", "a"), ("s//3", "b"), ("s//5", "c")]
    assert [run.run_id for run in found.runs] == ["s/main/1", "s//3/main/1", "s//5/main/1"]
    assert not found.findings


def test_lines_may_end_as_on_windows(reading):
    found = reading(line(trace(request(), id="a")) + b"\r\n" + line(trace(request(), id="b")) + b"\r\n")
    assert [c.conversation_id for c in found.conversations] == ["s", "s//2"]
    assert not found.findings


def test_two_conversations_on_one_line_have_keys_of_their_own(reading):
    found = reading(line(trace(request(out=1))) + b" " + line(trace(request(out=2))), trace(request(out=3)))
    assert [c.conversation_id for c in found.conversations] == ["s", "s//1.2", "s//2"]
    assert outs(found) == [1, 2, 3]


def test_ids_of_one_line_are_not_those_of_another(reading):
    found = reading(trace(request(hash_ids=[1, 2])), trace(request(hash_ids=[1, 2, 3])))
    assert {row.namespace for row in found.rows if type(row).__name__ == "BlockRun"} == {"s", "s//2"}


# --- damage ----------------------------------------------------------------------------------------------------------

FIVE = [request(t=float(n), out=n) for n in range(1, 6)]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text[1:],
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(b'"', b"", 1),
        lambda text: text.replace(b",", b"", 1),
        lambda text: text.replace(b":", b"", 1),
        lambda text: text.replace(b'"m"', b'"\xff\xfe"'),
        lambda text: text.replace(b'"m"', b'"a\x00b"'),
        lambda text: text.replace(b'"m"', b'"a\nb"'),
        lambda text: text.replace(b"[1,2]", b"[1,2"),
        lambda text: text.replace(b"[1,2]", b"1,2]"),
        lambda text: bytes(len(text)),
        lambda text: b"null",
        lambda text: b'"' + text.replace(b'"', b'\\"') + b'"',
        lambda text: text + text[:30],
        lambda text: b"",
    ],
    ids=range(16),
)
@pytest.mark.parametrize("place", range(5))
def test_a_damaged_request_costs_itself_wherever_it_stands(reading, spoil, place):
    texts = [line(record) for record in FIVE]
    spoilt = [*texts[:place], spoil(texts[place]), *texts[place + 1 :]]
    text = line(trace("HERE")).replace(b'"HERE"', b",".join(spoilt))
    found = reading(text)
    kept = [n for n in outs(found) if n != place + 1]
    assert kept == [n for n in range(1, 6) if n != place + 1]
    assert found.conversation.title == "c"
    if spoilt[place]:
        bad = [row for row in found.findings if row.code in ("bad-record", "truncated-record")]
        assert bad
        assert {row.line for row in bad} <= {1, 2}
        assert found.report.bad_records == len(bad)


@pytest.mark.parametrize("cut", [1, 5, 30, 70, 110, 150, 190, -1, -2, -20])
def test_a_damaged_line_costs_its_neighbours_nothing(reading, cut):
    whole = [line(trace(*FIVE, id=name)) for name in "abc"]
    before = reading(whole[0], b"", whole[2])
    found = reading(whole[0], whole[1][:cut], whole[2])
    of_b = [row for row in found.rows if getattr(row, "run_id", None) == "s//2/main/1"]
    ours = {"s", "s//3"}
    assert [c for c in found.conversations if c.conversation_id in ours] == before.conversations
    assert [run for run in found.runs if run.conversation_id in ours] == before.runs
    steps = [step for step in found.steps if step not in of_b]
    shift = len(whole[1][:cut])
    assert [step.output_tokens for step in steps] == outs(before)
    assert [step.offset for step in steps] == [
        step.offset + shift * (step.run_id == "s//3/main/1") for step in before.steps
    ]
    bad = [row for row in found.findings if row.severity == "error"]
    assert [row.line for row in bad] == [2]
    assert found.report.bad_records == 1


def test_findings_name_the_line_of_a_file_that_is_written_over_many(reading):
    text = json.dumps(trace(request(), request(**{"in": "x"}), request()), indent=1).replace('"out": 7', '"out": 7x', 1)
    found = reading(text.encode())
    first, second = found.findings
    assert (first.code, text.splitlines()[first.line - 1].strip()) == ("bad-record", "{")
    assert (second.code, second.step_ordinal, text.splitlines()[second.line - 1].strip()) == ("bad-field", 1, "{")
    assert first.line < second.line


def test_requests_written_as_texts_are_left_out_one_by_one(reading):
    found = reading(trace(json.dumps(request(out=1)), request(out=2), json.dumps(request(out=3)), request(out=4)))
    assert outs(found) == [2, 4]
    assert found.report.bad_records == 2


def test_a_list_of_requests_written_as_one_text_is_none(reading):
    found = reading(trace(requests=json.dumps([request()])))
    assert not found.conversations
    assert [(row.code, row.message) for row in found.findings] == [
        ("bad-record", "an object without a list of requests")
    ]


def test_objects_without_requests_are_findings_with_their_lines(reading):
    found = reading({"id": "x"}, trace(request()), {"requests": 5}, b"[1]", b"rubbish")
    assert len(found.conversations) == 1
    assert [(row.code, row.line) for row in found.findings] == [("bad-record", 1), ("bad-record", 3), ("bad-record", 4)]


def test_padding_with_zeros_is_a_finding_and_nothing_else(reading):
    found = reading(line(trace(request())) + bytes(10_000))
    assert len(found.steps) == 1
    assert found.codes() == ["bad-record"]


def test_invalid_utf8_outside_of_texts_is_damage(reading):
    found = reading(line(trace(*FIVE)).replace(b'"out":3', b'\xc3"out":3'))
    assert outs(found) == [1, 2, 4, 5]


def test_a_file_of_nothing_has_no_rows(tmp_path):
    for content in (b"", b" \n\t", b"\xef\xbb\xbf"):
        path = tmp_path / "s.json"
        path.write_bytes(content)
        assert read(path).rows == []


# --- files that change, and files that are not there -----------------------------------------------------------------


def outcome(path):
    *_, last = chunks(Task("r", "weka", str(path), "s", {}))
    return last


def test_a_file_that_is_gone_is_said_to_be(tmp_path):
    last = outcome(tmp_path / "gone.json")
    assert last.failure == "No such file or directory"
    assert last.report is not None


def test_a_directory_in_the_place_of_a_file_is_said_to_be_one(tmp_path):
    assert outcome(tmp_path).failure == "Is a directory"


def test_a_file_that_shrinks_while_it_is_read_is_read_as_it_was(tmp_path):
    path = tmp_path / "s.json"
    path.write_bytes(line(trace(*FIVE)))
    rows = readers()["weka"].read(SourceFile(path, "s"))
    first = next(rows)
    path.write_bytes(b"")
    assert [first.output_tokens, *(row.output_tokens for row in rows if type(row) is type(first))] == [1, 2, 3, 4, 5]


def test_a_file_that_is_removed_while_it_is_read_is_read_to_its_end(tmp_path):
    path = tmp_path / "s.json"
    path.write_bytes(line(trace(*FIVE)))
    rows = readers()["weka"].read(SourceFile(path, "s"))
    first = next(rows)
    path.unlink()
    assert sum(type(row) is type(first) for row in rows) == 4


def test_rows_come_in_chunks_with_the_position_reached(tmp_path):
    path = tmp_path / "s.json"
    path.write_bytes(line(trace(*(request(t=float(n)) for n in range(6_000)))))
    found = list(chunks(Task("r", "weka", str(path), "s", {})))
    assert sum(chunk.records["s"] for chunk in found) == 6_000
    assert [chunk.position for chunk in found] == sorted(chunk.position for chunk in found)
    assert 0 < found[0].position < found[-1].position <= path.stat().st_size
    assert [chunk.report is None for chunk in found] == [True] * (len(found) - 1) + [False]
    assert not any(chunk.failure for chunk in found)
