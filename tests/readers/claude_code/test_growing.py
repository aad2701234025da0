"""Transcripts that grow are gone on with from where they ended, and give what a reading of all of it gives."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.model import Event
from explorer.readers import SourceFile
from explorer.readers._claude_code import _growing
from explorer.readers._claude_code._growing import read_growing
from tests.readers.claude_code.families import READER, families
from tests.readers.claude_code.writing import SESSION, answered, call, record, result, said, text, write
from tests.readers.reading import SAMPLES, Reading

OTHER = "5e551012-0000-4000-8000-000000000000"
MAIN, FORK = f"{SESSION}.jsonl", f"{OTHER}.jsonl"
AGENTS = [f"{SESSION}/subagents/agent-a1.jsonl", f"{SESSION}/subagents/agent-a2.jsonl", "agent-a3.jsonl"]
TWIN = "elsewhere/agent-a1.jsonl"
META = f"{SESSION}/subagents/agent-a1.meta.json"
NOTICE = "<task-notification><task-id>a1</task-id><tool-use-id>t1</tool-use-id><status>failed</status>"
WORDS = ["go", "look there", "and there", "Warmup", "[Request interrupted by user]", NOTICE]


@pytest.fixture(autouse=True)
def nothing_is_known() -> Iterator[None]:
    _growing._kept.clear()
    yield
    _growing._kept.clear()


def rows(directory: Path, names: list[str], growing: bool) -> tuple[list[Any], Any]:
    """What is read of some files, in order."""
    first, *parts = [(directory / name, name) for name in names]
    reading = Reading(list(READER.read(SourceFile(*first, parts=parts, growing=growing))))
    return reading.rows, reading.report


class Recorder:
    """Writes transcripts of one family, in random portions, as recorders do and as they should not."""

    def __init__(self, directory: Path, seed: int, tame: bool = False, apart: bool = False) -> None:
        """What is ``tame`` is whole and in order; what is written ``apart`` stands in one file alone."""
        self.directory, self.rng, self.tame, self.apart = directory, random.Random(seed), tame, apart
        self.records: dict[str, list[dict[str, Any]]] = {name: [] for name in (MAIN, FORK, *AGENTS, TWIN)}
        self.count = 0
        self.halves: dict[str, bytes] = {}

    @property
    def names(self) -> list[str]:
        """The files that have been begun, whether they are still there or not."""
        return (
            sorted(name for name, records in self.records.items() if records)
            + [META] * (self.directory / META).exists()
        )

    def append(self) -> None:
        """Write a few records to one file."""
        files = [MAIN, *AGENTS] if self.tame else [MAIN, MAIN, *AGENTS, *AGENTS, FORK, MAIN if self.apart else TWIN]
        name = self.rng.choice(files)
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = self.halves.pop(name, b"")
        for _ in range(self.rng.randrange(1, 4)):
            content += json.dumps(self._record(name)).encode() + b"\n"
        if not self.tame and self.rng.random() < 0.3:
            half = json.dumps(self._record(name)).encode()
            cut = self.rng.choice([len(half), self.rng.randrange(1, len(half))])
            content, self.halves[name] = content + half[:cut], half[cut:] + b"\n"
        with path.open("ab") as file:
            file.write(content)

    def disturb(self) -> None:
        """What no recorder does: cut a file off, replace it, take it away, write nonsense, describe an agent."""
        name = self.rng.choice(self.names)
        path = self.directory / name
        if not path.exists():
            return
        content, what = path.read_bytes(), self.rng.randrange(6)
        if what == 0:
            path.write_bytes(content[: self.rng.randrange(len(content) + 1)])
        elif what == 1:
            new = path.with_name("new")
            new.write_bytes(content[self.rng.randrange(len(content) + 1) :])
            new.replace(path)
        elif what == 2 and len(self.names) > 1 and name != self.names[0]:
            path.unlink()
        elif what == 3:
            path.write_bytes(content + b'no JSON\n\n{"sessionId": 1}\n[]\n')
        elif what == 4:
            write(self.directory, META, {"agentType": "Plan", "description": "d", "toolUseId": f"t{self.count // 2}"})
        elif content:  # a line at the end that is another one now, as long as it was
            path.write_bytes(content[:-3] + bytes(reversed(content[-3:])))

    def _record(self, name: str) -> dict[str, Any]:
        rng, own = self.rng, self.records[name]
        self.count += 1
        uuid, at = f"u{self.count}", self.count + rng.random()
        fields: dict[str, Any] = {"sessionId": OTHER} if name == FORK else {}
        if "agent-" in name:
            fields["agentId"] = name.split("agent-")[1].split(".")[0]
        parent = own[-1].get("uuid") if own else None
        if own and not self.tame and rng.random() < 0.1:
            parent = rng.choice(own).get("uuid")
        made = self._kind(name, uuid, parent, at, fields)
        own.append(made)
        return made

    def _kind(self, name: str, uuid: str, parent: str | None, at: float, fields: dict[str, Any]) -> dict[str, Any]:
        rng, kind = self.rng, self.rng.randrange(10 if self.tame else 18)
        if kind < 3:
            return said(uuid, parent, at, rng.choice(WORDS), **fields)
        if kind < 6:
            usage = tuple(rng.randrange(1, 100) for _ in range(4))
            message = f"m{self.count - rng.randrange(2)}" if not self.tame else f"m{self.count}"
            stop = rng.choice([None, "end_turn", "tool_use"])
            blocks = text(rng.choice(WORDS)), call(f"t{self.count}", "Read", path=rng.choice(WORDS))
            return answered(uuid, parent, at, *blocks, id=message, usage=usage, stop=stop, **fields)
        if kind < 8:
            asked = call(f"t{self.count}", "Agent", prompt=rng.choice(WORDS), subagent_type="Explore")
            return answered(uuid, parent, at, asked, id=f"m{self.count}", stop="tool_use", **fields)
        if kind < 10:
            outcome = {"agentId": rng.choice(["a1", "a2", "a9"]), "status": "completed"}
            back = result(f"t{self.count - rng.randrange(1, 5)}", rng.choice(WORDS))
            return said(uuid, parent, at, back, toolUseResult=outcome, **fields)
        session = fields.get("sessionId", SESSION)
        written = [self.records[name]] if self.apart else [*self.records.values()]
        other = fields | {"sessionId": f"of {name}" if self.apart else OTHER}
        return rng.choice([
            lambda: rng.choice([*filter(None, written), [said(uuid, None, at, "first", **fields)]])[-1],
            lambda: {**record("user", uuid, parent, at, message={"content": "aside"}, **fields), "isSidechain": True},
            lambda: record("system", uuid, parent, at, subtype="compact_boundary", compactMetadata={}, **fields),
            lambda: {"type": "custom-title", "customTitle": f"title {self.count}", "sessionId": session},
            lambda: {"type": "summary", "leafUuid": parent, "summary": "sum"},
            lambda: {"sessionId": session, "uuid": uuid, "cwd": "/elsewhere"},
            lambda: record("user", uuid, parent, at, message={"content": "other"}, **other),
            lambda: record("user", uuid, parent, at, message={}, forkedFrom={"sessionId": OTHER}, **fields),
        ])()  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_written_it_is_as_if_all_had_been_read(tmp_path: Path, seed: int) -> None:
    recorder = Recorder(tmp_path, seed, apart=seed % 3 > 0)
    for step in range(30):
        recorder.append()
        if step % 5 == 4:
            recorder.disturb()
        assert rows(tmp_path, recorder.names, True) == rows(tmp_path, recorder.names, False), step


@pytest.mark.parametrize("seed", range(4))
def test_where_files_do_not_depend_on_each_other_only_what_is_new_is_read(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, real = Recorder(tmp_path, seed, tame=True), _growing.lines_of
    begun: dict[str, int] = {}

    def lines_of(buffer: bytes, source_id: str, place: Any, size: int) -> Any:
        begun.setdefault(source_id, place.offset)
        return real(buffer, source_id, place, size)

    monkeypatch.setattr(_growing, "lines_of", lines_of)
    sizes: dict[str, int] = {}
    for step in range(30):
        recorder.append()
        begun.clear()
        assert rows(tmp_path, recorder.names, True) == rows(tmp_path, recorder.names, False), step
        assert begun == {name: sizes.get(name, 0) for name in recorder.names}
        sizes = {name: (tmp_path / name).stat().st_size for name in recorder.names}


A1 = {"agentId": "a1"}
BEGUN = said("u1", None, 1, "go"), answered("r1", "u1", 2, call("t1", "Agent", prompt="look"), stop="tool_use")
LOOKED = said("v1", None, 3, "look", **A1), answered("s1", "v1", 4, text("seen"), id="m2", **A1)


@pytest.mark.parametrize(
    ("depends", "further"),
    [
        (False, {}),
        (False, {AGENTS[1]: [said("w1", None, 5, "look", agentId="a2"), answered("x1", "w1", 6, text("x"), id="m3")]}),
        (False, {FORK: [each | {"sessionId": OTHER} for each in BEGUN]}),
        (True, {AGENTS[1]: [BEGUN[0] | {"agentId": "a2"}]}),
        (True, {AGENTS[1]: [answered("w1", None, 5, call("t1", "Agent", prompt="x"), id="m3", agentId="a2")]}),
        (True, {TWIN: [said("w1", None, 5, "and", **A1)]}),
        (True, {"copy.jsonl": [said("w1", None, 5, "and")]}),
        (True, {"side.jsonl": [said("w1", "v1", 5, "and") | {"isSidechain": True}]}),
    ],
    ids=["no", "not of siblings", "not of forks", "a record", "a call", "an agent", "the main agent", "a sidechain"],
)
def test_what_several_files_tell_of_is_read_behind_one_another(
    tmp_path: Path, depends: bool, further: dict[str, list[Any]]
) -> None:
    files = {MAIN: BEGUN, AGENTS[0]: LOOKED} | further
    for name, records in files.items():
        write(tmp_path, name, *records)
    known = read_growing([(tmp_path / name, name) for name in files], teams=True)
    assert (known is None) == depends
    for _ in range(2):
        assert rows(tmp_path, sorted(files), True) == rows(tmp_path, sorted(files), False)


def test_the_phases_of_a_workflow_are_told_once_however_often_it_is_read(tmp_path: Path) -> None:
    note = {"runId": "wf_1", "workflowName": "sweep", "phases": [{"title": "Map"}]}
    names = [MAIN, f"{SESSION}/workflows/wf_1.json"]
    launched = said("u2", "r1", 2, result("t1"), toolUseResult={"status": "async_launched", "runId": "wf_1"})
    write(tmp_path, MAIN, BEGUN[0], answered("r1", "u1", 2, call("t1", "Workflow")), launched)
    write(tmp_path, names[1], json.dumps(note).encode())
    first = rows(tmp_path, names, True)
    assert [event.detail for event in first[0] if isinstance(event, Event)] == ["sweep: Map; 0 agents"]
    assert rows(tmp_path, names, True) == first


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"well", b"bell")),
        lambda path: path.write_bytes(b"") or write(path.parent, path.name, said("u1", None, 1, "other")),
    ],
    ids=["cut off", "written over", "begun anew"],
)
def test_a_file_that_is_another_one_is_read_from_its_start(tmp_path: Path, change: Callable[[Path], object]) -> None:
    path = write(tmp_path, MAIN, said("u1", None, 1, "go"), answered("a1", "u1", 2, text("well")))
    rows(tmp_path, [MAIN], True)
    change(path)
    assert rows(tmp_path, [MAIN], True) == rows(tmp_path, [MAIN], False)


def test_what_recorders_wrote_is_the_same_however_it_is_read() -> None:
    directory, seen = SAMPLES / "claude-code", 0
    for files in families(directory):
        names = [path.relative_to(directory).as_posix() for path in files]
        seen += read_growing([(directory / name, name) for name in names], teams=True) is not None
        for _ in range(2):
            assert rows(directory, names, True) == rows(directory, names, False)
    assert seen, "of some at least the files do not depend on each other"


def test_no_more_is_kept_than_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (MAIN, *AGENTS):
        write(tmp_path, name, said(f"u {name}", None, 1, "go", **({} if name == MAIN else {"agentId": name[-8:-6]})))
    size = (tmp_path / AGENTS[0]).stat().st_size
    monkeypatch.setattr(_growing, "KEPT_BYTES", 2 * size + size // 2)
    files = [(tmp_path / name, name) for name in (MAIN, *AGENTS)]
    assert read_growing(files, teams=True) is not None
    assert [source_id for _, source_id, _ in _growing._kept] == AGENTS[-2:]


def test_a_team_is_put_together_anew_however_often_its_sessions_are_read(tmp_path: Path) -> None:
    directory = SAMPLES / "claude-code" / "windows"
    whole = {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}
    for share in (0.2, 0.6, 1, 1):
        for name, content in whole.items():
            write(tmp_path, name, content[: content.rfind(b"\n", 0, int(share * len(content))) + 1] or content)
        assert rows(tmp_path, sorted(whole), True) == rows(tmp_path, sorted(whole), False)
