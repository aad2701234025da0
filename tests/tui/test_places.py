"""Without a path: what is in the usual places can be opened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from explorer.store.ingest import Options, Progress
from explorer.store.places import UsualPlace
from explorer.tui.app import NOTHING_CHOSEN, ExplorerApp
from tests.store.world import agent, conversation, run, write_batch
from tests.tui.conftest import drive, press, screen_text


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExplorerApp:
    """An explorer that reads a world from whatever was chosen, and finds three places."""
    from explorer.store.database import Opening

    def places(*_: object) -> Iterator[UsualPlace]:
        for name in ("first", "second\x1b[31m", "third"):
            yield UsualPlace(tmp_path / name, "maverick", 3, 1_200_000, None, name != "third")

    monkeypatch.setattr("explorer.store.places.usual_places", places)
    opening = Opening(
        [write_batch([agent("c/main"), run("c/1", "c/main"), conversation("c", title="a talk")], tmp_path)], {}
    )

    def read(paths: list[Path], options: Options, progress: object, *_: object) -> Opening:
        assert callable(progress)
        progress(Progress("done", 1, 1, 1, 1, None))
        return opening

    return ExplorerApp([], Options(), read=read)


def test_what_is_marked_is_opened(app: ExplorerApp, tmp_path: Path) -> None:
    async def script(pilot: Pilot[int]) -> None:
        said = screen_text(pilot)
        assert "maverick" in said
        assert "3 files, 1.2 MB" in said
        assert "at least 3 files" in said
        assert "\x1b" not in said
        await press(pilot, "space", "j", "j", "space", "enter")
        assert app.paths == [tmp_path / "first", tmp_path / "third"]
        assert "a talk" in screen_text(pilot)

    drive(app, script)


def test_enter_opens_what_is_under_the_cursor_and_q_nothing(app: ExplorerApp, tmp_path: Path) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "j", "k", "enter")
        assert app.paths == [tmp_path / "first"]

    drive(app, script)


def test_q_opens_nothing(app: ExplorerApp) -> None:
    async def script(pilot: Pilot[int]) -> None:
        await press(pilot, "q")

    drive(app, script)
    assert app.return_code == NOTHING_CHOSEN
