"""How often to read what is being written: whoever writes all the time must not keep the machine busy with it."""

from __future__ import annotations

SHARE = 0.5
"""Of the time, what readings may take in the long run."""

SAVED_SECONDS = 5.0
"""Of reading that may be done at once when there was none for long, so that the end of a burst is soon seen."""


class Pace:
    """When the next reading may begin. Times are those of one clock, in seconds."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._saved, self._at = SAVED_SECONDS, 0.0

    def begin(self, now: float) -> None:
        """A reading begins."""
        self._save(now)
        self._begun = now

    def end(self, now: float) -> None:
        """It has ended, or one that is none of these."""
        if self._begun is not None:
            self._save(now)
            self._saved -= now - self._begun
            self._begun = None

    def wait(self, now: float) -> float:
        """How long the next one must wait; 0 when it need not."""
        self._save(now)
        return max(0.0, -self._saved / SHARE)

    def _save(self, now: float) -> None:
        self._saved = min(SAVED_SECONDS, self._saved + SHARE * (now - self._at))
        self._at = now
