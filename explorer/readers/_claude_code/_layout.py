"""Where Claude Code keeps what, and by what the files of one session, its sub-agents and its copies are known.

Format: observed, versions 1.0 to 2.1. ``<project>/<session>.jsonl`` is a session's transcript; its sub-agents are lines
within it (1.0), ``agent-<id>.jsonl`` beside it (2.0), or ``<session>/subagents/agent-<id>.jsonl`` with a
``.meta.json`` (2.1), those of a workflow in ``subagents/workflows/<run>/`` with a ``journal.jsonl``; how that ended is
in ``<session>/workflows/<run>.json``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal, NamedTuple, TypeAlias

import orjson

from explorer.readers import HEAD_BYTES
from explorer.readers._claude_code._teams import mate_of, teams_led
from explorer.readers._values import key_part

Kind: TypeAlias = Literal["session", "agent", "meta", "journal", "workflow"]

LONGEST_FIRST = 8 << 20
"""Bytes of the longest line in which the first record of a conversation is looked for."""

_TYPES = frozenset((
    "assistant", "user", "system", "attachment", "summary", "file-history-snapshot", "queue-operation", "progress",
    "permission-mode", "last-prompt", "ai-title", "custom-title", "agent-setting", "agent-name", "pr-link", "mode",
    "continued-in", "worktree-state",
))  # fmt: skip
_SESSION = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_AGENT = re.compile(r"agent-(.+?)(\.meta\.json|\.jsonl)")
_LOOKED_AT = 200
"""Lines that are looked at to tell the format and what a file belongs with."""

_ASIDE = frozenset(("tool-results", "workflows"))


class Name(NamedTuple):
    """What a path says of a file."""

    kind: Kind
    agent_id: str | None = None
    session_id: str | None = None
    """By the directory, or by its own name."""
    workflow: str | None = None
    """The run of a workflow that it is of."""


def name_of(source_id: str) -> Name:
    """What the path of a file below the opened directory says."""
    path = PurePosixPath(source_id)
    above = path.parts[:-1]
    session = above[-2] if above[-1:] == ("subagents",) and len(above) > 1 else None
    workflow = None
    if above[-3:-1] == ("subagents", "workflows"):
        workflow, session = above[-1], above[-4] if len(above) > 3 else None
    agent = _AGENT.fullmatch(path.name)
    if agent is not None:
        return Name("meta" if agent[2] == ".meta.json" else "agent", agent[1], session, workflow)
    if path.name == "journal.jsonl" and workflow:
        return Name("journal", None, session, workflow)
    if _is_note(path):
        return Name("workflow", None, above[-2] if len(above) > 1 else None, path.stem)
    return Name("session", None, session or (path.stem if _SESSION.fullmatch(path.stem) else None))


def _is_note(path: PurePath) -> bool:
    """Whether a path is that of the note how a workflow ended."""
    return path.suffix == ".json" and path.parts[-2:-1] == ("workflows",) and path.parts[-3:-2] != ("subagents",)


def claims(path: Path, head: bytes | None) -> bool:
    """Whether a file is a transcript, the description of an agent, the journal of a workflow or the note of its end."""
    if head is None:
        return False
    if _is_note(path):
        of_session = _SESSION.fullmatch(path.parent.parent.name) is not None
        return of_session or (b'"runId"' in head and b'"workflowName"' in head)
    if path.name.endswith(".meta.json"):
        return _AGENT.fullmatch(path.name) is not None and head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    if path.suffix != ".jsonl":
        return False
    found = False
    for record in _records(head):
        found = True
        if _is_ours(record):
            return True
    return not found and b'"parentUuid"' in head and b'"isSidechain"' in head  # the first line is longer than that


def of_orchestrator(path: Path) -> bool:
    """Whether a file lies in a ``sessions/<folder>/.claude``, where an orchestrator has what its containers write."""
    above = path.absolute().parts[:-1]
    at = above.index(".claude") if ".claude" in above else 0
    return at > 1 and above[at - 2] == "sessions"


def links(path: Path, head: bytes | None) -> Sequence[str]:
    """The session, the first record of its conversation, which every copy begins with, and the teams it has a part in.

    Who leads a team, only a record far down may tell: transcripts are searched whole for it.
    """
    name = name_of(path.as_posix())
    sessions, first, mate = _beginning(name, head or b"", path)
    found = [f"session {session}" for session in sessions]
    if name.kind in ("agent", "meta"):  # the description may stand where no directory tells the session
        found.append(f"agent {path.parent.as_posix()}/{name.agent_id}")
    if name.kind == "session":
        teams = teams_led(path) | ({mate.partition("@")[2]} if mate else set())
        found += [f"team {path.parent.as_posix()}/{team}" for team in teams]
        found += [f"record {first}"] if first else []
    return sorted(found)


def conversation_id(session_id: str, files: Sequence[tuple[Path, str]]) -> str | None:
    """The path of a session's transcript, though it may not be there: beside or above the first file linked to it.

    None when no file is: then records of a session stand where they do not belong, and it may be elsewhere as well.
    """
    for path, source_id in sorted(files, key=lambda file: name_of(file[1]) != Name("session", None, session_id)):
        name, head = name_of(source_id), b""
        if session_id != name.session_id:
            with suppress(OSError), path.open("rb") as file:  # gone since it was listed, which is told where it is read
                head = file.read(HEAD_BYTES)
        if session_id in _beginning(name, head, path).sessions:
            parts = PurePosixPath(source_id).parts
            aside = next((part for part in ("subagents", "workflows") if part in parts[1:-1]), None)
            depth = parts.index(aside) - 1 if aside else -1
            return PurePosixPath(*parts[:depth], f"{key_part(session_id)}.jsonl").as_posix()
    return None


class _Beginning(NamedTuple):
    """What the path and the first records of a file say of it."""

    sessions: set[str]
    """That it is of."""
    first: str | None = None
    """The first record that somebody said."""
    mate: str | None = None
    """The teammate that the records are of."""


def _beginning(name: Name, head: bytes, path: Path) -> _Beginning:
    sessions = {name.session_id} if name.session_id else set()
    mate = None
    for record in _records(head, path) if name.kind in ("session", "agent") else ():
        session, uuid = record.get("sessionId"), record.get("uuid")
        if isinstance(session, str) and session:
            sessions.add(session)
        mate = mate or mate_of(record)
        if isinstance(uuid, str) and record.get("type") in ("user", "assistant"):
            return _Beginning(sessions, uuid, mate)
    return _Beginning(sessions, None, mate)


def part_of(path: Path) -> Path | None:
    """The transcript of the session in whose directory a tool's output, or the script of a workflow, is kept."""
    parts = path.parts
    if _is_note(path):
        return None
    for depth in (-2, -3):
        if len(parts) > -depth + 1 and parts[depth] in _ASIDE and parts[depth - 1] != "subagents":
            whole = Path(*parts[: depth - 1], f"{parts[depth - 1]}.jsonl")
            return whole if whole.is_file() else None
    return None


def _is_ours(record: dict[str, object]) -> bool:
    kind = record.get("type")
    if kind in ("started", "result"):
        return "agentId" in record and "key" in record
    if kind not in _TYPES:
        return False
    if "sessionId" in record or "leafUuid" in record or ("messageId" in record and "snapshot" in record):
        return True
    message = record.get("message")
    return isinstance(message, dict) and "role" in message and ("uuid" in record or "timestamp" in record)


def _records(head: bytes, path: Path | None = None) -> Iterator[dict[str, object]]:
    """The objects at the beginning of a file; with its path also the one that ``head`` breaks off in."""
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    for _ in range(_LOOKED_AT):
        end = head.find(b"\n", at)
        line = head[at:end] if end >= 0 else head[at:] if path is None else _line_at(path, at)
        try:
            record = orjson.loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            yield record
        if end < 0:
            return
        at = end + 1


def _line_at(path: Path, offset: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.readline(LONGEST_FIRST)
    except OSError:
        return b""
