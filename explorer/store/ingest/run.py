"""One ingest: what is new is read, what is known is taken from the cache, and both become an ``Opening``."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.readers import claim, readers, shares
from explorer.store.bundle import bundle_batch, is_bundle
from explorer.store.ingest import Cancelled, IngestError, Options, Progress
from explorer.store.ingest.begun import Begun
from explorer.store.ingest.cache import Cache, Entry
from explorer.store.ingest.columnar import as_columns
from explorer.store.ingest.companions import Part, Wholes, companions_of
from explorer.store.ingest.kept import Kept, new_reading, state_of
from explorer.store.ingest.outcome import companion, part, read
from explorer.store.ingest.settling import unsettled
from explorer.store.ingest.task import CHUNK_ROWS, Chunk, Task
from explorer.store.ingest.together import Group, Linked, groups
from explorer.store.ingest.walk import Claim, Found, identify, walk
from explorer.store.opening import Batch, Opening, Places

if TYPE_CHECKING:
    from explorer.store.ingest.pool import Pool

FIRST_SHOWN_SECONDS = 0.4
"""After this time what has been read is shown, and then again whenever the time since the start has doubled."""

_NEVER = (-1, -1)
"""Size and time of a source whose reading failed or came too early: it is read again next time, changed or not."""

QUIET_SECONDS = 10.0
"""A source that has not changed for so long is not being written any more."""


class Ingest:
    """The state of one ingest."""

    def __init__(
        self,
        paths: Sequence[Path],
        options: Options,
        progress: Callable[[Progress], None],
        opened: Callable[[Opening], object] | None,
        cancelled: threading.Event,
        kept: Kept | None = None,
    ) -> None:
        self.paths, self.options = paths, options
        self.progress = progress
        self.opened = opened
        self.cancelled = cancelled
        self.note: str | None = None
        self.kept = kept or Kept(self._locate())
        self.found: list[Found] = []
        self.bundles: list[Batch] = []
        self.roots: dict[str, str] = {}
        self.begun: dict[str, Begun] = {}  # every reading of this ingest
        self.lone: dict[str, Part] = {}  # companions by source_id whose whole is not opened
        self.order: dict[str, int] = {}  # source_id -> its number in the walk
        self.linked: list[Linked] = []  # sources that may belong with others
        self.groups: dict[str, Group] = {}  # source_id of the first -> those that are read together
        self.started, self.next_shown = time.monotonic(), FIRST_SHOWN_SECONDS
        self.done = Progress("walking", 0, 0, 0, 0, None)

    def run(self) -> Opening:
        """Do all of it. See ``explorer.store.ingest.ingest``."""
        self._walk()
        sources = self._sort_out(self.found)
        new = {each.source_id for each in sources}
        self._read(sources, self._new_tasks(sources), [each for each in self.found if each.source_id not in new])
        opening = self._ended()
        try:
            self.kept.save()
        except OSError as error:
            self.note = f"the cache could not be written ({error}); everything is read again next time"
        self._tell(phase="done", current=None)
        return opening

    def _ended(self) -> Opening:
        """All sources have been read: what follows from several of them, and the parts."""
        self._reread_unsettled()
        self._derive_shared()
        self._tell(phase="finishing")
        self.kept.write()
        try:
            self.kept.merge()
        except OSError as error:
            self.note = f"the cache could not be tidied ({error})"
        return self._opening(complete=True)

    def _locate(self) -> Cache:
        if self.options.use_cache:
            try:
                return Cache.locate(self.paths, self.options.cache_dir)
            except OSError as error:
                self.note = f"the cache cannot be written ({error}): working without one"
        try:
            directory = Path(tempfile.mkdtemp(prefix="trace-explore-"))
        except OSError as error:
            raise IngestError(
                f"nowhere to write the tables that are read: {error}. "
                "Free some space, or name a directory with --cache-dir."
            ) from None
        atexit.register(shutil.rmtree, directory, ignore_errors=True)
        return Cache(directory, lasts=False)

    def _tell(self, **changes: Any) -> None:
        self.done = self.done._replace(note=self.note, **changes)
        self.progress(self.done)

    def _walk(self) -> None:
        try:
            for each in walk(self.paths, _is_trace):
                self.order[each.source_id] = len(self.found)
                self.found.append(each)
                self.roots[each.source_id] = each.place
                if len(self.found) % 256 == 0:
                    self._tell(files_total=len(self.found), current=each.source_id)
                    self._stop_if_cancelled()
        except FileNotFoundError as error:
            raise IngestError(f"{error.filename}: no such file or directory") from None
        except OSError as error:
            raise IngestError(f"{error.filename}: {error.strerror}") from None

    def _sort_out(self, found: Sequence[Found]) -> list[Found]:
        """Tell what must be read from what is in the cache."""
        if self._is_all_as_it_was(found):
            return []
        entries, names = self.kept.manifest.entries, {each.source_id for each in found}
        same_names = entries.keys() == names
        for source_id in entries.keys() - names:
            self.kept.forget(source_id)
        to_read: list[Found] = []
        wholes = Wholes(found)
        for each in found:
            if each.is_directory and not each.problem and is_bundle(each.path):
                self.kept.forget(each.source_id)
                self._take_bundle(each)
                continue
            entry = entries.get(each.source_id)
            # What a file is part of goes by the names there are, and takes longer to ask than all the rest.
            same = same_names and entry is not None and not entry.problem and self._is_unchanged(each, entry)
            part = None if same else wholes.part(each)
            if part and part.source_id is None:
                self.lone[each.source_id] = part
            if entry and (same or self._is_as_it_was(each, entry, part)):
                if entry.links and entry.reader:
                    self.linked.append(Linked(each, entry.reader, entry.links, entry))
                continue
            self.kept.forget(each.source_id)
            if part and part.source_id is not None:
                self.kept.note(each, companion(each, part.reader, part.source_id), part.reader, whole=part.source_id)
            else:
                to_read.append(each)
        return to_read + self._parted()

    def _is_all_as_it_was(self, found: Sequence[Found]) -> bool:
        """Whether there is all that is known, unchanged, and nothing else: then it also belongs together as it did."""
        entries = self.kept.manifest.entries
        if len(entries) != len(found):
            return False
        for each in found:
            entry = entries.get(each.source_id)
            if entry is None or entry.problem or not self._is_unchanged(each, entry):
                return False
        return True

    def _parted(self) -> list[Found]:
        """Sources that were read with one that is gone."""
        parted = [
            each for group in groups(self.linked, self.order) if not group.is_as_it_was() for each in group.members
        ]
        self.linked = [each for each in self.linked if each not in parted]
        for each in parted:
            self.kept.forget(each.found.source_id)
        return [each.found for each in parted]

    def _is_as_it_was(self, found: Found, entry: Entry, part: Part | None) -> bool:
        if entry.whole != (part.source_id if part else None) and not entry.links:  # of these, see Group.is_as_it_was
            return False
        if entry.problem and (entry.size, entry.mtime_ns) == state_of(found):
            return entry.problem == self._identify(found).problem  # as unreadable as before
        return self._is_unchanged(found, entry)

    def _is_unchanged(self, found: Found, entry: Entry) -> bool:
        """Whether a source can be read, and it and all that is read with it have the size and time they had."""
        return (
            (entry.size, entry.mtime_ns) == state_of(found)
            and not found.problem
            and [tuple(each) for each in entry.companions] == companions_of(entry.reader, found)
        )

    def _identify(self, found: Found) -> Claim:
        claim = identify(found)
        lone = self.lone.get(found.source_id)
        if lone and claim.reader is None:
            return Claim(None, f"part of {lone.whole}, which is not opened")
        return claim

    def _take_bundle(self, found: Found) -> None:
        """An export opens as it is; beside other traces its ids get the directory's name in front."""
        try:
            batch = bundle_batch(found.path)
        except Exception as error:  # whatever is wrong inside it is what the finding says
            self.kept.note_unread(found, f"an export that cannot be opened: {error}")
            return
        alone = len(self.paths) == 1 and found.path == self.paths[0]
        self.bundles.append(batch if alone else batch._replace(prefix=found.source_id))
        self.roots.pop(found.source_id, None)

    def _read(self, sources: list[Found], tasks: Iterable[Task], known: Sequence[Found] = ()) -> None:
        """Read sources, the largest first so that none is left alone, beside those ``known`` from the cache."""
        if not sources:
            return
        # Imported here: what has not changed is opened without anything that reads.
        from explorer.store.ingest.pool import INLINE_BYTES

        sources.sort(key=lambda each: -(each.size or 0))
        total, before = (sum(each.size or 0 for each in files) for files in (sources, known))
        files = len(known) + len(sources)
        self._tell(
            phase="reading", files_done=len(known), files_total=files, bytes_done=before, bytes_total=before + total
        )
        jobs = self.options.jobs
        if jobs is None:
            jobs = 0 if total <= INLINE_BYTES else min(os.cpu_count() or 1, 16)
        if len(sources) < jobs:  # a large one may be read in several parts
            tasks = list(tasks)
            jobs = min(jobs, len(tasks))
        with self._pool(jobs, len(sources)) as pool:
            for chunk in pool.read(tasks):
                self._take(chunk, self.begun[chunk.reading])
                self._show_if_due()
        self._stop_if_cancelled()

    def _pool(self, jobs: int, sources: int) -> AbstractContextManager[Pool]:
        """Processes that read so many sources."""
        from explorer.store.ingest.pool import Pool

        return Pool(jobs, self.cancelled.is_set)

    def _new_tasks(self, sources: Sequence[Found]) -> Iterator[Task]:
        """What is to be read of new sources. Those with links wait until it is known what belongs together."""
        for each in sources:
            claim = self._identify(each)
            if claim.reader is None:
                self.kept.note_unread(each, claim.problem or "")
                self._tell(files_done=self.done.files_done + 1, bytes_done=self.done.bytes_done + (each.size or 0))
            elif claim.links:
                self.linked.append(Linked(each, claim.reader, claim.links, None))
            else:
                yield from self._begin(each, claim.reader, {})
        for group in groups(self.linked, self.order):
            self.groups[group.whole.found.source_id] = group
            if group.is_as_it_was():
                continue
            known = [each.found for each in group.members if each.entry]
            for found in known:  # it was counted as done
                self.kept.forget(found.source_id)
            undone = sum(found.size or 0 for found in known)
            self._tell(files_done=self.done.files_done - len(known), bytes_done=self.done.bytes_done - undone)
            yield from self._begin(group.whole.found, group.whole.reader, {})

    def _begin(self, found: Found, reader: str, facts: dict[str, str], replaces: bool = False) -> Iterator[Task]:
        """The tasks of a source, one for each share of it; ``replaces`` when what was read of it counts until then."""
        group = self.groups.get(found.source_id)
        parts = [(each.place, each.source_id) for each in group.parts] if group else []
        reading = new_reading()
        if replaces:
            self.kept.replaces(reading)
        growing = self._growing(found, *(group.parts if group else ()))
        task = Task(reading, reader, found.place, found.source_id, facts, parts=parts, growing=growing)
        count = shares(readers()[reader], found.path)
        own, *of_parts = (companions_of(reader, each) for each in (found, *(group.parts if group else ())))
        self.begun[reading] = Begun(task, found, own, group, of_parts, open=count)
        yield from (task._replace(share=(number, count)) for number in range(count))

    def _growing(self, *sources: Found) -> frozenset[str]:
        """Which sources are being written, if anybody wants to know."""
        now = time.time()
        just_now = (each for each in sources if now - (each.mtime_ns or 0) / 1e9 < QUIET_SECONDS)
        return frozenset(each.source_id for each in just_now if self.options.follow)

    def _take(self, chunk: Chunk, begun: Begun) -> None:
        """Keep the rows of a chunk, and note the source when it is the last of its."""
        begun.add(chunk)
        found, last = begun.found, not begun.open
        # What a reader takes for places may be the numbers of rows in a database, which know no bytes.
        reached = max(begun.position, begun.bytes if last else min(chunk.position, begun.bytes))
        self.kept.keep(chunk.columns, chunk.reading)
        if last:
            self._note_read(begun)
        self._tell(
            files_done=self.done.files_done + (1 + len(begun.parts) if last else 0),
            bytes_done=self.done.bytes_done + reached - begun.position,
            current=found.source_id,
        )
        begun.position = reached

    def _note_read(self, begun: Begun) -> None:
        """A source that has been read, and what was read with it for its links."""
        found, report, failure = begun.found, begun.report, begun.failure
        reader, reading = begun.task.reader, begun.task.reading
        members = begun.linked.members[1:] if begun.linked else ()
        for member, companions in zip(members, begun.companions_of_parts, strict=True):
            records = begun.records.pop(member.found.source_id, 0)
            rows = part(
                member.found, reader, found.source_id, records, report.bad_of_parts.get(member.found.source_id, 0)
            )
            links = list(member.links)
            self.kept.note(member.found, rows, reader, whole=found.source_id, links=links, companions=companions)
        self.kept.keep(as_columns(read(found, reader, report, failure, begun.records.total())), reading)
        state = _NEVER if failure or begun.unfinished else state_of(found)
        assumed, votes = dict(report.assumed), list(report.votes)
        entry = Entry(found.source_id, *state, reader, reading, assumed, votes, begun.shared)
        if begun.linked:
            links, parts = list(begun.linked.whole.links), [each.source_id for each in begun.parts]
            entry = entry._replace(links=links, parts=parts)
        self.kept.finish(found, entry._replace(companions=begun.companions))

    def _opening(self, complete: bool) -> Opening:
        companions = {entry.source_id: entry.companions for entry in self.kept.entries() if entry.companions}
        parts = {entry.source_id: entry.parts for entry in self.kept.entries() if entry.parts}
        batches, paths = [*self.kept.batches(), *self.bundles], tuple(self.paths)
        return Opening(batches, Places(self.roots), complete, paths, companions, parts, self._database_cache(complete))

    def _database_cache(self, complete: bool) -> Path | None:
        """Where the database is kept: nowhere when it will not be the same the next time."""
        cache, lasts = self.kept.cache, complete and not self.options.follow
        return cache.directory if lasts and cache.lasts else None

    def _show_if_due(self) -> None:
        passed = time.monotonic() - self.started
        if self.opened and passed >= self.next_shown:
            self.next_shown = 2 * passed
            self.kept.write()
            self.opened(self._opening(complete=False))

    def _reread_unsettled(self) -> None:
        """Read again what was read under assumptions about its corpus that the whole corpus does not bear out."""
        facts_of = unsettled(self.kept.entries())
        sources = [self.found[self.order[source_id]] for source_id in facts_of]
        tasks = (self._begin(each, *facts_of[each.source_id], replaces=True) for each in sources)
        self._read(sources, chain.from_iterable(tasks))

    def _derive_shared(self) -> None:
        """Reuse in namespaces that several sources share, whenever one of these sources has changed."""
        contributors = sorted(entry.reading for entry in self.kept.entries() if entry.shared)
        digest = blake2b("\0".join(contributors).encode(), digest_size=8).hexdigest()
        shared = self.kept.manifest.shared
        if contributors and shared and shared[1] == digest:
            return
        self.kept.share(None)
        if not contributors:
            return
        from explorer.store.ingest.shared import shared_reuse

        self.kept.write()
        reading = new_reading()
        try:
            rows = shared_reuse(self.kept.batches())
        except OSError as error:
            raise IngestError(
                f"cannot read back what was written to {self.kept.cache.directory}: {error}. "
                "Remove that directory, or open with --no-cache."
            ) from None
        while some := list(islice(rows, CHUNK_ROWS)):
            self.kept.keep(as_columns(some), reading)
            self._stop_if_cancelled()
        self.kept.write()
        self.kept.share(reading, digest)

    def _stop_if_cancelled(self) -> None:
        if not self.cancelled.is_set():
            return
        self.kept.write()
        try:
            self.kept.cache.save(self.kept.manifest)
        except OSError:
            raise Cancelled from None
        if self.opened and self.kept.manifest.batches:
            self.opened(self._opening(complete=False))
        raise Cancelled


def _is_trace(directory: Path) -> bool:
    """Whether a directory is one source as a whole."""
    with suppress(Exception):  # a reader's mistake costs the readers' say in it, not the session
        return is_bundle(directory) or claim(directory, None) is not None
    return False
