"""What is wrong or doubtful in the recording, worst first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from explorer.tui.columns import SEVERITY_MARKS
from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.cursor_list import CursorList
from explorer.tui.widgets.sheet import wrapped

if TYPE_CHECKING:
    from textual.widget import Widget

    from explorer.store.database import Cursor
    from explorer.store.queries import FindingRow, Node
    from explorer.tui.widgets.detail_tab import View


class FindingsList(CursorList):
    """Two lines for each finding: what it is and where, then what was seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "explain", "explain", id="findings.explain"),
    ]  # fmt: skip

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "findings-list--cursor",
        "findings-list--note",
        "findings-list--error",
        "findings-list--warning",
        "findings-list--info",
    }

    class FindingChosen(Message):
        """Enter was pressed on a finding."""

        def __init__(self, finding: FindingRow) -> None:
            super().__init__()
            self.finding = finding

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plain = Style.null()
        self._findings: Sequence[FindingRow] = ()
        self._total = 0
        self._empty = ""
        self._node_id: str | None = None
        self._aim: tuple[Node, bool] | None = None

    @property
    def finding(self) -> FindingRow | None:
        """The finding under the cursor."""
        return self._findings[self.cursor] if self.cursor < len(self._findings) else None

    def question(self, view: View) -> Callable[[Cursor], tuple[list[FindingRow], int]]:
        """The findings of the node and below."""

        def ask(cursor: Cursor) -> tuple[list[FindingRow], int]:
            from explorer.store import queries

            return queries.findings(cursor, view.node_id)

        return ask

    async def answer(self, answer: tuple[Sequence[FindingRow], int], view: View, keep: bool) -> None:
        """Show them."""
        self._findings, self._total = answer
        self._empty = "Nothing wrong or doubtful was found here."
        if view.node is not None:
            self._empty += " esc at the top of the tree shows all findings."
        last = max(0, len(self._findings) - 1)
        self.set_reactive(FindingsList.cursor, min(self.cursor, last) if keep else 0)
        self._measure()
        if not keep:
            self.scroll_to(y=0, animate=False, immediate=True)
        self.refresh()
        self._node_id = view.node_id
        if self._aim is not None and self._aim[0].node_id == view.node_id:
            self.aim_at_trouble(*self._aim)

    def aim_at_trouble(self, node: Node, first: bool) -> None:
        """Put the cursor on the first or the last finding of a node itself, once its findings are here."""
        if self._node_id != node.node_id:
            self._aim = node, first
            return
        self._aim = None
        if own := self._own(node.node_id):
            self.cursor = own[0 if first else -1]
            self.see(self.cursor)

    def step_trouble(self, node: Node, forward: bool) -> bool:
        """Go to the next finding of the node itself, from others to its first; False behind the last."""
        own = self._own(node.node_id) if self._node_id == node.node_id else []
        here = self.cursor if self.cursor in own else -1 if forward else len(self._findings)
        ahead = [index for index in own if (index > here if forward else index < here)]
        if ahead:
            self.cursor = ahead[0 if forward else -1]
        return bool(ahead)

    def _own(self, node_id: str) -> list[int]:
        return [index for index, finding in enumerate(self._findings) if finding.node_id == node_id]

    def on_resize(self) -> None:
        """Follow the width."""
        self._measure()

    def _measure(self) -> None:
        left_out = self._total > len(self._findings)
        self.virtual_size = Size(self.scrollable_content_region.width, self.lines_each * len(self._findings) + left_out)

    @property
    def items(self) -> int:
        """Findings that are listed."""
        return len(self._findings)

    @property
    def lines_each(self) -> int:
        """Lines of a finding: where the message does not fit into one, it gets two."""
        return 2 if self.size.width >= 100 else 3

    def focus_target(self) -> Widget:
        """The list itself."""
        return self

    def action_explain(self) -> None:
        """Ask for the page of the finding under the cursor."""
        if (finding := self.finding) is not None:
            self.post_message(self.FindingChosen(finding))

    def choose(self) -> None:
        """Ask for its page."""
        self.action_explain()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Compute once what is the same for all lines."""
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the list."""
        width, style = self.size.width, self._plain
        index, part = divmod(y + self.scroll_offset.y, self.lines_each)
        if index >= len(self._findings):
            return Strip([Segment(fit(self._below(index, part), width), style)])
        if index == self.cursor:
            style += self.get_component_rich_style("findings-list--cursor")
        plain = index == self.cursor and self.has_focus
        styled = [
            Segment(text, style + (Style(bold=role != "note") if plain else self._look(role)))
            for text, role in self._draw(self._findings[index], part, width)
        ]
        return Strip(styled).adjust_cell_length(width, style)

    def _look(self, role: str) -> Style:
        return self.look(f"findings-list--{role}") if role else Style.null()

    def _below(self, index: int, part: int) -> str:
        if not self._findings:
            return self._empty if (index, part) == (0, 0) else ""
        left_out = self._total - len(self._findings)
        if left_out and (index, part) == (len(self._findings), 0):
            return f"… {left_out:,} more are not listed; trace-explore --check lists all"
        return ""

    def _draw(self, finding: FindingRow, part: int, width: int) -> Iterator[tuple[str, str]]:
        if part > 0:
            rows = wrapped(finding.message, width - 1, indent="   ")
            if part == self.lines_each - 1:
                rest = " ".join(text.strip() for row in rows[part - 1 :] for text, _ in row)
                yield crop(f"   {rest}", width - 1), ""
            elif part <= len(rows):
                yield rows[part - 1][0][0], ""
            return
        yield f"{SEVERITY_MARKS[finding.severity]} ", finding.severity
        code = clean(finding.code)
        yield code + "  ", finding.severity
        yield crop(place_of(finding), max(0, width - len(code) - 5)), "note"


def place_of(finding: FindingRow) -> str:
    """Where a finding is: its file and line, and its step."""
    parts = []
    if finding.source_id is not None:
        parts.append(clean(finding.source_id) + (f":{finding.line}" if finding.line is not None else ""))
    if finding.step_ordinal is not None:
        parts.append(f"step {finding.step_ordinal:,}")
    return "  ".join(parts)
