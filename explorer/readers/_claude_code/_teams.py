"""Teammates that are sessions of their own: by what such a session, and that of its lead, are known.

Format: observed, version 2.1. Where teammates have windows of their own, each is a session, and every record of it has
``teamName`` and ``agentName``; its lead's records may have the former, never both. The lead's transcript has the call
that asked for it, with ``name`` and mostly ``team_name``, whose result gives it the id ``<name>@<team>``. Newer
versions make a team without being asked, and name it ``session-<8 hex>``, which is the beginning of no session's id
that is recorded; a session that is resumed begins another team.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import orjson

from explorer.readers._records import open_bytes

LEAD: Final = "team-lead"
"""The name of a lead, by which its teammates write to it."""

SPAWNED: Final = "teammate_spawned"
"""What the result of a call says that has started a teammate."""

LONGEST_CALL = 1 << 20
"""Bytes of the longest record in which a call for a teammate, or its result, is looked for."""

_MARK = b'"team_name":'


def mate_of(record: Mapping[str, object]) -> str | None:
    """The id of the teammate that a record is of, ``<name>@<team>``."""
    name, team = record.get("agentName"), record.get("teamName")
    if type(name) is str and type(team) is str and name and team and name != LEAD:
        return f"{name}@{team}"
    return None


def teams_led(path: Path) -> set[str]:
    """The teams for which a session has asked for teammates, by its calls and their results.

    Raises:
        OSError: it cannot be read.
    """
    found: set[str] = set()
    with open_bytes(path) as buffer:
        end, size = 0, len(buffer)
        while (at := buffer.find(_MARK, end)) >= 0:
            start, end = buffer.rfind(b"\n", 0, at) + 1, buffer.find(b"\n", at)
            end = size if end < 0 else end
            if end - start <= LONGEST_CALL:
                found.update(_teams(buffer[start:end]))
    return found


def _teams(line: bytes) -> Iterator[str]:
    """The team of which a record, or what it asks for, says that a teammate is to be."""
    try:
        record = orjson.loads(line)
    except ValueError:
        return
    outcome = record.get("toolUseResult") if isinstance(record, dict) else None
    message = record.get("message") if isinstance(record, dict) else None
    blocks = message.get("content") if isinstance(message, dict) else None
    asked = [block.get("input") for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    if isinstance(outcome, dict) and outcome.get("status") == SPAWNED:
        asked.append(outcome)
    for each in asked:
        if isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("team_name"), str):
            yield each["team_name"]
