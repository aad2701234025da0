"""Names that threads were given: ``session_index.jsonl`` in Codex's home, beside its sessions.

Format: openai/codex codex-rs/rollout/src/session_index.rs @b3cc2173: id, thread_name, updated_at; the last line of a
thread counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from explorer.model import ConversationName, Row
from explorer.readers import Report, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._json_lines import Line, json_lines
from explorer.readers._values import key_part, moment
from explorer.readers.codex import NAME
from explorer.readers.codex._json import text
from explorer.readers.codex._rollout_head import milliseconds

_MOST = 120


def rows(source: SourceFile) -> Iterator[Row | Report]:
    """The latest name of each thread, as one of the conversation that would be its own."""
    findings = Findings(source.source_id)
    names: dict[str, tuple[str, datetime | None]] = {}
    for line in json_lines(source.path, findings):
        if not isinstance(line, Line):
            yield line
            continue
        thread_id, name = text(line.fields, "id"), " ".join((text(line.fields, "thread_name") or "").split())
        if thread_id and name:
            names[thread_id] = name[:_MOST], moment(milliseconds(line.fields.get("updated_at")))
        else:
            yield from findings.at("bad-field", "warning", "a thread without an id or a name", line.number)
    for thread_id, (name, named_at) in names.items():
        yield ConversationName(f"{NAME}/{key_part(thread_id)}", name, source.source_id, named_at)
    yield from findings.rest()
    yield Report(findings.bad_records)
