"""The sibling matrix: what every two children of one parent share, as digits on a heat map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size, Spacing
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from explorer.tui import humanize
from explorer.tui.similarity import by_similarity
from explorer.tui.text import clean, crop, fit
from explorer.tui.widgets.sheet import wrapped

if TYPE_CHECKING:
    from explorer.store.queries import SiblingMatrix
    from explorer.tui.state import Measure

MEASURES: dict[Measure, tuple[str, str]] = {
    "containment": ("containment %", "how much of the row's blocks the column also holds"),
    "jaccard": ("Jaccard %", "blocks both hold, of the blocks that either holds"),
    "shared": ("shared blocks", "distinct blocks that both hold; on the diagonal all that the run holds"),
    "prefix": ("first-step prefix", "leading blocks that the first prompts of both have in common"),
}
"""Each way to compare, in words."""

_TOP = 3
"""Lines above the cells: the title, what the numbers mean, the numbers of the columns."""
_BOTTOM = 3
"""Lines below them: the cell under the cursor in words."""
_HEATS = 5


class SiblingGrid(ScrollView, can_focus=True):
    """Rows and columns are the same runs, in order of start; the cursor moves over cells."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(0,-1)", "Up", show=False, id="matrix.up"),
        Binding("down,j", "move(0,1)", "Down", show=False, id="matrix.down"),
        Binding("left,h", "move(-1,0)", "Left", show=False, id="matrix.left"),
        Binding("right,l", "move(1,0)", "Right", show=False, id="matrix.right"),
        Binding("home,g", "move(-1000,-1000)", "First cell", show=False, id="matrix.first"),
        Binding("end,G", "move(1000,1000)", "Last cell", show=False, id="matrix.last"),
        Binding("pageup,ctrl+u", "move(0,-10)", "Up by ten", show=False, id="matrix.page_up"),
        Binding("pagedown,ctrl+d", "move(0,10)", "Down by ten", show=False, id="matrix.page_down"),
        Binding("enter", "choose", "side by side", id="matrix.choose", tooltip="Two siblings aligned; =: to the run"),
        Binding("s", "sort", "sort", id="matrix.sort", tooltip="By similarity, or in order of start"),
    ]  # fmt: skip

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "sibling-grid--title",
        "sibling-grid--note",
        "sibling-grid--cursor",
        *(f"sibling-grid--heat-{heat}" for heat in range(_HEATS)),
    }

    cell: reactive[Offset] = reactive(Offset(1, 0))
    """Column and row under the cursor."""
    measure: reactive[Measure] = reactive("containment")

    class PairChosen(Message):
        """Enter was pressed on a cell of two runs: these are wanted side by side."""

        def __init__(self, run_a: str, run_b: str) -> None:
            super().__init__()
            self.run_a = run_a
            self.run_b = run_b

    class SiblingChosen(Message):
        """Enter was pressed on the diagonal: the run is wanted."""

        def __init__(self, node_id: str) -> None:
            super().__init__()
            self.node_id = node_id

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plain = Style.null()
        self._matrix: SiblingMatrix | None = None
        self._total = 0
        self._names: list[str] = []
        self._left = 0
        self._order: list[int] = []
        """Which run of the matrix stands at each place."""
        self._sorted = False

    @property
    def count(self) -> int:
        """How many runs are compared."""
        return len(self._names)

    @property
    def wanted_height(self) -> int:
        """Lines for all of it, border and scroll bar included."""
        return _TOP + self.count + _BOTTOM + 2

    @property
    def cell_width(self) -> int:
        """Cells of the screen that a cell takes."""
        return 4 if self.measure in ("containment", "jaccard") else 7

    def show_matrix(self, group: tuple[SiblingMatrix, int] | None, node_id: str | None) -> None:
        """Show another group of siblings, the cursor on the row of a node if it is one of them."""
        self._matrix, self._total = group if group else (None, 0)
        runs = self._matrix.runs if self._matrix else []
        self._names = [_name(run.name, run.label) for run in runs]
        self._arrange()
        row = next((index for index, run in enumerate(self._order) if runs[run].node_id == node_id), 0)
        self.cell = Offset(1 if row == 0 and len(runs) > 1 else 0, row)
        self._measure_size()
        self.scroll_to(0, 0, animate=False, immediate=True)
        self.refresh()

    def on_resize(self) -> None:
        """Follow the width."""
        self._measure_size()

    def _measure_size(self) -> None:
        number = len(str(self.count))
        longest = max((len(name) for name in self._names), default=0)
        self._left = number + 1 + min(longest, max(8, self.size.width // 3)) + 1
        # Scrolling goes by whole columns, so the last may need some room to its right.
        slack = max(0, self.scrollable_content_region.width - self._left) % self.cell_width
        self.virtual_size = Size(self._left + self.count * self.cell_width + slack, _TOP + self.count + _BOTTOM)

    def watch_measure(self) -> None:
        """Cells of other measures have other widths, and another similarity."""
        self._arrange()
        self._measure_size()
        self._scroll_to_cell()

    def _arrange(self) -> None:
        self._order = list(range(self.count))
        if self._sorted:
            self._order = by_similarity([[self.value(i, j)[1] for j in self._order] for i in self._order])

    def action_sort(self) -> None:
        """Put what is similar together, or everything in order of start; the cursor stays on its two runs."""
        if self._matrix is None or self.count < 2:
            return
        column, row = (self._order[index] for index in self.cell)
        self._sorted = not self._sorted
        self._arrange()
        self.cell = Offset(self._order.index(column), self._order.index(row))
        self.refresh()

    def validate_cell(self, cell: Offset) -> Offset:
        """Keep the cursor on a cell."""
        last = max(0, self.count - 1)
        return Offset(max(0, min(cell.x, last)), max(0, min(cell.y, last)))

    def watch_cell(self) -> None:
        """Keep the cursor in view."""
        self._scroll_to_cell()

    def _scroll_to_cell(self) -> None:
        region = Region(self.scroll_offset.x, _TOP + self.cell.y, 1, 1)
        self.scroll_to_region(
            region, spacing=Spacing(_TOP, 0, _BOTTOM, 0), x_axis=False, animate=False, force=True, immediate=True
        )
        shown = max(1, (self.scrollable_content_region.width - self._left) // self.cell_width)
        first = self.scroll_offset.x // self.cell_width
        first = max(min(first, self.cell.x), self.cell.x - shown + 1)
        self.scroll_to(x=first * self.cell_width, animate=False, force=True, immediate=True)

    def action_move(self, x: int, y: int) -> None:
        """Move the cursor."""
        self.cell = self.cell + Offset(x, y)

    def action_choose(self) -> None:
        """Show the two runs of the cell side by side; on the diagonal, go to the run."""
        if self._matrix is None or self.cell.x >= self.count:
            return
        column, row = (self._matrix.runs[self._order[index]] for index in self.cell)
        if column is row:
            self.post_message(self.SiblingChosen(row.node_id))
        else:
            self.post_message(self.PairChosen(row.run_id, column.run_id))

    def on_click(self, event: events.Click) -> None:
        """Select a cell; a double click opens it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < _TOP or offset.x < self._left:
            return
        scroll_x, scroll_y = self.scroll_offset
        x, y = (offset.x + scroll_x - self._left) // self.cell_width, offset.y + scroll_y - _TOP
        if x < self.count and y < self.count:
            self.cell = Offset(x, y)
            if event.chain == 2:
                self.action_choose()

    # Drawing

    def render_lines(self, crop: Region) -> list[Strip]:
        """Compute once what is the same for all lines."""
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line: title, meaning, column numbers, a row of cells, or the sentence at the bottom."""
        width, height = self.scrollable_content_region.size
        style = self._plain
        if self._matrix is None or self.count < 2:
            text = (
                "No siblings to compare: this node has fewer than two sub-agents, and none beside it." if y == 0 else ""
            )
            return Strip([Segment(fit(text, self.size.width), style)])
        bottom = min(height, self.virtual_size.height) - _BOTTOM
        if y >= bottom:
            lines = self._sentence(width)
            text = lines[y - bottom] if y - bottom < len(lines) else ""
            return Strip([Segment(fit(text, self.size.width), style)])
        note = style + self.get_component_rich_style("sibling-grid--note")
        if y < _TOP - 1:
            role = style + self.get_component_rich_style("sibling-grid--title") if y == 0 else note
            return Strip([Segment(fit(self._heading()[y], self.size.width), role)])
        row = y + self.scroll_offset.y - _TOP if y >= _TOP else -1
        fixed, cells = self._row(row)
        strip = Strip([Segment(text, style + component) for text, component in cells])
        scroll_x = self.scroll_offset.x
        room = max(0, self.size.width - self._left)
        name = Segment(fit(fixed, self._left), note if row != self.cell.y else style)
        return Strip([name, *strip.crop_extend(scroll_x, scroll_x + room, style)])

    def _heading(self) -> tuple[str, str]:
        assert self._matrix is not None
        title, meaning = MEASURES[self.measure]
        left_out = f", the first {self.count} of {self._total:,}" if self._total > self.count else ""
        order = ", the most similar together" if self._sorted else ""
        return f"Siblings under {clean(self._matrix.group)}{left_out}: {title}{order}", meaning

    def _row(self, row: int) -> tuple[str, Iterator[tuple[str, Style]]]:
        number = len(str(self.count))
        if row < 0:
            return "", (
                (fit(str(self._order[column] + 1), self.cell_width, "right"), self._header_style(column))
                for column in range(self.count)
            )
        if row >= self.count:
            return "", iter(())
        run = self._order[row]
        return f"{run + 1:>{number}} {crop(self._names[run], self._left - number - 2)}", self._cells(row)

    def _header_style(self, column: int) -> Style:
        role = "title" if column == self.cell.x else "note"
        return self.get_component_rich_style(f"sibling-grid--{role}")

    def _cells(self, row: int) -> Iterator[tuple[str, Style]]:
        for column in range(self.count):
            text, share = self.value(self._order[row], self._order[column])
            heat = min(_HEATS - 1, int(share * _HEATS)) if share > 0 else 0
            # Not a partial style: the heats are shades over the background.
            style = self.get_component_rich_style(f"sibling-grid--heat-{heat}")
            if (column, row) == self.cell:
                style = self.get_component_rich_style("sibling-grid--cursor")
            yield fit(text, self.cell_width - 1, "right") + " ", style

    def value(self, row: int, column: int) -> tuple[str, float]:
        """What the cell of two runs of the matrix shows, and how hot it is from 0 to 1."""
        assert self._matrix is not None
        shared, unique = self._matrix.shared[row][column], self._matrix.unique_blocks
        match self.measure:
            case "containment":
                return _digits(row, column, shared, unique[row])
            case "jaccard":
                held = (unique[row] or 0) + (unique[column] or 0) - (shared or 0)
                return _digits(row, column, shared, held)
            case "shared":
                return humanize.tokens(shared), (shared or 0) / (max(filter(None, unique), default=0) or 1)
            case _:
                prefix, own = self._matrix.prefix[row][column], self._matrix.prefix[row][row]
                return humanize.tokens(prefix), (prefix or 0) / own if own else 0.0

    def _sentence(self, width: int) -> list[str]:
        assert self._matrix is not None
        column, row = (self._order[index] for index in self.cell)
        matrix, a, b = self._matrix, self._names[row], self._names[column]
        if row == column:
            first = f"{row + 1} {a}: {humanize.number(matrix.unique_blocks[row])} distinct blocks"
        else:
            shared, unique = matrix.shared[row][column], matrix.unique_blocks[row]
            part = f"{humanize.number(shared)} of {humanize.number(unique)} blocks ({humanize.percent(shared, unique)})"
            first = f"{row + 1} {a} shares {part} with {column + 1} {b}"
        common = matrix.prefix[row][column]
        prefix = f"{humanize.number(common)} leading {'block' if common == 1 else 'blocks'}"
        then = "enter goes to it." if row == column else "enter shows both side by side."
        sentence = f"{first}; the first prompts have {prefix} in common. {then}"
        return [text for row in wrapped(sentence, width - 1) for text, _ in row]


def _digits(row: int, column: int, part: int | None, whole: int | None) -> tuple[str, float]:
    if row == column:
        return "=", 0.0
    if not whole or part is None:
        return humanize.NOT_RECORDED, 0.0
    return humanize.percent(part, whole).removesuffix(" %"), part / whole


def _name(name: str, label: str | None) -> str:
    name = clean(name) or "(no name)"
    return f"{name} {clean(label)}" if label and label != name else name
