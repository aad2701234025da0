"""The command line: arguments, exit codes, and the only module that prints.

stdout carries data, stderr narration and progress. Each command opens the floor that it needs inside itself, so that
``--help`` and ``--version`` load neither Textual nor DuckDB.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from explorer import __version__

if TYPE_CHECKING:
    from explorer.store.counts import Counts
    from explorer.store.database import Database
    from explorer.store.ingest import Options, Progress
    from explorer.store.opening import Opening

DONE, FAILED, USAGE, UNREADABLE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: done; findings of severity error, or a query that failed; usage; nothing could be read; interrupted."""


class _Enough(Exception):
    """The reader of our output has closed it. Of a ``BrokenPipeError`` click would make a failure."""


@contextmanager
def _while_somebody_reads() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise _Enough from None


_EPILOG = """\b
Exit codes: 0 done, 1 findings (--check) or a failed query, 2 usage, 3 nothing could be read, 130 interrupted.
Nothing is ever written beside the traces, and nothing is ever sent anywhere."""


def _some_place(_context: click.Context, _option: click.Parameter, place: str | None) -> str | None:
    if place is not None and not place.strip():
        raise click.BadParameter("name a place, as conversation/agent/run#step")
    return place


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--summary", is_flag=True, help="Conversations and totals.")
@click.option("--sql", metavar="QUERY", help="Answer one read-only query over the tables and views.")
@click.option("--check", is_flag=True, help="List the findings; exit with 1 if any has severity error.")
@click.option("--where", metavar="EXPR", help="Keep runs for which a DuckDB boolean over run_totals holds.")
@click.option(
    "--export",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Write the kept runs as Parquet: OUT.parquet has run_totals, OUT/ everything that belongs to them.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "jsonl", "csv"]),
    default="table",
    show_default=True,
    help="How --summary, --sql, --check and --explain answer.",
)
@click.option("--at", metavar="PLACE", callback=_some_place, help="Open the explorer at conversation/agent/run#step.")
@click.option("--follow", is_flag=True, help="Read on as the recorders write; F in the explorer does the same.")
@click.option(
    "--explain",
    metavar="CODE",
    help="What a finding, or a figure of scope_report, means; without PATH. 'list' names all.",
)
@click.option("--jobs", metavar="N", type=click.IntRange(0, 64), help="Processes that read (default: one per core).")
@click.option(
    "--cache-dir", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Where to keep what was read."
)
@click.option("--no-cache", is_flag=True, help="Read everything again and keep nothing.")
@click.version_option(__version__, message="trace-explore %(version)s")
@click.pass_context
@_while_somebody_reads()
def command(context: click.Context, /, **options: Any) -> None:
    """Explore the traces of multi-agent LLM systems: runs, tokens, what sub-agents share, what is wrong.

    In a terminal, PATH opens in the explorer; into a pipe goes the summary. Without PATH the explorer offers what there
    is in the usual places of the recorders.
    """
    if options["explain"]:
        from explorer.cli.explain import explain

        explain(options["explain"], options["format_"])
        return
    modes = [name for name in ("summary", "sql", "check", "export") if options[name] not in (None, False)]
    if len(modes) > 1:
        raise click.UsageError(f"--{modes[0]} and --{modes[1]} are two answers: ask for one at a time")
    if options["where"] is not None and modes and modes[0] in ("sql", "check"):
        raise click.UsageError(f"--where has no meaning with --{modes[0]}")
    if options["at"] and modes:
        raise click.UsageError(f"--at opens the explorer and has no meaning with --{modes[0]}")
    if options["follow"] and modes:
        raise click.UsageError(f"--follow keeps the explorer open and has no meaning with --{modes[0]}")
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    if not options["paths"] and (modes or not on_terminal):
        raise click.UsageError(_suggestion())
    from explorer.store.ingest import Options as IngestOptions

    ingest_options = IngestOptions(options["jobs"], options["cache_dir"], not options["no_cache"], options["follow"])
    if not modes and on_terminal:
        _explore(options["paths"], ingest_options, options["where"], options["at"])
    for name in ("at", "follow"):
        if options[name]:
            raise click.UsageError(f"--{name} opens the explorer, which needs a terminal")
    with _opened(options["paths"], ingest_options) as database:
        code = _answer(database, modes[0] if modes else "summary", options)
    context.exit(code)


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(50_000)  # what is imported and listed has few cycles, and looking for them took a twentieth
    try:
        code = command(standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except Stop as stop:
        _narrate(str(stop))
        code = stop.code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except _Enough:
        # What is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DONE
    except Exception as error:
        if os.environ.get("TRACE_EXPLORE_DEBUG"):
            raise
        _narrate(f"{type(error).__name__}: {error}\nThis is a mistake of ours; TRACE_EXPLORE_DEBUG=1 shows where.")
        code = FAILED
    sys.exit(code or DONE)


class Stop(Exception):
    """The command ends here, with a message on stderr and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def _narrate(text: str) -> None:
    from explorer.tui.text import clean_block

    click.echo(f"trace-explore: {clean_block(text)}", err=True)


def _suggestion() -> str:
    """What to name: what there is in the usual places."""
    from explorer.store.places import usual_places
    from explorer.tui.humanize import usual_place
    from explorer.tui.text import clean

    places = [usual_place(place) for place in usual_places(os.environ, Path.home(), Path())]
    found = [f"{clean(path):<30} {format_:<15} {held}" for path, format_, held in places]
    usage = "name a file or directory of traces, as in: trace-explore sample_traces/"
    return "\n  ".join([f"{usage}\nIn the usual places there are:", *found]) if found else usage


def _explore(paths: tuple[Path, ...], options: Options, where: str | None, place: str | None) -> NoReturn:
    from explorer.tui.app import ExplorerApp

    app = ExplorerApp(paths, options, where, place)
    app.run()
    sys.exit(app.return_code or DONE)


@contextmanager
def _opened(paths: tuple[Path, ...], options: Options) -> Iterator[Database]:
    """Everything under the paths, read and open. An interrupt stops the reading, and what was read is kept."""
    from explorer.store.database import DamagedPart, Database, TooLarge
    from explorer.store.ingest import Cancelled, IngestError, ingest, mended

    stop, reading, progress = threading.Event(), False, _ProgressLine()

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        stop.set()
        if not reading:
            raise KeyboardInterrupt

    def read() -> Opening:
        nonlocal reading
        reading = True
        opening = ingest(paths, options, progress, cancelled=stop)
        reading = False
        if stop.is_set():
            raise Cancelled
        return opening

    before, database = signal.signal(signal.SIGINT, interrupt), None
    try:
        try:
            database = mended(read, Database)
        except (IngestError, TooLarge, DamagedPart) as error:
            raise Stop(str(error), UNREADABLE) from None
        except Cancelled:
            raise Stop("interrupted; what was read is in the cache", INTERRUPTED) from None
        finally:
            progress.clear()
        yield database
        sys.stdout.flush()  # who waits for the answer has it
        database.keep()
    except RuntimeError:  # what DuckDB makes of an interrupt
        if stop.is_set():
            raise KeyboardInterrupt from None
        raise
    finally:
        if database is not None:
            database.close()
        signal.signal(signal.SIGINT, before)


class _ProgressLine:
    """One line on stderr that is written over, when a person is watching."""

    def __init__(self) -> None:
        self.shown = False
        self.watched = sys.stderr.isatty()
        self.noted: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        if progress.note and progress.note not in self.noted:
            self.noted.add(progress.note)
            self.clear()
            _narrate(progress.note)
        if self.watched and progress.phase == "reading":
            done, total = progress.bytes_done / 1e6, progress.bytes_total / 1e6
            files = f"{progress.files_done:,} of {progress.files_total:,} files"
            click.echo(f"\r\x1b[Kreading {files}, {done:,.1f} of {total:,.1f} MB", nl=False, err=True)
            self.shown = True

    def clear(self) -> None:
        if self.shown:
            click.echo("\r\x1b[K", nl=False, err=True)
            self.shown = False


def _answer(database: Database, mode: str, options: dict[str, Any]) -> int:
    """Write the answer; its exit code."""
    from explorer.store.counts import counts as counted

    with database.cursor() as cursor:
        counts = counted(cursor)
    unread = counts.sources_skipped + counts.sources_failed
    omitted = {"sources_skipped": counts.sources_skipped, "sources_failed": counts.sources_failed}
    nothing = not counts.sources_read and not counts.sources_partial and not counts.conversations
    if mode == "check":
        code = _check(database, options["format_"], omitted)
    if nothing:
        raise Stop(f"no traces in {', '.join(map(str, options['paths']))}: {_reasons(database)}", UNREADABLE)
    if mode == "check":
        return code
    if mode == "sql":
        _sql(database, options["sql"], options["format_"], omitted)
    elif mode == "export":
        _export(database, options["where"], options["export"])
    else:
        _summary(database, options["where"], options["format_"], omitted, counts)
    if unread and sys.stderr.isatty():
        from explorer.tui.humanize import plural

        _narrate(f"not read: {plural(unread, 'file')}; --check says why")
    return DONE


def _reasons(database: Database) -> str:
    result = database.sql(
        "SELECT message, count(*) FROM sources GROUP BY message ORDER BY count(*) DESC, message LIMIT 3"
    )
    reasons = [f"{count:,} × {message}" for batch in result.batches for message, count in batch]
    return "; ".join(reasons) or "there are no files"


def _sql(database: Database, query: str, format_: str, omitted: dict[str, int]) -> None:
    from explorer.cli.apart import apart
    from explorer.cli.output import Table, write
    from explorer.store.readonly import QueryError

    stopped = threading.Event()
    with database.cursor() as cursor:

        def interrupt() -> None:
            stopped.set()
            cursor.interrupt()

        with apart(interrupt) as do:
            try:
                result = do(lambda: database.sql(query, cursor, stopped.is_set))
                # Written from here: who does not read on must not keep us from hearing an interrupt either.
                batches = iter(lambda: do(lambda: next(result.batches, None)), None)
                cut = write(Table(result.columns, batches), format_, omitted)
            except QueryError as error:
                raise Stop(str(error), FAILED) from None
    if cut:
        from explorer.tui.humanize import plural

        _narrate(f"{plural(cut, 'JSON value')} cut short; --format json, jsonl or csv has them whole")


def _check(database: Database, format_: str, omitted: dict[str, int]) -> int:
    from explorer.cli.output import Table, write

    result = database.sql(
        "SELECT severity, code, source_id, line, conversation_id, agent_id, run_id, step_ordinal, message "
        "FROM findings ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, "
        "code, source_id, line, finding_id"
    )
    rows = [row for batch in result.batches for row in batch]
    shown = ("severity", "code", "source_id", "line", "run_id", "step_ordinal", "message")
    write(Table(result.columns, iter([rows]), shown), format_, omitted)
    found = {severity: sum(row[0] == severity for row in rows) for severity in ("error", "warning", "info")}
    if format_ == "table":
        from explorer.tui.humanize import plural

        _narrate(", ".join(plural(count, severity) for severity, count in found.items()))
    return FAILED if found["error"] else DONE


def _summary(database: Database, where: str | None, format_: str, omitted: dict[str, int], counts: Counts) -> None:
    from explorer.cli.output import write
    from explorer.cli.summary import as_table, is_more_cached
    from explorer.store.readonly import FilterError
    from explorer.store.summary import summary

    database.make_ready(where or "")
    with database.cursor() as cursor:
        try:
            rows = summary(cursor, where)
        except FilterError as error:
            raise Stop(_pointed(error, where), FAILED) from None
    omitted |= {
        "conversations_filtered_out": counts.conversations - (len(rows) - 1),
        "runs_filtered_out": counts.runs - rows[-1].runs,
        "findings_elsewhere": counts.findings - rows[-1].findings,
    }
    write(as_table(rows, format_), format_, omitted)
    if format_ == "table" and any(is_more_cached(row) for row in rows):
        _narrate("* more cached than input: the input of some of these steps is not recorded")


def _export(database: Database, where: str | None, target: Path) -> None:
    from explorer.store.export import ExportError, export
    from explorer.store.readonly import FilterError
    from explorer.tui.humanize import plural

    try:
        done = export(database, where, target)
    except FilterError as error:
        raise Stop(_pointed(error, where), FAILED) from None
    except ExportError as error:
        raise Stop(str(error), FAILED) from None
    runs = plural(done.runs, "run")
    told = [f"and {done.copies:,} of copied history, which are never counted"] if done.copies else []
    told += [f"and {done.ancestors:,} above them, so that the tree can be shown"] if done.ancestors else []
    runs += f" ({'; '.join(told)})" if told else ""
    _narrate(f"wrote {runs}, {plural(done.rows, 'row')} in all, {plural(done.bytes, 'byte')} to {done.path}")


def _pointed(error: Any, where: str | None) -> str:
    if error.position is None or where is None:
        return f"--where: {error}"
    start = where.rfind("\n", 0, error.position) + 1
    line = where[start:].split("\n", 1)[0]
    return f"--where: {error}\n  {line}\n  {' ' * (error.position - start)}^"
