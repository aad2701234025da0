"""The shapes of the timeline's answers, and of what it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from explorer.model import Grade, RunStatus
    from explorer.store.queries.shapes import NodeKind

Mark: TypeAlias = Literal[
    "error", "lost", "compaction", "interrupt", "resume", "checkpoint", "tool_error", "fork", "spawn", "result", "sent",
    "received", "tool", "failed",
]  # fmt: skip
"""What else happened in a cell: events, edges, tool calls. ``lost``: what this run sent never arrived;
``failed``: of a grouped row, a run ended in failure."""


class Lane(NamedTuple):
    """A line of the tree, with the time it spans. Of a line that stands for no run: that of the runs below it."""

    position: int
    last: int
    depth: int
    """Lines above it, up to the node that was asked for."""
    kind: NodeKind
    node_id: str
    run_id: str | None
    name: str
    label: str | None
    status: RunStatus
    kept: bool
    """False where the filter shows it only because it leads to a kept run."""
    runs: int
    """Runs at this line and below it."""
    start_ms: float | None
    """Of its run; where it stands for no run, the first of those below it. None: no time was recorded."""
    end_ms: float | None
    below_start_ms: float | None
    """The first and the last time at this line and below it."""
    below_end_ms: float | None
    clock_ms: float | None
    """When its conversation started, in ms since 1970; None without a wall clock."""
    time_grade: Grade | None
    is_open: bool
    """The run was still going when the recording ended."""
    end_recorded: bool
    """False where the end is that of the run's last step, because the run itself has none."""
    open_until_ms: float | None
    """Of an open run, when its conversation ended: it may have gone on until then."""
    parent_run_id: str | None
    spawned: bool
    """Whether an edge says who spawned it."""
    result: Literal["given", "lost"] | None
    """Whether an edge takes its result to somebody, and whether that got lost."""
    model_calls: bool = True
    """Whether its steps are model calls; False where the recorder writes none of these down, but tool calls or
    errors."""


class Timeline(NamedTuple):
    """The lanes of a node in the order of the tree, and what they span together."""

    lanes: list[Lane]
    lines: int
    """How many lanes there are; more than ``lanes`` where there are very many."""
    runs: int
    """Runs that the filter keeps."""
    left_out: int
    """Runs that it does not."""
    conversations: int
    clocked: int
    """Conversations with a wall clock."""
    start_ms: float | None
    """The first and the last of all that is drawn but copied steps, which may be days older."""
    end_ms: float | None
    wall_start: float | None
    wall_end: float | None
    peak_context: int | None
    """Most input and output tokens of one step."""


class Stretch(NamedTuple):
    """A row of the screen: the lines of the tree whose runs it shows."""

    first: int
    last: int
    grouped: bool
    """Whether it shows how many of them are active at once, rather than one run."""
    own: bool = False
    """Only the runs of the agent at ``first``, and none of the agents below it."""


class Cells(NamedTuple):
    """A stretch of time, cut into the cells of the screen."""

    start: float
    width: float
    """Milliseconds of a cell."""
    number: int
    wall: bool = False


class Bin(NamedTuple):
    """What starts within one cell of a row."""

    steps: int = 0
    """Without copied ones, which are in ``replayed`` alone."""
    failed: int = 0
    replayed: int = 0
    ambiguous: int = 0
    derived: int = 0
    context: int | None = None
    """Most input and output tokens of one of these steps."""
    context_after: int | None = None
    """Those of the last of them."""
    marks: frozenset[Mark] = frozenset()


class Drawn(NamedTuple):
    """What there is to draw in a row."""

    bins: dict[int, Bin]
    """By cell; cells in which nothing starts have none."""
    busy: frozenset[int]
    """Cells in which a model call is under way."""
    at_once: list[int]
    """Of a grouped row: the most runs that are active at once, cell by cell."""
    context_before: int | None
    """Context of the last step before the first cell."""
    untimed: int
    """Steps without a time, which no cell holds."""
    tooling: frozenset[int] = frozenset()
    """Cells in which a tool call is under way."""


class Ticks(NamedTuple):
    """What there is to draw on the screen."""

    at_once: list[int]
    """The most runs of the whole node that are active at once, cell by cell."""
    rows: list[Drawn]
    """One per stretch that was asked for."""


class SpotStep(NamedTuple):
    """A step that starts in a cell."""

    run_id: str
    ordinal: int
    start_ms: int
    end_ms: int | None
    input_tokens: int | None
    output_tokens: int | None
    model: str | None
    error: str | None
    is_replay: bool
    grade: Grade
    candidates: int
    """How many runs it may belong to."""


class Happening(NamedTuple):
    """An event, an edge, a checkpoint or a tool call."""

    what: str
    """``compaction``, ``spawn``, ``checkpoint``, ``tool``, …"""
    outward: bool | None
    """Of an edge, whether it starts here."""
    other: str | None
    """Of an edge, the run at its other end; of a tool call, its name."""
    detail: str | None
    delivered: bool | None
    grade: Grade | None
    before: int | None
    """Tokens before and after a compaction; messages of a checkpoint."""
    after: int | None
    failed: bool | None
    """Of a tool call."""
    took_ms: int | None
    """Of a tool call, how long it took."""
    edge_id: str | None
    """Of an edge."""
    other_position: int | None
    """The line of the tree with the run at its other end."""
    other_ms: float | None
    """When it is drawn on the lane of that run, on the scale that was asked for."""


class Spot(NamedTuple):
    """What one cell of a row holds; ``replayed`` are among the steps, ``failed`` are without these."""

    steps: list[SpotStep]
    """The first of them."""
    step_count: int
    """With copied ones."""
    replayed: int
    failed: int
    candidates: int
    """The most runs that one of these steps may belong to."""
    last_ordinal: int | None
    happenings: list[Happening]
    happening_count: int
