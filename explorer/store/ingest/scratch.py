"""Batches that are replaced before the cache has ever named them: removed once nobody here shows them any more."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from weakref import ref

from explorer.store.opening import Hold


class Scratch:
    """The batches that one process has written while it followed. Others may show what a manifest has named."""

    def __init__(self) -> None:
        self._own: set[str] = set()
        self._named: set[str] = set()
        self._shown: list[tuple[ref[Hold], frozenset[str]]] = []

    def name(self, batches: Iterable[str]) -> None:
        """These stand in a manifest that others may have read."""
        self._named.update(batches)

    def show(self, batches: Iterable[str]) -> Hold:
        """These are about to be shown, for as long as what is given back is held."""
        hold, names = Hold(), frozenset(batches)
        self._own |= names
        self._shown.append((ref(hold), names))
        return hold

    def sweep(self, directory: Path, needed: Collection[str]) -> None:
        """Remove what is neither ``needed`` nor shown."""
        self._shown = [(hold, names) for hold, names in self._shown if hold() is not None]
        shown = frozenset[str]().union(*(names for _, names in self._shown))
        for name in self._own - self._named - shown - set(needed):
            shutil.rmtree(directory / name, ignore_errors=True)
            self._own.discard(name)
