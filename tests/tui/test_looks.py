"""What the screens look like. Update with ``pytest --snapshot-update`` after looking at the report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from explorer.model import Row
from explorer.store.ingest import Options
from explorer.tui.app import ExplorerApp
from tests.store.world import agent, blocks, conversation, family, footprint, pair, reuse, run, source, step
from tests.tui.conftest import NARROW, WIDE, Opener, press, settle
from tests.tui.test_hostile import world as hostile
from tests.tui.test_loading import Gated, until_shown

Compare = Callable[..., bool]


def brood(children: int) -> list[Row]:
    """Sub-agents of one parent that share more the nearer they started."""
    rows: list[Row] = [source(), conversation(title="brood"), agent("main", name="main"), run("main/1", "main")]
    for i in range(children):
        run_id = f"x{i:02}/1"
        rows += [agent(f"x{i:02}", "main", name="Explore", label=f"agent_{i:03}")]
        rows += [run(run_id, f"x{i:02}", "main/1", start_ms=1_000 * i, end_ms=1_000 * i + 900)]
        rows += [step(run_id, 1, start_ms=1_000 * i, end_ms=1_000 * i + 900, input_tokens=6_400, output_tokens=90)]
        rows += blocks(run_id, 1, (0, 100))
        rows += [reuse(run_id, 1, 100, sibling=60 if i else 0, fresh=40 if i else 100), footprint(run_id, 100, 0, 60)]
        rows += [pair(f"x{j:02}/1", run_id, max(5, 95 - 10 * (i - j)), max(5, 60 - 10 * (i - j))) for j in range(i)]
    return rows


def pressing(*keys: str) -> Callable[[Pilot[Any]], Any]:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *keys)

    return before


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        pytest.param(("j",), WIDE, id="overview-wide"),
        pytest.param(("j", "1"), NARROW, id="overview-narrow"),
        pytest.param(("j", "2", "tab"), WIDE, id="steps-wide"),
        pytest.param((), NARROW, id="tree-narrow"),
        pytest.param(("f", "type:steps + 1"), NARROW, id="filter-mistake-narrow"),
        pytest.param(("question_mark",), WIDE, id="help-wide"),
        pytest.param(("6", "tab", "enter"), NARROW, id="finding-narrow"),
    ],
)
def test_a_family(snap_compare: Compare, opener: Opener, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    assert snap_compare(opener(family()), terminal_size=size, run_before=pressing(*keys))


def test_reuse_of_a_brood(snap_compare: Compare, opener: Opener) -> None:
    assert snap_compare(opener(brood(6)), terminal_size=WIDE, run_before=pressing("j", "r"))


def test_sql(snap_compare: Compare, opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.store.queries.answers.monotonic", lambda: 0.0)
    assert snap_compare(opener(family()), terminal_size=WIDE, run_before=pressing("j", "colon", "enter", "j"))


def test_sixty_siblings_on_a_narrow_screen(snap_compare: Compare, opener: Opener) -> None:
    keys = ("j", "r", "m", "12*j", "30*l")
    assert snap_compare(opener(brood(60)), terminal_size=NARROW, run_before=pressing(*keys))


def test_hostile_text(snap_compare: Compare, opener: Opener) -> None:
    assert snap_compare(opener(hostile()), terminal_size=WIDE, run_before=pressing("j", "l", "j"))


def test_nothing_to_show(snap_compare: Compare, opener: Opener) -> None:
    app = opener([source("readme.txt", status="skipped", message="no known format", format=None)])
    assert snap_compare(app, terminal_size=NARROW, run_before=pressing())


def test_loading(snap_compare: Compare, tmp_path: Path) -> None:
    gate = Gated(tmp_path)
    app = ExplorerApp([Path("traces")], Options(), read=gate)

    async def before(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, gate)
        await asyncio.sleep(0)

    assert snap_compare(app, terminal_size=WIDE, run_before=before)
