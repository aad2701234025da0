"""The list beside a query, a line to search it with, and what the line under the cursor means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from explorer.tui.catalog_words import Item, Shelf
from explorer.tui.widgets.picker import Aim, Line, Picker
from explorer.tui.widgets.search_bar import SearchBar
from explorer.tui.widgets.sheet import Sheet, wrapped


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
        if self._shelf.sought:
            return
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


class CatalogPane(Vertical):
    """All of it."""

    def __init__(self, shelf: Shelf, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shelf = shelf

    def compose(self) -> ComposeResult:
        """The list, the line to search, what is said of the line."""
        yield Catalog(self._shelf)
        yield SearchBar("name, or what it means")
        yield Sheet(id="catalog-tells")

    def on_mount(self) -> None:
        """Show what there is."""
        self.query_one("#catalog-tells", Sheet).can_focus = False
        self.show()

    @property
    def catalog(self) -> Catalog:
        """The list."""
        return self.query_one(Catalog)

    def show(self) -> None:
        """Show what there is now."""
        self.catalog.show_shelf()

    def search(self) -> None:
        """Find something."""
        self.query_one(SearchBar).begin(self._shelf.sought)

    @on(Catalog.Moved)
    def _moved(self) -> None:
        item = self.catalog.item
        tells = self.query_one("#catalog-tells", Sheet)
        tells.show(lambda width: wrapped(item.tells, width) if item else [])

    @on(SearchBar.Typed)
    def _sought(self, event: SearchBar.Typed) -> None:
        self._shelf.sought = event.text
        self.show()

    @on(SearchBar.Stepped)
    def _stepped(self, event: SearchBar.Stepped) -> None:
        self.catalog.cursor += event.by

    @on(SearchBar.Accepted)
    def _accepted(self) -> None:
        self.catalog.focus()

    @on(SearchBar.Left)
    def _left(self) -> None:
        self.query_one(SearchBar).display = False
        self._shelf.sought = ""
        self.show()
        self.catalog.focus()
