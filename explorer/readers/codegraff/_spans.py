"""Where the events of each conversation are in a database, and which conversations are read together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from explorer.readers._sqlite import Database

EVENTS = "trajectory_events"

_SPREAD = 4
"""Times as many rows as a conversation has, between its first and its last, that are passed over rather than sorted."""

_SAMPLES = 256
"""Events for each part by which it is found where one ends and the next begins."""


class Span(NamedTuple):
    """Where the events of a conversation are."""

    raw_id: bytes
    first: int
    last: int
    rows: int

    def where(self) -> tuple[str, tuple[object, ...]]:
        """A condition for its events, and the condition's parameters."""
        if self.last - self.first < _SPREAD * self.rows:
            # The plus keeps SQLite from going by its index, which has another order.
            return "id BETWEEN ? AND ? AND +conversation_id = CAST(? AS TEXT)", (self.first, self.last, self.raw_id)
        return "conversation_id = CAST(? AS TEXT)", (self.raw_id,)


def bounds_of(database: Database, of: int) -> list[tuple[bytes, bytes | None]]:
    """From which id of a conversation to which each part goes, so that all have about as many events."""
    ids = sorted(_samples(database, of * _SAMPLES)) if of > 1 else []
    lowest = [b"", *(ids[number * len(ids) // of] if ids else b"" for number in range(1, of))]
    return list(zip(lowest, [*lowest[1:], None], strict=True))


def _samples(database: Database, number: int) -> Iterator[bytes]:
    """The conversations of so many events, which lie evenly among all."""
    before = len(database.damage)
    query = (
        f"SELECT CAST(conversation_id AS BLOB), typeof(conversation_id) FROM {EVENTS} WHERE id >= ? ORDER BY id LIMIT 1"
    )
    for first, last in database.execute(f"SELECT min(id), max(id) FROM {EVENTS}"):
        if isinstance(first, int) and isinstance(last, int):
            for row in range(first, last + 1, (last - first) // number + 1):
                yield from (raw_id for raw_id, kind in database.execute(query, (row,)) if kind == b"text")
    del database.damage[before:]  # met again where it is read


def spans_between(database: Database, lowest: bytes, bound: bytes | None) -> list[Span]:
    """The conversations that have events, from one id to before another, in the order of their first."""
    before = len(database.damage)
    found = database.execute(
        f"SELECT CAST(conversation_id AS BLOB), min(id), max(id), count(*) FROM {EVENTS} WHERE "
        "conversation_id >= CAST(? AS TEXT) AND conversation_id < coalesce(CAST(? AS TEXT), x'') "
        "GROUP BY conversation_id",
        (lowest, bound),
    )
    if len(database.damage) > before:
        del database.damage[before:]  # counted again below, row by row
        scan = database.scan(EVENTS, ("id", "CAST(conversation_id AS BLOB)"), "typeof(conversation_id) = 'text'")
        found = [(own, row, row, 1) for row, own in scan if lowest <= own and (bound is None or own < bound)]
        del database.damage[before:]
    spans: dict[bytes, Span] = {}  # an index that is damaged may have one of them in several places
    for raw_id, first, last, rows in found:
        known = spans.get(raw_id, Span(raw_id, first, last, 0))
        spans[raw_id] = Span(raw_id, min(first, known.first), max(last, known.last), rows + known.rows)
    return sorted(spans.values(), key=lambda span: span.first)


def count_nameless(database: Database) -> int:
    """How many events have no text for the id of their conversation."""
    before = len(database.damage)
    # Each of the three is a place in the index.
    rows = [
        database.execute(f"SELECT count(*) FROM {EVENTS} WHERE conversation_id {other}")
        for other in ("IS NULL", "< ''", ">= x''")
    ]
    if len(database.damage) > before:
        del database.damage[before:]  # as above
        number = sum(1 for _ in database.scan(EVENTS, ("id",), "typeof(conversation_id) <> 'text'"))
        del database.damage[before:]
        return number
    return sum(count for ((count,),) in rows)
