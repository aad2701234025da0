"""How often to read what is being written: whoever writes all the time must not keep the machine busy with it."""

from __future__ import annotations

REST = 1.0
"""Between two readings passes so many times what the first of them took: they have half of the time at most."""


class Pace:
    """When the next reading may begin. Times are those of one clock, in seconds."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._free = 0.0

    def begin(self, now: float) -> None:
        """A reading begins."""
        self._begun = now

    def end(self, now: float) -> None:
        """It has ended, or one that is none of these."""
        if self._begun is not None:
            self._free = now + REST * (now - self._begun)
            self._begun = None

    def wait(self, now: float) -> float:
        """How long the next one must wait; 0 when it need not."""
        return max(0.0, self._free - now)
