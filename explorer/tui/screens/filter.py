"""Write a filter: columns are completed, mistakes are pointed at, and it says what would stay."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from explorer.tui.text import clean, crop

if TYPE_CHECKING:
    from explorer.tui.opened import Opened

EXAMPLES = (
    "steps > 5",
    "agent_name = 'Explore' and status = 'completed'",
    "depth >= 2 and total_input_tokens > 1e6",
    "parent_run_id is not null",
)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
_SHOWN = 6

Check = Callable[[str, Callable[["Opened"], None], Callable[[Exception], None]], None]
"""Tries a filter in the background: the text, what to do with the data seen through it, what to do with the error."""


class FilterScreen(ModalScreen["tuple[str | None, Opened | None] | None"]):
    """Answers with the filter and its tree, or None when nothing is to change."""

    REST: ClassVar[float] = 0.15
    """Seconds of rest before a filter is tried."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="filter.close"),
        Binding("tab", "complete", "complete", id="filter.complete", priority=True),
        Binding("down", "suggestion(1)", "next suggestion", show=False, id="filter.next"),
        Binding("up", "suggestion(-1)", "previous suggestion", show=False, id="filter.previous"),
    ]

    def __init__(
        self, where: str, columns: list[tuple[str, str]], check: Check, drop: Callable[[Opened], None]
    ) -> None:
        super().__init__()
        self._drop = drop
        self._where = where
        self._columns = columns
        self._check = check
        self._tried: tuple[str, Opened] | None = None
        self._accepted = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The line, the mistake below it, suggestions, examples."""
        with Vertical(classes="dialog filter") as frame:
            frame.border_title = "Keep the runs for which this holds"
            yield Input(
                self._where,
                placeholder="a condition on the columns of run_totals, as in SQL",
                compact=True,
                select_on_focus=False,
            )
            yield Static("", id="caret", markup=False)
            yield Static("", id="verdict", markup=False)
            yield OptionList(compact=True, markup=False)
            yield Static("Examples:  " + "\n           ".join(EXAMPLES), id="examples", markup=False)
            yield Static(
                ("typing replaces what is set   → goes behind it, to add AND …\n" if self._where else "")
                + "enter keeps   tab completes   empty: no filter   escape leaves",
                classes="hint",
                markup=False,
            )

    def on_mount(self) -> None:
        """Start with the filter that is set, chosen: what is typed must not run into it."""
        self.query_one(OptionList).can_focus = False
        line = self.query_one(Input)
        line.select_all()
        line.focus()
        self._suggest()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._accepted = False
        self._say(Text(""), None)
        self._suggest()
        if self._timer is not None:
            self._timer.stop()
        if event.value.strip():
            self._timer = self.set_timer(self.REST, self._try) if self.REST else None
            if not self.REST:
                self._try()

    @property
    def _text(self) -> str:
        """What is written; nothing once the dialog was left, which loses its line only later."""
        return self.query_one(Input).value.strip() if self in self.app.screen_stack else ""

    def _try(self) -> None:
        where = self._text
        if not where:
            return
        self._say(Text("trying …", "dim"), None)
        self._check(where, lambda opened: self._kept(where, opened), lambda error: self._refused(where, error))

    def _kept(self, where: str, opened: Opened) -> None:
        if where != self._text:
            self._drop(opened)
            return
        self._drop_tried()
        self._tried = (where, opened)
        self._say(Text(f"✓ keeps {opened.tree.runs_kept:,} of {opened.tree.runs:,} runs", "bold"), None)
        if self._accepted:
            self.dismiss(self._tried)

    def _refused(self, where: str, error: Exception) -> None:
        if where != self._text:
            return
        self._accepted = False
        self._say(Text(f"✗ {clean(str(error))}"), getattr(error, "position", None))

    def _say(self, verdict: Text, position: int | None) -> None:
        self.query_one("#verdict", Static).update(verdict)
        caret = ""
        if position is not None:
            line = self.query_one(Input)
            lead = len(line.value) - len(line.value.lstrip())
            place = position + lead - int(line.scroll_x)
            caret = " " * max(0, min(place, line.content_size.width - 1)) + "↑ here"
        self.query_one("#caret", Static).update(caret)

    # Completion

    def _word(self) -> str:
        line = self.query_one(Input)
        match = _WORD.search(line.value[: line.cursor_position])
        return match[0] if match else ""

    def _suggest(self) -> None:
        word = self._word().lower()
        names = [pair for pair in self._columns if pair[0].lower().startswith(word)]
        names += [pair for pair in self._columns if word in pair[0].lower() and pair not in names]
        if word and names and names[0][0].lower() == word:
            names = []
        options = self.query_one(OptionList)
        options.clear_options()
        width = max((len(name) for name, _ in names), default=0) + 2
        options.add_options(
            Option(Text.assemble(crop(name, 40).ljust(width), (kind.lower(), "dim")), id=name) for name, kind in names
        )
        options.highlighted = 0 if names and word else None
        options.styles.height = min(_SHOWN, max(1, len(names)))

    def action_suggestion(self, by: int) -> None:
        """Move through the suggestions."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_complete(self) -> None:
        """Put the suggestion in the place of the word before the cursor."""
        options = self.query_one(OptionList)
        if not options.option_count:
            return
        name = str(options.get_option_at_index(options.highlighted or 0).id)
        line = self.query_one(Input)
        start = line.cursor_position - len(self._word())
        quoted = name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
        line.value = line.value[:start] + quoted + line.value[line.cursor_position :]
        line.cursor_position = start + len(quoted)

    @on(OptionList.OptionSelected)
    def _clicked(self) -> None:
        self.action_complete()
        self.query_one(Input).focus()

    # Leaving

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        where = event.value.strip()
        if not where:
            self._drop_tried()
            self.dismiss((None, None))
        elif self._tried is not None and self._tried[0] == where:
            self.dismiss(self._tried)
        else:
            self._accepted = True
            self._try()

    def _drop_tried(self) -> None:
        if self._tried is not None:
            self._drop(self._tried[1])
            self._tried = None

    def action_close(self) -> None:
        """Leave everything as it was."""
        self._drop_tried()
        self.dismiss(None)
