"""How sure it is whose each step is, over simulated siblings of which the truth is known."""

import tempfile
from collections import Counter
from itertools import product
from pathlib import Path

from explorer.readers import SourceFile, readers
from tests.readers.codegraff.judging import judge, reported, sums
from tests.readers.codegraff.simulator import fan_out
from tests.readers.reading import Reading

SIBLINGS = (2, 3, 5, 8)
STARTS = {"together": {}, "staggered": {"stagger": 700}, "nested": {"nested": True}}
CALL_IDS = ("provider", "anonymous", "repeated")
HEAD = "siblings  start      call ids   messages   steps   exact  derived  ambiguous  wrong exact     runs   totals"


def run(simulations):
    """Print a line for every case, and their sum."""
    print(f"{simulations} simulations of each case; of the steps of all runs, how sure it is whose they are")
    print()
    print(HEAD)
    total, cases = Counter(), 0
    with tempfile.TemporaryDirectory(prefix="trace-explore-bench-") as directory:
        for siblings, start in product(SIBLINGS, STARTS):
            for call_ids, messages in product(CALL_IDS, (True, False)):
                found = _case(Path(directory), siblings, start, call_ids, messages, simulations)
                _line(str(siblings), start, call_ids, "yes" if messages else "no", found, simulations)
                total += found
                cases += 1
    print("-" * len(HEAD))
    _line("all", "", "", "", total, cases * simulations)
    print()
    print("wrong exact: steps that are of another run than they are said to be for sure (must be 0)")
    print("runs, totals: simulations in which the number of runs, and the sums of each, are right (must be all)")


def _case(directory, siblings, start, call_ids, messages, simulations):
    found = Counter()
    for seed in range(simulations):
        simulation = fan_out(seed, siblings, call_ids=call_ids, **STARTS[start])
        path = simulation.write(directory / f"{siblings}-{start}-{call_ids}-{messages}-{seed}.db", contexts=messages)
        reading = _read(path)
        path.unlink()
        verdict = judge(simulation, messages)
        found += Counter(step.grade for step in reading.steps)
        found["wrong"] += verdict.wrong["exact"]
        found["runs"] += verdict.runs_right and len(reading.runs) == len(simulation.runs)
        found["totals"] += verdict.ends_right and reported(reading) == sums(simulation)
    return found


def _read(path):
    return Reading(list(readers()["codegraff"].read(SourceFile(path, "bench"))))


def _line(siblings, start, call_ids, messages, found, simulations):
    steps = sum(found[grade] for grade in ("exact", "derived", "ambiguous"))
    shares = [f"{found[grade] / steps:.0%}" for grade in ("exact", "derived", "ambiguous")]
    print(
        f"{siblings:>8}  {start:<9}  {call_ids:<9}  {messages:<8}  {steps:>6,}  {shares[0]:>6}  {shares[1]:>7}  "
        f"{shares[2]:>9}  {found['wrong']:>11}  {found['runs']:>3}/{simulations:<3}  {found['totals']:>3}/{simulations}"
    )
