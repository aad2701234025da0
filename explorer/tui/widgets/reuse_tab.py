"""Reuse of a node: the summary above, the sibling matrix below; one of them at a time where there is little room."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize

from explorer.tui.widgets.reuse_summary import ReuseSummary, lay_out_reuse
from explorer.tui.widgets.sibling_grid import SiblingGrid

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.widget import Widget

    from explorer.store.database import Cursor
    from explorer.store.queries import ReuseTotals, SiblingMatrix
    from explorer.tui.state import State
    from explorer.tui.widgets.detail_tab import View

    Reuse = tuple[ReuseTotals | None, tuple[SiblingMatrix, int] | None]

_TALL = 27
"""Lines from which both halves are shown at once."""


class ReuseTab(Vertical, can_focus=False):
    """What was there already, and who had written it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("C", "screen.curves", "caches", id="reuse.curves", tooltip="What caches of every size would hit"),
        Binding("m", "switch", "matrix", id="reuse.matrix", tooltip="Summary or sibling matrix"),
        Binding("c", "cycle_measure", "compare by", id="reuse.measure", tooltip="Next measure of the matrix"),
    ]  # fmt: skip

    def __init__(self, state: State, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state = state
        self._totals: ReuseTotals | None = None
        self._group: tuple[SiblingMatrix, int] | None = None

    def compose(self) -> ComposeResult:
        """Both halves."""
        yield ReuseSummary(id="reuse-summary")
        yield SiblingGrid(id="sibling-grid")

    def question(self, view: View) -> Callable[[Cursor], Reuse]:
        """Where the node's blocks came from, and its siblings or children compared."""

        def ask(cursor: Cursor) -> Reuse:
            from explorer.store import queries

            node_id = view.node_id
            group = queries.sibling_matrix(cursor, node_id) if node_id is not None else None
            return queries.reuse_totals(cursor, node_id, view.own), group

        return ask

    async def answer(self, answer: Reuse, view: View, keep: bool) -> None:
        """Show them."""
        self._totals, self._group = answer
        self.query_one(SiblingGrid).show_matrix(self._group, view.node_id)
        self._lay_out(keep)
        self._arrange()

    def _lay_out(self, keep: bool) -> None:
        totals, group, unit = self._totals, self._group, self.state.unit
        self.query_one(ReuseSummary).show(lambda width: lay_out_reuse(totals, group, unit, width), keep)

    def on_resize(self, event: Resize) -> None:
        """Show both halves where they fit."""
        self.set_class(event.size.height < _TALL, "-short")
        self._arrange()

    def _arrange(self) -> None:
        summary, grid = self.query_one(ReuseSummary), self.query_one(SiblingGrid)
        both = not self.has_class("-short")
        matrix = self._group is not None and self._group[1] > 1
        on_matrix = self.has_class("-matrix")
        focused = summary.has_focus or grid.has_focus
        grid.display = matrix and (both or on_matrix)
        grid.styles.height = min(grid.wanted_height, self.size.height // 2) if both else "1fr"
        summary.display = both or not grid.display
        if focused and not (summary if summary.has_focus else grid).display:
            (grid if grid.display else summary).focus()
        self.refresh_bindings()

    def focus_target(self) -> Widget:
        """What takes the keys when the tab is entered."""
        grid = self.query_one(SiblingGrid)
        return grid if grid.display else self.query_one(ReuseSummary)

    def action_switch(self) -> None:
        """Go to the other half."""
        if self._group is None:
            self.notify("No siblings to compare here.", timeout=2)
            return
        summary, grid = self.query_one(ReuseSummary), self.query_one(SiblingGrid)
        to_matrix = not grid.has_focus
        self.set_class(to_matrix, "-matrix")
        self._arrange()
        (grid if to_matrix else summary).focus()

    def action_cycle_measure(self) -> None:
        """Compare siblings in the next way."""
        self.query_one(SiblingGrid).measure = self.state.cycle_measure()
        if self._group is not None and not self.query_one(SiblingGrid).display:
            self.action_switch()

    def show_unit(self) -> None:
        """Count in the unit that is set now."""
        self._lay_out(keep=True)
