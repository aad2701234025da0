"""Caches of every size over the prompts of a node: what they hit, why they miss, and what is in use at once.

Imported when it is first opened, as the queries bring the database library with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from explorer.store import queries
from explorer.store.queries.curve_sql import curve_sql
from explorer.tui import chart, humanize
from explorer.tui.curve_words import (
    TALL,
    View,
    arrival_words,
    columns_of,
    scale_of,
    size_page,
    time_page,
    time_scale,
)
from explorer.tui.mean_words import means_page
from explorer.tui.miss_words import misses_page, total_rows
from explorer.tui.questions import Questions
from explorer.tui.screens.curve_choices import CurveChoices, Found
from explorer.tui.text import clean
from explorer.tui.use_words import use_page
from explorer.tui.widgets.key_line import HELP, KeyLine
from explorer.tui.widgets.sheet import Row, Sheet, wrapped

if TYPE_CHECKING:
    from explorer.store.database import Cursor, Database
    from explorer.store.queries import Arrivals, Curve, Means, Misses
    from explorer.tui.opened import Opened

Page: TypeAlias = Literal["size", "time", "misses", "use", "means"]
PAGES: dict[Page, str] = {
    "size": "1 Size", "time": "2 Time", "misses": "3 Misses", "use": "4 In use", "means": "5 Means"
}  # fmt: skip

_SLOTS = 480
"""Stretches of time that are told apart: no fewer than a screen has columns."""


class CurveSheet(Sheet):
    """A page on which the sideways keys move the cursor of the plot."""

    class Moved(Message):
        """The cursor is to go so many columns on."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def action_scroll_left(self) -> None:
        """A column to the left."""
        self.post_message(self.Moved(-1))

    def action_scroll_right(self) -> None:
        """A column to the right."""
        self.post_message(self.Moved(1))


class CurvesScreen(CurveChoices):
    """Pages about the same prompts, and about the cache that the cursors of the first two choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "page('size')", "size", show=False, id="curves.size", tooltip="What each size of cache hits"),
        Binding("2", "page('time')", "time", show=False, id="curves.time", tooltip="What each time of keeping hits"),
        Binding("3", "page('misses')", "misses", show=False, id="curves.misses", tooltip="Why blocks miss"),
        Binding("4", "page('use')", "in use", show=False, id="curves.use", tooltip="Working sets, live footprint"),
        Binding("5", "page('means')", "means", show=False, id="curves.means", tooltip="Reuse in every mean"),
        Binding("tab", "turn", "page", key_display="1-5", id="curves.turn", tooltip="The next page"),
        Binding("H,shift+left", "move(-10)", "cursor", key_display="← → H L", id="curves.left",
                tooltip="The cursor of the plot by ten columns; ← → by one"),
        Binding("L,shift+right", "move(10)", "cursor right by ten", show=False, id="curves.right"),
        Binding("equals_sign", "enter_size", "enter size", key_display="=", id="curves.enter-size",
                tooltip="A size of cache as it is written: 24 GiB, 1228 blocks, 1.2M tokens"),
        Binding("b", "unit", "unit", id="curves.unit", tooltip="Sizes in blocks, tokens or GiB"),
        # Before the page's own g, which goes to its top, as home does.
        Binding("g", "model", "model", priority=True, id="curves.model", tooltip="Whose KV cache, for the size in GiB"),
        Binding("a", "arrivals", "share", id="curves.arrivals",
                tooltip="A cache for each conversation, or one for all: at once, in turn, at random"),
        Binding("plus", "gap(1)", "rarer", key_display="+ -", show=False, id="curves.rarer",
                tooltip="More time between random arrivals"),
        Binding("minus", "gap(-1)", "denser", show=False, id="curves.denser", tooltip="Less time between them"),
        Binding("n", "seed", "next seed", show=False, id="curves.seed", tooltip="Other random arrivals"),
        Binding("y", "copy", "copy SQL", show=False, id="curves.copy", tooltip="Copy the query for these figures"),
        Binding("escape,q,C", "close", "close", id="curves.close"),
        HELP,
    ]  # fmt: skip

    REST: ClassVar[float] = 0.15
    """Seconds the cursor must rest before the misses of its cache are counted."""

    def __init__(
        self,
        whose: str,
        node_id: str | None,
        conversation_id: str | None,
        own: bool,
        database: Database,
        copy: Callable[[str], None],
        note: str = "",
    ) -> None:
        super().__init__()
        self._note = note
        """What holds as long as not all is read."""
        self._whose = whose
        self.node_id = node_id
        self._conversation_id = conversation_id
        self._own = own
        self._database = database
        self._copy = copy
        self._page: Page = "size"
        self.view = View(0)
        self.found: Found | None = None
        self._shared: tuple[Curve, Curve] | None = None
        self._misses: Misses | None = None
        self._means: Means | None = None
        self._counted = False
        self._message = "playing caches over the prompts …"
        self._stop = Event()
        self.questions = Questions(self, self._failed)

    def compose(self) -> ComposeResult:
        """A page in a frame."""
        with Vertical(classes="dialog whole") as frame:
            frame.border_title = self._title()
            yield CurveSheet(self._lay_out, id="curve-page")
            yield KeyLine()

    def _title(self) -> Content:
        return Content(clean(f"Caches: {self._whose}{'   ' if self._note else ''}{self._note}"))

    def on_mount(self) -> None:
        """Ask for the curves."""
        self._tell_page()
        self._begin()

    def renew(self, opened: Opened) -> None:
        """All is read now: if this was opened before, ask again, with a cache for each conversation."""
        if not self._note:
            return
        self.on_unmount()
        self._note, self._database, self._stop = "", opened.database, Event()
        self.found, self._shared, self._misses, self._means, self._counted = None, None, None, None, False
        self.view.arrivals = None
        self.query_one(Vertical).border_title = self._title()
        self._begin()
        self.draw()

    def _begin(self) -> None:
        database, node_id, own = self._database, self.node_id, self._own
        stopped = self._stop

        def ask(cursor: Cursor) -> Found | None:
            database.compute(stopped.is_set)
            curves = queries.cache_curves(cursor, node_id, own)
            if curves is None:
                return None
            return Found(curves, queries.in_use(cursor, node_id, _SLOTS), queries.kv_models(cursor))

        def ask_means(cursor: Cursor) -> Means | None:
            database.compute(stopped.is_set)
            return queries.means(cursor, node_id, own)

        self.questions.ask("curves", database, ask, self._show)
        self.questions.ask("means", database, ask_means, self._show_means)

    def on_unmount(self) -> None:
        """Nobody waits for an answer any more."""
        self._stop.set()
        self.questions.drop_all()

    def _failed(self, error: Exception) -> None:
        self._message = f"This could not be asked: {error}"
        self.draw()

    def _show(self, found: Found | None) -> None:
        if found is None:
            self._message = "No step here has block ids. Only formats that record the blocks of prompts can show this."
        else:
            self.found = found
            self._aim()
        self.draw()

    def _show_means(self, means: Means | None) -> None:
        self._means, self._counted = means, True
        self.draw()

    # What is drawn

    def on_resize(self, event: events.Resize) -> None:
        """The plots follow the height."""
        self.draw()

    def draw(self, keep_scroll: bool = True) -> None:
        """Lay the page out again."""
        self.query_one(CurveSheet).show(self._lay_out, keep_scroll)

    def _tell_page(self) -> None:
        titles = (f"▸{title}" if page == self._page else f" {title}" for page, title in PAGES.items())
        self.query_one(Vertical).border_subtitle = "  ".join(titles)

    def _lay_out(self, width: int) -> Iterator[Row]:
        found, view, height = self.found, self.view, self.query_one(CurveSheet).size.height
        if found is None:
            yield from wrapped(self._message, width, "note")
        elif self._page == "size" and view.arrivals is not None and self._shared is None:
            yield from wrapped(arrival_words(view, found.curves), width)
            yield from wrapped("playing … (a plays another way, esc leaves)", width, "note")
        elif self._page == "size":
            yield from size_page(view, found.curves, self._shared, self._misses, width, height)
            yield from self._why(width, height)
        elif self._page == "time":
            yield from time_page(view, found.curves, width, height)
            yield from self._why(width, height)
        elif self._page == "misses":
            yield from misses_page(view, found.curves, self._misses, width)
        elif self._page == "use":
            yield from use_page(found.use, width, height)
        else:
            yield from means_page(self._means, self._counted, width)

    def _why(self, width: int, height: int) -> Iterator[Row]:
        """Below a plot, why the rest misses, where there is room."""
        view, misses = self.view, self._misses
        if height >= TALL and misses is not None and view.arrivals is None:
            kept = "for ever" if view.keep_ms is None else f"for {humanize.duration(view.keep_ms)}"
            blocks = humanize.plural(view.capacity, "block")
            yield []
            yield [
                (f"Why blocks miss in an LRU cache of {blocks} that keeps them {kept}", "title"),
                ("   page 3", "note"),
            ]
            yield from total_rows(misses.total, width)

    def _count_soon(self) -> None:
        """Count the misses of the cache at the cursors once they rest."""
        self._misses = None
        self.questions.drop("misses")
        view, database, node_id, own = self.view, self._database, self.node_id, self._own
        capacity, keep_ms = view.capacity, view.keep_ms

        def ask(cursor: Cursor) -> Misses | None:
            return queries.misses(cursor, node_id, own, capacity, keep_ms)

        def counted(misses: Misses | None) -> None:
            self._misses = misses
            self.draw()

        def begin() -> None:
            if (view.capacity, view.keep_ms) == (capacity, keep_ms):
                self.questions.ask("misses", database, ask, counted)

        if self.REST:
            self.set_timer(self.REST, begin)
        else:
            begin()

    # Keys

    def action_page(self, page: Page) -> None:
        """Turn to a page."""
        self._page = page
        self._tell_page()
        self.draw(keep_scroll=False)

    def action_turn(self) -> None:
        """Turn to the next page."""
        pages = list(PAGES)
        self.action_page(pages[(pages.index(self._page) + 1) % len(pages)])

    @on(CurveSheet.Moved)
    def _moved(self, event: CurveSheet.Moved) -> None:
        self.action_move(event.by)

    def action_move(self, by: int) -> None:
        """Move the cursor of the plot by columns."""
        if self.found is None:
            return
        columns = columns_of(self.query_one(CurveSheet).scrollable_content_region.width - 1)
        view, curves = self.view, self.found.curves
        if self._page == "size":
            lru = (self._shared or (curves.lru,))[0]
            view.capacity = chart.moved(scale_of(lru, columns), view.capacity, by)
        elif self._page == "time" and curves.kept is not None and curves.kept.most:
            scale = time_scale(curves.kept, columns)
            moved = chart.moved(scale, scale[-1] if view.keep_ms is None else view.keep_ms, by)
            view.keep_ms = None if moved == scale[-1] else moved
        else:
            return
        self._count_soon()
        self.draw()

    def play(self, arrivals: Arrivals | None) -> None:
        """Play one cache for all conversations; whoever was played before is stopped."""
        self._stop.set()
        self._stop = stop = Event()
        self.questions.drop("shared")
        self.view.arrivals, self._shared = arrivals, None
        if arrivals is not None:

            def ask(cursor: Cursor) -> tuple[Curve, Curve] | None:
                try:
                    return queries.shared_curves(cursor, arrivals, stop.is_set)
                except queries.Stopped:
                    return None

            self.questions.ask("shared", self._database, ask, self._played)
        self._aim()
        self.action_page("size")

    def _played(self, shared: tuple[Curve, Curve] | None) -> None:
        self._shared = shared
        self._aim()
        self.draw()

    def _aim(self) -> None:
        """Put the cursor where nine tenths are hit of what can be."""
        if self.found is not None:
            lru = (self._shared or (self.found.curves.lru,))[0]
            self.view.capacity = max(1, lru.reach(-(-lru.hits(lru.most) * 9 // 10)))
            self._count_soon()

    def aim_at(self, blocks: int) -> None:
        """Put the cursor at a size, and show what it hits; on the page about misses, why the rest does not."""
        self.view.capacity = blocks
        self._count_soon()
        self.action_page(self._page if self._page == "misses" else "size")

    def action_copy(self) -> None:
        """Copy the query that has these figures; of an agent or a run, that of its conversation."""
        view = self.view
        arrival = view.arrivals.order if view.arrivals else None
        self._copy(curve_sql(self._page, self._conversation_id, view.capacity, view.keep_ms, arrival))

    def action_help(self) -> None:
        """Show every key of this place."""
        from explorer.tui.screens.help import show_help

        show_help(self)

    def action_close(self) -> None:
        """Back to the tree."""
        self.dismiss()
