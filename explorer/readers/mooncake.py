"""Mooncake traces: a request a line with the ids of its prompt's blocks, plain or with the sessions of aiperf.

Format: kvcache-ai/Mooncake FAST25-release/traces @3b5a5941; ai-dynamo/aiperf src/aiperf/dataset/loader/models.py
@0109a64e and src/aiperf/dataset/agentic_code_gen/writer.py @b26a1814.

Times are milliseconds, ids are numbered over the whole file, and the last block of a prompt is one in part. How many
tokens a block holds is not in the file: the lengths at its beginning tell.

A later turn of a session has a ``delay`` in the place of the time. Where its ids do not begin with those of the turn
before, it holds only what is new, and the prompt is put together: the ids of all turns so far, in order, and the tokens
of all turns and answers before it as well. An answer has no ids, so that it is in the tokens and not in the blocks. The
turn is placed ``delay`` after the one before, which is the earliest that it can be, as no duration is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.model import Finding, Grade, Row, Step
from explorer.readers import Report, SourceFile
from explorer.readers._block_trace import BlockTrace, Clock, Prompt, Session, block_tokens, by_lengths, kind
from explorer.readers._blocks import Stretch, joined
from explorer.readers._findings import Findings
from explorer.readers._json_lines import Line, first_object
from explorer.readers._values import Fields, as_json

NAME = "mooncake"
VERSION = 1
SELF_CONTAINED = True
NO_TEXT = "Mooncake traces record the ids of a prompt's blocks and numbers of tokens, and no text"

USUAL_BLOCK = 512
"""Tokens in a block of the published traces, and what aiperf assumes."""

_TEXTS = ("text_input", "texts", "messages", "payload", "tools")  # what was said stays in the source


def claims(path: Path, head: bytes | None) -> bool:
    """A line with ids and a length, and nothing that makes it one of another format."""
    return kind(first_object(path, head)) == NAME


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one file."""
    findings = Findings(source.source_id)
    yield from _Trace(source, findings).rows(source.path)
    yield from findings.rest()
    yield Report(findings.bad_records)


class _Turns:
    """A session so far: what its next turn goes on from."""

    __slots__ = ("blocks", "start_ms", "tokens")

    def __init__(self, blocks: list[Stretch], tokens: int | None, start_ms: int | None) -> None:
        self.blocks = blocks
        self.tokens = tokens  # of the prompt and the answer to it
        self.start_ms = start_ms


class _Trace:
    """The conversation that a file is."""

    def __init__(self, source: SourceFile, findings: Findings) -> None:
        self.trace = BlockTrace(source, NAME, findings, Clock(1))
        self.turns: dict[Session, _Turns] = {}

    def rows(self, path: Path) -> Iterator[Row]:
        size = block_tokens(path, USUAL_BLOCK)
        for line in self.trace.requests(path, "hash_ids", "input_length"):
            yield from [line] if isinstance(line, Finding) else self.request(line, size)
        yield from self.trace.end(extra=by_lengths(size))

    def request(self, line: Line, size: int | None) -> Iterator[Row]:
        """A step."""
        trace, fields = self.trace, Fields(line.fields)
        native = fields.text("session_id")
        session = trace.session(native, "session" if native else "requests", native)
        start, delay = trace.clock.at(fields, "timestamp"), fields.number("delay", least=0)
        tokens, answer = fields.count("input_length"), fields.count("output_length")
        prompt = Prompt.of(line.fields.pop("hash_ids", None))
        blocks = prompt.stretches
        before = self.turns.get(session) if native else None
        grade: Grade = "not_recorded" if tokens is None and answer is None else "exact"
        if native and start is None and delay is not None:
            if before and before.start_ms is not None:
                start, session.time_grade = before.start_ms + round(delay), "derived"
            if not (before and before.blocks):
                grade = "ambiguous"  # of a whole prompt or of what is new: the turn before is lost
            elif not blocks or blocks[0][0] != before.blocks[0][0]:
                blocks = joined(before.blocks, blocks)
                tokens = None if tokens is None or before.tokens is None else before.tokens + tokens
                grade = "not_recorded" if tokens is None and answer is None else "derived"
        if native:
            whole = None if tokens is None or answer is None else tokens + answer
            self.turns[session] = _Turns(blocks, whole, start)
        for name in _TEXTS:
            line.fields.pop(name, None)
        step = Step(
            run_id=session.run_id,
            ordinal=session.steps + 1,
            start_ms=start,
            model=fields.text("model"),
            input_tokens=tokens,
            output_tokens=answer,
            tokens_grade=grade,
            wait_ms=None if delay is None else round(delay),
            grade="exact",
            source_id=trace.source_id,
            offset=line.offset,
            length=line.length,
            extra=as_json(fields.rest()),
        )
        yield from trace.add(session, step, prompt._replace(stretches=blocks), size, line, fields)
