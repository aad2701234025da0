"""Logs of every shape, and what damage costs."""

import json
import random
import struct
import zipfile

import pytest

from explorer.readers import SourceFile, _walk, claim, reader_of
from explorer.readers.inspect import _archive
from tests.readers.inspect.logs import ZSTANDARD, Sample, made, plain, reading, solo, usage
from tests.readers.inspect.test_samples import SHOP
from tests.readers.inspect.test_samples import said as said_in
from tests.readers.reading import read
from tests.readers.test_contract import assert_sound

ODD = [None, True, 7, -1, 2.5, 10**30, "", "x", [], [1], {}, {"a": 1}, [[]], "\ud800"]


def figures(found):
    return [(step.input_tokens, step.output_tokens) for step in found.steps]


@pytest.mark.parametrize("method", [made.STORED, made.DEFLATED, ZSTANDARD])
def test_the_same_is_read_however_it_is_packed(tmp_path, method):
    found = reading(tmp_path, solo(usage(5, 2, 1, 3), usage(8, 0, 0, 1)), method=method)
    assert figures(found) == [(8, 3), (8, 1)] and not found.findings


def test_a_real_archive_and_a_plain_log_tell_the_same(tmp_path):
    sample = solo(usage(5, 2, 1, 3))
    path = tmp_path / "real.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/s_epoch_1.json", json.dumps(solo(usage(1, 1, 1, 1))))
        with pytest.warns(UserWarning, match="Duplicate"):  # as appending leaves it: the last one counts
            archive.writestr("samples/s_epoch_1.json", json.dumps(sample))
        archive.writestr("header.json", json.dumps(made.about()))
    assert figures(read(path, reader="inspect")) == figures(plain(tmp_path, sample)) == [(8, 3)]


def test_what_is_large_goes_through_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(_archive, "HELD", 100)
    assert figures(reading(tmp_path, solo(usage(5, 2, 1, 3)))) == [(8, 3)]


def test_samples_of_a_large_archive_are_read_in_parts(tmp_path, monkeypatch):
    reader = reader_of("inspect")
    samples = [solo(usage(n, 0, 0, 1)) | {"id": f"s{n}"} for n in range(5)]
    whole = reading(tmp_path, *samples, header=False)
    path = tmp_path / "log.eval"
    assert reader.shares(path) == 1
    monkeypatch.setattr(reader, "BYTES_A_SHARE", 2_000)
    monkeypatch.setattr(reader, "MOST_SHARES", 3)
    assert reader.shares(path) == 3
    parts = [list(reader.read(SourceFile(path, path.name, share=(n, 3)))) for n in range(3)]
    rows = [row for part in parts for row in part[:-1]]
    assert sorted(map(repr, rows)) == sorted(map(repr, whole.rows))
    path.write_bytes(b"PK\x03\x04")
    assert reader.shares(path) == 1


def test_a_method_that_is_not_known_costs_the_entry(tmp_path):
    found = reading(tmp_path, solo(usage(5, 2, 1, 3)), method=97)
    assert not found.steps and "truncated-record" in found.codes()
    assert_sound(found)


def test_a_sum_that_differs_is_said_beside_ours(tmp_path):
    other = {"m": {"input_tokens": 70, "output_tokens": 3}}
    run = reading(tmp_path, solo(usage(5, 2, 1, 3), model_usage=other)).runs[0]
    assert (run.reported_scope, run.reported_input_tokens, run.reported_output_tokens) == ("total", 70, 3)
    found = reading(tmp_path, solo(usage(5, 2, 1, 3)), stats={"model_usage": other})
    assert found.codes() == ["total-mismatch"]


def test_total_tokens_that_no_reading_explains_make_usage_ambiguous(tmp_path):
    found = reading(tmp_path, solo(usage(5, 2, 1, 3) | {"total_tokens": 99}))
    assert [(s.input_tokens, s.tokens_grade) for s in found.steps] == [(8, "ambiguous")]
    assert found.codes() == ["bad-field"]


def test_events_of_spans_that_are_not_there_count_to_the_main_agent(tmp_path):
    sample = solo(usage(5, 0, 0, 3))
    del sample["events"][0]
    found = reading(tmp_path, sample)
    assert [run.agent_id.rpartition("/")[2] for run in found.runs] == ["main"]
    assert set(found.codes()) == {"missing-start", "missing-end"}


def test_a_sample_without_events_has_its_messages(tmp_path):
    call = {"id": "c", "function": "bash", "arguments": {}, "type": "function"}
    said = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": "a", "tool_calls": [call], "model": "m"},
        {"role": "tool", "content": "r", "tool_call_id": "c", "function": "bash", "error": {"type": "timeout"}},
        {"role": "assistant", "content": "b"},
    ]
    sample = {"id": "s", "epoch": 1, "messages": said, "score": {"value": "C"}, "model_usage": {"m": usage(9, 0, 0, 2)}}
    for found in (reading(tmp_path, sample), plain(tmp_path, sample)):
        assert [(s.model, s.input_tokens, s.start_ms) for s in found.steps] == [("m", None, None), (None, None, None)]
        assert [(c.name, c.is_error, c.step_ordinal) for c in found.tool_calls] == [("bash", True, 1)]
        assert [len(found.ids(step)) for step in found.steps] == [1, 3]
        (run,) = found.runs
        assert (run.reported_input_tokens, run.reward, run.start_ms) == (9, 1.0, None)
        path = tmp_path / found.conversation.source_id
        assert said_in(path, run, found) == [
            ("user", "text", "Go.", None), ("assistant", "text", "a", 1), ("assistant", "tool_call", "{}", 1),
            ("tool", "tool_result", "r", None), ("assistant", "text", "b", 2),
        ]  # fmt: skip


def test_the_transcript_of_2024_holds_events_and_texts(tmp_path):
    sample = solo(usage(5, 0, 0, 3))
    event = next(each for each in sample["events"] if each["event"] == "model")
    event["input"] = [{"role": "user", "content": "attachment://h"}]
    old = {"id": "s", "epoch": 1, "transcript": {"events": sample["events"], "content": {"h": "Long ago."}}}
    found = plain(tmp_path, old)
    assert figures(found) == [(5, 3)]
    assert said_in(tmp_path / "log.json", found.runs[0], found)[1] == ("user", "text", "Long ago.", None)


def test_samples_with_one_id_are_all_there(tmp_path):
    found = plain(tmp_path, solo(usage(1, 0, 0, 1)), solo(usage(2, 0, 0, 1)))
    assert [c.conversation_id for c in found.conversations] == ["log.json//s_epoch_1", "log.json//s_epoch_1~2"]
    assert found.codes() == ["duplicate-id"]
    assert_sound(found)
    other = solo(usage(2, 0, 0, 1))
    entries = [("samples/s_epoch_1.json", solo(usage(1, 0, 0, 1))), ("samples/t_epoch_1.json", other)]
    path = tmp_path / "log.eval"
    path.write_bytes(
        made.archive([*entries, ("samples/s_epoch_1/sample.json", other), ("header.json", made.about())], 0)
    )
    found = read(path, reader="inspect")
    assert [c.conversation_id for c in found.conversations] == ["log.eval//s_epoch_1", "log.eval//t_epoch_1"]
    assert_sound(found)


def test_a_step_that_ends_inside_a_tool_of_an_old_log_ends_both(tmp_path):
    step = {"event": "step", "name": "s"}
    tool = {"event": "tool", "id": "c", "function": "f", "events": [step | {"action": "end"}]}
    found = plain(
        tmp_path, {"id": 1, "epoch": 1, "events": [step | {"action": "begin"}, tool, step | {"action": "end"}]}
    )
    assert [call.name for call in found.tool_calls] == ["f"]
    assert_sound(found)


def test_spans_in_a_circle_end(tmp_path):
    sample = solo(usage(5, 0, 0, 3))
    sample["events"][0]["parent_id"] = "b"
    sample["events"].insert(1, {"event": "span_begin", "id": "b", "parent_id": "a", "type": "agent", "name": "b"})
    assert_sound(reading(tmp_path, sample))


def test_an_archive_cut_off_anywhere_gives_what_is_before_the_cut(tmp_path):
    content, whole = SHOP.read_bytes(), set(figures(read(SHOP, reader="inspect")))
    path = tmp_path / "cut.eval"
    rng = random.Random("cut")
    last = 0
    for cut in sorted(rng.randrange(400, len(content) - 1) for _ in range(15)):
        path.write_bytes(content[:cut])
        found = read(path, reader="inspect")
        assert set(figures(found)) <= whole and len(found.steps) >= last
        assert "truncated-record" in found.codes()
        last = len(found.steps)
        assert_sound(found)
    assert last == 8


def test_a_broken_event_costs_itself(tmp_path):
    sample = solo(usage(1, 0, 0, 1), usage(2, 0, 0, 2), usage(3, 0, 0, 3))
    plain(tmp_path, sample)
    path = tmp_path / "log.json"
    content = path.read_bytes()
    at = content.index(b'"content": "m1"')
    for junk in (b'"content": m1" ', b'"content": {m1"', b'"content": "m1]"', b'"content"} "m1"'):
        path.write_bytes(content[:at] + junk + content[at + len(junk) :])
        found = read(path, reader="inspect")
        assert [each for each in figures(found) if each != (2, 2)] == [(1, 1), (3, 3)], junk
        assert found.report.bad_records and found.runs[0].end_ms == 7000
        assert_sound(found)


def test_bytes_changed_anywhere_never_raise(tmp_path):
    content = SHOP.read_bytes()
    rng = random.Random("change")
    path = tmp_path / "changed.eval"
    for _ in range(40):
        at = rng.randrange(len(content))
        path.write_bytes(
            content[:at] + bytes(rng.randrange(256) for _ in range(rng.choice([1, 4]))) + content[at + 2 :]
        )
        assert_sound(read(path, reader="inspect"))


def test_an_entry_that_begins_before_the_file_is_damage(tmp_path):
    content, path = SHOP.read_bytes(), tmp_path / "log.eval"
    end = content.rindex(b"PK\x05\x06")
    path.write_bytes(content[: end + 16] + struct.pack("<I", len(content)) + content[end + 20 :])  # of the directory
    found = read(path, reader="inspect")
    assert "truncated-record" in found.codes() and figures(found) == figures(read(SHOP, reader="inspect"))


def places(value, path=()):
    """The way to every value inside another one."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def test_a_value_of_any_type_anywhere_never_raises(tmp_path):
    sample = made.limited().whole(scores={"s": {"value": "C"}}, error_retries=made.attempts(), error={"message": "x"})
    ways = [way for way in places(sample) if way and way[0] not in ("id", "epoch")]
    rng = random.Random("odd")
    for way in rng.sample(ways, 120):
        changed = json.loads(json.dumps(sample))
        inner = changed
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = rng.choice(ODD)
        assert_sound(plain(tmp_path, changed))


def test_what_is_beyond_what_is_built_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(_walk, "MAX_RECORD", 10)
    from explorer.readers.inspect import _reading

    monkeypatch.setattr(_reading, "LONGEST_FIELD", 20)
    found = plain(tmp_path, solo(usage(1, 0, 0, 1)))
    assert "bad-record" in found.codes() and len(found.steps) == 1


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (made.archive([("_journal/start.json", {})], 0), True),
        (made.archive([("samples/a/b_epoch_1.json", {})], 0), True),
        (made.archive([("word/document.xml", {}), ("data.json", {})], 0), False),
        (json.dumps(made.about(samples=[]), indent=2).encode(), True),
        (json.dumps({"samples": []} | made.about()).encode(), True),
        (json.dumps({"version": 1, "status": "success", "eval": {}}).encode(), False),
        (json.dumps({"inner": made.about()}).encode(), False),
        (json.dumps(made.about() | {"status": ["success"]}).encode(), False),
        (b"PK\x03\x04", False),
    ],
)
def test_what_a_log_is_known_by(tmp_path, content, is_one):
    found = claim(tmp_path / "any name", content)
    assert (found is not None and found.NAME == "inspect") == is_one


def test_a_message_whose_role_is_a_list_is_shown(tmp_path):
    sample = solo(usage(1, 0, 0, 1))
    for message in sample["events_data"]["messages"]:
        message["role"] = [message["role"]]
    found = plain(tmp_path, sample)
    told = said_in(tmp_path / "log.json", found.runs[0], found)
    assert [text for _, kind, text, _ in told if kind == "text"] == ["Go.", "m0"]


def test_what_is_said_again_in_each_prompt_is_told_once(tmp_path):
    sample = Sample("s")
    sample.begin("a", 0, "agent", "solo")
    user = sample.say("user", "Go.")
    for number in range(3):
        sample.model("a", number, 1, [[user, len(sample.pool)]], f"m{number}", usage(1, 0, 0, 1))
        sample.say("user", f"u{number}")
    again = sample.say("user", "In short.")
    sample.model("a", 4, 1, [[user, user + 1], [again, again + 1]], "m3", usage(1, 0, 0, 1))
    found = reading(tmp_path, sample.whole())
    told = said_in(tmp_path / "log.eval", found.runs[0], found)
    assert [text for _, kind, text, _ in told if kind == "text"] == [
        "Go.", "m0", "u0", "m1", "u1", "m2", "In short.", "m3",
    ]  # fmt: skip
    assert [len(found.ids(step)) for step in found.steps] == [2, 4, 6, 3]
