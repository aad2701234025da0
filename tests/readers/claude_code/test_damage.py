"""What damage costs: itself, and nothing else."""

import json
import random
from pathlib import Path

import pytest

from tests.readers.claude_code.families import READER, readings
from tests.readers.claude_code.writing import SESSION, answered, call, main, only, result, said, text, write
from tests.readers.reading import SAMPLES

CUTS = 12


def facts(found, path, cut):
    """What is said of steps, tool calls and prompts before a place of a file, whatever comes behind it.

    Runs by their agent and number alone: without the call that started it, a teammate is a conversation of its own.
    """
    steps, parts = {}, {}
    for reading in found:
        for step in reading.steps:
            if step.source_id != path or step.offset + step.length <= cut:
                run = step.run_id.rsplit("/", 2)[1:]
                steps[step.source_id, step.offset] = run, step.ordinal, step.started_at, step.model
                parts[step.source_id, step.offset] = len(reading.ids(step))
    return steps, parts


@pytest.mark.parametrize("directory", sorted((SAMPLES / "claude-code").iterdir()), ids=lambda path: path.name)
def test_a_file_that_is_cut_anywhere_loses_what_was_cut_off(directory, tmp_path):
    files = {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}
    for name, content in files.items():
        write(tmp_path, name, content)
    whole = readings(tmp_path)
    rng = random.Random(directory.name)
    for name in (name for name in files if name.endswith(".jsonl")):
        content = files[name]
        for cut in rng.sample(range(1, len(content)), 3):
            (tmp_path / name).write_bytes(content[:cut])
            before, after = (facts(found, name, cut) for found in (whole, readings(tmp_path)))
            after = tuple({key: value for key, value in each.items() if key in before[0]} for each in after)
            assert after == before, (name, cut)
        (tmp_path / name).write_bytes(content)


def test_every_step_before_a_cut_is_as_it_was(tmp_path):
    """A session alone, at every byte of a line: tokens of the calls before it, and the line of the damage."""
    lines = [
        json.dumps(each).encode() + b"\n"
        for each in (
            said("u1", None, 0, "Go"), answered("a1", "u1", 1, call("t1"), stop="tool_use"),
            said("u2", "a1", 2, result("t1")), answered("a2", "u2", 3, text("é"), id="m2"),
        )
    ]  # fmt: skip
    content = b"".join(lines)
    start = len(content) - len(lines[-1])
    for cut in range(start, len(content), 7):
        write(tmp_path, f"{SESSION}.jsonl", content[:cut])
        reading = only(tmp_path)
        assert [step.output_tokens for step in reading.steps] == [7] + [7] * (cut == len(content) - 1)
        bad = [(finding.code, finding.line) for finding in reading.findings if finding.severity == "error"]
        assert bad == ([("truncated-record", 4)] if start < cut < len(content) - 1 else [])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'"text"\n', "bad-record"),
        (b"42\n", "bad-record"),
        (b"[1]\n", "bad-record"),
        (b"{]\n", "bad-record"),
        (b"\0\0\0\n", "bad-record"),
        (b'{"type":"user","message":{"content":"\xff"},"sessionId":"' + SESSION.encode() + b'"}\n', "bad-field"),
    ],
)
def test_a_line_that_is_no_record_costs_itself(tmp_path, line, code):
    reading = main(tmp_path, said("u1", None, 0, "Go"), line, answered("a1", "u1", 1, text("x")))
    assert len(reading.steps) == 1
    assert [(finding.code, finding.line) for finding in reading.findings] == [(code, 2)]
    assert reading.report.bad_records == (code == "bad-record")


def test_a_record_within_a_torn_one_is_read(tmp_path):
    reading = main(tmp_path, said("u1", None, 0, "Go"), b'{"parentUuid":"u1","message":{"con', answered("a1", "u1", 1))
    assert len(reading.steps) == 1
    assert reading.codes() == ["spliced-record"]
    (step,) = reading.steps
    content = (tmp_path / f"{SESSION}.jsonl").read_bytes()
    assert json.loads(content[step.offset : step.offset + step.length])["uuid"] == "a1"


def test_other_newlines_a_mark_and_odd_values_are_no_damage(tmp_path):
    odd = said("u1", None, 0, "Go") | {"toolUseResult": "text", "parentUuid": 5, "cwd": []}
    content = b"\xef\xbb\xbf" + json.dumps(odd).encode() + b"\r\n\r\n"
    twice = (
        b'{"type":"x",' + json.dumps(answered("a1", "u1", 1, text("\ud800"), usage={"output_tokens": -1}))[1:].encode()
    )
    reading = main(tmp_path, content, twice)
    assert not [finding for finding in reading.findings if finding.severity == "error"]
    (step,) = reading.steps
    assert (step.input_tokens, step.output_tokens, step.tokens_grade) == (None, None, "not_recorded")


def test_parents_that_lead_in_a_circle_or_nowhere_are_told(tmp_path):
    reading = main(
        tmp_path, said("u1", "a9", 0, "Go"), answered("a1", "u2", 1, text("x")), said("u2", "a1", 2, "On"),
        answered("a2", "lost", 3, text("y"), id="m2"),
    )  # fmt: skip
    found = [(finding.code, finding.line) for finding in reading.findings]
    assert found == [("parent-cycle", 2), ("missing-record", 4)]
    assert len(reading.steps) == 2


def test_a_long_image_is_passed_over_and_equal_ones_stay_equal(tmp_path):
    def image(letter):
        return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": letter * 3_000_000}}

    reading = main(
        tmp_path, said("u1", None, 0, [image("A")]), answered("a1", "u1", 1, text("x")),
        said("u2", None, 2, [image("A")]), answered("a2", "u2", 3, text("y"), id="m2"),
        said("u3", None, 4, [image("B")]), answered("a3", "u3", 5, text("z"), id="m3"),
    )  # fmt: skip
    assert [len(reading.ids(step)) for step in reading.steps] == [1, 3, 5]
    content = (tmp_path / f"{SESSION}.jsonl").read_bytes()
    for step in reading.steps:
        assert json.loads(content[step.offset : step.offset + step.length])["type"] == "assistant"


def test_what_is_no_transcript_is_not_claimed():
    stream = b'{"type":"system","subtype":"init","session_id":"x"}\n{"type":"result","session_id":"x"}\n'
    assert not READER.claims(Path("out.jsonl"), stream)
    assert not READER.claims(Path("notes.jsonl"), b'{"type":"user","name":"x"}\n')
    assert READER.claims(
        Path("old.jsonl"), b'junk\n{"type":"user","message":{"role":"user","content":"hi"},"uuid":"u"}\n'
    )


def test_the_outputs_of_tools_are_parts_of_their_session(tmp_path):
    whole = write(tmp_path, f"{SESSION}.jsonl", said("u1", None, 0, "Go"))
    part = write(tmp_path, f"{SESSION}/tool-results/toolu_1.txt", b"output")
    assert READER.part_of(part) == whole
    assert READER.part_of(whole) is None
