"""Write the whole answer of a query to a file; its name says how."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from explorer.tui.humanize import plural, size
from explorer.tui.questions import Questions
from explorer.tui.text import clean, clean_block

if TYPE_CHECKING:
    from explorer.store.answer_file import Written
    from explorer.store.database import Cursor
    from explorer.store.queries import Answer
    from explorer.tui.opened import Opened


class AnswerFileScreen(ModalScreen[None]):
    """A line for the name, and what came of it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", id="answer_file.close")]

    def __init__(self, answer: Answer, opened: Opened) -> None:
        super().__init__()
        self._answer = answer
        self._opened = opened
        self._stop: Event | None = None
        """Set to stop what is being written."""
        self._questions = Questions(self, self._failed)

    def compose(self) -> ComposeResult:
        """What will be written, where to."""
        rows = "Every row of the answer, also those that are not shown" if self._answer.is_cut else "The answer"
        with Vertical(classes="dialog export") as frame:
            frame.border_title = "Write the answer to a file"
            yield Static(f"{rows}; the query is asked again.", markup=False)
            yield Static("")
            yield Static(f"Write to (from {clean(str(Path.cwd()))})", markup=False)
            yield Input("answer.csv", compact=True, select_on_focus=False)
            yield Static("NAME.csv, NAME.jsonl or NAME.parquet", id="export-kind", markup=False)
            yield Static("")
            yield Static("", id="export-outcome", markup=False)
            yield Static("enter writes   escape closes", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Start behind the name."""
        line = self.query_one(Input)
        line.cursor_position = len(line.value)
        line.focus()

    def on_unmount(self) -> None:
        """No file may appear once the program is left."""
        if self._stop is not None:
            self._stop.set()
        self._questions.drop_all()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        name = event.value.strip()
        if not name or self._stop is not None:
            return
        stop, database, query = Event(), self._opened.database, self._answer.query

        def write(cursor: Cursor) -> Written:
            from explorer.store.answer_file import write_answer

            return write_answer(database, cursor, query, Path(name).expanduser(), stop.is_set)

        def written(done: Written) -> None:
            self._stop = None
            self._say(f"✓ {plural(done.rows, 'row')}, {size(done.bytes)}, in {name}")

        self._stop = stop
        self._say("writing …   escape stops it, and leaves nothing behind")
        self._questions.ask("write", database, write, written)

    def _failed(self, error: Exception) -> None:
        self._stop = None
        self._say(f"✗ {error}")

    def _say(self, outcome: str) -> None:
        self.query_one("#export-outcome", Static).update(clean_block(outcome))

    def action_close(self) -> None:
        """Stop writing; when nothing is being written, close."""
        if self._stop is None:
            self.dismiss()
            return
        self._stop.set()
        self._questions.drop("write")
        self._stop = None
        self._say("✗ stopped; nothing was written")
