"""A bundle on disk: a directory that Codex writes for a root session, when asked to by ``CODEX_ROLLOUT_TRACE_ROOT``.

Format: openai/codex rollout-trace/src/{bundle,payload,raw_event}.rs @b3cc2173.

``trace.jsonl`` is the log. Requests, answers and the like are files of their own (``_payloads``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from explorer.readers._records import MAX_RECORD, loads
from explorer.readers.codex._draft import Remark, Where
from explorer.readers.codex._json import Record, inner, ms, text

LOG = "trace.jsonl"
MANIFEST = "manifest.json"
STATE = "state.json"

_NAME = re.compile(r"trace-([0-9a-f-]{36})-([0-9a-f-]{36})")
_LINE_START = b'{"schema_version":'
_MANIFEST_BYTES = 1 << 16


class Entry(NamedTuple):
    """A line of the log."""

    where: Where
    seq: int | None
    at: int | None
    thread_id: str | None
    turn_id: str | None
    kind: str
    fields: Record
    """The event itself."""
    version: object


class Manifest(NamedTuple):
    """Whose bundle it is."""

    trace_id: str | None
    rollout_id: str | None
    root_thread_id: str | None
    started_at: int | None
    problem: str | None


def is_bundle(path: Path) -> bool:
    """Whether a directory is one, by its name, its manifest, or the first line of its log."""
    if not os.path.isfile(f"{path}/{LOG}"):  # noqa: PTH113 - asked of every directory
        return False
    if _NAME.fullmatch(path.name) or manifest_of(path).root_thread_id:
        return True
    with (path / LOG).open("rb") as file, suppress(ValueError):
        first = loads(file.readline(MAX_RECORD))
        return isinstance(first, dict) and {"schema_version", "seq", "rollout_id"} <= first.keys() and (
            text(inner(first, "payload"), "type") is not None
        )  # fmt: skip
    return False


def manifest_of(path: Path) -> Manifest:
    """The manifest; where it is damaged, what the directory's name tells."""
    problem, record = None, None
    try:
        with (path / MANIFEST).open("rb") as file:
            record = loads(file.read(_MANIFEST_BYTES))
        if not (text(record, "rollout_id") and text(record, "root_thread_id")):
            problem = f"{MANIFEST} does not say whose bundle it is"
    except OSError as error:
        problem = f"{MANIFEST}: {error.strerror or error}"
    except ValueError as error:
        problem = f"{MANIFEST}: {error}"
    named = _NAME.fullmatch(path.name)
    trace_id, root = named.groups() if named else (None, None)
    root = text(record, "root_thread_id") or root
    return Manifest(
        text(record, "trace_id") or trace_id,
        text(record, "rollout_id") or root,
        root,
        ms(record, "started_at_unix_ms"),
        problem,
    )


def entries(path: Path, source_id: str, remarks: list[Remark]) -> Iterator[Entry]:
    """The lines of the log that can be read; of the others, ``remarks``.

    Raises:
        OSError: the log cannot be read.
    """
    offset, number = 0, 0
    with (path / LOG).open("rb") as file:
        while line := file.readline(MAX_RECORD):
            start, number = offset, number + 1
            offset += len(line)
            where = Where(source_id, start, len(line.rstrip(b"\r\n")), number)
            if not line.endswith(b"\n") and len(line) == MAX_RECORD:
                while rest := file.readline(MAX_RECORD):
                    offset += len(rest)
                    if rest.endswith(b"\n"):
                        break
                message = f"a line of more than {MAX_RECORD >> 20} MiB"
                remarks.append(Remark("bad-record", "error", message, source_id, number))
            elif line.strip(b"\0 \r\n"):
                entry, remark = _entry(line, where)
                if remark:
                    remarks.append(remark)
                if entry:
                    yield entry


def _entry(line: bytes, where: Where) -> tuple[Entry | None, Remark | None]:
    source_id, number = where.source_id, where.line
    try:
        record = loads(line)
    except ValueError as error:
        # A writer that died within a line, and another one that went on behind it.
        again = line.rfind(_LINE_START)
        if again > 0:
            entry, _ = _entry(line[again:], where._replace(offset=where.offset + again, length=where.length - again))
            if entry:
                message = f"cut off after {again:,} bytes, and another record goes on behind it"
                return entry, Remark("spliced-record", "error", message, source_id, number)
        cut = not line.endswith(b"\n")
        message = "the log ends within a line" if cut else str(error)
        return None, Remark("truncated-record" if cut else "bad-record", "error", message, source_id, number)
    event = inner(record, "payload")
    kind = text(event, "type")
    if not isinstance(record, dict) or kind is None:
        return None, Remark("bad-record", "error", "no event with a type", source_id, number)
    at, seq = ms(record, "wall_time_unix_ms"), ms(record, "seq")
    thread_id, turn_id = text(record, "thread_id"), text(record, "codex_turn_id")
    return Entry(where, seq, at, thread_id, turn_id, kind, event, record.get("schema_version", 1)), None
