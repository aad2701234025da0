"""What takes a pass over the blocks of everything open, in order of time: computed when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.model import COMPUTED, HASHES, columns
from explorer.reuse.calls import Call, Placed, by_start, hierarchy
from explorer.reuse.identity import renumbered
from explorer.reuse.recall import Recalled, recall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explorer.store.database import Cursor

RELATIONS = (*COMPUTED, "reuse_distance", "reuse_age", "missed_blocks")
"""What a query must name to need it."""

_CALLS = """
    SELECT
        r.conversation_id, b.namespace, s.run_id, s.ordinal, s.start_ms, s.input_tokens, b.block_tokens, b.firsts,
        b.counts, b.blocks
    FROM steps AS s
    JOIN (
        SELECT
            run_id, step_ordinal, namespace, max(block_tokens) AS block_tokens, sum(block_count)::BIGINT AS blocks,
            list(first_block ORDER BY position) AS firsts, list(block_count ORDER BY position) AS counts
        FROM block_runs
        GROUP BY run_id, step_ordinal, namespace
    ) AS b ON b.run_id = s.run_id AND b.step_ordinal = s.ordinal
    JOIN internal.runs AS r ON r.run_id = s.run_id
    WHERE NOT s.is_replay
    ORDER BY b.namespace, r.conversation_id, s.source_id, s.offset NULLS LAST, s.run_id, s.ordinal
"""
_TYPES = {"VARCHAR": "string", "BIGINT": "int64"}


def compute(cursor: Cursor) -> None:
    """Fill the tables of ``model.COMPUTED``."""
    runs = cursor.execute("SELECT run_id, agent_id, parent_run_id, spawn_tool_call_id FROM runs").fetchall()
    agents = cursor.execute("SELECT agent_id, parent_agent_id FROM agents").fetchall()
    lineage = hierarchy(dict(agents), [Placed(*run) for run in runs])
    caches: dict[str, dict[str, list[Call]]] = {}
    cursor.execute(_CALLS)
    while rows := cursor.fetchmany(10_000):
        for conversation, namespace, run, ordinal, start, tokens, size, firsts, counts, blocks in rows:
            stretches = list(zip(firsts, counts, strict=True))
            call = Call(run, ordinal, start, tokens, size, namespace, stretches, blocks)
            caches.setdefault(namespace, {}).setdefault(conversation, []).append(call)
    recalled = Recalled([], [])
    hashed = cursor.execute("SELECT conversation_id FROM conversations WHERE block_scope = $1", [HASHES]).fetchall()
    for conversations in caches.values():
        if hashed and conversations.keys() <= {conversation for (conversation,) in hashed}:
            conversations = renumbered(conversations)  # hashes do not follow each other: one stretch each is slow
        recall(by_start(*conversations.values()), lineage, recalled)
    cursor.execute("BEGIN TRANSACTION")  # all or nothing: it may be asked for again
    _insert(cursor, "prompt_recency", recalled.prompts)
    _insert(cursor, "step_recency", recalled.steps)
    cursor.execute("COMMIT")


def _insert(cursor: Cursor, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    import pyarrow as pa

    schema = pa.schema([(column.name, _TYPES[column.type]) for column in columns(COMPUTED[table])])
    values = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
    cursor.register("computed", pa.table(arrays, schema=schema))
    try:
        cursor.execute(f"INSERT INTO {table} FROM computed")
    finally:
        cursor.unregister("computed")
