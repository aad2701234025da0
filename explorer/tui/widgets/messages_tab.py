"""The messages of a node: asks whose they are, then reads them page by page in a thread of its own."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from explorer.tui.reel import MOST_HITS, Reel, Stopped
from explorer.tui.state import Search
from explorer.tui.text import clean
from explorer.tui.widgets.messages_view import MessagesView
from explorer.tui.widgets.search_bar import SearchBar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.widget import Widget

    from explorer.store.database import Cursor, Database
    from explorer.store.queries import Message, Talk
    from explorer.tui.widgets.detail_tab import View

Answer = TypeVar("Answer")

CHOOSE = "The messages of one run are shown: choose a conversation, an agent or a run in the tree (tab goes there)."


class MessagesTab(Vertical, can_focus=False):
    """What was said in a run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "until", "step/run", id="messages.until",
                tooltip="As the step under the cursor saw it, or the whole run"),
        Binding("slash", "search", "search", key_display="/", id="messages.search", tooltip="Search in the messages"),
        Binding("e", "failed(1)", "failed", key_display="e E", id="messages.next_failed",
                tooltip="Next result that tells of an error"),
        Binding("E", "failed(-1)", "previous failed", show=False, id="messages.previous_failed",
                tooltip="Previous result that tells of an error"),
        Binding("n", "hit(1)", "next hit", show=False, id="messages.next_hit"),
        Binding("N", "hit(-1)", "previous hit", show=False, id="messages.previous_hit"),
    ]  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="messages")
        self._seeker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="messages-search")
        """Reads everything, while pages are read as they are wanted."""
        self._stop = Event()
        self._seeking = Event()
        """Stops the search that is under way."""
        self._database: Database | None = None
        self._node_id: str | None = None
        self._talk: Talk | None = None
        self._reel: Reel | None = None
        self._until: int | None = None
        self._aim: tuple[str, int] | None = None
        self._of: str | None = None
        """The run that was asked for, where the node stands for more than it."""
        self._search: Search[int] = Search()

    def compose(self) -> ComposeResult:
        """The messages draw everything; the search line comes when it is first wanted."""
        yield MessagesView(id="messages-view")

    @property
    def shown(self) -> MessagesView:
        """What draws."""
        return self.query_one(MessagesView)

    def on_unmount(self) -> None:
        """No thread may hold up the end of the program."""
        self._drop()
        for thread in (self._thread, self._seeker):
            thread.shutdown(wait=False, cancel_futures=True)

    # Whose messages

    def question(self, view: View) -> Callable[[Cursor], Talk | None]:
        """Whose messages stand for the node."""
        if self._aim is not None:
            self._of = self._aim[0]
        elif self._node_id != view.node_id:
            self._of = None
        run_id = self._of

        def ask(cursor: Cursor) -> Talk | None:
            from explorer.store import queries

            return queries.talk(cursor, view.node_id, run_id)

        return ask

    async def answer(self, answer: Talk | None, view: View, keep: bool) -> None:
        """Read them from the start, or from where one was."""
        aim, self._aim = self._aim, None
        same = keep and self._talk is not None and answer is not None and self._talk.run_id == answer.run_id
        at = self.shown.roll.cursor.at if same and aim is None else None
        self._database, self._node_id, self._talk = view.opened.database, view.node_id, answer
        if not same:
            self._until = None
        self._begin(at, aim[1] if aim is not None else None)

    def let_go(self) -> None:
        """Ask no more of these data."""
        self._drop()
        self._database = None

    def aim(self, run_id: str, ordinal: int) -> None:
        """Go to what a step wrote, once its run is asked for."""
        self._aim = (run_id, ordinal)

    def focus_target(self) -> Widget:
        """The messages."""
        return self.shown

    def _begin(self, at: int | None = None, step: int | None = None) -> None:
        """Open the sources anew."""
        self._drop()
        talk, database, until = self._talk, self._database, self._until
        if talk is None or database is None:
            self.shown.reset("", "", {})
            self.shown.say(CHOOSE if self._node_id is None else "No run is recorded here.")
            return

        def read() -> Iterator[Message]:
            from explorer.store import queries

            return queries.messages(database, talk.run_id, until)

        self._stop, self._reel = Event(), Reel(read)
        self.shown.reset(whose(talk), extent(until), talk.steps)
        if self._search.text:
            self._find(self._search.text, go=False)
        if step is not None:
            self._go_to_step(step)
        elif at is not None:
            self.shown.go_to(at)
        else:
            self._page(0)

    def _drop(self) -> None:
        self._stop.set()
        self._seeking.set()
        if (reel := self._reel) is not None:
            # In its own thread, as what is open there can only be closed there.
            self._thread.submit(reel.close)
            self._reel = None

    def _ask(
        self, job: Callable[[Reel, Event], Answer], then: Callable[[Answer], None], stop: Event,
        thread: ThreadPoolExecutor | None = None,
    ) -> None:  # fmt: skip
        """Do something with the reel in its thread, then something on the screen."""
        reel = self._reel
        if reel is None:
            return

        async def ask() -> None:
            try:
                answer = await asyncio.get_running_loop().run_in_executor(thread or self._thread, job, reel, stop)
            except Stopped:
                return
            except Exception as error:  # whatever is wrong with a source is told where its messages would be
                if reel is self._reel:
                    self._failed(error)
            else:
                if reel is self._reel and not stop.is_set():
                    then(answer)

        self.run_worker(ask(), exit_on_error=False)

    def _failed(self, error: Exception) -> None:
        from explorer.store.queries import NotRecorded

        if isinstance(error, NotRecorded):
            self.shown.say(f"{error}.")
        elif isinstance(error, OSError) and error.strerror:
            self.shown.say(f"The messages could not be read: {error.strerror} ({error.filename}).")
        else:
            self.shown.say(f"The messages could not be read: {error}.")

    # Pages

    def _page(self, number: int) -> None:
        self._ask(lambda reel, stop: reel.page(number, stop), self.shown.take, self._stop)

    @on(MessagesView.PageWanted)
    def _page_wanted(self, event: MessagesView.PageWanted) -> None:
        event.stop()
        self._page(event.number)

    @on(MessagesView.EndWanted)
    def _end_wanted(self, event: MessagesView.EndWanted) -> None:
        event.stop()
        self._ask(Reel.end, self.shown.take_end, self._stop)

    @on(MessagesView.AlikeWanted)
    def _alike_wanted(self, event: MessagesView.AlikeWanted) -> None:
        event.stop()
        index, by = event.index, event.by
        nothing = f"No {'later' if by > 0 else 'earlier'} message of this kind."
        self._go_on(lambda reel, stop: reel.alike(index, by, stop), nothing)

    def action_failed(self, by: int) -> None:
        """Go to the next or previous result that tells of an error."""
        index = self.shown.roll.cursor.at
        nothing = f"No {'later' if by > 0 else 'earlier'} result of these messages failed."
        self._go_on(lambda reel, stop: reel.failed(index, by, stop), nothing)

    def _go_on(self, seek: Callable[[Reel, Event], int | None], nothing: str) -> None:
        """Go to the message that is found, or say that there is none."""

        def found(target: int | None) -> None:
            if target is None:
                self.notify(nothing, timeout=2)
            else:
                self.shown.go_to(target)

        self._ask(seek, found, self._stop)

    # Steps

    def _go_to_step(self, ordinal: int) -> None:
        def found(index: int | None) -> None:
            if index is not None:
                self.shown.go_to(index)
            elif self._until != ordinal:
                # Such as one that a later compaction has taken out of the conversation.
                self._until = ordinal
                self._begin(step=ordinal)
            else:
                self._page(0)
                self.notify(f"Nothing that step {ordinal:,} wrote is in the sources.", timeout=4)

        self._ask(lambda reel, stop: reel.of_step(ordinal, stop), found, self._stop)

    def action_until(self) -> None:
        """Between what a step saw and wrote and the whole run."""
        step = self.shown.roll.step
        if self._until is None and step is None:
            self.notify("No step has written anything up to here: > goes on to one.", timeout=3)
            return
        self._until = step if self._until is None else None
        self._begin(step=step)

    # Searching

    async def action_search(self) -> None:
        """Open the search line with what was searched last."""
        if self._bar is None:
            await self.mount(SearchBar("text in these messages", id="message-search"))
        if self._bar is not None:
            self._bar.begin(self._search.text)

    @property
    def _bar(self) -> SearchBar | None:
        bars = self.query_children(SearchBar)
        return bars.first() if bars else None

    @on(SearchBar.Typed)
    def _typed(self, event: SearchBar.Typed) -> None:
        event.stop()
        if event.text != self._search.text:
            self._find(event.text, go=True)

    def _find(self, text: str, go: bool) -> None:
        """Look for a text in all messages."""
        self._seeking.set()
        self._search, needle = Search(text), text.lower()
        self.shown.mark(needle)
        if not text:
            self._tell()
            return
        if self._bar is not None:
            self._bar.tell("searching …")

        def found(hits: list[int]) -> None:
            here = self.shown.roll.cursor.at
            target = self._search.found(hits, MOST_HITS, lambda index: index >= here)
            self._tell()
            if target is not None and go:
                self.shown.go_to(target, needle)

        self._seeking = Event()
        self._ask(lambda reel, stop: reel.again().search(needle, stop), found, self._seeking, self._seeker)

    def action_hit(self, by: int) -> None:
        """Go to the next or previous message with the text."""
        target = self._search.step(by)
        self._tell()
        if target is not None:
            self.shown.go_to(target, self._search.text.lower())

    @on(SearchBar.Stepped)
    def _stepped(self, event: SearchBar.Stepped) -> None:
        event.stop()
        self.action_hit(event.by)

    @on(SearchBar.Accepted)
    def _accepted(self, event: SearchBar.Accepted) -> None:
        event.stop()
        if self._bar is not None:
            self._bar.display = bool(self._search.text)
        self.shown.focus()

    @on(SearchBar.Left)
    def _left(self, event: SearchBar.Left) -> None:
        event.stop()
        self._find("", go=False)
        if self._bar is not None:
            self._bar.display = False
        self.shown.focus()

    def _tell(self) -> None:
        if self._bar is not None:
            self._bar.tell(self._search.summary)


def whose(talk: Talk) -> str:
    """Whose messages are shown, and how it was chosen where the node stands for several runs."""
    name = " ".join(clean(part) for part in (talk.name, talk.label) if part)
    if talk.is_copy:
        return f"{name} · copied from another agent's history"
    if talk.runs == 1:
        return name
    which = f"{name} · run {talk.ordinal:,} of {talk.runs:,}"
    if talk.chosen:
        return which
    return f"{which}, the latest; the others are in the tree" if talk.ordinal == talk.runs else which


def extent(until: int | None) -> str:
    """How much of the run is shown."""
    if until is None:
        return "whole run · u: up to the step under the cursor"
    return f"as step {until:,} saw it, with its answer · u: whole run"
