"""The log of a bundle, line by line.

Format: openai/codex rollout-trace/src/raw_event.rs @b3cc2173.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from explorer.readers._records import MAX_RECORD, loads
from explorer.readers.codex._bundle import LOG
from explorer.readers.codex._draft import Remark, Where
from explorer.readers.codex._json import Record, inner, ms, text

_LINE_START = b'{"schema_version":'


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
