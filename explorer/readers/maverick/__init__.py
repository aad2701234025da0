"""What Maverick keeps in its home: ``world.db``, and beside it the audit log, replay traces and trajectories.

Format facts of Maverick, schema versions up to 24 (main @517b89a1); its code is proprietary and none of it is here.

A goal is a conversation. All attempts at it are written under the goal, so they are the runs of its root agent, told
apart by the time of their episodes (``_attempts``); the agents that a root spawned are neither goals nor episodes, so
their parents follow from what was announced and when (``_lineage``). Figures are of episodes and of nobody else.

Files that have no ``world.db`` beside them are read by themselves, as far as they go; so are exports of one goal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, Rows, SourceFile
from explorer.readers._sqlite import record as recorded
from explorer.readers.maverick._layout import claims, companions, part_of, places
from explorer.readers.maverick._shares import shares

__all__ = [
    "NAME",
    "SELF_CONTAINED",
    "VERSION",
    "claims",
    "companions",
    "messages",
    "part_of",
    "places",
    "read",
    "record",
    "shares",
]

NAME = "maverick"
VERSION = 3
SELF_CONTAINED = True


def read(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of one source, a goal at a time."""
    from explorer.readers.maverick._reading import rows

    yield from rows(source)


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The recorded text of a step: rows of a database, or a stretch of a file.

    Raises:
        OSError: it cannot be read any more.
    """
    from explorer.readers.maverick._world import record as rows_of

    return recorded(path, offset, length, limit, rows_of)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.maverick._said import messages

    return messages(files, place)
