"""Write runs as Parquet: what will be written is said before, and how to open it again after."""

from __future__ import annotations

import shlex
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from explorer.tui.humanize import number, plural, size
from explorer.tui.questions import Questions
from explorer.tui.text import clean

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.export import Exported, Plan
    from explorer.tui.opened import Opened


class ExportScreen(ModalScreen[None]):
    """The target's name decides: ``.parquet`` is one table, anything else a directory that opens again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="export.close"),
        Binding("ctrl+t", "what", "filtered/all", id="export.what", priority=True),
    ]  # fmt: skip

    def __init__(self, opened: Opened, target: str) -> None:
        super().__init__()
        self._opened = opened
        self._target = target
        self._filtered = opened.tree.where is not None
        self._plan: Plan | None = None
        self._cancelled: threading.Event | None = None
        self._questions = Questions(self, lambda error: self._outcome(f"✗ {error}"))

    def compose(self) -> ComposeResult:
        """What, how much, where to."""
        with Vertical(classes="dialog export") as frame:
            frame.border_title = "Export"
            yield Static("", id="export-what", markup=False)
            yield Static("counting …", id="export-plan", markup=False)
            yield Static("")
            yield Static(f"Write to (from {clean(str(Path.cwd()))})", markup=False)
            yield Input(self._target, compact=True, select_on_focus=False)
            yield Static("", id="export-kind", markup=False)
            yield Static("")
            yield Static("", id="export-outcome", markup=False)
            yield Static("", id="export-hint", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Count what would be written."""
        line = self.query_one(Input)
        line.cursor_position = len(line.value)
        line.focus()
        self._say_what()

    def renew(self, opened: Opened) -> None:
        """Count again, of what is there now; what is being written stays as it was begun."""
        if self._cancelled is None:
            self._opened = opened
            self._say_what()

    def on_unmount(self) -> None:
        """Nobody waits for the counts, and no file may appear, once the program is left."""
        self._questions.drop_all()
        if self._cancelled is not None:
            self._cancelled.set()

    @property
    def _where(self) -> str | None:
        return self._opened.tree.where if self._filtered else None

    def _say_what(self) -> None:
        where = self._opened.tree.where
        if where is None:
            what = "All runs; no filter is set (f sets one)."
        elif self._filtered:
            what = f"The runs that the filter keeps: {clean(where)}"
        else:
            what = "All runs, whatever the filter hides."
        if not self._opened.complete:
            what += "\nReading is not finished: only what was read so far will be written."
        self.query_one("#export-what", Static).update(what)
        toggle = "ctrl+t filtered/all   " if where is not None else ""
        self.query_one("#export-hint", Static).update(f"enter writes   {toggle}escape closes")
        self._plan = None
        self.query_one("#export-plan", Static).update("counting …")
        self._count(self._where)

    @on(Input.Changed)
    def _say_kind(self) -> None:
        name = self.query_one(Input).value.strip()
        if not name:
            kind = "Give a name: OUT.parquet for one table, OUT for a directory with everything."
        elif name.endswith(".parquet"):
            kind = "One file: the table run_totals only. It does not open again as traces."
        else:
            kind = "A directory with all tables; trace-explore opens it again with the same numbers."
        self.query_one("#export-kind", Static).update(kind)
        self._say_plan()

    def _count(self, where: str | None) -> None:
        database = self._opened.database

        def count(cursor: Cursor) -> Plan:
            from explorer.store import export

            return export.plan(database, where, cursor)

        self._questions.ask("plan", database, count, self._planned)

    def _planned(self, plan: Plan) -> None:
        self._plan = plan
        self._say_plan()

    def _say_plan(self) -> None:
        plan = self._plan
        if plan is None:
            return
        runs = plural(plan.runs, "run")
        if plan.copies:
            runs += f" (and {number(plan.copies)} of copied history, which are never counted)"
        ancestors = f" and {plural(plan.ancestors, 'ancestor')} above them" if plan.ancestors else ""
        told = f"{runs}{ancestors}: {number(plan.rows)} rows, about {size(plan.bytes_estimate)}"
        if self.query_one(Input).value.strip().endswith(".parquet"):
            told = f"{runs}, a row each"
        self.query_one("#export-plan", Static).update(told)

    def action_what(self) -> None:
        """Between the filtered runs and all."""
        if self._opened.tree.where is not None:
            self._filtered = not self._filtered
            self._say_what()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not name or self._cancelled is not None:
            return
        self._cancelled = threading.Event()
        self._outcome("writing …   escape stops it, and leaves nothing behind")
        self._write(Path(name).expanduser(), self._where, self._cancelled)

    @work(thread=True, exclusive=True, group="export", exit_on_error=False)
    def _write(self, target: Path, where: str | None, cancelled: threading.Event) -> None:
        from explorer.store import export

        try:
            exported = export.export(self._opened.database, where, target, cancelled)
        except Exception as error:
            words = "stopped; nothing was written" if cancelled.is_set() else str(error) or type(error).__name__
            self.app.call_later(self._ended, f"✗ {words}")
        else:
            self.app.call_later(self._ended, _success(exported))

    def _ended(self, outcome: str) -> None:
        self._cancelled = None
        self._outcome(outcome)

    def _outcome(self, outcome: str) -> None:
        if self.is_attached:
            self.query_one("#export-outcome", Static).update("\n".join(clean(line) for line in outcome.split("\n")))

    def action_close(self) -> None:
        """Stop writing; when nothing is being written, close."""
        if self._cancelled is not None:
            self._cancelled.set()
        else:
            self.dismiss()


def _success(exported: Exported) -> str:
    path = str(exported.path)
    if path.endswith(".parquet"):
        again = f'Read it with: duckdb -c "from {shlex.quote(path)}"'
    else:
        again = f"Open it again with: {shlex.join(['trace-explore', path])}"
    return f"✓ {number(exported.rows)} rows, {size(exported.bytes)}, in {path}\n{again}"
