"""Whose a rollout is: its first session_meta, or its first bare line of before September 2025.

Format: openai/codex codex-rs/protocol/src/protocol.rs ``SessionMeta`` @b3cc2173.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from explorer.readers._records import loads
from explorer.readers.codex._images import without_images
from explorer.readers.codex._json import text as text_in
from explorer.readers.codex._rollout_file import MAGIC, Line, lines, name_of

_KEPT = ("originator", "cli_version", "source", "thread_source", "multi_agent_version", "history_mode", "git")
_FIRST_LINES = 8
"""Lines among which the file's own session_meta is looked for: a torn one may stand before it."""

_ID = re.compile(rb'"(session_id|id|parent_thread_id|forked_from_id)":\s*"([0-9A-Za-z_-]{8,64})"')
_BASE = re.compile(rb'"history_base":\s*\{\s*"(thread_id)":\s*"([0-9A-Za-z_-]{8,64})"')
_SESSION_META = re.compile(rb'"type":\s*"session_meta"')
_BARE = re.compile(rb'\s*\{\s*"id":\s*"[0-9a-f-]{36}",\s*"timestamp":\s*"[^"]{10,40}",\s*"instructions":')
_HEAD = 1 << 16


@dataclass(slots=True)
class Head:
    """What a rollout says of its thread."""

    thread_id: str
    session_id: str | None = None
    parent_thread_id: str | None = None
    forked_from_id: str | None = None
    path: str | None = None
    nickname: str | None = None
    role: str | None = None
    spawned: bool = False
    """Whether an agent's tool began it; reviews and the like have a parent that was never asked."""
    cwd: str | None = None
    start: int | None = None
    provider: str | None = None
    instructions: str | None = None
    """What stands before the first item of every prompt."""
    paginated: bool = False
    history_base: tuple[str, int] | None = None
    """Rollout that holds what came before, and the ordinal at which that ends."""
    own_from_ordinal: int | None = None
    extra: dict[str, object] = field(default_factory=dict)


def is_rollout(path: Path, head: bytes | None) -> bool:
    """Whether a file is a rollout, by its name or by how it begins."""
    if head is None:
        return False
    name = name_of(path)
    if name is not None:
        return head.startswith(MAGIC) if name.compressed else True
    first = head.lstrip()[:400]
    return bool(_BARE.match(first)) or (
        first.startswith(b"{") and b'"timestamp"' in first and _SESSION_META.search(first) is not None
    )


def rollout_links(path: Path, head: bytes | None) -> list[str]:
    """The threads that a rollout hangs together with: its own, those above it, and what it was forked from.

    That may be another conversation: it tells what of this one is copied, and holds what it goes on from.
    """
    ids: dict[str, None] = {}
    if name := name_of(path):
        ids |= dict.fromkeys((name.thread_id, name.rollout_id))
    first = _beginning(path, head or b"").partition(b"\n")[0]
    try:
        record = loads(first)
    except ValueError:
        record = None
    if isinstance(record, dict):
        found = head_of(record)
        if found is not None:
            base = found.history_base[0] if found.history_base else None
            named = found.thread_id, found.session_id, found.parent_thread_id, found.forked_from_id, base
            ids |= dict.fromkeys(filter(None, named))
    elif _SESSION_META.search(first[:400]):  # longer than what is seen of it, or torn
        seen: dict[bytes, str] = {}
        for key, value in [*_ID.findall(first), *_BASE.findall(first)]:
            seen.setdefault(key, value.decode())
        ids |= dict.fromkeys(seen.values())
    return list(ids)


def _beginning(path: Path, head: bytes) -> bytes:
    if not head.startswith(MAGIC):
        return head.lstrip()
    try:
        first = next(iter(lines(path)), None)
    except OSError:
        return b""
    return first.buffer[first.start : min(first.end, first.start + _HEAD)] if isinstance(first, Line) else b""


def read_head(path: Path) -> tuple[Head | None, bool]:
    """The head of a file, and whether copied history may follow it.

    Raises:
        OSError: it cannot be read.
    """
    name = name_of(path)
    heads = list(_heads(path))
    own = next((head for head in heads if name is None or head.thread_id == name.thread_id), None)
    if own is None:
        own = Head(name.thread_id) if name else heads[0] if heads else None
    if own is None:
        return None, False
    others = any(head.thread_id != own.thread_id for head in heads)
    return own, others or own.forked_from_id is not None or own.own_from_ordinal is not None


def _heads(path: Path) -> Iterator[Head]:
    for line in islice(lines(path), _FIRST_LINES):
        if not isinstance(line, Line):
            continue
        if not _SESSION_META.search(line.buffer, line.start, min(line.end, line.start + 400)) and line.number > 1:
            continue
        try:
            record = loads(without_images(line.buffer, line.start, line.end))
        except ValueError:
            continue
        if isinstance(record, dict) and (head := head_of(record)):
            yield head


def head_of(record: Mapping[str, object]) -> Head | None:
    """The head in a parsed line; None when it is none."""
    payload = record.get("payload")
    if record.get("type") == "session_meta" and isinstance(payload, dict):
        return _session_meta(payload)
    if "instructions" in record and "payload" not in record and (thread_id := text_in(record, "id")):
        head = Head(
            thread_id, start=milliseconds(record.get("timestamp")), instructions=text_in(record, "instructions")
        )
        head.extra = {key: record[key] for key in ("git",) if key in record}
        return head
    return None


def _session_meta(payload: dict[str, object]) -> Head | None:
    thread_id = text_in(payload, "id")
    if thread_id is None:
        return None
    source = payload.get("source")
    subagent = source.get("subagent") if isinstance(source, dict) else None
    spawn = subagent.get("thread_spawn") if isinstance(subagent, dict) else None
    spawn = spawn if isinstance(spawn, dict) else {}
    base, instructions = payload.get("history_base"), payload.get("base_instructions")
    head = Head(
        thread_id,
        session_id=text_in(payload, "session_id"),
        parent_thread_id=text_in(spawn, "parent_thread_id") or text_in(payload, "parent_thread_id"),
        forked_from_id=text_in(payload, "forked_from_id"),
        path=text_in(payload, "agent_path") or text_in(spawn, "agent_path"),
        nickname=text_in(payload, "agent_nickname") or text_in(spawn, "agent_nickname"),
        role=text_in(payload, "agent_role") or text_in(spawn, "agent_role") or text_in(spawn, "agent_type"),
        spawned=bool(spawn),
        cwd=text_in(payload, "cwd"),
        start=milliseconds(payload.get("timestamp")),
        provider=text_in(payload, "model_provider"),
        instructions=text_in(instructions, "text") if isinstance(instructions, dict) else None,
        paginated=payload.get("history_mode") == "paginated",
        own_from_ordinal=_count(payload.get("subagent_history_start_ordinal")),
    )
    if isinstance(base, dict) and (rollout := text_in(base, "thread_id")):
        head.history_base = rollout, _count(base.get("end_ordinal_exclusive")) or 0
    if isinstance(subagent, (str, dict)) and not spawn:
        head.role = head.role or (subagent if isinstance(subagent, str) else text_in(subagent, "other"))
    head.extra = {key: payload[key] for key in _KEPT if payload.get(key) is not None}
    return head


def milliseconds(stamp: object) -> int | None:
    """An RFC 3339 time in milliseconds since 1970; one without zone is UTC."""
    if not isinstance(stamp, str):
        return None
    try:
        time = datetime.fromisoformat(stamp)
        return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None
