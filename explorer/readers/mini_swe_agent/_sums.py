"""What the messages of a trajectory add up to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Sums:
    """Counted while they are read."""

    steps: int = 0
    events: int = 0
    as_text: int = 0
    """Answers that were kept as a text that only looks like an object."""
    with_cost: int = 0
    cost: float = 0.0
    model: str | None = None
    """The first that answered."""

    def add(self, cost: float | None, is_text: bool) -> None:
        """One more call."""
        self.steps += 1
        self.as_text += is_text
        self.with_cost += cost is not None
        self.cost += cost or 0.0
