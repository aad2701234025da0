"""When the runs of a node ran: their lanes, what happened in each cell of the screen, and what one cell holds.

Lanes are read once per node; steps only for the lanes and the stretch of time that are on the screen, and counted per
cell by the database, so that a million steps cost what a screen of cells costs. Times count from the conversation's
start, or with ``wall`` in milliseconds since 1970 (UTC); then runs of conversations without a clock are left out.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

from explorer.store.queries.scope import Scope, one, scope_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explorer.model import Grade, RunStatus
    from explorer.store.database import Cursor
    from explorer.store.queries.shapes import NodeKind, TreeView

LANES = 5_000
"""Lines that are read at most."""

Mark: TypeAlias = Literal[
    "error", "lost", "compaction", "interrupt", "resume", "checkpoint", "tool_error", "fork", "spawn", "result", "sent",
    "received",
]  # fmt: skip
"""What else happened in a cell: events, edges, failed tool calls. ``lost``: what this run sent never arrived."""


class Lane(NamedTuple):
    """A line of the tree, with the time it spans. Of a line that stands for no run: that of the runs below it."""

    position: int
    last: int
    depth: int
    """Lines above it, up to the node that was asked for."""
    kind: NodeKind
    node_id: str
    run_id: str | None
    name: str
    label: str | None
    status: RunStatus
    kept: bool
    """False where the filter shows it only because it leads to a kept run."""
    runs: int
    """Runs at this line and below it."""
    start_ms: float | None
    """Of its run; where it stands for no run, the first of those below it. None: no time was recorded."""
    end_ms: float | None
    below_start_ms: float | None
    """The first and the last time at this line and below it."""
    below_end_ms: float | None
    clock_ms: float | None
    """When its conversation started, in ms since 1970; None without a wall clock."""
    time_grade: Grade | None
    is_open: bool
    """The run was still going when the recording ended."""
    end_recorded: bool
    """False where the end is that of the run's last step, because the run itself has none."""
    parent_run_id: str | None
    spawned: bool
    """Whether an edge says who spawned it."""
    result: Literal["given", "lost"] | None
    """Whether an edge takes its result to somebody, and whether that got lost."""


class Timeline(NamedTuple):
    """The lanes of a node in the order of the tree, and what they span together."""

    lanes: list[Lane]
    lines: int
    """How many lanes there are; more than ``lanes`` where there are very many."""
    runs: int
    """Runs that the filter keeps."""
    left_out: int
    """Runs that it does not."""
    conversations: int
    clocked: int
    """Conversations with a wall clock."""
    start_ms: float | None
    end_ms: float | None
    wall_start: float | None
    wall_end: float | None
    peak_context: int | None
    """Most input and output tokens of one step."""


class Stretch(NamedTuple):
    """A row of the screen: the lines of the tree whose runs it shows."""

    first: int
    last: int
    grouped: bool
    """Whether it shows how many of them are active at once, rather than one run."""
    own: bool = False
    """Only the runs of the agent at ``first``, and none of the agents below it."""


class Cells(NamedTuple):
    """A stretch of time, cut into the cells of the screen."""

    start: float
    width: float
    """Milliseconds of a cell."""
    number: int
    wall: bool = False


class Bin(NamedTuple):
    """What starts within one cell of a row."""

    steps: int = 0
    failed: int = 0
    replayed: int = 0
    ambiguous: int = 0
    derived: int = 0
    context: int | None = None
    """Most input and output tokens of one of these steps."""
    marks: frozenset[Mark] = frozenset()


class Drawn(NamedTuple):
    """What there is to draw in a row."""

    bins: dict[int, Bin]
    """By cell; cells in which nothing starts have none."""
    busy: frozenset[int]
    """Cells in which a model call is under way."""
    at_once: list[int]
    """Of a grouped row: the most runs that are active at once, cell by cell."""
    context_before: int | None
    """Context of the last step before the first cell."""
    untimed: int
    """Steps without a time, which no cell holds."""


class Ticks(NamedTuple):
    """What there is to draw on the screen."""

    at_once: list[int]
    """The most runs of the whole node that are active at once, cell by cell."""
    rows: list[Drawn]
    """One per stretch that was asked for."""


class SpotStep(NamedTuple):
    """A step that starts in a cell."""

    run_id: str
    ordinal: int
    start_ms: int
    end_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    model: str | None
    error: str | None
    is_replay: bool
    grade: Grade
    candidates: int
    """How many runs it may belong to."""


class Happening(NamedTuple):
    """An event, an edge, a checkpoint or a failed tool call."""

    what: str
    """``compaction``, ``spawn``, ``checkpoint``, ``tool``, …"""
    outward: bool | None
    """Of an edge, whether it starts here."""
    other: str | None
    """Of an edge, the run at its other end; of a tool call, its name."""
    detail: str | None
    delivered: bool | None
    grade: Grade | None
    before: int | None
    """Tokens before and after a compaction; messages of a checkpoint."""
    after: int | None


class Spot(NamedTuple):
    """What one cell of a row holds."""

    steps: list[SpotStep]
    """The first of them."""
    step_count: int
    last_ordinal: int | None
    happenings: list[Happening]
    happening_count: int


def timeline(cursor: Cursor, tree: TreeView, node_id: str | None, own: bool = False) -> Timeline:
    """The lanes at a node and below it; with ``own``, those of its own runs."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return Timeline([], 0, 0, 0, 0, 0, None, None, None, None, None)
    lanes = [Lane(*row) for row in cursor.execute(_LANES.format(**_parts(tree, scope, own), limit=LANES)).fetchall()]
    totals = one(cursor, _TOTALS.format(**_parts(tree, scope, own)))
    assert totals is not None
    return Timeline(lanes, *totals)


def timeline_ticks(
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, stretches: Sequence[Stretch], cells: Cells
) -> Ticks:
    """What there is to draw in these rows and cells."""
    scope = scope_of(cursor, node_id)
    if scope is None or cells.number <= 0:
        return Ticks([], [Drawn({}, frozenset(), [], None, 0) for _ in stretches])
    parts = _parts(tree, scope, own, cells.wall)
    window = {"start": cells.start, "finish": cells.start + cells.width * cells.number, "width": cells.width}
    asked = window | {
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
    for row, cell, *numbers, last_context in ask(_STEPS):
        if cell is None:
            untimed[row] = numbers[0]
        elif cell < 0:
            before[row] = last_context
        else:
            steps[row][cell] = Bin(*numbers)
    for row, cell, marks in ask(_MARKS):
        steps[row][cell] = steps[row].get(cell, Bin())._replace(marks=frozenset(marks))
    changes: dict[int, list[int]] = defaultdict(lambda: [0] * (cells.number + 1))
    for row, cell, change in ask(_BUSY):
        changes[row][cell] += change
    at_once = _levels(ask(_AT_ONCE), cells)
    return Ticks(
        at_once.get(-1, [0] * cells.number),
        [
            Drawn(
                steps.get(row, {}),
                frozenset(cell for cell, calls in enumerate(accumulate(changes[row])) if calls > 0)
                if row in changes
                else frozenset(),
                at_once.get(row, [0] * cells.number) if stretch.grouped else [],
                before.get(row),
                untimed.get(row, 0),
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
            levels[cell] = max(most, now) if first > cells.start + cell * cells.width else most
        level[row], until[row] = last, cell + 1
    for row, levels in found.items():
        for quiet in range(until[row], cells.number):
            levels[quiet] = level[row]
    return found


def timeline_spot(
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, stretch: Stretch, cell: Cells, limit: int = 6
) -> Spot:
    """What the first of these cells holds in a row: steps that start there, and what else happened."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return Spot([], 0, None, [], 0)
    parts = _parts(tree, scope, own, cell.wall)
    asked = _members(stretch) | {"start": cell.start, "finish": cell.start + cell.width}
    steps = cursor.execute(_SPOT_STEPS.format(**parts, limit=limit), asked).fetchall()
    counted = cursor.execute(_SPOT_COUNT.format(**parts), asked).fetchall()[0]
    happenings = [Happening(*row) for row in cursor.execute(_SPOT_REST.format(**parts), asked).fetchall()]
    return Spot([SpotStep(*row) for row in steps], counted[0], counted[1], happenings[:limit], len(happenings))


def timeline_beside(
    cursor: Cursor, tree: TreeView, node_id: str | None, own: bool, stretch: Stretch, at: float, wall: bool, by: int
) -> float | None:
    """When the next step or mark of a row is (the one before for a negative ``by``)."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    way = ("min", ">=") if by > 0 else ("max", "<")
    asked = _members(stretch) | {"at": at}
    row = one_of(cursor, _BESIDE.format(**_parts(tree, scope, own, wall), pick=way[0], side=way[1]), asked)
    return cast("float | None", row[0])


def _members(stretch: Stretch) -> dict[str, float | bool]:
    return {"first": stretch.first, "last": stretch.last, "own": stretch.own}


def one_of(cursor: Cursor, sql: str, parameters: Mapping[str, object]) -> tuple[Any, ...]:
    """The only row of an answer to named parameters."""
    row: tuple[Any, ...] = cursor.execute(sql, parameters).fetchall()[0]
    return row


def _parts(tree: TreeView, scope: Scope, own: bool, wall: bool = False) -> dict[str, str]:
    """The common table expressions of all these questions, filled in for a node."""
    own = own and scope.kind != "all"
    chosen = _CHOSEN.format(tree=tree.table, condition=scope.runs(own))
    placed = _PLACED.format(
        shift="c.clock" if wall else "0::DOUBLE",
        clocks="JOIN clocks AS c ON c.conversation_id = s.conversation_id AND c.clock IS NOT NULL" if wall else "",
    )
    asked = "position IN (SELECT position FROM chosen UNION ALL SELECT agent_position FROM chosen)"
    return {
        "chosen": chosen,
        "placed": f"{chosen}, {placed}",
        "tree": tree.table,
        "lines": f"{scope.lines} AND {asked}" if own else scope.lines,
        "all_runs": scope.runs(own),
    }


_CHOSEN = """
    chosen AS (
        SELECT l.run_id, l.position, l.agent_position, t.kept
        FROM internal.run_lines AS l
        JOIN {tree} AS t USING (position)
        WHERE {condition}
    ),
    clocks AS (
        SELECT
            s.conversation_id,
            coalesce(epoch_ms(any_value(c.started_at)), min(epoch_ms(r.started_at)::DOUBLE - r.start_ms))::DOUBLE
                AS clock
        FROM chosen
        JOIN internal.runs AS s USING (run_id)
        JOIN runs AS r USING (run_id)
        LEFT JOIN internal.conversations AS c ON c.conversation_id = s.conversation_id
        GROUP BY s.conversation_id
    )
"""
"""The runs of the node that the tree shows, and when their conversations started."""

_PLACED = """
    placed AS (
        SELECT
            h.run_id, h.position, h.agent_position, h.kept, {shift} AS shift,
            coalesce(s.start_ms, s.end_ms)::DOUBLE + {shift} AS start,
            greatest(coalesce(s.end_ms, s.start_ms), coalesce(s.start_ms, s.end_ms))::DOUBLE + {shift} AS stop
        FROM chosen AS h
        JOIN internal.runs AS s USING (run_id)
        {clocks}
    )
"""
"""The same with their times on the scale that was asked for."""

_LANES = """
    WITH {chosen},
    rows AS (
        SELECT n.position, n.last, n.depth, n.kind, n.node_id, n.run_id, n.name, n.label, n.status, t.kept,
            n.conversation_id
        FROM internal.nodes AS n
        JOIN {tree} AS t USING (position)
        WHERE {lines}
        ORDER BY position
        LIMIT {limit}
    ),
    timed AS (
        SELECT
            h.run_id, h.position, s.conversation_id, s.parent_run_id, s.is_open, r.time_grade,
            r.end_ms IS NOT NULL AS end_recorded,
            coalesce(s.start_ms, s.end_ms)::DOUBLE AS start,
            greatest(coalesce(s.end_ms, s.start_ms), coalesce(s.start_ms, s.end_ms))::DOUBLE AS stop
        FROM chosen AS h
        JOIN internal.runs AS s USING (run_id)
        JOIN runs AS r USING (run_id)
    ),
    -- Most lines have nothing below them, and a range takes long to join.
    below AS (
        SELECT w.position, count(*) AS runs, min(x.start) AS start, max(x.stop) AS stop
        FROM rows AS w
        JOIN timed AS x ON x.position BETWEEN w.position AND w.last
        WHERE w.last > w.position
        GROUP BY w.position
        UNION ALL
        SELECT w.position, 1, x.start, x.stop
        FROM rows AS w
        JOIN timed AS x ON x.position = w.position
        WHERE w.last = w.position
    ),
    spawns AS (SELECT DISTINCT to_run_id AS run_id FROM edges WHERE kind = 'spawn'),
    results AS (
        SELECT from_run_id AS run_id, CASE WHEN bool_or(NOT delivered) THEN 'lost' ELSE 'given' END AS result
        FROM edges
        WHERE kind = 'result'
        GROUP BY from_run_id
    )
    SELECT
        w.position, w.last, w.depth - min(w.depth) OVER (), w.kind, w.node_id, w.run_id, w.name, w.label, w.status,
        w.kept, coalesce(b.runs, 0),
        CASE WHEN w.run_id IS NULL THEN b.start ELSE x.start END,
        CASE WHEN w.run_id IS NULL THEN b.stop ELSE x.stop END,
        b.start, b.stop, c.clock, x.time_grade, coalesce(x.is_open, false), coalesce(x.end_recorded, false),
        x.parent_run_id, p.run_id IS NOT NULL,
        e.result
    FROM rows AS w
    LEFT JOIN below AS b USING (position)
    LEFT JOIN timed AS x ON x.run_id = w.run_id
    LEFT JOIN clocks AS c ON c.conversation_id = coalesce(x.conversation_id, w.conversation_id)
    LEFT JOIN spawns AS p ON p.run_id = w.run_id
    LEFT JOIN results AS e ON e.run_id = w.run_id
    ORDER BY w.position
"""

_TOTALS = """
    WITH {chosen}
    SELECT
        (SELECT count(*) FROM internal.nodes AS n JOIN {tree} AS t USING (position) WHERE {lines}),
        count(*) FILTER (h.kept),
        (SELECT count(*) FROM internal.run_lines WHERE {all_runs}) - count(*) FILTER (h.kept),
        count(DISTINCT s.conversation_id),
        count(DISTINCT s.conversation_id) FILTER (c.clock IS NOT NULL),
        min(coalesce(s.start_ms, s.end_ms))::DOUBLE,
        max(greatest(coalesce(s.end_ms, s.start_ms), coalesce(s.start_ms, s.end_ms)))::DOUBLE,
        min(coalesce(s.start_ms, s.end_ms)::DOUBLE + c.clock),
        max(greatest(coalesce(s.end_ms, s.start_ms), coalesce(s.start_ms, s.end_ms))::DOUBLE + c.clock),
        max(s.peak_context_tokens)
    FROM chosen AS h
    JOIN internal.runs AS s USING (run_id)
    LEFT JOIN clocks AS c ON c.conversation_id = s.conversation_id
"""

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

_CELL = "least(floor((moment - $start) / $width), $cells - 1)::INTEGER"

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
        CASE WHEN moment IS NULL THEN NULL WHEN moment < $start THEN -1 ELSE """
    + _CELL
    + """ END AS cell,
        count(*),
        count(*) FILTER (failed),
        count(*) FILTER (is_replay),
        count(*) FILTER (grade = 'ambiguous'),
        count(*) FILTER (grade = 'derived'),
        max(context) FILTER (NOT is_replay),
        arg_max(context, moment) FILTER (NOT is_replay)
    FROM timed
    WHERE moment < $finish OR moment IS NULL
    GROUP BY row, cell
"""
)

_BUSY = (
    "WITH {placed}, "
    + _ROWS
    + """,
    calls AS (
        SELECT m.row, s.start_ms::DOUBLE + m.shift AS begun, s.end_ms::DOUBLE + m.shift AS ended
        FROM steps AS s
        JOIN members AS m USING (run_id)
        WHERE NOT m.grouped AND NOT s.is_replay AND s.end_ms > s.start_ms
    ),
    changes AS (
        SELECT row, greatest(floor((begun - $start) / $width), 0)::INTEGER AS cell, 1 AS change
        FROM calls WHERE begun < $finish AND ended >= $start
        UNION ALL
        SELECT row, least(floor((ended - $start) / $width) + 1, $cells)::INTEGER, -1
        FROM calls WHERE begun < $finish AND ended >= $start
    )
    SELECT row, least(cell, $cells::INTEGER), sum(change)::INTEGER FROM changes GROUP BY ALL
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
        CASE WHEN moment < $start THEN -1 ELSE """
    + _CELL
    + """ END AS cell,
        min(moment),
        max(level)::INTEGER,
        last(level ORDER BY moment, change)::INTEGER
    FROM running
    WHERE moment < $finish
    GROUP BY row, cell
    ORDER BY row, cell
"""
)

_HAPPENINGS = """
    checkpointed AS (SELECT DISTINCT run_id FROM checkpoints WHERE run_id IS NOT NULL),
    happenings AS (
        SELECT
            e.run_id, e.at_ms AS moment, CASE WHEN e.trigger = 'checkpoint' THEN 'checkpoint' ELSE e.kind END AS what,
            NULL::BOOLEAN AS outward, NULL AS other, coalesce(e.detail, e.trigger) AS detail,
            NULL::BOOLEAN AS delivered, NULL AS grade, e.tokens_before AS before, e.tokens_after AS after
        FROM events AS e
        -- A note of repaired times is at the time that is not true; and checkpoints of the table say more.
        WHERE e.trigger IS DISTINCT FROM 'repaired-time'
            AND NOT (e.trigger IS NOT DISTINCT FROM 'checkpoint' AND e.run_id IN (FROM checkpointed))
        UNION ALL BY NAME
        SELECT run_id, at_ms AS moment, 'checkpoint' AS what, checkpoint_id AS detail, messages AS before
        FROM checkpoints
        UNION ALL BY NAME
        SELECT
            e.from_run_id AS run_id,
            coalesce(e.at_ms, CASE e.kind WHEN 'result' THEN f.end_ms ELSE t.start_ms END) AS moment,
            e.kind AS what, true AS outward, e.to_run_id AS other, e.delivered, e.grade
        FROM edges AS e
        LEFT JOIN internal.runs AS f ON f.run_id = e.from_run_id
        LEFT JOIN internal.runs AS t ON t.run_id = e.to_run_id
        UNION ALL BY NAME
        SELECT
            e.to_run_id AS run_id,
            coalesce(e.at_ms, CASE e.kind WHEN 'result' THEN f.end_ms ELSE t.start_ms END) AS moment,
            e.kind AS what, false AS outward, e.from_run_id AS other, e.delivered, e.grade
        FROM edges AS e
        LEFT JOIN internal.runs AS f ON f.run_id = e.from_run_id
        LEFT JOIN internal.runs AS t ON t.run_id = e.to_run_id
        WHERE e.delivered IS DISTINCT FROM false
        UNION ALL BY NAME
        SELECT t.run_id, coalesce(t.start_ms, s.start_ms) AS moment, 'tool' AS what, t.name AS other, t.grade
        FROM tool_calls AS t
        LEFT JOIN steps AS s ON s.run_id = t.run_id AND s.ordinal = t.step_ordinal
        WHERE t.is_error AND NOT coalesce(s.is_replay, false)
    )
"""
"""Everything but steps that has a time, run by run."""

_MARK = """
    CASE
        WHEN what = 'tool' THEN 'tool_error'
        WHEN outward AND delivered IS NOT DISTINCT FROM false THEN 'lost'
        WHEN what = 'spawn' THEN CASE WHEN outward THEN 'spawn' END
        WHEN what = 'result' THEN CASE WHEN NOT outward THEN 'result' END
        WHEN what = 'fork' THEN CASE WHEN outward THEN 'fork' END
        WHEN what = 'resume' AND outward THEN 'sent'
        WHEN what IN ('assign', 'message', 'close') THEN CASE WHEN outward THEN 'sent' ELSE 'received' END
        WHEN what <> 'note' THEN what
    END
"""
"""A spawn is marked where it starts and a result where it arrives: the child's bar shows the other end."""

_MARKS = (
    "WITH {placed}, "
    + _ROWS
    + ", "
    + _HAPPENINGS
    + """,
    timed AS (
        SELECT m.row, h.moment::DOUBLE + m.shift AS moment, """
    + _MARK
    + """ AS mark
        FROM happenings AS h
        JOIN members AS m USING (run_id)
        -- Within a group only what went wrong is marked.
        WHERE NOT m.grouped OR what = 'error' OR (outward AND delivered IS NOT DISTINCT FROM false)
    )
    SELECT row, """
    + _CELL
    + """ AS cell, list(DISTINCT mark)
    FROM timed
    WHERE mark IS NOT NULL AND moment >= $start AND moment < $finish
    GROUP BY row, cell
"""
)

_SPOT_MEMBERS = """
    members AS (
        SELECT run_id, shift FROM placed
        WHERE position BETWEEN $first AND $last AND (NOT $own OR agent_position = $first)
    )
"""

_SPOT_FROM = """
    FROM steps AS s
    JOIN members AS m USING (run_id)
    WHERE s.start_ms::DOUBLE + m.shift >= $start AND s.start_ms::DOUBLE + m.shift < $finish
"""

_SPOT_STEPS = (
    "WITH {placed}, "
    + _SPOT_MEMBERS
    + """
    SELECT
        s.run_id, s.ordinal, s.start_ms, s.end_ms, s.input_tokens, s.output_tokens,
        coalesce(s.model, s.request_model), s.error, s.is_replay, s.grade,
        greatest(1, coalesce(json_array_length(CASE WHEN json_valid(s.candidates) THEN s.candidates END), 1))
    """
    + _SPOT_FROM
    + " ORDER BY s.start_ms, s.run_id, s.ordinal LIMIT {limit}"
)

_SPOT_COUNT = (
    "WITH {placed}, " + _SPOT_MEMBERS + " SELECT count(*), arg_max(s.ordinal, [s.start_ms, s.ordinal]) " + _SPOT_FROM
)

_SPOT_REST = (
    "WITH {placed}, "
    + _SPOT_MEMBERS
    + ", "
    + _HAPPENINGS
    + """
    SELECT
        h.what, h.outward, CASE WHEN h.what = 'tool' THEN h.other ELSE concat_ws(' ', n.name, n.label) END, h.detail,
        h.delivered, h.grade, h.before, h.after
    FROM happenings AS h
    JOIN members AS m USING (run_id)
    LEFT JOIN internal.run_lines AS l ON h.outward IS NOT NULL AND l.run_id = h.other
    LEFT JOIN internal.nodes AS n ON n.position = l.position
    WHERE h.moment::DOUBLE + m.shift >= $start AND h.moment::DOUBLE + m.shift < $finish
    ORDER BY h.moment, h.what, h.outward, h.other, h.detail
"""
)

_BESIDE = (
    "WITH {placed}, "
    + _SPOT_MEMBERS
    + ", "
    + _HAPPENINGS
    + """
    SELECT {pick}(moment) FROM (
        SELECT s.start_ms::DOUBLE + m.shift AS moment FROM steps AS s JOIN members AS m USING (run_id)
        UNION ALL
        SELECT h.moment::DOUBLE + m.shift FROM happenings AS h JOIN members AS m USING (run_id) WHERE """
    + _MARK
    + """ IS NOT NULL
    )
    WHERE moment {side} $at
"""
)
