"""What separation results in: the events of one run, each with how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.model import Grade
from explorer.readers.codegraff._events import CALL, RESULT, Event, whole


@dataclass(slots=True, eq=False)
class Chain:
    """The events of one run, in the order of ``seq``."""

    events: list[Event] = field(default_factory=list)
    start: Event | None = None
    end: Event | None = None
    label: str | None = None
    """The conversation whose messages hold its calls."""
    grade: Grade = "exact"
    """How sure it is that the end, and with it the sums, is that of these events."""
    start_grade: Grade = "exact"
    """How sure it is that the start is; those of siblings that started together are alike but for the time."""
    grades: dict[int, Grade] = field(default_factory=dict)
    """Row -> how sure it is that the event is of this run; ``exact`` if it is not there."""
    candidates: dict[int, list[Chain]] = field(default_factory=dict)
    """Row of an ambiguous event -> all chains it may be of, this one first."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """Numbers that are missing: the ``seq`` before and the one behind."""
    together: int = 1
    """Most of the runs that were at work with this one under the same key, itself included."""

    def adds_up(self) -> bool:
        """Whether the run wrote as many calls, results and errors as its end counts; an open run has no count."""
        if self.end is None or self.start is None or (calls := whole(self.end.payload, "tool_calls")) is None:
            return True
        kinds = [event.kind for event in self.events]
        return kinds.count(CALL) == kinds.count(RESULT) == calls and self.events[0] is self.start
