"""Where the blocks of prompts came from, and what siblings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.model import PROMPT_PARTS
from explorer.store.queries.scope import Scope, one, scope_of
from explorer.store.queries.shapes import ColdStart, ReuseTotals, SiblingMatrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.store.database import Cursor


def reuse_totals(cursor: Cursor, node_id: str | None, own: bool = False) -> ReuseTotals | None:
    """Where the blocks of a node's steps came from; None when none of them has blocks.

    Everything counts the steps with blocks only, ``input_tokens`` and ``cache_read_tokens`` too.
    """
    scope = scope_of(cursor, node_id)
    if scope is None:
        return None
    chosen = f"""
        chosen AS (
            FROM internal.runs
            WHERE run_id IN (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own)}) AND steps_with_blocks > 0
        )
    """
    tokens = ", ".join(
        # Where the size of some blocks is not recorded, the tokens of the others are not those of the node.
        f"internal.sum_of_all({name})"
        for name in ("hit_own_tokens", "hit_ancestor_tokens", "hit_sibling_tokens", "hit_other_tokens")
    )
    row = one(
        cursor,
        f"""
        WITH {chosen}
        SELECT
            sum(steps_with_blocks)::BIGINT, sum(blocks)::BIGINT, sum(hit_own)::BIGINT, sum(hit_ancestor)::BIGINT,
            sum(hit_sibling)::BIGINT, sum(hit_other)::BIGINT, sum(fresh_blocks)::BIGINT,
            {tokens},
            sum(shares),
            internal.whole(sum(step_input_tokens) FILTER (steps_with_blocks = steps)),
            internal.whole(sum(cache_read_tokens) FILTER (steps_with_blocks = steps)),
            coalesce(bool_or(steps_with_blocks <> steps), false),
            coalesce(sum(blocks) FILTER (block_scope = '{PROMPT_PARTS}'), 0)::BIGINT
        FROM chosen
        JOIN (SELECT conversation_id, block_scope FROM internal.conversations) USING (conversation_id)
        """,
    )
    if row is None or row[0] is None:
        return None
    (steps, blocks, own_hits, ancestor, sibling, other, fresh, own_tokens, ancestor_tokens, sibling_tokens,
     other_tokens, shares, input_tokens, cached, mixed, part_blocks) = row  # fmt: skip
    if mixed:
        # Runs in which only some steps have blocks: their other steps' tokens must stay out.
        more = one(
            cursor,
            f"""
            WITH {chosen}
            SELECT internal.whole(sum(s.input_tokens)), internal.whole(sum(s.cache_read_tokens))
            FROM steps AS s
            SEMI JOIN (FROM chosen WHERE steps_with_blocks <> steps) AS c ON c.run_id = s.run_id
            SEMI JOIN (FROM step_reuse WHERE blocks > 0) AS u ON u.run_id = s.run_id AND u.ordinal = s.ordinal
            WHERE NOT s.is_replay
            """,
        )
        input_tokens, cached = (_sum(a, b) for a, b in zip((input_tokens, cached), more or (None, None), strict=True))
    return ReuseTotals(
        steps=steps,
        blocks=blocks,
        own=own_hits,
        ancestor=ancestor,
        sibling=sibling,
        other=other,
        fresh=fresh,
        behind=blocks - own_hits - ancestor - sibling - other - fresh,
        input_tokens=input_tokens,
        own_tokens=own_tokens,
        ancestor_tokens=ancestor_tokens,
        sibling_tokens=sibling_tokens,
        other_tokens=other_tokens,
        cache_read_tokens=cached,
        mean_step_share=round(shares / steps, 12),
        part_blocks=part_blocks,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def sibling_matrix(cursor: Cursor, node_id: str, limit: int = 60) -> tuple[SiblingMatrix, int] | None:
    """The sibling group of a node: its children if it has sub-agents, else its own siblings; and how many there are.

    Siblings are runs of one parent run. Where a node stands for several runs, or for a conversation, it is the group
    of the run with the most children. At most ``limit`` runs are in the matrix (in order of start); the second value
    counts all. None without siblings.
    """
    scope = scope_of(cursor, node_id)
    parent = next(parents_of_groups(cursor, scope), None) if scope else None
    if parent is None:
        return None
    parent_id, total = parent
    runs, unique, first_blocks = _cold_starts(cursor, parent_id, limit)
    place = {run.run_id: index for index, run in enumerate(runs)}
    shared, prefix = _nothing_shared(unique), _nothing_shared(first_blocks)
    for run_a, run_b, blocks, leading in cursor.execute(
        "SELECT * FROM sibling_pairs WHERE list_contains($1, run_a) AND list_contains($1, run_b)", [list(place)]
    ).fetchall():
        i, j = place[run_a], place[run_b]
        shared[i][j] = shared[j][i] = blocks
        prefix[i][j] = prefix[j][i] = leading
    name = one(
        cursor,
        "SELECT internal.called(n.kind, n.name, n.label, a.name) "
        "FROM internal.run_lines AS l JOIN internal.nodes AS n USING (position) "
        "LEFT JOIN internal.nodes AS a ON a.position = l.agent_position WHERE l.run_id = $1",
        [parent_id],
    )
    return SiblingMatrix(runs, unique, shared, prefix, name[0] if name else parent_id), total


def _nothing_shared(own: list[int | None]) -> list[list[int | None]]:
    """A matrix with what each has on the diagonal, and nothing in common where both have something."""
    return [
        [a if row == column else None if a is None or b is None else 0 for column, b in enumerate(own)]
        for row, a in enumerate(own)
    ]


def parents_of_groups(cursor: Cursor, scope: Scope) -> Iterator[tuple[str, int]]:
    """The run whose children are the group, and how many they are: those of the node, then those of its parent."""
    own = f"SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=True)}"
    children = """
        SELECT t.parent_run_id, count(*) AS siblings, min(l.position) AS first
        FROM internal.runs AS t
        JOIN internal.run_lines AS l USING (run_id)
        WHERE t.parent_run_id IN ({parents}) AND t.run_id <> t.parent_run_id
        GROUP BY t.parent_run_id
        HAVING siblings >= {least}
        ORDER BY siblings DESC, first
        LIMIT 1
    """
    if row := one(cursor, children.format(parents=own, least=1)):
        yield row[0], row[1]
    if scope.kind != "conversation":
        parents = f"SELECT parent_run_id FROM internal.runs WHERE run_id IN ({own})"
        if row := one(cursor, children.format(parents=parents, least=2)):
            yield row[0], row[1]


def _cold_starts(
    cursor: Cursor, parent_id: str, limit: int
) -> tuple[list[ColdStart], list[int | None], list[int | None]]:
    """The first step of each run of a group, its distinct blocks, and the blocks of that step."""
    rows = cursor.execute(
        """
        WITH chosen AS (
            SELECT t.run_id, n.node_id, n.name, n.label, t.start_ms, l.position
            FROM internal.runs AS t
            JOIN internal.run_lines AS l USING (run_id)
            JOIN internal.nodes AS n USING (position)
            WHERE t.parent_run_id = $1 AND t.run_id <> t.parent_run_id
            ORDER BY t.start_ms NULLS LAST, l.position
            LIMIT $2
        ),
        first_steps AS (
            SELECT s.run_id, arg_min({'input': s.input_tokens, 'cached': s.cache_read_tokens}, s.ordinal) AS step
            FROM steps AS s
            SEMI JOIN chosen USING (run_id)
            WHERE NOT s.is_replay
            GROUP BY s.run_id
        )
        SELECT
            c.run_id, c.node_id, c.name, c.label, c.start_ms, f.step.input, u.first_blocks, u.first_own,
            u.first_ancestor, u.first_sibling, u.first_other, u.first_new, f.step.cached, m.cache, m.why,
            p.unique_blocks
        FROM chosen AS c
        LEFT JOIN first_steps AS f USING (run_id)
        LEFT JOIN run_reuse AS u USING (run_id)
        LEFT JOIN run_footprint AS p USING (run_id)
        LEFT JOIN (FROM sibling_cold_starts WHERE parent_run_id = $1) AS m USING (run_id)
        ORDER BY c.start_ms NULLS LAST, c.position
        """,
        [parent_id, limit],
    ).fetchall()
    return [ColdStart(*row[:-1]) for row in rows], [row[-1] for row in rows], [row[6] for row in rows]
