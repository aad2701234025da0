"""What takes passes over the blocks of everything open, in order of time: computed when it is first asked for."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from explorer.model import HASHES
from explorer.reuse.arrivals import Arrivals, Order, arrive
from explorer.reuse.by_model import ModelRow, by_model
from explorer.reuse.calls import Call, Lineage, Placed, by_start, hierarchy
from explorer.reuse.identity import renumbered
from explorer.reuse.radix import radix
from explorer.reuse.recall import Recalled, recall
from explorer.reuse.stopping import Stop, never, until
from explorer.reuse.streaks import streaks
from explorer.reuse.together import Piece, together
from explorer.store.calls import read_calls
from explorer.store.prefixes import tree_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from explorer.store.database import Cursor


Tables: TypeAlias = "Mapping[str, Sequence[Sequence[Any]]]"
"""The rows of tables of ``model.COMPUTED``, as columns."""


def compute(cursor: Cursor, stop: Stop) -> Tables:
    """In one pass over all prompts, the tables of caches that each namespace has for itself and of prefix trees.

    Raises:
        Stopped: ``stop``, which is asked again and again, said so.
    """
    lineage = _lineage(cursor)
    recalled = Recalled()
    trees: list[tuple[Any, ...]] = []
    models: list[ModelRow] = []
    hashed = _hashed(cursor)
    for conversations in _namespaces(cursor, stop):
        numbered = _numbered(conversations, hashed, stop)
        found = streaks(until(stop, by_start(*numbered.values())))
        for conversation, calls in conversations.items():
            same = numbered is conversations and len(conversations) == 1
            own = found if same else streaks(until(stop, by_start(calls)))
            trees += tree_rows(conversation, radix(until(stop, own)))
        recall(found, lineage, recalled, stop)
        if len({streak.calls[0].model for streak in found}) > 1:
            models += by_model(until(stop, found), lineage)
    return {
        "prompt_recency": recalled.prompts,
        "prompt_optimal": recalled.optimal,
        "step_recency": recalled.steps,
        "prefix_tree": list(zip(*trees, strict=True)),
        "model_reuse": list(zip(*models, strict=True)),
    }


def compute_shared(cursor: Cursor, stop: Stop) -> Tables:
    """The table of one cache for all.

    Raises:
        Stopped: ``stop``, which is asked again and again, said so.
    """
    orders: tuple[Order, ...] = get_args(Order)
    rows = [(order, *piece) for order in orders for piece in shared(cursor, Arrivals(order), stop)]
    return {"shared_recency": list(zip(*rows, strict=True))}


def shared(cursor: Cursor, arrivals: Arrivals, stop: Stop = never) -> list[Piece]:
    """What all conversations hit together on one cache.

    Raises:
        Stopped: ``stop``, which is asked again and again, said so.
    """
    parts: dict[str, list[Call]] = {}
    hashed = _hashed(cursor)
    for conversations in _namespaces(cursor, stop):
        for conversation, calls in _numbered(conversations, hashed, stop).items():
            parts.setdefault(conversation, []).extend(calls)
    places = cursor.execute("SELECT conversation_id FROM internal.conversations ORDER BY place").fetchall()
    return together(by_start(*arrive([parts[c] for (c,) in places if c in parts], arrivals)), stop)


def _lineage(cursor: Cursor) -> Lineage:
    runs = cursor.execute("SELECT run_id, agent_id, parent_run_id, spawn_tool_call_id FROM runs").fetchall()
    agents = cursor.execute("SELECT agent_id, parent_agent_id FROM agents").fetchall()
    return hierarchy(dict(agents), [Placed(*run) for run in runs])


def _namespaces(cursor: Cursor, stop: Stop) -> Iterator[dict[str, list[Call]]]:
    """Of each namespace the steps with blocks by conversation, in the order of the record."""
    for _, group in groupby(until(stop, read_calls(cursor)), lambda found: found[1].namespace):
        conversations: dict[str, list[Call]] = {}
        for conversation, call in group:
            conversations.setdefault(conversation, []).append(call)
        yield conversations


def _hashed(cursor: Cursor) -> set[str]:
    """The conversations whose block ids are hashes."""
    found = cursor.execute("SELECT conversation_id FROM conversations WHERE block_scope = $1", [HASHES]).fetchall()
    return {conversation for (conversation,) in found}


def _numbered(conversations: dict[str, list[Call]], hashed: set[str], stop: Stop) -> dict[str, list[Call]]:
    """Those of one namespace with ids that follow each other: hashes do not, and one stretch each is slow."""
    if not conversations.keys() <= hashed:
        return conversations
    return renumbered({conversation: until(stop, calls) for conversation, calls in conversations.items()})
