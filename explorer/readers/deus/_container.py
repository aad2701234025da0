"""The log of a container, written when it had ended: one run of a group."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from explorer.model import Finding
from explorer.readers._claude_code._content import milliseconds, word
from explorer.readers._findings import Findings
from explorer.readers._values import MOST_SECONDS
from explorer.readers.deus._draft import Group, Life

LONGEST = 16 << 20
"""Bytes of a log that are looked at: its head tells the run, what follows is the output of its processes."""

MOST_BEFORE = 60_000
"""Milliseconds by which a container can have been started later than its run: a name with another time is another's."""

_FIELD = re.compile(r"^([A-Z][A-Za-z ]+): ?(.*)$")
_NAME = re.compile(r"\bdeus-[A-Za-z0-9_-]+-(\d{13})\b")
_IPC = re.compile(r"/ipc/([^/\s:\"',]+)(?:/([^/\s:\"',]+))?/?(?::| *-> *)/workspace/ipc\b")
_FRAME = re.compile(rb"---DEUS_OUTPUT_START---\s*(\{.*?\})\s*---DEUS_OUTPUT_END---", re.DOTALL)
_HEAD = 64 << 10


def container(path: Path, source_id: str, group: Group, findings: Findings) -> Iterator[Finding]:
    """Add the run of a log to its group.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(LONGEST)
    fields, lines = _fields(content[:_HEAD].decode("utf-8", "replace"))
    end = milliseconds(fields.get("Timestamp"))
    duration = _number(fields.get("Duration", "").removesuffix("ms"))
    duration = duration if duration is not None and duration >= 0 else None
    if end is None or duration is None:
        missing = "Timestamp" if end is None else "Duration"
        message = f"no {missing} that is one: when the run was is not known"
        code = "bad-record" if "Prompt length" in fields or b"\n===" in content[8:] else "truncated-record"
        yield from findings.at(code, "error", message, lines.get(missing, 1))
    group.name = group.name or fields.get("Group")
    session = fields.get("Session ID")
    started = end - duration if end is not None and duration is not None else None
    life = Life(
        "container", source_id.rpartition("/")[2].removesuffix(".log"), source_id, started, end,
        session_id=session if session not in (None, "", "new") else None, is_new=session == "new",
        prompt_chars=_number(fields.get("Prompt length", "").removesuffix(" chars")),
        exit_code=_number(fields.get("Exit Code", "")), timed_out=b"(TIMEOUT)" in content[:100],
        had_output={"true": True, "false": False}.get(fields.get("Had Streaming Output", "")),
        truncated="true" in (fields.get("Stdout Truncated"), fields.get("Stderr Truncated")),
    )  # fmt: skip
    whole = content.decode("utf-8", "replace")
    spawned = _NAME.search(whole)
    if spawned is not None and started is not None and 0 <= int(spawned[1]) - started <= MOST_BEFORE:
        life.spawned = int(spawned[1])
    mounted = _IPC.search(whole)
    if mounted is not None:
        life.ipc_key = mounted[2] or ""
    life.session_id = life.session_id or _framed(content)
    group.containers.append(life)


def _fields(text: str) -> tuple[dict[str, str], dict[str, int]]:
    """The fields of the head, and the line of each; the first of a name is the run's own."""
    fields: dict[str, str] = {}
    lines: dict[str, int] = {}
    inside = True
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("=== "):
            inside = line.startswith(("=== Container Run Log", "=== Input Summary"))
        found = _FIELD.match(line.rstrip("\r")) if inside else None
        if found and found[1] not in fields:
            fields[found[1]], lines[found[1]] = found[2].strip(), number
    return fields, lines


def _number(text: str) -> int | None:
    text = text.strip()
    if not re.fullmatch(r"-?\d{1,15}", text) or abs(int(text)) > 1000 * MOST_SECONDS:
        return None
    return int(text)


def _framed(content: bytes) -> str | None:
    """The session by the last frame of its output that names one."""
    session = None
    for found in _FRAME.finditer(content):
        try:
            frame = orjson.loads(found[1])
        except ValueError:
            continue
        reference = frame.get("newSessionRef")
        named = reference.get("session_id") if isinstance(reference, dict) else frame.get("newSessionId")
        session = word(named) or session
    return session
