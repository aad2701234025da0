"""The application: it holds the paths and the settings, and puts the main screen up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import constants
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from explorer.tui.screens.main import MainScreen
from explorer.tui.state import State

if TYPE_CHECKING:
    from explorer.store.ingest import Options


class ExplorerApp(App[int]):
    """Opens paths of traces. ``return_code`` is 3 when nothing could be read."""

    TITLE = "trace-explore"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "quit", show=False, id="app.quit_anywhere", priority=True),
    ]

    def __init__(
        self, paths: Sequence[Path], options: Options, where: str | None = None, place: str | None = None
    ) -> None:
        super().__init__()
        self.paths = list(paths)
        self.state = State(where=where)
        self._options = options
        self._place = place
        # A theme that does not exist must not keep anybody from their traces.
        if constants.DEFAULT_THEME not in self.available_themes:
            self.theme = "textual-dark"

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers: the main screen's actions, then Textual's own."""
        # Imported on use: the palette is not needed for the first frame.
        from explorer.tui.palette import actions

        if isinstance(screen, MainScreen):
            yield from actions(screen)
        yield from (
            command for command in super().get_system_commands(screen) if command.title in ("Theme", "Screenshot")
        )

    def get_default_screen(self) -> MainScreen:
        """The one main screen."""
        return MainScreen(self.paths, self._options, self.state, self._place)
