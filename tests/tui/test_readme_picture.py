"""The picture in the README is the screen as it is: what siblings share in a sample trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from explorer.store.ingest import Options
from explorer.tui.app import ExplorerApp
from tests.tui.conftest import WIDE, press, settle

ROOT = Path(__file__).parent.parent.parent


def test_the_picture_of_the_readme(
    snap_compare: Callable[..., bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    options = Options(jobs=0, cache_dir=tmp_path)
    app = ExplorerApp([Path("sample_traces/weka")], options, place="shared-with-siblings/main")

    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, "l", "r")

    assert snap_compare(app, terminal_size=WIDE, run_before=before)
