"""Agents that seem to be hidden among the calls of a run, as a proposal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from explorer.store.queries.runs import Named, named_runs
from explorer.store.queries.scope import one, scope_of
from explorer.store.queries.shapes import Totals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from explorer.model import HiddenKind
    from explorer.reuse.calls import Call
    from explorer.store.database import Cursor
    from explorer.store.queries.facts import Sheet
    from explorer.store.queries.scope import Scope
    from explorer.store.queries.shapes import Node


class Proposed(NamedTuple):
    """A row of ``hidden_agents``."""

    run: Named
    chain: int
    kind: HiddenKind
    left_chain: int | None
    position: int
    steps: int
    steps_of_run: int
    first_ordinal: int
    start_ms: int | None
    end_ms: int | None


def hidden_agents(cursor: Cursor, node_id: str, limit: int = 2_000) -> list[Proposed]:
    """Those of the conversation of a node, run by run, the main one of each first."""
    scope = scope_of(cursor, node_id)
    if scope is None:
        return []
    rows = cursor.execute(
        """
        SELECT
            h.run_id, h.chain, h.kind, h.left_chain, h.position, h.steps,
            sum(h.steps) OVER (PARTITION BY h.run_id)::BIGINT, h.ordinals, h.start_ms, h.end_ms
        FROM hidden_agents AS h
        JOIN internal.runs AS r USING (run_id)
        WHERE r.conversation_id = (SELECT conversation_id FROM internal.nodes WHERE position = $1)
        ORDER BY r.sequence, h.chain
        LIMIT $2
        """,
        [scope.position, limit],
    ).fetchall()
    runs = named_runs(cursor, "r.run_id IN (SELECT unnest($1::VARCHAR[]))", sorted({row[0] for row in rows}))
    return [
        Proposed(runs[run_id], chain, kind, left, position, steps, whole, min(json.loads(ordinals)), start, end)
        for run_id, chain, kind, left, position, steps, whole, ordinals, start, end in rows
        if run_id in runs
    ]


def proposal(cursor: Cursor, sheet: Sheet, scope: Scope) -> None:
    """How many agents seem to be hidden in the runs of a node, and in those below; nothing where none does."""
    row = one(
        cursor,
        f"""
        SELECT count(*), sum(h.steps)::BIGINT
        FROM hidden_agents AS h
        WHERE h.kind IN ('worker', 'solo')
            AND h.run_id IN (SELECT run_id FROM internal.run_lines WHERE {scope.runs(own=False)})
        """,
    )
    if row is not None and row[0]:
        note = f"a proposal: {row[1]:,} of these steps, by prompts that take turns; who shares (w) 5 lists them"
        sheet.add("hidden agents", row[0], "count", "derived", note)


def hidden_lines(cursor: Cursor, nodes: Sequence[Node]) -> dict[str, list[Node]]:
    """By the id of a line: lines for the agents that seem to be hidden in its run, with the sums of their steps.

    They are no lines of the tree: nothing counts them, and their id is that of the line with ``#`` and their number.
    """
    hosts = {node.run_id: node for node in nodes if node.run_id is not None}
    rows = cursor.execute(
        """
        SELECT
            h.run_id, h.chain, h.kind, h.start_ms, h.end_ms, any_value(s.model), count(*),
            internal.whole(sum(s.input_tokens)), internal.whole(sum(s.cache_read_tokens)),
            internal.whole(sum(s.cache_write_tokens)), internal.whole(sum(s.output_tokens)),
            internal.whole(sum(s.reasoning_tokens))
        FROM (
            SELECT *, unnest(from_json(ordinals, '["BIGINT"]')) AS ordinal
            FROM hidden_agents
            WHERE chain > 1 AND run_id IN (SELECT unnest($1::VARCHAR[]))
        ) AS h
        JOIN steps AS s ON s.run_id = h.run_id AND s.ordinal = h.ordinal
        GROUP BY ALL
        ORDER BY h.run_id, h.chain
        """,
        [list(hosts)],
    ).fetchall()
    found: dict[str, list[Node]] = {}
    for run_id, chain, kind, start, end, model, steps, read, cached, stored, written, reasoned in rows:
        host = hosts[run_id]
        sums = Totals(1, steps, None, None, read, cached, stored, written, reasoned, None, None)
        line = host._replace(
            node_id=f"{host.node_id}#{chain}",
            kind="agent",
            parent_id=host.node_id,
            depth=host.depth + 1,
            name=f"{kind}?",
            label=f"hidden {chain}: a proposal, with its steps and the other details of its run",
            status="unknown",
            model=model,
            children=0,
            start_ms=start,
            duration_ms=None if start is None or end is None else end - start,
            findings=0,
            worst=None,
            own=sums,
            total=sums,
            concurrent=None,
            started=None,
            shares_name=False,
            failures=0,
        )
        found.setdefault(host.node_id, []).append(line)
    return found


class Apart:
    """Tells the hidden agents of some runs apart: each is a run of its own then, and the run is its main one."""

    def __init__(self, cursor: Cursor, runs: Mapping[str, Named]) -> None:
        self.runs = dict(runs)
        """Every run by its key, those that are proposed too."""
        self._keys: dict[tuple[str, int], str] = {}
        rows = cursor.execute(
            "SELECT run_id, chain, ordinals FROM hidden_agents "
            "WHERE chain > 1 AND run_id IN (SELECT unnest($1::VARCHAR[]))",
            [list(runs)],
        ).fetchall()
        for run_id, chain, ordinals in rows:
            whole = runs[run_id]
            key = f"{run_id}#{chain}"
            label = f"{whole.label} hidden {chain}" if whole.label else f"hidden {chain}"
            self.runs[key] = whole._replace(run_id=key, label=label)
            self._keys.update(((run_id, ordinal), key) for ordinal in json.loads(ordinals))

    def told(self, call: Call) -> Call:
        """The call as its agent's."""
        key = self._keys.get((call.run_id, call.ordinal))
        return call if key is None else call._replace(run_id=key)
