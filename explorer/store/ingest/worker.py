"""Read sources and derive their reuse: a pure function from a source to columns, and the process that runs it.

The process reads pickled ``Task``s from its standard input and writes pickled ``Chunk``s to its standard output, and
shares nothing else. It imports the readers and no storage library, so that it starts at once.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeAlias, cast

from explorer.model import Agent, BlockRun, Conversation, Finding, Row, Run, Step
from explorer.readers import Report, Rows, SourceFile, reader_of
from explorer.reuse.calls import Call, Stretch, lineage_of
from explorer.reuse.derive import derive
from explorer.store.ingest.columnar import Columnar
from explorer.store.ingest.columnar import as_columns as as_columns
from explorer.store.ingest.task import CHUNK_ROWS, UNFINISHED, Chunk, Task

READY = "ready"
"""What a process says first, when it has everything it needs to serve tasks."""

_STEP = [field.name for field in fields(Step)]
_STEP_REPLAYED = _STEP.index("is_replay")
_STEP_KNOWN = [_STEP.index(name) for name in ("run_id", "ordinal", "start_ms", "input_tokens", "end_ms", "model")]
_Known: TypeAlias = tuple[str, int, int | None, int | None, int | None, str | None]
"""What of a step is asked for its reuse."""


def chunks(task: Task) -> Iterator[Chunk]:
    """Read one source. Never raises: what goes wrong is the last chunk's ``failure``."""
    pending = Columnar()
    report, failure = Report(0), None
    position = 0
    try:
        reader = reader_of(task.reader)
        parts = [(Path(path), source_id) for path, source_id in task.parts]
        source = SourceFile(Path(task.path), task.source_id, task.facts, task.share, parts, bool(task.growing))
        rows: Iterable[Row | Rows | Report] = _unfinished(reader.read(source), task)
        for row in with_reuse(rows) if reader.SELF_CONTAINED else rows:
            if isinstance(row, Report):
                report = row
                continue
            pending.add(row)
            if isinstance(row, Step):
                position = max(position, (row.offset or 0) + (row.length or 0))
            if pending.count >= CHUNK_ROWS:
                yield Chunk(task.reading, pending.columns(), position, pending.steps, None, None)
                pending = Columnar()
    except OSError as error:
        failure = error.strerror or str(error)
    except Exception as error:  # a reader's mistake costs this source, not the session
        failure = f"the {task.reader} reader failed: {type(error).__name__}: {error}"
    yield Chunk(task.reading, pending.columns(), position, pending.steps, report, failure)


def _unfinished(rows: Iterable[Row | Rows | Report], task: Task) -> Iterator[Row | Rows | Report]:
    """Of a source that is being written, a record without an end is no damage: the rest of it will come."""
    spared: Counter[str] = Counter()
    for row in rows:
        if isinstance(row, Finding) and row.code == "truncated-record" and row.source_id in task.growing:
            spared[row.source_id] += 1
            message = "the record at the end is being written; it is read once it is whole"
            yield replace(row, code=UNFINISHED, severity="info", message=message)
        elif isinstance(row, Report):
            of_parts = {source_id: bad - spared[source_id] for source_id, bad in row.bad_of_parts.items()}
            yield row._replace(bad_records=row.bad_records - spared[task.source_id], bad_of_parts=of_parts)
        else:
            yield row


class _Calls:
    """The calls of one conversation, while its rows go by."""

    def __init__(self) -> None:
        self.agents: list[Agent] = []
        self.runs: list[Run] = []
        self.sizes: tuple[str, int | None] = "", None
        """Namespace, and the tokens of a block."""
        self._prompts: list[tuple[_Known, list[Stretch]]] = []  # of steps with blocks
        self._many: list[Rows] = []  # of steps
        self._known: dict[tuple[object, object], _Known] = {}  # these, once there are blocks, if they count
        self._latest: Step | None = None
        self._prompt: list[Stretch] | None = None

    def add(self, row: Row | Rows) -> None:
        """The next row, or several of one table."""
        if isinstance(row, BlockRun):
            latest = self._latest
            if latest is not None and not latest.is_replay:
                if self._prompt is None:
                    self._prompt = []
                    known = (
                        latest.run_id, latest.ordinal, latest.start_ms, latest.input_tokens, latest.end_ms, latest.model
                    )  # fmt: skip
                    self._prompts.append((known, self._prompt))
                self._prompt.append((row.first_block, row.block_count))
            self.sizes = row.namespace, row.block_tokens
        elif isinstance(row, Step):
            self._latest, self._prompt = row, None
        elif isinstance(row, Rows):
            if row.table is Step:
                self._many.append(row)
            elif row.table is BlockRun:
                self._blocks(row)
        elif isinstance(row, Run):
            self.runs.append(row)
        elif isinstance(row, Agent):
            self.agents.append(row)

    def _blocks(self, rows: Rows) -> None:
        for each in self._many:
            steps = cast(Iterable[_Known], zip(*(each.columns[index] for index in _STEP_KNOWN), strict=True))
            replayed = each.columns[_STEP_REPLAYED]
            self._known.update((step[:2], step) for step, gone in zip(steps, replayed, strict=True) if not gone)
        self._many.clear()
        run_ids, ordinals, _, namespaces, firsts, counts, sizes = rows.columns
        self.sizes = cast(tuple[str, int | None], (namespaces[-1], sizes[-1]))
        key: tuple[object, object] | None = None
        prompt: list[Stretch] = []
        for run_id, ordinal, stretch in zip(run_ids, ordinals, zip(firsts, counts, strict=True), strict=True):
            if key != (run_id, ordinal):
                key, prompt = (run_id, ordinal), []
                if (known := self._known.get(key)) is not None:
                    self._prompts.append((known, prompt))
            prompt.append(stretch)  # type: ignore[arg-type]

    def calls(self) -> list[Call]:
        """Those with blocks, in the order of the record."""
        namespace, size = self.sizes
        return [
            Call(
                run, ordinal, start, tokens, size, namespace, stretches, sum([count for _, count in stretches]), end,
                model,
            )
            for (run, ordinal, start, tokens, end, model), stretches in self._prompts
        ]  # fmt: skip


def with_reuse(rows: Iterable[Row | Rows | Report]) -> Iterator[Row | Rows | Report]:
    """Pass rows on, and behind each conversation give the reuse of its blocks.

    A conversation whose namespace is shared with others is left to ``shared``, which sees all of them.
    """
    calls = _Calls()
    for row in rows:
        yield row
        if isinstance(row, Conversation):
            if calls.sizes[0] == row.conversation_id and row.block_scope != "global":
                scopes = {row.conversation_id: row.block_scope}
                yield from derive({row.conversation_id: calls.calls()}, scopes, lineage_of(calls.agents, calls.runs))
            calls = _Calls()
        elif not isinstance(row, Report):
            calls.add(row)


def main() -> None:
    """Serve tasks until the input ends. An interrupt is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(200_000)  # rows are many and hold no cycles: looking for some took a tenth of the time
    tasks, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that a library prints gets among the answers
    pickle.dump(READY, answers)
    answers.flush()
    while True:
        try:
            task: Task = pickle.load(tasks)
        except EOFError:
            return
        for chunk in chunks(task):
            pickle.dump(chunk, answers, protocol=pickle.HIGHEST_PROTOCOL)
            answers.flush()
        gc.collect(0)  # what was known of the source, which may hold itself, before the next one needs as much
