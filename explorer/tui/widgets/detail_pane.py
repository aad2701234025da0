"""The right side: the tabs of the selected node. Only the tab on screen asks, and only once the cursor rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from explorer.tui.columns import SEVERITY_MARKS
from explorer.tui.state import Tab
from explorer.tui.text import clean
from explorer.tui.widgets.findings_list import FindingsList
from explorer.tui.widgets.overview import Overview
from explorer.tui.widgets.reuse_tab import ReuseTab
from explorer.tui.widgets.steps_tab import StepsTab
from explorer.tui.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.store.database import Cursor
    from explorer.store.queries import Fact, FindingRow, Node, ReuseTotals, SiblingMatrix
    from explorer.tui.opened import Opened
    from explorer.tui.questions import Questions
    from explorer.tui.state import State


class DetailPane(Vertical):
    """Overview, steps, reuse and findings of one node, or of everything that is open."""

    REST: ClassVar[float] = 0.08
    """Seconds the cursor must rest before anything is asked, so that a held key stays smooth."""

    class TabChosen(Message):
        """Another tab is shown."""

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

    def compose(self) -> ComposeResult:
        """The tabs, whose numbers these are, and the tabs' contents."""
        yield TabBar(id="tabs")
        yield Static("", id="detail-name", markup=False)
        with ContentSwitcher(initial=self.state.tab, id="detail"):
            yield Overview(id="overview")
            yield StepsTab(id="steps")
            yield ReuseTab(self.state, id="reuse")
            yield FindingsList(id="findings")

    @property
    def node(self) -> Node | None:
        """The node whose details these are; None for everything."""
        return self._node

    def show(self, opened: Opened) -> None:
        """Ask again of other data; the node stays until the tree says otherwise."""
        self._opened = opened
        self.refresh_all()

    def refresh_all(self) -> None:
        """Whatever was shown may have changed."""
        self._shown = {}
        self._ask_soon()

    def look_at(self, node: Node | None) -> None:
        """Show the details of another node, once the cursor rests."""
        self._node = node
        self._ask_soon()

    def choose(self, tab: Tab) -> None:
        """Bring a tab forward."""
        self.state.tab = tab
        self.query_one(TabBar).tab = tab
        self.query_one(ContentSwitcher).current = tab
        self.post_message(self.TabChosen())
        self._ask_soon()

    @on(TabBar.Chosen)
    def _tab_clicked(self, event: TabBar.Chosen) -> None:
        self.choose(event.tab)

    def focus_target(self) -> Widget:
        """What takes the keys when the pane is entered."""
        match self.state.tab:
            case "steps":
                return self.query_one(StepsTab).grid or self.query_one(Overview)
            case "reuse":
                return self.query_one(ReuseTab).focus_target()
            case "findings":
                return self.query_one(FindingsList)
            case _:
                return self.query_one(Overview)

    def aim(self, run_id: str | None, ordinal: int) -> None:
        """Show the steps with the cursor on one of them."""
        self.query_one(StepsTab).aim(run_id, ordinal)
        self.choose("steps")

    # Asking

    def _ask_soon(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        if self.REST:
            self._timer = self.set_timer(self.REST, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        opened, node, tab = self._opened, self._node, self.state.tab
        if opened is None:
            return
        node_id = node.node_id if node else None
        if tab in self._shown and self._shown[tab] == node_id:
            self._say_name(node)
            return
        keep = tab in self._last and self._last[tab] == node_id
        match tab:
            case "overview":
                self._ask_overview(opened, node, keep)
            case "steps":
                self._ask_steps(opened, node, keep)
            case "reuse":
                self._ask_reuse(opened, node, keep)
            case "findings":
                self._ask_findings(opened, node, keep)

    def _showing(self, tab: Tab, node: Node | None) -> None:
        self._shown[tab] = self._last[tab] = node.node_id if node else None
        self._say_name(node)

    def _say_name(self, node: Node | None) -> None:
        name = "everything that is open" if node is None else clean(node.name) or "(no name)"
        if node is not None and node.label and node.label != node.name:
            name += f"  {clean(node.label)}"
        if node is not None and not node.kept:
            name += "  (the filter leaves it out; it leads to what is kept)"
        self.query_one("#detail-name", Static).update(name)
        self.query_one(TabBar).marks = SEVERITY_MARKS[node.worst] if node is not None and node.worst else ""

    def _ask_overview(self, opened: Opened, node: Node | None, keep: bool) -> None:
        def ask(cursor: Cursor) -> list[Fact]:
            from explorer.store import queries

            return queries.overview(cursor, opened.tree, node.node_id if node else None)

        def answered(facts: list[Fact]) -> None:
            self._showing("overview", node)
            self.query_one(Overview).show_facts(facts, keep)

        self._questions.ask("detail", opened.database, ask, answered)

    def _ask_steps(self, opened: Opened, node: Node | None, keep: bool) -> None:
        own = self.state.own

        def ask(cursor: Cursor) -> pa.Table:
            import explorer.tui.widgets.steps_grid  # noqa: F401  here, because it takes 0.2 s and this is a thread
            from explorer.store import queries

            return queries.steps(cursor, opened.tree, node.node_id if node else None, own)

        async def answered(table: pa.Table) -> None:
            self._showing("steps", node)
            await self.query_one(StepsTab).show_steps(table, own, keep)

        def later(table: pa.Table) -> None:
            self.call_later(answered, table)

        self._questions.ask("detail", opened.database, ask, later)

    def _ask_reuse(self, opened: Opened, node: Node | None, keep: bool) -> None:
        own, node_id = self.state.own, node.node_id if node else None

        def ask(cursor: Cursor) -> tuple[ReuseTotals | None, tuple[SiblingMatrix, int] | None]:
            from explorer.store import queries

            group = queries.sibling_matrix(cursor, opened.tree, node_id) if node_id is not None else None
            return queries.reuse_totals(cursor, opened.tree, node_id, own), group

        def answered(answer: tuple[ReuseTotals | None, tuple[SiblingMatrix, int] | None]) -> None:
            self._showing("reuse", node)
            self.query_one(ReuseTab).show_reuse(*answer, node_id, keep)

        self._questions.ask("detail", opened.database, ask, answered)

    def _ask_findings(self, opened: Opened, node: Node | None, keep: bool) -> None:
        node_id = node.node_id if node else None

        def ask(cursor: Cursor) -> tuple[list[FindingRow], int]:
            from explorer.store import queries

            return queries.findings(cursor, opened.tree, node_id)

        def answered(answer: tuple[list[FindingRow], int]) -> None:
            self._showing("findings", node)
            where = "here or below" if node_id is not None else "in anything that was read"
            empty = f"Nothing wrong or doubtful was found {where}. escape at the top of the tree shows everything."
            self.query_one(FindingsList).show_findings(*answer, empty, keep)

        self._questions.ask("detail", opened.database, ask, answered)
