"""Traces of kvcache.ai's simulator: requests in the order in which they are replayed, with the ids of their blocks.

Format: kvcache-ai/kvcache-blog packages/kvcache-simulator/README.md, plain or gzipped.

The simulator ignores ``timestamp`` and no unit is documented: it stays with the step, which has no time, and the order
is that of the file. ``block_tokens`` weighs each block of a prompt; the largest is taken for the size of a block where
no ``block_size`` is given. Ids that are texts become numbers (``_blocks.numbered``). Ids may name contents instead of
prefixes, as the simulator tells equal ids apart by what comes before them; the audit of a trace says which it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.model import HASHES, Finding, Row, Step
from explorer.readers import Report, SourceFile
from explorer.readers._block_trace import BlockTrace, Clock, Prompt, kind
from explorer.readers._blocks import numbered
from explorer.readers._findings import Findings
from explorer.readers._json_lines import first_object, recorded
from explorer.readers._values import Fields, as_json

__all__ = ["NAME", "NO_TEXT", "SELF_CONTAINED", "VERSION", "claims", "read", "record"]

NAME = "kvcache-simulator"
VERSION = 1
SELF_CONTAINED = True
NO_TEXT = "Traces of the kvcache simulator record the ids of a prompt's blocks and its length, and no text"

record = recorded


def claims(path: Path, head: bytes | None) -> bool:
    """A line with ids and how many tokens a block holds."""
    return kind(first_object(path, head)) == NAME


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one trace."""
    findings = Findings(source.source_id)
    trace = BlockTrace(source, NAME, findings, Clock(1))
    size: int | None = None
    scope: str | None = None
    for line in trace.requests(source.path, "hash_ids", "input_length"):
        if isinstance(line, Finding):
            yield line
            continue
        fields, ids, weights = (
            Fields(line.fields),
            line.fields.pop("hash_ids", None),
            line.fields.pop("block_tokens", 0),
        )
        if isinstance(ids, list) and str in map(type, ids):
            ids, scope = numbered(ids), HASHES
        tokens, answer = fields.count("input_length"), fields.count("output_length")
        size = fields.count("block_size") or _largest(weights) or size
        session = trace.session(None, "requests")
        step = Step(
            run_id=session.run_id,
            ordinal=session.steps + 1,
            input_tokens=tokens,
            output_tokens=answer,
            tokens_grade="not_recorded" if tokens is None and answer is None else "exact",
            grade="exact",
            source_id=trace.source_id,
            offset=line.offset,
            length=line.length,
            extra=as_json(fields.rest()),
        )
        yield from trace.add(session, step, Prompt.of(ids), size, line, fields)
    yield from trace.end(scope)
    yield from findings.rest()
    yield Report(findings.bad_records)


def _largest(weights: object) -> int | None:
    """The size of a block by how many tokens each block of a prompt holds."""
    counts = [weight for weight in weights if type(weight) is int] if isinstance(weights, list) else []
    return max(counts, default=None)
