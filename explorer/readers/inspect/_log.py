"""What a log says of all its samples: the evaluation, its status, and its sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.readers._drafts import Tokens
from explorer.readers._values import text_in
from explorer.readers.inspect._usage import summed, total

_FIELDS = frozenset(("version", "status", "eval", "plan", "stats", "error", "tags"))


@dataclass(slots=True)
class Log:
    """A log, as far as it is known by now."""

    status: str | None = None
    error: str | None = None
    task: str | None = None
    solver: str | None = None
    about: dict[str, object] = field(default_factory=dict)
    recorded: Tokens | None = None
    """The sum over all its samples, as recorded."""
    samples: list[Tokens] = field(default_factory=list)
    """Those of the samples."""

    _keys: Counter[str] = field(default_factory=Counter)

    def again(self, key: str) -> int:
        """How often a sample of this key has been met, with this time."""
        self._keys[key] += 1
        return self._keys[key]

    @staticmethod
    def knows(key: str) -> bool:
        """Whether a field of a log says something of all its samples."""
        return key in _FIELDS

    def take(self, key: str, value: object) -> None:
        """A field of the log."""
        if key == "status" and isinstance(value, str):
            self.status = value
        elif key == "error" and isinstance(value, Mapping):
            self.error = text_in(value.get("message"))
        elif key == "eval" and isinstance(value, Mapping):
            self.task, self.solver = text_in(value.get("task")), text_in(value.get("solver"))
            for name in ("eval_id", "run_id", "eval_set_id", "task_id", "created", "model", "model_roles", "tags"):
                if value.get(name) not in (None, [], {}):
                    self.about[name] = value[name]
        elif key == "stats" and isinstance(value, Mapping):
            self.recorded = summed(value.get("model_usage"))

    @property
    def contradicted(self) -> tuple[int, int] | None:
        """Input of the log and of its samples, where both are recorded and differ."""
        ours = total(self.samples).input if self.samples else None
        recorded = self.recorded.input if self.recorded else None
        return None if ours is None or recorded is None or ours == recorded else (recorded, ours)
