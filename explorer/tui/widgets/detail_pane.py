"""The right side: the tabs of the selected node. Only the tab on screen asks, and only once the cursor rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from explorer.tui.columns import SEVERITY_MARKS
from explorer.tui.state import Tab
from explorer.tui.text import clean
from explorer.tui.widgets.detail_tab import Asking, DetailTab, Troubled, View
from explorer.tui.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from explorer.store.queries import Node
    from explorer.tui.opened import Opened
    from explorer.tui.questions import Questions
    from explorer.tui.state import State


class DetailPane(Vertical):
    """Overview, steps, timeline, reuse, messages and findings of one node, or of everything that is open."""

    REST: ClassVar[float] = 0.08
    """Seconds the cursor must rest before anything is asked, so that a held key stays smooth."""

    TREE: ClassVar[float] = 4.0
    """Times as long it takes until other data are asked by themselves: the tree, which asks too, tells what of."""

    def __init__(self, state: State, questions: Questions, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state = state
        self._questions = questions
        self._opened: Opened | None = None
        self._node: Node | None = None
        self._timer: Timer | None = None
        self._shown: dict[Tab, str | None] = {}
        """Which node each tab shows, if what it shows still holds."""
        self._last: dict[Tab, str | None] = {}
        """Which node each tab showed last: the same again keeps its scroll and cursor."""
        self._wanted: View | None = None
        """What was asked about last."""

    def compose(self) -> ComposeResult:
        """The names of the tabs, and whose numbers these are; the tabs themselves are made when they are wanted."""
        yield TabBar(id="tabs")
        yield Static("", id="detail-name", markup=False)
        yield ContentSwitcher(id="detail")

    @property
    def node(self) -> Node | None:
        """The node whose details these are; None for everything."""
        return self._node

    def show(self, opened: Opened) -> None:
        """Ask again of other data; the node stays until the tree says otherwise."""
        self._opened = opened
        for tab in self.query_one(ContentSwitcher).children:
            if isinstance(tab, Asking) and tab.id != self.state.tab:
                tab.let_go()
        self._shown = {}
        self._ask_soon(self.TREE)

    def refresh_all(self) -> None:
        """Whatever was shown may have changed."""
        self._shown = {}
        self._ask_soon()

    def look_at(self, node: Node | None) -> None:
        """Show the details of another node, once the cursor rests."""
        self._node = node
        self._ask_soon()

    async def choose(self, tab: Tab) -> None:
        """Bring a tab forward."""
        self.state.tab = tab
        self.query_one(TabBar).tab = tab
        switcher = self.query_one(ContentSwitcher)
        if self._tab(tab) is None:
            await switcher.add_content(_make(tab, self.state, self._questions))
        if self.state.tab == tab:
            switcher.current = tab
            self._ask_soon()

    @on(TabBar.Chosen)
    async def _tab_clicked(self, event: TabBar.Chosen) -> None:
        await self.choose(event.tab)

    def focus_target(self) -> Widget:
        """What takes the keys when the pane is entered; the pane, which cannot, while there is nothing in it."""
        tab = self._tab(self.state.tab)
        return tab.focus_target() if tab is not None else self

    async def aim(self, run_id: str | None, ordinal: int) -> None:
        """Show the steps with the cursor on one of them."""
        from explorer.tui.widgets.steps_tab import StepsTab

        await self.choose("steps")
        self.query_one(StepsTab).aim(run_id, ordinal)

    async def step_trouble(self, node: Node, forward: bool) -> bool:
        """Show the next thing of a node that failed or is doubtful: its findings, then its steps; False behind all."""
        if self._node is not node:
            self.look_at(node)
        kinds: list[Tab] = ["findings"] if node.findings else []
        kinds += ["steps"] if node.failures else []
        kinds = kinds if forward else kinds[::-1]
        if (tab := self.state.tab) in kinds and self._shown.get(tab) == node.node_id:
            if cast(Troubled, self._tab(tab)).step_trouble(node, forward):
                return True
            kinds = kinds[kinds.index(tab) + 1 :]
        if not kinds:
            return False
        await self.choose(kinds[0])
        cast(Troubled, self._tab(kinds[0])).aim_at_trouble(node, forward)
        return True

    async def aim_at_messages(self, run_id: str, ordinal: int) -> None:
        """Show the messages from what a step wrote on."""
        from explorer.tui.widgets.messages_tab import MessagesTab

        await self.choose("messages")
        self.query_one(MessagesTab).aim(run_id, ordinal)
        # What another run wrote has to be asked for anew.
        self._shown.pop("messages", None)
        self._ask_soon()

    async def aim_in_time(self, run_id: str, ordinal: int) -> None:
        """Show the timeline with the cursor on a step."""
        from explorer.tui.widgets.timeline_tab import TimelineTab

        await self.choose("timeline")
        self.query_one(TimelineTab).aim(run_id, ordinal)

    def _tab(self, tab: Tab) -> DetailTab | None:
        made = self.query(f"#detail > #{tab}")
        return cast(DetailTab, made.first()) if made else None

    # Asking

    def _ask_soon(self, times: float = 1.0) -> None:
        if self._timer is not None:
            self._timer.stop()
        if self.REST:
            self._timer = self.set_timer(self.REST * times, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        opened, tab = self._opened, self.state.tab
        widget = self._tab(tab)
        if opened is None:
            return
        if widget is None:
            self.call_later(self.choose, tab)
            return
        self._wanted = view = View(opened, self._node, self.state.own)
        if tab in self._shown and self._shown[tab] == view.node_id:
            self._say_name(view.node)
            return
        keep = tab in self._last and self._last[tab] == view.node_id

        async def show(answer: Any) -> None:
            if self._wanted is not view:  # asked again, or of another node, while the answer was on its way here
                return
            self._shown[tab] = self._last[tab] = view.node_id
            self._say_name(view.node)
            await widget.answer(answer, view, keep)

        self._questions.ask("detail", opened.database, widget.question(view), lambda answer: self._later(show, answer))

    def _later(self, show: Any, answer: Any) -> None:
        self.call_later(show, answer)

    def _say_name(self, node: Node | None) -> None:
        name = "everything that is open" if node is None else clean(node.name) or "(no name)"
        if node is not None and node.label and node.label != node.name:
            name += f"  {clean(node.label)}"
        if node is not None and not node.kept:
            name += "  (the filter leaves it out; it leads to what is kept)"
        self.query_one("#detail-name", Static).update(name)
        self.query_one(TabBar).marks = SEVERITY_MARKS[node.worst] if node is not None and node.worst else ""


def _make(tab: Tab, state: State, questions: Questions) -> Widget:
    # Imported when first chosen: none of them is needed for the first frame.
    match tab:
        case "steps":
            from explorer.tui.widgets.steps_tab import StepsTab

            return StepsTab(id=tab)
        case "timeline":
            from explorer.tui.widgets.timeline_tab import TimelineTab

            return TimelineTab(questions, id=tab)
        case "reuse":
            from explorer.tui.widgets.reuse_tab import ReuseTab

            return ReuseTab(state, id=tab)
        case "messages":
            from explorer.tui.widgets.messages_tab import MessagesTab

            return MessagesTab(id=tab)
        case "findings":
            from explorer.tui.widgets.findings_list import FindingsList

            return FindingsList(id=tab)
        case _:
            from explorer.tui.widgets.overview import Overview

            return Overview(id=tab)
