"""What the main screen does with hand-offs: list those of a node, show both ends of one, go to either."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer.tui.screens.panes import Panes
from explorer.tui.widgets.detail_tab import OnHandOff

if TYPE_CHECKING:
    from explorer.store.database import Cursor
    from explorer.store.queries import HandOffs


class Following(Panes):
    """The dialogs about hand-offs, imported when they are first opened."""

    def action_handoffs(self) -> None:
        """List the hand-offs of the node, or of the timeline's row; with one in its cell, show that."""
        node = self.detail_pane.node
        place = self.focused.handoff if isinstance(self.focused, OnHandOff) else None
        if place is not None:
            self.open_handoffs(place[0], lambda found: _index(found, place[1]))
        else:
            self.open_handoffs(node.node_id if node else None, lambda _: None)

    def open_undelivered(self, node_id: str, run_id: str | None) -> None:
        """Show the hand-off that a finding tells never arrived."""

        def lost(found: HandOffs) -> int | None:
            missing = [index for index, one in enumerate(found.listed) if one.delivered is False]
            own = [
                index for index in missing if run_id in (found.listed[index].from_run_id, found.listed[index].to_run_id)
            ]
            return next(iter(own or missing), None)

        self.open_handoffs(node_id, lost)

    def open_handoffs(self, node_id: str | None, at: Callable[[HandOffs], int | None]) -> None:
        """List the hand-offs of a node; ``at`` says with which of them open."""
        opened = self.opened
        if opened is None:
            self.nothing_yet()
            return

        def ask(cursor: Cursor) -> tuple[HandOffs, str]:
            from explorer.store import queries

            node = queries.node(cursor, opened.tree, node_id) if node_id is not None else None
            name = " ".join(filter(None, (node.name, node.label if node.label != node.name else ""))) if node else ""
            whose = f"{name or node_id} and below" if node_id is not None else "everything that is open"
            return queries.handoffs(cursor, node_id), whose

        def show(answer: tuple[HandOffs, str]) -> None:
            from explorer.tui.screens.handoffs import HandOffsScreen

            found, whose = answer
            screen = HandOffsScreen(whose, found, opened.database, at(found))
            self.app.push_screen(screen, self.go_to_run)

        self.questions.ask("dialog", opened.database, ask, show)


def _index(found: HandOffs, edge_id: str | None) -> int | None:
    return next((index for index, one in enumerate(found.listed) if one.edge_id == edge_id), None)
