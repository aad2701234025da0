"""What containers and their host said to each other in files: what is left of it is what somebody did not take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from explorer.model import Finding
from explorer.readers._claude_code._content import word
from explorer.readers._findings import Findings
from explorer.readers._records import loads
from explorer.readers.deus._draft import Group, Left, Sent
from explorer.readers.deus._layout import Place

LONGEST = 16 << 20
"""Bytes of the longest message that is looked into."""


def sent(path: Path, source_id: str, run_key: str | None, group: Group, findings: Findings) -> Iterator[Finding]:
    """Add a message of a container to its group.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(LONGEST)
    try:
        fields = loads(content)
        if not isinstance(fields, dict):
            raise ValueError("not an object")
    except ValueError as error:
        yield from findings.at("bad-record", "error", f"not a JSON object: {error}", 1)
        fields = {}
    reference = fields.get("newSessionRef")
    session = word(reference.get("session_id")) if isinstance(reference, dict) else None
    stem, written = PurePosixPath(source_id).stem, None
    with suppress(OSError):
        written = path.stat().st_mtime_ns // 1_000_000
    number = int(stem) if stem.isascii() and stem.isdecimal() and len(stem) < 10 else None
    group.sent.append(Sent(source_id, run_key, number, session or word(fields.get("newSessionId")), written))


def aside(path: Path, source_id: str, place: Place, group: Group) -> None:
    """Add a file that is there: a message that nobody took, or the tools that a container was offered."""
    if place.way == "offered":
        with suppress(OSError, ValueError):
            tools = loads(path.read_bytes())
            if isinstance(tools, list):
                group.offered[path.stem] = len(tools)
    elif place.way is not None:
        group.left.append(Left(place.way, source_id, place.run_key))
