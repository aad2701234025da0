"""The main screen: what is open, the tree, the details of the node under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from explorer.tui.screens.asking import Asking
from explorer.tui.state import State, Tab
from explorer.tui.widgets.key_line import HELP
from explorer.tui.widgets.loading_line import LoadingLine

if TYPE_CHECKING:
    from textual.command import Provider

    from explorer.store.ingest import Options
    from explorer.tui.widgets.loading_line import Read
    from explorer.tui.widgets.timeline import TimelineLanes


def _node_provider() -> type[Provider]:
    # Imported when the palette opens.
    from explorer.tui.palette import NodeProvider

    return NodeProvider


class MainScreen(Asking):
    """Tree on the left, details on the right, and the lines that say what is shown and what is not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "back", "back", id="go.back", tooltip="Out of the details, then back up"),
        Binding("escape", "stop", "stop reading", id="data.stop"),
        Binding("escape", "everything", "see all", id="go.everything", tooltip="Details of everything that is open"),
        Binding("right_square_bracket", "sibling(1)", "sibling", key_display="] [", id="go.sibling",
                tooltip="Next sibling"),
        Binding("left_square_bracket", "sibling(-1)", "previous sibling", show=False, id="go.previous_sibling"),
        Binding("e", "finding(True)", "finding", key_display="e E", id="go.next_finding",
                tooltip="Next finding, failed step or failed tool call"),
        Binding("E", "finding(False)", "previous finding or failure", show=False, id="go.previous_finding"),
        Binding("slash", "search", "search", key_display="/", id="go.search", tooltip="Search names, ids and models"),
        Binding("n", "hit(1)", "next hit", show=False, id="go.next_hit"),
        Binding("N", "hit(-1)", "previous hit", show=False, id="go.previous_hit"),
        Binding("tab", "switch_pane", "switch", id="view.switch", tooltip="Between the tree and the details"),
        Binding("shift+tab", "switch_pane", "switch back", show=False, id="view.switch_back"),
        Binding("1", "tab('overview')", "Overview", show=False, id="view.overview"),
        Binding("2", "tab('steps')", "Steps", show=False, id="view.steps"),
        Binding("3,t", "tab('timeline')", "Timeline", show=False, id="view.timeline"),
        Binding("4,r", "tab('reuse')", "Reuse", show=False, id="view.reuse"),
        Binding("5", "tab('messages')", "Messages", show=False, id="view.messages"),
        Binding("m", "messages", "messages", show=False, id="view.messages_of",
                tooltip="Messages, from the step under the cursor on"),
        Binding("6", "tab('findings')", "Findings", show=False, id="view.findings"),
        Binding("o", "own", "own/total", id="view.own", tooltip="Numbers of a node alone, or with all below"),
        Binding("d", "handoffs", "hand-offs", id="go.handoffs",
                tooltip="Hand-offs: what runs asked of each other and what came back, as both ends have it"),
        Binding("w", "sharing", "who shares", id="go.sharing",
                tooltip="Who wrote the blocks of prompts and who read them: prefix ladder and prefix tree"),
        Binding("C", "curves", "caches", show=False, id="go.curves", tooltip="What caches of every size would hit"),
        Binding("A", "apart", "hidden agents", show=False, id="view.apart",
                tooltip="Agents that seem to be hidden in runs: lines of their own, a proposal, or as recorded"),
        Binding("b", "unit", "blocks/tokens", show=False, id="view.unit", tooltip="Reuse in blocks or in tokens"),
        Binding("z", "zoom", "zoom", show=False, id="view.zoom", tooltip="Whole screen for one side"),
        Binding("f", "filter", "filter", id="data.filter", tooltip="Keep the runs for which a condition holds"),
        Binding("s", "sort", "sort", id="data.sort", tooltip="Choose what the tree is sorted by"),
        Binding("S", "reverse", "sort the other way round", show=False, id="data.reverse"),
        Binding("x", "export", "export", id="data.export", tooltip="Write the runs that are shown as Parquet"),
        Binding("y", "copy", "copy", id="data.copy", tooltip="Copy an id, a row, a command"),
        Binding("colon", "sql", "SQL", key_display=":", id="go.sql",
                tooltip="Ask anything in SQL, with the tables and views beside it"),
        Binding("ctrl+r", "read_on", "read on", show=False, id="data.read_on", tooltip="Go on reading, or read again"),
        Binding("ctrl+c", "stop_all", "stop reading and following", show=False, id="data.stop_all"),
        Binding("F", "follow", "follow", show=False, id="data.follow", tooltip="Read what changes as it is written"),
        HELP,
        Binding("q", "app.quit", "quit", show=False, id="app.quit"),
    ]  # fmt: skip

    AUTO_FOCUS = "#tree"
    COMMANDS: ClassVar = {_node_provider}

    def __init__(
        self, paths: Sequence[Path], options: Options, state: State, place: str | None, read: Read | None = None
    ) -> None:
        super().__init__(paths, options, state, read)
        self._place = place

    def on_mount(self) -> None:
        """Say where we are, and read once the first frame is on the screen."""
        self._tell_path([])
        self.call_after_refresh(self.loading_line.start_soon, self.state.where)
        if self._options.follow:
            self.loading_line.follow(True)
            self._tell_settings()

    # Data arrives

    @on(LoadingLine.Loaded)
    def _loaded(self, event: LoadingLine.Loaded) -> None:
        self.take(event.opened)

    @on(LoadingLine.Finished)
    def _finished(self) -> None:
        from explorer.tui.screens.trouble import TroubleScreen, nothing_read

        opened = self.opened
        self.refresh_bindings()
        if isinstance(self.app.screen, TroubleScreen):
            self.app.screen.dismiss()  # it was about an earlier reading
        if opened is not None and not opened.counts.conversations:
            self.app.push_screen(TroubleScreen(nothing_read(opened.counts, self.paths), fatal=True))
        elif self._place is not None:
            place, self._place = self._place, None
            self.go_to_place(place, "--at")

    @on(LoadingLine.Stopped)
    def _stopped(self) -> None:
        self._tell_settings()
        self.refresh_bindings()

    @on(LoadingLine.Failed)
    def _failed(self, event: LoadingLine.Failed) -> None:
        from explorer.tui.screens.trouble import TroubleScreen, causes

        self._tell_settings()
        self.app.push_screen(TroubleScreen(causes(event.error), fatal=self.opened is None))

    # Keys

    def action_switch_pane(self) -> None:
        """Between tree and details."""
        if self._in_details():
            self._focus(self.tree_pane.agents, False)
        else:
            self._focus(self.detail_pane.focus_target(), True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape leaves the details or the root; at the top it stops a reading that is in view, or shows everything."""
        if not self.is_mounted:
            return True
        inside = self._in_details() or self.tree_pane.searching or self.state.root is not None
        match action:
            case "back":
                return inside
            case "stop":
                return self.loading_line.escape_stops
            case "stop_all":
                return self.loading_line.loading_now or self.loading_line.following
            case "everything":
                return not inside and not self.loading_line.escape_stops
            case _:
                return True

    def action_back(self) -> None:
        """Out of the details, then out of the search, then up."""
        if self._in_details():
            self._focus(self.tree_pane.agents, False)
        elif self.tree_pane.searching:
            self.tree_pane.end_search()
        else:
            self.tree_pane.back()

    def action_everything(self) -> None:
        """Show the details of everything that is open."""
        self.detail_pane.look_at(None)
        self.show_details()

    async def action_tab(self, tab: Tab) -> None:
        """Bring a tab forward; where only one side fits, show it."""
        step = self.step
        if tab == "timeline" and self.state.tab == "steps" and step is not None:
            await self.detail_pane.aim_in_time(*step)
        else:
            await self.detail_pane.choose(tab)
        if self._in_details():
            self._focus(self.detail_pane.focus_target(), True)
        self.show_details()

    async def action_messages(self) -> None:
        """Show the messages, from what the step under the cursor wrote on."""
        step = self.step
        if step is None:
            await self.action_tab("messages")
        else:
            await self.show_messages(*step)

    def action_own(self) -> None:
        """Between own numbers and totals."""
        self.state.own = not self.state.own
        tree = self.tree_pane.agents
        tree.own = self.state.own
        if self.state.sort not in ("order", "name"):
            self.tree_pane.reload()
        self.detail_pane.refresh_all()
        self._tell_settings()

    async def action_unit(self) -> None:
        """Count reuse in blocks or in tokens."""
        from explorer.tui.widgets.reuse_tab import ReuseTab

        self.state.unit = "tokens" if self.state.unit == "blocks" else "blocks"
        await self.detail_pane.choose("reuse")
        self.query_one(ReuseTab).show_unit()
        self.show_details()

    def action_zoom(self) -> None:
        """Give the whole screen to the side that has the keys."""
        self.toggle_class("-zoomed")

    def action_sibling(self, by: int) -> None:
        """Go to the next or previous sibling."""
        self.tree_pane.go_sibling(by)

    async def action_search(self) -> None:
        """Search the tree."""
        self.set_class(False, "-detail")
        await self.tree_pane.begin_search()

    def action_hit(self, by: int) -> None:
        """Go to the next or previous hit."""
        self.tree_pane.step_search(by)

    def action_stop(self) -> None:
        """Stop reading; what was read stays."""
        self.loading_line.stop()

    def action_stop_all(self) -> None:
        """Stop reading, and follow no longer."""
        if self.loading_line.loading_now:
            self.loading_line.stop()  # which ends following
        else:
            self.action_follow()

    def action_read_on(self) -> None:
        """Read again; what has not changed comes from the cache."""
        self.loading_line.start_again()

    def action_follow(self) -> None:
        """Read what changes as it is written, or no longer."""
        self.loading_line.follow(not self.loading_line.following)
        self._tell_settings()

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self.sort_by(self.state.sort)

    async def on_timeline_lanes_step_wanted(self, event: TimelineLanes.StepWanted) -> None:
        """Go to a step of the timeline in the grid."""
        await self.detail_pane.aim(event.run_id, event.ordinal)
        self._focus(self.detail_pane.focus_target(), True)

    def on_timeline_lanes_run_wanted(self, event: TimelineLanes.RunWanted) -> None:
        """Go to a run of the timeline in the tree."""
        self.tree_pane.go_to(event.node_id)
        self._focus(self.tree_pane.agents, False)
