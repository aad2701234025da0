"""What a trajectory says of itself: its configuration, how it ended, and what the recorder counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.model import RunStatus
from explorer.readers._openai._items import word
from explorer.readers._values import Fields

_LIMITS = frozenset(("LimitsExceeded", "TimeExceeded", "CostLimitExceeded"))
_BY_USER = frozenset(("KeyboardInterrupt", "UserInterruption"))
_SETTINGS = ("step_limit", "cost_limit", "wall_time_limit_seconds")


@dataclass(frozen=True, slots=True)
class Info:
    """The object beside the messages, as far as it can be read."""

    instance: str | None
    model: str | None
    """The model that was configured."""
    agent: str | None
    """The class of the agent."""
    version: str | None
    exit_status: str | None
    cwd: str | None
    calls: int | None
    """API calls by the recorder's count."""
    cost: float | None
    """What they cost, in dollars."""
    has_actions: bool
    """Whether this version of the format writes commands down apart from the answers that ask for them."""
    extra: dict[str, object] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, root: dict[str, object]) -> Info:
        """Read it from what stands beside the messages."""
        info = _inside(root, "info")
        config = _inside(info, "config")
        model, agent, environment = (_inside(config, name) for name in ("model", "agent", "environment"))
        stats = Fields(dict(_inside(info, "model_stats")))
        format_ = word(root.get("trajectory_format"))
        types = {name: word(config.get(name)) for name in ("agent_type", "model_type", "environment_type")}
        settings = {name: agent[name] for name in _SETTINGS if type(agent.get(name)) in (int, float)}
        return cls(
            instance=word(root.get("instance_id")),
            model=word(model.get("model_name")),
            agent=(types["agent_type"] or "").rpartition(".")[2] or None,
            version=word(info.get("mini_version")),
            exit_status=word(info.get("exit_status")),
            cwd=word(environment.get("cwd")),
            calls=stats.count("api_calls"),
            cost=stats.number("instance_cost", 0),
            has_actions=format_ != "mini-swe-agent-1",
            extra={"trajectory_format": format_, "mini_version": word(info.get("mini_version")), **types, **settings},
            complaints=stats.complaints,
        )


def _inside(fields: dict[str, object], name: str) -> dict[str, object]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def status_of(exit_status: str | None) -> RunStatus:
    """A word for how it ended; without one it is at work, or was killed."""
    if exit_status is None:
        return "running"
    if exit_status == "Submitted":
        return "completed"
    return "cancelled" if exit_status in _LIMITS | _BY_USER else "failed"
