"""The rows of runs: how they ended, when they were, and what the recorder says they cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explorer.model import Grade, Run, RunStatus
from explorer.readers.maverick._attempts import Attempt
from explorer.readers.maverick._census import Census, Instance
from explorer.readers.maverick._checkpoints import spent_input
from explorer.readers.maverick._evidence import Episode, Evidence, Saved
from explorer.readers.maverick._rows import Draft
from explorer.readers.maverick._shapes import as_json, is_sealed, moment, shown, text_of

_OUTCOMES: dict[str, RunStatus] = {
    "success": "completed",
    "failure": "failed",
    "interrupted": "cancelled",
    "blocked": "failed",
}
_STATUSES: dict[str, RunStatus] = {"done": "completed", "cancelled": "cancelled", "blocked": "failed"}
"""Of a goal: how its only attempt ended, where no episode says so."""

_UNKNOWN = (
    "0 is recorded of everything: it ended by an exception before what it had spent was written, so that is taken as "
    "not recorded"
)

Ms = Callable[["float | None"], "int | None"]


def attempt_run(
    attempt: Attempt, draft: Draft, evidence: Evidence, census: Census, grade: Grade, saved: Sequence[Saved],
    conversation_id: str, ms: Ms, is_only: bool,
) -> Run:  # fmt: skip
    """The run of a root: an episode, or what seems to be one where there is none."""
    episode = attempt.episode
    if episode is None:
        return _without_episode(attempt, draft, evidence, census, grade, conversation_id, ms, is_only)
    status, detail = _status(episode, evidence)
    unknown = episode.spent_nothing and episode.ended is not None and status != "completed" and draft.last is not None
    has_times = episode.started is not None and episode.ended is not None
    role = attempt.name.rpartition("-")[0]
    return Run(
        run_id=draft.run_id,
        conversation_id=conversation_id,
        agent_id=draft.agent_id,
        ordinal=attempt.ordinal,
        native_run_id=str(episode.id),
        status=status,
        status_detail=detail,
        started_at=moment(episode.started),
        ended_at=moment(episode.ended),
        start_ms=ms(episode.started),
        end_ms=ms(draft.last if episode.ended is None else episode.ended),
        time_grade="not_recorded" if episode.started is None else "exact",
        reported_scope="total",
        reported_steps=evidence.episode_steps.get(episode.id),
        reported_input_tokens=None if unknown else episode.input_tokens,
        reported_output_tokens=None if unknown else episode.output_tokens,
        reported_tool_calls=None if unknown else episode.tool_calls,
        reported_cost_usd=None if unknown else episode.cost,
        reported_duration_ms=round((episode.ended - episode.started) * 1000)  # type: ignore[operator]
        if has_times
        else None,
        reported_note=_note(episode, attempt, unknown, saved, evidence.forks.get(episode.id, ())),
        grade=grade,
        extra=as_json(
            {
                "episode_id": episode.id,
                "own_model_calls": evidence.role_steps.get((episode.id, role)) if len(attempt.roots) == 1 else None,
                "instances": [root.full for root in attempt.roots],
                "brief": attempt.roots[0].brief if attempt.roots else None,
                "summary": shown(episode.summary, 300) if episode.summary else None,
            }
        ),
    )


def _status(episode: Episode, evidence: Evidence) -> tuple[RunStatus, str | None]:
    if is_sealed(episode.outcome):
        return "unknown", "sealed"
    if episode.ended is None and episode.outcome is None:
        if evidence.goal is not None and evidence.goal.restarted:
            return "running", "crashed: its process was gone when the next one began [process restarted mid-run]"
        return "running", "no end is recorded: still at work, or killed"
    return _OUTCOMES.get(episode.outcome or "", "unknown"), episode.outcome


def _note(
    episode: Episode, attempt: Attempt, unknown: bool, saved: Sequence[Saved], forks: Sequence[int]
) -> str | None:
    """What the figures of an episode leave out."""
    notes = []
    if episode.input_tokens is not None or episode.cost is not None:
        newest = max(saved, key=lambda each: (each.step_seq or 0, each.row), default=None)
        cached = "how much that was is not recorded"
        if newest is not None and spent_input(newest) is not None:
            read, write = newest.spent("cache_read_tokens") or 0, newest.spent("cache_write_tokens") or 0
            cached = f"until checkpoint row {newest.row} that was {read:,} tokens read and {write:,} written"
        notes.append("episode totals of the whole swarm; input without what a cache served or stored")
        notes.append(cached)
    if unknown:
        notes = [_UNKNOWN]
    elif episode.ended is None and episode.cost is not None:
        notes.append("written now and then while it ran: the last of it may be missing")
    if len(attempt.roots) > 1:
        notes.append("taken up again by another process: spend is that of all, the duration includes the time between")
    for goal in forks:
        notes.append(f"goal {goal} was forked from it: its end and spend, once it is resumed, are written here")
    return "; ".join(notes) or None


def _without_episode(
    attempt: Attempt, draft: Draft, evidence: Evidence, census: Census, grade: Grade, conversation_id: str, ms: Ms,
    is_only: bool,
) -> Run:  # fmt: skip
    status: RunStatus = "unknown"
    detail: str | None = None
    if attempt.roots:
        status, detail = attempt.roots[-1].status, attempt.roots[-1].detail
    ended = text_of(census.ended.fields.get("status")) if census.ended is not None else None
    recorded = ended or (evidence.goal.status if evidence.goal is not None else None)
    if is_only and recorded in _STATUSES:
        status, detail = _STATUSES[recorded], f"the goal is {recorded}"
    return Run(
        run_id=draft.run_id,
        conversation_id=conversation_id,
        agent_id=draft.agent_id,
        ordinal=attempt.ordinal,
        status=status,
        status_detail=detail,
        started_at=moment(draft.first),
        ended_at=moment(draft.last),
        start_ms=ms(draft.first),
        end_ms=ms(draft.last),
        time_grade="not_recorded" if draft.first is None else "derived",
        reported_note=_of_fork(evidence),
        grade=grade,
        extra=as_json(
            {
                "instances": [root.full for root in attempt.roots],
                "brief": attempt.roots[0].brief if attempt.roots else None,
            }
        ),
    )


def _of_fork(evidence: Evidence) -> str | None:
    origin = evidence.origin
    if origin is None:
        return None
    episode = f"episode {origin.episode}" if origin.episode is not None else "the episode that it was forked from"
    return f"a fork has no episode of its own: its end and spend are written into {episode} of goal {origin.goal}"


def agent_run(
    instance: Instance, draft: Draft, parent_run_id: str | None, conversation_id: str, ms: Ms, steps: int | None
) -> Run:
    """The only run of a sub-agent; its figures are not recorded."""
    return Run(
        run_id=draft.run_id,
        conversation_id=conversation_id,
        agent_id=draft.agent_id,
        parent_run_id=parent_run_id,
        ordinal=1,
        native_run_id=instance.full,
        status=instance.status,
        status_detail=instance.detail,
        started_at=moment(instance.first),
        ended_at=None if instance.status == "unknown" else moment(instance.last),
        start_ms=ms(instance.first),
        end_ms=ms(instance.last),
        time_grade="not_recorded" if instance.first is None else "exact",
        reported_steps=steps,
        reported_note="tokens and cost of an agent are not recorded: those of its episode include them",
        grade="exact",
        extra=as_json({"brief": instance.brief}),
    )
