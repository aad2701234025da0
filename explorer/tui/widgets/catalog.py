"""The list beside a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from explorer.tui.catalog_words import Item, Shelf
from explorer.tui.widgets.picker import Aim, Line, Picker


class Catalog(Picker):
    """Questions, tables and views; enter chooses one, and those with columns open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "choose", id="catalog.choose",
                tooltip="Ask the question; ask for the first rows of a relation, or write its name into what is begun"),
        Binding("right,l", "open(True)", "columns", key_display="→ ←", id="catalog.open", tooltip="Show its columns"),
        Binding("left,h", "open(False)", "hide columns", show=False, id="catalog.close", tooltip="Hide its columns"),
        Binding("space", "fold", "fold", show=False, id="catalog.fold", tooltip="Show its columns, or hide them"),
    ]  # fmt: skip

    class Chosen(Message):
        """Enter was pressed on a line."""

        def __init__(self, item: Item) -> None:
            super().__init__()
            self.item = item

    def __init__(self, shelf: Shelf, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shelf = shelf
        self._items: list[Item] = []

    @property
    def item(self) -> Item | None:
        """What the line under the cursor stands for."""
        return self._items[self.cursor] if self.cursor < len(self._items) else None

    def show_shelf(self) -> None:
        """Show what there is now, with the cursor where it was."""
        before, at = self.item, self.cursor

        def lines(width: int) -> Iterator[Line]:
            self._items = []
            for row, item in self._shelf.lines(width):
                if item is not None:
                    self._items.append(item)
                yield row, None if item is None else Aim(item.tells)

        self.show_lines(lines)
        same = (index for index, item in enumerate(self._items) if before is not None and item[:2] == before[:2])
        self.cursor = next(same, at)

    def action_choose(self) -> None:
        """Tell what was chosen."""
        if self.item is not None:
            self.post_message(self.Chosen(self.item))

    def action_open(self, is_open: bool) -> None:
        """Show the columns of the relation, or hide them; from a column, go back to its relation."""
        item = self.item
        if item is None or item.relation is None or not self._shelf.toggle(item.relation, is_open):
            return
        relation = item.relation
        self.show_shelf()
        self.cursor = next(
            index for index, each in enumerate(self._items) if each.relation == relation and each.does == "read"
        )

    def action_fold(self) -> None:
        """Show the columns, or hide them."""
        if self.item is not None and self.item.relation is not None:
            self.action_open(self.item.relation not in self._shelf.opened)
