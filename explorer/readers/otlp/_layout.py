"""Which files are OTLP traces, and which of them hold parts of the same traces."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from pathlib import Path

from explorer.readers._records import Forget
from explorer.readers.otlp._file import opened

SUFFIXES = frozenset((".jsonl", ".ndjson", ".json", ".txt", ".log", ".gz", ".otlp", ""))
"""Names that such files go by."""

_GZIP = b"\x1f\x8b"
_TRACES = re.compile(
    rb"(?:\A|\n)[\xef\xbb\xbf \t\r\n\[]*\{\s*"
    rb'(?:"[^"\\\n]{1,64}"\s*:\s*(?:"[^"\\\n]{0,256}"|[\d.]{1,20}|null|true|false)\s*,\s*){0,8}"resource(?:S|_s)pans"\s*:'
)
"""A document that begins a line: nothing but plain values may stand before its list."""

_MARKS = b"resourceSpans", b"resource_spans"
_TRACE = re.compile(rb'"trace_?[iI]d"\s*:\s*"([0-9a-fA-F]{32})"')
_CONVERSATION = re.compile(
    rb'"(?:gen_ai\.conversation\.id|session\.id|langfuse\.session\.id)"\s*,\s*"value"\s*:\s*\{\s*"stringValue"\s*:\s*'
    rb'"([^"\\]{1,200})"'
)
_MOST_LINKS = 2_000
"""Of each kind, those that come first and those that come last: traces go on where a recorder begins a new file."""


def claims(path: Path, head: bytes | None) -> bool:
    """It begins with a document of spans, or one of its first lines does."""
    if head is None or path.suffix.lower() not in SUFFIXES:
        return False
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(31).decompress(head, 4 * len(head))
        except zlib.error:
            return False
    # Looked for first: the pattern takes 25 times as long, and every file is asked.
    return any(mark in head for mark in _MARKS) and _TRACES.search(head) is not None


def links(path: Path) -> list[str]:
    """The traces and conversations of a file."""
    with suppress(OSError), opened(path) as (buffer, _):
        found: list[str] = []
        for pattern in (_TRACE, _CONVERSATION):
            ids: dict[str, None] = {}
            forget = Forget(buffer)
            for match in pattern.finditer(buffer):
                name = match[1].decode("utf-8", "replace")
                name = name.lower() if pattern is _TRACE else f"conversation {name}"
                ids.pop(name, None)
                ids[name] = None
                forget(match.start())
            found += [*ids] if len(ids) <= 2 * _MOST_LINKS else [*[*ids][:_MOST_LINKS], *[*ids][-_MOST_LINKS:]]
        return found
    return []
