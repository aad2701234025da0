"""What takes passes over the blocks of everything open, in order of time: computed when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from explorer.model import COMPUTED, HASHES, columns
from explorer.reuse.arrivals import Arrivals, Order, arrive
from explorer.reuse.calls import Call, Lineage, Placed, by_start, hierarchy
from explorer.reuse.identity import renumbered
from explorer.reuse.recall import Recalled, recall
from explorer.reuse.together import Piece, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from explorer.store.database import Cursor

ALONE = (
    "prompt_recency", "prompt_optimal", "step_recency", "reuse_distance", "reuse_age", "missed_", "cache_curve",
    "time_to_live_curve", "working_set",
)  # fmt: skip
"""What a query must name to need the tables of caches that each namespace has for itself."""

SHARED = ("shared_recency", "shared_cache_curve")
"""What it must name to need the table of one cache for all."""

_CALLS = """
    SELECT
        r.conversation_id, b.namespace, s.run_id, s.ordinal, s.start_ms, s.end_ms, s.input_tokens, b.block_tokens,
        b.blocks, b.firsts, b.counts
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
    """Fill the tables of caches that each namespace has for itself."""
    lineage = _lineage(cursor)
    recalled = Recalled([], [], [])
    for conversations in _namespaces(cursor).values():
        recall(by_start(*conversations.values()), lineage, recalled)
    cursor.execute("BEGIN TRANSACTION")  # all or nothing: it may be asked for again
    _insert(cursor, "prompt_recency", recalled.prompts)
    _insert(cursor, "prompt_optimal", recalled.optimal)
    _insert(cursor, "step_recency", recalled.steps)
    cursor.execute("COMMIT")


def compute_shared(cursor: Cursor) -> None:
    """Fill the table of one cache for all."""
    orders: tuple[Order, ...] = get_args(Order)
    rows = [(order, *piece) for order in orders for piece in shared(cursor, Arrivals(order))]
    _insert(cursor, "shared_recency", rows)


def shared(cursor: Cursor, arrivals: Arrivals, stop: Callable[[], bool] = lambda: False) -> list[Piece]:
    """What all conversations hit together on one cache.

    Raises:
        Stopped: ``stop``, which is asked again and again, said so.
    """
    parts: dict[str, list[Call]] = {}
    for conversations in _namespaces(cursor).values():
        for conversation, calls in conversations.items():
            parts.setdefault(conversation, []).extend(calls)
    places = cursor.execute("SELECT conversation_id FROM internal.conversations ORDER BY place").fetchall()
    return together(by_start(*arrive([parts[c] for (c,) in places if c in parts], arrivals)), stop)


def _lineage(cursor: Cursor) -> Lineage:
    runs = cursor.execute("SELECT run_id, agent_id, parent_run_id, spawn_tool_call_id FROM runs").fetchall()
    agents = cursor.execute("SELECT agent_id, parent_agent_id FROM agents").fetchall()
    return hierarchy(dict(agents), [Placed(*run) for run in runs])


def _namespaces(cursor: Cursor) -> dict[str, dict[str, list[Call]]]:
    """The steps with blocks by namespace and conversation, in the order of the record."""
    found: dict[str, dict[str, list[Call]]] = {}
    for conversation, call in _calls(cursor):
        found.setdefault(call.namespace, {}).setdefault(conversation, []).append(call)
    hashed = cursor.execute("SELECT conversation_id FROM conversations WHERE block_scope = $1", [HASHES]).fetchall()
    for namespace, conversations in found.items() if hashed else ():
        if conversations.keys() <= {conversation for (conversation,) in hashed}:
            # Hashes do not follow each other: one stretch each is slow.
            found[namespace] = renumbered(conversations)
    return found


def _calls(cursor: Cursor) -> Iterator[tuple[str, Call]]:
    """Every step with blocks, and the conversation that it is of."""
    rows = cursor.sql(_CALLS).to_arrow_table()
    firsts, counts = (rows[name].combine_chunks() for name in ("firsts", "counts"))
    bounds = firsts.offsets.to_pylist()
    stretches = list(zip(firsts.flatten().to_numpy().tolist(), counts.flatten().to_numpy().tolist(), strict=True))
    scalars = [rows[name].to_pylist() for name in rows.column_names if name not in ("firsts", "counts")]
    for number, values in enumerate(zip(*scalars, strict=True)):
        conversation, namespace, run, ordinal, start, end, tokens, size, blocks = values
        prompt = stretches[bounds[number] : bounds[number + 1]]
        yield conversation, Call(run, ordinal, start, tokens, size, namespace, prompt, blocks, end)


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
