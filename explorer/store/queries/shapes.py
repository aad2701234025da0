"""The shapes of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from explorer.model import Grade, RunStatus, Severity

NodeKind: TypeAlias = Literal["conversation", "agent", "run"]
SortKey: TypeAlias = Literal["order", "start", "name", "steps", "tools", "input", "output", "reuse", "time", "findings"]


class Totals(NamedTuple):
    """Sums over runs; None is "not recorded"."""

    runs: int
    steps: int
    tool_calls: int | None
    tool_errors: int | None
    input_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    blocks: int | None
    hit_blocks: int | None
    """Blocks already present when their step arrived (own + ancestor + sibling + other)."""


class Node(NamedTuple):
    """A line of the tree: a conversation, an agent (with its run when it has just one), or a run of several."""

    node_id: str
    kind: NodeKind
    parent_id: str | None
    position: int
    """Place in the depth-first order of the whole tree (the recording's order)."""
    depth: int
    conversation_id: str
    agent_id: str | None
    run_id: str | None
    """The one run of this line; None for a conversation and for an agent of several runs."""
    name: str
    label: str | None
    status: RunStatus
    model: str | None
    children: int
    """How many nodes are below it directly and kept by the filter (or lead to one that is)."""
    kept: bool
    """False for a node that the filter would drop and that is shown only because it leads to a kept one."""
    start_ms: int | None
    duration_ms: int | None
    findings: int
    """Findings at this node itself (not below it)."""
    worst: Severity | None
    """The worst severity among the findings at this node or below."""
    own: Totals
    """Of an agent: its runs; of a conversation: those of its agents without a parent."""
    total: Totals
    """With every run below, each counted once; a filter does not change them."""
    concurrent: int | None = None
    """Of a line of several runs, the most of them that were active at once; None where no time is recorded."""
    started: str | None = None
    """``2026-07-31 13:05``, UTC; None where the recorder had no clock."""
    shares_name: bool = False
    """Whether a sibling has the same name, so that the label tells them apart."""
    failures: int = 0
    """Steps and tool calls that failed, of the one run of this line."""

    @property
    def is_proposed(self) -> bool:
        """Whether it is an agent that seems to be hidden in the run above it (``queries.hidden_lines``)."""
        return self.parent_id is not None and self.node_id.startswith(f"{self.parent_id}#")


class TreeView(NamedTuple):
    """A built tree: pass it to the functions below. Rebuilt when the filter or the data changes; see ``drop_tree``."""

    table: str
    where: str | None
    runs_kept: int
    runs: int
    apart: bool = False
    """Whether agents that seem to be hidden in runs have lines below these: a proposal, which no number counts."""


class Fact(NamedTuple):
    """One line of the overview."""

    section: str
    label: str
    value: str | int | float | None
    """None is drawn as –."""
    unit: Literal["", "tokens", "blocks", "ms", "ratio", "bytes", "count", "time", "usd"]
    grade: Grade
    note: str
    """How the figure comes about or what it leaves out, in one short sentence; may be empty."""


class ReuseTotals(NamedTuple):
    """Where the leading blocks of a node's steps came from. Block counts and the same in tokens."""

    steps: int
    blocks: int
    own: int
    ancestor: int
    sibling: int
    other: int
    fresh: int
    behind: int
    """Seen before, but after the first miss of their prompt: no prefix cache can serve them."""
    input_tokens: int | None
    own_tokens: int | None
    """None, as the three below, where the size of a block is not recorded."""
    ancestor_tokens: int | None
    sibling_tokens: int | None
    other_tokens: int | None
    cache_read_tokens: int | None
    """What the recorder measured."""
    mean_step_share: float | None
    """Unweighted mean over steps of hits / blocks."""
    part_blocks: int = 0
    """Of the blocks, those that are parts of recorded prompts: of any length, and none for what was not recorded."""


class ColdStart(NamedTuple):
    """First step of one run among its siblings."""

    run_id: str
    node_id: str
    name: str
    label: str | None
    start_ms: int | None
    input_tokens: int | None
    blocks: int | None
    """None, as the five below, where the blocks of its prompts are not recorded."""
    own: int | None
    ancestor: int | None
    sibling: int | None
    other: int | None
    new: int | None
    """blocks - own - ancestor - sibling - other"""
    cached_tokens: int | None
    """What the recorder measured."""
    cache: str | None = None
    """Whether it ``wrote``, ``read`` or ``missed`` what its siblings of the same answer have cached; None where that is
    not measured."""
    why: str | None = None
    """Of a miss."""


class SiblingMatrix(NamedTuple):
    """What sibling runs share: row and column i are run i of ``runs``, in order of start.

    None where the blocks of one of the two are not recorded.
    """

    runs: list[ColdStart]
    unique_blocks: list[int | None]
    shared: list[list[int | None]]
    """Distinct blocks that both hold; the diagonal is ``unique_blocks``."""
    prefix: list[list[int | None]]
    """Leading blocks that the first steps have in common; the diagonal is the length of the first step."""
    group: str
    """Whose children these are, for the heading."""


class FindingRow(NamedTuple):
    """A finding with the node where it shows."""

    finding_id: str
    code: str
    severity: Severity
    source_id: str | None
    line: int | None
    node_id: str | None
    run_id: str | None
    step_ordinal: int | None
    message: str
