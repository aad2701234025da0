"""What the main screen does with hand-offs: list those of a node, show both ends of one, go to either."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from explorer.tui.screens.panes import Panes
from explorer.tui.widgets.detail_tab import OnHandOff

if TYPE_CHECKING:
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

        from explorer.tui.screens.handoffs import HandOffsScreen, Listing, listing

        def show(found: Listing) -> None:
            screen = HandOffsScreen(node_id, found, opened.database, self.so_far(), at(found.handoffs))
            self.app.push_screen(screen, self.go_to_run)

        self.questions.ask("dialog", opened.database, listing(opened, node_id), show)


def _index(found: HandOffs, edge_id: str | None) -> int | None:
    return next((index for index, one in enumerate(found.listed) if one.edge_id == edge_id), None)
