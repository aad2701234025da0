"""The tree with columns: conversations, their agents, their runs. Draws only the lines on screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from explorer.tui import columns
from explorer.tui.lines import Branch, Line, Lines, Part
from explorer.tui.text import crop, fit

if TYPE_CHECKING:
    from explorer.store.queries import Node, SortKey

_HEADER = 1
_ARROWS = {True: "▾ ", False: "▸ "}


class AgentTree(ScrollView, can_focus=True):
    """A tree whose lines are numbers as much as names.

    It asks nothing by itself: it says which children it lacks, and is given them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="tree.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="tree.down"),
        Binding("right,l", "open", "Open, or go to the first child", show=False, id="tree.open"),
        Binding("left,h", "close", "Close, or go to the parent", show=False, id="tree.close"),
        Binding("space", "fold", "Open or close", show=False, id="tree.toggle"),
        Binding("home,g", "first", "First line", show=False, id="tree.first"),
        Binding("end,G", "last", "Last line", show=False, id="tree.last"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="tree.page_up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="tree.page_down"),
        Binding("enter", "enter", "drill in", id="tree.enter", tooltip="Make it the root; a leaf shows details"),
    ]  # fmt: skip

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "agent-tree--header",
        "agent-tree--cursor",
        "agent-tree--dim",
        "agent-tree--label",
        "agent-tree--guide",
        "agent-tree--match",
        "agent-tree--error",
        "agent-tree--warning",
        "agent-tree--info",
    }

    cursor: reactive[int] = reactive(0, repaint=False)
    """The line under the cursor."""
    own: reactive[bool] = reactive(False)
    """Whether numbers leave out what is below."""
    sort_mark: reactive[tuple[str, bool]] = reactive(("order", False))
    """The sort key and whether it is descending, for the header."""
    needle: reactive[str] = reactive("")
    """What is being searched; shown where a name holds it."""

    class NodeHighlighted(Message):
        """The cursor came to a line; a pager line has no node."""

        def __init__(self, node: Node | None) -> None:
            super().__init__()
            self.node = node

    class NodeEntered(Message):
        """Enter was pressed on a node."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    class ChildrenRequested(Message):
        """A node was opened whose children are not here yet."""

        def __init__(self, node: Node) -> None:
            super().__init__()
            self.node = node

    class PageRequested(Message):
        """A pager line was entered: some children of ``parent_id`` are wanted."""

        def __init__(self, parent_id: str | None, wanted: Part) -> None:
            super().__init__()
            self.parent_id = parent_id
            self.wanted = wanted

    class SortRequested(Message):
        """A column's header was clicked."""

        def __init__(self, key: SortKey) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plain = Style.null()
        self.lines = Lines()
        self._columns: tuple[columns.Column, ...] = columns.COLUMNS
        self._name_width = columns.MIN_NAME

    # What it is given

    @property
    def node(self) -> Node | None:
        """The node under the cursor."""
        return self.lines[self.cursor].node if self.cursor < len(self.lines) else None

    def fill(self, roots: Branch, cursor: str | None, scroll: int | None = None) -> None:
        """Show other lines, with the cursor on the node of that id if it is there.

        Where it was on that before, nothing moves on the screen but what has to.
        """
        keep = int(self.scroll_y) if scroll is None else scroll
        row, was_on = self.cursor, self.node.node_id if self.node else None
        was_seen = 0 <= row - keep < self.scrollable_content_region.height - _HEADER
        self.lines.fill(roots)
        self._measure()
        found = self.lines.find(cursor)
        stays = scroll is None and found is not None and cursor == was_on
        if found is None:
            found = min(row, max(0, len(self.lines) - 1)) if cursor is None else 0
        self.set_reactive(AgentTree.cursor, found)
        if stays and keep:  # what comes on top of all is seen by whoever is there
            keep = max(0, keep + found - row)
        self.scroll_to(y=keep, animate=False, immediate=True)
        if was_seen or not stays:
            self._scroll_to_cursor(jumped=not stays)
        self.refresh()
        self.post_message(self.NodeHighlighted(self.node))

    def attach(self, node_id: str, branch: Branch) -> None:
        """Open a node with the children that were asked for."""
        index = self.lines.find(node_id)
        if index is not None and self.lines.attach(index, branch):
            self._lines_changed(index)

    def append_page(self, parent_id: str | None, wanted: Part, nodes: Sequence[Node], total: int | None) -> None:
        """Put a page in the place of the pager line that asked for it."""
        for index, line in enumerate(self.lines):
            parent = line.parent.node_id if line.parent else None
            if line.node is None and parent == parent_id and self.lines.wanted(index) == wanted:
                added = self.lines.append_page(index, nodes, total)
                self._lines_changed(index)
                # What stood below a pager stays where it is on the screen, and the cursor beside it.
                if line.above and self.cursor >= index:
                    self.set_reactive(AgentTree.cursor, self.cursor + added)
                    self.scroll_to(y=self.scroll_y + added, animate=False, force=True, immediate=True)
                if line.above or index == self.cursor:
                    self.post_message(self.NodeHighlighted(self.node))
                return

    def go_to(self, node_id: str) -> bool:
        """Put the cursor on a node, if it is visible."""
        index = self.lines.find(node_id)
        if index is None:
            return False
        self.cursor = index
        self._scroll_to_cursor(jumped=True)
        return True

    # How it moves

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a line."""
        return max(0, min(cursor, len(self.lines) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint both lines and tell."""
        if old == new:
            return
        self.refresh_line(old + _HEADER)
        self.refresh_line(new + _HEADER)
        self._scroll_to_cursor()
        self.post_message(self.NodeHighlighted(self.node))

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move the cursor by what is visible."""
        self.cursor += by * max(1, self.size.height - _HEADER - 1)

    def action_first(self) -> None:
        """Go to the first line."""
        self.cursor = 0

    def action_last(self) -> None:
        """Go to the last line."""
        self.cursor = len(self.lines) - 1

    def action_open(self) -> None:
        """Open the node under the cursor; when it is open already, go to its first child."""
        if self.cursor >= len(self.lines):
            return
        line = self.lines[self.cursor]
        if line.node is None:
            self.action_enter()
        elif line.expanded:
            self.cursor += 1
        else:
            self._expand(self.cursor)

    def action_close(self) -> None:
        """Close the node under the cursor; when it is closed already, go to its parent."""
        if self.cursor >= len(self.lines):
            return
        if self.lines[self.cursor].expanded:
            self._collapse(self.cursor)
        elif (parent := self.lines.parent_of(self.cursor)) is not None:
            self.cursor = parent

    def action_fold(self) -> None:
        """Open or close the node under the cursor."""
        self._toggle(self.cursor)

    def action_enter(self) -> None:
        """Drill into the node under the cursor, or read the next page."""
        if self.cursor >= len(self.lines):
            return
        line = self.lines[self.cursor]
        if line.node is not None:
            self.post_message(self.NodeEntered(line.node))
        else:
            parent_id = line.parent.node_id if line.parent else None
            self.post_message(self.PageRequested(parent_id, self.lines.wanted(self.cursor)))

    def on_click(self, event: events.Click) -> None:
        """Select a line; on its arrow, open or close it; twice, drill in; on the header, sort."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < _HEADER:
            self._click_header(offset.x)
            return
        index = offset.y - _HEADER + self.scroll_offset.y
        if index >= len(self.lines):
            return
        line = self.lines[index]
        self.cursor = index
        if line.expandable and 2 * line.depth <= offset.x < 2 * line.depth + 2:
            self._toggle(index)
        elif event.chain == 2 or line.node is None:
            self.action_enter()

    def _click_header(self, x: int) -> None:
        left = self._name_width
        key: SortKey | None = "name" if x < left else None
        for column in self._columns:
            if left < x <= left + column.width:
                key = column.sort
            left += column.width + 1
        if key is not None:
            self.post_message(self.SortRequested(key))

    def _toggle(self, index: int) -> None:
        if index >= len(self.lines) or not self.lines[index].expandable:
            return
        if self.lines[index].expanded:
            self._collapse(index)
        else:
            self._expand(index)

    def _expand(self, index: int) -> None:
        node = self.lines[index].node
        if node is not None and self.lines.needs_reading(index):
            self.post_message(self.ChildrenRequested(node))
        elif self.lines.expand(index):
            self._lines_changed(index)

    def _collapse(self, index: int) -> None:
        removed = self.lines.collapse(index)
        if index < self.cursor <= index + removed:
            self.set_reactive(AgentTree.cursor, index)
            self.post_message(self.NodeHighlighted(self.node))
        elif self.cursor > index:
            self.set_reactive(AgentTree.cursor, self.cursor - removed)
        self._lines_changed(index)

    # How it is drawn

    def on_resize(self) -> None:
        """Choose the columns for the new width."""
        self._measure()
        self._scroll_to_cursor()
        self.refresh()

    def _measure(self) -> None:
        width = self.scrollable_content_region.width
        # The last cell stays free, so that no number touches the scroll bar.
        self._columns, self._name_width = columns.visible(width - 1, self.sort_mark[0])
        self.virtual_size = Size(width, len(self.lines) + _HEADER)

    def _lines_changed(self, index: int) -> None:
        """Repaint from a line down: nothing above it moved."""
        before = self.show_vertical_scrollbar
        self.virtual_size = Size(self.virtual_size.width, len(self.lines) + _HEADER)
        if before != self.show_vertical_scrollbar:
            self._measure()
        self.refresh()

    def _scroll_to_cursor(self, jumped: bool = False) -> None:
        rows = self.scrollable_content_region.height - _HEADER
        at_edge = not 0 < self.cursor - self.scroll_offset.y < rows - 1
        if jumped and at_edge and rows > 2:
            # Where somebody arrives from afar, what stands around it should be seen as well.
            self.scroll_to(y=max(0, self.cursor - rows // 3), animate=False, force=True, immediate=True)
        region = Region(0, self.cursor + _HEADER, 1, 1)
        self.scroll_to_region(region, spacing=Spacing(_HEADER, 0, 0, 0), animate=False, force=True, immediate=True)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Compute once what is the same for all lines."""
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, a node, a pager, or nothing."""
        width = self.size.width
        if y < _HEADER:
            return self._draw_header(width)
        index = y - _HEADER + self.scroll_offset.y
        if index >= len(self.lines):
            return Strip.blank(width, self._plain)
        line = self.lines[index]
        style = self._plain
        if index == self.cursor:
            style += self.get_component_rich_style("agent-tree--cursor")
        segments = list(self._draw_node(line, line.node, style) if line.node else self._draw_pager(line, style))
        return Strip(segments).adjust_cell_length(width, style)

    def _draw_header(self, width: int) -> Strip:
        style = self._plain + self.get_component_rich_style("agent-tree--header")
        text = columns.header(self._columns, self._name_width, self.own, self.sort_mark)
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def _draw_pager(self, line: Line, style: Style) -> list[Segment]:
        which = "before" if line.above else "more"
        more = f"{line.remaining:,} {which}" if line.remaining is not None else which
        text = f"{'  ' * line.depth}… {more}: enter reads them"
        return [
            Segment(
                crop(text, self._name_width + 20),
                style + self.get_component_rich_style("agent-tree--label", partial=True),
            )
        ]

    def _draw_node(self, line: Line, node: Node, style: Style) -> list[Segment]:
        guide = style + self.get_component_rich_style("agent-tree--guide", partial=True)
        if not node.kept:
            style += self.get_component_rich_style("agent-tree--dim", partial=True)
        arrow = _ARROWS[line.expanded] if line.expandable else "  "
        indent = min(2 * line.depth, max(0, self._name_width - 8))
        segments = [Segment(" " * indent, style), Segment(arrow, guide)]
        segments += self._draw_name(node, self._name_width - indent - len(arrow), style)
        totals = node.own if self.own else node.total
        for column in self._columns:
            cell_style = style
            if column.key == "findings" and node.worst is not None:
                cell_style += self.get_component_rich_style(f"agent-tree--{node.worst}", partial=True)
            text = fit(column.cell(node, totals), column.width, "left" if column.left else "right")
            segments.append(Segment(" " + text, cell_style))
        return segments

    def _draw_name(self, node: Node, width: int, style: Style) -> list[Segment]:
        if width <= 0:
            return []
        label = style + self.get_component_rich_style("agent-tree--label", partial=True)
        parts = columns.name_parts(node, width)
        segments = [
            segment for text, is_label in parts for segment in self._mark_match(text, label if is_label else style)
        ]
        return [*segments, Segment(" " * (width - sum(cell_len(text) for text, _ in parts)), style)]

    def _mark_match(self, text: str, style: Style) -> list[Segment]:
        start = text.lower().find(self.needle) if self.needle else -1
        end = start + len(self.needle)
        if start < 0 or len(text.lower()) != len(text):
            return [Segment(text, style)]
        match = style + self.get_component_rich_style("agent-tree--match", partial=True)
        return [Segment(text[:start], style), Segment(text[start:end], match), Segment(text[end:], style)]
