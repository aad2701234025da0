"""Bundles with known truth: the generator of the samples writes them, and what it writes is read."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.readers.reading import SAMPLES, Reading, read


def _generator() -> Any:
    spec = importlib.util.spec_from_file_location("codex_samples", SAMPLES / "generators" / "codex.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


generator = _generator()
Event = dict[str, Any]


def written(bundle: Any, directory: Path) -> Path:
    """A bundle on the disk."""
    path = directory / bundle.name
    (path / "payloads").mkdir(parents=True, exist_ok=True)
    for name, content in bundle.files():
        (path / name).write_bytes(content)
    return path


def reading(*paths: Path) -> Reading:
    """Bundles and session files as one source."""
    return read(paths[0], reader="codex", parts=paths[1:])


def small() -> Any:
    """A root that spawns one child, gets its result and runs a command; two turns, and everything in order."""
    bundle = generator.Bundle(9)
    root = generator.Agent(bundle, 1)
    root.begin(generator.said("user", "Count the files."))
    spawn = root.spawning("count", "gAAAAAcount")
    root.ask(spawn)
    child = root.spawn(spawn, 2, "Gauss")
    child.begin()
    find = child.call("exec_command", cmd="ls | wc -l")
    child.ask(find)
    child.run(find, "42\n", {"process_id": "7", "exit_code": 0})
    child.ask(generator.said("assistant", "42 files"))
    child.finish()
    child.report("42 files")
    root.ask(generator.said("assistant", "42 files."))
    root.finish()
    root.begin(generator.said("user", "Thanks."))
    root.ask(generator.said("assistant", "You are welcome."))
    root.compact(1, kept=2)
    root.finish()
    bundle.end(child, root)
    bundle.agents = [root, child]
    return bundle


def change(path: Path, edit: Callable[[list[Event]], None]) -> None:
    """Change the records of a bundle's log."""
    log = path / "trace.jsonl"
    records = [json.loads(line) for line in log.read_bytes().splitlines()]
    edit(records)
    log.write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in records))


def events(records: list[Event], kind: str) -> list[Event]:
    """The records of a type."""
    return [record for record in records if record["payload"]["type"] == kind]


def payload_of(path: Path, kind: str, name: str, index: int = 0) -> Path:
    """The file that a field of an event refers to."""
    records = [json.loads(line) for line in (path / "trace.jsonl").read_bytes().splitlines()]
    return path / events(records, kind)[index]["payload"][name]["path"]
