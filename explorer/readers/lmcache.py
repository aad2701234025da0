"""Lookup logs of LMCache: a line for each prompt that a server looked up in its cache, with the hashes of its chunks.

Format: LMCache/LMCache lmcache/tools/cache_simulator/README.md @090b9243, ``lookup_hashes_*.jsonl``.

A chunk's hash includes all that comes before it. Only whole chunks have one, so that the tail of a prompt is always
missed. Hashes are hexadecimal and become block ids by their lowest 64 bits. Nothing tells who asked: an agent stands
for all requests to a model, as a cache is never shared between models.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.model import HASHES, Finding, Row, Step
from explorer.readers import Report, SourceFile
from explorer.readers._block_trace import BlockTrace, Clock, Prompt, kind
from explorer.readers._blocks import numbered
from explorer.readers._findings import Findings
from explorer.readers._json_lines import Line, first_object, recorded
from explorer.readers._values import Fields, as_json

__all__ = ["NAME", "NO_TEXT", "SELF_CONTAINED", "VERSION", "claims", "read", "record"]

NAME = "lmcache"
VERSION = 1
SELF_CONTAINED = True
NO_TEXT = "Lookup logs of LMCache record the hashes of a prompt's chunks and its length, and no text"

record = recorded


def claims(path: Path, head: bytes | None) -> bool:
    """A line with hashes of chunks and how long these are."""
    return kind(first_object(path, head)) == NAME


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one log."""
    findings = Findings(source.source_id)
    trace = BlockTrace(source, NAME, findings, Clock(1000))
    layout: dict[str, object] = {}  # what a chunk takes in memory, by the first line that says so
    for line in trace.requests(source.path, "chunk_hashes", "seq_len"):
        if isinstance(line, Finding):
            yield line
            continue
        for name in ("dtypes", "shapes"):
            if line.fields.get(name) == layout.setdefault(name, line.fields.get(name)):
                line.fields.pop(name, None)
        yield from _lookup(trace, line)
    yield from trace.end(HASHES, layout)
    yield from findings.rest()
    yield Report(findings.bad_records)


def _lookup(trace: BlockTrace, line: Line) -> Iterator[Row]:
    fields = Fields(line.fields)
    hashes = numbered(line.fields.pop("chunk_hashes", None))
    model, tokens = fields.text("model_name"), fields.count("seq_len")
    size = fields.count("chunk_size") or None
    session = trace.session(model, "requests", model)
    step = Step(
        run_id=session.run_id,
        ordinal=session.steps + 1,
        start_ms=trace.clock.at(fields, "timestamp"),
        model=model,
        input_tokens=tokens,
        tokens_grade="not_recorded" if tokens is None else "exact",
        grade="exact",
        source_id=trace.source_id,
        offset=line.offset,
        length=line.length,
        extra=as_json(fields.rest()),
    )
    yield from trace.add(session, step, Prompt.of(hashes), size, line, fields)
