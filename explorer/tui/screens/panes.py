"""The panes of the main screen: the tree, the details of the node under the cursor, and the lines around them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from explorer.tui.opened import Renewed, kept_in_words
from explorer.tui.questions import Questions
from explorer.tui.state import State
from explorer.tui.widgets.agent_tree import AgentTree
from explorer.tui.widgets.crumbs import Crumbs
from explorer.tui.widgets.detail_pane import DetailPane
from explorer.tui.widgets.detail_tab import OnStep
from explorer.tui.widgets.key_line import KeyLine
from explorer.tui.widgets.loading_line import LoadingLine
from explorer.tui.widgets.title_line import TitleLine
from explorer.tui.widgets.tree_pane import TreePane

if TYPE_CHECKING:
    from explorer.store.ingest import Options
    from explorer.store.queries import Node, SortKey
    from explorer.tui.opened import Opened
    from explorer.tui.widgets.loading_line import Read

WIDE = 100
"""Columns from which tree and details stand side by side."""
TALL = 36
"""Lines from which they stand one above the other on a narrow screen; else one is shown at a time."""


class Panes(Screen[None]):
    """What is open, and where in it one is."""

    def __init__(self, paths: Sequence[Path], options: Options, state: State, read: Read | None = None) -> None:
        super().__init__()
        self._read = read
        self.paths = paths
        self.state = state
        self.opened: Opened | None = None
        self._options = options
        self.questions = Questions(self, self._question_failed)

    def compose(self) -> ComposeResult:
        """Two lines, the panes, the keys."""
        name = str(self.paths[0]) + (f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else "")
        yield TitleLine(name, id="title")
        yield Crumbs(id="crumbs")
        yield LoadingLine(self.paths, self._options, self._read, id="loading")
        with Container(id="panes"):
            yield TreePane(self.state, self.questions, id="left")
            yield DetailPane(self.state, self.questions, id="right")
        yield KeyLine()

    def on_unmount(self) -> None:
        """No thread may hold up the end of the program."""
        self.questions.drop_all()

    def _question_failed(self, error: Exception) -> None:
        self.notify(f"This could not be asked: {error}", title="Question failed", severity="error")

    @property
    def tree_pane(self) -> TreePane:
        """The left side."""
        return self.query_one(TreePane)

    @property
    def detail_pane(self) -> DetailPane:
        """The right side."""
        return self.query_one(DetailPane)

    @property
    def loading_line(self) -> LoadingLine:
        """The line that reads."""
        return self.query_one(LoadingLine)

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        return self.tree_pane.agents.node

    @property
    def step(self) -> tuple[str, int] | None:
        """Run and ordinal of the step under the cursor, where what has the keys shows steps."""
        return self.focused.chosen if isinstance(self.focused, OnStep) else None

    def nothing_yet(self) -> bool:
        """Whether there is nothing to ask yet; then that is said."""
        if self.opened is None:
            self.notify("Nothing is read yet: the first conversations are on their way.", timeout=2)
        return self.opened is None

    def so_far(self) -> str:
        """What holds of an answer while not all is read."""
        if self.opened is None or self.opened.complete:
            return ""
        return "still reading: of what is there by now" if self.loading_line.loading_now else "reading was stopped"

    # What is shown

    def take(self, opened: Opened) -> None:
        """Show other data, or the same through another filter."""
        # What dialogs ask stays true of the data they were opened on.
        self.questions.drop_all(but=("dialog", "filter"))
        opened = self.opened = opened.with_tree(opened.tree._replace(apart=self.state.apart))
        title = self.query_one(TitleLine)
        title.counts, title.complete = opened.counts, opened.complete
        self.state.where = opened.tree.where
        # The database before is not closed: dialogs and threads may ask it still. The last to let go frees it.
        self.tree_pane.show(opened)
        self.detail_pane.show(opened)
        self._tell_settings()
        if opened.complete:
            for screen in self.app.screen_stack:
                if isinstance(screen, Renewed):
                    # In its own turn: one that was opened just now has no widgets yet.
                    screen.call_later(self._renew, screen, opened)

    def _renew(self, screen: Screen[Any], opened: Opened) -> None:
        if screen in self.app.screen_stack and isinstance(screen, Renewed):
            screen.renew(opened)

    def sort_by(self, key: SortKey) -> None:
        """Sort the tree."""
        self.state.sort_by(key)
        self._tell_settings()
        self.tree_pane.reload()

    @on(AgentTree.SortRequested)
    def _sort_requested(self, event: AgentTree.SortRequested) -> None:
        self.sort_by(event.key)

    @on(AgentTree.NodeHighlighted)
    def _node_highlighted(self, event: AgentTree.NodeHighlighted) -> None:
        self.detail_pane.look_at(event.node)

    @on(TreePane.RootChanged)
    def _root_changed(self, event: TreePane.RootChanged) -> None:
        self._tell_path(event.path)
        self.refresh_bindings()

    def _tell_path(self, path: Sequence[Node]) -> None:
        top = self.paths[0].resolve().name if len(self.paths) == 1 else f"{len(self.paths)} paths"
        self.query_one(Crumbs).path = (
            (None, top or "/"),
            *((node.node_id, node.name or node.node_id) for node in path),
        )

    def _tell_settings(self) -> None:
        state, opened = self.state, self.opened
        settings = [f"sort: {state.sort_words}", "own numbers" if state.own else "totals"]
        if state.apart:
            settings.append("hidden agents apart: a proposal")
        if state.where:
            settings.append(f"filter: {state.where}{kept_in_words(opened.tree, state.own) if opened else ''}")
        if self.loading_line.following:
            settings[-1] = f"● following   {settings[-1]}"  # what stands last is not left out
        self.query_one(Crumbs).settings = tuple(settings)

    @on(Crumbs.Chosen)
    def _crumb_chosen(self, event: Crumbs.Chosen) -> None:
        if event.node_id == self.state.root:
            self.detail_pane.look_at(self.node if event.node_id else None)
            self.show_details()
        else:
            self.tree_pane.up_to(event.node_id)

    def on_resize(self, event: events.Resize) -> None:
        """Side by side, one above the other, or one at a time."""
        wide = event.size.width >= WIDE
        self.set_class(not wide and event.size.height >= TALL, "-stacked")
        self.set_class(not wide and event.size.height < TALL, "-single")

    def on_descendant_focus(self) -> None:
        """Show the side that has the keys."""
        self.set_class(self._in_details(), "-detail")

    def _in_details(self) -> bool:
        return self.focused is not None and self.detail_pane in self.focused.ancestors_with_self

    def _focus(self, widget: Widget, in_details: bool) -> None:
        self.set_class(in_details, "-detail")
        widget.focus()

    def show_details(self) -> None:
        """Where one side is shown at a time, show the details: a key must not act on what is hidden."""
        if not self._in_details() and (self.has_class("-single") or self.has_class("-zoomed")):
            self._focus(self.detail_pane.focus_target(), True)

    @on(TreePane.LeafEntered)
    def _leaf_entered(self) -> None:
        self._focus(self.detail_pane.focus_target(), True)

    # Going somewhere

    def go_to_run(self, node_id: str | None) -> None:
        """Go to the node that a dialog answered with, if any."""
        if node_id is None:
            return

        def arrived(found: bool) -> None:
            if not found:
                self.notify("The filter hides this run.", severity="warning")

        self.tree_pane.go_to(node_id, arrived)
        self.tree_pane.agents.focus()

    async def show_messages(self, run_id: str, ordinal: int) -> None:
        """Show the messages from what a step wrote on."""
        await self.detail_pane.aim_at_messages(run_id, ordinal)
        self._focus(self.detail_pane.focus_target(), True)
