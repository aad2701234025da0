"""Claude Code: the transcripts of its sessions and their sub-agents, versions 1.0 to 2.1.

No schema is published; what is known was observed (``_layout``, ``_content``). A session is a conversation, the turns
of its user are the runs of its main agent; that of a teammate is a part of its lead's (``_joining``). A model call is
written as a record for each block of its answer, every one with the usage so far: it counts once, with the maximum of
each figure. Copies of a session's history in others are replayed calls (``_ownership``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, Rows, SourceFile
from explorer.readers._claude_code._layout import claims as is_transcript
from explorer.readers._claude_code._layout import links, of_orchestrator
from explorer.readers._claude_code._layout import part_of as transcript_of

__all__ = [
    "NAME", "SELF_CONTAINED", "VERSION", "claims", "links", "messages", "part_of", "places", "read",
]  # fmt: skip

NAME = "claude-code"
VERSION = 4
SELF_CONTAINED = True


def places(environment: Mapping[str, str], home: Path) -> Sequence[Path]:
    """Where transcripts are kept."""
    configured = environment.get("CLAUDE_CONFIG_DIR")
    homes = [Path(configured)] if configured else [home / ".claude", home / ".config" / "claude"]
    return [each / "projects" for each in homes]


def claims(path: Path, head: bytes | None) -> bool:
    """Whether a file is a transcript, and not one that an orchestrator's logs are read with."""
    return not of_orchestrator(path) and is_transcript(path, head)


def part_of(path: Path) -> Path | None:
    """The transcript of the session in whose directory a file is kept."""
    return None if of_orchestrator(path) else transcript_of(path)


def read(source: SourceFile) -> Iterator[Row | Rows | Report]:
    """The rows of a session with its sub-agents and its copies."""
    from explorer.readers.claude_code._reading import rows

    yield from rows(source)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers._claude_code._said import messages

    return messages(files, place)
