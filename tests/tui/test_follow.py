"""While traces are followed, what is written appears, and the cursor stays where it is."""

from __future__ import annotations

import gc
import queue
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot

from explorer.model import Row
from explorer.store.database import Opening
from explorer.store.ingest import Cancelled, Options, Progress
from explorer.tui.app import ExplorerApp
from explorer.tui.screens.trouble import TroubleScreen
from tests.store.world import agent, conversation, run, write_batch
from tests.tui.conftest import at, drive, main_screen, names, press, screen_text, settle, tree_of


class World:
    """Conversations that become more, and whoever watches them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.changes: queue.Queue[bool] = queue.Queue()
        self.followed: list[bool] = []
        self.full = False
        self.gone = False
        self.may_end = threading.Event()
        self.may_end.set()
        self.flickered = False
        self.before = 0
        """Conversations that were there before anybody looked."""

    def read(
        self, _: Sequence[Path], options: Options, progress: Callable[[Progress], None],
        opened: Callable[[Opening], object], cancelled: threading.Event,
    ) -> Opening:  # fmt: skip
        self.followed.append(options.follow)
        while not self.may_end.wait(0.01):
            if cancelled.is_set():
                raise Cancelled
        if options.follow and not self.full:
            self.flickered |= opened(Opening([], {}, complete=False)) is not None
        if self.full:
            raise OSError("the disk is full")
        if self.gone:
            return Opening([], {})
        rows: list[Row] = []
        for number in range(self.before + len(self.followed)):
            name = f"c{number}"
            rows += [agent(f"{name}/main", conversation_id=name), conversation(name, title=f"talk {number}")]
            rows.append(run(f"{name}/1", f"{name}/main", conversation_id=name))
        parts = self.directory / str(len(self.followed))
        parts.mkdir()
        progress(Progress("done", 1, 1, 1, 1, None))
        return Opening([write_batch(rows, parts)], {})

    def watch(
        self, _: Sequence[Path], stop: threading.Event, note: Callable[[str], None]
    ) -> Iterator[frozenset[str] | None]:
        while not stop.is_set():
            try:
                if not self.changes.get(timeout=0.01):
                    raise OSError("it is gone")
            except queue.Empty:
                continue
            yield None


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    monkeypatch.setattr("explorer.store.follow.changes", made.watch)
    return made


def talks(pilot: Pilot[int]) -> list[str]:
    return [name for name in names(pilot) if not name.startswith(" ")]


async def wait_for(pilot: Pilot[int], world: World, readings: int) -> None:
    """Until so many readings are shown. The thread that watches never ends, so ``settle`` cannot wait for it."""
    for _ in range(500):
        await pilot.pause(0.01)
        if len(world.followed) == readings and len(talks(pilot)) == world.before + readings:
            return
    pytest.fail("what changed is not shown")


def test_what_changes_is_shown_until_it_is_no_longer_followed(world: World) -> None:
    app = ExplorerApp([Path("traces")], Options(), read=world.read)

    async def script(pilot: Pilot[int]) -> None:
        assert talks(pilot) == ["talk 0"]
        # What tabs that are hidden now have shown, they must not hold for ever.
        await press(pilot, "3", "5", "1")
        first = weakref.ref(main_screen(pilot).opened.database)  # type: ignore[union-attr]
        pilot.app.simulate_key("F")
        await pilot.pause()
        assert "● following" in screen_text(pilot)
        here = at(pilot)
        world.changes.put(True)
        await wait_for(pilot, world, 2)
        assert talks(pilot) == ["talk 0", "talk 1"]
        assert at(pilot) == here
        assert not world.flickered, "what changed is taken away before all is read again"
        await pilot.pause()
        gc.collect()
        assert first() is None
        pilot.app.simulate_key("F")
        await settle(pilot)
        assert "● following" not in screen_text(pilot)
        assert world.followed == [False, True]

    drive(app, script)


def test_escape_ends_neither_following_nor_a_reading_that_nobody_sees(world: World) -> None:
    app = ExplorerApp([Path("traces")], Options(), read=world.read)

    async def script(pilot: Pilot[int]) -> None:
        line = main_screen(pilot).loading_line

        async def change() -> None:
            readings = len(world.followed)
            world.changes.put(True)
            for _ in range(500):
                await pilot.pause(0.01)
                if len(world.followed) > readings:
                    return

        pilot.app.simulate_key("F")
        for key in ("escape", "ctrl+c"):
            world.may_end.clear()
            await change()
            assert line.loading_now and line.following
            pilot.app.simulate_key(key)
            await pilot.pause(0.05)
            if key == "escape":
                assert line.loading_now and line.following
                world.may_end.set()
                await wait_for(pilot, world, 2)
        await settle(pilot)
        assert not line.loading_now and not line.following
        text = screen_text(pilot)
        assert "what has changed since the last reading is not shown" in text and "0 of" not in text
        assert talks(pilot) == ["talk 0", "talk 1"]
        pilot.app.simulate_key("F")
        await pilot.pause()
        assert line.following
        await press(pilot, "ctrl+c")
        assert not line.following

    drive(app, script)


def test_what_is_read_again_does_not_move_on_the_screen(world: World) -> None:
    world.before = 60
    app = ExplorerApp([Path("traces")], Options(), read=world.read)

    async def script(pilot: Pilot[int]) -> None:
        tree = tree_of(pilot)
        pilot.app.simulate_key("F")
        for readings, (cursor, scroll) in enumerate([(60, 40), (20, 20), (20, 18), (30, 5), (3, 30)], 2):
            tree.cursor = cursor
            tree.scroll_to(y=scroll, animate=False, immediate=True)
            await pilot.pause()
            here = at(pilot), tree.cursor - tree.scroll_y
            world.changes.put(True)
            await wait_for(pilot, world, readings)
            assert (at(pilot), tree.cursor - tree.scroll_y) == here
        pilot.app.simulate_key("F")

    drive(app, script)


def test_when_it_cannot_be_followed_that_is_said(world: World) -> None:
    app = ExplorerApp([Path("traces")], Options(), read=world.read)

    async def script(pilot: Pilot[int]) -> None:
        world.changes.put(False)
        await press(pilot, "F")
        assert "it is gone" in screen_text(pilot)
        await press(pilot, "escape")
        assert "● following" not in screen_text(pilot)

    drive(app, script)


def test_a_reading_that_fails_is_told_once_and_tried_again_with_the_filter(world: World) -> None:
    where = "run_id <> 'c0/1'"
    app = ExplorerApp([Path("traces")], Options(), read=world.read, where=where)

    async def script(pilot: Pilot[int]) -> None:
        pilot.app.simulate_key("F")
        world.full = True
        world.changes.put(True)
        for _ in range(500):
            await pilot.pause(0.01)
            if isinstance(pilot.app.screen, TroubleScreen):
                break
        assert not main_screen(pilot).loading_line.following
        world.full = False
        await press(pilot, "r")
        assert world.followed == [False, True, False]
        assert main_screen(pilot).state.where == where
        assert talks(pilot) == ["talk 1", "talk 2"]

    drive(app, script)


def test_what_was_gone_and_came_back_is_shown_without_a_key(world: World) -> None:
    app = ExplorerApp([Path("traces")], Options(), read=world.read)

    async def until(pilot: Pilot[int], shown: Callable[[], bool]) -> None:
        for _ in range(500):
            await pilot.pause(0.01)
            if shown():
                return
        pytest.fail("it is not shown")

    async def script(pilot: Pilot[int]) -> None:
        pilot.app.simulate_key("F")
        for world.gone in (True, True, False):
            readings = len(world.followed)
            world.changes.put(True)
            await until(pilot, lambda readings=readings: len(world.followed) > readings)
            await until(pilot, lambda: isinstance(pilot.app.screen, TroubleScreen) == world.gone)
        assert not any(isinstance(screen, TroubleScreen) for screen in pilot.app.screen_stack)
        await until(pilot, lambda: talks(pilot) == [f"talk {number}" for number in range(4)])
        pilot.app.simulate_key("F")

    drive(app, script)
