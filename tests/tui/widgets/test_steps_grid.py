"""The grid of steps."""

from __future__ import annotations

import pyarrow as pa

from explorer.tui.widgets.steps_grid import StepsGrid


def test_a_failed_step_is_marked_in_the_column_that_is_always_visible() -> None:
    steps = {"#": [1, 2], "run_id": ["a/1", "a/1"], "input": [5, None], "error": [None, "timeout"]}
    grid = StepsGrid(pa.table(steps))
    assert [grid._cells(row)[0] for row in (0, 1)] == ["     1 ", "     2✗"]
    assert grid.failed == 1
