"""How a run ended, by what its records and those of its parent say."""

from __future__ import annotations

from explorer.model import RunStatus
from explorer.readers._claude_code._draft import Ended, Run, Spawn, Tool

_SAID: dict[str, RunStatus] = {
    "completed": "completed", "failed": "failed", "error": "failed", "killed": "cancelled", "stopped": "cancelled",
    "cancelled": "cancelled",
}  # fmt: skip
"""The words of results and notifications."""


def ended(run: Run) -> Ended:
    """The state of a run. What its own records say goes before what its parent was told."""
    own = _own(run)
    if own.status not in ("unknown", "running") or run.agent.is_main or run is not run.agent.runs[-1]:
        return own
    told = _told(run)
    return told or own


def _own(run: Run) -> Ended:
    if run.interrupted:
        return Ended("cancelled", "interrupted by the user")
    if run.error is not None:
        return Ended("failed", run.error[:200])
    if not run.steps:
        return Ended("unknown", "no answer is recorded")
    last, is_latest = run.steps[-1], run is run.agent.runs[-1]
    tools = _last_tools(run)
    waiting = sum(not tool.answered for tool in tools)
    if tools:
        what = f"{waiting:,} tool calls have no result" if waiting else "the model was not asked again"
        return Ended("running" if is_latest else "unknown", what)
    if last.finish_reason == "max_tokens":
        return Ended("failed", "max_tokens: the last answer is cut off")
    if last.finish_reason is not None and last.finish_reason != "tool_use":
        return Ended("completed", last.finish_reason)
    if not is_latest or run.duration_ms is not None:
        return Ended("completed", None)
    return Ended("unknown", "no reason is recorded why the last answer stopped")


def _last_tools(run: Run) -> list[Tool]:
    last = run.steps[-1]
    found = []
    for tool in reversed(run.tools):
        if tool.step is not last:
            break
        if not tool.by_server:
            found.append(tool)
    return found


def _told(run: Run) -> Ended | None:
    """What the parent was told of it."""
    agent = run.agent
    spawn: Spawn | None = agent.spawn
    word = agent.session.ends.get(agent.native_id or "", (None,))[0]
    if word is None and spawn is not None and spawn.answer is not None:
        word = "failed" if spawn.tool.is_error else spawn.status or "completed"
    status = _SAID.get(word or "")
    return Ended(status, f"{word}, by what its parent was told") if status else None
