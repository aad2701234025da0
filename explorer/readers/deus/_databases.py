"""The two databases: ``messages.db`` with the groups and what their tasks did, ``evolution.db`` with judged answers.

Of a task and of an answer the end is recorded and how long it took: the start is the difference. The id of an answer
ends in when it was begun.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from explorer.model import Finding
from explorer.readers._claude_code._content import milliseconds, word
from explorer.readers._findings import Findings
from explorer.readers._sqlite import Database, Unreadable, open_database
from explorer.readers._values import duration_ms
from explorer.readers.deus._draft import Group, Interaction, TaskRun

_BEGAN = re.compile(r"-(\d{13})$")
_INTERACTION = (
    "id", "group_folder", "timestamp", "latency_ms", "session_id", "judge_score", "eval_suite",
)  # fmt: skip


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
    for _, jid, name, folder, is_main in _rows(database, "registered_groups", "jid", "name", "folder", "is_main"):
        if word(folder):
            group = group_of(folder)
            group.name = word(name) or group.name
            group.extra |= {"jid": word(jid), "is_main": bool(is_main) or None}
    backends = Counter(
        (folder, word(backend)) for _, folder, backend in _rows(database, "sessions", "group_folder", "backend")
    )
    for (folder, backend), many in backends.items():
        if word(folder):
            known = group_of(folder).extra.setdefault("sessions", {})
            assert isinstance(known, dict)
            known[backend or "claude"] = many
    tasks = {
        task: (folder, kind)
        for _, task, folder, kind in _rows(database, "scheduled_tasks", "id", "group_folder", "schedule_type")
    }
    for _, task, ended, took, status, error in _rows(
        database, "task_run_logs", "task_id", "run_at", "duration_ms", "status", "error"
    ):
        folder, schedule = tasks.get(task, (None, None))
        end, duration = milliseconds(ended), duration_ms(took)
        start = end - duration if end is not None and duration is not None else None
        run = TaskRun(word(task) or "unnamed", source_id, start, end, word(status), word(error), word(schedule))
        group_of(word(folder)).tasks.append(run)


def _evolution(database: Database, source_id: str, group_of: Callable[[str | None], Group]) -> None:
    for row, native, folder, stamp, latency, session, score, suite in _rows(database, "interactions", *_INTERACTION):
        if suite not in (None, "runtime"):
            continue
        began = _BEGAN.search(native) if type(native) is str else None
        took, end = duration_ms(latency), milliseconds(stamp)
        start = int(began[1]) if began else end - took if end is not None and took is not None else None
        end = start + took if start is not None and took is not None else end
        group_of(word(folder)).interactions.append(
            Interaction(
                word(native) or f"row {row}", source_id, start, end, word(session),
                float(score) if type(score) in (int, float) else None,
            )
        )  # fmt: skip


def _rows(database: Database, table: str, *names: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table with their numbers; older versions of it lack columns, which are then not recorded."""
    there = database.columns(table)
    columns = [name if name in there else "NULL" for name in names]
    return database.scan(table, ["rowid", *columns], key="rowid") if there else iter(())
