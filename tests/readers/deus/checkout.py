"""Small checkouts for tests, file by file. Times are seconds after nine o'clock."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from explorer.model import Run
from explorer.readers import readers
from tests.readers.claude_code.families import readings
from tests.readers.claude_code.writing import SESSION, START, record, stamp
from tests.readers.reading import Reading

READER = readers()["deus"]
OTHER = "07e50000-0000-4000-8000-000000000000"
DAY_MS = 1_777_852_800_000
"""2026-05-04 00:00:00 UTC."""


def epoch(second: float) -> int:
    """A time in milliseconds since 1970."""
    return DAY_MS + round(1000 * (START + second))


def write(root: Path, name: str, content: bytes | str | Iterable[dict[str, Any]]) -> Path:
    """A file of a checkout."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, (bytes, str)):
        content = "".join(json.dumps(line) + "\n" for line in content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def container(
    root: Path, start: float, end: float, session: str = SESSION, prompt: int = 40, folder: str = "chat",
    code: int | None = 0, timeout: bool = False, more: str = "", name: str | None = None,
) -> str:  # fmt: skip
    """The log of a container; its name."""
    stem = name or "container-" + stamp(end).replace(":", "-").replace(".", "-")
    exit_ = f"Exit Code: {code}\n" if code is not None else ""
    text = (
        f"=== Container Run Log{' (TIMEOUT)' if timeout else ''} ===\nTimestamp: {stamp(end)}\nGroup: The Chat\n"
        f"Duration: {round(1000 * (end - start))}ms\n{exit_}{more}\n=== Input Summary ===\n"
        f"Prompt length: {prompt} chars\nSession ID: {session}\n"
    )
    write(root, f"groups/{folder}/logs/{stem}.log", text)
    return stem


def used(start: float, end: float, session: str = SESSION, figures: tuple[int, ...] = (1, 2, 3, 4), **more: Any) -> Any:
    """A line of usage: fresh, written, read and output."""
    names = ("inputTokens", "cacheCreationInputTokens", "cacheReadInputTokens", "outputTokens")
    line = {
        "ts": stamp(end), "session_id": session, "subtype": "success", "num_turns": 1,
        "duration_ms": round(1000 * (end - start)), "model_usage": {"m": dict(zip(names, figures, strict=True))},
    }  # fmt: skip
    return line | more


def usage(root: Path, *lines: Any, folder: str = "chat") -> None:
    """The log of usage."""
    write(root, f"groups/{folder}/logs/usage.jsonl", lines)


def transcript(root: Path, *records: Any, session: str = SESSION, folder: str = "chat", agent: str = "") -> str:
    """A transcript that a container wrote; its path below the checkout."""
    below = f"data/sessions/{folder}/.claude/projects/-workspace-group/{session}"
    name = f"{below}/subagents/agent-{agent}.jsonl" if agent else f"{below}.jsonl"
    write(root, name, [each | {"sessionId": session} for each in records])
    return name


def compacted(uuid: str, at: float, trigger: str = "manual") -> dict[str, Any]:
    """The boundary that a compaction leaves."""
    details = {"trigger": trigger, "preTokens": 900}
    return record("system", uuid, None, at, subtype="compact_boundary", compactMetadata=details)


def messages_db(root: Path, runs: Iterable[tuple[Any, ...]] = (), name: str = "The Chat") -> None:
    """The database: one group, one task, and its runs (end, milliseconds, status, error)."""
    path = root / "store" / "messages.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE registered_groups (jid, name, folder, is_main);
        CREATE TABLE sessions (id INTEGER PRIMARY KEY, group_folder, session_id, backend);
        CREATE TABLE scheduled_tasks (id, group_folder, schedule_type);
        CREATE TABLE task_run_logs (id INTEGER PRIMARY KEY, task_id, run_at, duration_ms, status, error);
    """)
    connection.execute("INSERT INTO registered_groups VALUES ('tg:1', ?, 'chat', 1)", (name,))
    connection.execute("INSERT INTO scheduled_tasks VALUES ('water', 'chat', 'cron')")
    for end, took, status, error in runs:
        row = ("water", stamp(end), took, status, error)
        connection.execute(
            "INSERT INTO task_run_logs (task_id, run_at, duration_ms, status, error) VALUES (?, ?, ?, ?, ?)", row
        )
    connection.commit()
    connection.close()


def evolution_db(root: Path, *answers: tuple[Any, ...]) -> None:
    """Judged answers: start, milliseconds, session, suite, score."""
    connection = sqlite3.connect(root / "evolution.db")
    connection.execute(
        "CREATE TABLE interactions (id, timestamp, group_folder, latency_ms, session_id, eval_suite, judge_score)"
    )
    for start, took, session, suite, score in answers:
        row = (f"chat-{epoch(start)}", stamp(start + took / 1000), "chat", took, session, suite, score)
        connection.execute("INSERT INTO interactions VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()


def opened(root: Path) -> Reading:
    """The checkout, read as one."""
    (reading,) = readings(root, READER)
    return reading


def run_of(reading: Reading, native: str) -> Run:
    """The run that a container, a task or an answer names."""
    (found,) = [run for run in reading.runs if run.native_run_id == native]
    return found


def told(reading: Reading) -> list[tuple[str, str]]:
    """Codes and severities of the findings."""
    return [(each.code, each.severity) for each in reading.findings]
