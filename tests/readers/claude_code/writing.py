"""Transcripts for tests, record by record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.readers.claude_code.families import readings
from tests.readers.reading import Reading

SESSION = "5e551011-0000-4000-8000-000000000000"
START = 9 * 3600


def stamp(second: float) -> str:
    """A time on the day of the tests."""
    ms = round(1000 * (START + second))
    hour, minute, rest = ms // 3_600_000, ms // 60_000 % 60, ms % 60_000
    return f"2026-05-04T{hour:02}:{minute:02}:{rest // 1000:02}.{rest % 1000:03}Z"


def record(kind: str, uuid: str, parent: str | None, at: float, **fields: Any) -> dict[str, Any]:
    """A record with its envelope."""
    envelope = {
        "parentUuid": parent, "isSidechain": "agentId" in fields, "cwd": "/srv/shop", "sessionId": SESSION,
        "version": "2.1.114", "type": kind, "uuid": uuid, "timestamp": stamp(at),
    }  # fmt: skip
    return envelope | fields


def said(uuid: str, parent: str | None, at: float, content: Any, **fields: Any) -> dict[str, Any]:
    """A record in the user's name."""
    return record("user", uuid, parent, at, message={"role": "user", "content": content}, **fields)


def answered(
    uuid: str, parent: str | None, at: float, *blocks: Any, id: str | None = "m1", request: str | None = "r1",
    usage: Any = (4, 100, 50, 7), stop: str | None = "end_turn", **fields: Any,
) -> dict[str, Any]:  # fmt: skip
    """A record of a model call."""
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    counted = dict(zip(names, usage, strict=True)) if isinstance(usage, tuple) else usage
    message = {"role": "assistant", "model": "m", "content": list(blocks), "stop_reason": stop, "usage": counted}
    message |= {"id": id} if id else {}
    return record(
        "assistant", uuid, parent, at, message=message, **({"requestId": request} if request else {}), **fields
    )


def text(words: str) -> dict[str, str]:
    """A block of text."""
    return {"type": "text", "text": words}


def call(call_id: str, tool: str = "Read", **given: Any) -> dict[str, Any]:
    """A block that asks for a tool."""
    return {"type": "tool_use", "id": call_id, "name": tool, "input": given}


def result(call_id: str, content: Any = "ok", **fields: Any) -> list[dict[str, Any]]:
    """What a tool gave back, as the content of a record."""
    return [{"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}]


def write(directory: Path, name: str, *records: Any) -> Path:
    """A file of these; what is bytes is written as it is."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in records)
    )
    return path


def only(directory: Path) -> Reading:
    """What is read of a directory whose files belong together."""
    (reading,) = readings(directory)
    return reading


def main(directory: Path, *records: Any) -> Reading:
    """What is read of a session with these records."""
    write(directory, f"{SESSION}.jsonl", *records)
    return only(directory)
