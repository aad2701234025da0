"""The tree with the questions that fill it: opening, drilling in and back, siblings, findings, search."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from explorer.tui.reading import Order, Picture, Reader
from explorer.tui.state import Search, Spot
from explorer.tui.widgets.agent_tree import AgentTree
from explorer.tui.widgets.search_bar import SearchBar

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.store.database import Cursor
    from explorer.store.queries import Node
    from explorer.tui.opened import Opened
    from explorer.tui.questions import Questions
    from explorer.tui.state import State

_HITS = 10_000

Answer = TypeVar("Answer")


class TreePane(Vertical):
    """The left side of the main screen."""

    class RootChanged(Message):
        """Another node is the root now; ``path`` leads to it from its conversation, and is empty at the top."""

        def __init__(self, path: list[Node]) -> None:
            super().__init__()
            self.path = path

    class LeafEntered(Message):
        """Enter was pressed where there is nothing to drill into."""

    def __init__(self, state: State, questions: Questions, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.state = state
        self._questions = questions
        self._opened: Opened | None = None

    def compose(self) -> ComposeResult:
        """The tree; the search line comes when it is first wanted."""
        yield AgentTree(id="tree")

    @property
    def agents(self) -> AgentTree:
        """The tree itself."""
        return self.query_one(AgentTree)

    # Filling it

    def show(self, opened: Opened, then: Callable[[], None] | None = None) -> None:
        """Show other data, or the same through another filter, and keep the place."""
        self._opened = opened
        self.reload(then=then)

    def reload(self, spot: Spot | None = None, then: Callable[[], None] | None = None) -> None:
        """Read what is open again, in the order that is set now; keep the place, or take that of ``spot``."""
        tree, root = self.agents, self.state.root
        tree.sort_mark = (self.state.sort, self.state.descending)
        tree.own = self.state.own
        opened = (spot.opened if spot else None) or tree.lines.opened()

        def shown(picture: Picture) -> None:
            if root is not None and not picture.path:
                self.state.top()
            cursor, scroll = (spot.cursor, spot.scroll) if spot else (tree.node.node_id if tree.node else None, None)
            if spot is None and tree.cursor == 0 and opened.keys() <= {None}:
                cursor = None  # nobody has moved yet: what is read later and stands higher must not push the top away
            self._picture(picture, cursor, scroll)
            if then is not None:
                then()

        here = spot.cursor if spot else tree.node.node_id if tree.node else None
        self._ask("tree", lambda reader: reader.again(root, opened, here), shown)

    def _here(self) -> Spot:
        tree = self.agents
        cursor = tree.node.node_id if tree.node else None
        return Spot(self.state.root, cursor, int(tree.scroll_y), tree.lines.opened())

    def _ask(self, group: str, question: Callable[[Reader], Answer], answered: Callable[[Answer], None]) -> None:
        if (opened := self._opened) is None:
            return
        order = Order(self.state.sort, self.state.descending, self.state.own)
        total = opened.counts.conversations if opened.tree.where is None else None

        def ask(cursor: Cursor) -> Answer:
            return question(Reader(cursor, opened.tree, order, total, opened.complete))

        self._questions.ask(group, opened.database, ask, answered)

    def _picture(self, picture: Picture, cursor: str | None, scroll: int | None = None) -> None:
        self.agents.fill(picture.roots, cursor, scroll)
        self.post_message(self.RootChanged(picture.path))

    @on(AgentTree.ChildrenRequested)
    def _children_requested(self, event: AgentTree.ChildrenRequested) -> None:
        node = event.node
        self._ask(
            f"children {node.node_id}",
            lambda reader: reader.children(node.node_id, node.children, {}),
            lambda branch: self.agents.attach(node.node_id, branch),
        )

    @on(AgentTree.PageRequested)
    def _page_requested(self, event: AgentTree.PageRequested) -> None:
        parent_id, wanted = event.parent_id, event.wanted

        def read(reader: Reader) -> tuple[list[Node], int | None]:
            total = reader.conversations
            if parent_id is not None:
                from explorer.store import queries

                parent = queries.node(reader.cursor, reader.tree, parent_id)
                total = parent.children if parent else None
            return reader.page(parent_id, *wanted, total)

        self._ask(f"children {parent_id}", read, lambda page: self.agents.append_page(parent_id, wanted, *page))

    # Drilling in and the way back

    @on(AgentTree.NodeEntered)
    def _node_entered(self, event: AgentTree.NodeEntered) -> None:
        node = event.node
        if not node.children or node.node_id == self.state.root:
            self.post_message(self.LeafEntered())
            return
        self.state.drill(node.node_id, self._here())
        self.reload(Spot(node.node_id, node.node_id))

    def back(self) -> bool:
        """Leave the root; False at the top."""
        spot = self.state.back()
        if spot is None:
            return False
        self.reload(spot)
        return True

    def up_to(self, root: str | None) -> None:
        """Make a node on the path the root (the top for None), as a click on the breadcrumb does."""
        if root == self.state.root:
            return
        here = self._here()
        if root is None:
            self.state.top()
        else:
            self.state.drill(root, here)
        self.reload(Spot(root, here.root))

    # Going to a node

    def go_to(self, node_id: str, then: Callable[[bool], object] | None = None) -> None:
        """Put the cursor on a node, opening whatever hides it."""
        if self.agents.go_to(node_id):
            if then is not None:
                then(True)
            return
        opened = self.agents.lines.opened()
        root = self.state.root

        def revealed(answer: tuple[str | None, Picture] | None) -> None:
            if answer is not None:
                if answer[0] != root:
                    self.state.top()
                self._picture(answer[1], node_id)
            if then is not None:
                then(answer is not None)

        self._ask("tree", lambda reader: reader.reveal(node_id, root, opened), revealed)

    def go_sibling(self, by: int) -> None:
        """Go to the next or previous child of the same parent; the root moves along when the cursor is on it."""
        node = self.agents.node
        if node is None:
            return
        at_root = node.node_id == self.state.root

        def find(reader: Reader) -> Node | None:
            from explorer.store import queries

            return queries.sibling(reader.cursor, reader.tree, node.node_id, *reader.order, by)

        def found(sibling: Node | None) -> None:
            if sibling is None:
                self.notify(f"This is the {'last' if by > 0 else 'first'} of its siblings.", timeout=2)
            elif at_root:
                self.state.root = sibling.node_id
                self.reload(Spot(sibling.node_id, sibling.node_id))
            else:
                self.go_to(sibling.node_id)

        self._ask("jump", find, found)

    def go_finding(self, forward: bool, arrived: Callable[[str], object]) -> None:
        """Go to the next or previous node with a finding or a failure, round the end; ``arrived`` gets its id."""
        node = self.agents.node

        def find(reader: Reader) -> Node | None:
            from explorer.store import queries

            return queries.next_finding(reader.cursor, reader.tree, node.node_id if node else None, forward)

        def found(target: Node | None) -> None:
            if target is None:
                self.notify(
                    "Nothing failed, and no node shown has a finding. Those of whole files: key 6, on the top line.",
                    timeout=4,
                )
            else:
                self.go_to(target.node_id, lambda there: arrived(target.node_id) if there else None)

        self._ask("jump", find, found)

    # Searching

    @property
    def searching(self) -> bool:
        """Whether the search line is shown."""
        return self._bar is not None and bool(self._bar.display)

    async def begin_search(self) -> None:
        """Open the search line with what was searched last."""
        if self._bar is None:
            await self.mount(SearchBar(id="search"))
        if self._bar is not None:
            self._bar.begin(self.state.search.text)

    @property
    def _bar(self) -> SearchBar | None:
        bars = self.query_children(SearchBar)
        return bars.first() if bars else None

    def step_search(self, by: int) -> None:
        """Go to the next or previous hit."""
        target = self.state.search.step(by)
        self._tell_search()
        if target is not None:
            self.go_to(target)

    @on(SearchBar.Typed)
    def _typed(self, event: SearchBar.Typed) -> None:
        text = event.text.strip()
        if text == self.state.search.text and self.state.search.hits:
            return
        self.state.search = Search(text)
        self.agents.needle = text.lower()
        if not text:
            self._questions.drop("search")
            self._tell_search()
            return

        def find(reader: Reader) -> list[str]:
            from explorer.store import queries

            return queries.search(reader.cursor, reader.tree, text, _HITS)

        def found(hits: list[str]) -> None:
            node = self.agents.node
            target = self.state.search.found(hits, _HITS, lambda hit: node is not None and hit == node.node_id)
            self._tell_search()
            if target is not None:
                self.go_to(target)

        self._ask("search", find, found)

    @on(SearchBar.Stepped)
    def _stepped(self, event: SearchBar.Stepped) -> None:
        self.step_search(event.by)

    @on(SearchBar.Accepted)
    def _accepted(self) -> None:
        if self._bar is not None:
            self._bar.display = bool(self.state.search.text)
        self.agents.focus()

    @on(SearchBar.Left)
    def end_search(self) -> None:
        """Forget the search."""
        self._questions.drop("search")
        self.state.search = Search()
        self.agents.needle = ""
        if self._bar is not None:
            self._bar.display = False
        self.agents.focus()

    def _tell_search(self) -> None:
        if self._bar is not None:
            self._bar.tell(self.state.search.summary)
