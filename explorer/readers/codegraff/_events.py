"""Trajectory events: what a row of ``trajectory_events`` or a line of a captured stream says.

Format: justrach/codegraff crates/forge_domain/src/trajectory.rs @b4ba8081 (payloads, tagged by ``kind``);
crates/forge_app/src/trajectory_recorder.rs (``seq``); justrach/codegraff2 pull 167 (``run_id``).
"""

from __future__ import annotations

from itertools import repeat
from typing import Any, NamedTuple

START = "agent_run"
END = "agent_run_end"
CALL = "tool_call"
RESULT = "tool_result"
ERROR = "error"
TURN = "model_turn"

KINDS = frozenset((START, END, CALL, RESULT, ERROR, TURN))

EDGES = frozenset((START, END))

ANONYMOUS = "anon-"
"""How the recorder begins the id of a call to which the provider gave none; the tool's name follows."""


class Event(NamedTuple):
    """One event, in the order in which it was written."""

    row: int
    """Its place in that order: the row of the database, the number of the record in a stream."""
    seq: int
    """The recorder's own count."""
    ts: int
    """Milliseconds since 1970; 0 when the clock failed."""
    kind: str
    name: str | None
    """The tool."""
    call_id: str | None
    is_error: bool
    payload: dict[str, object] | None
    """All of it, where more is needed: of starts, ends, errors, and of what starts agents."""
    offset: int
    """Where it is in the source: the row of a database, else the first byte."""
    length: int
    """How long it is there: one row, else in bytes."""


class Columns(NamedTuple):
    """Events in the order of writing, as a list of each field.

    There are millions of events, and of nearly all nothing more is wanted than what becomes a column of a table.
    """

    row: list[int]
    seq: list[int]
    ts: list[int]
    kind: list[str]
    name: list[str | None]
    call_id: list[str | None]
    is_error: list[bool]
    payload: list[dict[str, object] | None]
    offset: list[int]
    length: list[int]

    @classmethod
    def none(cls) -> Columns:
        """Of no events yet."""
        return cls([], [], [], [], [], [], [], [], [], [])

    @classmethod
    def of(cls, event: Event) -> Columns:
        """Of one event."""
        return cls._make([value] for value in event)

    def extend(self, others: Columns, first: int, end: int) -> None:
        """Put some of other events behind these."""
        columns: tuple[list[Any], ...] = self
        new: tuple[list[Any], ...] = others
        for column, values in zip(columns, new, strict=True):
            column += values[first:end]

    def part(self, first: int, end: int) -> Columns:
        """Those from one place to before another."""
        return Columns._make(column[first:end] for column in self)

    def event(self, place: int) -> Event:
        """One of them."""
        return Event._make(column[place] for column in self)

    def events(self) -> list[Event]:
        """All of them."""
        return list(map(tuple.__new__, repeat(Event), zip(*self, strict=True)))  # _make takes twice as long


def whole(payload: dict[str, object] | None, name: str, most: int = 10**15) -> int | None:
    """A count in a payload."""
    value = (payload or {}).get(name)
    return value if type(value) is int and 0 <= value <= most else None


def words(payload: dict[str, object] | None, name: str) -> str | None:
    """A text in a payload; an empty one counts as not recorded."""
    value = (payload or {}).get(name)
    return value if isinstance(value, str) and value else None


def children(payload: dict[str, object] | None) -> list[str]:
    """The conversations that a tool's result names as those of the agents it ran, in order.

    The TypeScript and Rust writers spell the tag differently; ``context`` has it outside: ``{"aI": {…}}``.
    """
    output = (payload or {}).get("output")
    values = output.get("values") if isinstance(output, dict) else None
    found: list[str] = []
    for value in values if isinstance(values, list) else ():
        if not isinstance(value, dict):
            continue
        inner = (
            value if value.get("_kind") == "ai" else next((value[k] for k in ("aI", "ai", "AI") if k in value), None)
        )
        child = inner.get("conversation_id") if isinstance(inner, dict) else None
        if isinstance(child, str) and child:
            found.append(child)
    return found
