"""Which files are graff's, and which of them is the source of a process."""

import json
from itertools import chain, combinations

import pytest

from explorer.readers import SourceFile, claim, companions, part_of, readers
from explorer.readers.graff import _reading
from tests.readers.graff.by_hand import HERE, RUN, STREAM, TRACE, WHO, api, began, closed, opened, text, write
from tests.readers.reading import read

GRAFF = readers()["graff"]
STREAMS = {"trajectories": [opened(1, 5)], "behavior": [began()], "traces": [api(30, 9)]}


@pytest.mark.parametrize("streams", chain(*(combinations(STREAMS, n) for n in (1, 2, 3))), ids="+".join)
def test_one_file_of_a_process_is_the_source_and_the_others_are_part_of_it(streams, tmp_path):
    source = write(tmp_path, **{stream: STREAMS[stream] for stream in streams})
    files = sorted((tmp_path / ".graff").rglob("*.jsonl"))
    assert source.parent.name == streams[0]
    assert sorted([source, *companions(GRAFF, source)]) == files
    assert part_of(source) is None
    for file in files:
        assert claim(file, file.read_bytes()).NAME == "graff"
        if file != source:
            assert part_of(file) == (GRAFF, source)
            assert list(companions(GRAFF, file)) == []


def test_an_empty_file_is_no_source(tmp_path):
    write(tmp_path, trajectories=[], behavior=[began()], traces=[api(30, 9)])
    stream = tmp_path / STREAM
    assert part_of(tmp_path / TRACE) == (GRAFF, stream)
    assert part_of(tmp_path / HERE) is None
    assert list(companions(GRAFF, stream)) == [tmp_path / TRACE]


def test_files_of_other_names_and_places_belong_to_nobody(tmp_path):
    path = write(tmp_path, **STREAMS)
    for other in ("traces/notes.jsonl", "traces/00FF00FF00FF00FF.jsonl", f"elsewhere/{RUN}.jsonl", f"traces/{RUN}.txt"):
        file = path.parent.parent / other
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(path.read_bytes())
        assert part_of(file) is None
        assert list(companions(GRAFF, file)) == []


@pytest.mark.parametrize(
    ("source_id", "trace"),
    [
        (f"a/.graff/trajectories/{RUN}.jsonl", f"a/.graff/traces/{RUN}.jsonl"),
        (f"trajectories/{RUN}.jsonl", f"traces/{RUN}.jsonl"),
        (f"{RUN}.jsonl", f"../traces/{RUN}.jsonl"),
    ],
)
def test_the_source_of_a_step_is_named_like_the_source(source_id, trace, tmp_path):
    path = write(tmp_path, **STREAMS)
    found = read(path, source_id, reader="graff")
    assert [step.source_id for step in found.steps] == [trace]
    assert found.conversation.source_id == source_id


@pytest.mark.parametrize(
    "record",
    [
        opened(1, 5), api(30, 9), began(), {"kind": "session", "version": "0.1", "unix_ms": 5},
        WHO | {"kind": "prompt", "prompt_sha": "x", "text": "y"}, WHO | {"ev": "ws", "t": 1, "detail": ""},
    ],
)  # fmt: skip
def test_a_file_is_known_by_a_record(record, tmp_path):
    path = tmp_path / "any.jsonl"
    line = json.dumps(record).encode()
    for head in (
        line,
        line + b"\n",
        b"\0\0\0" + line + b"\n",
        b'{"kind":"pro' + line + b"\nnot json\n",
        b"x}\n" + line,
    ):
        assert GRAFF.claims(path, head), head


@pytest.mark.parametrize(
    "record",
    [
        {"run_id": "not hex", "pid": 4, "session_id": "0" * 32, "ev": "api"},
        WHO | {"session_id": "0" * 31, "ev": "api"},
        WHO | {"pid": "4", "kind": "turn"},
        {key: value for key, value in api(30, 9).items() if key != "ev"},
        {"kind": "session", "version": "0.1"}, {"kind": "turn", "id": 1, "t": 5}, {"ev": "api", "t": 5},
        {"conversation_id": "c", "agent_id": "a", "seq": 0, "ts_ms": 5, "payload": {"kind": "agent_run"}},
        {"requests": []}, [1], 5, "kind",
    ],
)  # fmt: skip
def test_a_file_of_something_else_is_left(record, tmp_path):
    assert not GRAFF.claims(tmp_path / "any.jsonl", json.dumps(record).encode())


def test_names_of_old_files_are_enough(tmp_path):
    assert GRAFF.claims(tmp_path / "harness.trajectory.jsonl", b'{"kind":"turn","id":4,"t":9}\n')
    assert GRAFF.claims(tmp_path / "harness.trace.jsonl", b'{"t":9,"ev":"api","agent":"main","ms":3}\n')
    assert not GRAFF.claims(tmp_path / "harness.trace.jsonl", b'{"t":9}\n')


def test_a_first_record_longer_than_the_head_is_enough(tmp_path):
    prompt = WHO | {"kind": "prompt", "prompt_sha": "x", "text": "y" * 100_000}
    head = json.dumps(prompt, separators=(",", ":")).encode()[: 1 << 16]
    assert GRAFF.claims(tmp_path / "any.jsonl", head)


def test_a_ruined_file_is_known_by_the_others_of_its_process(tmp_path):
    path = write(tmp_path, trajectories=[bytes(5_000)], traces=[api(30, 9)])
    assert GRAFF.claims(path, path.read_bytes())
    found = read(path, HERE, reader="graff")
    assert (len(found.steps), found.codes()) == (1, ["bad-record"])
    assert not GRAFF.claims(tmp_path / "alone.jsonl", bytes(5_000))


def test_a_companion_that_cannot_be_opened_costs_itself(tmp_path, monkeypatch):
    path = write(tmp_path, **STREAMS)
    real = _reading.open_bytes

    def refuse(file):
        if file.parent.name == "traces":
            raise PermissionError(13, "Permission denied")
        return real(file)

    monkeypatch.setattr(_reading, "open_bytes", refuse)
    found = read(path, HERE, reader="graff")
    assert [run.status for run in found.runs] == ["running"]
    assert ("unreadable-source", TRACE) in [(finding.code, finding.source_id) for finding in found.findings]


def test_files_put_together_are_as_many_conversations(tmp_path):
    other = {"run_id": "11" * 8, "session_id": "a" * 32}
    path = tmp_path / "all.jsonl"
    mine = [opened(1, 5), closed(1, 50, 45), api(30, 9)]
    path.write_bytes(text([*mine, *(record | other for record in mine)]))
    found = read(path, reader="graff")
    assert [c.conversation_id for c in found.conversations] == ["all.jsonl", f"all.jsonl//{'11' * 8}"]
    assert [(run.run_id, run.status) for run in found.runs] == [
        ("all.jsonl/main/1", "completed"),
        (f"all.jsonl//{'11' * 8}/main/1", "completed"),
    ]
    assert [step.run_id for step in found.steps] == [run.run_id for run in found.runs]


def test_a_run_id_that_flipped_is_not_another_process(tmp_path):
    path = write(tmp_path, trajectories=[opened(1, 5), closed(1, 50, 45, run_id="00ff00ff00ff00fe")])
    found = read(path, HERE, reader="graff")
    assert [run.status for run in found.runs] == ["completed"]
    assert found.codes() == ["bad-field"]


def test_a_source_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        list(GRAFF.read(SourceFile(tmp_path / "gone.jsonl", "gone.jsonl")))
