"""Reading one file of Weka traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from explorer.model import Finding, Row
from explorer.readers import Report, SourceFile
from explorer.readers._findings import Findings
from explorer.readers._outlines import Outline, outlines
from explorer.readers._records import Forget, Lines, open_bytes
from explorer.readers.weka._clock import Vote, settle, votes_of
from explorer.readers.weka._trace import Trace


def rows(source: SourceFile) -> Iterator[Row | Report]:
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
