"""What is shown when something is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.store.ingest import Options, ingest
from explorer.tui.opened import open_up

SAMPLE = Path(__file__).parents[2] / "sample_traces" / "claude-code" / "v2.0"


@pytest.mark.parametrize(("asked", "shown", "kept"), [(None, "agent_helper IS NULL", 4), ("", None, 5)])
def test_what_recorders_start_by_themselves_is_left_out_unless_asked_for(
    asked: str | None, shown: str | None, kept: int, tmp_path: Path
) -> None:
    opened = open_up(ingest([SAMPLE], Options(jobs=0, cache_dir=tmp_path)), asked)
    assert (opened.tree.where, opened.tree.runs_kept, opened.tree.runs) == (shown, kept, 5)
    opened.database.close()
