"""First appearance: whether ids turn up for the first time in the order of their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from explorer.reuse.calls import Stretch
from explorer.reuse.intervals import IntervalSet

MOST_MISSING = 2**63 - 1
"""Missing ids are a count in 64 bits with sign, while the ids themselves use all 64."""


@dataclass(slots=True)
class Numbering:
    """The events of one order of prompts. An id is fresh when no earlier prompt holds it."""

    gap_events: int = 0
    """Fresh ids above the highest so far plus one."""
    missing_ids: int = 0
    """Ids that were passed over at these places."""
    reset_events: int = 0
    """Fresh ids below the highest so far that do not follow the last fresh one."""
    _expected: int = -1
    _highest: int = -1

    @property
    def facts(self) -> tuple[bool, int, int, int]:
        """Perfect or not, gap events, missing ids (at most ``MOST_MISSING``), reset events."""
        perfect = not (self.gap_events or self.reset_events)
        return perfect, self.gap_events, min(self.missing_ids, MOST_MISSING), self.reset_events

    def add(self, start: int, end: int) -> None:
        """Consecutive fresh ids [start, end)."""
        if self._expected >= 0 and start != self._expected:
            if start > self._highest:
                self.gap_events += 1
                self.missing_ids += start - self._highest - 1
            else:
                self.reset_events += 1
        self._expected = end
        if end > self._highest:
            self._highest = end - 1


def numbering(prompts: Iterable[list[Stretch]]) -> Numbering:
    """The events of prompts in the order given."""
    seen, events = IntervalSet(), Numbering()
    for prompt in prompts:
        for first, count in prompt:
            for start, end in seen.add(first, first + count):
                events.add(start, end)
    return events
