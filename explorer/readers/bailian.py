"""Request traces of Alibaba's Bailian: chats of Qwen's users, turn by turn, with the ids of their prompts' blocks.

Format: README @03a51e31 of Qwen-Bailian's anonymous usage traces, ``qwen_*_blksz_16.jsonl``.

A session is the chats that lead to one root over ``parent_chat_id`` (-1 is none); its agent is called after what the
root asked for (``text``, ``search``, …). A line holds the whole prompt. Blocks have 16 tokens, the last one in part;
they are hashed one by one and then numbered, so that an id may stand for a content and not for a prefix: the audit
tells. Times are seconds from the start of the trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.model import Finding, Row, Step
from explorer.readers import Report, SourceFile
from explorer.readers._block_trace import BlockTrace, Clock, Prompt, Session, block_tokens, by_lengths, kind
from explorer.readers._findings import Findings
from explorer.readers._json_lines import Line, first_object
from explorer.readers._values import Fields, as_json

NAME = "bailian"
VERSION = 1
SELF_CONTAINED = True
NO_TEXT = "Bailian's traces record the ids of a prompt's blocks and numbers of tokens, and no text"

USUAL_BLOCK = 16
"""Tokens in a block of the published traces."""

NO_PARENT = -1
MOST_CHATS = 2**63 - 1


def claims(path: Path, head: bytes | None) -> bool:
    """A chat with block ids."""
    return kind(first_object(path, head)) == NAME


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one file."""
    findings = Findings(source.source_id)
    yield from _Trace(source, findings).rows(source.path)
    yield from findings.rest()
    yield Report(findings.bad_records)


class _Trace:
    """The conversation that a file is. It keeps the session of every chat, as any of them may be gone on with."""

    def __init__(self, source: SourceFile, findings: Findings) -> None:
        self.trace = BlockTrace(source, NAME, findings, Clock(1000))
        self.session_of: dict[int, Session] = {}

    def rows(self, path: Path) -> Iterator[Row]:
        size = block_tokens(path, USUAL_BLOCK)
        for line in self.trace.requests(path, "hash_ids", "input_length"):
            yield from [line] if isinstance(line, Finding) else self.chat(line, size)
        yield from self.trace.end(extra=by_lengths(size))

    def chat(self, line: Line, size: int | None) -> Iterator[Row]:
        """A step."""
        fields, ids = Fields(line.fields), line.fields.pop("hash_ids", None)
        root = fields.rest().get("parent_chat_id", NO_PARENT) == NO_PARENT
        parent = None if root else fields.count("parent_chat_id", MOST_CHATS)
        chat, type_ = fields.count("chat_id", MOST_CHATS), fields.text("type")
        session = self.session_of.get(parent) if parent is not None else None
        lost = session is None and parent is not None
        if session is None:
            key = parent if lost else chat if chat is not None else f"line {line.number}"
            session = self.trace.session((lost, key), type_ or "chat", f"after {key}" if lost else str(key))
        if chat is not None:
            self.session_of.setdefault(chat, session)
        tokens, answer = fields.count("input_length"), fields.count("output_length")
        noted = {"chat_id": chat, "parent_chat_id": parent, "type": type_}
        fields.rest().pop("parent_chat_id", None)
        fields.rest().update(noted)
        step = Step(
            run_id=session.run_id,
            ordinal=session.steps + 1,
            start_ms=self.trace.clock.at(fields, "timestamp"),
            input_tokens=tokens,
            output_tokens=answer,
            tokens_grade="not_recorded" if tokens is None and answer is None else "exact",
            grade="exact",
            source_id=self.trace.source_id,
            offset=line.offset,
            length=line.length,
            extra=as_json(fields.rest()),
        )
        yield from self.trace.add(session, step, Prompt.of(ids), size, line, fields)
        if lost and session.steps == 1:
            message = f"the chat before it, {parent}, is not in the file: the session is read from here on"
            yield from self.trace.finding("missing-history", "info", message, line, session, step.ordinal)
