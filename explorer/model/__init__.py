"""The canonical schema: one frozen dataclass per table, in the terms of OpenTelemetry GenAI.

``TABLES`` are written by readers; ``DERIVED`` are computed from them by ``explorer.reuse`` while reading and stored
beside them; ``COMPUTED`` when they are first asked for. Everything else that can be queried is a view. Column types for
Parquet and DuckDB follow from the annotations (see ``columns``), so that a table is described once.

Conventions: ``None`` is "not recorded", never 0 or "". ``*_ms`` count milliseconds from the conversation's start.
Timestamps are UTC without zone. ``input_tokens`` include cache reads and writes, ``output_tokens`` include reasoning.
Keys depend on the content and on the path relative to the opened directory, so they are equal on every machine.
"""

from explorer.model._recorded import (
    Agent,
    BlockRun,
    Checkpoint,
    Conversation,
    ConversationName,
    Edge,
    Event,
    Finding,
    Run,
    Source,
    Step,
    ToolCall,
    UncountedUsage,
)
from explorer.model._reuse import (
    HiddenAgent,
    ModelReuse,
    NamespaceAudit,
    PrefixBranch,
    PromptOptimal,
    PromptRecency,
    RunFootprint,
    SharedRecency,
    SiblingPair,
    StepRecency,
    StepReuse,
)
from explorer.model._rows import Repeated, Rows, joined
from explorer.model._tables import ALL_TABLES, COMPUTED, DERIVED, TABLES, Column, Row, SqlType, columns, ddl
from explorer.model._words import (
    HASHES,
    PROMPT_PARTS,
    EdgeKind,
    EventKind,
    Grade,
    HiddenKind,
    Json,
    Key,
    ReportedScope,
    Resolution,
    RunStatus,
    Severity,
    SourceStatus,
    Unsigned,
)

__all__ = [
    "ALL_TABLES", "COMPUTED", "DERIVED", "HASHES", "PROMPT_PARTS", "TABLES", "Agent", "BlockRun", "Checkpoint",
    "Column", "Conversation", "ConversationName", "Edge", "EdgeKind", "Event", "EventKind", "Finding", "Grade",
    "HiddenAgent", "HiddenKind", "Json", "Key", "ModelReuse", "NamespaceAudit", "PrefixBranch", "PromptOptimal",
    "PromptRecency", "Repeated", "ReportedScope", "Resolution", "Row", "Rows", "Run", "RunFootprint", "RunStatus",
    "Severity", "SharedRecency", "SiblingPair", "Source", "SourceStatus", "SqlType", "Step", "StepRecency",
    "StepReuse", "ToolCall", "UncountedUsage", "Unsigned", "columns", "ddl", "joined",
]  # fmt: skip
