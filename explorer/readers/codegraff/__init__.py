"""codegraff trajectories of generations 1 and 2, and the conversations that it shares with upstream forge.

Format: justrach/codegraff @e1bba44f (trajectory files @b4ba8081), justrach/codegraff2 pulls 129, 166, 167.

A source is a ``.forge.db``, a captured stream of events, or a ``/dump``. A trajectory names its runs by (conversation,
agent), which runs of one definition share that are at work together; ``_separate`` tells them apart. The database's
second table has the messages, and with them the model calls, their usage and their prompts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, Rows, SourceFile
from explorer.readers._sqlite import record as recorded
from explorer.readers.codegraff._layout import claims, companions, part_of, places, shares

__all__ = [
    "NAME", "SELF_CONTAINED", "VERSION", "claims", "companions", "messages", "part_of", "places", "read", "record",
    "shares",
]  # fmt: skip

NAME = "codegraff"
VERSION = 1
SELF_CONTAINED = True


def read(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of one source, a conversation at a time."""
    from explorer.readers.codegraff._reading import rows

    yield from rows(source)


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The recorded events of a step: rows of a database, or a stretch of a stream.

    Raises:
        OSError: they cannot be read any more.
    """
    from explorer.readers.codegraff._lookup import record as rows_of

    return recorded(path, offset, length, limit, rows_of)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.codegraff._said import messages

    return messages(files, place)
