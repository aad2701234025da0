"""Reading: the screen before, during and after it, and when it goes wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.containers import Vertical
from textual.pilot import Pilot

from explorer.model import Row
from explorer.store.database import Opening
from explorer.store.ingest import Cancelled, IngestError, Options, Progress, ingest
from explorer.tui.app import ExplorerApp
from explorer.tui.screens.trouble import TroubleScreen
from tests.store.world import agent, conversation, edge, family, run, source, step, write_batch
from tests.tui.conftest import WIDE, Opener, at, drive, main_screen, names, press, screen_text, settle


def second() -> list[Row]:
    """Another conversation, so that more can arrive."""
    return [
        source("b.json", records=1),
        conversation("d", title="trace two", source_id="b.json"),
        agent("d/main", conversation_id="d", name="main"),
        run("d/1", "d/main", conversation_id="d"),
        run("d/2", "d/main", conversation_id="d", ordinal=2),
        step("d/1", 1, input_tokens=5, source_id="b.json"),
        edge("d/e", "message", "d/1", "d/2"),
    ]


class Gated:
    """A reading in two parts that goes on only when the test lets it."""

    def __init__(self, directory: Path, *, above: bool = False) -> None:
        """``above``: what comes second stands first."""
        self.go = threading.Event()
        self.shown = threading.Event()
        (directory / "one").mkdir()
        (directory / "two").mkdir()
        one, two = (second(), family()) if above else (family(), second())
        self.first = write_batch(one, directory / "one")
        self.both = [self.first, write_batch(two, directory / "two")]

    def __call__(
        self,
        paths: Sequence[Path],
        options: Options,
        progress: Callable[[Progress], None],
        opened: Callable[[Opening], None],
        cancelled: threading.Event,
    ) -> Opening:
        progress(Progress("reading", 1, 2, 40, 100, "b.json"))
        opened(Opening([self.first], {}, complete=False))
        self.shown.set()
        while not self.go.wait(0.01):
            if cancelled.is_set():
                raise Cancelled
        return Opening(self.both, {})


async def until_shown(pilot: Pilot[int], gate: Gated) -> None:
    """Wait until the first part is on the screen, though the reading goes on."""
    await asyncio.to_thread(gate.shown.wait, 10)
    for _ in range(100):
        await pilot.pause()
        others = [worker for worker in pilot.app.workers if worker.name != "ingest" and not worker.is_finished]
        if main_screen(pilot).opened is not None and not others:
            return


def test_the_tree_fills_while_reading_and_keeps_its_place(tmp_path: Path) -> None:
    gate = Gated(tmp_path)
    app = ExplorerApp([tmp_path], Options(), read=gate)

    async def script() -> None:
        async with app.run_test(size=WIDE) as pilot:
            await until_shown(pilot, gate)
            assert "1 of 2 files" in screen_text(pilot)
            assert "so far: 1 conversation" in screen_text(pilot)
            for key in ("l", "l", "l", "l"):
                await pilot.press(key)
                await until_shown(pilot, gate)
            assert at(pilot) == "x"
            gate.go.set()
            await settle(pilot)
            assert at(pilot) == "x"
            assert names(pilot)[-1] == "trace two"
            assert "2 conversations" in screen_text(pilot)
            assert not main_screen(pilot).loading_line.display

    asyncio.run(script())


def test_what_is_read_later_and_stands_higher_is_at_the_top_until_somebody_moves(tmp_path: Path) -> None:
    gate = Gated(tmp_path, above=True)
    app = ExplorerApp([tmp_path], Options(), read=gate)

    async def script() -> None:
        async with app.run_test(size=WIDE) as pilot:
            await until_shown(pilot, gate)
            assert at(pilot) == "d"
            gate.go.set()
            await settle(pilot)
            assert (at(pilot), names(pilot)[-1]) == ("c", "trace two")

    asyncio.run(script())


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
def test_reading_can_be_stopped_and_taken_up_again(tmp_path: Path, key: str) -> None:
    gate = Gated(tmp_path)
    app = ExplorerApp([tmp_path], Options(), read=gate)

    async def script() -> None:
        async with app.run_test(size=WIDE) as pilot:
            await until_shown(pilot, gate)
            await pilot.press(key)
            await settle(pilot)
            assert "stopped: 1 of 2 files read; only they are shown. ctrl+r goes on." in screen_text(pilot)
            assert "so far: 1 conversation" in screen_text(pilot)
            gate.go.set()
            await press(pilot, "ctrl+r")
            assert "2 conversations" in screen_text(pilot)

    asyncio.run(script())


def test_reading_again_while_something_is_read_follows_it(tmp_path: Path) -> None:
    gate = Gated(tmp_path)
    readings: list[int] = []

    def read(*reading: Any) -> Opening:
        readings.append(len(readings) + 1)
        return gate(*reading)

    async def script() -> None:
        async with ExplorerApp([tmp_path], Options(), read=read).run_test(size=WIDE) as pilot:
            await until_shown(pilot, gate)
            await pilot.press("ctrl+r", "ctrl+r")
            gate.go.set()
            for _ in range(200):
                await settle(pilot)
                if len(readings) == 2 and not main_screen(pilot).loading_line.loading_now:
                    break
            assert readings == [1, 2]

    asyncio.run(script())


def test_what_asks_before_there_is_anything_says_so(tmp_path: Path) -> None:
    gate = Gated(tmp_path)

    def slow(*reading: Any) -> Opening:
        return gate(*reading[:3], lambda opening: None, reading[4])

    async def script() -> None:
        async with ExplorerApp([tmp_path], Options(), read=slow).run_test(size=WIDE) as pilot:
            await asyncio.to_thread(gate.shown.wait, 10)
            for key in ("w", "d", "C", "x", "f"):
                await pilot.press(key)
                assert [note.message[:7] for note in pilot.app._notifications] == ["Nothing"]  # said once
                pilot.app.clear_notifications()
            await pilot.press("w", "w")
            assert len(pilot.app._notifications) == 1
            assert pilot.app.screen is main_screen(pilot)
            await pilot.press("q")

    asyncio.run(script())


def test_pages_opened_while_reading_are_asked_again_once_all_is_read(tmp_path: Path) -> None:
    gate = Gated(tmp_path)

    async def script() -> None:
        async with ExplorerApp([tmp_path], Options(), read=gate).run_test(size=WIDE) as pilot:
            await until_shown(pilot, gate)
            main_screen(pilot).action_export()
            export = pilot.app.screen
            await until_shown(pilot, gate)
            assert "Reading is not finished" in screen_text(pilot)
            main_screen(pilot).open_handoffs(None, lambda _: None)
            await until_shown(pilot, gate)
            handoffs = pilot.app.screen
            assert "everything that is open: 4" in str(handoffs.query_one(Vertical).border_title)
            main_screen(pilot).action_curves()
            caches = pilot.app.screen
            main_screen(pilot).action_sharing()
            await pilot.press("4")
            await until_shown(pilot, gate)
            assert "still reading" in str(caches.query_one(Vertical).border_title)
            assert "still reading" in screen_text(pilot)
            assert "trace two › main" not in screen_text(pilot)
            gate.go.set()
            await settle(pilot)
            assert "still reading" not in screen_text(pilot)
            assert "trace two › main" in screen_text(pilot)
            assert "still reading" not in str(caches.query_one(Vertical).border_title)
            await pilot.press("escape")
            await settle(pilot)
            assert pilot.app.screen is caches
            assert "LRU" in screen_text(pilot)
            await pilot.press("escape")
            assert pilot.app.screen is handoffs
            assert "everything that is open: 5" in screen_text(pilot)
            assert "still reading" not in screen_text(pilot)
            await pilot.press("escape")
            await until_shown(pilot, gate)  # of the caches' own questions, some are dropped
            await settle(pilot)
            assert pilot.app.screen is export
            assert "Reading is not finished" not in screen_text(pilot)
            assert f"{main_screen(pilot).opened.counts.runs} runs" in screen_text(pilot)  # type: ignore[union-attr]

    asyncio.run(script())


def test_leaving_while_reading_does_not_wait_for_it(tmp_path: Path) -> None:
    gate = Gated(tmp_path)
    app = ExplorerApp([tmp_path], Options(), read=gate)

    async def script() -> None:
        async with app.run_test(size=WIDE) as pilot:
            await until_shown(pilot, gate)
            await pilot.press("q")

    asyncio.run(asyncio.wait_for(script(), 10))
    assert app.return_code == 0


def failing(error: Exception) -> Callable[..., Opening]:
    def read(*_: object) -> Opening:
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        (IngestError("there is nothing at /tmp/\x1b[31mnope"), "there is nothing at /tmp/␛[31mnope", 3),
        (RuntimeError("[/boom] disk is full"), "RuntimeError: [/boom] disk is full", 1),
    ],
)
def test_an_error_is_told_in_words_and_in_the_exit_code(
    opener: Opener, error: Exception, words: str, code: int
) -> None:
    app = opener(family(), read=failing(error))

    async def script(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app.screen, TroubleScreen)
        assert words in screen_text(pilot)
        await press(pilot, "q")

    drive(app, script)
    assert app.return_code == code


def test_a_filter_that_cannot_be_used_is_told_and_exits_with_two(opener: Opener) -> None:
    app = opener(family(), where="no_such_column > 1")

    async def script(pilot: Pilot[int]) -> None:
        assert "The filter cannot be used" in screen_text(pilot)
        assert "no_such_column" in screen_text(pilot)
        await press(pilot, "q")

    drive(app, script)
    assert app.return_code == 2


def test_a_filter_that_cannot_be_used_is_left_out_by_trying_again(opener: Opener) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "r")
        assert pilot.app.screen is main_screen(pilot)
        assert names(pilot)[0] == "trace one"
        assert main_screen(pilot).state.where is None

    drive(opener(family(), where="no_such_column > 1"), script)


def test_a_directory_without_traces_says_what_was_there_instead(opener: Opener) -> None:
    rows: list[Row] = [source("readme.txt", status="skipped", message="no known format", format=None)]
    app = opener(rows)

    async def script(pilot: Pilot[int]) -> None:
        assert "There is nothing to show" in screen_text(pilot)
        assert "1 file of no known format" in screen_text(pilot)
        await press(pilot, "q")

    drive(app, script)
    assert app.return_code == 3


def test_real_files_are_read_from_the_disk(tmp_path: Path) -> None:
    """The whole way once: files, worker, parts, database, screen."""
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "notes.txt").write_text("not a trace\n")
    app = ExplorerApp([tmp_path / "traces"], Options(jobs=0, cache_dir=tmp_path / "cache"), read=ingest)

    async def script(pilot: Pilot[int]) -> None:
        assert "There is nothing to show" in screen_text(pilot)

    drive(app, script)
