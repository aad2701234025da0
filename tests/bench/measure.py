"""Time, and the memory of a whole process tree."""

import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

import psutil

SAMPLE_SECONDS = 0.02


def seconds(work, repeats=1):
    """Median wall time of ``work()``."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


@dataclass
class Cost:
    """What work took, in seconds."""

    wall: float
    own: float
    """Of CPU in this process, all threads."""
    below: float
    """Of CPU in the processes that it started and that have ended."""

    @property
    def cpu(self):
        """Of CPU in all: on a machine that others use as well it says more than the wall time."""
        return self.own + self.below


def cost(work):
    """Wall and CPU time of ``work()``."""
    begin, before = time.perf_counter(), [_cpu(who) for who in _WHO]
    work()
    wall = time.perf_counter() - begin
    return Cost(wall, *(_cpu(who) - earlier for who, earlier in zip(_WHO, before, strict=True)))


def summary_process(path, cache, repeats=5):
    """Median wall and CPU time of ``--summary`` as a process of its own, with modules compiled as when installed."""
    command = [sys.executable, "-m", "explorer", str(path), "--summary", "--format", "csv", "--cache-dir", str(cache)]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory(prefix="trace-explore-compiled-") as compiled:
        environment = kept | {"PYTHONPYCACHEPREFIX": compiled}

        def run():
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)

        run()  # compiles
        costs = [cost(run) for _ in range(repeats)]
    return statistics.median(each.wall for each in costs), statistics.median(each.below for each in costs)


_WHO = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN


def _cpu(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


@dataclass
class Peak:
    """Memory of this process and all below it, in bytes, sampled."""

    before: int = 0
    highest: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def mebibytes_above(self):
        """How far the highest sample lies above the first."""
        return (self.highest - self.before) / 2**20


@contextlib.contextmanager
def peak_memory():
    """Watch the memory while the block runs. Shared pages are divided among those who share them (PSS)."""
    me = psutil.Process()
    peak = Peak(before=_tree(me))

    def watch():
        while not peak.stopped.wait(SAMPLE_SECONDS):
            peak.highest = max(peak.highest, _tree(me))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        peak.stopped.set()
        thread.join()
        peak.highest = max(peak.highest, _tree(me))


def _tree(process):
    total = 0
    for each in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            info = each.memory_full_info()
            total += getattr(info, "pss", 0) or info.uss
    return total
