"""The grid of steps."""

from __future__ import annotations

import pyarrow as pa

from explorer.tui.widgets.steps_grid import StepsGrid


def test_a_failed_step_is_marked_in_the_column_that_is_always_visible() -> None:
    steps = {"#": [1, 2, 3, 1], "run_id": ["a/1", "a/1", "a/1", "b/1"], "input": [5, None, 6, 7]}
    grid = StepsGrid(pa.table(steps | {"error": [None, "timeout", None, None], "failed tools": [None, None, 1, 2]}))
    assert [grid._cells(row)[0] for row in range(4)] == ["     1 ", "     2✗", "     3e", "     1e"]
    assert (grid.failed, grid.failed_tools) == (1, 2)
    assert [grid.next_failed(None, row, True) for row in (None, 1, 2, 3)] == [1, 2, 3, None]
    assert [grid.next_failed("a/1", row, False) for row in (None, 2, 1)] == [2, 1, None]


def test_runs_of_one_type_are_told_apart_by_the_ends_of_their_names() -> None:
    steps = {"#": [1, 1], "run_id": ["a", "b"], "run": ["Explore agent_001", "Explore agent_002"]}
    grid = StepsGrid(pa.table(steps | {"error": [None, None], "failed tools": [None, None]}))
    cells = [grid._cells(row)[1].rstrip() for row in range(2)]
    assert [cell[-3:] for cell in cells] == ["001", "002"]
    assert max(map(len, cells)) <= 14
