"""All tables by their names, and their columns as storage sees them."""

from __future__ import annotations

import types
import typing
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, TypeAlias

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
from explorer.model._words import Key, Unsigned

Row: TypeAlias = (
    Source | Conversation | ConversationName | Agent | Run | Step | ToolCall | BlockRun | Edge | Event | Finding
    | Checkpoint | UncountedUsage | StepReuse | RunFootprint | SiblingPair | NamespaceAudit | HiddenAgent
    | PromptRecency | PromptOptimal | StepRecency | SharedRecency | ModelReuse | PrefixBranch
)  # fmt: skip

TABLES: dict[str, type[Row]] = {
    "sources": Source,
    "conversations": Conversation,
    "conversation_names": ConversationName,
    "agents": Agent,
    "runs": Run,
    "steps": Step,
    "tool_calls": ToolCall,
    "block_runs": BlockRun,
    "edges": Edge,
    "events": Event,
    "checkpoints": Checkpoint,
    "uncounted_usage": UncountedUsage,
    "findings": Finding,
}
"""What readers yield and ingest records."""

DERIVED: dict[str, type[Row]] = {
    "step_reuse": StepReuse,
    "run_footprint": RunFootprint,
    "sibling_pairs": SiblingPair,
    "namespace_audit": NamespaceAudit,
    "hidden_agents": HiddenAgent,
}
"""What ``explorer.reuse`` computes from them, stored because it takes the order of every step in a namespace."""

ALL_TABLES: dict[str, type[Row]] = TABLES | DERIVED

COMPUTED: dict[str, type[Row]] = {
    "prompt_recency": PromptRecency,
    "prompt_optimal": PromptOptimal,
    "step_recency": StepRecency,
    "shared_recency": SharedRecency,
    "model_reuse": ModelReuse,
    "prefix_tree": PrefixBranch,
}
"""What ``explorer.reuse`` computes when it is first asked for, from all that is open: neither stored nor exported."""

SqlType: TypeAlias = Literal["VARCHAR", "BIGINT", "UBIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP"]

_SQL_TYPES: dict[type, SqlType] = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMP",
}


class Column(NamedTuple):
    """A column as storage sees it."""

    name: str
    type: SqlType
    nullable: bool
    is_key: bool = False
    """Whether it holds keys of ours."""


_columns: dict[type[Row], tuple[Column, ...]] = {}  # by table, once asked for: working them out is slow


def columns(table: type[Row]) -> tuple[Column, ...]:
    """The columns of a table in order, with the SQL type that follows from each annotation."""
    if table not in _columns:
        hints = typing.get_type_hints(table, include_extras=True)
        _columns[table] = tuple(_column(field.name, hints[field.name]) for field in fields(table))
    return _columns[table]


def _column(name: str, hint: object) -> Column:
    options = (
        typing.get_args(hint)
        if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
        else (hint,)
    )
    kinds = [option for option in options if option is not type(None)]
    kind, nullable = kinds[0], len(kinds) < len(options)
    if kind is Unsigned:
        return Column(name, "UBIGINT", nullable)
    is_key = kind is Key
    if typing.get_origin(kind) is Annotated:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is Literal:
        kind = str
    assert isinstance(kind, type)
    return Column(name, _SQL_TYPES[kind], nullable, is_key)


def ddl(name: str) -> str:
    """The ``CREATE TABLE`` statement of a table in ``ALL_TABLES`` or ``COMPUTED``."""
    table = ALL_TABLES.get(name) or COMPUTED[name]
    body = ", ".join(f'"{c.name}" {c.type}{"" if c.nullable else " NOT NULL"}' for c in columns(table))
    return f'CREATE TABLE "{name}" ({body})'
