"""The two classic mistakes beside the truth: sub-agents on namespaces of their own, and runs merged by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from explorer.store.figures import FIGURES, Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.store.database import Cursor


class Scoped(NamedTuple):
    """A conversation, or all of them, with block ids of the trace and with ids private to every agent."""

    node_id: str | None
    """None for all."""
    title: str | None
    """``all`` together; ``sub-agents`` of these, without the runs at the top."""
    agents: int
    blocks: int
    hit_shared: int
    hit_private: int


class Merged(NamedTuple):
    """Runs that are one if they are told apart by conversation and agent name alone."""

    node_id: str | None
    title: str | None
    agent_name: str | None
    runs: int
    concurrent: int
    """Those that overlap another of them in time."""
    steps: int
    largest_steps: int
    """What the largest of the runs really has."""
    input_tokens: int | None
    largest_input_tokens: int | None


class Told(NamedTuple):
    """A figure of ``scope_report``."""

    name: str
    value: float | None
    numerator: int | None
    denominator: int | None
    note: str
    report: str
    """The same in the report that told of the mistake; may be empty."""


class Experiments(NamedTuple):
    """Everything that the mistakes would have made of what is open."""

    scoped: list[Scoped]
    """All together first and the sub-agents of these, then the conversations that lose most, if they lose something."""
    losing: int
    """How many lose something."""
    told: list[Told]
    merged: list[Merged]
    """Those that merge the most runs first."""
    merging: int


def experiments(cursor: Cursor, limit: int = 12) -> Experiments:
    """The scope experiment, its report, and the merge experiment; of conversations the first ``limit``."""
    scoped = cursor.execute(
        """
        WITH alike AS (FROM scope_experiment)
        SELECT node_id, title, agents, blocks, hit_shared, hit_private
        FROM (
            SELECT 0 AS place, NULL AS node_id, 'all' AS title, agents, blocks, hit_shared, hit_private, 0 AS position
            FROM alike
            WHERE conversation_id IS NULL
            UNION ALL
            SELECT
                1, NULL, 'sub-agents', (SELECT count(*) FROM sub_agent_scope), sub_agent_blocks, sub_agent_hit_shared,
                sub_agent_hit_private, 0
            FROM alike
            WHERE conversation_id IS NULL AND sub_agent_blocks > 0
            UNION ALL
            SELECT
                2, n.node_id, coalesce(n.name, s.conversation_id), s.agents, s.blocks, s.hit_shared, s.hit_private,
                n.position
            FROM alike AS s
            LEFT JOIN internal.nodes AS n ON n.kind = 'conversation' AND n.conversation_id = s.conversation_id
            WHERE s.conversation_id IS NOT NULL AND s.lost_blocks > 0
        )
        ORDER BY place, hit_shared - hit_private DESC, position
        """
    ).fetchall()
    merged = cursor.execute(
        """
        SELECT
            n.node_id, coalesce(n.name, m.conversation_id), m.agent_name, m.runs, m.concurrent_runs, m.merged_steps,
            m.largest_steps, m.merged_input_tokens, m.largest_input_tokens
        FROM merge_experiment AS m
        LEFT JOIN internal.nodes AS n ON n.kind = 'conversation' AND n.conversation_id = m.conversation_id
        ORDER BY m.runs DESC, n.position, m.agent_name
        """
    ).fetchall()
    rows = [Scoped(*row) for row in scoped]
    sums = [row for row in rows if row.node_id is None and row.title in ("all", "sub-agents")]
    return Experiments(
        rows[: limit + len(sums)],
        len(rows) - len(sums),
        _told(cursor),
        [Merged(*row) for row in merged[:limit]],
        len(merged),
    )


def _told(cursor: Cursor) -> list[Told]:
    rows = cursor.execute("SELECT name, value, numerator, denominator, note FROM scope_report").fetchall()
    return [
        Told(name, value, numerator, denominator, note, FIGURES[name].report)
        for name, value, numerator, denominator, note in rows
    ]


class MadeOf(NamedTuple):
    """A figure and what contributes to it."""

    page: Figure
    told: Told | None
    """None where nothing that is open has it."""
    columns: Sequence[str]
    rows: list[tuple[Any, ...]]
    nodes: list[str | None]
    """Of each row, where the run or conversation that it begins with is in the tree."""
    total: int


def figure(cursor: Cursor, name: str, limit: int = 500) -> MadeOf | None:
    """A figure of ``scope_report`` and the first ``limit`` rows that contribute to it; None when there is none."""
    page = FIGURES.get(name)
    if page is None:
        return None
    told = next((told for told in _told(cursor) if told.name == name), None)
    cursor.execute(page.rows)
    columns = [column[0] for column in cursor.description or ()]
    rows = cursor.fetchall()
    shown = rows[:limit]
    found = dict(
        cursor.execute(
            """
            SELECT l.run_id, n.node_id
            FROM internal.run_lines AS l
            JOIN internal.nodes AS n USING (position)
            WHERE l.run_id IN (SELECT unnest($1::VARCHAR[]))
            UNION ALL
            SELECT conversation_id, node_id
            FROM internal.nodes
            WHERE kind = 'conversation' AND conversation_id IN (SELECT unnest($1::VARCHAR[]))
            """,
            [[row[0] for row in shown]],
        ).fetchall()
    )
    return MadeOf(
        page,
        told,
        columns,
        shown,
        [found.get(row[0]) for row in shown],
        len(rows),
    )
