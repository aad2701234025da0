"""Deus checkouts: groups of a chat assistant that runs Claude Code in containers, one folder per group.

A group is a conversation, each of its Claude sessions an agent, each container a run of it, so that all runs of a group
are on one time line; what was said in a run is in the transcripts that the containers wrote (``_claude_code``). Deus
itself keeps no row per run: a run is known by the log of its container, else by a judged answer, a task's row, a line
of usage or a turn of a transcript (``_matching``). All of them name the end and how long it took.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, Rows, SourceFile
from explorer.readers.deus._layout import claims, companions, links, part_of

__all__ = [
    "NAME", "SELF_CONTAINED", "VERSION", "claims", "companions", "links", "messages", "part_of", "places", "read",
]  # fmt: skip

NAME = "deus"
VERSION = 1
SELF_CONTAINED = True


def places(environment: Mapping[str, str], home: Path) -> Sequence[Path]:
    """Where its judged answers are; a checkout is wherever its user put it."""
    return [home / ".deus" / "evolution.db"]


def read(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of the files of a checkout, group by group."""
    from explorer.readers.deus._reading import rows

    yield from rows(source)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run, by the transcript that its container wrote."""
    from explorer.readers._claude_code._said import messages

    return messages(files, place)
