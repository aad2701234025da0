"""Weka traces: agent conversations as KV-block ids (kv-cache-tester, AgentX, and the Hugging Face corpora as JSONL).

Format: callanjfox/kv-cache-tester docs/trace_replay_tester.md @94f6046, callanjfox/agentic-coding-analysis
docs/TRACE_FORMAT.md @15e88f72, ai-dynamo/aiperf src/aiperf/dataset/graph/adapters/weka @58028d5b.

An object holds ``requests``: model calls (``n``, ``s``) and sub-agents, which hold ``requests`` again. Two things are
true of a corpus and not of a file, so they are settled over all of it (``settle``): whether times inside a sub-agent
count from the sub-agent or from the conversation, and whether a sub-agent's ``t`` is its start or, as kv-cache-tester
writes it, the time of its result. There ``t - duration_ms`` is the start.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from explorer.model import Finding, Row
from explorer.readers import Report, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._outlines import Outline, outlines
from explorer.readers._records import Forget, Lines, open_bytes
from explorer.readers.weka._clock import Vote, settle, votes_of
from explorer.readers.weka._trace import Trace

__all__ = ["NAME", "NO_TEXT", "SELF_CONTAINED", "VERSION", "claims", "read", "settle"]

NAME = "weka"
VERSION = 1
SELF_CONTAINED = True
NO_TEXT = "Weka traces record the ids of a prompt's blocks and numbers of tokens, and no text"

_REQUESTS = re.compile(rb'"requests"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*[\{\]]')
_MARKS = re.compile(rb'"(?:block_size|hash_ids|hash_id_scope)"[ \t\r\n]*:')
_SUFFIXES = frozenset((".json", ".jsonl", ".ndjson", ".txt", ""))


def claims(path: Path, head: bytes | None) -> bool:
    """A list of requests beside a block size, a scope or block ids; keys that follow a long list are not needed."""
    if head is None or path.suffix.lower() not in _SUFFIXES:
        return False
    # The plain search is many times faster than the pattern, which nearly no file needs.
    return b'"requests"' in head and bool(_REQUESTS.search(head) and _MARKS.search(head))


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of one file, a conversation at a time."""
    findings = Findings(source.source_id)
    assumed: set[tuple[str, str]] = set()
    votes: list[Vote] = []
    with open_bytes(source.path) as buffer:
        lines, forget = Lines(buffer), Forget(buffer)
        on_line: Counter[int] = Counter()
        for outline in outlines(buffer, "requests"):
            if outline.has_array:
                new = list(votes_of(buffer, outline))
                votes += new
                facts = source.facts or settle(votes)
                assumed.update(facts.items() if new else ())
                conversation_id = _conversation_id(source.source_id, lines.at(outline.offset), on_line)
                yield from _damage(outline, findings, lines, conversation_id)
                trace = Trace(source.source_id, conversation_id, buffer, lines, forget, findings, outline, facts)
                yield from trace.rows()
            elif outline.damage:
                yield from _damage(outline, findings, lines, None)
            else:
                line = lines.at(outline.offset)
                yield from findings.at("bad-record", "error", "an object without a list of requests", line)
            forget(outline.end)
    yield from findings.rest()
    # Traces of one file that were read under different facts are read again with the settled ones.
    yield Report(findings.bad_records, dict(assumed) if len(assumed) <= 2 else {"basis": "mixed"}, votes)


def _conversation_id(source_id: str, line: int, on_line: Counter[int]) -> str:
    """The file's own id for what begins on its first line; with the line for others, with a number for further ones.

    Two slashes, because no path holds them: another file may be called like this one and a number.
    """
    on_line[line] += 1
    if on_line[line] > 1:
        return f"{source_id}//{line}.{on_line[line]}"
    return source_id if line == 1 else f"{source_id}//{line}"


def _damage(outline: Outline, findings: Findings, lines: Lines, conversation_id: str | None) -> Iterator[Finding]:
    for damage in outline.damage:
        message = f"byte {damage.offset:,}: {damage.reason}; the record is left out, the rest is read"
        yield from findings.at(damage.code, "error", message, lines.at(damage.offset), conversation_id)
    for child in outline.nested.values():
        yield from _damage(child, findings, lines, conversation_id)
