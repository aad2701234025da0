"""Findings of one source: numbered, placed, and bounded, so that a ruined file does not become a million of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from explorer.model import Finding, Severity

EACH = 100
"""Findings of one code that are given singly for a source; the rest are one finding that counts them."""

_BAD = frozenset(("bad-record", "truncated-record"))


class Findings:
    """Makes the findings of a source."""

    def __init__(self, source_id: str) -> None:
        self.source_id = source_id
        self.bad_records = 0
        self._seen: Counter[tuple[str, Severity]] = Counter()

    def at(
        self,
        code: str,
        severity: Severity,
        message: str,
        line: int | None = None,
        conversation_id: str | None = None,
        agent_id: str | None = None,
        run_id: str | None = None,
        step_ordinal: int | None = None,
    ) -> Iterator[Finding]:
        """One finding, or none when there have been enough of its kind."""
        self._seen[code, severity] += 1
        self.bad_records += code in _BAD
        number = self._seen[code, severity]
        if number <= EACH:
            key = f"{code}:{self.source_id}:{severity}:{number}"
            yield Finding(
                key, code, severity, self.source_id, line, conversation_id, agent_id, run_id, step_ordinal, message
            )

    def rest(self) -> Iterator[Finding]:
        """The findings that count what was not given singly."""
        for (code, severity), number in self._seen.items():
            if number > EACH:
                message = f"{number - EACH} more of this kind in this source"
                yield Finding(
                    f"{code}:{self.source_id}:{severity}:rest",
                    code,
                    severity,
                    self.source_id,
                    None,
                    None,
                    None,
                    None,
                    None,
                    message,
                )
