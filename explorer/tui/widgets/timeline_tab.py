"""The timeline of a node: asks for the lanes, then for what is on the screen of them, then for the cursor's cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer

from explorer.tui.widgets.timeline import TimelineLanes

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.widget import Widget

    from explorer.store.database import Cursor
    from explorer.store.queries import Cells, Spot, Stretch, Ticks, Timeline
    from explorer.tui.lanes import Row
    from explorer.tui.questions import Questions
    from explorer.tui.time_scale import Window
    from explorer.tui.widgets.detail_tab import View
    from explorer.tui.widgets.timeline import Place


Answer = TypeVar("Answer")


class TimelineTab(Vertical, can_focus=False):
    """When the runs of the node and below it ran."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "failed(1)", "failed", key_display="e E", id="timeline.next_failed",
                tooltip="Next in time of all that failed here: steps, tool calls, runs, and what never arrived"),
        Binding("E", "failed(-1)", "previous failed", show=False, id="timeline.previous_failed",
                tooltip="Previous in time of what failed here"),
    ]  # fmt: skip

    REST: ClassVar[float] = 0.04
    """Seconds in which nothing may move before anything is asked, so that held keys stay smooth."""

    def __init__(self, questions: Questions, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._questions = questions
        self._view: View | None = None
        self._waiting: dict[str, Timer] = {}
        self._sought: tuple[str, Place, int] | None = None
        """Which key, where from, and how many places further, is looked for."""
        self._aim: tuple[str, int] | None = None
        """The step that the cursor is to be put on once the lanes are here."""

    def compose(self) -> ComposeResult:
        """The lanes draw everything."""
        yield TimelineLanes(id="lanes")

    @property
    def lanes(self) -> TimelineLanes:
        """What draws."""
        return self.query_one(TimelineLanes)

    def question(self, view: View) -> Callable[[Cursor], Timeline]:
        """The lanes of the node."""

        def ask(cursor: Cursor) -> Timeline:
            from explorer.store import queries

            return queries.timeline(cursor, view.opened.tree, view.node_id, view.own)

        return ask

    async def answer(self, answer: Timeline, view: View, keep: bool) -> None:
        """Show them. What was asked of those before is of no use any more."""
        self._questions.drop("timeline")
        self._questions.drop("timeline-spot")
        self._questions.drop("timeline-sought")
        self._view = view
        self.lanes.show(answer, keep)
        self._hit()

    def let_go(self) -> None:
        """Ask no more of these data."""
        self._view = None

    def aim(self, run_id: str, ordinal: int) -> None:
        """Put the cursor on a step, now or as soon as its lanes are here."""
        self._aim = (run_id, ordinal)
        self._hit()

    def _hit(self) -> None:
        view, aim, wall = self._view, self._aim, self.lanes.wall
        if view is None or aim is None:
            return

        def ask(cursor: Cursor) -> tuple[int, float] | None:
            from explorer.store import queries

            return queries.timeline_step(cursor, view.opened.tree, view.node_id, view.own, wall, *aim)

        def found(place: tuple[int, float] | None) -> None:
            if self._aim == aim and place is not None:
                self._aim = None
                self.lanes.go_to_row(*place)

        self._questions.ask("timeline-aim", view.opened.database, ask, found)

    def focus_target(self) -> Widget:
        """The lanes."""
        return self.lanes

    @on(TimelineLanes.CellsWanted)
    def _cells_wanted(self) -> None:
        self._soon("timeline", self._ask_cells)

    @on(TimelineLanes.SpotWanted)
    def _spot_wanted(self) -> None:
        # An answer that is on its way is about another cell.
        self._questions.drop("timeline-spot")
        self._soon("timeline-spot", self._ask_spot)

    def _soon(self, group: str, ask: Callable[[], None]) -> None:
        if (timer := self._waiting.pop(group, None)) is not None:
            timer.stop()
        if self.REST:
            self._waiting[group] = self.set_timer(self.REST, ask)
        else:
            ask()

    def _ask_cells(self) -> None:
        view, shown = self._view, self.lanes
        if view is None or shown.window.cells <= 0:
            return
        rows, window, wall = shown.rows_near(), shown.window, shown.wall

        def ask(cursor: Cursor) -> Ticks:
            from explorer.store import queries

            stretches = [_stretch(row) for row in rows]
            return queries.timeline_ticks(
                cursor, view.opened.tree, view.node_id, view.own, stretches, _cells(window, wall)
            )

        self._questions.ask(
            "timeline", view.opened.database, ask, lambda answer: shown.take_cells(answer, window, rows)
        )

    def _ask_spot(self) -> None:
        view, shown, row = self._view, self.lanes, self.lanes.current
        if view is None or row is None or not row.drawn or shown.window.cells <= 0:
            shown.take_spot(None)
            return
        cells, cell = _cells(shown.window, shown.wall), shown.cell

        def ask(cursor: Cursor) -> Spot:
            from explorer.store import queries

            return queries.timeline_spot(cursor, view.opened.tree, view.node_id, view.own, _stretch(row), cells, cell)

        self._questions.ask("timeline-spot", view.opened.database, ask, shown.take_spot)

    @on(TimelineLanes.BesideWanted)
    def _beside_wanted(self, event: TimelineLanes.BesideWanted) -> None:
        shown, row = self.lanes, self.lanes.current
        if row is None:
            return
        cells, cell = _cells(shown.window, shown.wall), shown.cell

        def seek(cursor: Cursor, view: View, by: int) -> float | None:
            from explorer.store import queries

            return queries.timeline_beside(
                cursor, view.opened.tree, view.node_id, view.own, _stretch(row), cells, cell, by
            )

        def found(moment: float) -> None:
            if shown.span.start <= moment <= shown.span.end:
                shown.go_to(moment)
            else:
                self.notify("Only steps copied from another recording, of a time that is not shown.", timeout=4)

        self._seek("beside", event.by, seek, found, "Nothing {} in this row.")

    def action_failed(self, by: int) -> None:
        """Go to the next or previous thing that failed, in whatever row."""
        shown, row = self.lanes, self.lanes.current
        if row is None:
            return
        cells, cell = _cells(shown.window, shown.wall), shown.cell
        position = row.last if row.hides and by > 0 else row.first

        def seek(cursor: Cursor, view: View, by: int) -> tuple[int, float] | None:
            from explorer.store import queries

            return queries.timeline_failed(cursor, view.opened.tree, view.node_id, view.own, cells, cell, position, by)

        self._seek("failed", by, seek, lambda place: shown.go_to_row(*place), "Nothing failed {} than here.")

    def _seek(
        self, key: str, by: int, seek: Callable[[Cursor, View, int], Answer | None],
        found: Callable[[Answer], object], nothing: str,
    ) -> None:  # fmt: skip
        """Ask where a key leads to, and go there unless the cursor has gone on meanwhile."""
        view, place = self._view, self.lanes.place
        if view is None:
            return
        # A key that is pressed before the last one was answered goes on from where that one leads to.
        by += self._sought[2] if self._sought is not None and self._sought[:2] == (key, place) else 0
        self._sought = key, place, by

        def answered(answer: Answer | None) -> None:
            self._sought = None
            if self.lanes.place != place:
                return
            if answer is None:
                self.notify(nothing.format("later" if by > 0 else "earlier"), timeout=2)
            else:
                found(answer)

        self._questions.drop("timeline-sought")
        if by:
            self._questions.ask(
                "timeline-sought", view.opened.database, lambda cursor: seek(cursor, view, by), answered
            )


def _stretch(row: Row) -> Stretch:
    from explorer.store.queries import Stretch

    return Stretch(row.first, row.last, row.grouped, row.own)


def _cells(window: Window, wall: bool) -> Cells:
    from explorer.store.queries import Cells

    return Cells(window.start, window.width, window.cells, wall)
