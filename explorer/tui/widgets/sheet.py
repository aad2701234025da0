"""A page of text that is laid out for the width it gets, and scrolls. Draws only the lines on screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar, Literal, TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from explorer.tui.text import clean_block

Role: TypeAlias = Literal[
    "plain", "title", "strong", "note", "error", "warning", "info", "good", "own", "ancestor", "sibling", "other",
    "fresh", "behind", "key",
]  # fmt: skip
"""What a piece of text is; the style sheet says how that looks."""

Row: TypeAlias = Sequence[tuple[str, Role]]
"""A line of pieces. They must be clean already, and are cut off at the edge."""

Layout: TypeAlias = Callable[[int], Iterable[Row]]
"""Lays the page out for a width."""


class Sheet(ScrollView, can_focus=True):
    """Text by lines."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="sheet.up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="sheet.down"),
        Binding("left,h", "scroll_left", "Left", show=False, id="sheet.left"),
        Binding("right,l", "scroll_right", "Right", show=False, id="sheet.right"),
        Binding("home,g", "scroll_home", "Top", show=False, id="sheet.top"),
        Binding("end,G", "scroll_end", "End", show=False, id="sheet.end"),
        Binding("pageup,ctrl+u", "page_up", "Page up", show=False, id="sheet.page_up"),
        Binding("pagedown,ctrl+d,space", "page_down", "Page down", show=False, id="sheet.page_down"),
    ]  # fmt: skip

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"sheet--{role}"
        for role in (
            "title", "strong", "note", "error", "warning", "info", "good", "own", "ancestor", "sibling", "other",
            "fresh", "behind", "key",
        )
    }  # fmt: skip

    def __init__(self, layout: Layout | None = None, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._plain = Style.null()
        self._layout_rows = layout
        self._rows: list[Row] = []
        self._laid_out = -1

    def show(self, layout: Layout, keep_scroll: bool = False) -> None:
        """Show another page, from its top unless it is a newer state of the same."""
        self._layout_rows = layout
        self._laid_out = -1
        if not keep_scroll:
            self.scroll_to(0, 0, animate=False, force=True, immediate=True)
        self._lay_out()
        self.refresh(layout=self.styles.height is not None and self.styles.height.is_auto)

    @property
    def rows(self) -> list[Row]:
        """The lines as they are laid out now."""
        return self._rows

    def on_resize(self) -> None:
        """Lay the page out again when the width changes."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.scrollable_content_region.width
        if self._layout_rows is None or width <= 0 or width == self._laid_out:
            return
        self._laid_out = width
        # The last cell stays free, so that no text touches the scroll bar.
        self._rows = list(self._layout_rows(width - 1))
        widest = max((row_width(row) for row in self._rows), default=0)
        self.virtual_size = Size(max(width, widest), len(self._rows))
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Compute once what is the same for all lines."""
        self._plain = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """One line of the page."""
        scroll_x, scroll_y = self.scroll_offset
        width = self.size.width
        style = self._plain
        index = y + scroll_y
        if index >= len(self._rows):
            return Strip.blank(width, style)
        # Whole styles, not partial ones, which lose colours that depend on the background.
        segments = [
            Segment(text, style if role == "plain" else self.get_component_rich_style(f"sheet--{role}"))
            for text, role in self._rows[index]
        ]
        return Strip(segments).crop_extend(scroll_x, scroll_x + width, style)


def row_width(row: Row) -> int:
    """Cells a row takes."""
    return sum(cell_len(text) for text, _ in row)


def wrapped(text: str, width: int, role: Role = "plain", indent: str = "", hanging: str | None = None) -> list[Row]:
    """All rows of ``wrap``."""
    return list(wrap(text, width, role, indent, hanging))


def wrap(text: str, width: int, role: Role = "plain", indent: str = "", hanging: str | None = None) -> Iterator[Row]:
    """Text of the tool or of a trace, cleaned and broken at spaces into rows of at most ``width`` cells."""
    lead, hanging = indent, indent if hanging is None else hanging
    for paragraph in clean_block(text).split("\n"):
        line = ""
        words = paragraph.lstrip(" ")
        # What is indented stays so on all of its rows, but never so far that nothing fits.
        deeper = " " * min(len(paragraph) - len(words), max(0, width // 2))
        lead, below = lead + deeper, hanging + deeper
        for word in words.split(" "):
            joined = f"{line} {word}" if line else word
            if _fits(lead, joined, width):
                line = joined
                continue
            if line:
                yield [(lead + line, role)]
                lead = below
            start = 0
            while not _fits(lead, word[start:], width):
                end = start + _cells_that_fit(word[start : start + width], width - cell_len(lead))
                yield [(lead + word[start:end], role)]
                lead, start = below, end
            line = word[start:]
        yield [(lead + line, role)]
        lead = hanging


def _fits(lead: str, text: str, width: int) -> bool:
    # Most characters take a cell or two, so a text of many more characters need not be measured.
    return len(text) <= 4 * width + 4 and (cell_len(lead) + cell_len(text) <= width or len(text) <= 1)


def _cells_that_fit(text: str, room: int) -> int:
    """How many characters at the start of a text fit in ``room`` cells; one at least."""
    used = 0
    for count, char in enumerate(text):
        used += cell_len(char)
        if used > room:
            return max(1, count)
    return max(1, len(text))
