"""``python -m tests.bench NAME …``: figures for people, never asserted."""

import os
import tempfile
from pathlib import Path

import click


@click.group()
def bench():
    """Measure against a named baseline in the same run."""


@bench.command()
@click.argument("path", type=click.Path(exists=True))
@click.option("--large", is_flag=True, help="Also on copies of the files, over 1 GB.")
@click.option("--repeats", default=5, show_default=True)
def ingest(path, large, repeats):
    """Cold ingest, warm start, peak memory."""
    from tests.bench.ingest import run

    run(path, large, repeats)


@bench.command()
@click.argument("path", type=click.Path(exists=True), default="sample_traces")
@click.option("--repeats", default=5, show_default=True)
def screens(path, repeats):
    """First frame, and keys in a large tree and a large grid, in a pseudo-terminal."""
    from tests.bench.screens import run

    run(path, repeats)


@bench.command()
@click.option("--simulations", default=10, show_default=True, help="Of each case.")
def attribution(simulations):
    """How sure it is whose each step is, and that it is never wrong, over simulated siblings."""
    from tests.bench.attribution import run

    run(simulations)


@bench.command()
@click.option("--megabytes", default=1_000, show_default=True)
@click.option("--files", default=5_000, show_default=True)
@click.option("--repeats", default=3, show_default=True)
def claude(megabytes, files, repeats):
    """Cold ingest of a large ~/.claude/projects, warm start, and peak memory."""
    from tests.bench.claude import run

    run(megabytes, files, repeats)


@bench.command()
@click.option("--events", default=1_000_000, show_default=True)
@click.option("--repeats", default=3, show_default=True)
def codegraff(events, repeats):
    """Cold ingest of a large database of events, and peak memory."""
    from tests.bench.codegraff import run

    run(events, repeats)


@bench.command()
@click.option("--events", default=1_000_000, show_default=True)
@click.option("--repeats", default=3, show_default=True)
def maverick(events, repeats):
    """Cold ingest of a large home with and without an audit log, and peak memory."""
    from tests.bench.maverick import run

    run(events, repeats)


@bench.command()
@click.option("--megabytes", default=1_000, show_default=True)
@click.option("--repeats", default=3, show_default=True)
def codex(megabytes, repeats):
    """A large session rollout: time beside a plain pass over its lines, and peak memory."""
    from tests.bench.codex import run

    run(megabytes, repeats)


@bench.command()
@click.argument("path", type=click.Path(exists=True), default="../shared/traces/weka")
@click.option("--references", default=100_000_000, show_default=True, help="To blocks, of invented prompts.")
@click.option("--samples", default=6, show_default=True, help="Conversations that are compared with brute force.")
def reuse(path, references, samples):
    """Everything about reuse beside orjson.loads, cache curves, and brute force that must find the same."""
    from tests.bench.reuse import run

    run(path, references, samples)


if __name__ == "__main__":
    # Processes that are started here find compiled modules, as they do where the package is installed.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(tempfile.gettempdir()) / "trace-explore-bench-compiled"))
    bench()
