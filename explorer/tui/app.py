"""The application: it holds the paths and the settings, and puts the main screen up."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import constants
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from explorer.tui.keys_ahead import KeysAhead
from explorer.tui.screens.main import MainScreen
from explorer.tui.state import State
from explorer.tui.text import clean, clean_block

if TYPE_CHECKING:
    from textual.notifications import Notify, SeverityLevel

    from explorer.store.ingest import Options
    from explorer.tui.widgets.loading_line import Read


NOTHING_CHOSEN = 2
"""Return code when no path was named and none was chosen."""


class ExplorerApp(KeysAhead):
    """Opens paths of traces; none at first, to choose some. ``return_code`` is 3 when nothing could be read."""

    TITLE = "trace-explore"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "quit", show=False, id="app.quit_anywhere", priority=True),
    ]

    def __init__(
        self,
        paths: Sequence[Path],
        options: Options,
        where: str | None = None,
        place: str | None = None,
        read: Read | None = None,
    ) -> None:
        """Open ``paths``; ``read`` is another way to read them than ``store.ingest``, for tests."""
        super().__init__()
        self._read = read
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

    def get_default_screen(self) -> Screen[None]:
        """The one main screen; an empty one while no path is named."""
        return self._main() if self.paths else Screen()

    def _main(self) -> MainScreen:
        return MainScreen(self.paths, self._options, self.state, self._place, self._read)

    def _offer_places(self) -> None:
        from explorer.store.places import usual_places
        from explorer.tui.screens.places import PlacesScreen

        def opened(paths: list[Path] | None) -> None:
            if not paths:
                self.exit(return_code=NOTHING_CHOSEN)
                return
            self.paths = paths
            self.push_screen(self._main())

        self.push_screen(PlacesScreen(lambda: usual_places(os.environ, Path.home(), Path())), opened)

    def on_mount(self) -> None:
        """Keep collections of garbage rare, and leave the terminal in order even when told to end from outside."""
        # A tree of 100,000 nodes makes a full collection take 0.1 s, in the middle of a key press.
        gc.set_threshold(50_000, 20, 100)
        if not self.paths:
            self._offer_places()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Not every platform and thread may have a handler; then the default remains.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.exit, None, 128 + number)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say something in the corner. Whatever it quotes is made safe to draw, and never taken for markup."""
        super().notify(clean_block(message), title=clean(title), severity=severity, timeout=timeout)

    def on_notify(self, event: Notify) -> None:
        """What is said again takes the place of what still stands there."""
        new = event.notification
        for old in list(self._notifications):
            if (old.message, old.title, old.severity) == (new.message, new.title, new.severity):
                self._unnotify(old, refresh=False)

    def action_help_quit(self) -> None:
        """What ctrl+c does where it stops nothing; Textual says it in markup."""
        self.notify("ctrl+q quits.", timeout=3)

    def _fatal_error(self) -> None:
        """A bug of ours: no traceback over the terminal, but a file with it, and where that is."""
        import tempfile

        with tempfile.NamedTemporaryFile(
            "w", prefix="trace-explore-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as report:
            traceback.print_exc(file=report)
        error = clean(repr(sys.exc_info()[1]))
        self._exit_renderables.append(
            Text(f"trace-explore ended because of a bug in it: {error}\nPlease report it with the file {report.name}")
        )
        self._close_messages_no_wait()
