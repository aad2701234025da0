"""Who a record is of: ``agent_context``, whose fields were renamed twice."""

from __future__ import annotations

from typing import NamedTuple

from explorer.readers._values import Fields


class Context(NamedTuple):
    """The agent of a record."""

    group: str | None
    """The workflow or the session that the agent is one of, where it has a name apart from the agent's."""
    agent: str
    parent: str | None
    type: str | None
    is_final: bool
    """Whether this is the last that is heard of it."""

    @property
    def key(self) -> tuple[str | None, str]:
        """What tells the agent from all others."""
        return self.group, self.agent


def context_of(recorded: object) -> Context | None:
    """The agent that a context names; None for a context that names none, or that is no object."""
    if not isinstance(recorded, dict):
        return None
    fields = Fields(dict(recorded))
    program, trajectory, session = fields.text("program_id"), fields.text("trajectory_id"), fields.text("session_id")
    parents = [fields.text(f"parent_{name}_id") for name in ("trajectory", "session", "program")]
    parent = next((name for name in parents if name is not None), None)
    type_ = fields.text("session_type_id") or fields.text("workflow_type_id")
    is_final = recorded.get("trajectory_final") is True or recorded.get("session_final") is True
    if trajectory is not None:
        return Context(session, trajectory, parent, type_, is_final)
    if session is not None:
        return Context(None, session, parent, type_, is_final)
    if program is not None:
        return Context(fields.text("workflow_id"), program, parent, type_, is_final)
    return None
