"""Inspect AI: logs of evaluations, as ``.eval`` archives and as ``.json``.

Format: UKGovernmentBEIS/inspect_ai @499e6152 (August 2026), src/inspect_ai/{log,event}; logs since 2024, of which the
old ones have steps instead of spans.

A sample is a conversation, and its evaluation the group. Spans of agents are runs; what stands in none is the solver's,
the main agent's; scorers are agents apart, whose tokens are not the agent's. An archive is read entry by entry, and a
sample event by event, so that memory does not follow the size of either. Where a step stands: ``_place``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from explorer.model import Row
from explorer.readers import Message, Place, Report, SourceFile
from explorer.readers.inspect._head import claims

__all__ = ["NAME", "SELF_CONTAINED", "VERSION", "claims", "messages", "places", "read", "record", "shares"]

NAME = "inspect"
VERSION = 1
SELF_CONTAINED = True

MOST_SHARES = 16
BYTES_A_SHARE = 256 << 20
"""Unpacked bytes that one part of an archive has, more or less: some seconds of work."""


def places(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where logs are written: where the environment says; by default it is a folder of the working directory."""
    configured = environment.get("INSPECT_LOG_DIR")
    return [Path(configured)] if configured and "://" not in configured else []


def shares(path: Path) -> int:
    """An archive of large samples is read in several parts."""
    from explorer.readers.inspect._archive import unpacked_size

    return min(MOST_SHARES, unpacked_size(path) // BYTES_A_SHARE + 1)


def read(source: SourceFile) -> Iterator[Row | Report]:
    """The rows of a log, sample by sample."""
    from explorer.readers.inspect._reading import rows

    yield from rows(source)


def record(path: Path, offset: int, length: int, limit: int) -> bytes:
    """The recorded event at a place.

    Raises:
        OSError: it cannot be read any more.
    """
    from explorer.readers.inspect._place import recorded

    return recorded(path, offset, length, limit)


def messages(files: Mapping[str, Path], place: Place) -> Iterator[Message]:
    """What was said in a run."""
    from explorer.readers.inspect._said import messages

    return messages(files, place)
