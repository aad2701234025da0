"""What the main screen does about queries and places: ask in SQL, and go where an answer, or ``--at``, says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.tui.screens.verbs import Verbs

if TYPE_CHECKING:
    from explorer.store.database import Cursor


class Asking(Verbs):
    """The dialog is imported when it is first opened."""

    def action_sql(self) -> None:
        """Ask in SQL, with a query about the step or the node to begin with."""
        if self.opened is None:
            self.nothing_yet()
            return
        from explorer.store import queries
        from explorer.tui.copying import copy
        from explorer.tui.screens.sql import SqlScreen

        node = self.detail_pane.node
        whose = " ".join(filter(None, (node.name, node.label if node.label != node.name else ""))) if node else ""

        def copied(text: str) -> None:
            copy(self.app, text, self._tell_copied)

        about = queries.about(node, self.step)
        screen = SqlScreen(lambda: self.opened, about, whose or "everything", self.state.asked, self.paths, copied)
        self.app.push_screen(screen, lambda place: self.go_to_place(place, "SQL") if place is not None else None)

    def go_to_place(self, place: str, title: str) -> None:
        """Go to a place as ``--at`` takes it; ``title`` stands above what is said where nothing is there."""
        opened = self.opened
        if opened is None:
            return

        def warn(words: str) -> None:
            self.notify(words, title=title, severity="warning", timeout=15)

        def found(answer: tuple[tuple[str, int | None] | None, list[str], tuple[int, int] | None]) -> None:
            at, near, steps = answer
            if at is None:
                hidden = "; the filter may hide it" if self.state.where else ""
                warn(f"Nothing is at {place}{hidden}." + "".join(f"\nNear it: {each}" for each in near))
                return
            node_id, step = at
            if step is not None and (steps is None or not steps[0] <= step <= steps[1]):
                there = f"its steps are {steps[0]:,} to {steps[1]:,}" if steps else "no steps of its own are recorded"
                warn(f"{place} is not there: {there}.")
            self.tree_pane.go_to(node_id, lambda there: self._show_step(step) if there and step is not None else None)

        def find(cursor: Cursor) -> tuple[tuple[str, int | None] | None, list[str], tuple[int, int] | None]:
            from explorer.store import queries

            at = queries.locate(cursor, opened.tree, place)
            if at is None:
                return None, queries.near(cursor, opened.tree, place), None
            return at, [], queries.step_range(cursor, at[0])

        self.questions.ask("jump", opened.database, find, found)

    def _show_step(self, step: int) -> None:
        async def show() -> None:
            await self.show_step(self.node.run_id if self.node else None, step)
            self._focus(self.detail_pane.focus_target(), True)  # so that keys act on the step

        self.call_later(show)
