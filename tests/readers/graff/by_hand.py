"""Records of graff written by hand, as short as they may be, and the files of one process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.readers.reading import Reading, read

RUN = "00ff00ff00ff00ff"
WHO = {"run_id": RUN, "pid": 41, "session_id": "0123456789abcdef" * 2}
SHA, OTHER = "1234567890abcdef", "fedcba0987654321"


def opened(id: int, t: int, parent: int = 0, **fields: Any) -> dict[str, Any]:
    """The beginning of a turn."""
    node = {"id": id, "parent": parent, "kind": "turn", "label": "m", "t": t, "live": True, "prompt_sha": SHA}
    return WHO | node | fields


def closed(id: int, t: int, ms: int, parent: int = 0, **fields: Any) -> dict[str, Any]:
    """The end of a turn."""
    node = {"id": id, "parent": parent, "kind": "turn", "label": "m", "t": t, "ms": ms, "prompt_sha": SHA, "ok": True}
    return WHO | node | fields


def child(id: int, t: int, ms: int, parent: int = 1, label: str = "look", **fields: Any) -> dict[str, Any]:
    """A child that has ended."""
    node = {"id": id, "parent": parent, "kind": "subagent", "label": label, "model": "s", "provider": "p", "t": t}
    return WHO | node | {"ms": ms, "prompt_sha": OTHER, "tools": "", "ok": True} | fields


def api(t: int, ms: int, agent: str = "main", turn: int = 1, **fields: Any) -> dict[str, Any]:
    """A model call."""
    call = {"t": t, "ev": "api", "turn": turn, "agent": agent, "model": "m" if agent == "main" else "s", "ms": ms}
    return WHO | call | {"context_tokens": 900, "cache_read_tokens": 100, "is_error": False} | fields


def tool(t: int, ms: int, name: str = "bash", sub: bool | None = False, turn: int = 1, **fields: Any) -> dict[str, Any]:
    """A tool call."""
    call = {"t": t, "ev": "tool", "turn": turn, "name": name, "ms": ms, "is_error": False}
    return WHO | call | ({} if sub is None else {"from_sub": sub}) | fields


def told(kind: str, seq: int, ts: float, **fields: Any) -> dict[str, Any]:
    """A record of the behavioral stream."""
    return {"kind": kind, "seq": seq, "ts": ts, "run_id": RUN, "schema": "codegraff.behavior.v1"} | fields


def began(seq: int = 1) -> dict[str, Any]:
    """The beginning of the process, at a thousand seconds after 1970."""
    return told("run_started", seq, 1000.0, unix_ms=1_000_000, version="0.9", provider="p", model="m", effort="high")


def turn(number: int, node: int, seq: int, ts: float) -> dict[str, Any]:
    """A turn by its behavioral number."""
    return told("turn_started", seq, ts, turn=number, parent_turn=number - 1, trajectory_node=node)


def finished(seq: int, ts: float = 1100.0, status: str = "closed", dropped: int = 0) -> dict[str, Any]:
    """The end of the process."""
    return told("run_finished", seq, ts, status=status, local_dropped=dropped)


def text(records: Any) -> bytes:
    """Records as lines; bytes are lines already."""
    return b"".join(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in records)


def write(directory: Path, **streams: Any) -> Path:
    """Write the streams of a process; returns the first in the order in which they are sources."""
    paths = []
    for stream in ("trajectories", "behavior", "traces"):
        if stream in streams:
            path = directory / ".graff" / stream / f"{RUN}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text(streams[stream]))
            paths.append(path)
    return paths[0]


def process(directory: Path, **streams: Any) -> Reading:
    """What the reader makes of the streams of a process."""
    path = write(directory, **streams)
    return read(path, f".graff/{path.parent.name}/{path.name}", reader="graff")


def alone(directory: Path, *records: Any, name: str = "harness.trajectory.jsonl") -> Reading:
    """What the reader makes of a file by itself."""
    path = directory / name
    path.write_bytes(text(records))
    return read(path, reader="graff")


HERE = f".graff/trajectories/{RUN}.jsonl"
TRACE = f".graff/traces/{RUN}.jsonl"
STREAM = f".graff/behavior/{RUN}.jsonl"
