"""First frame beside an empty Textual app; keys in a tree and a timeline of 100,000 runs, a grid of 1,000,000 steps."""

import statistics
import sys
import tempfile
from pathlib import Path

import polars as pl

from explorer.model import ALL_TABLES, columns
from explorer.store.database import SOURCE_COLUMN
from tests.bench.terminal import Terminal

RUNS, STEPS = 100_000, 1_000_000
FIRST_FRAME_RATIO = 1.5
KEY_SECONDS = 0.05

PAGE_DOWN, PAGE_UP = b"\x1b[6~", b"\x1b[5~"

_EMPTY = "from textual.app import App; App().run()"
_LARGE = """
import sys
from pathlib import Path
from explorer.store.database import Batch, Opening
from explorer.store.ingest import Options
from explorer.tui.app import ExplorerApp
parts = {path.stem: path for path in Path(sys.argv[1]).iterdir()}
def read(*_, **__): return Opening([Batch(parts, None)], {})
ExplorerApp([Path(sys.argv[1])], Options(), read=read).run()
"""


def run(path, repeats):
    """Print the ratio of the first frames, and the 95th percentile of key to paint."""
    explorer = [sys.executable, "-m", "explorer", str(path)]
    firsts = {"empty": [], "explorer": []}
    for _ in range(repeats):
        for name, command in (("empty", [sys.executable, "-c", _EMPTY]), ("explorer", explorer)):
            with Terminal(command) as terminal:
                firsts[name].append(terminal.first_paint())
    empty, ours = (statistics.median(firsts[name]) for name in ("empty", "explorer"))
    ratio = f"{ours / empty:.2f} x (at most {FIRST_FRAME_RATIO})"
    print(f"first frame: empty app {empty:.3f} s, explorer {ours:.3f} s = {ratio}")
    with tempfile.TemporaryDirectory(prefix="trace-explore-bench-") as directory:
        _world(Path(directory))
        with Terminal([sys.executable, "-c", _LARGE, directory]) as terminal:
            terminal.read_until(b"large")
            terminal.settle(2)
            terminal.key_to_paint(b"l")  # opens the conversation; its children come in pages
            terminal.settle(2)
            _report(f"tree of {RUNS:,} runs", terminal, [b"j"], repeats * 20)
            _report("the same, a page at a time", terminal, [PAGE_DOWN, PAGE_UP], repeats * 10)
            for key in (b"g", b"2", b"\t"):  # the first line, its steps, into the grid
                terminal.key_to_paint(key)
                terminal.settle(3)
            _report(f"grid of {STEPS:,} steps", terminal, [b"j"], repeats * 20)
            _report("the same, a page at a time", terminal, [PAGE_DOWN, PAGE_DOWN, PAGE_UP], repeats * 10)
            for key in (b"t", b" "):  # the timeline, and the runs below the first opened
                terminal.key_to_paint(key)
                terminal.settle(3)
            _report(f"timeline of {RUNS:,} runs", terminal, [b"j", b"l"], repeats * 20)
            _report("the same, zooming and panning", terminal, [b"+", b"L", b"H", b"-"], repeats * 10)


def _report(name, terminal, keys, count):
    times = sorted(terminal.key_to_paint(keys[index % len(keys)]) for index in range(count))
    median, p95 = statistics.median(times), times[int(len(times) * 0.95)]
    limit = f"at most {KEY_SECONDS * 1e3:.0f}"
    print(f"{name}: key to paint, median {median * 1e3:.0f} ms, 95 of 100 in {p95 * 1e3:.0f} ms ({limit})")


def _world(directory):
    """One conversation: a main run with a tenth of the steps, and 99,999 sub-agents that share the rest."""
    run = pl.DataFrame({"n": range(RUNS)}).with_columns(
        agent_id=pl.format("c/a{}", "n"), run_id=pl.format("c/a{}/1", "n")
    )
    step = pl.DataFrame({"n": range(STEPS)}).with_columns(
        run=pl.when(pl.col("n") < STEPS // 10).then(0).otherwise(pl.col("n") % RUNS)
    )
    main = pl.when(pl.col("n") == 0)
    _write(
        directory, "sources", pl.DataFrame({"source_id": ["s"], "path": ["s"], "format": ["bench"], "status": ["read"]})
    )
    _write(
        directory,
        "conversations",
        pl.DataFrame(
            {
                "conversation_id": ["c"],
                "source_id": ["s"],
                "format": ["bench"],
                "title": ["large"],
                "tool_calls_recorded": [False],
            }
        ),
    )
    _write(
        directory,
        "agents",
        run.select(
            "agent_id",
            conversation_id=pl.lit("c"),
            parent_agent_id=main.then(None).otherwise(pl.lit("c/a0")),
            name=main.then(pl.lit("main")).otherwise(pl.lit("Explore")),
            label=pl.format("agent_{}", "n"),
            parent_grade=pl.lit("exact"),
        ),
    )
    _write(
        directory,
        "runs",
        run.select(
            "run_id",
            "agent_id",
            conversation_id=pl.lit("c"),
            parent_run_id=main.then(None).otherwise(pl.lit("c/a0/1")),
            ordinal=pl.lit(1),
            status=pl.lit("completed"),
            start_ms="n",
            end_ms=pl.col("n") + 500,
            time_grade=pl.lit("exact"),
            model=pl.lit("model"),
            grade=pl.lit("exact"),
        ),
    )
    _write(
        directory,
        "steps",
        step.select(
            run_id=pl.format("c/a{}/1", "run"),
            ordinal=pl.col("n").cum_count().over("run"),
            start_ms="n",
            end_ms=pl.col("n") + 400,
            model=pl.lit("model"),
            input_tokens=pl.col("n") % 100_000,
            output_tokens=pl.col("n") % 1_000,
            tokens_grade=pl.lit("exact"),
            is_replay=pl.lit(False),
            grade=pl.lit("exact"),
            source_id=pl.lit("s"),
        ),
    )
    _write(
        directory,
        "step_reuse",
        step.select(
            run_id=pl.format("c/a{}/1", "run"),
            ordinal=pl.col("n").cum_count().over("run"),
            blocks=pl.col("n") % 1_000 + 1,
            hit_own=pl.col("n") % 500,
            hit_ancestor=pl.lit(0),
            hit_sibling=pl.lit(0),
            hit_other=pl.lit(0),
            fresh_blocks=pl.lit(1),
            hit_own_tokens=pl.lit(0),
            hit_ancestor_tokens=pl.lit(0),
            hit_sibling_tokens=pl.lit(0),
            hit_other_tokens=pl.lit(0),
        ),
    )


_TYPES = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "UBIGINT": pl.UInt64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean}


def _write(directory, table, frame):
    """A part with every column of its table; those not given are NULL."""
    kinds = {c.name: _TYPES.get(c.type, pl.Datetime("us")) for c in columns(ALL_TABLES[table])}
    given = [pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in kinds]
    whole = frame.select(given).cast(kinds).with_columns(pl.lit("r").alias(SOURCE_COLUMN))
    whole.write_parquet(directory / f"{table}.parquet")
