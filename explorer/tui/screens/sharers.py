"""What the main screen does about shared blocks: open the pages about a node, or about two runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from explorer.tui.opened import whose
from explorer.tui.screens.following import Following

if TYPE_CHECKING:
    from explorer.tui.widgets.sibling_grid import SiblingGrid


class Sharers(Following):
    """The dialogs about shared blocks and caches, imported when they are first opened."""

    def action_sharing(self) -> None:
        """Show who wrote the blocks of the node's prompts, and who read them."""
        opened, node = self.opened, self.detail_pane.node
        if opened is None:
            self.nothing_yet()
            return
        from explorer.tui.screens.sharing import SharingScreen
        from explorer.tui.sharing_pages import sharing_pages

        pages = partial(sharing_pages, node.node_id if node else None)
        self.app.push_screen(SharingScreen(pages, opened.database, self.so_far()), self.go_to_run)

    def on_sibling_grid_sibling_chosen(self, event: SiblingGrid.SiblingChosen) -> None:
        """Go to a sibling. Named, not decorated, because the matrix is imported later than this."""
        self.go_to_run(event.node_id)

    def on_sibling_grid_pair_chosen(self, event: SiblingGrid.PairChosen) -> None:
        """Show two runs aligned."""
        if self.opened is None:
            return
        from explorer.tui.screens.sharing import LinesScreen
        from explorer.tui.sharing_pages import pair_page

        page = pair_page(event.run_a, event.run_b)
        self.app.push_screen(LinesScreen(page, self.opened.database, self.so_far()), self.go_to_run)

    def action_curves(self) -> None:
        """Show what caches of every size would hit of the node's prompts."""
        opened, node = self.opened, self.detail_pane.node
        if opened is None:
            self.nothing_yet()
            return
        from explorer.tui.copying import copy
        from explorer.tui.screens.curves import CurvesScreen

        own = node is not None and self.state.own

        def copied(text: str) -> None:
            copy(self.app, text, lambda message: self.notify(message, title="Copied"))

        node_id, conversation_id = (node.node_id, node.conversation_id) if node else (None, None)
        screen = CurvesScreen(
            whose(node, own), node_id, conversation_id, own, opened.database, copied, self.so_far()
        )  # fmt: skip
        self.app.push_screen(screen)
