"""One ingest: what is new is read, what is known is taken from the cache, and both become an ``Opening``."""

from __future__ import annotations

import atexit
import os
import posixpath
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.model import Conversation, columns
from explorer.readers import Report, readers, settle, shares
from explorer.store.database import Batch, Opening
from explorer.store.export import bundle_batch, is_bundle
from explorer.store.ingest import Cancelled, IngestError, Options, Progress
from explorer.store.ingest.cache import Cache, Entry
from explorer.store.ingest.companions import Part, State, Wholes, state_of
from explorer.store.ingest.outcome import CONTENT, companion, read, unread
from explorer.store.ingest.pool import INLINE_BYTES, Pool
from explorer.store.ingest.walk import Claim, Found, identify, walk
from explorer.store.ingest.worker import CHUNK_ROWS, Chunk, Columns, Task, as_columns

if TYPE_CHECKING:
    from explorer.store.ingest.parts import Parts

FIRST_SHOWN_SECONDS = 0.4
"""After this time what has been read is shown, and then again whenever the time since the start has doubled."""

MOST_PENDING_ROWS = 400_000
"""Rows held in memory before they are written."""

MOST_BATCHES = 8
"""Batches above which they are merged: opening costs a few files per batch."""

_NEVER = (-1, -1)
"""Size and time of a source whose reading failed: it is read again next time, changed or not."""

_SCOPE = [column.name for column in columns(Conversation)].index("block_scope")
_NO_CONVERSATION: list[tuple[object, ...]] = [()] * (_SCOPE + 1)


@dataclass(slots=True)
class _Begun:
    """A source that is being read."""

    task: Task
    found: Found
    companions: State
    position: int = 0
    """How far the reading is, in bytes."""
    records: int = 0
    shared: bool = False
    """Whether it has blocks in a namespace that other sources share."""
    open: int = 1
    """Shares of it that are still to come."""
    report: Report = field(default_factory=lambda: Report(0))
    """What the shares that have come told together."""
    failure: str | None = None


class Ingest:
    """The state of one ingest."""

    def __init__(
        self,
        paths: Sequence[Path],
        options: Options,
        progress: Callable[[Progress], None],
        opened: Callable[[Opening], None] | None,
        cancelled: threading.Event,
    ) -> None:
        self.paths = paths
        self.options = options
        self.progress = progress
        self.opened = opened
        self.cancelled = cancelled
        self.note: str | None = None
        self.cache = self._locate()
        self.manifest = self.cache.load()
        self.loaded = self.manifest.copy()
        self.bundles: list[Batch] = []
        self.roots: dict[str, Path] = {}
        self.dead = {reading for readings in self.manifest.readings.values() for reading in readings}
        self.dead -= self.manifest.live()
        self.finished: list[Entry] = []  # read, but not yet in a written batch
        self.begun: dict[str, _Begun] = {}  # every reading of this ingest
        self.lone: dict[str, Part] = {}  # companions by source_id whose whole is not opened
        self.replacing: set[str] = set()  # readings under way of sources whose earlier reading counts until then
        self.started = time.monotonic()
        self.next_shown = FIRST_SHOWN_SECONDS
        self.done = Progress("walking", 0, 0, 0, 0, None)

    def run(self) -> Opening:
        """Do all of it. See ``explorer.store.ingest.ingest``."""
        found = self._walk()
        sources = self._sort_out(found)
        new = {each.source_id for each in sources}
        self._read(sources, self._claim, [each for each in found if each.source_id not in new])
        self._reread_unsettled(found)
        self._derive_shared()
        self._tell(phase="finishing")
        self._write()
        self._merge()
        try:
            if self.manifest != self.loaded:
                self.cache.save(self.manifest)
            self.cache.clean(self.manifest)
        except OSError as error:
            self.note = f"the cache could not be written ({error}); everything is read again next time"
        self._tell(phase="done", current=None)
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
        return Cache(directory)

    def _tell(self, **changes: Any) -> None:
        self.done = self.done._replace(note=self.note, **changes)
        self.progress(self.done)

    def _walk(self) -> list[Found]:
        found: list[Found] = []
        try:
            for each in walk(self.paths, is_bundle):
                found.append(each)
                self.roots[each.source_id] = each.path
                if len(found) % 256 == 0:
                    self._tell(files_total=len(found), current=each.source_id)
                    self._stop_if_cancelled()
        except FileNotFoundError as error:
            raise IngestError(f"{error.filename}: no such file or directory") from None
        except OSError as error:
            raise IngestError(f"{error.filename}: {error.strerror}") from None
        known = {each.source_id for each in found}
        for source_id in self.manifest.entries.keys() - known:
            self._forget(source_id)
        return found

    def _sort_out(self, found: Sequence[Found]) -> list[Found]:
        """Tell what must be read from what is in the cache."""
        to_read: list[Found] = []
        wholes = Wholes(found)
        for each in found:
            if each.is_directory and not each.problem and is_bundle(each.path):
                self._forget(each.source_id)
                self._take_bundle(each)
                continue
            part = wholes.part(each)
            if part and part.source_id is None:
                self.lone[each.source_id] = part
            entry = self.manifest.entries.get(each.source_id)
            if entry and self._is_as_it_was(each, entry, part):
                continue
            self._forget(each.source_id)
            if part and part.source_id is not None:
                self._note_companion(each, part.reader, part.source_id)
            else:
                to_read.append(each)
        return to_read

    def _is_as_it_was(self, found: Found, entry: Entry, part: Part | None) -> bool:
        if (entry.size, entry.mtime_ns) != _state(found) or entry.whole != (part.source_id if part else None):
            return False
        if entry.problem:
            return entry.problem == self._identify(found).problem  # as unreadable as before
        return not found.problem and [tuple(each) for each in entry.companions] == state_of(entry.reader, found.path)

    def _identify(self, found: Found) -> Claim:
        claim = identify(found)
        lone = self.lone.get(found.source_id)
        if lone and claim.reader is None:
            return Claim(None, f"part of {lone.whole}, which is not opened")
        return claim

    def _claim(self, found: Found) -> Task | None:
        """What is to be read of a source; None, and a note of why, when nothing is."""
        claim = self._identify(found)
        if claim.reader is None:
            self._note_unread(found, claim.problem or "")
            return None
        return _task(found, claim.reader, {})

    def _take_bundle(self, found: Found) -> None:
        """An export opens as it is; beside other traces its ids get the directory's name in front."""
        try:
            batch = bundle_batch(found.path)
        except Exception as error:  # whatever is wrong inside it is what the finding says
            self._note_unread(found, f"an export that cannot be opened: {error}")
            return
        alone = len(self.paths) == 1 and found.path == self.paths[0]
        self.bundles.append(batch if alone else batch._replace(prefix=found.source_id))
        self.roots.pop(found.source_id, None)

    def _read(self, sources: list[Found], task_of: Callable[[Found], Task | None], known: Sequence[Found] = ()) -> None:
        """Read sources, the largest first so that none is left alone, beside those ``known`` from the cache."""
        if not sources:
            return
        sources.sort(key=lambda each: -(each.size or 0))
        total, before = (sum(each.size or 0 for each in files) for files in (sources, known))
        files = len(known) + len(sources)
        self._tell(
            phase="reading", files_done=len(known), files_total=files, bytes_done=before, bytes_total=before + total
        )
        jobs = self.options.jobs
        if jobs is None:
            jobs = 0 if total <= INLINE_BYTES else min(os.cpu_count() or 1, 16)
        tasks: Iterable[Task] = self._tasks(sources, task_of)
        if len(sources) < jobs:  # a large one may be read in several parts
            tasks = list(tasks)
            jobs = min(jobs, len(tasks))
        with Pool(jobs, self.cancelled.is_set) as pool:
            for chunk in pool.read(tasks):
                self._take(chunk, self.begun[chunk.reading])
                self._show_if_due()
        self._stop_if_cancelled()

    def _tasks(self, sources: Sequence[Found], task_of: Callable[[Found], Task | None]) -> Iterator[Task]:
        for each in sources:
            task = task_of(each)
            if task:
                parts = shares(readers()[task.reader], each.path)
                self.begun[task.reading] = _Begun(task, each, state_of(task.reader, each.path), open=parts)
                yield from (task._replace(share=(number, parts)) for number in range(parts))
            else:
                self._tell(files_done=self.done.files_done + 1, bytes_done=self.done.bytes_done + (each.size or 0))

    def _take(self, chunk: Chunk, begun: _Begun) -> None:
        """Keep the rows of a chunk, and note the source when it is the last of its."""
        if "global" in chunk.columns.get("conversations", _NO_CONVERSATION)[_SCOPE]:
            begun.shared = True
        begun.records += chunk.records
        if chunk.report is not None:
            begun.open -= 1
            bad, votes = begun.report.bad_records + chunk.report.bad_records, [*begun.report.votes, *chunk.report.votes]
            begun.report = Report(bad, {**begun.report.assumed, **chunk.report.assumed}, votes)
            begun.failure = begun.failure or chunk.failure
        found, last = begun.found, not begun.open
        # What a reader takes for places may be the numbers of rows in a database, which know no bytes.
        reached = max(begun.position, (found.size or 0) if last else min(chunk.position, found.size or 0))
        self._keep(chunk.columns, chunk.reading)
        if last:
            report, failure = begun.report, begun.failure
            self._keep(as_columns(read(found, begun.task.reader, report, failure, begun.records)), chunk.reading)
            state = _state(found) if failure is None else _NEVER
            assumed, votes = dict(report.assumed), list(report.votes)
            entry = Entry(found.source_id, *state, begun.task.reader, chunk.reading, assumed, votes, begun.shared)
            self.finished.append(replace(entry, companions=begun.companions))
            self.replacing.discard(chunk.reading)
        self._tell(
            files_done=self.done.files_done + last,
            bytes_done=self.done.bytes_done + reached - begun.position,
            current=found.source_id,
        )
        begun.position = reached

    def _note_unread(self, found: Found, problem: str) -> None:
        """A source that no reader gets to see."""
        reading = uuid.uuid4().hex[:12]
        self._keep(as_columns(unread(found, problem)), reading)
        kept = None if problem in CONTENT else problem
        self.finished.append(Entry(found.source_id, *_state(found), None, reading, problem=kept))

    def _note_companion(self, found: Found, reader: str, whole: str) -> None:
        """A source that is read with another one."""
        reading = uuid.uuid4().hex[:12]
        self._keep(as_columns(companion(found, reader, whole)), reading)
        self.finished.append(Entry(found.source_id, *_state(found), reader, reading, whole=whole))

    @cached_property
    def parts(self) -> Parts:
        """What is to be written. Made on first use: opening what has not changed needs no polars, slow to load."""
        from explorer.store.ingest.parts import Parts

        return Parts()

    def _keep(self, tables: Columns, reading: str) -> None:
        self.parts.keep(tables, reading)
        if self.parts.rows > MOST_PENDING_ROWS:
            self._write()

    def _write(self) -> None:
        """Write what is pending as a batch; readings that have ended count from then on."""
        self._flush()
        if "parts" in self.__dict__ and self.parts.unfit:
            self._give_up_unfit()
            self._flush()
        for entry in self.finished:
            self._forget(entry.source_id)
            self.manifest.entries[entry.source_id] = entry
        self.finished = []

    def _flush(self) -> None:
        try:
            written = self.parts.write(self.cache.directory) if "parts" in self.__dict__ else None
        except OSError as error:
            raise IngestError(
                f"cannot write what was read to {self.cache.directory}: {error.strerror or error}. "
                "Free some space, or name another directory with --cache-dir."
            ) from None
        if written:
            name, self.manifest.batches[name], self.manifest.readings[name] = written

    def _give_up_unfit(self) -> None:
        """A source with a value that no column holds is not shown, and says so."""
        self.dead.update(self.parts.unfit)
        unfit = [entry for entry in self.finished if entry.reading in self.parts.unfit]
        self.finished = [entry for entry in self.finished if entry not in unfit]
        for entry in unfit:
            reason = f"the {entry.reader} reader failed: {self.parts.unfit[entry.reading]}"
            self._note_unread(self.begun[entry.reading].found, reason)

    def _entries(self) -> list[Entry]:
        """The last reading of every source, written or not."""
        return list({**self.manifest.entries, **{entry.source_id: entry for entry in self.finished}}.values())

    def _forget(self, source_id: str) -> None:
        """A source's earlier reading no longer counts."""
        entry = self.manifest.entries.pop(source_id, None)
        if entry:
            self.dead.add(entry.reading)

    def _batches(self) -> list[Batch]:
        """What has been written and counts."""
        batches = []
        for name, readings in self.manifest.readings.items():
            live = frozenset(readings) - self.dead - self.replacing
            if live:
                tables = self.manifest.batches[name]
                batches.append(self.cache.batch(name, tables, None if len(live) == len(readings) else live))
        return batches

    def _opening(self, complete: bool) -> Opening:
        companions = {entry.source_id: entry.companions for entry in self._entries() if entry.companions}
        return Opening([*self._batches(), *self.bundles], self.roots, complete, tuple(self.paths), companions)

    def _show_if_due(self) -> None:
        passed = time.monotonic() - self.started
        if self.opened and passed >= self.next_shown:
            self.next_shown = 2 * passed
            self._write()
            self.opened(self._opening(complete=False))

    def _reread_unsettled(self, found: Sequence[Found]) -> None:
        """Read again what was read under assumptions about its corpus that the whole corpus does not bear out.

        A corpus is the files of one format in one directory: directories may come from different builders.
        """
        by_id = {each.source_id: each for each in found}
        corpora: dict[tuple[str, str], list[Entry]] = {}
        for entry in self._entries():
            if entry.votes and entry.reader:
                corpora.setdefault((entry.reader, posixpath.dirname(entry.source_id)), []).append(entry)
        facts_of: dict[str, tuple[str, dict[str, str]]] = {}
        for (name, _), entries in corpora.items():
            facts = settle(readers()[name], [vote for entry in entries for vote in entry.votes])
            wrong = [entry for entry in entries if entry.assumed and dict(entry.assumed) != facts]
            facts_of.update((entry.source_id, (name, facts)) for entry in wrong)

        def task_of(each: Found) -> Task:
            task = _task(each, *facts_of[each.source_id])
            self.replacing.add(task.reading)
            return task

        self._read([by_id[source_id] for source_id in facts_of], task_of)

    def _derive_shared(self) -> None:
        """Reuse in namespaces that several sources share, whenever one of these sources has changed."""
        contributors = sorted(entry.reading for entry in self._entries() if entry.shared)
        digest = blake2b("\0".join(contributors).encode(), digest_size=8).hexdigest()
        if contributors and self.manifest.shared and self.manifest.shared[1] == digest:
            return
        if self.manifest.shared:
            self.dead.add(self.manifest.shared[0])
            self.manifest.shared = None
        if contributors:
            from explorer.store.ingest.shared import shared_reuse

            self._write()
            reading = uuid.uuid4().hex[:12]
            try:
                rows = shared_reuse(self._batches())
            except OSError as error:
                raise IngestError(
                    f"cannot read back what was written to {self.cache.directory}: {error}. "
                    "Remove that directory, or open with --no-cache."
                ) from None
            while some := list(islice(rows, CHUNK_ROWS)):
                self._keep(as_columns(some), reading)
                self._stop_if_cancelled()
            self._write()
            self.manifest.shared = (reading, digest)

    def _merge(self) -> None:
        """Keep the number of parts small, and drop rows that no longer count when they are many."""
        live = self.manifest.live()
        written = sum(len(readings) for readings in self.manifest.readings.values())
        if len(self.manifest.batches) <= MOST_BATCHES and written <= 2 * len(live) + MOST_BATCHES:
            return
        from explorer.store.ingest.parts import merge_batches

        try:
            name, sizes = merge_batches(self.cache.directory, self._batches())
        except OSError as error:
            self.note = f"the cache could not be tidied ({error})"
            return
        self.manifest.batches, self.manifest.readings = {name: sizes}, {name: sorted(live)}

    def _stop_if_cancelled(self) -> None:
        if not self.cancelled.is_set():
            return
        self._write()
        try:
            self.cache.save(self.manifest)
        except OSError:
            raise Cancelled from None
        if self.opened and self.manifest.batches:
            self.opened(self._opening(complete=False))
        raise Cancelled


def _state(found: Found) -> tuple[int, int]:
    """Size and time of change, by which a source is known to be as it was."""
    return found.size or 0, found.mtime_ns or 0


def _task(found: Found, reader: str, facts: dict[str, str]) -> Task:
    return Task(uuid.uuid4().hex[:12], reader, str(found.path), found.source_id, facts)
