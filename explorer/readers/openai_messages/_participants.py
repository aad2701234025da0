"""Who takes part in a recorded conversation, and the tools that they ask for."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a message stands."""

    line: int
    offset: int
    length: int


class Asked(NamedTuple):
    """A tool that was asked for, until its result is there."""

    participant: Participant
    ordinal: int
    step_ordinal: int
    call_id: str | None
    name: str | None
    start_ms: int | None
    place: Place


class Participant:
    """An agent with one run."""

    __slots__ = ("agent_id", "calls", "end_ms", "model", "name", "run_id", "start_ms", "steps")

    def __init__(self, agent_id: str, name: str | None) -> None:
        self.agent_id = agent_id
        self.run_id = f"{agent_id}/1"
        self.name = name
        self.steps = self.calls = 0
        self.model: str | None = None
        self.start_ms: int | None = None
        self.end_ms: int | None = None

    def reached(self, start: int | None, end: int | None) -> None:
        """Something of it was recorded at this time."""
        for at in (start, end):
            if at is not None:
                self.start_ms = at if self.start_ms is None else min(self.start_ms, at)
                self.end_ms = at if self.end_ms is None else max(self.end_ms, at)
