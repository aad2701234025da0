"""The behavioral stream of a process: its start and end on the clock, its turns, and in full mode its tools.

Format: justrach/codegraff docs/behavioral-trajectories.md @54627515. ``seq`` counts from 1 without gaps but for what
the recorder itself declares as ``local_dropped``. ``closed`` means that the session returned, not that a task
succeeded.
"""

from __future__ import annotations

from typing import NamedTuple

from explorer.readers._values import Fields
from explorer.readers.graff._lines import Record
from explorer.readers.graff._records import Call, call_of

MOST_UNIX_MS = 253_402_300_000_000
"""The end of the year 9999."""

MOST_GAPS = 100

_REMARKS = {"turn_committed": "reason", "model_mispredicted": "detail", "text_delta": "text"}
"""Kinds that say something of a turn, and the field that says it."""


class TurnStarted(NamedTuple):
    """The beginning of a turn of the root agent."""

    offset: int
    number: int
    node: int
    """Its node in the lineage; 0 where the mode writes none."""
    unix_ms: int | None


class Remark(NamedTuple):
    """Something said of a turn."""

    kind: str
    turn: int | None
    unix_ms: int | None
    text: str


class Behavior:
    """What a behavior file tells of one process."""

    def __init__(self) -> None:
        self.records = 0
        self.unix_ms: int | None = None
        self.started: dict[str, object] = {}
        self.turns: list[TurnStarted] = []
        self.remarks: list[Remark] = []
        self.tools: dict[int, tuple[Call, int | None]] = {}
        """Calls by their number, as they began, with the time of the clock."""
        self.finished: str | None = None
        self.finished_ms: int | None = None
        self.dropped = 0
        self.gaps: list[tuple[int, int, int]] = []
        """Offset of the record behind a gap, and the first and last number that are missing."""
        self.missing = 0
        self.twice = 0
        self._last = 0

    def take(self, record: Record) -> list[str]:
        """Note a record; returns what is wrong with its fields."""
        fields = Fields(record.fields)
        kind, number, ts = fields.text("kind"), fields.count("seq"), fields.number("ts", 0, MOST_UNIX_MS / 1000)
        at = None if ts is None else round(ts * 1000)
        self.records += 1
        self._count(record.offset, number)
        if kind == "run_started":
            self.unix_ms = fields.count("unix_ms", MOST_UNIX_MS)
            self.started = {
                name: value
                for name in ("version", "provider", "model", "effort", "prompt_sha")
                if (value := fields.text(name))
            }
        elif kind == "turn_started":
            turn, node = fields.count("turn"), fields.count("trajectory_node")
            if turn:
                self.turns.append(TurnStarted(record.offset, turn, node or 0, at))
        elif kind == "run_finished":
            self.finished, self.finished_ms = fields.text("status") or "", at
            self.dropped = fields.count("local_dropped") or 0
        elif kind in ("tool_started", "tool_finished"):
            self._tool(kind, call_of(record), at)
        elif kind in _REMARKS:
            text = fields.text(_REMARKS[kind])
            self.remarks.append(Remark(kind, fields.count("turn"), at, text or ""))
        return fields.complaints

    def _count(self, offset: int, number: int | None) -> None:
        if number is None:
            return
        if number > self._last + 1:
            self.missing += number - self._last - 1
            if len(self.gaps) < MOST_GAPS:
                self.gaps.append((offset, self._last + 1, number - 1))
        self.twice += number <= self._last
        self._last = max(self._last, number)

    def _tool(self, kind: str, call: Call, at: int | None) -> None:
        if call.call_id is None:
            return
        call.rest = {}  # the arguments stay in the source
        begun = self.tools.get(call.call_id)
        if kind == "tool_started" or begun is None:
            late = (call.ms or 0) if kind == "tool_finished" else 0
            self.tools[call.call_id] = call, None if at is None else at - late
        else:
            begun[0].ms, begun[0].is_error = call.ms, call.is_error
