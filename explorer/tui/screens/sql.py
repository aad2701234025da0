"""Ask in SQL: a query, what can be asked beside it, and the rows that come back, each of which leads into the tree.

Imported when it is first opened, as the queries bring the database library with them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget

from explorer.store import queries
from explorer.tui import answer_words, humanize
from explorer.tui.asked import Asked, Left, Source
from explorer.tui.catalog_words import Shelf
from explorer.tui.copying import answer_copyables
from explorer.tui.questions import Questions
from explorer.tui.screens.answer_row import AnswerRowScreen
from explorer.tui.screens.menu import Choice, MenuScreen
from explorer.tui.widgets.answer_pane import AnswerPane
from explorer.tui.widgets.catalog import Catalog, CatalogPane
from explorer.tui.widgets.key_line import HELP, KeyLine
from explorer.tui.widgets.sql_editor import SqlEditor

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries import Answer, Ready, Relation
    from explorer.tui.opened import Opened

WIDE = 100
"""Columns from which the list stands beside the query; on a narrower screen tab goes to it and back."""


class SqlScreen(ModalScreen["str | None"]):
    """The query above, the answer below, the list on the left. Answers with the place of a row to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "go there", id="sql.go", tooltip="To the place in the tree that the row's ids name"),
        Binding("enter,v", "look", "whole row", key_display="v", id="sql.look",
                tooltip="Every value of the row as a whole; enter shows it where the row leads nowhere"),
        Binding("ctrl+j,ctrl+enter,f5", "ask", "ask", key_display="ctrl+j", id="sql.ask",
                tooltip="Ask what is written, or of it what is selected; so does enter behind a semicolon"),
        Binding("ctrl+l", "begin", "new", key_display="ctrl+l", id="sql.begin",
                tooltip="Begin anew; ctrl+z brings back what was there"),
        Binding("tab", "turn(1)", "switch", id="sql.turn",
                tooltip="On to the answer, to the list of what can be asked, and back to the query"),
        Binding("shift+tab", "turn(-1)", "the other way round", show=False, id="sql.turn_back"),
        Binding("escape", "stop", "stop", id="sql.stop", tooltip="Stop the query that runs"),
        Binding("escape,colon", "write", "query", key_display="esc", id="sql.write", tooltip="Back to the query"),
        Binding("y", "copy", "copy", id="sql.copy", tooltip="Copy the row as JSON, the query, or the command for it"),
        Binding("x", "export", "write to a file", id="sql.export",
                tooltip="Write every row of the answer to a file: CSV, JSON lines or Parquet"),
        Binding("escape,q", "close", "leave", id="sql.close"),
        Binding("slash", "search", "search the list", key_display="/", id="sql.search",
                tooltip="Find questions, tables and columns by their names and by what they mean"),
        Binding("ctrl+up,alt+up", "recall(-1)", "asked before", key_display="ctrl+↑", id="sql.before",
                tooltip="What was asked before; ctrl+down goes on again"),
        Binding("ctrl+down,alt+down", "recall(1)", "asked after", show=False, id="sql.after"),
        HELP,
    ]  # fmt: skip

    AUTO_FOCUS = "#editor"

    def __init__(
        self,
        opened: Callable[[], Opened | None],
        about: Sequence[Ready],
        whose: str,
        asked: Asked,
        paths: Sequence[Path],
        copy: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._opened = opened
        """What is there now: more while it is read."""
        self._asked = asked
        self._paths = paths
        self._copy = copy
        self._shelf = Shelf(about, whose, queries.ready(), asked.queries)
        self._left, asked.left = asked.left, None
        self._source: Source | None = None
        """What the answer that is shown is of."""
        self._told: str | None = None
        """What the row under the cursor leads to, as it was told."""
        self._began: float | None = None
        self._stop = Event()
        self._questions = Questions(self, self._failed)

    def compose(self) -> ComposeResult:
        """The list, the query, the answer, the keys."""
        first = self._left.answer.query if self._left else self._shelf.about[0].query
        with Vertical(classes="dialog whole") as frame:
            frame.border_title = self._title()
            with Horizontal(id="sql-panes"):
                yield CatalogPane(self._shelf)
                with Vertical(id="sql-query"):
                    yield SqlEditor(first, queries.words, id="editor")
                    yield AnswerPane(answer_words.welcome, id="answer")
            yield KeyLine()

    def _title(self) -> Content:
        opened = self._opened()
        title = "SQL over all that is read"
        if opened is not None:
            title += " so far" if not opened.complete else ""
            title += ", also what the filter hides" if opened.tree.where else ""
        return Content(title)

    def on_mount(self) -> None:
        """Show what can be asked, and what was left to go somewhere."""
        self._ticks = self.set_interval(1, self._tick, pause=True)
        opened = self._opened()
        if opened is not None:
            database = opened.database
            self._questions.ask("catalog", database, lambda _: queries.catalog(database), self._cataloged)
            if self._left is not None:
                self._source = self._left.of
                self.call_later(self._show, self._left.answer, self._left.row, True)

    def on_unmount(self) -> None:
        """Nobody waits for an answer any more."""
        self._stop.set()
        self._questions.drop_all()

    def on_resize(self, event: events.Resize) -> None:
        """The list beside the query, or one of them at a time."""
        self.set_class(event.size.width < WIDE, "-single")

    def on_descendant_focus(self) -> None:
        """Show the side that has the keys."""
        self.set_class(self._list.has_focus_within, "-listing")

    @property
    def _editor(self) -> SqlEditor:
        return self.query_one(SqlEditor)

    @property
    def _list(self) -> CatalogPane:
        return self.query_one(CatalogPane)

    @property
    def _pane(self) -> AnswerPane:
        return self.query_one(AnswerPane)

    @property
    def _in_rows(self) -> bool:
        return self._pane.grid is not None and self._pane.grid.has_focus

    # What can be asked

    def _cataloged(self, relations: list[Relation]) -> None:
        self._shelf.relations = relations
        self._editor.complete_with(self._shelf.names)
        self._list.show()

    @on(Catalog.Chosen)
    def _chosen(self, event: Catalog.Chosen) -> None:
        item, editor = event.item, self._editor
        editor.focus()
        if item.does == "ask" or (item.does == "read" and editor.is_untouched):
            editor.write(item.text if item.does == "ask" else queries.first_rows(item.text))
            editor.ask()
        else:
            editor.write_name(item.text)

    def action_recall(self, by: int) -> None:
        """Write another of the queries that were asked."""
        query = self._asked.step(by, self._editor.text)
        if query is None:
            self.notify("Nothing was asked before." if by < 0 else "This is the latest.", timeout=2)
        else:
            self._editor.write(query)
            self._editor.focus()

    def action_search(self) -> None:
        """Find something in the list."""
        self.add_class("-listing")
        self._list.search()

    # Asking

    def action_ask(self) -> None:
        """Ask what is written."""
        self._editor.ask()

    @on(SqlEditor.Asked)
    def _ask(self, event: SqlEditor.Asked) -> None:
        opened = self._opened()
        if opened is not None and event.query.strip():
            self._asked.note(event.query)
            self._shelf.asked = self._asked.queries
            self._list.show()
            self._begin(opened, event.query, event.start)

    def _begin(self, opened: Opened, query: str, start: int | None) -> None:
        """Ask; ``start`` is where the query begins in the editor, None for one that is asked again."""
        self._stop.set()
        self._stop = stop = Event()
        database, row = opened.database, self._pane.row
        source = Source(weakref.ref(database), opened.complete)

        def ask(cursor: Cursor) -> Answer:
            # Imported here, in the thread, which takes longer than a key press may.
            from explorer.tui.widgets import answer_grid  # noqa: F401

            return queries.answer(database, cursor, query, stop.is_set)

        def answered(answer: Answer) -> None:
            self._end()
            self._source = source
            self.call_later(self._show, answer, (row or 0) if start is None else 0, start is not None)

        def failed(error: Exception) -> None:
            self._end()
            self.call_later(self._show_mistake, error, query, start)

        self._began = monotonic()
        self._questions.ask("answer", database, ask, answered, failed)
        self._tick()
        self._ticks.resume()
        self.refresh_bindings()

    def _tick(self) -> None:
        took = 1000 * round(monotonic() - (self._began or 0))
        self._pane.tell(f"asking …  {humanize.duration(took)}   esc stops")

    def _end(self) -> None:
        self._began = None
        self._ticks.pause()
        self.refresh_bindings()

    async def _show(self, answer: Answer, row: int, take_keys: bool) -> None:
        if self not in self.app.screen_stack:
            return  # it was left meanwhile, and loses its widgets
        take_keys = take_keys or self._in_rows
        await self._pane.show(answer, row)
        self._tell()
        if take_keys and self._pane.grid is not None:
            self._pane.grid.focus()
        self.refresh_bindings()

    async def _show_mistake(self, error: Exception, query: str, start: int | None) -> None:
        if self not in self.app.screen_stack:
            return
        message, position = str(error), None
        if isinstance(error, queries.QueryError):
            message, position = error.message, error.position
        self._pane.tell("")
        await self._pane.say(lambda width: answer_words.error_words(message, position, query, width))
        if start is not None:
            self._editor.focus()
            if position is not None and self._editor.text[start:].startswith(query):
                self._editor.point_at(start + position)

    def _failed(self, error: Exception) -> None:
        self.notify(f"What can be asked is not known: {error}", severity="error")

    def on_data_table_row_highlighted(self) -> None:
        """Say where the row leads."""
        if self._leads_to != self._told:
            self._tell()
            self.refresh_bindings()

    @property
    def _leads_to(self) -> str | None:
        way = self._pane.way
        return way.kind if way is not None else None

    def _tell(self) -> None:
        answer, opened, pane = self._pane.answer, self._opened(), self._pane
        self._told = self._leads_to
        if answer is None or self._began is not None:
            return
        notes = [f"enter goes to the {self._told}"] if self._told is not None else []
        if opened is not None and self._source is not None and not self._source.is_of(opened.database):
            notes.insert(0, "more was read since: ctrl+j asks again")
        pane.tell(answer_words.summary(answer, notes))

    def renew(self, opened: Opened) -> None:
        """All is read now: what was asked of a part of it is asked again."""
        answer, before = self._pane.answer, self._source
        self.query_one(Vertical).border_title = self._title()
        if answer is not None and before is not None and not before.complete and self._began is None:
            self._begin(opened, answer.query, None)
        else:
            self._tell()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape stops, goes back to the query, or leaves; rows have keys where there is one."""
        if not self.is_mounted:
            return action == "close"
        writing, running = self._editor.has_focus, self._began is not None
        match action:
            case "stop":
                return running
            case "write":
                return not running and not writing
            case "go":
                return self._in_rows and self._pane.way is not None
            case "look":
                return self._in_rows
            case "copy" | "export":
                return not writing and self._pane.answer is not None
            case _:
                return True

    def action_stop(self) -> None:
        """Stop the query; what was answered before stays."""
        self._stop.set()
        self._questions.drop("answer")
        took = humanize.duration(round(1000 * (monotonic() - (self._began or 0))))
        self._end()
        rest = "below is the answer before" if self._pane.answer is not None else "nothing came back"
        self._pane.tell(f"stopped after {took}: {rest}")

    def action_write(self) -> None:
        """Back to the query."""
        self._editor.focus()

    def action_begin(self) -> None:
        """Begin anew, wherever the keys are."""
        self.remove_class("-listing")  # what is not displayed cannot have the keys
        self._editor.begin()

    def action_turn(self, by: int) -> None:
        """On to the answer, the list, the query."""
        places: list[Widget] = [self._editor, *filter(None, (self._pane.grid,)), self._list.catalog]
        at = next((index for index, place in enumerate(places) if place.has_focus), 0)
        to = places[(at + by) % len(places)]
        self.set_class(to is self._list.catalog, "-listing")  # what is not displayed cannot have the keys
        to.focus()

    def action_go(self) -> None:
        """Go to the place of the row; opened again, this is as it was left."""
        answer, row, way = self._pane.answer, self._pane.row, self._pane.way
        if answer is not None and row is not None and way is not None and self._source is not None:
            self._asked.left = Left(answer, row, self._source)
            self.dismiss(way.place)

    def action_look(self) -> None:
        """Show every value of the row."""
        answer, row = self._pane.answer, self._pane.row

        def closed(at: tuple[int, bool] | None) -> None:
            if at is not None and self._pane.grid is not None:
                self._pane.grid.move_cursor(row=at[0], animate=False)
                if at[1]:
                    self.action_go()

        if answer is not None and row is not None:
            self.app.push_screen(AnswerRowScreen(answer, row, self._copy), closed)

    def action_copy(self) -> None:
        """Choose what to copy."""
        answer = self._pane.answer
        if answer is None:
            return
        items = {item.id: item for item in answer_copyables(answer, self._pane.row or 0, self._paths)}
        choices = [Choice(item.id, item.label, item.text[:200]) for item in items.values()]
        menu = MenuScreen("Copy", choices, "enter copies   escape closes")
        self.app.push_screen(menu, lambda key: self._copy(items[key].text) if key else None)

    def action_export(self) -> None:
        """Write the whole answer to a file."""
        from explorer.tui.screens.answer_file import AnswerFileScreen

        answer, opened = self._pane.answer, self._opened()
        if answer is not None and opened is not None:
            self.app.push_screen(AnswerFileScreen(answer, opened))

    def action_help(self) -> None:
        """Show every key of this place."""
        from explorer.tui.screens.help import show_help

        show_help(self)

    def action_close(self) -> None:
        """Go nowhere."""
        self.dismiss(None)
