"""The steps of a node: the grid, made anew for each table, and a line that says which steps these are."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from explorer.tui.humanize import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from textual.widget import Widget

    from explorer.store.database import Cursor
    from explorer.store.queries import Node
    from explorer.tui.widgets.detail_tab import View
    from explorer.tui.widgets.steps_grid import StepsGrid


class StepsTab(Vertical, can_focus=True):
    """Steps of the node alone, or with everything below it in order of time."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._find: Callable[[StepsGrid], int | None] | None = None
        """Which row to go to as soon as it is here."""

    def compose(self) -> ComposeResult:
        """The line; grids follow."""
        yield Static("", id="steps-line", markup=False)

    @property
    def grid(self) -> StepsGrid | None:
        """The grid that is shown now."""
        grids = self.query_children("StepsGrid")
        return cast("StepsGrid", grids.last()) if grids else None

    def aim(self, run_id: str | None, ordinal: int) -> None:
        """Put the cursor on this step, now or as soon as its table is here."""
        self._find = lambda grid: grid.find(run_id, ordinal)
        self._hit()

    def aim_at_trouble(self, node: Node, first: bool) -> None:
        """Put the cursor on the first or the last step of the node's run in which something failed."""
        self._find = lambda grid: grid.next_failed(node.run_id, None, first)
        self._hit()

    def step_trouble(self, node: Node, forward: bool) -> bool:
        """Go to the next step of the node's run in which something failed; False behind the last."""
        grid = self.grid
        row = grid.next_failed(node.run_id, grid.cursor_row, forward) if grid is not None else None
        if grid is None or row is None:
            return False
        grid.move_cursor(row=row)
        return True

    def question(self, view: View) -> Callable[[Cursor], pa.Table]:
        """The steps of the node, as an Arrow table."""

        def ask(cursor: Cursor) -> pa.Table:
            import explorer.tui.widgets.steps_grid  # noqa: F401  here, because it takes 0.2 s and this is a thread
            from explorer.store import queries

            return queries.steps(cursor, view.node_id, view.own)

        return ask

    def focus_target(self) -> Widget:
        """The grid, or the empty tab until it is here."""
        return self.grid or self

    async def answer(self, answer: pa.Table, view: View, keep: bool) -> None:
        """Show them in a new grid."""
        from explorer.tui.widgets.steps_grid import StepsGrid

        table = answer

        old = self.grid
        focused = self.has_focus or (old is not None and old.has_focus)
        place = (old.cursor_row, old.scroll_offset) if old is not None and keep else None
        async with self.batch():
            if old is not None:
                await old.remove()
            grid = StepsGrid(table)
            await self.mount(grid)
        own = view.own or (view.node is not None and view.node.is_proposed)
        self.query_one("#steps-line", Static).update(_line(table.num_rows, own, view.node, grid))
        if focused:
            grid.focus()
        if place is not None and place[0] < table.num_rows:
            grid.move_cursor(row=place[0])
            grid.scroll_to(*place[1], animate=False, immediate=True)
        self._hit()

    def _hit(self) -> None:
        grid = self.grid
        if self._find is not None and grid is not None and (row := self._find(grid)) is not None:
            grid.move_cursor(row=row)
            self._find = None


def _line(rows: int, own: bool, node: Node | None, grid: StepsGrid) -> str:
    left_out, failed = grid.left_out, grid.failed
    tail = f" · ✗ {failed:,} failed" if failed else ""
    tail += f" · e {grid.failed_tools:,} with failed tool calls" if grid.failed_tools else ""
    tail += f" · not recorded: {', '.join(left_out)}" if left_out else ""
    if own and not rows:
        return "No steps of its own · o: with everything below"
    if own or (node is not None and not node.children):
        return f"{plural(rows, 'step')} of its own{tail}"
    return f"{plural(rows, 'step')}, those below too, by time · o: own only{tail}"
