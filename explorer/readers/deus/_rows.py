"""The runs of a group as rows of one conversation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import orjson

from explorer.model import PROMPT_PARTS, Agent, Conversation, Row, Run, RunStatus
from explorer.readers import Rows
from explorer.readers._claude_code._draft import Run as Draft
from explorer.readers._claude_code._draft import Session
from explorer.readers._claude_code._rows import Writing
from explorer.readers._values import as_json, key_part, moment
from explorer.readers.deus._draft import TASK, Group, Life, Usage, merged
from explorer.readers.deus._runs import Runs

LONGEST_LABEL = 48
"""Characters of what a session is about, as shown beside its agent."""

_KILLED = 137
_FIGURES = ("input", "cache_write", "cache_read", "output")


class GroupRows:
    """Writes one group."""

    def __init__(self, group: Group, conversation_id: str, runs: Runs, source_id: str, format_: str) -> None:
        self.conversation_id = conversation_id
        self._group, self._runs, self._source_id, self._format = group, runs, source_id, format_
        times = [at for life in runs.lives for at in (life.start, life.end) if at is not None]
        times += [at for session in runs.sessions for at in (session.start, session.end) if at is not None]
        self.start, self.end = min(times, default=None), max(times, default=None)

    def writing(self, session: Session, copied: set[str] | None) -> Writing:
        """Writes one of its sessions."""
        below = f"{self.conversation_id}/{key_part(session.session_id)}"
        writing = Writing(session, self.conversation_id, copied, self._format, below, self.start)
        for step in (step for run in (session.main.runs if session.main else ()) for step in run.steps):
            if step in self._runs.sure:
                grade, lives = self._runs.sure[step]
                ids = [self.run_id(life) for life in reversed(lives)]
                writing.doubted[step] = grade, orjson.dumps(ids).decode() if grade == "ambiguous" else None
        return writing

    def rows(self, writing: Writing) -> Iterator[Row | Rows]:
        """A session's rows, with what the group's files have beside its transcript."""
        drafts = {writing.run_id(run): run for agent in writing.agents for run in agent.runs}
        for row in writing.rows():
            if isinstance(row, Agent) and row.parent_agent_id is None and row.name == "main":
                name, label = self._called(writing.session)
                yield replace(row, name=name, label=label)
            elif isinstance(row, Run) and (life := self._runs.life_of.get(drafts[row.run_id])) is not None:
                yield self._run(row, drafts[row.run_id], life, writing)
            else:
                yield row

    def _called(self, session: Session) -> tuple[str, str]:
        """Name and label of a session's main agent: a run that is not the chat's has its name for its IPC folder."""
        if session.session_id.startswith(TASK):
            return "task", session.session_id.removeprefix(TASK)
        runs = session.main.runs if session.main is not None else []
        keys = {life.ipc_key for run in runs if (life := self._runs.life_of.get(run)) is not None}
        return (keys.pop() if len(keys) == 1 else None) or "main", _label(session)

    def agent_id(self, life: Life) -> str:
        """The key of a run's agent."""
        return self.run_id(life).rpartition("/")[0]

    def run_id(self, life: Life) -> str:
        """The key of a run."""
        run = self._runs.run_of[life]
        session = key_part(run.agent.session.session_id)
        return f"{self.conversation_id}/{session}/{key_part(run.agent.name)}/{run.ordinal}"

    def conversation(self, spoken: bool) -> Conversation:
        """The group, after everything else of it."""
        group = self._group
        cwd = next((session.cwd for session in self._runs.sessions if session.cwd), None)
        return Conversation(
            conversation_id=self.conversation_id,
            source_id=self._source_id,
            format=self._format,
            title=group.name or group.folder or self.conversation_id,
            group_name=group.folder,
            cwd=cwd,
            started_at=moment(self.start),
            ended_at=moment(self.end),
            block_scope=PROMPT_PARTS if spoken else None,
            steps_recorded=spoken,
            tool_calls_recorded=spoken or bool(group.called),
            extra=as_json(group.extra),
        )

    def _run(self, row: Run, draft: Draft, life: Life, writing: Writing) -> Run:
        if life.origin == "turn":
            return replace(row, reported_cost_usd=_cost(life.usage)[0], extra=_extra(life, self._group, draft))
        status, detail = _status(life, row)
        figures, note = _used(life.usage)
        # Where its transcript tells the calls, their sum counts.
        spent = [sum(each) for each in zip(*figures.values(), strict=True)] if figures and not draft.steps else None
        cost, cost_note = _cost(life.usage)
        return replace(
            row,
            native_run_id=life.native_id,
            status=status,
            status_detail=detail,
            started_at=moment(life.start),
            ended_at=moment(life.end),
            start_ms=writing.ms(life.start),
            end_ms=writing.ms(life.end),
            time_grade="exact" if life.start is not None else "not_recorded",
            model=row.model or (next(iter(figures)) or None if len(figures) == 1 else None),
            reported_input_tokens=sum(spent[:3]) if spent else None,
            reported_output_tokens=spent[3] if spent else None,
            reported_cost_usd=cost,
            reported_duration_ms=life.end - life.start if life.end is not None and life.start is not None else None,
            reported_note="; ".join(filter(None, (note if spent else None, cost_note))) or None,
            reward=life.interaction.score if life.interaction else None,
            grade="ambiguous" if life.doubt else "exact",
            extra=_extra(life, self._group, draft),
        )


def _label(session: Session) -> str:
    """What tells a session from the others of its group: what it is about, and the beginning of its id."""
    about = " ".join((session.title or session.first_prompt or "").split())
    if not about:
        return session.session_id
    return f"{about if len(about) <= LONGEST_LABEL else about[: LONGEST_LABEL - 1] + '…'} · {session.session_id[:8]}"


def _status(life: Life, row: Run) -> tuple[RunStatus, str | None]:
    """How a run ended, by the best that tells it."""
    if life.origin == "usage":
        outcome = life.usage[0].outcome
        detail = "; ".join(filter(None, (outcome, life.doubt)))
        return ("completed" if outcome == "success" else "failed" if outcome else "unknown"), detail or None
    if life.task is not None and (life.origin == "task" or life.task.status == "error"):
        words: dict[str | None, RunStatus] = {"success": "completed", "error": "failed"}
        return words.get(life.task.status, "unknown"), (life.task.error or life.task.status or "")[:200] or None
    if life.origin == "interaction":
        return "completed", "it was judged: how its container ended is not recorded"
    if life.timed_out:
        if life.had_output:
            return "completed", "closed after it had been idle"
        return "failed", "it ran out of time" + ("" if life.had_output is None else " without any output")
    if life.exit_code is None:
        return "unknown", "no exit code is recorded"
    if life.exit_code == 0:
        return (row.status, row.status_detail) if row.status in ("failed", "cancelled") else ("completed", None)
    killed = ": killed" if life.exit_code == _KILLED else ""
    if life.exit_code != _KILLED and (life.usage or life.had_output):
        return "completed", f"exit code {life.exit_code} after its output"
    return "failed", f"exit code {life.exit_code}{killed}"


def _used(usage: Sequence[Usage]) -> tuple[Mapping[str, tuple[int, ...]], str | None]:
    """Tokens of a run by model, from its lines of usage, and how they were counted.

    Whether a figure is of its own result or of all of the process so far is not documented. Lines none of which is
    less than the one before, in any figure, are taken for running totals: that never counts anything twice.
    """
    lines = [line.models for line in usage if line.models]
    if not lines:
        return {}, None
    if len(lines) == 1:
        return lines[0], "by its line of usage, which may leave sub-agents out"
    if _rises(lines):
        return lines[-1], f"the last of {len(lines):,} lines of usage, as none is less than the one before"
    sums: dict[str, tuple[int, ...]] = {}
    for models in lines:
        for model, figures in models.items():
            before = sums.get(model, (0, 0, 0, 0))
            sums[model] = tuple(a + b for a, b in zip(before, figures, strict=True))
    return sums, f"the sum of {len(lines):,} lines of usage, which may leave sub-agents out"


def _rises(lines: Sequence[Mapping[str, tuple[int, ...]]]) -> bool:
    return all(
        model in after and all(a <= b for a, b in zip(figures, after[model], strict=True))
        for before, after in pairwise(lines)
        for model, figures in before.items()
    )


def _cost(usage: Sequence[Usage]) -> tuple[float | None, str | None]:
    """What a run cost: the last of rising figures, else their sum."""
    costs = [line.cost for line in usage if line.cost is not None]
    if not costs:
        return None, None
    if len(costs) == 1:
        return costs[0], None
    if all(a <= b for a, b in pairwise(costs)):
        return costs[-1], "its cost is the last of several, as none is less than the one before"
    return sum(costs), "its cost is the sum of several"


def _extra(life: Life, group: Group, draft: Draft) -> str | None:
    """What no column names."""
    figures, _ = _used(life.usage)
    work = sum(end - start for start, end in merged(life.spans)) if life.spans else None
    turns = [line.turns for line in life.usage if line.turns is not None]
    folder = None if life.ipc_key is None else f"data/ipc/{group.folder or ''}/{life.ipc_key}".rstrip("/")
    sizes = [group.bytes_of[tool.call_id] for tool in draft.tools if tool.call_id in group.bytes_of]
    return as_json({
        "known_by": life.origin, "prompt_chars": life.prompt_chars, "exit_code": life.exit_code,
        "output_truncated": life.truncated or None, "derived_at_work_ms": work,
        "derived_ipc_folder" if life.ipc_derived else "ipc_folder": folder,
        "usage_lines": len(life.usage) or None,
        "turns": sum(turns) if turns else None,
        "usage_by_model": {
            model or "unnamed": dict(zip(_FIGURES, each, strict=True)) for model, each in figures.items()
        } or None,
        "task": life.task.task_id if life.task else None,
        "schedule": life.task.schedule if life.task else None,
        "answer": life.interaction.native_id if life.interaction else None,
        "tools_offered": life.offered,
        "tool_result_bytes": sum(sizes) if sizes else None,
    })  # fmt: skip
