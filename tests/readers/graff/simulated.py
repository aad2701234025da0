"""Processes with known truth: the generator of the samples plays scripts at random, and what it knows is kept."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

from tests.readers.reading import SAMPLES, Reading, read


def _generator():
    spec = importlib.util.spec_from_file_location("graff_samples", SAMPLES / "generators" / "graff.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


generator = _generator()


class Known(generator.Process):
    """A process that notes whose each call is: ``main`` and the turn's number, or the start of the child."""

    def __post_init__(self):
        self.whose = ["main"]
        self.truth = {}
        super().__post_init__()

    def child(self, at, child):
        self.whose.append(at)
        end = super().child(at, child)
        self.whose.pop()
        return end

    def note(self, at, stream, record):
        if record.get("ev") in ("api", "tool"):
            whose = self.whose[-1]
            key = record["ev"], at, record["ms"], record.get("agent") or record["name"], len(self.truth)
            self.truth[key] = f"turn {len(self.turns)}" if whose == "main" else whose
        super().note(at, stream, record)


def played(seed, labels=("explore", "review"), full=False, ends=1.0):
    """A process whose children start together, staggered, in the background, under few labels; some never end."""
    rng = random.Random(seed)
    process = Known(f"{rng.getrandbits(64):016x}", seed % 1000, generator.START_MS, full=full)

    def child():
        model = rng.choice([generator.SMALL, generator.SMALL, generator.LARGE])
        tools = [rng.choice(["bash", "grep", "read_file", "edit_file!"]) for _ in range(rng.randrange(4))]
        script = [("wait", rng.randrange(2_000)), *generator.work(*tools, seed=rng.random())]
        return generator.Child(rng.choice(labels), script, model=model, ok=rng.random() < 0.9, ends=rng.random() < ends)

    for number in range(rng.randrange(1, 4)):
        script = generator.work("bash", seed=seed)
        for _ in range(rng.randrange(3)):
            if rng.random() < 0.3:
                slow = child()
                slow.script = [*slow.script, ("wait", 40_000), ("call", 2_000)]
                script += [("background", slow), ("call", 1_500)]
            else:
                script += [("spawn", [child() for _ in range(rng.randrange(1, 5))]), ("call", 1_500)]
        process.turn(f"task {number}", script)
    process.finish()
    return process


def written(process, directory: Path, streams=("trajectories", "behavior", "traces")) -> Path:
    """Write the files of a process; the first is its source."""
    for stream, records in process.streams().items():
        if stream in streams:
            path = directory / stream / f"{process.run_id}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(generator.lines(records))
    return directory / streams[0] / f"{process.run_id}.jsonl"


def owners(reading: Reading) -> dict[str, object]:
    """Run -> whose calls it should have, in the words of the truth."""
    turns = {run.run_id: f"turn {run.ordinal}" for run in reading.runs if run.parent_run_id is None}
    return turns | {run.run_id: run.start_ms for run in reading.runs if run.parent_run_id}


def reading_of(process, directory: Path, **kwargs) -> Reading:
    """What the reader makes of a process."""
    return read(written(process, directory, **kwargs), reader="graff")
