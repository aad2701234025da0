"""Where parts are kept between openings, and what is in them.

One directory per set of opened paths, under one per version of schema and readers. Parts are never changed: a new
reading is a new batch, and the manifest, replaced in one move, names the batches and readings that count. So two
explorers may read one directory at once, and a process that is killed leaves the last manifest as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import platformdirs

from explorer import __version__
from explorer.readers import readers
from explorer.store.opening import Batch
from explorer.store.recipe import recipe

KEEP_SECONDS = 7 * 86_400
"""Time since it was last opened at which a batch that no manifest names is removed; another explorer may show it."""

KEEP_UNOPENED_SECONDS = 30 * 86_400
"""Time since its paths were last opened at which a cache is removed."""

_ANY = "/".join("[0-9a-f]" * digits for digits in (16, 24))
"""What the directories of caches are called: a fingerprint, and a digest of the opened paths."""

MANIFEST = "manifest"
"""The file that names what counts: a digest of the second line, by which damage is told, and JSON."""


class Entry(NamedTuple):
    """A source as it was when it was read."""

    source_id: str
    size: int
    mtime_ns: int
    reader: str | None
    reading: str
    assumed: Mapping[str, str] = {}
    votes: Sequence[tuple[str, float, float]] = ()
    shared: bool = False
    """Whether its blocks are in a namespace that other sources share."""
    problem: str | None = None
    """Why no reader got to see it."""
    companions: Sequence[tuple[str, int, int]] = ()
    """Real path, size and time of change of every file that was read with it."""
    whole: str | None = None
    """Of a file that is read with another: the source_id of that."""
    links: Sequence[str] = ()
    """By which it was found to belong with others."""
    parts: Sequence[str] = ()
    """The source_ids of those that were read with it for its links."""


@dataclass(slots=True)
class Manifest:
    """What is in the cache of one set of paths."""

    entries: dict[str, Entry] = field(default_factory=dict)
    """By source_id."""
    batches: dict[str, dict[str, int]] = field(default_factory=dict)
    """Batch directory -> table -> bytes of its part, to notice parts that were cut off or removed."""
    readings: dict[str, list[str]] = field(default_factory=dict)
    """Batch directory -> every reading whose rows it holds, also those that no longer count."""
    shared: tuple[str, str] | None = None
    """Reading of the reuse in shared namespaces, and a digest of the readings it was computed from."""

    def live(self) -> set[str]:
        """The readings whose rows count."""
        return {entry.reading for entry in self.entries.values()} | ({self.shared[0]} if self.shared else set())

    def copy(self) -> Manifest:
        """The same for now, to tell later whether anything has changed."""
        return Manifest(dict(self.entries), dict(self.batches), dict(self.readings), self.shared)


def fingerprint() -> str:
    """Changes whenever parts written before can no longer be used."""
    schema = recipe("model/*.py", "store/ingest/cache.py")
    versions = sorted(f"{reader.NAME}:{reader.VERSION}" for reader in readers().values())
    return blake2b(json.dumps([__version__, schema, versions]).encode(), digest_size=8).hexdigest()


class Cache:
    """The directory of one set of opened paths."""

    def __init__(self, directory: Path, lasts: bool = True) -> None:
        self.directory = directory
        self.lasts = lasts
        """Whether it will be there the next time."""

    @classmethod
    def locate(cls, paths: Sequence[Path], cache_dir: Path | None) -> Cache:
        """The cache of these paths.

        Raises:
            OSError: it cannot be written.
        """
        base = cache_dir or platformdirs.user_cache_path("trace-explore")
        # Not Path.resolve, which raises for links in a circle: the walk says what is wrong with them.
        opened = b"\0".join(os.fsencode(os.path.realpath(path)) for path in paths)
        directory = base / fingerprint() / blake2b(opened, digest_size=12).hexdigest()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)  # titles are what people wrote: nobody else's to read
        tempfile.TemporaryFile(dir=directory).close()  # whether it may be written is all that is asked
        return cls(directory)

    def load(self) -> Manifest:
        """The manifest; an empty one when there is none, or when it is not whole."""
        try:
            digest, _, text = (self.directory / MANIFEST).read_bytes().partition(b"\n")
        except OSError:
            return Manifest()
        if digest != _digest(text):
            return Manifest()
        entries, batches, readings, shared = json.loads(text)
        found = {entry[0]: Entry._make(entry) for entry in entries}
        return self._without_lost_batches(Manifest(found, batches, readings, tuple(shared) if shared else None))

    def _without_lost_batches(self, manifest: Manifest) -> Manifest:
        lost = {name for name, parts in manifest.batches.items() if not self._is_whole(name, parts)}
        if not lost:
            return manifest
        gone = {reading for name in lost for reading in manifest.readings.get(name, ())}
        return Manifest(
            {key: entry for key, entry in manifest.entries.items() if entry.reading not in gone},
            {name: parts for name, parts in manifest.batches.items() if name not in lost},
            {name: readings for name, readings in manifest.readings.items() if name not in lost},
            None if manifest.shared and manifest.shared[0] in gone else manifest.shared,
        )

    def _is_whole(self, batch: str, parts: Mapping[str, int]) -> bool:
        try:
            return all(
                (self.directory / batch / f"{name}.parquet").stat().st_size == size for name, size in parts.items()
            )
        except OSError:
            return False

    def batch(self, name: str, tables: Iterable[str], live: frozenset[str] | None) -> Batch:
        """A batch as the database wants it."""
        return Batch({table: self.directory / name / f"{table}.parquet" for table in tables}, live)

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest in one move.

        Raises:
            OSError: it cannot be written.
        """
        stored = list(manifest.entries.values()), manifest.batches, manifest.readings, manifest.shared
        text = json.dumps(stored, default=dict).encode()
        handle, name = tempfile.mkstemp(dir=self.directory, prefix="tmp-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(text) + b"\n" + text)
            Path(name).replace(self.directory / MANIFEST)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def clean(self, manifest: Manifest) -> None:
        """Note what is in use, and remove what no manifest names, or nobody has opened for long."""
        os.utime(self.directory)
        if self.lasts:
            self._clean_others()
        for entry in os.scandir(self.directory):
            if not entry.name.startswith(("batch-", "tmp-")):
                continue
            with suppress(OSError):  # another process is removing it too, or it is not ours
                if entry.name in manifest.batches:
                    os.utime(entry.path)
                elif time.time() - entry.stat().st_mtime > KEEP_SECONDS:
                    shutil.rmtree(entry.path) if entry.is_dir() else Path(entry.path).unlink()

    def _clean_others(self) -> None:
        """Remove what other paths, or other versions, have left here; only what can be nothing but a cache."""
        for other in self.directory.parent.parent.glob(_ANY):
            with suppress(OSError):
                if time.time() - other.stat().st_mtime > KEEP_UNOPENED_SECONDS:
                    shutil.rmtree(other)
                    other.parent.rmdir()  # with the last of its version


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).hexdigest().encode()
