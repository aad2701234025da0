"""A page of lines, some of which can be chosen: a cursor goes over these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, NamedTuple, TypeAlias

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from explorer.tui.widgets.sheet import Row, Sheet


class Aim(NamedTuple):
    """What a line stands for, and where it leads."""

    tells: str
    """What it means, in sentences."""
    node_id: str | None = None
    block: tuple[str, int] | None = None
    """Namespace and id."""
    figure: str | None = None
    """A figure of ``scope_report``."""


Line: TypeAlias = tuple[Row, Aim | None]
"""A line and what it stands for; None where there is nothing to choose."""

Lines: TypeAlias = Callable[[int], Iterable[Line]]
"""Lays the page out for a width."""


class Picker(Sheet):
    """Lines with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="picker.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="picker.down"),
        Binding("home,g", "move(-1000000)", "First line", show=False, id="picker.first"),
        Binding("end,G", "move(1000000)", "Last line", show=False, id="picker.last"),
        Binding("pageup,ctrl+u", "turn(-1)", "Page up", show=False, id="picker.page_up"),
        Binding("pagedown,ctrl+d,space", "turn(1)", "Page down", show=False, id="picker.page_down"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"picker--cursor"}

    cursor: reactive[int] = reactive(0)
    """Which of the lines that can be chosen."""

    class Moved(Message):
        """The cursor is on another line, or the lines are others."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._aims: list[Aim] = []
        self._places: list[int] = []
        """Which row each of them is."""

    @property
    def aim(self) -> Aim | None:
        """The line under the cursor; None when none can be chosen."""
        return self._aims[self.cursor] if self.cursor < len(self._aims) else None

    @property
    def aims(self) -> list[Aim]:
        """All lines that can be chosen."""
        return self._aims

    def show_lines(self, lines: Lines) -> None:
        """Show other lines, with the cursor on the first that can be chosen."""

        def rows(width: int) -> Iterator[Row]:
            self._aims, self._places = [], []
            for place, (row, aim) in enumerate(lines(width)):
                if aim is not None:
                    self._aims.append(aim)
                    self._places.append(place)
                yield row

        self.show(rows)
        self.set_reactive(Picker.cursor, 0)
        self.watch_cursor()

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a line."""
        return max(0, min(cursor, len(self._aims) - 1))

    def watch_cursor(self) -> None:
        """Keep the line in view; with the first, all that is above it."""
        if self._places:
            at = self._places[self.cursor]
            top = 0 if self.cursor == 0 else at
            region = Region(self.scroll_offset.x, top, 1, at - top + 1)
            self.scroll_to_region(region, animate=False, force=True, immediate=True, x_axis=False)
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        """Move by lines; scroll where there are none to choose."""
        if self._aims:
            self.cursor += by
        else:
            self.scroll_relative(y=by, animate=False)

    def action_turn(self, by: int) -> None:
        """Move by what is visible."""
        self.action_move(by * max(1, self.size.height - 1))

    def on_click(self, event: events.Click) -> None:
        """Select a line; a second click chooses it."""
        offset = event.get_content_offset(self)
        if offset is not None and (row := offset.y + self.scroll_offset.y) in self._places:
            self.cursor = self._places.index(row)
            if event.chain == 2:
                self.app.simulate_key("enter")

    def render_line(self, y: int) -> Strip:
        """One line of the page."""
        strip = super().render_line(y)
        if not self._places or y + self.scroll_offset.y != self._places[self.cursor]:
            return strip
        style = self.get_component_rich_style("picker--cursor")
        text = "".join(segment.text for segment in strip)
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, style)
