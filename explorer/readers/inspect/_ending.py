"""How a sample ended: its status, its score, and its own sums beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from explorer.readers._drafts import Draft, Reported, RunDraft, Tokens
from explorer.readers._values import unix_ms
from explorer.readers.inspect._agents import Telling
from explorer.readers.inspect._usage import summed, total

_WORTH = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""What Inspect makes of the letters of a score."""

LONGEST_MESSAGE = 2_000


def close(root: RunDraft, telling: Telling, fields: Mapping[str, object], is_cut: bool, is_open: bool) -> None:
    """Tell how the run of a sample ended, and what it was worth.

    ``is_cut``: the end of its record is missing; ``is_open``: the evaluation had not ended.
    """
    error, limit = fields.get("error"), fields.get("limit")
    end = unix_ms(fields.get("completed_at"))
    is_pending = any(step.is_pending for step in telling.transcript.steps)
    if isinstance(error, dict):
        root.status, root.detail = "failed", message_of(error)
    elif isinstance(limit, dict):
        root.status, root.detail = "cancelled", f"{limit.get('type')} limit of {limit.get('limit')}"[:LONGEST_MESSAGE]
    elif is_cut:
        root.status, root.detail = "unknown", "the record of the sample is cut off"
    elif is_pending or (is_open and "scores" not in fields):
        root.status, root.detail = "running", "the log is of an evaluation that had not ended"
    elif fields.get("scores") is not None or end is not None:
        root.status, root.detail = "completed", None
    if root is telling.main:
        root.end = end or root.end
    root.reward = _worth(fields.get("scores"))


def message_of(error: Mapping[str, object]) -> str | None:
    """What an error says."""
    message = error.get("message")
    return message[:LONGEST_MESSAGE] if isinstance(message, str) else None


def _worth(scores: object) -> float | None:
    """The score, where there is one and it is a number or one of Inspect's letters."""
    if not isinstance(scores, dict) or len(scores) != 1:
        return None
    value = next(iter(scores.values()))
    value = value.get("value") if isinstance(value, dict) else None
    if isinstance(value, str):
        return _WORTH.get(value)
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1e300 else None


def reported(root: RunDraft, draft: Draft, fields: Mapping[str, object]) -> tuple[Tokens | None, str | None]:
    """The sample's own sum; and where it cannot stand beside ours, as it is over other agents too, how it differs."""
    seconds = fields.get("total_time")
    duration = round(1000 * seconds) if isinstance(seconds, (int, float)) and 0 <= seconds < 10**10 else None
    recorded = summed(fields.get("model_usage"))
    root.reported = Reported(duration=duration)
    if recorded is None:
        return None, None
    runs = [run for agent in draft.agents for run in agent.runs]
    if not any(run.steps for run in runs if not _is_within(run, root)):
        note = "the recorder's model_usage of the sample is over all its agents"
        root.reported = Reported("total", None, recorded.input, recorded.output, None, duration, note)
        return recorded, None
    return recorded, _difference(recorded, runs)


def _difference(recorded: Tokens, runs: Sequence[RunDraft]) -> str | None:
    """How a recorded sum differs from ours, with or without the attempts that failed; None if it does not."""
    ours = total(step.tokens for run in runs for step in run.steps)
    last = total(step.tokens for run in runs for step in run.steps if "attempt" not in run.extra)
    if any(recorded.input == each.input and recorded.output == each.output for each in (ours, last)):
        return None
    return (
        f"model_usage of the sample is {recorded.input or 0:,} in and {recorded.output or 0:,} out; its model calls, "
        f"with those of scorers, add up to {last.input or 0:,} and {last.output or 0:,}"
    )


def _is_within(run: RunDraft, root: RunDraft) -> bool:
    here: RunDraft | None = run
    while here is not None and here is not root:
        here = here.parent
    return here is root
