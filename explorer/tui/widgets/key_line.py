"""The last line: the keys that work now, the nearest first, as many as fit; help is always among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.screen import Screen

HELP = Binding("question_mark,f1", "help", "help", key_display="?", id="app.help", tooltip="Help for this place")
"""For every screen with more keys than the line has room for; it stands at its end."""

_DISPLAY = {"enter": "enter", "escape": "esc", "down": "↓", "up": "↑"}
_WRITTEN = frozenset(("slash", "question_mark", "left_square_bracket", "right_square_bracket", "space"))
"""Keys of more than a letter that are characters all the same."""


class Hint(NamedTuple):
    """A key and what it does now."""

    key: str
    display: str
    description: str


class KeyLine(Widget):
    """Like Textual's footer, but one widget that draws text, so that moving the focus does not rebuild a dozen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the bindings of the screen."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)

    def _bindings_updated(self, _: Screen[object]) -> None:
        self.refresh()

    def _hints(self) -> tuple[list[Hint], list[Hint]]:
        hints: list[Hint] = []
        last: list[Hint] = []
        seen: set[str] = set()
        for _, binding, enabled, _tooltip in self.screen.active_bindings.values():
            if not binding.show or not enabled or binding.action in seen or self._typed(binding):
                continue
            seen.add(binding.action)
            (last if binding.id == HELP.id else hints).append(self._hint(binding))
        return hints, last

    @property
    def _typing(self) -> bool:
        focused = self.screen.focused
        return focused is not None and focused.check_consume_key("a", "a")

    def _typed(self, binding: Binding) -> bool:
        """Whether the key would be typed into a line of text rather than do what it says."""
        return self._typing and (len(binding.key) == 1 or binding.key in _WRITTEN)

    def _hint(self, binding: Binding) -> Hint:
        # The displays name several keys, of which those that are letters would be typed.
        told = _DISPLAY.get(binding.key, binding.key) if self._typing else binding.key_display
        display = told or _DISPLAY.get(binding.key) or self.app.get_key_display(binding)
        return Hint(binding.key, display, binding.description)

    def render(self) -> Text:
        """The line."""
        hints, last = self._hints()
        room = self.size.width - 1 - sum(_width(hint) for hint in last)
        shown: list[Hint] = []
        for hint in hints:
            room -= _width(hint)
            if room < 0:
                break
            shown.append(hint)
        text = Text(" ", no_wrap=True, end="")
        self._spans = []
        for hint in (*shown, *last):
            start = text.cell_len
            text.append(hint.display, "bold reverse" if self.app.no_color else f"bold {self._key_colour}")
            text.append(f" {hint.description}")
            self._spans.append((start, text.cell_len, hint.key))
            text.append("  ")
        return text

    @property
    def _key_colour(self) -> str:
        return self.app.theme_variables.get("footer-key-foreground", "")

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)


def _width(hint: Hint) -> int:
    return cell_len(hint.display) + cell_len(hint.description) + 3
