"""Paths that are being written, read again and again: what one reading has at hand is left for the next.

That is a process that reads, and what is known of all files: where it is told which of them have changed, no other is
looked at. Whatever else happens, and once all is quiet, everything is looked at as by any ingest, and only then does
the cache know of it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from itertools import chain
from pathlib import Path

from explorer.readers import has_companions, readers
from explorer.store.ingest import Options, Progress
from explorer.store.ingest.cache import Entry
from explorer.store.ingest.pool import Pool
from explorer.store.ingest.run import Ingest
from explorer.store.ingest.scratch import Scratch
from explorer.store.ingest.together import Group, Linked
from explorer.store.ingest.walk import Found, look
from explorer.store.opening import Opening

FEW = 50
"""Sources that one process has read before others would have started."""


class Followed:
    """Reads paths that are being written. Called as ``ingest`` is, by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed: set[str] | None = set()
        self._latest: _Renewable | None = None
        self._standing, self._scratch = Standing(), Scratch()

    def note(self, changed: Collection[str] | None) -> None:
        """Files have been written to since the last reading; None when it may be anything. Any thread may tell."""
        with self._lock:
            self._changed = None if changed is None or self._changed is None else self._changed.union(changed)

    def __call__(
        self,
        paths: Sequence[Path],
        options: Options,
        progress: Callable[[Progress], None] = lambda _: None,
        opened: Callable[[Opening], object] | None = None,
        cancelled: threading.Event | None = None,
    ) -> Opening:
        """Read what has been noted; without that, look at everything.

        Raises:
            IngestError, Cancelled: as of ``ingest``.
        """
        with self._lock:
            changed, self._changed = self._changed, set()
        cancelled = cancelled or threading.Event()
        latest, self._latest = self._latest, None  # what is cut short leaves nothing to go on from
        opening = latest.again(changed, cancelled) if latest is not None and changed else None
        if latest is None or opening is None:
            latest = _Renewable(paths, options, progress, opened, cancelled, latest.kept if latest else None)
            latest.standing, latest.scratch = self._standing, self._scratch
            opening = latest.run()
        self._latest = latest
        return opening

    def close(self) -> None:
        """Let go of everything; not while it reads."""
        self._latest = None
        self._standing.close()


class Standing:
    """A process that reads, kept for what comes next."""

    def __init__(self) -> None:
        self._pool: Pool | None = None

    @contextmanager
    def lent(self, cancelled: Callable[[], bool]) -> Iterator[Pool]:
        """The process, for as long as the block lasts."""
        if self._pool is not None and not self._pool.is_whole:
            self.close()
        pool = self._pool = self._pool or Pool(1, cancelled)
        pool.cancelled = cancelled
        try:
            yield pool
        except BaseException:
            self.close()
            raise
        if cancelled():
            self.close()  # nobody wants what it is at

    def close(self) -> None:
        """End it."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class _Renewable(Ingest):
    """An ingest that can be taken up again when some of its files have changed."""

    standing: Standing
    scratch: Scratch

    def run(self) -> Opening:
        """See ``Ingest``."""
        self.scratch.name(self.kept.manifest.batches)
        opening = super().run()
        self.scratch.name(self.kept.manifest.batches)
        return self._held(opening)

    def _held(self, opening: Opening) -> Opening:
        batches = self.kept.manifest.batches
        self.scratch.sweep(self.kept.cache.directory, batches)
        return opening._replace(hold=self.scratch.show(batches))

    def again(self, changed: Collection[str], cancelled: threading.Event) -> Opening | None:
        """Read the files that have changed. None when there is more to do than to read them, and nothing was done."""
        groups = self._groups(changed)
        if groups is None:
            return None
        self.cancelled, self.opened = cancelled, None  # what is shown is all there is until then
        self.begun, self.groups = {}, {group.whole.found.source_id: group for group in groups if group.whole.links}
        sources = [member.found for group in groups for member in group.members]
        tasks = (self._begin(group.whole.found, group.whole.reader, {}) for group in groups)
        self._read(sources, chain.from_iterable(tasks))
        return self._held(self._ended())

    def _groups(self, changed: Collection[str]) -> list[Group] | None:
        """The files that have changed, each with what it is read with; None unless all of it is as it was."""
        found, entries = self.found.copy(), self.kept.manifest.entries
        wholes: dict[str, None] = {}
        for place in changed:
            number = self._numbers.get(place)
            if number is None:
                return None
            before = found[number]
            now = found[number] = look(before.place, before.source_id)
            entry = entries.get(before.source_id)
            if entry is None or not self._goes_on(before, now, entry):
                return None
            wholes[entry.whole or entry.source_id] = None
        groups = []
        for whole in wholes:
            members = [whole, *entries[whole].parts]
            if any(member not in entries for member in members):
                return None
            groups.append(Group([
                Linked(found[self.order[member]], entries[member].reader or "", entries[member].links, None)
                for member in members
            ]))  # fmt: skip
        self.found = found
        return groups

    def _goes_on(self, before: Found, now: Found, entry: Entry) -> bool:
        """Whether a file is still of its format, and belongs with what it did."""
        if before.problem or now.problem or now.is_directory or now.identity != before.identity:
            return False
        if entry.reader is None or has_companions(readers()[entry.reader]) or (entry.whole and not entry.links):
            return False
        claim = self._identify(now)
        return claim.reader == entry.reader and list(claim.links) == list(entry.links)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The number in the walk of every file, by its path."""
        return {os.path.abspath(each.place): number for number, each in enumerate(self.found)}  # noqa: PTH100 - many

    def _pool(self, jobs: int, sources: int) -> AbstractContextManager[Pool]:
        return self.standing.lent(self.cancelled.is_set) if jobs and sources <= FEW else super()._pool(jobs, sources)
