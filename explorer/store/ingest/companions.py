"""Files that are read together with another one: a write-ahead log, the audit log beside a database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from explorer.readers import companions, has_companions, part_of, readers
from explorer.store.ingest.walk import Found, identity, text

State: TypeAlias = list[tuple[str, int, int]]
"""Real path, size and time of change of each companion of a source."""


class Part(NamedTuple):
    """What a companion belongs to."""

    reader: str
    whole: str
    """The name of the file that it is read with."""
    source_id: str | None
    """Of that file; None when it is not opened."""


class Wholes:
    """What is opened, to find there what a companion is read with."""

    def __init__(self, found: Sequence[Found]) -> None:
        self._found = found
        self._names: dict[tuple[int, int] | str, str] | None = None

    def part(self, found: Found) -> Part | None:
        """What a file is part of; None when it stands for itself."""
        if found.problem or found.is_directory:
            return None
        try:
            answer = part_of(found.path)
            if answer is None:
                return None
            reader, whole = answer
            key = _key(whole, identity(whole.stat()))
        except Exception:  # a reader's mistake, or a whole that cannot be looked at: then the file is on its own
            return None
        if self._names is None:
            # A second name of a file has a problem: the first is the one that is read.
            self._names = {_key(each.path, each.identity): each.source_id for each in self._found if not each.problem}
        source_id = self._names.get(key)
        return None if source_id == found.source_id else Part(reader.NAME, text(whole.name), source_id)


def _key(path: Path, identity_: tuple[int, int]) -> tuple[int, int] | str:
    """By which a file is known whatever path leads to it; some network drives number nothing."""
    return identity_ if identity_[1] else os.path.realpath(path)


def companions_of(reader: str | None, found: Found) -> State:
    """The companions of a source as they are now; nothing, and nothing looked at, for most formats."""
    if reader not in readers() or not has_companions(readers()[reader]):
        return []
    states = []
    try:
        for companion in companions(readers()[reader], found.path):
            status = companion.stat()
            states.append((os.path.realpath(companion), status.st_size, status.st_mtime_ns))
    except Exception:  # gone since it was listed, or a reader's mistake: it will differ next time, or be read again
        return []
    return sorted(states)
