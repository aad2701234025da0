"""Every key, searchable and runnable, and what every column and mark means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.keys import key_to_character
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from explorer.tui.columns import COLUMNS
from explorer.tui.handoff_words import DELIVERED, RESOLUTIONS
from explorer.tui.hidden_words import KINDS
from explorer.tui.lane_cells import LOOKS as MARKS
from explorer.tui.message_rows import VOICES
from explorer.tui.miss_words import CAUSES
from explorer.tui.prefix_words import MEANINGS as PREFIXES
from explorer.tui.step_columns import LOOKS
from explorer.tui.widgets.overview import LEGEND
from explorer.tui.widgets.sibling_grid import MEASURES


class Entry(NamedTuple):
    """One line of the help."""

    group: str
    key: str
    text: str
    action: str | None = None
    node: DOMNode | None = None
    """Where the action runs."""


class HelpScreen(ModalScreen["Entry | None"]):
    """Answers with the entry to run."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="help.close"),
        Binding("down", "move(1)", "Down", show=False, id="help.down"),
        Binding("up", "move(-1)", "Up", show=False, id="help.up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="help.page_down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="help.page_up"),
    ]

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = [*entries, *meanings()]

    def compose(self) -> ComposeResult:
        """A line to search with above the list."""
        with Vertical(classes="dialog help") as frame:
            frame.border_title = "Help"
            yield Input(placeholder="type to search keys, columns and marks", compact=True)
            yield OptionList(compact=True, markup=False)
            yield Static("enter runs the line   ↑ ↓ move   escape closes", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Show everything."""
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._list("")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._list(event.value)

    def _list(self, text: str) -> None:
        words = text.lower().split()
        options = self.query_one(OptionList)
        options.clear_options()
        group = None
        for index, entry in enumerate(self._entries):
            if not all(word in f"{entry.group} {entry.key} {entry.text}".lower() for word in words):
                continue
            if entry.group != group:
                group = entry.group
                options.add_option(Option(Text(group, "bold underline"), disabled=True))
            options.add_option(Option(_prompt(entry), id=str(index)))
        if not options.option_count:
            options.add_option(Option(Text("nothing matches", "dim"), disabled=True))
        options.action_first()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self._run(options.get_option_at_index(options.highlighted).id)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self._run(event.option_id)

    def _run(self, option_id: str | None) -> None:
        entry = self._entries[int(option_id)] if option_id is not None else None
        if entry is not None and entry.action is not None:
            self.dismiss(entry)

    def action_move(self, by: int) -> None:
        """Move through the list."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_page(self, by: int) -> None:
        """Move by pages."""
        options = self.query_one(OptionList)
        # Untyped in Textual, but they are actions like any other.
        self.call_later(options.run_action, "page_down" if by > 0 else "page_up")

    def action_close(self) -> None:
        """Run nothing."""
        self.dismiss(None)


def _prompt(entry: Entry) -> Table:
    # A grid, so that what goes over the line goes on below its own column.
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=15, no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_row(Text(f"  {entry.key}", "bold"), Text(entry.text))
    return grid


_PLACES = {
    "MainScreen": "Everywhere",
    "AgentTree": "In the tree",
    "Overview": "In the overview and other pages",
    "StepsGrid": "In the steps",
    "TimelineLanes": "In the timeline",
    "TimelineTab": "In the timeline",
    "ReuseTab": "In the reuse tab",
    "SiblingGrid": "In the sibling matrix",
    "MessagesView": "In the messages",
    "MessagesTab": "In the messages",
    "FindingsList": "In the findings",
    "SearchBar": "While searching",
    "CurvesScreen": "In the caches",
    "CurveSheet": "In the caches",
    "LinesScreen": "In the pages of who shares what",
    "SharingScreen": "In the pages of who shares what",
    "PassportScreen": "In the passport of a block",
    "Picker": "On their lines",
    "HandOffsScreen": "In the list of hand-offs",
    "HandOffList": "In the list of hand-offs",
    "HandOffScreen": "At a hand-off",
    "SqlScreen": "In SQL",
    "SqlEditor": "In the query",
    "AnswerGrid": "In the rows of an answer",
    "Catalog": "In the list of what can be asked",
}
"""Titles of what has keys."""


def show_help(screen: Screen[Any]) -> None:
    """Show every key of a screen and of what is on it: the place where the keys go now is the first."""
    here = [node for node in (screen.focused or screen).ancestors_with_self if isinstance(node, Widget)]
    others = [node for name in _PLACES for node in screen.query(name) if node not in here]
    taken = {key for binding in _bindings(screen) if binding.priority for key in binding.key.split(",")}
    entries = [
        entry for node in (*here, *others) for entry in key_entries(node, set() if node is screen else taken)
    ]  # fmt: skip

    def run(entry: Entry | None) -> None:
        if entry is not None and entry.action is not None:
            screen.call_later(screen.app.run_action, entry.action, entry.node)

    screen.app.push_screen(HelpScreen(entries), run)


def key_entries(node: DOMNode, taken: Collection[str] = ()) -> Iterator[Entry]:
    """The keys of a widget or screen that has a title here, and of what it is a kind of, but for those ``taken``."""
    group = _PLACES.get(type(node).__name__)
    for binding in _bindings(node) if group is not None else ():
        text = binding.tooltip or binding.description
        keys = "  ".join(_key(key) for key in binding.key.split(",") if key not in taken)
        if keys:
            yield Entry(group or "", keys, text[:1].upper() + text[1:], binding.action, node)


def _bindings(node: DOMNode) -> Iterator[Binding]:
    """The keys of a widget or screen, and of what it is a kind of."""
    kinds = (kind for kind in type(node).__mro__ if kind.__module__.startswith("explorer."))
    for binding in (binding for kind in kinds for binding in kind.__dict__.get("BINDINGS", ())):
        if isinstance(binding, Binding):
            yield binding


_KEYS = {
    "plus": "+", "minus": "-", "slash": "/", "underscore": "_", "pageup": "PgUp", "pagedown": "PgDn", "up": "↑",
    "down": "↓", "left": "←", "right": "→", "escape": "esc", "shift+tab": "⇧tab", "shift+left": "⇧←",
    "shift+right": "⇧→", "backspace": "⌫",
}  # fmt: skip


def _key(key: str) -> str:
    """A key as it is written on the keyboard."""
    character = key_to_character(key) or ""
    return _KEYS.get(key) or (character if character.isprintable() and character.strip() else key)


def meanings() -> Iterator[Entry]:
    """What columns, marks and letters stand for."""
    yield Entry(
        "The tree's columns",
        "name",
        "the recorder's name and label; (in brackets): only leads to what the filter keeps; ×3: three runs; ∥2: two of "
        "them were active at once",
    )
    for column in COLUMNS:
        yield Entry("The tree's columns", column.label, column.help)
    yield Entry("Numbers", "grades", LEGEND)
    yield Entry("Numbers", "own / total", "of the node alone, or with every run below it counted once")
    yield Entry("Numbers", "–", "not recorded, which is not 0")
    yield from _reuse_meanings()
    yield from _meanings_of_sharing()
    for glyph, _, text in DELIVERED.values():
        yield Entry("Hand-offs", glyph, f"{text}: whether the receiver's record shows it")
    for name, text in RESOLUTIONS.items():
        yield Entry("Hand-offs", name, text)
    for name, look in LOOKS.items():
        yield Entry("The steps' columns", name, look.help)
    for glyph, text in VOICES.values():
        yield Entry("The messages", glyph, text)
    yield Entry(
        "The timeline",
        "active at once",
        "the most runs side by side within the cell; of more than nine, heights",
    )
    for mark in MARKS.values():
        if mark.text:
            yield Entry("The timeline", mark.glyph, mark.help)


def _reuse_meanings() -> Iterator[Entry]:
    for letter, text in (
        ("O own", "blocks that earlier steps of the same agent had written"),
        ("A ancestor", "further blocks that its parent, or one further up, had written"),
        ("S sibling", "further blocks that an agent of the same parent had written"),
        ("X other", "further blocks that anybody else in the namespace had written"),
        ("N new", "blocks that nobody had written"),
        ("B behind", "blocks seen before, but after the first miss of their prompt, where no prefix cache finds them"),
    ):
        yield Entry("Reuse, by arrival, on an endless cache", letter, text)
    for cause in CAUSES.values():
        yield Entry("Why blocks miss in a cache (C)", f"{cause.letter} {cause.name}", cause.help)


def _meanings_of_sharing() -> Iterator[Entry]:
    for title, text in MEASURES.values():
        yield Entry("The sibling matrix", title, text)
    for name, text in PREFIXES.items():
        yield Entry("Who shares: ladder and prefix trees", name, text)
    for kind, text in KINDS.items():
        yield Entry("Hidden agents, a proposal", kind, text)
