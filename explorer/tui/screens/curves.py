"""Caches of every size over the prompts of a node: what they hit, why they miss, and what is in use at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen

from explorer.tui import chart, humanize
from explorer.tui.curve_words import (
    TALL,
    UNITS,
    View,
    arrival_words,
    columns_of,
    scale_of,
    size_page,
    time_page,
    time_scale,
)
from explorer.tui.miss_words import misses_page, total_rows
from explorer.tui.questions import Questions
from explorer.tui.screens.bytes import BytesScreen
from explorer.tui.screens.menu import Choice, MenuScreen
from explorer.tui.text import clean
from explorer.tui.use_words import use_page
from explorer.tui.widgets.key_line import KeyLine
from explorer.tui.widgets.sheet import Row, Sheet, wrapped

if TYPE_CHECKING:
    from explorer.store.database import Cursor, Database
    from explorer.store.queries import Arrivals, CacheCurves, Curve, InUse, KvModel, Misses

Page: TypeAlias = Literal["size", "time", "misses", "use"]
PAGES: dict[Page, str] = {"size": "1 Size", "time": "2 Time", "misses": "3 Misses", "use": "4 In use"}

_GAPS_MS = (30_000, 60_000, 300_000, 900_000, 3_600_000)
"""Mean times between random arrivals to choose from."""
_SLOTS = 480
"""Stretches of time that are told apart: no fewer than a screen has columns."""
_OTHER = "other"


class Found(NamedTuple):
    """What is shown, once it is there."""

    curves: CacheCurves
    use: InUse | None
    models: list[KvModel]


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


class CurvesScreen(ModalScreen[None]):
    """Four pages about the same prompts, and about the cache that the cursors of the first two choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "page('size')", "size", show=False, id="curves.size", tooltip="What each size of cache hits"),
        Binding("2", "page('time')", "time", show=False, id="curves.time", tooltip="What each time of keeping hits"),
        Binding("3", "page('misses')", "misses", show=False, id="curves.misses", tooltip="Why blocks miss"),
        Binding("4", "page('use')", "in use", show=False, id="curves.use", tooltip="Working sets, live footprint"),
        Binding("tab", "turn", "next page", key_display="1-4", id="curves.turn", tooltip="The next page"),
        Binding("H,shift+left", "move(-10)", "cursor", key_display="← → H L", id="curves.left",
                tooltip="The cursor of the plot by ten columns; ← → by one"),
        Binding("L,shift+right", "move(10)", "cursor right by ten", show=False, id="curves.right"),
        Binding("b", "unit", "blocks/tokens/GiB", id="curves.unit"),
        Binding("a", "arrivals", "share a cache", id="curves.arrivals",
                tooltip="A cache for each conversation, or one for all: at once, in turn, at random"),
        Binding("plus", "gap(1)", "rarer", key_display="+ -", show=False, id="curves.rarer",
                tooltip="More time between random arrivals"),
        Binding("minus", "gap(-1)", "denser", show=False, id="curves.denser", tooltip="Less time between them"),
        Binding("n", "seed", "next seed", show=False, id="curves.seed", tooltip="Other random arrivals"),
        Binding("g", "model", "model for GiB", id="curves.model", tooltip="Whose KV cache, for the size in GiB"),
        Binding("y", "copy", "copy SQL", show=False, id="curves.copy", tooltip="Copy the query for these figures"),
        Binding("escape,q,C", "close", "close", id="curves.close"),
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
    ) -> None:
        super().__init__()
        self._whose = whose
        self._node_id = node_id
        self._conversation_id = conversation_id
        self._own = own
        self._database = database
        self._copy = copy
        self._page: Page = "size"
        self._view = View(0)
        self._found: Found | None = None
        self._shared: tuple[Curve, Curve] | None = None
        self._misses: Misses | None = None
        self._message = "playing caches over the prompts …"
        self._stop = Event()
        self.questions = Questions(self, self._failed)

    def compose(self) -> ComposeResult:
        """A page in a frame."""
        with Vertical(classes="dialog whole") as frame:
            frame.border_title = Content(clean(f"Caches: {self._whose}"))
            yield CurveSheet(self._lay_out, id="curve-page")
            yield KeyLine()

    def on_mount(self) -> None:
        """Ask for the curves."""
        self._tell_page()
        database, node_id, own = self._database, self._node_id, self._own
        stopped = self._stop

        def ask(cursor: Cursor) -> Found | None:
            from explorer.store import queries

            database.compute(stopped.is_set)
            curves = queries.cache_curves(cursor, node_id, own)
            if curves is None:
                return None
            return Found(curves, queries.in_use(cursor, node_id, _SLOTS), queries.kv_models(cursor))

        self.questions.ask("curves", database, ask, self._show)

    def on_unmount(self) -> None:
        """Nobody waits for an answer any more."""
        self._stop.set()
        self.questions.drop_all()

    def _failed(self, error: Exception) -> None:
        self._message = f"This could not be asked: {error}"
        self._draw()

    def _show(self, found: Found | None) -> None:
        if found is None:
            self._message = "No step here has block ids. Only formats that record the blocks of prompts can show this."
        else:
            self._found = found
            self._aim()
        self._draw()

    # What is drawn

    def on_resize(self, event: events.Resize) -> None:
        """The plots follow the height."""
        self._draw()

    def _draw(self, keep_scroll: bool = True) -> None:
        self.query_one(CurveSheet).show(self._lay_out, keep_scroll)

    def _tell_page(self) -> None:
        titles = (f"▸{title}" if page == self._page else f" {title}" for page, title in PAGES.items())
        self.query_one(Vertical).border_subtitle = "  ".join(titles)

    def _lay_out(self, width: int) -> Iterator[Row]:
        found, view, height = self._found, self._view, self.query_one(CurveSheet).size.height
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
        else:
            yield from use_page(found.use, width, height)

    def _why(self, width: int, height: int) -> Iterator[Row]:
        """Below a plot, why the rest misses, where there is room."""
        view, misses = self._view, self._misses
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
        view, database, node_id, own = self._view, self._database, self._node_id, self._own
        capacity, keep_ms = view.capacity, view.keep_ms

        def ask(cursor: Cursor) -> Misses | None:
            from explorer.store import queries

            return queries.misses(cursor, node_id, own, capacity, keep_ms)

        def counted(misses: Misses | None) -> None:
            self._misses = misses
            self._draw()

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
        self._draw(keep_scroll=False)

    def action_turn(self) -> None:
        """Turn to the next page."""
        pages = list(PAGES)
        self.action_page(pages[(pages.index(self._page) + 1) % len(pages)])

    @on(CurveSheet.Moved)
    def _moved(self, event: CurveSheet.Moved) -> None:
        self.action_move(event.by)

    def action_move(self, by: int) -> None:
        """Move the cursor of the plot by columns."""
        if self._found is None:
            return
        columns = columns_of(self.query_one(CurveSheet).scrollable_content_region.width - 1)
        view, curves = self._view, self._found.curves
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
        self._draw()

    def action_unit(self) -> None:
        """Label the sizes in the next unit."""
        if self._found is None:
            return
        if self._found.curves.block_tokens is None:
            self.notify("How many tokens a block holds was not recorded, or differs.", timeout=3)
            return
        self._view.unit = UNITS[(UNITS.index(self._view.unit) + 1) % len(UNITS)]
        if self._view.unit == "GiB" and self._view.model is None:
            self.action_model()
        self._draw()

    def action_model(self) -> None:
        """Choose whose KV cache it is."""
        found, chosen = self._found, self._view.model
        if found is None:
            return
        choices = [
            Choice(
                model.name,
                model.name,
                f"{model.bytes_per_token / 1024:,.1f} KiB a token",
                chosen is not None and model.name == chosen[0],
            )
            for model in found.models
        ]
        choices.append(Choice(_OTHER, "another model", "enter the bytes that a token takes"))
        hint = "2 bytes for each value of the cache, by its published config.json   enter chooses"
        self.app.push_screen(MenuScreen("KV cache of", choices, hint), self._model_chosen)

    def _model_chosen(self, name: str | None) -> None:
        sizes = {model.name: model.bytes_per_token for model in self._found.models} if self._found else {}
        if name == _OTHER:
            self.app.push_screen(BytesScreen(), self._bytes_entered)
        elif name is not None:
            self._take_model(name, sizes[name])
        elif self._view.model is None and self._view.unit == "GiB":
            self._view.unit = "tokens"
            self._draw()

    def _bytes_entered(self, size: int | None) -> None:
        if size is not None:
            self._take_model(f"{humanize.number(size)} bytes a token", size)
        else:
            self._model_chosen(None)

    def _take_model(self, name: str, size: int) -> None:
        self._view.model = (name, size)
        self._view.unit = "GiB"
        self._draw()

    def action_arrivals(self) -> None:
        """Let all conversations share a cache, in the next way; or none."""
        from explorer.store.queries import Arrivals  # which loads the database with it, as this screen has by now

        if self._found is None:
            return
        if self._node_id is not None or self._found.curves.conversations < 2:
            self.notify("Conversations can share a cache where several are shown: everything that is open.", timeout=4)
            return
        now = self._view.arrivals
        if now is None:
            self._play(Arrivals("at_once"))
        elif now.order == "at_once":
            self._play(Arrivals("in_turn"))
        else:
            self._play(Arrivals("poisson") if now.order == "in_turn" else None)

    def action_gap(self, by: int) -> None:
        """Let random arrivals come in another mean time of each other."""
        now = self._view.arrivals
        if now is None or now.order != "poisson":
            self.notify("Only random arrivals have a mean time between them: a, until they are.", timeout=3)
            return
        at = _GAPS_MS.index(now.gap_ms) + by
        if 0 <= at < len(_GAPS_MS):
            self._play(now._replace(gap_ms=_GAPS_MS[at]))

    def action_seed(self) -> None:
        """Draw other random arrivals."""
        now = self._view.arrivals
        if now is None or now.order != "poisson":
            self.notify("Only random arrivals have a seed: a, until they are.", timeout=3)
        else:
            self._play(now._replace(seed=now.seed + 1))

    def _play(self, arrivals: Arrivals | None) -> None:
        """Play one cache for all conversations; whoever was played before is stopped."""
        self._stop.set()
        self._stop = stop = Event()
        self.questions.drop("shared")
        self._view.arrivals, self._shared = arrivals, None
        if arrivals is not None:

            def ask(cursor: Cursor) -> tuple[Curve, Curve] | None:
                from explorer.store import queries

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
        self._draw()

    def _aim(self) -> None:
        """Put the cursor where nine tenths are hit of what can be."""
        if self._found is not None:
            lru = (self._shared or (self._found.curves.lru,))[0]
            self._view.capacity = max(1, lru.reach(-(-lru.hits(lru.most) * 9 // 10)))
            self._count_soon()

    def action_copy(self) -> None:
        """Copy the query that has these figures; of an agent or a run, that of its conversation."""
        from explorer.store.queries.curve_sql import curve_sql

        view = self._view
        arrival = view.arrivals.order if view.arrivals else None
        self._copy(curve_sql(self._page, self._conversation_id, view.capacity, view.keep_ms, arrival))

    def action_close(self) -> None:
        """Back to the tree."""
        self.dismiss()
