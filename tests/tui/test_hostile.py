"""Names, titles, models and file names that try to take the terminal over."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from pathlib import Path

import pytest
from textual.pilot import Pilot

from explorer.model import Row
from explorer.store.ingest import Options
from explorer.tui.app import ExplorerApp
from tests.store.world import (
    agent,
    blocks,
    checkpoint,
    conversation,
    finding,
    footprint,
    pair,
    reuse,
    run,
    source,
    step,
    tool_call,
)  # fmt: skip
from tests.tui.conftest import NARROW, WIDE, Opener, drive, press, screen_text

EVIL = "\x1b]52;c;ZXZpbA==\x07 [/foo] [bold red] \u202egnp.exe\n\x9b31m\ttab \u200bzero [@click=app.quit]x[/]"


def world() -> list[Row]:
    """Everything that can be a text is one."""
    return [
        source(f"{EVIL}.json", records=3),
        source("skipped\n\x1b[2J.txt", status="skipped", message=EVIL, format=None),
        conversation(title=EVIL, group_name=EVIL, cwd=EVIL, source_id=f"{EVIL}.json"),
        agent("main", name=EVIL, label=EVIL, version=EVIL),
        *(agent(f"x{i}", "main", name=f"{EVIL} {i}", label=EVIL) for i in range(3)),
        run("main/1", "main", start_ms=0, end_ms=9, model=EVIL, status_detail=EVIL, native_run_id=EVIL),
        *(run(f"x{i}/1", f"x{i}", "main/1", start_ms=i, end_ms=9) for i in range(3)),
        step("main/1", 1, start_ms=0, input_tokens=1, model=EVIL, finish_reason=EVIL, error=EVIL, provider=EVIL),
        *(step(f"x{i}/1", 1, start_ms=i, input_tokens=1, model=EVIL, finish_reason=EVIL) for i in range(3)),
        step("main/1", 2, grade="ambiguous", candidates=json.dumps(["main/1", EVIL])),
        tool_call("main/1", 1, name=EVIL),
        checkpoint("1", run_id="main/1", checkpoint_id=EVIL, note=EVIL),
        *(block for i in range(3) for block in blocks(f"x{i}/1", 1, (0, 4))),
        *(reuse(f"x{i}/1", 1, 4, sibling=4 * (i > 0), fresh=4 * (i == 0)) for i in range(3)),
        *(footprint(f"x{i}/1", 4, 0, 4) for i in range(3)),
        *(pair(f"x{i}/1", f"x{j}/1", 4, 4) for i, j in ((0, 1), (0, 2), (1, 2))),
        finding("f1", code="bad-record", severity="error", source_id=f"{EVIL}.json", message=EVIL, run_id="x0/1"),
    ]


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_nothing_of_it_reaches_the_terminal(opener: Opener, size: tuple[int, int]) -> None:
    async def script(pilot: Pilot[int]) -> None:
        async def look(*keys: str) -> None:
            await press(pilot, *keys)
            for char in screen_text(pilot):
                assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Cs"), f"{char!r} after {keys}"

        await look()
        await look("j", "l", "j")
        for tab in ("1", "2", "3", "4", "5", "6"):
            await look(tab)
        if size == NARROW:
            return
        await look("escape", "6", "tab", "enter")
        await look("escape", "2", "tab", "enter")
        await look("w", "escape", "escape")
        await look("r", "m", "l", "c")
        await look("enter", "enter", "escape", "escape")
        await look("w", "2", "3", "4", "1", "enter", "enter")
        await look("escape", "t", "tab", "j", "l", "a", "space")
        await look("escape", "y")
        await look("escape", "x", "escape")
        await look("slash", "type:foo")
        await look("escape", "enter")
        await look("ctrl+p")
        await look("type:foo")
        pilot.app.screen.notify(EVIL, title=EVIL)
        await look()
        await look("escape", "f", "type:agent_name = '[/foo]' and [bold]")

    drive(opener(world()), script, size)


def test_a_crash_is_reported_whatever_it_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = ExplorerApp([Path("traces")], Options())
    try:
        raise ValueError("日本 \udc80")
    except ValueError:
        app._fatal_error()
    (report,) = tmp_path.iterdir()
    assert "ValueError: 日本 \\udc80" in report.read_text("utf-8")
