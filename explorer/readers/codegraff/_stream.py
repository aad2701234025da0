"""Events that were captured live, as JSONL or as one JSON array: with ``run_id`` where the version sent one.

Format: justrach/codegraff sdk/typescript/src/lib.rs @c130ac40 (``listTrajectory``); justrach/codegraff2 pull 167 adds
``run_id``, a string, null or absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from explorer.model import Row
from explorer.readers import Rows, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._outlines import outlines
from explorer.readers._records import Buffer, Forget, Lines, loads, open_bytes
from explorer.readers.codegraff._parse import BadEvent, OddEvent, event_from
from explorer.readers.codegraff._recording import Key, NoContexts, Place, Recording

_ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[")


def read_stream(source: SourceFile, findings: Findings) -> Iterator[Row | Rows]:
    """The rows of a captured stream, its conversations one after the other."""
    recordings: dict[str, Recording] = {}
    with open_bytes(source.path) as buffer:
        lines, forget = Lines(buffer), Forget(buffer)
        for number, (start, end, found, problem) in enumerate(_objects(buffer), 1):
            line = lines.at(start)
            if end >= forget.due:
                forget(end)
            native_id, agent = (found.get(name) for name in ("conversation_id", "agent_id")) if found else (None, None)
            payload = found.get("payload") if found else None
            if found is not None and problem is None and (
                type(native_id) is not str or type(agent) is not str or type(payload) is not dict
            ):  # fmt: skip
                problem = "an object that is no event"
            if found is None or problem is not None:
                yield from findings.at("bad-record", "error", f"{problem}; left out, the rest is read", line)
                continue
            assert isinstance(native_id, str) and isinstance(agent, str) and isinstance(payload, dict)
            if native_id not in recordings:
                key = f"{source.source_id}//{native_id}"
                place = Place(source.source_id, key, native_id, lambda event: lines.at(event.offset))
                recordings[native_id] = Recording(place, findings, NoContexts())
            recording = recordings[native_id]
            try:
                event = event_from(
                    number, found.get("seq"), found.get("ts_ms"), found.get("kind"), payload, start, end - start
                )
            except BadEvent as error:
                yield from findings.at("bad-record", "error", f"{error}; left out, the rest is read", line)
                continue
            except OddEvent as odd:
                event = odd.event
                yield from recording.complain(odd.code, str(odd), event)
            parent, run_id = found.get("parent_agent_id"), found.get("run_id")
            key_of_run = Key(
                agent or "agent",
                parent if isinstance(parent, str) and parent else None,
                run_id if isinstance(run_id, str) and run_id else None,
            )
            yield from recording.add(key_of_run, event)
        for recording in recordings.values():
            yield from recording.finish()


def _objects(buffer: Buffer) -> Iterator[tuple[int, int, dict[str, object] | None, str | None]]:
    """Start, end and content of every object, or what is wrong with it."""
    if _ARRAY.match(buffer):
        for outline in outlines(buffer, "\0no list is followed"):
            for damage in outline.damage:
                yield damage.offset, damage.offset, None, damage.reason
            if outline.end:
                yield outline.offset, outline.end, outline.fields, None
        return
    at = 0
    while at < len(buffer):
        newline = buffer.find(b"\n", at)
        end = len(buffer) if newline < 0 else newline
        line = buffer[at:end].strip(b" \t\r\xef\xbb\xbf")
        if line:
            try:
                value = loads(line)
                yield (
                    at,
                    end,
                    value if isinstance(value, dict) else None,
                    "not an object"[: 0 if isinstance(value, dict) else 99] or None,
                )
            except ValueError as error:
                cut = newline < 0 and not line.endswith(b"}")
                yield at, end, None, f"{'cut off' if cut else 'not JSON'} ({error})"
        at = end + 1
