"""The rows that come once all messages of a trajectory have been read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from explorer.model import PROMPT_PARTS, Agent, Conversation, Row, Run
from explorer.readers._values import as_json, many
from explorer.readers.mini_swe_agent._info import status_of
from explorer.readers.mini_swe_agent._layout import batch_of
from explorer.readers.mini_swe_agent._trajectory import Trajectory

_SUFFIXES = (".json", ".traj")
_DOLLAR_DIFFERENCE = 1e-6


def closing(of: Trajectory) -> Iterator[Row]:
    """Its agent, its run, what is wrong with its sums, and the conversation."""
    info, clock, sums = of.info, of.clock, of.sums
    exit_status = info.exit_status or of.exit
    status = status_of(exit_status)
    yield Agent(of.agent_id, of.conversation_id, None, info.agent or "main", info.version, None, "exact")
    yield Run(
        run_id=of.run_id,
        conversation_id=of.conversation_id,
        agent_id=of.agent_id,
        ordinal=1,
        status=status,
        status_detail=exit_status,
        started_at=clock.moment(0),
        ended_at=None if status == "running" else clock.moment(clock.end),
        start_ms=None if clock.origin is None else 0,
        end_ms=None if status == "running" else clock.end,
        time_grade="not_recorded" if clock.origin is None else "exact",
        request_model=info.model,
        model=sums.model or info.model,
        reported_steps=info.calls,
        reported_cost_usd=info.cost,
        reported_note="by model_stats, which counts a call also when it fails or when its answer is not kept",
        grade="exact",
    )
    yield from _doubts(of)
    yield from of.findings.rest(of.conversation_id)
    stem = PurePosixPath(of.source_id)
    while stem.suffix in _SUFFIXES:
        stem = stem.with_suffix("")
    yield Conversation(
        conversation_id=of.conversation_id,
        source_id=of.source_id,
        format="mini-swe-agent",
        title=info.instance or stem.name,
        group_name=batch_of(of.source_id),
        cwd=info.cwd,
        started_at=clock.moment(0),
        ended_at=clock.moment(clock.end),
        block_scope=PROMPT_PARTS,
        steps_recorded=True,
        tool_calls_recorded=info.has_actions or of.commands.count > 0,
        extra=as_json(info.extra),
    )


def _doubts(of: Trajectory) -> Iterator[Row]:
    info, sums = of.info, of.sums
    for complaint in info.complaints:
        yield from of.finding("bad-field", "warning", complaint)
    if sums.as_text:
        message = f"{many(sums.as_text, 'answer')} kept as a text that is no JSON: usage in it counts as not recorded"
        yield from of.finding("bad-field", "warning", message)
    if of.document.is_damaged:
        return  # what is missing is said where it is
    if info.cost is not None and sums.with_cost and abs(info.cost - sums.cost) > _DOLLAR_DIFFERENCE:
        message = f"model_stats says {info.cost:.4f} dollars, and the answers add up to {sums.cost:.4f}"
        yield from of.finding("total-mismatch", "warning", message)
