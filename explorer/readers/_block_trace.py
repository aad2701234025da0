"""What traces of block ids have in common that hold a request a line: a file, its sessions, and their prompts.

Such a file is one conversation: its ids are comparable all over it and its requests have one clock, so that reuse
between sessions is computed in the order in which they arrived. A session is an agent with one run; what is recorded
without sessions is one agent. Found in another session is therefore ``other`` in the tables of reuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from explorer.model import Agent, BlockRun, Conversation, Finding, Grade, Row, Run, RunStatus, Severity, Step
from explorer.readers import SourceFile
from explorer.readers._blocks import NotBlockIds, Stretch, stretches_of, twice
from explorer.readers._findings import Findings
from explorer.readers._json_lines import Line, json_lines
from explorer.readers._values import Fields, as_json, key_part, moment, untaken

_FIRST_PROMPTS = 100
"""Prompts whose lengths tell the size of a block."""

UNIX_MS = 10**12
"""Milliseconds above which a first time is one since 1970, of September 2001 or later, and not since the start."""


def kind(fields: dict[str, object]) -> str | None:
    """Which of the formats a line is of, the most specific first, as they have fields in common; None for no one."""
    inner = fields.get("event")
    event = inner if isinstance(inner, dict) else fields
    if event.get("schema") == "dynamo.request.trace.v1":
        return "dynamo"
    if "requests" in fields:
        return None
    if "chunk_hashes" in fields and "chunk_size" in fields:
        return "lmcache"
    if "hash_ids" not in fields:
        return None
    if "chat_id" in fields:
        return "bailian"
    if "block_size" in fields or "block_tokens" in fields:
        return "kvcache-simulator"
    return "mooncake" if "input_length" in fields else None


class Prompt(NamedTuple):
    """The blocks of a prompt, and why there are none of them if what is recorded is something else."""

    stretches: list[Stretch]
    damage: str | None = None

    @classmethod
    def of(cls, ids: object) -> Prompt:
        """A list of block ids as it was parsed; None for no list."""
        if ids is None:
            return cls([])
        try:
            return cls(stretches_of(ids))
        except NotBlockIds as error:
            return cls([], f"the block ids are none ({error}): the step is kept without its blocks")


class Clock:
    """Recorded times as milliseconds from the start: of the trace, or of its first request if they are since 1970."""

    def __init__(self, unit: int) -> None:
        self._unit = unit  # milliseconds
        self.origin: int | None = None

    def at(self, fields: Fields, name: str) -> int | None:
        """The time in a field; None if there is none."""
        time = fields.number(name, most=10**15)
        if time is None:
            return None
        ms = round(time * self._unit)
        if self.origin is None:
            self.origin = ms if ms >= UNIX_MS else 0
        return ms - self.origin


class Session:
    """An agent with one run, while its requests are read."""

    __slots__ = (
        "agent_id", "end_ms", "extra", "label", "model", "name", "parent", "run_id", "start_ms", "status", "steps",
        "time_grade",
    )  # fmt: skip

    def __init__(self, agent_id: str, name: str, label: str | None) -> None:
        self.agent_id = agent_id
        self.run_id = f"{agent_id}/1"
        self.name = name
        self.label = label
        self.parent: Session | None = None
        self.steps = 0
        self.start_ms: int | None = None
        self.end_ms: int | None = None
        self.time_grade: Grade = "exact"
        self.model: str | None = None
        self.status: RunStatus = "unknown"
        self.extra: dict[str, object] = {}

    def reached(self, start: int | None, end: int | None) -> None:
        """Something of the session was recorded at this time."""
        for at in (start, end):
            if at is not None:
                self.start_ms = at if self.start_ms is None else min(self.start_ms, at)
                self.end_ms = at if self.end_ms is None else max(self.end_ms, at)


class BlockTrace:
    """The conversation that a file is."""

    def __init__(self, source: SourceFile, format_: str, findings: Findings, clock: Clock) -> None:
        self.conversation_id = source.source_id
        self.source_id = source.source_id
        """Where the lines that are read stand; not that of the conversation if it goes on in further files."""
        self.format = format_
        self.findings = findings
        self.clock = clock
        self.tools_recorded = False
        self.sessions: dict[object, Session] = {}
        self._agent_ids: set[str] = set()

    def session(self, key: object, name: str, label: str | None = None) -> Session:
        """The session of this key, which begins here if it is new."""
        found = self.sessions.get(key)
        if found is None:
            agent_id = untaken(f"{self.conversation_id}/{key_part(label or name)}", self._agent_ids)
            found = self.sessions[key] = Session(agent_id, name, label)
        return found

    def add(
        self, session: Session, step: Step, prompt: Prompt, size: int | None, line: Line, fields: Fields
    ) -> Iterator[Row]:  # fmt: skip
        """A step of a session with the blocks of its prompt, and what is wrong with its line."""
        session.steps = step.ordinal
        session.model = session.model or step.model
        session.reached(step.start_ms, step.end_ms)
        yield step
        position = 0
        for first, count in prompt.stretches:
            yield BlockRun(session.run_id, step.ordinal, position, self.conversation_id, first, count, size)
            position += count
        if prompt.damage is not None:
            yield from self.finding("bad-record", "error", prompt.damage, line, session, step.ordinal)
        if (block := twice(prompt.stretches)) is not None:
            message = f"block {block} stands twice in one prompt"
            yield from self.finding("duplicate-block", "warning", message, line, session, step.ordinal)
        yield from self.complaints(fields, line, session, step.ordinal)

    def complaints(
        self, fields: Fields, line: Line, session: Session, ordinal: int | None = None
    ) -> Iterator[Finding]:  # fmt: skip
        """What is wrong with the fields of a line."""
        for complaint in fields.complaints:
            yield from self.finding("bad-field", "warning", complaint, line, session, ordinal)

    def requests(self, path: Path, *names: str) -> Iterator[Line | Finding]:
        """The lines of a file that have one of these fields, and what is wrong with the others."""
        for line in json_lines(path, self.findings):
            if isinstance(line, Finding) or any(name in line.fields for name in names):
                yield line
            else:
                yield from self.no_request(line)

    def no_request(self, line: Line) -> Iterator[Finding]:
        """An object that is none of the format's."""
        message = "a line without block ids and a length is no request; it is left out"
        yield from self.findings.at("bad-record", "error", message, line.number)

    def finding(
        self, code: str, severity: Severity, message: str, line: Line, session: Session | None = None,
        ordinal: int | None = None,
    ) -> Iterator[Finding]:  # fmt: skip
        """A finding at a line."""
        agent_id, run_id = (session.agent_id, session.run_id) if session else (None, None)
        conversation_id = self.conversation_id if session else None  # which there is, then
        return self.findings.at(
            code, severity, message, line.number, conversation_id, agent_id, run_id, ordinal
        )  # fmt: skip

    def end(self, scope: str | None = None, extra: Mapping[str, object] | None = None) -> Iterator[Row]:
        """The sessions and the conversation; nothing where there are none."""
        for session in self.sessions.values():
            parent = session.parent
            yield Agent(
                session.agent_id, self.conversation_id, parent.agent_id if parent else None, session.name, None,
                session.label, "exact",
            )  # fmt: skip
            yield Run(
                run_id=session.run_id,
                conversation_id=self.conversation_id,
                agent_id=session.agent_id,
                parent_run_id=parent.run_id if parent else None,
                ordinal=1,
                status=session.status,
                start_ms=session.start_ms,
                end_ms=session.end_ms,
                time_grade="not_recorded" if session.start_ms is None else session.time_grade,
                model=session.model,
                grade="exact",
                extra=as_json(session.extra),
            )
        if not self.sessions:
            return
        yield from self.findings.rest(self.conversation_id)
        yield Conversation(
            conversation_id=self.conversation_id,
            source_id=self.conversation_id,
            format=self.format,
            started_at=moment(self.clock.origin or None),
            block_scope=scope,
            steps_recorded=True,
            tool_calls_recorded=self.tools_recorded,
            extra=as_json(extra or {}),
        )


def block_tokens(path: Path, usual: int) -> int | None:
    """How many tokens a block holds, by the first prompts of a file; None if nothing fits all of them.

    A prompt of n blocks has more than n - 1 of them in tokens, and at most n. The usual size where that is possible,
    else the one power of two that is; anything else would be a guess.
    """
    least, most = 1, 1 << 62
    for line in islice(json_lines(path, Findings("")), _FIRST_PROMPTS):
        if isinstance(line, Finding):
            continue
        ids, tokens = line.fields.get("hash_ids"), line.fields.get("input_length")
        if isinstance(ids, list) and ids and type(tokens) is int and tokens > 0:
            least = max(least, -(-tokens // len(ids)))
            most = min(most, (tokens - 1) // (len(ids) - 1)) if len(ids) > 1 else most
    if least <= usual <= most:
        return usual
    powers = [1 << n for n in range(17) if least <= 1 << n <= most]
    return powers[0] if len(powers) == 1 else None


def by_lengths(size: int | None) -> dict[str, str]:
    """What a conversation says of a size that was found so."""
    return {} if size is None else {"block_tokens": f"{size}, by the lengths of the first prompts"}
