"""Cold ingest, warm start and memory, beside a single-threaded ``orjson.loads`` of the same files."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson

from explorer.store.database import Database
from explorer.store.ingest import Options, ingest
from tests.bench.measure import peak_memory, seconds, summary_process

LIMITS = {"small": 0.9, "large": 0.6}
WARM_SECONDS = 0.6
MEMORY_MIB = 400
LARGE_BYTES = 1_000_000_000
VIEWS = (
    "run_totals", "agent_totals", "conversation_totals", "run_reuse", "sibling_sharing", "spawn_tree", "findings",
)  # fmt: skip


def run(path, large, repeats):
    """Print the ratios for the files under ``path``, and for copies of them of over 1 GB if asked to."""
    # Loaded before the clock starts, as the baseline's library is.
    import explorer.store.ingest.parts
    import explorer.store.ingest.run  # noqa: F401

    _measure(Path(path), LIMITS["small"], repeats)
    if large:
        with tempfile.TemporaryDirectory(prefix="trace-explore-bench-") as directory:
            _measure(_copies(Path(path), Path(directory)), LIMITS["large"], repeats)


def _copies(path, directory):
    size = copies = 0
    while size <= LARGE_BYTES:
        shutil.copytree(path, directory / f"copy{copies:02d}")
        size += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        copies += 1
    return directory


def _measure(path, limit, repeats):
    files = [file for file in path.rglob("*.json*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    print(f"{len(files):,} files, {size / 1e6:,.1f} MB")
    for round_ in range(repeats):
        with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
            baseline = seconds(lambda: _parse(files))
            cold = seconds(lambda cache=cache: _open(path, Path(cache)).close())
            ratio = f"{cold / baseline:.2f} x (at most {limit})"
            print(f"  {round_ + 1}: orjson.loads {baseline:.3f} s, cold {cold:.3f} s = {ratio}")
    with tempfile.TemporaryDirectory(prefix="trace-explore-cache-") as cache:
        with peak_memory() as peak:
            database = _open(path, Path(cache))
            database.keep()
        database.close()
        print(f"  peak memory above the libraries: {peak.mebibytes_above:.0f} MiB (at most {MEMORY_MIB})")
        warm, spent = summary_process(path, cache)
        empty = seconds(lambda: subprocess.run([sys.executable, "-c", "import duckdb"], check=True), repeats=5)
        print(f"  warm --summary, whole process: {warm:.3f} s, CPU {spent:.3f} s (at most {WARM_SECONDS})")
        print(f"  import duckdb: {empty:.3f} s")


def _parse(files):
    """The baseline: every file parsed, nothing kept."""
    for file in files:
        orjson.loads(file.read_bytes())


def _open(path, cache):
    """From the call of ingest to the answer of the last view."""
    database = Database(ingest([path], Options(cache_dir=cache)))
    with database.cursor() as cursor:
        for view in VIEWS:
            cursor.execute(f"SELECT count(*) FROM {view}").fetchall()
    return database
