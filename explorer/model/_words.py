"""The words of the schema: what its columns may say, and the types of columns that have no type of their own."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

Grade: TypeAlias = Literal["exact", "derived", "ambiguous", "not_recorded"]
"""How sure an attribution is: the record says so; it follows by a documented rule; several answers fit; unknown."""

ReportedScope: TypeAlias = Literal["own", "total"]
"""The words of the ``own_`` and ``total_`` columns: a run alone, or with every run below it."""

RunStatus: TypeAlias = Literal["completed", "failed", "cancelled", "running", "unknown"]
SourceStatus: TypeAlias = Literal["read", "partial", "skipped", "failed"]
EdgeKind: TypeAlias = Literal["spawn", "assign", "message", "result", "close", "resume", "fork"]
Resolution: TypeAlias = Literal["item", "thread", "pending"]
"""How far a hand-off can be followed: to the item that the receiver's model saw, to the receiver alone, or nowhere."""

HASHES = "hashes"
"""The ``block_scope`` of ids that are hashes: equal wherever the prompt is, and in no order."""

PROMPT_PARTS = "prompt-parts"
"""The ``block_scope`` of blocks that are the parts of recorded prompts, numbered by us."""

HiddenKind: TypeAlias = Literal["main", "worker", "solo", "sidecar"]
"""What a chain of prompts inside one run seems to be: its main agent; one of at least three that part at one place of
their prompts, some of them at work at the same time; one by itself; or a single call aside."""

EventKind: TypeAlias = Literal["compaction", "error", "interrupt", "resume", "note"]
Severity: TypeAlias = Literal["error", "warning", "info"]

Unsigned: TypeAlias = Annotated[int, "UBIGINT"]
"""A block id: any integer of 64 bits without sign (Dynamo's sequence hashes use the top bit)."""

Key: TypeAlias = Annotated[str, "a key of ours"]
"""A key that we made, or a reference to one: it begins with the path of its source, which gets a prefix where a
directory is opened beside others. The recorder's own ids stay as they are."""

Json: TypeAlias = Annotated[str, "JSON text"]
"""A JSON object as text, for recorded fields that no column names."""
