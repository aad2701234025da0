"""What there is to draw in the cells of the screen, counted by the database."""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from explorer.store.queries.scope import scope_of
from explorer.store.queries.timeline.happenings import HAPPENINGS, MARK
from explorer.store.queries.timeline.placed import parts_of
from explorer.store.queries.timeline.shapes import Bin, Cells, Drawn, Stretch, Ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.store.database import Cursor
    from explorer.store.queries.shapes import TreeView


def timeline_ticks(
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, stretches: Sequence[Stretch], cells: Cells
) -> Ticks:
    """What there is to draw in these rows and cells."""
    scope = scope_of(cursor, node_id)
    if scope is None or cells.number <= 0:
        return Ticks([], [Drawn({}, frozenset(), [], None, 0) for _ in stretches])
    parts = parts_of(tree, scope, own, cells.wall)
    asked = {
        "start": cells.start,
        "width": cells.width,
        "cells": cells.number,
        "firsts": [stretch.first for stretch in stretches],
        "lasts": [stretch.last for stretch in stretches],
        "grouped": [stretch.grouped for stretch in stretches],
        "owns": [stretch.own for stretch in stretches],
    }

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return cursor.execute(sql.format(**parts), asked).fetchall()

    steps: dict[int, dict[int, Bin]] = defaultdict(dict)
    before: dict[int, int | None] = {}
    untimed: dict[int, int] = {}
    for row, cell, *numbers in ask(_STEPS):
        found = Bin(*numbers)
        if cell is None:
            untimed[row] = found.steps
        elif cell < 0:
            before[row] = found.context_after
        else:
            steps[row][cell] = found
    for row, cell, marks in ask(_MARKS):
        steps[row][cell] = steps[row].get(cell, Bin())._replace(marks=frozenset(marks))
    changes: dict[tuple[int, bool], list[int]] = defaultdict(lambda: [0] * (cells.number + 1))
    for row, tool, cell, change in ask(_BUSY):
        changes[row, tool][cell] += change

    def under_way(row: int, tool: bool) -> frozenset[int]:
        levels = accumulate(changes[row, tool]) if (row, tool) in changes else ()
        return frozenset(cell for cell, calls in enumerate(levels) if calls > 0)

    at_once = _levels(ask(_AT_ONCE), cells)
    return Ticks(
        at_once.get(-1, [0] * cells.number),
        [
            Drawn(
                steps.get(row, {}),
                under_way(row, False),
                at_once.get(row, [0] * cells.number) if stretch.grouped else [],
                before.get(row),
                untimed.get(row, 0),
                under_way(row, True),
            )
            for row, stretch in enumerate(stretches)
        ],
    )


def _levels(changes: list[tuple[Any, ...]], cells: Cells) -> dict[int, list[int]]:
    """The most runs active at once in each cell, from what each cell in which anything changes has."""
    found: dict[int, list[int]] = {}
    level: dict[int, int] = {}
    until: dict[int, int] = {}
    for row, cell, first, most, last in changes:
        levels = found.setdefault(row, [0] * cells.number)
        now = level.get(row, 0)
        for quiet in range(until.get(row, 0), min(cell, cells.number)):
            levels[quiet] = now
        if cell >= 0:
            # What was going on before the first change counts, unless that is at the very start of the cell.
            levels[cell] = max(most, now) if first > cell else most
        level[row], until[row] = last, cell + 1
    for row, levels in found.items():
        for quiet in range(until[row], cells.number):
            levels[quiet] = level[row]
    return found


_ROWS = """
    rows AS (
        SELECT
            generate_subscripts($firsts::BIGINT[], 1) - 1 AS row, unnest($firsts::BIGINT[]) AS first,
            unnest($lasts::BIGINT[]) AS last, unnest($grouped::BOOLEAN[]) AS grouped, unnest($owns::BOOLEAN[]) AS own
    ),
    members AS (
        SELECT w.row, w.grouped, p.run_id, p.kept, p.shift, p.start, p.stop
        FROM rows AS w
        JOIN placed AS p ON p.position BETWEEN w.first AND w.last AND (NOT w.own OR p.agent_position = w.first)
    )
"""
"""The rows of the screen and their runs."""

_PLACE = "(moment - $start) / $width"
"""Where a moment is on the screen, in cells."""

_CELL = f"CASE WHEN moment IS NOT NULL THEN greatest(floor({_PLACE}), -1)::INTEGER END"
"""The cell of a moment before the end of the screen; -1 for what was before its start."""

_STEPS = (
    "WITH {placed}, "
    + _ROWS
    + """,
    timed AS (
        SELECT
            m.row, s.start_ms::DOUBLE + m.shift AS moment, s.error IS NOT NULL AS failed, s.is_replay, s.grade,
            CASE WHEN s.input_tokens IS NOT NULL OR s.output_tokens IS NOT NULL
                THEN internal.whole(coalesce(s.input_tokens, 0)::HUGEINT + coalesce(s.output_tokens, 0)) END AS context
        FROM steps AS s
        JOIN members AS m USING (run_id)
    )
    SELECT
        row,
        """
    + _CELL
    + """ AS cell,
        count(*) FILTER (NOT is_replay),
        count(*) FILTER (failed AND NOT is_replay),
        count(*) FILTER (is_replay),
        count(*) FILTER (grade = 'ambiguous' AND NOT is_replay),
        count(*) FILTER (grade = 'derived' AND NOT is_replay),
        max(context) FILTER (NOT is_replay),
        arg_max(context, moment) FILTER (NOT is_replay)
    FROM timed
    WHERE moment IS NULL OR """
    + _PLACE
    + """ < $cells
    GROUP BY row, cell
"""
)

_BUSY = (
    "WITH {placed}, "
    + _ROWS
    + """,
    calls AS (
        SELECT
            m.row, false AS tool, (s.start_ms::DOUBLE + m.shift - $start) / $width AS begun,
            (s.end_ms::DOUBLE + m.shift - $start) / $width AS ended
        FROM steps AS s
        JOIN members AS m USING (run_id)
        WHERE NOT m.grouped AND NOT s.is_replay AND s.end_ms > s.start_ms
        UNION ALL
        SELECT
            m.row, true, (t.start_ms::DOUBLE + m.shift - $start) / $width,
            (t.end_ms::DOUBLE + m.shift - $start) / $width
        FROM tool_calls AS t
        JOIN members AS m USING (run_id)
        WHERE NOT m.grouped AND t.end_ms > t.start_ms
    ),
    -- A call that ends where a cell begins is not under way in it.
    covered AS (
        SELECT row, tool, floor(greatest(begun, 0))::INTEGER AS first, ceil(least(ended, $cells))::INTEGER AS after
        FROM calls
        WHERE begun < $cells AND ended > 0
    ),
    changes AS (
        SELECT row, tool, first AS cell, 1 AS change FROM covered
        UNION ALL
        SELECT row, tool, greatest(after, first + 1), -1 FROM covered
    )
    SELECT row, tool, cell, sum(change)::INTEGER FROM changes GROUP BY ALL
"""
)

_AT_ONCE = (
    "WITH {placed}, "
    + _ROWS
    + """,
    active AS (
        SELECT row, start, greatest(stop, start + 1) AS stop FROM members WHERE grouped AND kept AND start IS NOT NULL
        UNION ALL
        SELECT -1, start, greatest(stop, start + 1) FROM placed WHERE kept AND start IS NOT NULL
    ),
    -- A run that ends when another starts was not active at once with it: at one time, ends come first.
    changes AS (
        SELECT row, start AS moment, 1 AS change FROM active UNION ALL SELECT row, stop, -1 FROM active
    ),
    running AS (
        SELECT row, moment, change, sum(change) OVER (PARTITION BY row ORDER BY moment, change) AS level
        FROM changes
    )
    SELECT
        row,
        """
    + _CELL
    + """ AS cell,
        min("""
    + _PLACE
    + """),
        max(level)::INTEGER,
        last(level ORDER BY moment, change)::INTEGER
    FROM running
    WHERE """
    + _PLACE
    + """ < $cells
    GROUP BY row, cell
    ORDER BY row, cell
"""
)

_MARKS = (
    "WITH {placed}, "
    + _ROWS
    + ", "
    + HAPPENINGS
    + """,
    timed AS (
        SELECT m.row, h.moment::DOUBLE + m.shift AS moment, """
    + MARK
    + """ AS mark
        FROM happenings AS h
        JOIN members AS m USING (run_id)
        -- Within a group only what went wrong is marked.
        WHERE NOT m.grouped OR what = 'error' OR (outward AND delivered IS NOT DISTINCT FROM false)
        UNION ALL
        SELECT m.row, m.stop, 'failed' FROM members AS m JOIN runs AS r USING (run_id)
        WHERE m.grouped AND r.status = 'failed'
    )
    SELECT row, """
    + _CELL
    + """ AS cell, list(DISTINCT mark)
    FROM timed
    WHERE mark IS NOT NULL AND moment >= $start AND """
    + _PLACE
    + """ < $cells
    GROUP BY row, cell
"""
)
