"""``goal-<id>.json``: what ``maverick export`` writes of one goal, its row, its episodes and its events."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from explorer.model import Finding
from explorer.readers._findings import Findings
from explorer.readers._outlines import Outline, outlines
from explorer.readers._records import Lines, open_bytes
from explorer.readers.maverick._evidence import Episode, Evidence, Goal, Post, Twice, post_of
from explorer.readers.maverick._shapes import conversation_id, record_of, whole_number


def evidence_of(path: Path, source_id: str, findings: Findings) -> Iterator[Evidence | Finding]:
    """What an export has of its goal."""
    with open_bytes(path) as buffer:
        lines = Lines(buffer)
        for outline in outlines(buffer, "events"):
            for damage in outline.damage:
                message = f"byte {damage.offset:,}: {damage.reason}; the record is left out, the rest is read"
                yield from findings.at(damage.code, "error", message, lines.at(damage.offset))
            found = _evidence(outline)
            if found is None:
                message = "an object without a goal and its events"
                yield from findings.at("bad-record", "error", message, lines.at(outline.offset))
                continue
            key = conversation_id(source_id, found.goal_id)

            def posts(own: Findings, outline: Outline = outline, key: str = key) -> Iterator[Post | Finding]:
                for index in range(len(outline)):
                    start, end = outline.span(index)
                    record = record_of(buffer[start:end])
                    if record is None:
                        message = "an event that is not a JSON object; it is left out, the rest is read"
                        yield from own.at("bad-record", "error", message, lines.at(start), key)
                        continue
                    yield post_of(record, "ts", (source_id, start, end - start, None))

            found.posts = Twice(partial(posts), findings)
            yield found


def _evidence(outline: Outline) -> Evidence | None:
    record, episodes = outline.fields.get("goal"), outline.fields.get("episodes")
    if not isinstance(record, dict) or not outline.has_array:
        return None
    goal_id = whole_number(record.get("id"))
    found = [Episode.of(each) for each in episodes if isinstance(each, dict)] if isinstance(episodes, list) else []
    return Evidence(goal_id if goal_id is not None else 0, Goal.of(record), found)
