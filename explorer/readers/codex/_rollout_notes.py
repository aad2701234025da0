"""What is noted of a rollout while it is read: where its records stand, and what is wrong with them."""

from __future__ import annotations

from explorer.model import Severity
from explorer.readers.codex._draft import Remark, Where
from explorer.readers.codex._rollout_lines import Record

MOST_REMARKS = 10_000
"""Remarks of one code that are kept of a file; the rest are counted."""


class Notes:
    """Of one file."""

    def __init__(self, source_id: str, thread_id: str) -> None:
        self.source_id = source_id
        self.thread_id = thread_id
        self.remarks: list[Remark] = []
        self._strange: dict[str, tuple[int, int]] = {}  # kind -> line of the first, how many
        self._given: dict[str, int] = {}

    def where(self, record: Record) -> Where:
        """Where a record stands."""
        line = record.line
        return Where(self.source_id, line.offset, line.length, line.number)

    def remark(self, code: str, severity: Severity, message: str, line: int | None, turn: str | None = None) -> None:
        """A finding of the file."""
        self._given[code] = self._given.get(code, 0) + 1
        if self._given[code] <= MOST_REMARKS:
            self.remarks.append(Remark(code, severity, message, self.source_id, line, self.thread_id, turn))

    def strange(self, kind: str, record: Record) -> None:
        """A record of a kind that is not known."""
        first, count = self._strange.get(kind, (record.line.number, 0))
        self._strange[kind] = first, count + 1

    def sum_up(self) -> None:
        """What was counted; once, at the end of the file."""
        for kind, (line, count) in self._strange.items():
            self.remark("unknown-kind", "info", f"{count:,} of kind {kind!r}, which is not known: left out", line)
        for code, count in [*self._given.items()]:
            if count > MOST_REMARKS:
                self.remarks.append(Remark(
                    code, "warning", f"{count - MOST_REMARKS:,} more of this kind in this file", self.source_id, None,
                    self.thread_id,
                ))  # fmt: skip


def error_text(error: object) -> str | None:
    """What an error says, on one line."""
    if isinstance(error, dict):
        error = error.get("message") or error
    return " ".join(str(error).split())[:500] if error else None
