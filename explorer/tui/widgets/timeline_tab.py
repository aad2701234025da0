"""The timeline of a node: asks for the lanes, then for what is on the screen of them, then for the cursor's cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
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


class TimelineTab(Vertical, can_focus=False):
    """When the runs of the node and below it ran."""

    REST: ClassVar[float] = 0.04
    """Seconds in which nothing may move before anything is asked, so that held keys stay smooth."""

    def __init__(self, questions: Questions, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._questions = questions
        self._view: View | None = None
        self._waiting: dict[str, Timer] = {}
        self._sought: tuple[Place, int] | None = None
        """Where from, and how many marks further, the next one is looked for."""

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
        self._questions.drop("timeline-beside")
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
        view, shown, row = self._view, self.lanes, self.lanes.current
        if view is None or row is None:
            return
        place = shown.place
        # A key that is pressed before the last one was answered goes on from where that one leads to.
        by = event.by + (self._sought[1] if self._sought is not None and self._sought[0] == place else 0)
        self._sought = place, by
        cells, cell, span = _cells(shown.window, shown.wall), shown.cell, shown.span

        def ask(cursor: Cursor) -> float | None:
            from explorer.store import queries

            return queries.timeline_beside(
                cursor, view.opened.tree, view.node_id, view.own, _stretch(row), cells, cell, by
            )

        def found(moment: float | None) -> None:
            self._sought = None
            if shown.place != place:
                return
            if moment is None:
                self.notify(f"Nothing {'later' if by > 0 else 'earlier'} in this row.", timeout=2)
            elif not span.start <= moment <= span.end:
                self.notify("Only steps copied from another recording, of a time that is not shown.", timeout=4)
            else:
                shown.go_to(moment)

        self._questions.drop("timeline-beside")
        if by:
            self._questions.ask("timeline-beside", view.opened.database, ask, found)


def _stretch(row: Row) -> Stretch:
    from explorer.store.queries import Stretch

    return Stretch(row.first, row.last, row.grouped, row.own)


def _cells(window: Window, wall: bool) -> Cells:
    from explorer.store.queries import Cells

    return Cells(window.start, window.width, window.cells, wall)
