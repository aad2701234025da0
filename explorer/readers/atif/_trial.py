"""How a trial of Harbor ended: its ``result.json``, which stands above ``agent/trajectory.json``.

It is an object with the names of the task and of the trial; ``verifier_result`` has the rewards, ``exception_info``
what ended the trial early. What else it has is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from explorer.readers._values import text_in

TRAJECTORY = "agent/trajectory.json"
"""Where its trajectory is, from where the result is."""

_NAMES = frozenset(("task_name", "trial_name"))
_PARTS = frozenset(("verifier_result", "agent_info", "agent_result", "exception_info"))

OF_TRIALS = _NAMES | _PARTS
"""The fields that are read of it."""


def is_trial(keys: set[str]) -> bool:
    """Whether an object with these keys is the result of a trial."""
    return keys >= _NAMES and bool(keys & _PARTS)


class Ending(NamedTuple):
    """How a trial ended."""

    reward: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial, by the fields of its result."""

    task: str | None
    name: str | None
    rewards: Mapping[str, object]
    ending: Ending

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> Trial:
        """The result of a trial; a reward is told where there is one, or one that is called so."""
        verified, failed = fields.get("verifier_result"), fields.get("exception_info")
        found = verified.get("rewards") if isinstance(verified, Mapping) else None
        rewards = found if isinstance(found, Mapping) else {}
        only = rewards.get("reward", next(iter(rewards.values())) if len(rewards) == 1 else None)
        error = None
        if isinstance(failed, Mapping):
            words = (failed.get("exception_type"), failed.get("exception_message"))
            error = ": ".join(each for each in words if isinstance(each, str))[:2_000] or "an exception"
        reward = float(only) if type(only) in (int, float) and abs(only) < 1e300 else None
        return cls(text_in(fields.get("task_name")), text_in(fields.get("trial_name")), rewards, Ending(reward, error))
