"""Model calls, their prompts and tool calls as rows, many at once: they are most of what a transcript has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TypeAlias

import orjson

from explorer.model import BlockRun, Grade, ToolCall
from explorer.model import Step as StepRow
from explorer.readers import Rows
from explorer.readers._claude_code._draft import Agent, Run, Step

Doubt: TypeAlias = tuple[Grade, str | None]
"""How sure it is that a step is of its run, and if several may have it, these as JSON."""

BATCH = 2_000
"""Steps that are given at once."""

_STEP = (
    "run_id", "ordinal", "started_at", "start_ms", "end_ms", "model", "input_tokens", "cache_read_tokens",
    "cache_write_tokens", "output_tokens", "tokens_grade", "finish_reason", "is_replay", "grade", "candidates",
    "source_id", "offset", "length", "extra",
)  # fmt: skip
_BLOCKS = ("run_id", "step_ordinal", "position", "namespace", "first_block", "block_count", "block_tokens")
_TOOL = (
    "run_id", "ordinal", "step_ordinal", "tool_call_id", "name", "start_ms", "end_ms", "is_error", "child_run_id",
    "grade", "source_id", "offset", "length",
)  # fmt: skip
_SURE: Doubt = "exact", None


def step_rows(
    agent: Agent, run_id: Callable[[Run], str], begin: int | None, namespace: str, doubted: Mapping[Step, Doubt]
) -> Iterator[Rows]:
    """The steps of an agent, and the blocks of their prompts; ``begin`` is when the conversation began."""
    every = ((run_id(run), step) for run in agent.runs for step in run.steps)
    while some := list(islice(every, BATCH)):
        yield Rows.of(StepRow, _STEP, [_step(key, step, begin, doubted.get(step, _SURE)) for key, step in some])
        blocks: list[tuple[object, ...]] = []
        for key, step in some:
            position = 0
            for first, count in step.prompt:
                blocks.append((key, step.ordinal, position, namespace, first, count, None))
                position += count
        if blocks:
            yield Rows.of(BlockRun, _BLOCKS, blocks)


def _step(key: str, step: Step, begin: int | None, doubt: Doubt) -> tuple[object, ...]:
    fresh, write, read, output, short, long = step.usage
    if fresh is None or write is None or read is None:
        known = [figure for figure in (fresh, write, read) if figure is not None]
        whole = sum(known) if known else None
    else:
        whole = fresh + write + read
    # No record has a reason why it stopped: the last figure may have been written before the answer was whole.
    unconfirmed = step.finish_reason is None and output is not None
    start, end, where = step.start, step.end, step.where
    return (
        key, step.ordinal, None if start is None else start * 1000,
        None if start is None or begin is None else start - begin,
        None if end is None or begin is None else end - begin,
        step.model, whole, read, write, output,
        "not_recorded" if whole is None and output is None else "derived" if unconfirmed else "exact",
        step.finish_reason, step.owner is not None, doubt[0], doubt[1], where[0], where[1], where[2],
        _extra(step, begin, short, long, unconfirmed),
    )  # fmt: skip


def _extra(step: Step, begin: int | None, short: int | None, long: int | None, unconfirmed: bool) -> str | None:
    """What no column names, as JSON."""
    key = step.key
    fields: dict[str, object] = {}
    if key[0]:
        fields["message_id"] = key[0]
        if len(key) > 1:
            fields["request_id"] = key[1]
    if short is not None:
        fields["cache_write_5m_tokens"] = short
    if long is not None:
        fields["cache_write_1h_tokens"] = long
    if step.first is not None and begin is not None:
        fields["first_record_ms"] = step.first - begin
    if unconfirmed:
        fields["output_unconfirmed"] = True
    if step.tier is not None:
        fields["speed"] = step.tier
    return orjson.dumps(fields).decode() if fields else None


def tool_rows(agent: Agent, run_id: Callable[[Run], str], begin: int | None) -> Iterator[Rows]:
    """The tool calls of an agent."""
    every = (
        (
            key, number, tool.step.ordinal if tool.step else None, tool.call_id, tool.name,
            None if tool.start is None or begin is None else tool.start - begin,
            None if tool.end is None or begin is None else tool.end - begin, tool.is_error,
            run_id(tool.child) if tool.child else None, "exact", *tool.where[:3],
        )
        for run in agent.runs for key in (run_id(run),) for number, tool in enumerate(run.tools, 1)
    )  # fmt: skip
    while some := list(islice(every, BATCH)):
        yield Rows.of(ToolCall, _TOOL, some)
