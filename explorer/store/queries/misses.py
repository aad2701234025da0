"""Why blocks miss in a cache, and how much is in use at a time.

It stands on the tables of ``Database.compute``, which must have been called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from explorer.store.queries.curves import block_tokens, chosen
from explorer.store.queries.scope import scope_of

if TYPE_CHECKING:
    from explorer.store.database import Cursor


class Causes(NamedTuple):
    """Blocks of some prompts: those that are hit, and why the others miss. They add up to ``blocks``."""

    steps: int
    blocks: int
    hit: int | None
    """None, as the two below, where it is not known how long blocks were not used."""
    expired: int | None
    evicted: int | None
    diverged: int
    tail: int
    cold: int
    mean_step_share: float | None
    """Mean over steps of hit / blocks."""


class Change(NamedTuple):
    """A prompt that differs from the last one of its agent."""

    name: str
    """Of the agent."""
    ordinal: int
    """Of the step."""
    blocks: int
    """In its prompt."""
    diverged_at: int
    """0-based index of the first block that differs."""
    diverged: int
    """Blocks that miss because of that."""


class Misses(NamedTuple):
    """Why blocks of a node miss in one cache."""

    total: Causes
    agents: list[tuple[str, Causes]]
    """By name, with their conversation's where there are several; those that miss most first."""
    agent_count: int
    slots: list[tuple[int | None, Causes]]
    """By milliseconds since the start of their conversation; None for steps without a time."""
    changes: list[Change]
    """The prompts of which most blocks diverged."""


class Load(NamedTuple):
    """Distinct blocks that are in use: the highest figures of a stretch of time."""

    one_minute: int
    five_minutes: int
    fifteen_minutes: int
    live_agents: int
    live: int
    """In the latest prompts of the agents at work."""
    apart: int
    """These prompts added up."""


class InUse(NamedTuple):
    """Working sets of the conversations that a node is of, whole."""

    block_tokens: int | None
    peaks: list[tuple[str, Load]]
    """By title, the largest first."""
    conversations: int
    width_ms: int
    slots: list[tuple[int, Load]]
    """Of a single conversation, over its time."""


def misses(
    cursor: Cursor,
    node_id: str | None,
    own: bool,
    capacity: int | None,
    keep_ms: int | None,
    slots: int = 12,
    agents: int = 30,
) -> Misses | None:
    """Why blocks of a node miss in a cache of so many blocks that keeps them for so long; None is without end."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    cache = ", ".join("NULL" if value is None else str(int(value)) for value in (capacity, keep_ms))
    sums = """
        count(*), sum(m.blocks)::BIGINT,
        internal.sum_of_all(m.hit),
        internal.sum_of_all(m.expired),
        internal.sum_of_all(m.evicted),
        sum(m.diverged)::BIGINT, sum(m.tail)::BIGINT, sum(m.cold)::BIGINT,
        CASE WHEN count(m.hit) = count(*) THEN round(avg(m.hit / m.blocks), 12) END
    """
    rows = cursor.execute(
        f"""
        WITH missed AS (
            SELECT m.*, r.agent_id, r.conversation_id
            FROM missed_blocks({cache}) AS m
            JOIN internal.runs AS r USING (run_id)
            WHERE m.blocks > 0 AND {chosen(scope, own)}
        ),
        slots AS (SELECT greatest(ceil((max(at_ms) + 1) / {int(slots)})::BIGINT, 1) AS width FROM missed)
        SELECT
            grouping(agent_id, slot_ms) AS kind,
            coalesce(any_value(c.title), any_value(m.conversation_id)),
            coalesce(nullif(any_value(concat_ws(' ', a.name, a.label)), ''), agent_id),
            slot_ms,
            {sums}
        FROM (SELECT *, at_ms // width * width AS slot_ms FROM missed, slots) AS m
        LEFT JOIN agents AS a USING (agent_id)
        LEFT JOIN internal.conversations AS c ON c.conversation_id = m.conversation_id
        GROUP BY GROUPING SETS ((agent_id), (slot_ms), ())
        ORDER BY kind DESC, slot_ms NULLS LAST, sum(m.blocks) - coalesce(sum(m.hit), 0) DESC, agent_id
        """
    ).fetchall()
    found = [(kind, title, name, at, Causes(*causes)) for kind, title, name, at, *causes in rows if causes[0]]
    total = next((causes for kind, *_, causes in found if kind == 3), None)
    if total is None:
        return None
    of_agents = [(title, name, causes) for kind, title, name, _, causes in found if kind == 1]
    several = len({title for title, *_ in of_agents}) > 1
    named = [(f"{title} › {name}" if several else name, causes) for title, name, causes in of_agents]
    over_time = [(at, causes) for kind, *_, at, causes in found if kind == 2]
    changes = cursor.execute(
        f"""
        SELECT
            coalesce(nullif(concat_ws(' ', a.name, a.label), ''), r.agent_id), m.ordinal, m.blocks, m.diverged_at,
            m.diverged
        FROM missed_blocks({cache}) AS m
        JOIN internal.runs AS r USING (run_id)
        LEFT JOIN agents AS a USING (agent_id)
        WHERE m.diverged > 0 AND {chosen(scope, own)}
        ORDER BY m.diverged DESC, r.sequence, m.ordinal
        LIMIT 5
        """
    ).fetchall()
    return Misses(total, named[:agents], len(named), over_time, [Change(*change) for change in changes])


def in_use(cursor: Cursor, node_id: str | None, slots: int, most: int = 50) -> InUse | None:
    """The working sets of the conversations that a node is of; None where no step of them has a time."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    of_node = f"SELECT conversation_id FROM internal.runs WHERE {chosen(scope, own=False)}"
    highest = """
        max(blocks_1_minute), max(blocks_5_minutes), max(blocks_15_minutes), max(live_agents), max(live_blocks),
        max(live_apart_blocks)
    """
    timed = f"""
        timed AS (
            SELECT s.*, r.conversation_id
            FROM step_recency AS s
            JOIN internal.runs AS r USING (run_id)
            WHERE s.blocks_1_minute IS NOT NULL AND r.conversation_id IN ({of_node})
        )
    """
    peaks = cursor.execute(
        f"""
        WITH {timed}
        SELECT coalesce(c.title, conversation_id), max(at_ms), {highest}
        FROM timed
        JOIN internal.conversations AS c USING (conversation_id)
        GROUP BY conversation_id, c.title
        ORDER BY max(blocks_15_minutes) DESC, conversation_id
        """
    ).fetchall()
    if not peaks:
        return None
    width = max(-(-(peaks[0][1] + 1) // slots), 1)
    over_time: Sequence[tuple[int, ...]] = ()
    if len(peaks) == 1:
        over_time = cursor.execute(
            f"WITH {timed} SELECT at_ms // {width} * {width} AS slot_ms, {highest} FROM timed "
            "GROUP BY slot_ms ORDER BY slot_ms"
        ).fetchall()
    return InUse(
        block_tokens(cursor, f"run_id IN (SELECT run_id FROM internal.runs WHERE conversation_id IN ({of_node}))"),
        [(title, Load(*figures)) for title, _, *figures in peaks[:most]],
        len(peaks),
        width,
        [(at, Load(*figures)) for at, *figures in over_time],
    )
