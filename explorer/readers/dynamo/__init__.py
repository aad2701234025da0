"""Request traces of Dynamo: who asked, what a cache had served, and the hashes of the prompt's blocks, all in one line.

Format: ai-dynamo/dynamo lib/llm/src/request_trace/types.rs @0366e63a; ai-dynamo/aiperf
src/aiperf/dataset/graph/adapters/dynamo/trace_reader.py @58028d5b. Lines of JSON, plain or gzipped; a line is a record
or an ``event`` that holds one beside the writer's clock.

A file is one conversation, because the hashes are of one server and its requests have one clock. What the record calls
a session, a trajectory or a program is an agent with one run, and may have a parent; requests that say nothing of who
asked are one agent's. ``cached_tokens`` are the cache reads that were measured. Hashes are of whole prefixes and become
block ids as they are, 64 bits without sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from explorer.model import Finding, Row
from explorer.readers import Report, SourceFile
from explorer.readers._block_trace import kind
from explorer.readers._findings import Findings
from explorer.readers._json_lines import first_object, json_lines, recorded
from explorer.readers.dynamo._trace import Trace

__all__ = ["NAME", "NO_TEXT", "SELF_CONTAINED", "VERSION", "claims", "read", "record"]

NAME = "dynamo"
VERSION = 1
SELF_CONTAINED = True
NO_TEXT = "Request traces of Dynamo record hashes and numbers of tokens; what a payload record says is not shown"

record = recorded


def claims(path: Path, head: bytes | None) -> bool:
    """A record of the schema, bare or as an event."""
    return kind(first_object(path, head)) == NAME


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one file."""
    findings = Findings(source.source_id)
    trace = Trace(source, NAME, findings)
    for line in json_lines(source.path, findings):
        if isinstance(line, Finding):
            yield line
        else:
            yield from trace.record(line)
    yield from trace.end()
    yield from findings.rest()
    yield Report(findings.bad_records)
