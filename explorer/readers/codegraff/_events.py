"""Trajectory events: what a row of ``trajectory_events`` or a line of a captured stream says.

Format: justrach/codegraff crates/forge_domain/src/trajectory.rs @b4ba8081 (payloads, tagged by ``kind``);
crates/forge_app/src/trajectory_recorder.rs (``seq``); justrach/codegraff2 pull 167 (``run_id``).
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

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


kind_of = itemgetter(Event._fields.index("kind"))
ts_of = itemgetter(Event._fields.index("ts"))
"""Fields for ``map``: of millions of events."""


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
