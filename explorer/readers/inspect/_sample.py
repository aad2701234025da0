"""A sample: its fields and events are taken in, in whatever order they come; then it is told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from explorer.model import Conversation, Finding, Row, UncountedUsage
from explorer.readers._drafts import Draft, Reported, RunDraft, Tokens, Where
from explorer.readers._findings import Findings
from explorer.readers._prompts import PromptParts
from explorer.readers._values import as_json, many, moment, unix_ms
from explorer.readers.inspect._agents import Telling
from explorer.readers.inspect._events import Events, digest_of
from explorer.readers.inspect._log import Log
from explorer.readers.inspect._prompting import Prompting
from explorer.readers.inspect._usage import summed, total

_WORTH = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""What Inspect makes of the letters of a score."""

_NAME = re.compile(r"samples/(?P<id>.+)_epoch_(?P<epoch>\d+)(?:\.json|/.*)", re.DOTALL)

SMALL = frozenset((
    "id", "epoch", "uuid", "scores", "model_usage", "started_at", "completed_at", "total_time", "working_time", "error",
    "limit", "error_retries", "turn_count",
))  # fmt: skip
"""Fields of a sample that are built as a whole."""


class Sample:
    """One sample while it is read. ``at`` says where it stands, for who reads its messages."""

    def __init__(self, source_id: str, findings: Findings, log: Log, at: Mapping[str, object]) -> None:
        self.source_id, self.findings, self.log, self._at = source_id, findings, log, at
        self.fields: dict[str, object] = {}
        self.pool: list[int] = []
        """The messages that prompts refer to, hashed."""
        self._parts = PromptParts()
        self._complaints: dict[str, int] = {}
        self._events = Events(self._parts, self._complain)
        self._partial = 0
        self.retries_at = Where(source_id, 0, 0)
        """Where the list of its failed attempts stands."""
        self.damage: list[tuple[str, str, int | None]] = []
        """Code, what is wrong, and the line."""

    def _complain(self, message: str) -> None:
        if len(self._complaints) < 1_000 or message in self._complaints:
            self._complaints[message] = self._complaints.get(message, 0) + 1

    def take(self, event: object, where: Where) -> None:
        """An event of it."""
        if isinstance(event, dict):
            self._events.take(event, where)
        else:
            self._complain("an event that is no object: left out")

    def take_message(self, message: object) -> None:
        """The next message of its pool."""
        self.pool.append(digest_of(message))

    # --- rows --------------------------------------------------------------------------------------------------------

    def rows(self, name: str | None = None) -> Iterator[Row]:
        """All of its rows, its conversation last; ``name`` is that of its entry."""
        native, epoch = self._named(name)
        key = f"{self.source_id}//{native.replace('/', '∕')}_epoch_{epoch}"
        transcript = self._events.transcript
        started = unix_ms(self.fields.get("started_at"))
        times = [each for each in (started, transcript.first) if each is not None]
        draft = Draft(key, min(times, default=None))
        self._prompts()
        telling = Telling(draft, transcript, self.log.solver)
        telling.tell()
        root = telling.finish()
        attempts = list(self._attempts(draft, root))
        self._close(root, telling)
        mismatch = self._reported(root, draft)
        draft.number()
        yield from draft.rows()
        yield from self._from_cache(key, telling)
        yield from self._findings(key, root, telling, attempts, mismatch)
        yield self._conversation(key, draft, native, epoch, started)

    def _named(self, name: str | None) -> tuple[str, int]:
        """Id and epoch: its own, else as its entry is called."""
        native, epoch = self.fields.get("id"), self.fields.get("epoch")
        found = _NAME.fullmatch(name or "")
        if not isinstance(native, (str, int)) or isinstance(native, bool):
            native = found["id"] if found else "unknown"
        if type(epoch) is not int:
            epoch = int(found["epoch"]) if found and len(found["epoch"]) < 10 else 1
        return str(native)[:500], epoch

    def _prompts(self) -> None:
        """The prompts that are told by their place in the pool, which comes behind the events."""
        prompting = Prompting(self._parts, self.pool)
        for step in self._events.transcript.steps:
            if step.references:
                found = prompting.stretches(step.span_id, step.opening, step.references)
                self._partial += found is None
                step.draft.prompt = found or ()

    def _attempts(self, draft: Draft, root: RunDraft) -> Iterator[RunDraft]:
        """Attempts that ended with an error and were begun again; what they have cost is in their events, if at all."""
        retries = self.fields.get("error_retries")
        for number, retry in enumerate(retries if isinstance(retries, list) else (), 1):
            if not isinstance(retry, dict):
                continue
            events = Events(self._parts, self._complain)
            events.transcript.attempt = number
            nested = retry.get("events")
            for place, event in enumerate(nested if isinstance(nested, list) else ()):
                if isinstance(event, dict):
                    events.take(event, self.retries_at, (number - 1, place))
            telling = Telling(draft, events.transcript, self.log.solver)
            telling.tell()
            run = telling.finish()
            message = retry.get("message")
            run.status, run.detail = "failed", message[:2_000] if isinstance(message, str) else None
            run.extra = {**self._at, "attempt": number}
            yield run

    def _close(self, root: RunDraft, telling: Telling) -> None:
        """How it ended, and what it was worth."""
        error, limit = self.fields.get("error"), self.fields.get("limit")
        end = unix_ms(self.fields.get("completed_at"))
        is_pending = any(step.is_pending for step in telling.transcript.steps)
        if isinstance(error, dict):
            message = error.get("message")
            root.status, root.detail = "failed", message[:2_000] if isinstance(message, str) else None
        elif isinstance(limit, dict):
            root.status, root.detail = "cancelled", f"{limit.get('type')} limit of {limit.get('limit')}"
        elif any(code == "truncated-record" for code, _, _ in self.damage):
            root.status, root.detail = "unknown", "the record of the sample is cut off"
        elif is_pending or (self.log.status == "started" and "scores" not in self.fields):
            root.status, root.detail = "running", "the log is of an evaluation that had not ended"
        elif self.fields.get("scores") is not None or end is not None:
            root.status, root.detail = "completed", None
        if root is telling.main:
            root.end = end or root.end
        root.reward = self._worth()
        for run in telling.every():
            run.extra = self._at
            run.request_model = run.steps[0].request_model if run.steps else None

    def _worth(self) -> float | None:
        """The score, where there is one and it is a number or one of Inspect's letters."""
        scores = self.fields.get("scores")
        if not isinstance(scores, dict) or len(scores) != 1:
            return None
        value = next(iter(scores.values()))
        value = value.get("value") if isinstance(value, dict) else None
        if isinstance(value, str):
            return _WORTH.get(value)
        return float(value) if isinstance(value, (int, float)) and abs(value) < 1e300 else None

    def _reported(self, root: RunDraft, draft: Draft) -> str | None:
        """Its own sum beside ours: as the root's, where it is over nothing else; else, what is to be said."""
        recorded = summed(self.fields.get("model_usage"))
        if recorded is None:
            return None
        self.log.samples.append(recorded)
        others = [run for agent in draft.agents for run in agent.runs if run is not root and not _is_below(run, root)]
        if not any(run.steps for run in others):
            note = "the recorder's model_usage of the sample is over all its agents"
            root.reported = Reported("total", None, recorded.input, recorded.output, None, self._duration(), note)
            return None
        root.reported = Reported(duration=self._duration())
        runs = (run for agent in draft.agents for run in agent.runs)
        ours = total(step.tokens for run in runs for step in run.steps)
        if _same(recorded, ours):
            return None
        return (
            f"model_usage of the sample is {recorded.input or 0:,} in and {recorded.output or 0:,} out; model calls, "
            f"with those of scorers and earlier attempts add up to {ours.input or 0:,} and {ours.output or 0:,}"
        )

    def _duration(self) -> int | None:
        seconds = self.fields.get("total_time")
        return round(1000 * seconds) if isinstance(seconds, (int, float)) and 0 <= seconds < 10**10 else None

    def _from_cache(self, key: str, telling: Telling) -> Iterator[Row]:
        """Calls that Inspect's own cache answered are steps; what they had cost when they were made is no usage now."""
        by_run = {id(step): run for run in telling.every() for step in run.steps}
        for step, tokens in telling.transcript.from_cache:
            run = by_run[id(step)]
            yield UncountedUsage(
                f"{key}/{run.agent.key}", "answered from the evaluation's cache", key, 1, tokens.input or 0,
                tokens.cache_read or 0, tokens.cache_write or 0, tokens.output or 0,
            )  # fmt: skip

    # --- what is doubtful --------------------------------------------------------------------------------------------

    def _findings(
        self, key: str, root: RunDraft, telling: Telling, attempts: list[RunDraft], mismatch: str | None
    ) -> Iterator[Finding]:
        at, transcript = self.findings.at, telling.transcript
        here = (key, f"{key}/{root.agent.key}", root.run_id)
        for code, message, line in self.damage:
            yield from at(code, "error", message, line, key)
        for complaint, times in self._complaints.items():
            yield from at("bad-field", "warning", complaint + (f" ({times:,} times)" if times > 1 else ""), None, *here)
        if self._partial:
            message = (
                f"{many(self._partial, 'prompt')} with messages that are not in the log: what they share is not told"
            )
            yield from at("partial-prompt", "warning", message, None, *here)
        if mismatch is not None:
            yield from at("total-mismatch", "warning", mismatch, None, key)
        if transcript.from_cache:
            message = (
                f"{many(len(transcript.from_cache), 'model call')} answered from Inspect's own cache: a step, no usage"
            )
            yield from at("cached-answer", "info", message, None, *here)
        for run in attempts:
            message = (
                f"{run.agent.label}: failed, and the sample was begun again ({run.detail or 'no reason recorded'})"
            )
            yield from at("repeated-attempt", "info", message, None, key, f"{key}/{run.agent.key}", run.run_id)
        open_ = sum(not span.is_closed for span in transcript.spans.values())
        if open_ or transcript.ends_without_begin:
            message = (
                f"{many(open_, 'span')} without an end, {many(transcript.ends_without_begin, 'end')} without a span"
            )
            yield from at("missing-end", "warning", message, None, *here)
        if telling.unplaced:
            message = f"{many(telling.unplaced, 'event')} of spans that are not there: counted to the main agent"
            yield from at("missing-start", "warning", message, None, *here)
        for kind, number in transcript.unknown.items():
            yield from at(
                "unknown-kind", "info", f"{many(number, 'event')} of the kind {kind!r}: left out", None, *here
            )
        yield from self.findings.rest(key)

    def _conversation(self, key: str, draft: Draft, native: str, epoch: int, started: int | None) -> Conversation:
        fields, transcript = self.fields, self._events.transcript
        ended = unix_ms(fields.get("completed_at")) or transcript.last
        scores = fields.get("scores")
        values = {name: score.get("value") for name, score in scores.items() if isinstance(score, dict)} if isinstance(
            scores, dict) else None  # fmt: skip
        limit = fields.get("limit")
        return Conversation(
            conversation_id=key,
            source_id=self.source_id,
            format="inspect",
            title=native if epoch == 1 else f"{native} (epoch {epoch})",
            group_name=self.log.task,
            started_at=moment(draft.start),
            ended_at=moment(ended),
            block_scope="prompt-parts",
            steps_recorded=True,
            tool_calls_recorded=True,
            extra=as_json({
                "sample": native, "epoch": epoch, "uuid": fields.get("uuid"), "scores": values,
                "limit": limit if isinstance(limit, dict) else None, "total_time": fields.get("total_time"),
                "working_time": fields.get("working_time"), "log_status": self.log.status, "log_error": self.log.error,
                **self.log.about,
            }),
        )  # fmt: skip


def _is_below(run: RunDraft, root: RunDraft) -> bool:
    here: RunDraft | None = run.parent
    while here is not None:
        if here is root:
            return True
        here = here.parent
    return False


def _same(recorded: Tokens, ours: Tokens) -> bool:
    return recorded.input == ours.input and recorded.output == ours.output
