"""What is known of a group while its files are read, before it becomes rows. Times are milliseconds since 1970."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from explorer.readers._claude_code._lines import Where
from explorer.readers.deus._layout import Way

Span: TypeAlias = tuple[int, int]
"""From, to."""

TASK = "task "
"""What the name of a run begins with of which nothing is known but its task."""

Origin: TypeAlias = Literal["container", "interaction", "task", "usage", "turn"]
"""What a run is known by: the best of these that there is."""


class Usage(NamedTuple):
    """A line of the usage log: one for each result of the agent SDK."""

    where: Where
    start: int | None
    end: int | None
    session_id: str | None
    outcome: str | None
    turns: int | None
    cost: float | None
    models: dict[str, tuple[int, int, int, int]]
    """Input without the cache, written to the cache, read from it, and output."""


class Called(NamedTuple):
    """A line of a log of tool calls, written when the call was over."""

    where: Where
    at: int | None
    session_id: str | None
    interaction: str | None
    call_id: str | None
    name: str | None
    is_error: bool | None


class Sent(NamedTuple):
    """What a container wrote for its host."""

    source_id: str
    run_key: str | None
    number: int | None
    session_id: str | None
    written: int | None
    """When the file was last changed; of a copy, when it was copied."""


class Left(NamedTuple):
    """A file that somebody should have taken away."""

    way: Way
    source_id: str
    run_key: str | None


class Interaction(NamedTuple):
    """A row of ``evolution.db``."""

    native_id: str
    source_id: str
    start: int | None
    end: int | None
    session_id: str | None
    score: float | None


class TaskRun(NamedTuple):
    """A row of ``task_run_logs``, with what its task is."""

    task_id: str
    source_id: str
    start: int | None
    end: int | None
    status: str | None
    error: str | None
    schedule: str | None


@dataclass(slots=True, eq=False)
class Life:
    """One run of a group: the life of a container, or what else tells of one."""

    origin: Origin
    native_id: str
    source_id: str
    start: int | None
    end: int | None
    spawned: int | None = None
    """When the container was started, by its name; the start is taken up to six seconds before."""
    session_id: str | None = None
    is_new: bool = False
    """Whether the session began with it."""
    prompt_chars: int | None = None
    exit_code: int | None = None
    timed_out: bool = False
    had_output: bool | None = None
    truncated: bool = False
    ipc_key: str | None = None
    """The IPC folder within its group's; empty for the group's own, None where that is not recorded."""
    ipc_derived: bool = False
    spans: list[Span] = field(default_factory=list)
    """When it was seen at work."""
    usage: list[Usage] = field(default_factory=list)
    task: TaskRun | None = None
    interaction: Interaction | None = None
    offered: int | None = None
    """How many tools its container was offered."""
    doubt: str | None = None
    """Why it may be no run of its own."""

    @property
    def began(self) -> int | None:
        """The earliest that its process can have been there."""
        return self.spawned if self.spawned is not None else self.start

    @property
    def compacts(self) -> bool:
        """Whether its prompt may be ``/compact``: of that, only the length is recorded."""
        return self.prompt_chars == len("/compact")


@dataclass(slots=True)
class Group:
    """Everything of one folder."""

    checkout: str
    folder: str | None
    name: str | None = None
    extra: dict[str, object] = field(default_factory=dict)
    containers: list[Life] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    called: list[Called] = field(default_factory=list)
    bytes_of: dict[str, int] = field(default_factory=dict)
    """Tool call -> bytes of its result."""
    sent: list[Sent] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    offered: dict[str, int] = field(default_factory=dict)
    """Answer -> how many tools its container was offered."""
    interactions: list[Interaction] = field(default_factory=list)
    tasks: list[TaskRun] = field(default_factory=list)

    @property
    def run_keys(self) -> set[str]:
        """Runs that have an IPC folder of their own."""
        return {each.run_key for some in (self.sent, self.left) for each in some if each.run_key}

    @property
    def has_ipc(self) -> bool:
        """Whether anything of its IPC folder was seen."""
        return bool(self.sent or self.left)


def overlap(one: Sequence[Span], other: Sequence[Span]) -> int:
    """Milliseconds that lie in spans of both."""
    together, here, there = 0, 0, 0
    one, other = merged(one), merged(other)
    while here < len(one) and there < len(other):
        (start, end), (first, last) = one[here], other[there]
        together += max(0, min(end, last) - max(start, first))
        if end < last:
            here += 1
        else:
            there += 1
    return together


def merged(spans: Sequence[Span]) -> list[Span]:
    """The same time in spans that do not touch, in order."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found
