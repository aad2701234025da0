"""What takes passes over the blocks of everything open, in order of time: computed when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from explorer.model import HASHES
from explorer.reuse.arrivals import Arrivals, Order, arrive
from explorer.reuse.by_model import ModelRow, by_model
from explorer.reuse.calls import Call, Lineage, Placed, by_start, hierarchy
from explorer.reuse.identity import renumbered
from explorer.reuse.recall import Recalled, recall
from explorer.reuse.together import Piece, Stopped, together
from explorer.store.calls import fill, read_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.store.database import Cursor

ALONE = (
    "prompt_recency", "prompt_optimal", "step_recency", "reuse_distance", "reuse_age", "missed_", "cache_curve",
    "time_to_live_curve", "working_set",
)  # fmt: skip
"""What a query must name to need the tables of caches that each namespace has for itself."""

SHARED = ("shared_recency", "shared_cache_curve")
"""What it must name to need the table of one cache for all."""

MODELS = ("model_reuse", "reuse_means")
"""What it must name to need the table of reuse within each model."""


def compute(cursor: Cursor, stop: Callable[[], bool] = lambda: False) -> None:
    """Fill the tables of caches that each namespace has for itself.

    Raises:
        Stopped: ``stop``, which is asked before each namespace, said so.
    """
    lineage = _lineage(cursor)
    recalled = Recalled([], [], [])
    for conversations in _namespaces(cursor).values():
        if stop():
            raise Stopped
        recall(by_start(*conversations.values()), lineage, recalled)
    cursor.execute("BEGIN TRANSACTION")  # all or nothing: it may be asked for again
    fill(cursor, "prompt_recency", recalled.prompts)
    fill(cursor, "prompt_optimal", recalled.optimal)
    fill(cursor, "step_recency", recalled.steps)
    cursor.execute("COMMIT")


def compute_shared(cursor: Cursor) -> None:
    """Fill the table of one cache for all."""
    orders: tuple[Order, ...] = get_args(Order)
    rows = [(order, *piece) for order in orders for piece in shared(cursor, Arrivals(order))]
    fill(cursor, "shared_recency", rows)


def compute_models(cursor: Cursor) -> None:
    """Fill the table of reuse within each model, for the namespaces that have several."""
    several = cursor.execute(
        """
        SELECT namespace
        FROM steps
        JOIN (SELECT DISTINCT run_id, namespace FROM block_runs) USING (run_id)
        WHERE NOT is_replay
        GROUP BY namespace
        HAVING count(DISTINCT coalesce(model, request_model, '')) > 1
        """
    ).fetchall()
    if not several:
        return
    names = [namespace for (namespace,) in several]
    models = {
        (run, ordinal): model
        for run, ordinal, model in cursor.execute(
            """
            SELECT run_id, ordinal, coalesce(model, request_model)
            FROM steps
            WHERE run_id IN (SELECT run_id FROM block_runs WHERE list_contains($1, namespace))
            """,
            [names],
        ).fetchall()
    }
    lineage = _lineage(cursor)
    rows: list[ModelRow] = []
    for conversations in _namespaces(cursor, names).values():
        rows.extend(by_model(by_start(*conversations.values()), lineage, models))
    fill(cursor, "model_reuse", rows)


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


def _namespaces(cursor: Cursor, names: list[str] | None = None) -> dict[str, dict[str, list[Call]]]:
    """The steps with blocks by namespace (of some, or all) and conversation, in the order of the record."""
    found: dict[str, dict[str, list[Call]]] = {}
    of_them = ("list_contains($names, b.namespace)", {"names": names}) if names is not None else ()
    for conversation, call in read_calls(cursor, *of_them):
        found.setdefault(call.namespace, {}).setdefault(conversation, []).append(call)
    hashed = cursor.execute("SELECT conversation_id FROM conversations WHERE block_scope = $1", [HASHES]).fetchall()
    for namespace, conversations in found.items() if hashed else ():
        if conversations.keys() <= {conversation for (conversation,) in hashed}:
            # Hashes do not follow each other: one stretch each is slow.
            found[namespace] = renumbered(conversations)
    return found
