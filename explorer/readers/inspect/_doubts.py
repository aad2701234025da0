"""What is doubtful in a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from explorer.model import Finding
from explorer.readers._drafts import RunDraft
from explorer.readers._findings import Findings
from explorer.readers._values import many
from explorer.readers.inspect._agents import Telling

Here = tuple[str, str, str]
"""Ids of the conversation, of an agent and its run."""


def complained(findings: Findings, complaints: Mapping[str, int], here: Here) -> Iterator[Finding]:
    """Fields that are not what they should be, each kind of complaint once."""
    for complaint, times in complaints.items():
        often = f" ({times:,} times)" if times > 1 else ""
        yield from findings.at("bad-field", "warning", complaint + often, None, *here)


def partial(findings: Findings, prompts: int, here: Here) -> Iterator[Finding]:
    """Prompts of which messages are missing."""
    if prompts:
        message = f"{many(prompts, 'prompt')} with messages that are not in the log: what they share is not told"
        yield from findings.at("partial-prompt", "warning", message, None, *here)


def attempted(findings: Findings, runs: Sequence[RunDraft], key: str) -> Iterator[Finding]:
    """Attempts before the one that counts."""
    for run in runs:
        message = f"{run.agent.label} failed, and the sample began again: {run.detail or 'no reason recorded'}"
        yield from findings.at("repeated-attempt", "info", message, None, key, f"{key}/{run.agent.key}", run.run_id)


def of_transcript(findings: Findings, telling: Telling, here: Here) -> Iterator[Finding]:
    """Spans that are not whole, events that are not known, answers that cost nothing."""
    at, transcript = findings.at, telling.transcript
    if transcript.from_cache:
        calls = many(len(transcript.from_cache), "model call")
        yield from at("cached-answer", "info", f"{calls} answered from Inspect's own cache", None, *here)
    open_ = sum(not span.is_closed for span in transcript.spans.values())
    if open_ or transcript.ends_without_begin:
        ends = many(transcript.ends_without_begin, "end")
        message = f"{many(open_, 'span')} without an end, {ends} without a span"
        yield from at("missing-end", "warning", message, None, *here)
    if telling.unplaced:
        message = f"{many(telling.unplaced, 'event')} of spans that are not there: counted to the main agent"
        yield from at("missing-start", "warning", message, None, *here)
    for kind, number in transcript.unknown.items():
        yield from at("unknown-kind", "info", f"{many(number, 'event')} of the kind {kind!r}: left out", None, *here)
