"""What becomes a run: a turn of the root agent, a child, or calls whose child was never written down."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field

from explorer.model import Grade
from explorer.readers.graff._records import Node

MOMENT_MS = 20
"""By how much the times of an answer and of the tool call that it asks for may seem to overlap."""

OUTSIDE = "0"
"""The id of the session itself among the nodes: what goes on outside of any turn is its own."""


@dataclass(slots=True)
class Participant:
    """What becomes an agent."""

    agent_id: str
    name: str | None
    label: str | None
    runs: list[Execution] = field(default_factory=list)


@dataclass(slots=True)
class Execution:
    """What becomes a run."""

    run_id: str
    agent: Participant
    native: str | None = None
    """The id of its node."""
    node: Node | None = None
    """What was written at its end."""
    opened: Node | None = None
    """What was written at a turn's start."""
    number: int | None = None
    """The behavioral number of a turn."""
    start: int | None = None
    end: int | None = None
    parent: Execution | None = None
    parent_grade: Grade = "exact"
    grade: Grade = "exact"
    error: str | None = None
    candidates: list[str] = field(default_factory=list)
    """Where several processes may have written it: their conversations."""
    spawn_tool_call_id: str | None = None
    sums: dict[str, int | None] = field(default_factory=dict)
    """What the recorder added up at its end."""
    executed: bool | None = None
    """Of a turn whose node was lost: whether it returned without an error."""
    remarks: dict[str, object] = field(default_factory=dict)
    untraced: Counter[str] | None = None
    """Tool calls of its list that no call in the trace was taken for yet."""
    steps: int = 0
    tool_calls: int = 0
    events: int = 0
    model: str | None = None
    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    """When its steps were sent and answered, one after the other."""
    sure: bytearray = field(default_factory=bytearray)
    """Whether each of them is its own."""

    @property
    def unrecorded(self) -> bool:
        """Whether only its calls tell of it."""
        return self.parent is not None and self.node is None

    @property
    def prompt_sha(self) -> str | None:
        """Of its system prompt; of one that was changed during a turn, that of the end."""
        node = self.node or self.opened
        return node.prompt_sha if node else None

    def prompt_of(self, ordinal: int) -> str | None:
        """Of the system prompt of a step: when it was changed meanwhile, only the first step's is known."""
        if self.node and self.opened and self.node.prompt_sha != self.opened.prompt_sha:
            return self.opened.prompt_sha if ordinal == 1 else None
        return self.prompt_sha

    def step_before(self, at: int | None) -> int | None:
        """The last step that had been answered."""
        return (bisect_right(self.ends, at) if at is not None else self.steps) or None

    def waits(self, at: int) -> bool:
        """Whether it certainly waits for a model's answer at a time, and not only from then on or until then."""
        index = bisect_right(self.ends, at + MOMENT_MS)
        return index < len(self.ends) and self.starts[index] < at - MOMENT_MS and bool(self.sure[index])

    def asked(self, start: int | None, end: int | None, sure: bool) -> None:
        """Count a step."""
        self.steps += 1
        before = self.ends[-1] if self.ends else 0
        self.ends.append(before if end is None else end)
        self.starts.append(self.ends[-1] if start is None else start)
        self.sure.append(sure)

    def widen(self, start: int | None, end: int | None) -> None:
        """Of one that only its calls tell of: it was at work while they were."""
        if start is not None and (self.start is None or start < self.start):
            self.start = start
        if end is not None and (self.end is None or end > self.end):
            self.end = end
