"""What an ingest hands to the database: Parquet parts, and where what is in them was read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SOURCE_COLUMN = "_source"
"""In every part: the reading that a row came from, so that a source that was read again is told apart."""


class Batch(NamedTuple):
    """Parquet parts that were written together: one file per table that has rows."""

    files: dict[str, Path]
    """Table name (of ``model.ALL_TABLES``) -> file. Each has the table's columns plus ``_source``."""
    live: frozenset[str] | None
    """Readings whose rows still count; None when all do."""
    prefix: str = ""
    """Put before every id, for an export that was found inside the opened directory beside other traces."""
    ancestors: frozenset[str] = frozenset()
    """Runs of an export that its filter had not kept, and that are in it only because a kept run is below them."""


class Places(Mapping[str, Path]):
    """Paths by source_id, each made when it is asked for: hardly one of thousands is."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places

    def __getitem__(self, source_id: str) -> Path:
        return Path(self._places[source_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class Hold:
    """Held by whoever shows an opening: its parts may be removed when nobody does any more."""


class Opening(NamedTuple):
    """Everything the database needs to know."""

    batches: list[Batch]
    roots: Mapping[str, Path]
    """source_id -> the file itself, to read records from; without those that came from an export."""
    complete: bool = True
    """False while sources are still being read."""
    paths: tuple[Path, ...] = ()
    """What was opened: nothing is ever written in there."""
    companions: Mapping[str, Sequence[tuple[str, int, int]]] = {}
    """source_id -> path, size and time of change of every file that was read with it."""
    parts: Mapping[str, Sequence[str]] = {}
    """source_id -> the further sources that were read with it as one trace."""
    cache: Path | None = None
    """The directory in which the database may be kept for the next time; None where it is not worth it."""
    hold: Hold | None = None
    """None where the parts stay anyway."""


class DamagedPart(Exception):
    """A part is missing, cut off, or of another schema; the message names it. Read its sources again."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
