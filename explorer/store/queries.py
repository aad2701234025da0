"""One typed function per question that a screen asks. SQL lives here and in ``views.sql``, nowhere above.

Every function takes a ``Cursor`` of its own (``with database.cursor() as cursor``), so that it can run in any thread
and be interrupted there with ``cursor.interrupt()``. Text in the answers is the traces' own and may be hostile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

    from explorer.model import Grade, RunStatus, Severity
    from explorer.store.database import Cursor, Database

NodeKind: TypeAlias = Literal["conversation", "agent", "run"]
SortKey: TypeAlias = Literal["order", "name", "steps", "tools", "input", "output", "reuse", "time", "findings"]


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
    total: Totals
    """With every run below, each counted once."""


class TreeView(NamedTuple):
    """A built tree: pass it to the functions below. Rebuilt when the filter or the data changes."""

    table: str
    where: str | None
    runs_kept: int
    runs: int


class Counts(NamedTuple):
    """What the opened paths hold; the line that never lies."""

    conversations: int
    agents: int
    sub_agents: int
    runs: int
    steps: int
    replayed_steps: int
    sources_read: int
    sources_partial: int
    sources_skipped: int
    sources_failed: int
    errors: int
    warnings: int
    infos: int


class Fact(NamedTuple):
    """One line of the overview."""

    section: str
    label: str
    value: str | int | float | None
    """None is drawn as –."""
    unit: Literal["", "tokens", "blocks", "ms", "ratio", "bytes", "count", "time"]
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
    own_tokens: int
    ancestor_tokens: int
    sibling_tokens: int
    other_tokens: int
    cache_read_tokens: int | None
    """What the recorder measured."""
    mean_step_share: float | None
    """Unweighted mean over steps of hits / blocks."""


class ColdStart(NamedTuple):
    """First step of one run among its siblings."""

    run_id: str
    node_id: str
    name: str
    label: str | None
    start_ms: int | None
    input_tokens: int | None
    blocks: int
    own: int
    ancestor: int
    sibling: int
    other: int
    new: int
    """blocks - own - ancestor - sibling - other"""
    cached_tokens: int | None
    """What the recorder measured."""


class SiblingMatrix(NamedTuple):
    """What sibling runs share: row and column i are run i of ``runs``, in order of start."""

    runs: list[ColdStart]
    unique_blocks: list[int]
    shared: list[list[int]]
    """Distinct blocks that both hold; the diagonal is ``unique_blocks``."""
    prefix: list[list[int]]
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


class FilterError(Exception):
    """A filter that DuckDB refuses. ``position`` is the 0-based character of the mistake in the filter, if known."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


def build_tree(database: Database, where: str | None = None) -> TreeView:
    """Build the tree of every node with its numbers, keeping runs for which ``where`` holds, and their ancestors.

    Raises:
        FilterError: ``where`` is not a DuckDB boolean over the columns of ``run_totals``.
    """
    raise NotImplementedError


def counts(cursor: Cursor) -> Counts:
    """Count what is opened."""
    raise NotImplementedError


def children(
    cursor: Cursor,
    tree: TreeView,
    parent_id: str | None,
    sort: SortKey = "order",
    descending: bool = False,
    own: bool = False,
    offset: int = 0,
    limit: int = 500,
) -> list[Node]:
    """The nodes below ``parent_id`` (conversations for None), a page of them; ``own`` sorts by own numbers."""
    raise NotImplementedError


def node(cursor: Cursor, tree: TreeView, node_id: str) -> Node | None:
    """One node, or None when the filter hides it or nothing has that id."""
    raise NotImplementedError


def path_to(cursor: Cursor, tree: TreeView, node_id: str) -> list[Node]:
    """The nodes from the conversation down to ``node_id``, both included; empty when it is not in the tree."""
    raise NotImplementedError


def sibling(cursor: Cursor, tree: TreeView, node_id: str, sort: SortKey, descending: bool, own: bool, by: int) -> Node | None:
    """The node ``by`` places after (before, if negative) this one among the children of its parent."""
    raise NotImplementedError


def next_finding(cursor: Cursor, tree: TreeView, node_id: str | None, forward: bool = True) -> Node | None:
    """The next node in depth-first order with a finding of its own or a failed run; wraps around; None if there is none."""
    raise NotImplementedError


def search(cursor: Cursor, tree: TreeView, text: str, limit: int = 10_000) -> list[str]:
    """Ids of the nodes whose name, label, id, title or model contains ``text`` (any case), depth-first."""
    raise NotImplementedError


def locate(cursor: Cursor, tree: TreeView, place: str) -> tuple[str, int | None] | None:
    """The node id and step ordinal of a PLACE ``conversation/agent/run#step``; parts may be ids, titles or labels."""
    raise NotImplementedError


def overview(cursor: Cursor, tree: TreeView, node_id: str | None) -> list[Fact]:
    """The numbers of a node with their grade and source; of everything opened for None."""
    raise NotImplementedError


def steps(cursor: Cursor, tree: TreeView, node_id: str | None, own: bool = True) -> pa.Table:
    """The steps of a node (of everything below too unless ``own``), in order of time, as Arrow.

    Columns: ``#`` (ordinal), ``run`` (name of the run; only for several), ``start`` (ms), ``ms`` (duration), ``wait`` (ms), ``model``, ``input``,
    ``cached`` (measured), ``output``, ``reasoning``, ``blocks``, ``own``, ``ancestor``, ``sibling``, ``other``, ``new``, ``stop``,
    ``error``, ``grade``, ``run_id``, ``replay``.
    """
    raise NotImplementedError


def reuse_totals(cursor: Cursor, tree: TreeView, node_id: str | None, own: bool = False) -> ReuseTotals | None:
    """Where the blocks of a node's steps came from; None when none of them has blocks."""
    raise NotImplementedError


def sibling_matrix(cursor: Cursor, tree: TreeView, node_id: str, limit: int = 60) -> tuple[SiblingMatrix, int] | None:
    """The sibling group of a node: its children if it has sub-agents, else its own siblings; and how many there are.

    At most ``limit`` runs are in the matrix (in order of start); the second value counts all. None without siblings.
    """
    raise NotImplementedError


def findings(cursor: Cursor, tree: TreeView, node_id: str | None, limit: int = 5_000) -> tuple[list[FindingRow], int]:
    """Findings of a node and everything below (all for None), worst first, and how many there are in all."""
    raise NotImplementedError


def filter_columns(cursor: Cursor) -> list[tuple[str, str]]:
    """Names and types of the columns of ``run_totals``, for completion."""
    raise NotImplementedError


def record(database: Database, run_id: str, step_ordinal: int, limit: int = 1 << 20) -> str | None:
    """The recorded text of one step, read from its source now; None when the source does not tell where it is."""
    raise NotImplementedError
