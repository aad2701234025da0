"""A sample: its fields and events are taken in, in whatever order they come; then it is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from explorer.model import PROMPT_PARTS, Conversation, Finding, Row, UncountedUsage
from explorer.readers._drafts import Draft, RunDraft, Where
from explorer.readers._findings import Findings
from explorer.readers._prompts import GrowingParts
from explorer.readers._values import as_json, key_part, moment, unix_ms
from explorer.readers.inspect._agents import Telling
from explorer.readers.inspect._doubts import attempted, complained, of_transcript, partial
from explorer.readers.inspect._ending import close, message_of, reported
from explorer.readers.inspect._events import Events, digest_of
from explorer.readers.inspect._history import take_messages
from explorer.readers.inspect._log import Log
from explorer.readers.inspect._noted import Transcript
from explorer.readers.inspect._prompting import Prompting

_NAME = re.compile(r"samples/(?P<id>.+)_epoch_(?P<epoch>\d+)(?:\.json|/.*)", re.DOTALL)

SMALL = frozenset((
    "id", "epoch", "uuid", "scores", "model_usage", "started_at", "completed_at", "total_time", "working_time", "error",
    "limit", "error_retries", "turn_count", "score",
))  # fmt: skip
"""Fields of a sample that are built as a whole."""


class Sample:
    """One sample while it is read. ``at`` says where it stands, for who reads its messages."""

    def __init__(self, source_id: str, findings: Findings, log: Log, at: Mapping[str, object]) -> None:
        self.source_id, self.findings, self.log, self._at = source_id, findings, log, at
        self.fields: dict[str, object] = {}
        self.pool: list[int] = []
        """The messages that prompts refer to, hashed."""
        self._parts = GrowingParts()  # agents are at work side by side
        self._complaints: dict[str, int] = {}
        self._events = Events(self._parts, self._complain)
        self._partial = 0
        self._twin = 1  # which of the samples with this id and epoch it is
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

    @property
    def has_events(self) -> bool:
        """Whether any event was taken in."""
        return self._events.transcript.count > 0

    def take_messages(self, messages: Iterable[tuple[object, Where]]) -> None:
        """What was said, of a sample without events."""
        take_messages(self._events.transcript, self._parts, messages)

    def take_message(self, message: object) -> None:
        """The next message of its pool."""
        self.pool.append(digest_of(message))

    # --- rows --------------------------------------------------------------------------------------------------------

    def rows(self, name: str | None = None) -> Iterator[Row]:
        """All of its rows, its conversation last; ``name`` is that of its entry."""
        native, epoch = self._named(name)
        key = self._key(name, native, epoch)
        if "scores" not in self.fields and "score" in self.fields:  # as until 2024
            self.fields["scores"] = {"score": self.fields["score"]}
        self._prompts()
        before = list(self._attempted())
        transcripts = [self._events.transcript, *(transcript for transcript, _ in before)]
        times = [unix_ms(self.fields.get("started_at")), *(transcript.first for transcript in transcripts)]
        draft = Draft(key, min((each for each in times if each is not None), default=None))
        tellings = [Telling(draft, transcript, self.log.solver) for transcript in transcripts]
        root, *attempts = [telling.tell() for telling in tellings]
        for telling in tellings:
            of_attempt = {"attempt": telling.transcript.attempt} if telling.transcript.attempt else {}
            for run in telling.every():
                run.extra = {**self._at, **of_attempt}
        for run, (_, error) in zip(attempts, before, strict=True):
            run.status, run.detail = "failed", message_of(error)
        is_cut = any(code == "truncated-record" for code, _, _ in self.damage)
        close(root, tellings[0], self.fields, is_cut, self.log.status == "started")
        recorded, mismatch = reported(root, draft, self.fields)
        self.log.samples += [recorded] if recorded is not None else []
        draft.number()
        yield from draft.rows()
        for telling in tellings:
            yield from _from_cache(key, telling)
        yield from self._findings(key, tellings[0], root, attempts, mismatch)
        yield self._conversation(key, draft, native, epoch)

    def _named(self, name: str | None) -> tuple[str, int]:
        """Id and epoch: its own, else as its entry is called."""
        native, epoch = self.fields.get("id"), self.fields.get("epoch")
        found = _NAME.fullmatch(name or "")
        if not isinstance(native, (str, int)) or isinstance(native, bool):
            native = found["id"] if found else "unknown"
        if type(epoch) is not int:
            epoch = int(found["epoch"]) if found and len(found["epoch"]) < 10 else 1
        return str(native)[:500], epoch

    def _key(self, name: str | None, native: str, epoch: int) -> str:
        """The key of its conversation: as its entry is called, as no other is; else by its id, if need be numbered."""
        found = _NAME.fullmatch(name or "")
        own = key_part(f"{found['id']}_epoch_{found['epoch']}" if found else f"{native}_epoch_{epoch}")
        self._twin = self.log.again(own)
        return f"{self.source_id}//{own}{f'~{self._twin}' if self._twin > 1 else ''}"

    def _prompts(self) -> None:
        """The prompts that are told by their place in the pool, which comes behind the events."""
        prompting = Prompting(self._parts, self.pool)
        for step in self._events.transcript.steps:
            if step.references:
                found = prompting.stretches(step.span_id, step.opening, step.references)
                self._partial += found is None
                step.draft.prompt = found or ()

    def _attempted(self) -> Iterator[tuple[Transcript, dict[str, object]]]:
        """Attempts that ended with an error and were begun again, with that error.

        What they have cost is in their events, where these are recorded.
        """
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
            yield events.transcript, retry

    def _findings(
        self, key: str, telling: Telling, root: RunDraft, attempts: list[RunDraft], mismatch: str | None
    ) -> Iterator[Finding]:
        here = (key, f"{key}/{root.agent.key}", root.run_id)
        for code, message, line in self.damage:
            yield from self.findings.at(code, "error", message, line, key)
        yield from complained(self.findings, self._complaints, here)
        if self._twin > 1:
            message = f"sample {self._twin} with this id and epoch in the log: each is a conversation"
            yield from self.findings.at("duplicate-id", "warning", message, None, *here)
        yield from partial(self.findings, self._partial, here)
        if mismatch is not None:
            yield from self.findings.at("total-mismatch", "warning", mismatch, None, key)
        yield from of_transcript(self.findings, telling, here)
        yield from attempted(self.findings, attempts, key)
        yield from self.findings.rest(key)

    def _conversation(self, key: str, draft: Draft, native: str, epoch: int) -> Conversation:
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
            block_scope=PROMPT_PARTS,
            steps_recorded=True,
            tool_calls_recorded=True,
            extra=as_json({
                "sample": native, "epoch": epoch, "uuid": fields.get("uuid"), "scores": values,
                "limit": limit if isinstance(limit, dict) else None, "total_time": fields.get("total_time"),
                "working_time": fields.get("working_time"), "log_status": self.log.status, "log_error": self.log.error,
                **self.log.about,
            }),
        )  # fmt: skip


def _from_cache(key: str, telling: Telling) -> Iterator[Row]:
    """Calls that Inspect's own cache answered are steps; what they had cost when they were made is no usage now."""
    by_run = {id(step): run for run in telling.every() for step in run.steps}
    for step, tokens in telling.transcript.from_cache:
        run = by_run[id(step)]
        yield UncountedUsage(
            f"{key}/{run.agent.key}", "answered from the evaluation's cache", key, 1, tokens.input or 0,
            tokens.cache_read or 0, tokens.cache_write or 0, tokens.output or 0,
        )  # fmt: skip
