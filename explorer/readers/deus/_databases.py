"""The two databases: ``messages.db`` with the groups and what their tasks did, ``evolution.db`` with judged answers.

Of a task and of an answer the end is recorded and how long it took: the start is the difference. The id of an answer
ends in when it was begun.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from explorer.model import Finding
from explorer.readers._claude_code._content import milliseconds, word
from explorer.readers._findings import Findings
from explorer.readers._sqlite import Database, Unreadable, open_database
from explorer.readers._values import MOST_SECONDS
from explorer.readers.deus._draft import Group, Interaction, TaskRun

_BEGAN = re.compile(r"-(\d{13})$")

_RUNS = """
    SELECT l.id, l.task_id, l.run_at, l.duration_ms, l.status, l.error, t.group_folder, t.schedule_type
    FROM task_run_logs AS l LEFT JOIN scheduled_tasks AS t ON t.id = l.task_id
    ORDER BY l.id
"""
_ANSWERS = """
    SELECT rowid, id, group_folder, timestamp, latency_ms, session_id, judge_score
    FROM interactions WHERE eval_suite IS NULL OR eval_suite = 'runtime'
    ORDER BY rowid
"""


def messages(
    path: Path, source_id: str, group_of: Callable[[str | None], Group], findings: Findings
) -> Iterator[Finding]:
    """Add what ``messages.db`` has to the groups of its folders."""
    yield from _opened(path, findings, lambda database: _messages(database, source_id, group_of))


def evolution(
    path: Path, source_id: str, group_of: Callable[[str | None], Group], findings: Findings
) -> Iterator[Finding]:
    """Add what ``evolution.db`` has: answers of the running system, and no transcripts that were judged later."""
    yield from _opened(path, findings, lambda database: _evolution(database, source_id, group_of))


def _opened(path: Path, findings: Findings, take: Callable[[Database], None]) -> Iterator[Finding]:
    try:
        with open_database(path) as database:
            take(database)
            for damage in database.damage:
                yield from findings.at("damaged-database", "error", damage.message)
            if database.changed():
                message = "the database was written to while it was read: rows may be missing; ctrl+r reads it again"
                yield from findings.at("changed-while-read", "warning", message)
    except Unreadable as error:
        message = f"the database cannot be opened ({error}): nothing of it is read"
        yield from findings.at("damaged-database", "error", message)


def _messages(database: Database, source_id: str, group_of: Callable[[str | None], Group]) -> None:
    for jid, name, folder, is_main in database.execute("SELECT jid, name, folder, is_main FROM registered_groups"):
        if word(folder):
            group = group_of(folder)
            group.name = word(name) or group.name
            group.extra |= {"jid": word(jid), "is_main": bool(is_main) or None}
    if "backend" in database.columns("sessions"):
        for folder, backend, many in database.execute(
            "SELECT group_folder, backend, count(*) FROM sessions GROUP BY 1, 2 ORDER BY 1, 2"
        ):
            if word(folder):
                known = group_of(folder).extra.setdefault("sessions", {})
                assert isinstance(known, dict)
                known[word(backend) or "claude"] = many
    for row, task, ended, took, status, error, folder, schedule in database.execute(_RUNS):
        end, duration = milliseconds(ended), _duration(took)
        start = end - duration if end is not None and duration is not None else None
        run = TaskRun(
            word(task) or "unnamed", source_id, row if type(row) is int else 0, start, end, word(status), word(error),
            word(schedule),
        )  # fmt: skip
        group_of(word(folder)).tasks.append(run)


def _evolution(database: Database, source_id: str, group_of: Callable[[str | None], Group]) -> None:
    for row, native, folder, stamp, latency, session, score in database.execute(_ANSWERS):
        began = _BEGAN.search(native) if type(native) is str else None
        took, end = _duration(latency), milliseconds(stamp)
        start = int(began[1]) if began else end - took if end is not None and took is not None else None
        end = start + took if start is not None and took is not None else end
        group_of(word(folder)).interactions.append(
            Interaction(
                word(native) or f"row {row}", source_id, row if type(row) is int else 0, start, end, word(session),
                float(score) if type(score) in (int, float) else None,
            )
        )  # fmt: skip


def _duration(value: object) -> int | None:
    return round(value) if type(value) in (int, float) and 0 <= value <= 1000 * MOST_SECONDS else None  # type: ignore
