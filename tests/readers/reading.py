"""Reading for tests: a file or bytes -> the rows of a reader, by table."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from explorer.model import (
    Agent,
    BlockRun,
    Conversation,
    Edge,
    Event,
    Finding,
    Row,
    Run,
    Step,
    ToolCall,
    UncountedUsage,
    columns,
)
from explorer.readers import HEAD_BYTES, Report, Rows, SourceFile, claim, companions, part_of, readers, settle

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_traces"
SHARED = ROOT.parent / "shared"

UNREAD = {"README.md", "generate.py", "empty.json", "unknown-format.log"}
"""Files among the samples that no reader claims."""


class Reading:
    """Everything a reader told about one source."""

    def __init__(self, rows: list[Row | Rows | Report]) -> None:
        assert isinstance(rows[-1], Report)
        self.report = rows[-1]
        self.rows: list[Row] = [each for row in rows[:-1] for each in single(row)]

    def of(self, kind: type[Any]) -> list[Any]:
        """The rows of a table, in order."""
        return [row for row in self.rows if type(row) is kind]

    @property
    def conversations(self) -> list[Conversation]:
        return self.of(Conversation)

    @property
    def conversation(self) -> Conversation:
        """The only one."""
        (conversation,) = self.conversations
        return conversation

    @property
    def agents(self) -> list[Agent]:
        return self.of(Agent)

    @property
    def runs(self) -> list[Run]:
        return self.of(Run)

    @property
    def steps(self) -> list[Step]:
        return self.of(Step)

    @property
    def tool_calls(self) -> list[ToolCall]:
        return self.of(ToolCall)

    @property
    def edges(self) -> list[Edge]:
        return self.of(Edge)

    @property
    def events(self) -> list[Event]:
        return self.of(Event)

    @property
    def findings(self) -> list[Finding]:
        return self.of(Finding)

    @property
    def uncounted(self) -> list[UncountedUsage]:
        return self.of(UncountedUsage)

    def codes(self) -> list[str]:
        """The codes of the findings, in order."""
        return [finding.code for finding in self.findings]

    def run(self, name: str) -> Run:
        """The run whose agent's id ends so."""
        (run,) = [run for run in self.runs if run.agent_id.endswith(f"/{name}")]
        return run

    def steps_of(self, name: str) -> list[Step]:
        """The steps of the run whose agent's id ends so."""
        run_id = self.run(name).run_id
        return [step for step in self.steps if step.run_id == run_id]

    def stretches(self) -> dict[tuple[str, int], list[tuple[int, int]]]:
        """Step -> first block and count of each of its block runs."""
        found: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        for row in self.of(BlockRun):
            held = found[row.run_id, row.step_ordinal]
            assert row.position == sum(count for _, count in held), "positions follow each other"
            held.append((row.first_block, row.block_count))
        return found

    def ids(self, step: Step) -> list[int]:
        """The block ids of a step's prompt, one by one."""
        return [first + n for first, count in self.stretches()[step.run_id, step.ordinal] for n in range(count)]


def single(row: Row | Rows | Report) -> list[Row]:
    """What a reader yields, as rows."""
    assert not isinstance(row, Report), "one report, last"
    if not isinstance(row, Rows):
        return [row]
    names = [column.name for column in columns(row.table)]
    named = [dict(zip(names, values, strict=True)) for values in zip(*row.columns, strict=True)]
    epoch = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
    for fields in named:
        if fields.get("started_at") is not None:
            fields["started_at"] = epoch + timedelta(microseconds=fields["started_at"])
    return [row.table(**fields) for fields in named]


def read(
    path: Path, source_id: str | None = None, facts: Mapping[str, str] | None = None, reader: str = "weka",
    parts: Sequence[Path] = (),
) -> Reading:  # fmt: skip
    """Read a source."""
    further = [(part, part.name) for part in parts]
    source = SourceFile(path, path.name if source_id is None else source_id, facts or {}, parts=further)
    return Reading(list(readers()[reader].read(source)))


def sample_files() -> list[Path]:
    """Every file among the samples; what writes them is beside them and none of them."""
    aside = {"__pycache__", "generators"}
    return sorted(path for path in SAMPLES.rglob("*") if path.is_file() and not aside & set(path.parts))


@cache
def samples() -> list[Path]:
    """Every source among the samples: files, and directories that are one trace."""
    wholes = {path for path in SAMPLES.rglob("*") if path.is_dir() and claim(path, None)}
    return sorted([path for path in sample_files() if not wholes & set(path.parents)] + [*wholes])


def head(path: Path) -> bytes | None:
    """What ``claims`` gets to see."""
    if path.is_dir():
        return None
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


@cache
def claimed() -> list[tuple[str, Path]]:
    """Every sample that a reader claims, with the reader's name."""
    found = [(claim(path, head(path)), path) for path in samples() if path.stat().st_size]
    return [(reader.NAME, path) for reader, path in found if reader]


def wholes() -> list[tuple[str, Path]]:
    """The claimed samples but for those that are read with another one."""
    return [(name, path) for name, path in claimed() if part_of(path) is None]


def moved(path: Path, directory: Path) -> Path:
    """A copy of a sample below another directory, with what is read with it at its side."""
    if path.is_dir():
        return Path(shutil.copytree(path, directory / path.parent.name / path.name))
    reader = claim(path, head(path))
    for file in (path, *(companions(reader, path) if reader else ())):
        copy = Path(os.path.normpath(directory / path.parent.name / os.path.relpath(file, path.parent)))
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    return directory / path.parent.name / path.name


@cache
def settled(reader: str, directory: Path) -> dict[str, str]:
    """The facts of a corpus: the files of one directory."""
    votes = [
        vote
        for name, path in claimed()
        if name == reader and path.parent == directory
        for vote in read(path, reader=reader).report.votes
    ]
    return settle(readers()[reader], votes)


def request(**fields: Any) -> dict[str, Any]:
    """A weka model call; what is given as ``...`` is left out."""
    usual = {"t": 1.0, "type": "n", "model": "m", "in": 130, "out": 7, "hash_ids": [1, 2], "api_time": 0.5}
    return {key: value for key, value in (usual | fields).items() if value is not ...}


def sub_agent(*requests: Any, **fields: Any) -> dict[str, Any]:
    """A weka sub-agent; what is given as ``...`` is left out."""
    usual = {
        "t": 10.0, "type": "subagent", "agent_id": "agent_001", "subagent_type": "Explore", "duration_ms": 4000,
        "total_tokens": None, "tool_use_count": 2, "status": "completed",
    }  # fmt: skip
    record = usual | {"requests": list(requests), "models": ["m"]} | fields
    return {key: value for key, value in record.items() if value is not ...}


def trace(*requests: Any, **fields: Any) -> dict[str, Any]:
    """A weka conversation; what is given as ``...`` is left out."""
    usual = {"id": "c", "models": ["m"], "block_size": 64, "hash_id_scope": "local", "requests": list(requests)}
    return {key: value for key, value in (usual | fields).items() if value is not ...}


def line(record: Any) -> bytes:
    """A record as builders write it."""
    return json.dumps(record, separators=(",", ":")).encode()
