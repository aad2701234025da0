"""What became of a source, as rows: its line in ``sources``, and a finding when there is something to say."""

from __future__ import annotations

from explorer.model import Finding, Row, Severity, Source, SourceStatus
from explorer.readers import Report
from explorer.store.ingest.walk import NO_FILE, NOWHERE, Found

CONTENT: dict[str, tuple[str, Severity, str]] = {
    "empty": ("empty-source", "info", "the file is empty"),
    "no known format": ("unknown-format", "info", "no reader knows this format; the file is not shown"),
    "UTF-16": (
        "unknown-format",
        "info",
        "it looks like text in UTF-16, as PowerShell's > writes it; the file is not shown. Convert it to UTF-8: "
        "iconv -f UTF-16 -t UTF-8 OLD > NEW, or in PowerShell: Get-Content OLD | Set-Content -Encoding utf8 NEW",
    ),
}
"""What is wrong with the content of a file, and stays so until it changes."""


_OF_TRACES = frozenset((".json", ".jsonl", ".ndjson"))
"""Endings of trace files: one that no reader knows is more likely damaged than beside the point."""


def unread(found: Found, problem: str) -> list[Row]:
    """A source that no reader gets to see."""
    code, severity, message = CONTENT.get(problem, ("unreadable-source", "error", problem))
    if code == "unknown-format" and found.path.suffix.lower() in _OF_TRACES:
        severity = "warning"
    if problem.startswith(NOWHERE):
        severity = "warning"
    if problem == NO_FILE:
        severity = "info"
    if problem.startswith("the same "):
        code, severity = "same-file", "info"
    if problem.startswith("part of "):
        code, severity = "lone-companion", "info"
    status: SourceStatus = "failed" if severity == "error" else "skipped"
    return [
        Source(found.source_id, found.source_id, None, found.size, status, None, None, message),
        _finding(code, severity, found.source_id, message),
    ]


def companion(found: Found, reader: str, whole: str) -> list[Row]:
    """A source that is read with another one, and not by itself."""
    message = f"read with {whole}"
    return [Source(found.source_id, found.source_id, reader, found.size, "read", None, None, message, whole)]


def part(found: Found, reader: str, whole: str, records: int, bad: int) -> list[Row]:
    """A source that was read with the one its links lead to: how many model calls and bad records stand in it."""
    status: SourceStatus = "partial" if bad else "read"
    message = "; ".join(filter(None, (f"read with {whole}", _unread_records(bad))))
    return [Source(found.source_id, found.source_id, reader, found.size, status, records, bad, message, whole)]


def read(found: Found, reader: str, report: Report, failure: str | None, records: int) -> list[Row]:
    """A source whose reading has ended, after so many model calls; ``failure`` is why before its end."""
    bad = report.bad_records
    status: SourceStatus = "read"
    if failure or bad:
        status = "partial" if records else "failed"
    elif report.aside:
        status = "skipped"
    message = failure or _unread_records(bad) or report.aside
    rows: list[Row] = [Source(found.source_id, found.source_id, reader, found.size, status, records, bad, message)]
    if failure:
        rows.append(_finding("unreadable-source", "error", found.source_id, failure))
    return rows


def _unread_records(bad: int) -> str | None:
    return f"{bad:,} {'record' if bad == 1 else 'records'} could not be read" if bad else None


def _finding(code: str, severity: Severity, source_id: str, message: str) -> Finding:
    return Finding(f"{code}:{source_id}", code, severity, source_id, None, None, None, None, None, message)
