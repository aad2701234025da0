"""One typed function per question that a screen asks. SQL lives here and in the ``.sql`` files, nowhere above.

Every function takes a ``Cursor`` of its own (``with database.cursor() as cursor``), so that it can run in any thread
and be interrupted there with ``cursor.interrupt()``. Text in the answers is the traces' own and may be hostile.
"""

from explorer.readers import Message
from explorer.store.queries.messages import NotRecorded, Talk, Written, messages, talk
from explorer.store.queries.overview import counts, overview
from explorer.store.queries.records import record
from explorer.store.queries.reuse import reuse_totals, sibling_matrix
from explorer.store.queries.shapes import (
    ColdStart,
    Counts,
    Fact,
    FilterError,
    FindingRow,
    Node,
    NodeKind,
    ReuseTotals,
    SiblingMatrix,
    SortKey,
    Totals,
    TreeView,
)
from explorer.store.queries.steps import findings, steps
from explorer.store.queries.timeline import (
    Bin,
    Cells,
    Drawn,
    Happening,
    Lane,
    Mark,
    Spot,
    SpotStep,
    Stretch,
    Ticks,
    Timeline,
    timeline,
    timeline_beside,
    timeline_spot,
    timeline_ticks,
)
from explorer.store.queries.tree import (
    build_tree,
    children,
    drop_tree,
    filter_columns,
    locate,
    next_finding,
    node,
    path_to,
    search,
    sibling,
)

__all__ = [
    "Bin",
    "Cells",
    "ColdStart",
    "Counts",
    "Drawn",
    "Fact",
    "FilterError",
    "FindingRow",
    "Happening",
    "Lane",
    "Mark",
    "Message",
    "Node",
    "NodeKind",
    "NotRecorded",
    "ReuseTotals",
    "SiblingMatrix",
    "SortKey",
    "Spot",
    "SpotStep",
    "Stretch",
    "Talk",
    "Ticks",
    "Timeline",
    "Totals",
    "TreeView",
    "Written",
    "build_tree",
    "children",
    "counts",
    "drop_tree",
    "filter_columns",
    "findings",
    "locate",
    "messages",
    "next_finding",
    "node",
    "overview",
    "path_to",
    "record",
    "reuse_totals",
    "search",
    "sibling",
    "sibling_matrix",
    "steps",
    "talk",
    "timeline",
    "timeline_beside",
    "timeline_spot",
    "timeline_ticks",
]
