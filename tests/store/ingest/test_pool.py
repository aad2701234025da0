"""Worker processes: whatever becomes of them, every task is answered for, and none of them stays."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from explorer.store.ingest import Progress
from explorer.store.ingest.pool import AHEAD, Pool
from explorer.store.ingest.worker import CHUNK_ROWS, Chunk, Task
from tests.store.ingest.conftest import HERE, Reading
from tests.store.ingest.traces import messages, of, plain, repeated, rows, sources, write

pytestmark = pytest.mark.usefixtures("scripted")

jobs_ = pytest.mark.parametrize("jobs", [1, 3])


@pytest.fixture
def script(traces: Path) -> Callable[..., Task]:
    """Writes a source that does what its lines say, and gives the task of reading it."""
    numbers = itertools.count(1)

    def make(*lines: str) -> Task:
        name = f"s{next(numbers):02}.scripted"
        (traces / name).write_text("\n".join(lines))
        return Task(name, "scripted", str(traces / name), name, {})

    return make


def never() -> bool:
    return False


def after(count: int) -> Callable[[], bool]:
    """Cancelled when it is asked for the time after ``count``."""
    asked = itertools.count()
    return lambda: next(asked) >= count


def outcomes(chunks: Iterator[Chunk]) -> dict[str, str]:
    """How many steps of each task came, and why not all."""
    steps: dict[str, int] = {}
    ends: dict[str, str] = {}
    for chunk in chunks:
        assert chunk.reading not in ends, "rows behind the end of a source"
        ordinals = chunk.columns["steps"][1] if "steps" in chunk.columns else ()
        done = steps.get(chunk.reading, 0)
        assert list(ordinals) == list(range(done + 1, done + len(ordinals) + 1)), "rows out of order"
        steps[chunk.reading] = done + len(ordinals)
        if chunk.report is not None:
            ends[chunk.reading] = f"{steps[chunk.reading]} {chunk.failure or 'read'}"
    return ends


LOST = "the reading process ended ({}); the file may have changed while it was read, or memory ran out"


@pytest.mark.parametrize("jobs", [0, 1, 3])
def test_every_task_is_read_to_its_end_and_in_order(script: Callable[..., Task], jobs: int) -> None:
    tasks = [script(f"steps {count}") for count in (1, CHUNK_ROWS + 7, 0, 3 * CHUNK_ROWS, 5, 6, 7)]
    with Pool(jobs, never) as pool:
        ends = outcomes(pool.read(tasks))
    assert ends == {
        task.reading: f"{count} read"
        for task, count in zip(tasks, (1, CHUNK_ROWS + 7, 0, 3 * CHUNK_ROWS, 5, 6, 7), strict=True)
    }


@pytest.mark.parametrize("jobs", [0, 1])
def test_what_a_reader_raises_costs_its_source_only(script: Callable[..., Task], jobs: int) -> None:
    tasks = [script("steps 2", "raise oops"), script("steps 3"), script("steps 1", "refuse no entry")]
    with Pool(jobs, never) as pool:
        assert outcomes(pool.read(tasks)) == {
            "s01.scripted": "2 the scripted reader failed: ValueError: oops",
            "s02.scripted": "3 read",
            "s03.scripted": "1 no entry",
        }


@jobs_
def test_a_worker_that_dies_costs_the_task_it_died_of_only(script: Callable[..., Task], jobs: int) -> None:
    tasks = [script("steps 3"), script("die"), *(script(f"steps {count}") for count in range(1, 8))]
    with Pool(jobs, never) as pool:
        ends = outcomes(pool.read(tasks))
    assert ends.pop("s02.scripted") == "0 " + LOST.format("signal 9")
    assert ends == {task.reading: f"{count} read" for task, count in zip(tasks[2:], range(1, 8), strict=True)} | {
        "s01.scripted": "3 read"
    }


@jobs_
def test_workers_that_die_of_every_task_answer_for_every_task(script: Callable[..., Task], jobs: int) -> None:
    tasks = [script("exit 7") for _ in range(4)]
    with Pool(jobs, never) as pool:
        assert outcomes(pool.read(tasks)) == {task.reading: "0 " + LOST.format("exit code 7") for task in tasks}


def test_what_came_before_a_worker_died_is_kept(script: Callable[..., Task]) -> None:
    with Pool(1, never) as pool:
        ends = outcomes(pool.read([script(f"steps {CHUNK_ROWS + 5}", "die"), script("steps 1")]))
    assert ends == {"s01.scripted": f"{CHUNK_ROWS} " + LOST.format("signal 9"), "s02.scripted": "1 read"}


def test_a_worker_that_dies_with_nothing_to_do_costs_nothing(script: Callable[..., Task], tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Pool(2, never) as pool:
        chunks = pool.read([script(f"wait {fifo}", "steps 5"), script("steps 1")])
        assert next(chunks).reading == "s02.scripted"
        (idle,) = [worker for worker in pool._workers if not worker.tasks]
        idle.process.kill()
        idle.thread.join()
        fifo.write_text("go on")
        assert outcomes(chunks) == {"s01.scripted": "5 read"}


def test_a_worker_that_is_killed_while_it_is_given_tasks_costs_at_most_one(script: Callable[..., Task]) -> None:
    """Killed whenever something arrives, it has answered for any part of what it was given."""
    tasks = [script(f"steps {count}") for count in range(1, 25)]
    killed = set()
    with Pool(2, never) as pool:

        def killing() -> Iterator[Chunk]:
            for chunk in pool.read(tasks):
                for worker in pool._workers[:1]:
                    if len(killed) < 6 and worker.process.pid not in killed:
                        killed.add(worker.process.pid)
                        worker.process.kill()
                yield chunk

        ends = outcomes(killing())
    assert ends.keys() == {task.reading for task in tasks}
    assert len([end for end in ends.values() if not end.endswith("read")]) <= len(killed)


def test_what_a_library_prints_does_not_get_among_the_answers(script: Callable[..., Task]) -> None:
    with Pool(1, never) as pool:
        ends = outcomes(pool.read([script("print \x80\x04garbage", "steps 2"), script("steps 3")]))
    assert ends == {"s01.scripted": "2 read", "s02.scripted": "3 read"}


@pytest.mark.parametrize("executable", ["/nonexistent", "/bin/false", "/bin/cat"])
def test_where_no_worker_can_be_started_everything_is_read_here(
    script: Callable[..., Task], monkeypatch: pytest.MonkeyPatch, executable: str
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    with Pool(2, never) as pool:
        ends = outcomes(pool.read([script(f"steps {count}") for count in range(5)]))
    assert sorted(ends.values()) == [f"{count} read" for count in range(5)]


def test_where_some_workers_can_be_started_they_do_all_the_work(
    script: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    popen, started = subprocess.Popen, itertools.count()

    def scarce(*args: object, **kwargs: object) -> object:
        if next(started):
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return popen(*args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", scarce)
    tasks = [script("steps 1"), script("die"), script("steps 2"), script("steps 3")]
    with Pool(3, never) as pool:
        assert len(pool._workers) == 1
        ends = outcomes(pool.read(tasks))
    assert [ends[task.reading].split()[0] for task in tasks] == ["1", "0", "2", "3"]


def test_a_worker_runs_nothing_that_lies_beside_the_traces(
    script: Callable[..., Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "trap"
    for name in ("explorer/__init__.py", "orjson.py", "pickle.py", "random.py"):
        (trap / name).parent.mkdir(parents=True, exist_ok=True)
        (trap / name).write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')")
    monkeypatch.chdir(trap)
    with Pool(1, never) as pool:
        assert outcomes(pool.read([script("steps 1")])) == {"s01.scripted": "1 read"}
    assert not (tmp_path / "sprung").exists()


class Stop(Exception):
    """What goes wrong where the chunks are used."""


@jobs_
@pytest.mark.parametrize("chunks_taken", [0, 4])
def test_leaving_while_workers_are_in_the_middle_of_an_answer_stops_them(
    script: Callable[..., Task], jobs: int, chunks_taken: int
) -> None:
    """The queue and the pipes are full by then: nobody takes the rest."""
    tasks = [script("steps 100000") for _ in range(jobs * AHEAD + 1)]
    with pytest.raises(Stop), Pool(jobs, never) as pool:
        for _ in itertools.islice(pool.read(tasks), chunks_taken):
            pass
        raise Stop


@jobs_
def test_an_interrupt_while_waiting_for_an_answer_stops_the_workers(
    script: Callable[..., Task], tmp_path: Path, jobs: int
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    asked = itertools.count()

    def interrupt() -> bool:
        if next(asked) == 2:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt), Pool(jobs, interrupt) as pool:
        list(pool.read([script(f"wait {fifo}") for _ in range(jobs)]))


@jobs_
def test_a_cancel_is_heard_while_nothing_arrives(script: Callable[..., Task], tmp_path: Path, jobs: int) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Pool(jobs, after(3)) as pool:
        assert list(pool.read([script(f"wait {fifo}") for _ in range(2 * jobs)])) == []


@pytest.mark.parametrize("jobs", [0, 2])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_cancel_ends_the_reading_early(script: Callable[..., Task], jobs: int, count: int) -> None:
    tasks = [script("steps 60000") for _ in range(4)]
    with Pool(jobs, after(count)) as pool:
        chunks = list(pool.read(tasks))
    assert len(chunks) <= count
    assert not any(chunk.report for chunk in chunks)


def test_tasks_are_asked_for_as_they_can_be_handed_out(script: Callable[..., Task]) -> None:
    asked = []

    def tasks() -> Iterator[Task]:
        for number in range(12):
            asked.append(number)
            yield script("steps 20000")

    with Pool(2, never) as pool:
        next(pool.read(tasks()))
        assert len(asked) <= 2 * AHEAD + 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_task_that_no_pipe_holds_waits_until_a_worker_is_free(script: Callable[..., Task], jobs: int) -> None:
    large = [script(f"steps {count}")._replace(facts={"long": "x" * 1_000_000}) for count in (1, 2, 3)]
    tasks = [script("steps 20000"), *large, script("steps 4")]
    with Pool(jobs, never) as pool:
        ends = outcomes(pool.read(tasks))
    assert ends == {task.reading: f"{count} read" for task, count in zip(tasks, (20_000, 1, 2, 3, 4), strict=True)}


def test_workers_wait_while_nobody_takes_their_answers(script: Callable[..., Task]) -> None:
    """What they have read is not collected in memory."""
    with Pool(2, never) as pool:
        chunks = pool.read([script("steps 100000") for _ in range(2)])
        next(chunks)
        while not pool._answers.full():
            os.sched_yield()
        assert pool._answers.qsize() <= 4


def test_what_is_wrong_with_finding_tasks_is_told_and_leaves_no_worker(script: Callable[..., Task]) -> None:
    def tasks() -> Iterator[Task]:
        yield script("steps 50000")
        raise Stop

    with pytest.raises(Stop), Pool(2, never) as pool:
        list(pool.read(tasks()))


def test_workers_end_when_the_process_that_reads_their_answers_is_killed(script: Callable[..., Task]) -> None:
    task = script("steps 10000000")
    program = (
        "import os, sys; from explorer.store.ingest.pool import *; from explorer.store.ingest.worker import Task\n"
        "with Pool(2, lambda: False) as pool:\n"
        f"    next(pool.read([Task(*each) for each in {[tuple(task)] * 2}]))\n"
        "    print(*(worker.process.pid for worker in pool._workers), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    known = f"import explorer.readers as r; r.__path__.append({str(HERE / 'readers')!r})\n"
    parent = subprocess.Popen(
        [sys.executable, "-c", known + program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with parent:
        assert parent.stdout
        workers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.kill()
    assert psutil.wait_procs(workers, timeout=60)[1] == []


def test_an_interrupt_of_the_terminal_is_left_to_the_parent(script: Callable[..., Task], tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Pool(1, never) as pool:
        chunks = pool.read([script("steps 1"), script(f"wait {fifo}", "steps 2")])
        assert next(chunks).records == {"s01.scripted": 1}
        pool._workers[0].process.send_signal(signal.SIGINT)
        fifo.write_text("go on")
        assert [chunk.records for chunk in chunks] == [{"s02.scripted": 2}]


def test_a_source_whose_worker_died_is_told_of_and_all_others_are_read(
    traces: Path, reading: Reading, script: Callable[..., Task]
) -> None:
    script("steps 3", "die"), script("steps 2"), script(f"steps {CHUNK_ROWS + 1}", "exit 3")
    write(traces / "a.json", plain())
    for _ in range(2):
        opening = reading(jobs=2)
        assert sources(opening) == {
            "a.json": "read",
            "s01.scripted": "failed",
            "s02.scripted": "read",
            "s03.scripted": "partial",
        }
        assert messages(opening) == {
            "s01.scripted": LOST.format("signal 9"),
            "s03.scripted": LOST.format("exit code 3"),
        }
        found = rows(opening)
        assert of(found, "findings", "code", "severity", "source_id") == [
            ("unreadable-source", "error", "s01.scripted"),
            ("unreadable-source", "error", "s03.scripted"),
        ]
        assert not repeated(found)


def test_workers_may_be_killed_at_any_time_during_an_ingest(traces: Path, reading: Reading) -> None:
    for number in range(12):
        write(traces / f"{number:02}.json", plain(number, steps=30))
    expected = rows(reading())
    killed: set[int] = set()

    def kill(progress: Progress) -> None:
        for child in psutil.Process().children():
            if len(killed) < 4 and child.pid not in killed and progress.phase == "reading":
                killed.add(child.pid)
                child.kill()

    again = rows(reading(jobs=2, use_cache=False, progress=kill))
    assert killed
    lost = {source_id for source_id, status in of(again, "sources", "source_id", "status") if status == "failed"}
    assert len(lost) <= len(killed)
    assert {key for key in of(expected, "steps", "source_id", "run_id", "ordinal") if key[0] not in lost} == {
        *of(again, "steps", "source_id", "run_id", "ordinal")
    }


def test_no_more_processes_are_started_than_there_are_sources(traces: Path, reading: Reading) -> None:
    write(traces / "a.json", plain(1))
    write(traces / "b.json", plain(2))
    children: set[int] = set()
    reading(jobs=9, progress=lambda _: children.update(child.pid for child in psutil.Process().children()))
    assert len(children) == 2


def test_what_goes_wrong_where_progress_is_shown_leaves_no_worker(
    reading: Reading, script: Callable[..., Task]
) -> None:
    for _ in range(4):
        script("steps 60000")

    def fail(progress: Progress) -> None:
        if progress.bytes_done:
            raise Stop

    with pytest.raises(Stop):
        reading(jobs=2, progress=fail)
    assert not reading.leftovers()
