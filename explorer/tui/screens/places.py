"""Nothing was named to open: offer what is in the usual places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from rich.cells import cell_len
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.worker import get_current_worker

from explorer.tui import humanize
from explorer.tui.text import ELLIPSIS, clean, fit
from explorer.tui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from explorer.store.places import UsualPlace

    Look: TypeAlias = Callable[[], Iterator[UsualPlace]]

_INTRO = "No path was named. Recordings of agents were found here:"
_LOOKING = "No path was named. Looking for recordings of agents in the usual places …"
_NOTHING = (
    "No path was named, and the usual places hold no recordings of agents.\n"
    "Name a file or directory of traces, as in: trace-explore path/to/traces/"
)


_PATH = 34
"""Cells of a path."""


class PlacesScreen(Screen[list[Path] | None]):
    """Answers with the paths to open; None to leave."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="places.open", priority=True, tooltip="What is marked, else this one"),
        Binding("space", "mark", "mark", id="places.mark", priority=True),
        Binding("a", "all", "mark all", id="places.all"),
        Binding("j", "move('down')", "down", show=False, id="places.down"),
        Binding("k", "move('up')", "up", show=False, id="places.up"),
        Binding("escape,q", "leave", "quit", id="places.leave"),
    ]  # fmt: skip

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._places: list[UsualPlace] = []
        self._marked: set[int] = set()

    def compose(self) -> ComposeResult:
        """What was found so far, and the keys."""
        with Vertical(classes="dialog places") as frame:
            frame.border_title = "trace-explore"
            yield Static(_LOOKING, id="places-said", markup=False)
            yield OptionList(compact=True, markup=False)
        yield KeyLine()

    def on_mount(self) -> None:
        """Look once the first frame is on the screen."""
        self.query_one(OptionList).focus()
        self.call_after_refresh(self._search)

    @work(thread=True, exit_on_error=False)
    def _search(self) -> None:
        worker = get_current_worker()
        for place in self._look():
            if worker.is_cancelled:
                return
            self.app.call_from_thread(self._add, place)
        self.app.call_from_thread(self._done)

    def _add(self, place: UsualPlace) -> None:
        self.query_one("#places-said", Static).update(_INTRO)
        self._places.append(place)
        choices = self.query_one(OptionList)
        choices.add_option(self._line(len(self._places) - 1))
        if choices.highlighted is None:
            choices.highlighted = 0

    def _done(self) -> None:
        if not self._places:
            self.query_one("#places-said", Static).update(_NOTHING)

    def _mark(self, marked: set[int]) -> None:
        self._marked = marked
        choices = self.query_one(OptionList)
        for index in range(len(self._places)):
            choices.replace_option_prompt_at_index(index, self._line(index))

    def action_mark(self) -> None:
        """Mark a place, or no longer."""
        index = self.query_one(OptionList).highlighted
        if index is not None:
            self._mark(self._marked ^ {index})

    def action_all(self) -> None:
        """Mark every place."""
        self._mark(set(range(len(self._places))))

    def action_move(self, direction: str) -> None:
        """Move like everywhere else."""
        choices = self.query_one(OptionList)
        choices.action_cursor_down() if direction == "down" else choices.action_cursor_up()

    @on(OptionList.OptionSelected)
    def action_open(self) -> None:
        """Open what is marked; where nothing is, what is under the cursor."""
        index = self.query_one(OptionList).highlighted
        chosen = sorted(self._marked) or ([] if index is None else [index])
        if chosen:
            self.dismiss([self._places[each].path for each in chosen])

    def action_leave(self) -> None:
        """Open nothing."""
        self.dismiss(None)

    def _line(self, index: int) -> Text:
        path, format_, held = (clean(words) for words in humanize.usual_place(self._places[index]))
        path = fit(path if cell_len(path) <= _PATH else ELLIPSIS + path[1 - _PATH :], _PATH)  # its end says more
        mark = "● " if index in self._marked else "  "
        return Text.assemble(mark, (path + " ", "bold"), f"{format_:<15} ", (held, "dim"), no_wrap=True)
