"""What the records of graff say: nodes of the lineage, and the calls of the operational trace.

Format: justrach/codegraff src/trace.zig @1ba8bf4b (envelope, ``api``, ``tool``, the list of tools),
src/mainloop_trace.zig @72ef5358 (turns), src/subagent_run.zig @03454ce4 (children).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.readers._values import Fields
from explorer.readers.graff._lines import Record

MOST_MS = 10**13
"""Milliseconds above which a time is none: three hundred years."""

MOST_TOOLS = 64
"""Tools that the list of a node names at most; how many there were beyond is not recorded."""

ENVELOPE = ("run_id", "pid", "session_id")


@dataclass(slots=True)
class Node:
    """A record of the lineage: a turn of the root agent, a child that ended, or a remark."""

    offset: int
    length: int
    kind: str
    id: int | None
    parent: int | None
    label: str | None
    provider: str | None
    model: str | None
    t: int | None
    """When it was written: of a turn that opens, its start; else the end."""
    ms: int | None
    live: bool
    ok: bool | None
    prompt_sha: str | None
    prompt_mutated: bool | None
    niche: str | None
    task: str | None
    tools: list[str] | None
    """The tools it called, in order, with ``!`` behind those that failed; the first 64."""
    detail: str | None
    counts: dict[str, int | None]
    """What a turn adds up at its end."""
    rest: dict[str, object]
    complaints: list[str] = field(default_factory=list)

    @property
    def start(self) -> int | None:
        """When what it tells of began."""
        if self.live:
            return self.t
        return None if self.t is None or self.ms is None else self.t - self.ms


_COUNTS = ("context_tokens", "model_calls", "tool_errors", "uncached_tokens", "cache_read_tokens", "cost_microusd")


def node_of(record: Record) -> Node:
    """A line of a trajectories file; its fields are taken out of the record."""
    fields = Fields(record.fields)
    for name in ENVELOPE:
        record.fields.pop(name, None)
    tools = fields.text("tools") if record.fields.get("tools") != "" else record.fields.pop("tools")
    return Node(
        offset=record.offset,
        length=record.end - record.offset,
        kind=fields.text("kind") or "",
        id=fields.count("id"),
        parent=fields.count("parent"),
        label=fields.text("label"),
        provider=fields.text("provider") or fields.text("recipe_provider"),
        model=fields.text("model"),
        t=fields.count("t", MOST_MS),
        ms=fields.count("ms", MOST_MS),
        live=flag(fields, "live") or False,
        ok=flag(fields, "ok"),
        prompt_sha=fields.text("prompt_sha"),
        prompt_mutated=flag(fields, "prompt_mutated"),
        niche=fields.text("niche"),
        task=fields.text("task"),
        tools=None if not isinstance(tools, str) else [name for name in tools.split(",") if name],
        detail=fields.text("detail"),
        counts={name: fields.count(name, 10**15) for name in _COUNTS},
        rest=fields.rest(),
        complaints=fields.complaints,
    )


def flag(fields: Fields, name: str) -> bool | None:
    """True, false or not recorded."""
    value = fields.rest().pop(name, None)
    if value is not None and not isinstance(value, bool):
        fields.complaints.append(f"{name} is not true or false: counted as not recorded")
        return None
    return value


@dataclass(slots=True)
class Call:
    """A line of the operational trace: a model call (``api``) or a tool call (``tool``)."""

    offset: int
    length: int
    turn: int | None
    """The behavioral turn of the root agent at its end; 0 outside of any."""
    label: str | None
    """``main``, or what the spawner called the child; None for a tool call."""
    name: str | None
    """The tool."""
    from_sub: bool | None
    model: str | None
    call_id: int | None
    t: int | None
    ms: int | None
    is_error: bool | None
    rest: dict[str, object]
    complaints: list[str]

    @property
    def start(self) -> int | None:
        """When it was sent."""
        return self.t if self.t is None or self.ms is None else self.t - self.ms


def call_of(record: Record) -> Call:
    """A model or tool call; its fields are taken out of the record."""
    fields = Fields(record.fields)
    for name in (*ENVELOPE, "ev", "kind", "seq", "ts", "schema"):
        record.fields.pop(name, None)
    return Call(
        offset=record.offset,
        length=record.end - record.offset,
        turn=fields.count("turn"),
        label=fields.text("agent"),
        name=fields.text("name"),
        from_sub=flag(fields, "from_sub"),
        model=fields.text("model"),
        call_id=fields.count("call_id"),
        t=fields.count("t", MOST_MS),
        ms=fields.count("ms", MOST_MS),
        is_error=flag(fields, "is_error"),
        rest=fields.rest(),
        complaints=fields.complaints,
    )
