"""Drive the explorer over small worlds, without a terminal and without waiting for the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker

from explorer.model import Row
from explorer.store.database import Database, Opening
from explorer.store.ingest import Options, Progress
from explorer.tui.app import ExplorerApp
from explorer.tui.screens.filter import FilterScreen
from explorer.tui.screens.main import MainScreen
from explorer.tui.widgets.agent_tree import AgentTree
from explorer.tui.widgets.detail_pane import DetailPane
from explorer.tui.widgets.loading_line import LoadingLine
from tests.store.world import write_batch
from tests.tui.answers import LastingDatabase

WIDE = (120, 40)
NARROW = (80, 24)

Script = Callable[[Pilot[int]], Awaitable[None]]
Opener = Callable[..., ExplorerApp]


@pytest.fixture(autouse=True)
def no_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for the cursor to rest, nothing blinks, nothing is drawn or told so many times a second.

    Nor does every explorer parse the same styles.
    """
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(DetailPane, "REST", 0)
    monkeypatch.setattr(LoadingLine, "PAUSE", 0)
    monkeypatch.setattr(FilterScreen, "REST", 0)
    monkeypatch.setattr("explorer.tui.widgets.loading_line._EVERY", 0)
    monkeypatch.setattr(Input, "cursor_blink", False)
    monkeypatch.setattr(Stylesheet, "_parse_rules", _parse_once)
    if "snap_compare" not in request.fixturenames:  # pictures are drawn as often as on a terminal, and asked for anew
        monkeypatch.setattr(Screen, "_compositor_refresh", _do_not_draw)
        monkeypatch.setattr(LastingDatabase, "cursor", LastingDatabase.remembering)


_parsed: dict[tuple[tuple[str, str], ...], LRUCache[Any, Any]] = {}
"""By the colours of the theme."""

_parse = Stylesheet._parse_rules


def _parse_once(sheet: Stylesheet, *source: Any, **kind: Any) -> list[RuleSet]:
    sheet._parse_cache = _parsed.setdefault(tuple(sheet._variables.items()), LRUCache(1000))
    return _parse(sheet, *source, **kind)


class World:
    """Rows as parts, and the database over them: opened once and left open, as nothing writes to it."""

    def __init__(self, rows: Sequence[Row], roots: dict[str, Path], parts: Path) -> None:
        self.opening = Opening([write_batch(rows, parts)], roots)

    @cached_property
    def database(self) -> Database:
        return LastingDatabase(self.opening)


_worlds: dict[str, World] = {}


@pytest.fixture
def opener(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Makes an explorer over rows, as if they had been read from a directory called ``traces``."""

    def open_rows(rows: Iterable[Row], **settings: Any) -> ExplorerApp:
        what = list(rows), settings.pop("roots", {})
        world = _worlds.get(repr(what)) or World(*what, tmp_path_factory.mktemp("parts"))
        opening = _worlds.setdefault(repr(what), world).opening

        def database(other: Opening) -> Database:
            return world.database if other is opening else Database(other)

        monkeypatch.setattr("explorer.store.database.Database", database)

        def read(paths: Sequence[Path], options: Options, progress: Callable[[Progress], None], *_: object) -> Opening:
            progress(Progress("done", 1, 1, 1, 1, None))
            return opening

        return ExplorerApp([Path("traces")], Options(), read=settings.pop("read", read), **settings)

    return open_rows


async def settle(pilot: Pilot[int]) -> None:
    """Wait until every question is answered, and those that the answers led to, or the explorer is left.

    Not by ``pilot.pause``, which sleeps until the process seems idle: that takes time, and proves nothing where the
    machine is busy.
    """
    while pilot.app.is_running:
        await pilot._wait_for_screen()  # until all have handled what had been sent to them
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        pilot.app.screen._on_timer_update()
        if running := _asking(pilot):
            await pilot.app.workers.wait_for_complete(running)
        elif not _is_changing(pilot):
            return


_TURNS = 5
"""Of the loop, for what follows from messages without one: tasks that go on, timers of no time."""


def _do_not_draw(screen: Screen[object]) -> None:
    """Nobody looks but ``screen_text``, which draws all. To draw after every key would be a fifth of the time."""
    screen._dirty_widgets.clear()  # what has to be drawn is noted in the compositor already


def _asking(pilot: Pilot[int]) -> list[Worker[Any]]:
    return [worker for worker in pilot.app.workers if not worker.is_finished]


def _has_messages(pilot: Pilot[int]) -> bool:
    """Whether anything is still to be handled: on a busy machine, a pause ends before that."""
    pumps = [pilot.app, *pilot.app.screen_stack, *(node for each in pilot.app.screen_stack for node in each.query("*"))]
    return any(pump.message_queue_size for pump in pumps)


def _is_changing(pilot: Pilot[int]) -> bool:
    """Whether there are messages, or the screen has something to lay out or to call when that is done."""
    screen = pilot.app.screen
    waits = screen._layout_required, screen._scroll_required, screen._repaint_required, screen._recompose_required
    return any(waits) or bool(screen._callbacks or screen._dirty_widgets) or _has_messages(pilot)


async def until(pilot: Pilot[int], reached: Callable[[], bool]) -> None:
    """Wait for a state that several questions lead to; it is a failure if it is not reached."""
    for _ in range(200):
        await settle(pilot)
        if reached():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not reached: {reached}")


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys one by one, each after everything before it is done.

    ``type:`` puts a text into the line at once; ``9*l`` holds a key down, and waits only at the end.
    """
    for key in keys:
        line = pilot.app.focused
        times, _, held = key.rpartition("*")
        if key.startswith("type:") and isinstance(line, Input):
            line.replace(key.removeprefix("type:"), *sorted(line.selection))
        else:
            # Not ``pilot.press``, which waits four times as long for nothing.
            for _ in range(int(times or 1)):
                pilot.app.simulate_key({"[": "left_square_bracket", "]": "right_square_bracket"}.get(held, held))
        await settle(pilot)


def drive(app: ExplorerApp, script: Script, size: tuple[int, int] = WIDE) -> None:
    """Run a script once everything is read."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await script(pilot)
            if pilot.app.is_running:
                screen_text(pilot)  # whatever it left can be drawn

    asyncio.run(run())


def main_screen(pilot: Pilot[Any]) -> MainScreen:
    """The main screen, whatever dialog is over it."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    return screen


def tree_of(pilot: Pilot[Any]) -> AgentTree:
    return main_screen(pilot).tree_pane.agents


def names(pilot: Pilot[Any]) -> list[str]:
    """The lines of the tree: indented names with their labels."""
    return [
        "  " * line.depth + " ".join(filter(None, (line.node.name, line.node.label))) if line.node else "…"
        for line in tree_of(pilot).lines
    ]


def at(pilot: Pilot[Any]) -> str | None:
    """The node under the cursor."""
    node = main_screen(pilot).node
    return node.node_id if node else None


def screen_text(pilot: Pilot[Any]) -> str:
    """What is on the terminal, as plain text."""
    screen = pilot.app.screen
    return "\n".join("".join(segment.text for segment in strip) for strip in screen._compositor.render_strips())
