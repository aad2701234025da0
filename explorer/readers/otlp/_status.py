"""How a run ended."""

from __future__ import annotations

from explorer.model import RunStatus
from explorer.readers.otlp._run import Run

_CANCELLED = ("cancel", "abort")


def status_of(run: Run) -> tuple[RunStatus, str | None]:
    """The status of a run, and the recorder's word for it."""
    error = run.span.error if run.has_span or run.tool is run.span else None
    if error is not None:
        kind = error.partition(":")[0].lower()
        return ("cancelled" if any(word in kind for word in _CANCELLED) else "failed"), error
    if run.span.key != run.key and run.tool is not run.span:
        return "unknown", "the span that its calls are inside of is not recorded"
    if run.end is None:
        return "running", "no end is recorded"
    if run.is_implied and run.calls and (failed := max(run.calls, key=lambda span: span.order).error):
        return "failed", failed
    return "completed", None
