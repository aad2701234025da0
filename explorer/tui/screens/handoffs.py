"""The hand-offs of a node in a list, and one of them with what its sender's record has beside its receiver's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen

from explorer.tui import handoff_words
from explorer.tui.opened import Opened, whose
from explorer.tui.questions import Questions
from explorer.tui.text import clean
from explorer.tui.widgets.handoff_list import HandOffList
from explorer.tui.widgets.key_line import HELP, KeyLine
from explorer.tui.widgets.sheet import Row, Sheet

if TYPE_CHECKING:
    from explorer.store.database import Cursor, Database
    from explorer.store.queries import Exchange, HandOff, HandOffs, Passage, Read


class Known(NamedTuple):
    """A hand-off as it was found."""

    exchange: Exchange
    texts: Mapping[Passage, Read]


class Listing(NamedTuple):
    """The hand-offs of a node, and what that is called."""

    handoffs: HandOffs
    whose: str


def listing(opened: Opened, node_id: str | None) -> Callable[[Cursor], Listing]:
    """The question for the hand-offs of a node and below."""

    def ask(cursor: Cursor) -> Listing:
        from explorer.store import queries

        node = queries.node(cursor, opened.tree, node_id) if node_id is not None else None
        unnamed = node is None and node_id is not None
        return Listing(queries.handoffs(cursor, node_id), f"{node_id} and below" if unnamed else whose(node, False))

    return ask


class HandOffsScreen(ModalScreen["str | None"]):
    """The list. Answers with the node to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,d", "close", "close", id="handoffs.close"), HELP]

    def __init__(
        self, node_id: str | None, found: Listing, database: Database, note: str = "", at: int | None = None
    ) -> None:
        super().__init__()
        self._node_id = node_id
        self._found = found
        self._database = database
        self._note = note
        """What holds of the list as long as not all is read, in the frame."""
        self._at = at
        """Which of them to open with."""
        self._questions = Questions(self, self._failed)

    def compose(self) -> ComposeResult:
        """The list in a frame."""
        with Vertical(classes="dialog whole"):
            yield HandOffList()
            yield KeyLine()

    def on_mount(self) -> None:
        """Go on to the one that was asked for."""
        self._show(self._found)
        if self._at is not None:
            self.query_one(HandOffList).cursor = self._at
            self._open()

    def on_unmount(self) -> None:
        """Nobody waits for an answer any more."""
        self._questions.drop_all()

    def renew(self, opened: Opened) -> None:
        """All is read now: ask again, unless the same data are only shown in another way."""
        if opened.database is not self._database:
            self._database, self._note = opened.database, ""
            self._questions.ask("list", opened.database, listing(opened, self._node_id), self._show)

    def _show(self, found: Listing) -> None:
        frame = self.query_one(Vertical)
        frame.border_title = Content(clean(handoff_words.title_of(*found)))
        frame.border_subtitle = self._note
        self.query_one(HandOffList).show(found.handoffs)

    def _failed(self, error: Exception) -> None:
        self.notify(f"This could not be asked: {error}", title="Question failed", severity="error")

    @on(HandOffList.Chosen)
    def _open(self) -> None:
        shown = self.query_one(HandOffList)

        def closed(answer: tuple[str, str | None] | None) -> None:
            if answer is not None:
                shown.go_to(answer[0])
                if answer[1] is not None:
                    self.dismiss(answer[1])

        self.app.push_screen(HandOffScreen(shown.listed, shown.cursor, self._database), closed)

    def action_help(self) -> None:
        """Show every key of this place."""
        from explorer.tui.screens.help import show_help

        show_help(self)

    def action_close(self) -> None:
        """Go nowhere."""
        self.dismiss(None)


class HandOffScreen(ModalScreen["tuple[str, str | None]"]):
    """Both ends of one. Answers which was shown last, and the node to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "to this run", id="handoff.go", tooltip="To the run of the side that has the keys"),
        Binding("tab", "app.focus_next", "other side", id="handoff.side"),
        Binding("right_square_bracket", "beside(1)", "next", key_display="] [", id="handoff.next"),
        Binding("left_square_bracket", "beside(-1)", "previous", show=False, id="handoff.previous"),
        Binding("escape,q,d", "close", "back to the list", id="handoff.close"),
        HELP,
    ]

    def __init__(self, listed: Sequence[HandOff], at: int, database: Database) -> None:
        super().__init__()
        self._listed = listed
        self._at = at
        self._database = database
        self._questions = Questions(self, self._failed)
        self._known: Known | None = None

    def compose(self) -> ComposeResult:
        """The one who asked on the left, the one who did it on the right."""
        with Vertical(classes="dialog whole"):
            with Horizontal(id="ends"):
                yield Sheet(id="asker")
                yield Sheet(id="doer")
            yield KeyLine()

    def on_mount(self) -> None:
        """Look it up."""
        self._look_up()

    def on_unmount(self) -> None:
        """Nobody waits for the texts any more."""
        self._questions.drop_all()

    def _look_up(self) -> None:
        self._known = None
        self._tell(f"{self._listed[self._at].kind} …")
        for sheet in self.query(Sheet):
            sheet.show(lambda _: [[("reading …", "note")]])
        database, edge_id = self._database, self._listed[self._at].edge_id

        def ask(cursor: Cursor) -> Known | None:
            from explorer.store import queries

            exchange = queries.handoff(cursor, edge_id)
            return None if exchange is None else Known(exchange, queries.read_texts(database, exchange))

        self._questions.ask("hand-off", database, ask, self._found)

    def _tell(self, heading: str) -> None:
        self.query_one(Vertical).border_title = Content(f"{heading}   {self._at + 1:,} of {len(self._listed):,}")

    def _found(self, known: Known | None) -> None:
        if known is None:
            return
        self._known = known
        self._tell(handoff_words.heading(known.exchange))
        self.query_one("#asker", Sheet).show(lambda width: self._lay_out("asker", width))
        self.query_one("#doer", Sheet).show(lambda width: self._lay_out("doer", width))

    def _lay_out(self, end: handoff_words.End, width: int) -> Iterator[Row]:
        if self._known is not None:
            yield from handoff_words.lay_out_end(self._known.exchange, end, self._known.texts, width)

    def _failed(self, error: Exception) -> None:
        for sheet in self.query(Sheet):
            sheet.show(lambda _: [[(clean(f"It could not be looked up: {error}"), "error")]])

    def action_beside(self, by: int) -> None:
        """Show the next or previous one of the list."""
        if 0 <= self._at + by < len(self._listed):
            self._at += by
            self._look_up()
        else:
            self.notify(f"This is the {'last' if by > 0 else 'first'} of the list.", timeout=2)

    def action_go(self) -> None:
        """Go to the run of the side that has the keys."""
        known = self._known
        if known is None:
            return
        party = known.exchange.doer if self.query_one("#doer").has_focus else known.exchange.asker
        if party is None or party.node_id is None:
            self.notify("No run of this side is recorded.", timeout=3)
        else:
            self.dismiss((self._listed[self._at].edge_id, party.node_id))

    def action_help(self) -> None:
        """Show every key of this place."""
        from explorer.tui.screens.help import show_help

        show_help(self)

    def action_close(self) -> None:
        """Back to the list."""
        self.dismiss((self._listed[self._at].edge_id, None))
