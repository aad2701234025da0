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
from explorer.store.ingest.task import Chunk, Task
from explorer.store.ingest.worker import READY, chunks

INLINE_BYTES = 2 << 20
"""Up to so many bytes in all, reading here is quicker than starting a process."""

AHEAD = 2
"""Tasks a worker is given at a time, so that it never waits for the next."""

_HELD_BYTES = 4096
"""Every pipe holds so much of what nobody has read yet. With more, handing over waits for the worker, and where that
waits for its answers to be taken, both would wait for ever."""

_WAIT_SECONDS = 0.1
"""How often a cancel is looked for while nothing arrives."""

_LEAVE_SECONDS = 5.0
"""How long a process is waited for that has ended, or was told to: one that hangs in the kernel, on a network drive
that is gone, is left behind."""


class _Worker:
    """One process, and the thread that takes its answers from the pipe.

    Raises:
        OSError: there are no more processes or files to be had.
        RuntimeError: there are no more threads to be had.
    """

    def __init__(self, answers: queue.Queue[tuple[_Worker, Chunk | None]]) -> None:
        self.tasks: deque[Task] = deque()
        self.ready = False
        """Whether it serves tasks; one that ends before that is not to blame on a task."""
        self.retired = False
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115 - what Python says when it ends; stop closes it
        # The path, so that the worker runs the same code; and -P, so that it never runs what lies beside the traces.
        path = os.pathsep.join(each or os.getcwd() for each in sys.path)  # noqa: PTH109
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from explorer.store.ingest.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            # One thread each: the processes are the parallelism.
            env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        )
        self.thread = threading.Thread(target=self._listen, args=(answers,), daemon=True)
        try:
            self.thread.start()
        except RuntimeError:
            self.stop()
            raise

    def _listen(self, answers: queue.Queue[tuple[_Worker, Chunk | None]]) -> None:
        assert self.process.stdout
        try:
            self.ready = pickle.load(self.process.stdout) == READY
            while not self.retired:
                answers.put((self, pickle.load(self.process.stdout)))
        except Exception:  # the end of the pipe, or half of an answer: either way the worker is gone
            answers.put((self, None))

    def give(self, task: Task) -> bool:
        """Hand over a task, which the pipe holds until the one before is done; whether it took it."""
        message = pickle.dumps(task)
        if self.tasks and len(message) > _HELD_BYTES:
            return False
        self.tasks.append(task)
        assert self.process.stdin
        # One that has died is noticed by the listening thread, and the task is answered for there.
        with contextlib.suppress(OSError):
            self.process.stdin.write(message)
            self.process.stdin.flush()
        return True

    def cause(self) -> str:
        """Why it no longer answers."""
        try:
            code = self.process.wait(_LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            return "its answers could not be understood"
        self.complaints.seek(0)
        said = self.complaints.read().decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
        return f"signal {-code}" if code < 0 else said or f"exit code {code}"

    def stop(self) -> None:
        self.retired = True
        self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_LEAVE_SECONDS)
        if self.thread.is_alive():
            self.thread.join(_LEAVE_SECONDS)
        if self.thread.is_alive():
            return  # closing the pipe would wait for it
        for pipe in (self.process.stdin, self.process.stdout, self.complaints):
            if pipe:
                with contextlib.suppress(OSError):  # a half-written task to a process that is gone
                    pipe.close()


class Pool:
    """Reads tasks in ``jobs`` processes; here when ``jobs`` is 0, or when no process can be had."""

    def __init__(self, jobs: int, cancelled: Callable[[], bool]) -> None:
        self.cancelled = cancelled
        # Bounded, so that a slow writer holds the readers back instead of filling the memory; with room for what every
        # listening thread still has in hand when the pool is left.
        self._answers: queue.Queue[tuple[_Worker, Chunk | None]] = queue.Queue(maxsize=max(4, 2 * jobs))
        self._workers: list[_Worker] = []
        for _ in range(jobs):
            self._start()

    def _start(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # those that run do the work of this one too
            self._workers.append(_Worker(self._answers))

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_whole(self) -> bool:
        """Whether no process has ended."""
        return all(worker.process.poll() is None for worker in self._workers)

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.retired = True
            worker.process.kill()
        with contextlib.suppress(queue.Empty):
            while True:
                self._answers.get_nowait()
        for worker in self._workers:
            worker.stop()

    def read(self, tasks: Iterable[Task]) -> Iterator[Chunk]:
        """The chunks of every task, those of one task in order. Ends early when cancelled.

        Tasks are asked for as they can be handed out, so that finding the next ones overlaps with the reading.
        """
        again: deque[Task] = deque()  # what a dead worker had not begun, or a busy one did not take
        waiting = iter(tasks)

        def next_task() -> Task | None:
            return again.popleft() if again else next(waiting, None)

        while self._workers and not self.cancelled():
            self._hand_out(next_task, again)
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
        while not self.cancelled() and (task := next_task()):
            for chunk in chunks(task):
                if self.cancelled():
                    return
                yield chunk

    def _hand_out(self, next_task: Callable[[], Task | None], again: deque[Task]) -> None:
        for _ in range(AHEAD):
            for worker in self._workers:
                if len(worker.tasks) < AHEAD and (task := next_task()) and not worker.give(task):
                    again.appendleft(task)

    def _replace(self, dead: _Worker, again: deque[Task]) -> Chunk | None:
        """Answer for the task a worker died of, if any, start another, and queue again what it had not begun."""
        cause = dead.cause()
        dead.stop()
        self._workers.remove(dead)
        if not dead.ready:
            again.extend(dead.tasks)
            return None
        if not dead.tasks:
            return None
        self._start()
        culprit = dead.tasks.popleft()
        again.extend(dead.tasks)
        failure = f"the reading process ended ({cause}); the file may have changed while it was read, or memory ran out"
        return Chunk(culprit.reading, {}, 0, {}, Report(0), failure)
