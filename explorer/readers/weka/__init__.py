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
from collections.abc import Iterator, Sequence
from pathlib import Path

from explorer.model import Row
from explorer.readers import Report, SourceFile

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
    from explorer.readers.weka._reading import rows

    yield from rows(source)


def settle(votes: Sequence[tuple[str, float, float]]) -> dict[str, str]:
    """The clock of a corpus."""
    from explorer.readers.weka import _clock

    return _clock.settle(votes)
