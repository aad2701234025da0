"""A bundle on disk: a directory that Codex writes for a root session, when asked to by ``CODEX_ROLLOUT_TRACE_ROOT``.

Format: openai/codex rollout-trace/src/{bundle,payload,raw_event}.rs @b3cc2173.

``trace.jsonl`` is the log. Requests, answers and the like are files of their own, which its lines name by a path that
is not to be trusted. An item of such a file is given as a place beyond every byte of the log: ``place_in``.
"""

from __future__ import annotations

import re
import stat
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

MOST_BYTES = 128 << 20
"""Bytes of the largest payload that is read. Requests with inlined images reach tens of megabytes."""

_NAME = re.compile(r"trace-([0-9a-f-]{36})-([0-9a-f-]{36})")
_PAYLOAD = re.compile(r"payloads/([1-9]\d{0,8})\.json")
_FILE_SHIFT = 32
_LINE_START = b'{"schema_version":'
_MANIFEST_BYTES = 1 << 16


class Unreadable(Exception):
    """A payload that cannot be had; ``code`` is that of the finding."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


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
    log = path / LOG
    if not log.is_file():
        return False
    if _NAME.fullmatch(path.name) or manifest_of(path).root_thread_id:
        return True
    with log.open("rb") as file, suppress(ValueError):
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


def payload_file(bundle: Path, reference: object) -> Path | None:
    """The file that a reference names, which lies in the bundle; None where nothing is referred to.

    Raises:
        Unreadable: it leads out of the bundle, or there is nothing to be read.
    """
    name = text(reference, "path")
    if name is None:
        return None
    path = bundle / name
    if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name:
        raise Unreadable("unsafe-path", f"{name[:200]!r} is not opened: it leads out of the bundle")
    try:
        found = path.stat()
        inside = path.resolve().is_relative_to(bundle.resolve())
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Unreadable("missing-payload", f"{name[:200]}: {reason}") from None
    if not inside:
        raise Unreadable("unsafe-path", f"{name[:200]!r} is not opened: a link leads out of the bundle")
    if not stat.S_ISREG(found.st_mode):
        raise Unreadable("missing-payload", f"{name[:200]}: not a file")
    if found.st_size > MOST_BYTES:
        raise Unreadable("missing-payload", f"{name[:200]} has {found.st_size:,} bytes: too large to be read")
    return path


def payload_bytes(bundle: Path, reference: object) -> bytes | None:
    """The contents of a payload.

    Raises:
        Unreadable: as ``payload_file``.
    """
    path = payload_file(bundle, reference)
    try:
        return path.read_bytes() if path else None
    except OSError as error:
        raise Unreadable("missing-payload", f"{text(reference, 'path')}: {error.strerror or error}") from None


def place_in(reference: object, start: int) -> int | None:
    """A byte of a payload as an offset of the bundle; None where the file has no number by which to know it."""
    numbered = _PAYLOAD.fullmatch(text(reference, "path") or "")
    return (int(numbered[1]) << _FILE_SHIFT) + start if numbered else None


def bytes_at(bundle: Path, offset: int, length: int) -> bytes:
    """What stands at an offset of the bundle: in its log, or in a payload.

    Raises:
        OSError: it is not there any more.
    """
    number, start = offset >> _FILE_SHIFT, offset & ((1 << _FILE_SHIFT) - 1)
    path: Path | None = bundle / LOG
    if number:
        try:
            path = payload_file(bundle, {"path": f"payloads/{number}.json"})
        except Unreadable as error:
            raise OSError(str(error)) from None
    assert path is not None
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)
