"""Worker processes: hand out tasks, collect chunks, survive a worker that dies."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from explorer.readers import Report
from explorer.store.ingest.worker import Chunk, Task, chunks

INLINE_BYTES = 2 << 20
"""Up to so many bytes in all, reading here is quicker than starting a process."""

AHEAD = 2
"""Tasks a worker is given at a time, so that it never waits for the next."""

_WAIT_SECONDS = 0.1
"""How often a cancel is looked for while nothing arrives."""


class _Worker:
    """One process, and the thread that takes its answers from the pipe."""

    def __init__(self, answers: queue.Queue[tuple[_Worker, Chunk | None]]) -> None:
        self.tasks: deque[Task] = deque()
        self.retired = False
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115 - what Python says when it ends; stop closes it
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from explorer.store.ingest.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            # One thread each: the processes are the parallelism. The path, so that the worker runs the same code.
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"},
        )
        self.thread = threading.Thread(target=self._listen, args=(answers,), daemon=True)
        self.thread.start()

    def _listen(self, answers: queue.Queue[tuple[_Worker, Chunk | None]]) -> None:
        assert self.process.stdout
        while not self.retired:
            try:
                chunk: Chunk | None = pickle.load(self.process.stdout)
            except Exception:  # the end of the pipe, or half of an answer: either way the worker is gone
                chunk = None
            answers.put((self, chunk))
            if chunk is None:
                return

    def give(self, task: Task) -> None:
        """Hand over a task; the pipe holds it until the one before is done."""
        self.tasks.append(task)
        assert self.process.stdin
        # One that has died is noticed by the listening thread, and the task is answered for there.
        with contextlib.suppress(OSError):
            pickle.dump(task, self.process.stdin)
            self.process.stdin.flush()

    def stop(self) -> None:
        self.retired = True
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.complaints):
            if pipe:
                with contextlib.suppress(OSError):  # a half-written task to a process that is gone
                    pipe.close()


class Pool:
    """Reads tasks in ``jobs`` processes, or here when ``jobs`` is 0."""

    def __init__(self, jobs: int, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled
        # Bounded, so that a slow writer holds the readers back instead of filling the memory.
        self._answers: queue.Queue[tuple[_Worker, Chunk | None]] = queue.Queue(maxsize=max(4, 2 * jobs))
        self._workers = [_Worker(self._answers) for _ in range(jobs)]

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.retired = True
        while not self._answers.empty():
            self._answers.get_nowait()
        for worker in self._workers:
            worker.stop()

    def read(self, tasks: Iterable[Task]) -> Iterator[Chunk]:
        """The chunks of every task, those of one task in order. Ends early when cancelled.

        Tasks are asked for as they can be handed out, so that finding the next ones overlaps with the reading.
        """
        if not self._workers:
            for task in tasks:
                for chunk in chunks(task):
                    if self._cancelled():
                        return
                    yield chunk
            return
        again: deque[Task] = deque()  # what a dead worker had not begun
        waiting = iter(tasks)
        while not self._cancelled():
            self._hand_out(again, waiting)
            if not any(worker.tasks for worker in self._workers):
                return
            try:
                worker, answer = self._answers.get(timeout=_WAIT_SECONDS)
            except queue.Empty:
                continue
            if answer and answer.report is not None:
                worker.tasks.popleft()
            if told := answer or self._replace(worker, again):
                yield told

    def _hand_out(self, again: deque[Task], waiting: Iterator[Task]) -> None:
        for _ in range(AHEAD):
            for worker in self._workers:
                if len(worker.tasks) < AHEAD and (task := again.popleft() if again else next(waiting, None)):
                    worker.give(task)

    def _replace(self, dead: _Worker, again: deque[Task]) -> Chunk | None:
        """Answer for the task a worker died of, if any, start another, and queue again what it had not begun."""
        code = dead.process.wait()
        dead.complaints.seek(0)
        said = dead.complaints.read().decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        dead.stop()
        self._workers[self._workers.index(dead)] = _Worker(self._answers)
        if not dead.tasks:
            return None
        culprit = dead.tasks.popleft()
        again.extend(dead.tasks)
        cause = f"signal {-code}" if code < 0 else said or f"exit code {code}"
        failure = f"the reading process ended ({cause}); the file may have changed while it was read, or memory ran out"
        return Chunk(culprit.reading, {}, 0, 0, Report(0), failure)
