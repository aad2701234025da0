"""Findings of one source: numbered, placed, and bounded, so that a ruined file does not become a million of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from explorer.model import Finding, Severity

EACH = 100
"""Findings of one code that are given singly for a conversation; the rest are one finding that counts them."""

_BAD = frozenset(("bad-record", "truncated-record", "spliced-record"))


class Findings:
    """Makes the findings of a source, or of one share of it."""

    def __init__(self, source_id: str, share: int = 0) -> None:
        self.source_id = source_id
        self._share = f"{share}/" if share else ""
        self.bad_records = 0
        self._seen: Counter[tuple[str, Severity, str | None]] = Counter()  # by conversation
        self._given: Counter[tuple[str, Severity]] = Counter()

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
        self._seen[code, severity, conversation_id] += 1
        self.bad_records += code in _BAD
        if self._seen[code, severity, conversation_id] <= EACH:
            self._given[code, severity] += 1
            key = f"{code}:{self.source_id}:{severity}:{self._share}{self._given[code, severity]}"
            yield Finding(
                key, code, severity, self.source_id, line, conversation_id, agent_id, run_id, step_ordinal, message
            )

    def rest(self, conversation_id: str | None = None) -> Iterator[Finding]:
        """The findings that count what was not given singly of a conversation, or of none; once, at its end."""
        of_it = [key for key in self._seen if key[2] == conversation_id]
        for code, severity, _ in of_it:
            number = self._seen.pop((code, severity, conversation_id))
            if number > EACH:
                where = "conversation" if conversation_id else "source"
                message = f"{number - EACH:,} more of this kind in this {where}"
                key = f"{code}:{self.source_id}:{severity}:rest:{conversation_id or ''}"
                yield Finding(key, code, severity, self.source_id, None, conversation_id, None, None, None, message)
