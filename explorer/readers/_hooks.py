"""What a reader module may offer besides what every reader has: functions by these names, with these arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from explorer.readers import Message, Place


class Companions(Protocol):
    """``companions``: what is read with a file."""

    def __call__(self, path: Path) -> Sequence[Path]:
        """Further files: a write-ahead log, the audit log beside a database.

        When one of them appears, changes or goes, the source is read again.
        """


class PartOf(Protocol):
    """``part_of``: what a companion is read with."""

    def __call__(self, path: Path) -> Path | None:
        """The file, if there is one on the disk.

        What is part of another opened source is listed among the sources and not read by itself.
        """


class Links(Protocol):
    """``links``: for recorders that scatter a conversation over files."""

    def __call__(self, path: Path, head: bytes | None) -> Sequence[str]:
        """Ids by which a source belongs with others, of what it records and what that hangs on.

        Sources of one reader that have an id in common, directly or over a third, are one trace: they are read
        together, as ``parts`` of the first of them. It sees what ``claims`` sees.
        """


class Shares(Protocol):
    """``shares``: for sources of millions of records."""

    def __call__(self, path: Path) -> int:
        """How many parts a source is read in, side by side.

        Each by a call of ``read`` that yields the conversations of ``source.share``. It depends on the source alone,
        and so do the keys.
        """


class Record(Protocol):
    """``record``: where the places of steps, tool calls and edges are none in the file's bytes."""

    def __call__(self, path: Path, offset: int, length: int, limit: int) -> bytes:
        """The recorded text as at most ``limit`` bytes.

        Raises:
            OSError: it cannot be had.
        """


class Messages(Protocol):
    """``messages``: for formats that record what was said."""

    def __call__(self, files: Mapping[str, Path], place: Place) -> Iterator[Message]:
        """What was said in a run, as the model saw it, read from the sources now.

        Part by part in the order of the prompt, so that the first screenful costs no more than that.

        Raises:
            OSError: it is gone.
        """


class Places(Protocol):
    """``places``: where the recorder keeps its recordings on a user's machine."""

    def __call__(self, environment: Mapping[str, str], home: Path) -> Sequence[Path]:
        """Files or directories, whether or not there are any, by its environment variables and below the home."""


class Settle(Protocol):
    """``settle``: for what one source alone does not tell."""

    def __call__(self, votes: Sequence[tuple[str, float, float]]) -> dict[str, str]:
        """What is true of the whole corpus (the sources of one directory), from the votes in their ``Report``s.

        Sources that were read under other assumptions are read again with ``source.facts`` set to it.
        """


HOOKS: Mapping[str, type] = {
    "companions": Companions,
    "part_of": PartOf,
    "links": Links,
    "shares": Shares,
    "record": Record,
    "messages": Messages,
    "places": Places,
    "settle": Settle,
}
"""All of them by the names of the functions."""
