"""Runs of workflows: what is noted of them beside the transcripts of their agents.

Format: observed, version 2.1. ``<session>/workflows/<run>.json`` is written when the run has ended: its ``phases``, and
in ``workflowProgress`` each agent with its phase, by title, and how it ended. Its counts are those of agents that came
to a result, its tokens those of last calls. The run's journal names every agent that was started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.readers._claude_code._content import word
from explorer.readers._claude_code._draft import Agent, Event, Remark, Run, Session
from explorer.readers._claude_code._lines import Where
from explorer.readers._values import many

_STATES = {"done": "completed", "error": "failed"}
_DONE = "completed"


class _Part(NamedTuple):
    """One agent of a run."""

    label: str | None
    phase: str | None
    state: str | None


@dataclass(slots=True)
class Workflow:
    """What is known of one run of a workflow."""

    run_id: str
    where: Where | None = None
    """The note of its end."""
    name: str | None = None
    status: str | None = None
    error: str | None = None
    phases: list[tuple[str, str | None]] = field(default_factory=list)
    """Title, and what it is for."""
    parts: dict[str, _Part] = field(default_factory=dict)
    """By agent."""
    started: dict[str, Where] = field(default_factory=dict)
    """Agents, by the journal."""

    def take(self, fields: Mapping[str, object], where: Where) -> None:
        """The note of its end."""
        self.where = where
        self.name, self.status, self.error = (word(fields.get(key)) for key in ("workflowName", "status", "error"))
        for phase in _dicts(fields.get("phases")):
            if title := word(phase.get("title")):
                self.phases.append((title, word(phase.get("detail"))))
        for part in _dicts(fields.get("workflowProgress")):
            if agent_id := word(part.get("agentId")):
                found = (word(part.get(key)) for key in ("label", "phaseTitle", "state"))
                self.parts[agent_id] = _Part(*found)


def _dicts(value: object) -> Iterator[Mapping[str, object]]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each


def tell(session: Session, workflows: Mapping[tuple[str | None, str], Workflow]) -> None:
    """Give a session what is known of the runs that it started, after its agents have found their parents."""
    for (session_id, _), workflow in workflows.items():
        if session_id == session.session_id:
            _tell(session, workflow)


def _tell(session: Session, workflow: Workflow) -> None:
    spawns = (spawn for spawn in session.spawns.values() if spawn.workflow == workflow.run_id)
    spawn = next(spawns, None)
    agents: dict[str | None, list[Agent]] = {}
    for agent_id, part in workflow.parts.items():
        agent = session.agents.get(f"agent-{agent_id}")
        if agent is not None:
            agent.description, agent.phase = agent.description or part.label, part.phase
            agents.setdefault(part.phase, []).append(agent)
            if part.state is not None and workflow.where is not None:
                session.ends.setdefault(agent_id, (_STATES.get(part.state, part.state), None, workflow.where))
    run = spawn.tool.run if spawn is not None else session.main.runs[0] if session.main and session.main.runs else None
    if run is not None:
        run.events.extend(_events(workflow, agents))
    session.remarks.extend(_missing(session, workflow, run))


def _events(workflow: Workflow, agents: Mapping[str | None, list[Agent]]) -> Iterator[Event]:
    """Its phases, each from where the first of its agents began; and how it failed."""
    name = workflow.name or workflow.run_id
    for title, purpose in workflow.phases:
        own = agents.get(title, [])
        starts = [run.start for agent in own for run in agent.runs[:1] if run.start is not None]
        detail = f"{name}: {title}{f', {purpose}' if purpose else ''}; {many(len(own), 'agent')}"
        yield Event("note", min(starts, default=None), "workflow phase", detail)
    if workflow.error is not None or workflow.status not in (None, _DONE):
        detail = ": ".join(filter(None, (name, workflow.status, workflow.error)))
        yield Event("error", None, "workflow", detail[:1_000])


def _missing(session: Session, workflow: Workflow, run: Run | None) -> Iterator[Remark]:
    known = dict.fromkeys(workflow.parts, workflow.where) | workflow.started
    for agent_id, where in known.items():
        if where is not None and f"agent-{agent_id}" not in session.agents:
            message = f"agent {agent_id} of workflow {workflow.run_id} was started, and its transcript is not there"
            yield Remark("missing-transcript", "warning", message, where.source_id, where.line, None, run)
