"""Damage costs the span that it is in; wrong types, strange orders and spellings cost nothing but themselves."""

import gzip
import json
import random

import pytest

from explorer.readers import links, reader_of
from explorer.readers.otlp import _walk
from tests.readers.otlp.spans import TRACE, agent, chat, document, lines, reading, span
from tests.readers.reading import SAMPLES, read
from tests.readers.test_contract import assert_sound

SPANS = [agent("1", "a"), *(chat(f"{n}", "1", (100 * n, n), start=n) for n in range(2, 8))]


def written(directory, content, name="t.jsonl"):
    path = directory / name
    path.write_bytes(content)
    return read(path, reader="otlp")


def is_json(text):
    """Whether a change cannot be told from what may have been recorded."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def whole(*spans):
    """Everything but where the steps stand."""
    return {(step.input_tokens, step.output_tokens, step.started_at) for step in spans}


def test_one_line_many_lines_a_list_and_pretty_printing_are_the_same(tmp_path):
    once = written(tmp_path, lines(document(*SPANS)))
    documents = [document(each) for each in SPANS]
    for content in (
        lines(*reversed(documents)),
        json.dumps(documents).encode(),
        json.dumps(documents, indent=2).encode(),
        b"\xef\xbb\xbf" + json.dumps(document(*SPANS), indent=4).encode().replace(b"\n", b"\r\n"),
        json.dumps(document(*SPANS))
        .replace("resourceSpans", "resource_spans")
        .replace("scopeSpans", "scope_spans")
        .encode(),
    ):
        found = written(tmp_path, content)
        assert whole(*found.steps) == whole(*once.steps)
        assert [len(found.runs), found.codes()] == [1, []]
    packed = written(tmp_path, gzip.compress(lines(*documents)), "t.jsonl.gz")
    assert whole(*packed.steps) == whole(*once.steps)


def test_a_resource_and_a_scope_may_stand_behind_their_spans(tmp_path):
    found = document(*SPANS, service="late", scope="late scope")["resourceSpans"][0]
    turned = {"scopeSpans": [dict(reversed(found["scopeSpans"][0].items()))], "resource": found["resource"]}
    read_ = written(
        tmp_path, lines({"resourceSpans": [turned, document(chat("9", trace="ff" * 16))["resourceSpans"][0]]})
    )
    assert [each.group_name for each in read_.conversations] == ["late", "shop"]
    assert {json.loads(step.extra)["scope"] for step in read_.steps} == {"late scope", "s"}


def test_a_file_cut_off_anywhere_keeps_every_span_before_the_cut(tmp_path):
    content = lines(document(*SPANS[:4]), document(*SPANS[4:]))
    uncut = written(tmp_path, content)
    for cut in random.Random("cut").sample(range(1, len(content)), 60):
        found = written(tmp_path, content[:cut])
        ends = sorted(step.offset + step.length for step in uncut.steps)
        assert len(found.steps) == sum(end <= cut for end in ends)
        assert len(found.codes()) >= (content[:cut].count(b"{") > content[:cut].count(b"}"))
        assert_sound(found)


def test_a_byte_flipped_costs_no_span_but_its_own(tmp_path):
    content = lines(*(document(*SPANS[n : n + 2]) for n in range(0, 6, 2)), document(SPANS[6]))
    uncut = written(tmp_path, content)
    rng = random.Random("flip")
    for _ in range(60):
        hit = rng.choice(uncut.steps)
        at, byte = hit.offset + rng.randrange(hit.length), rng.choice([b'"', b"{", b"}", b"[", b"]", b"\\", b"\0"])
        found = written(tmp_path, content[:at] + byte + content[at + 1 :])
        left = {step.offset: step.input_tokens for step in found.steps}
        assert {step.offset for step in uncut.steps} - left.keys() <= {hit.offset}
        if len(found.steps) < len(uncut.steps):
            changed = content[hit.offset : at] + byte + content[at + 1 : hit.offset + hit.length]
            assert found.report.bad_records or is_json(changed)
        assert_sound(found)


def test_a_line_longer_than_any_record_is_read_span_by_span(tmp_path, monkeypatch):
    monkeypatch.setattr(_walk, "MAX_RECORD", 1 << 20)
    monkeypatch.setattr(
        _walk, "_PATIENCE", 3 << 20
    )  # used up by the one that is too long, unless the others give it back
    long, longer = (
        {"gen_ai.input.messages": json.dumps([{"role": "user", "content": "é" + "x" * length}])}
        for length in (600_000, 1_100_000)
    )
    spans = [chat(str(n), start=n, attributes=longer if n == 3 else long) for n in range(1, 7)]
    found = written(tmp_path, lines(document(*spans)))
    assert [step.start_ms for step in found.steps] == [0, 1, 3, 4, 5]
    assert [found.ids(step) for step in found.steps] == [[0]] * 5
    assert [(each.code, each.line) for each in found.findings] == [("bad-record", 1)]


@pytest.mark.parametrize("wrong", [None, -1, "x", [[]], {"values": 3}, 10**30, "\ud800"])
def test_a_wrong_type_in_any_field_raises_nothing(tmp_path, wrong):
    for fields in (SPANS[0], SPANS[1]):
        for name in fields:
            assert_sound(reading(tmp_path, *(each | {name: wrong} if each is fields else each for each in SPANS[:2])))
    for number, each in enumerate(SPANS[1]["attributes"]):
        broken = [*SPANS[1]["attributes"]]
        broken[number] = {"key": each["key"], "value": wrong}
        assert_sound(reading(tmp_path, SPANS[0], SPANS[1] | {"attributes": broken}))
    known = ("gen_ai.input.messages", "gen_ai.prompt.0.role", "gen_ai.tool.definitions", "events", "input.value")
    for name in known:
        assert_sound(reading(tmp_path, SPANS[0], chat("2", "1", attributes={name: json.dumps(wrong)})))
        one = chat("2", "1")
        one["attributes"].append({"key": name, "value": {"stringValue": wrong}})
        assert_sound(reading(tmp_path, SPANS[0], one))


def test_what_is_wrong_is_not_recorded_and_said(tmp_path):
    backwards = chat("3", "1", start=9, end=3)
    found = reading(
        tmp_path, agent("1", "a"), chat("2", "1", ("many", -4)), backwards, {"name": "no ids"}, span("4", name="x"),
    )  # fmt: skip
    assert [(step.input_tokens, step.end_ms) for step in found.steps] == [(None, 1_000), (100, None)]
    assert sorted(found.codes()) == ["bad-field", "bad-field", "bad-field", "bad-record"]


def test_what_has_no_agents_and_no_calls_says_so(tmp_path):
    found = written(tmp_path, lines(document(span("1", name="GET /")), {"resourceLogs": []}, {"other": 1}))
    assert (found.conversations, sorted(found.codes())) == ([], ["bad-record", "unknown-kind", "unknown-kind"])


def test_files_belong_together_by_their_traces_and_conversations(tmp_path):
    def of(name, *spans):
        (tmp_path / name).write_bytes(lines(document(*spans)))
        return set(links(reader_of("otlp"), tmp_path / name, None))

    named = {"gen_ai.conversation.id": "c"}
    one, other = of("1.jsonl", chat("1")), of("2.jsonl", chat("2", trace=TRACE.upper(), attributes=named))
    assert one == {TRACE}
    assert other == {TRACE, "conversation c"}
    assert of("3.jsonl", chat("3", trace="ab" * 16, attributes=named)) & other == {"conversation c"}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'{"resourceSpans":[', True),
        (b'\xef\xbb\xbf[\n  {\n    "resourceSpans": [', True),
        (b'{"exported_at": "now", "resource_spans": [', True),
        (b'garbage\n{"resourceSpans":[', True),
        (b'{"text": "{\\"resourceSpans\\":[]}"}', False),
        (b'{"resourceLogs":[{"x": 1}]}', False),
        (b'{"a": {"resourceSpans": []}}', False),
    ],
)
def test_a_file_is_claimed_by_how_it_begins(tmp_path, head, expected):
    claims = reader_of("otlp").claims
    assert claims(tmp_path / "t.jsonl", head) is expected
    assert claims(tmp_path / "t.jsonl.gz", gzip.compress(head)) is expected
    assert not claims(tmp_path / "t.py", head)


def test_what_a_step_is_recorded_as_can_be_looked_at(tmp_path):
    path = SAMPLES / "otlp" / "http" / "export.json"
    found = read(path, reader="otlp")
    packed = tmp_path / "t.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for step in found.steps:
        for place in (path, packed):
            record = reader_of("otlp").record(place, step.offset, step.length, 1 << 20)
            assert json.loads(record)["name"] == "anthropic.chat"


def test_what_is_nothing_but_damage_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(_walk, "_MOST_SEEKS", 20)
    ruin = lines(document())[:-7] + b'{"traceId":"' * 30 + b"\n"
    ruins = b'{"resourceSpans":[\n' * 25
    found = written(tmp_path, ruin + lines(document(*SPANS[:3])) + ruins + lines(document(SPANS[3])))
    assert [step.input_tokens for step in found.steps] == [200, 300]
    assert found.findings[-1].message.endswith("left out, as too much is damaged")


def test_a_number_in_a_key_that_no_list_is_as_long_as_is_a_name(tmp_path):
    """Python refuses to make a number of so many digits."""
    told = {"gen_ai.prompt.0.role": "user", f"gen_ai.prompt.0.tool_calls.{'9' * 5_000}.name": "t"}
    found = reading(tmp_path, chat("1", attributes=told))
    assert [step.input_tokens for step in found.steps] == [100] and not found.findings
