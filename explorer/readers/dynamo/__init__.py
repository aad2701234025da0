"""Request traces of Dynamo: who asked, what a cache had served, and the hashes of the prompt's blocks, all in one line.

Format: ai-dynamo/dynamo lib/llm/src/request_trace/types.rs @0366e63a; ai-dynamo/aiperf
src/aiperf/dataset/graph/adapters/dynamo/trace_reader.py @58028d5b. Lines of JSON, plain or gzipped; a line is a record
or an ``event`` that holds one beside the writer's clock.

A file, or the numbered files of one writer, is one conversation: the hashes are of one server and have one clock. What
the record calls a session, a trajectory or a program is an agent with one run, and may have a parent; requests that say
nothing of who asked are one agent's. ``cached_tokens`` are the cache reads that were measured. Hashes are of whole
prefixes and become block ids as they are, 64 bits without sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from explorer.model import Row
from explorer.readers import Report, SourceFile
from explorer.readers._block_trace import kind
from explorer.readers._json_lines import first_object, recorded
from explorer.readers.dynamo._trace import Trace

__all__ = ["NAME", "NO_TEXT", "SELF_CONTAINED", "VERSION", "claims", "links", "read", "record"]

NAME = "dynamo"
VERSION = 1
SELF_CONTAINED = True
NO_TEXT = "Request traces of Dynamo record hashes and numbers of tokens; what a payload record says is not shown"

record = recorded

_SEGMENT = re.compile(r"(.+)\.\d{6}\.jsonl(?:\.gz)?", re.DOTALL)


def claims(path: Path, head: bytes | None) -> bool:
    """A record of the schema, bare or as an event."""
    return kind(first_object(path, head)) == NAME


def links(path: Path, head: bytes | None) -> list[str]:
    """What the files of one writer have in common: it begins a new one when one is full, ``name.000001.jsonl.gz``."""
    found = _SEGMENT.fullmatch(path.name)
    return [str(path.with_name(found[1]))] if found else []


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one file, or of all that one writer has left, in the order of their numbers."""
    files = sorted([(source.path, source.source_id), *source.parts], key=lambda file: file[1])
    trace = Trace(source, files[0][0], NAME)
    bad = {}
    for path, source_id in files:
        yield from trace.file(path, source_id)
        bad[source_id] = trace.trace.findings.bad_records
    yield from trace.end()
    yield Report(bad.pop(source.source_id), bad_of_parts={part: number for part, number in bad.items() if number})
