"""A run while its conversation is read: what is known of it until its row can be written."""

from __future__ import annotations

from dataclasses import dataclass, field

from explorer.model import ToolCall
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._contexts import Context
from explorer.readers.codegraff._events import words
from explorer.readers.codegraff._lineage import Spawn, Spawned


@dataclass(slots=True, eq=False)
class RunDraft(Spawned):
    """A run to be written once everything of the conversation is known."""

    chain: Chain | None = None
    """Its events; None of a run that wrote none."""
    context: Context | None = None
    """The messages that its steps were read from."""
    steps: int = 0
    tool_calls: int = 0
    compactions: int = 0
    errors: list[tuple[int | None, str]] = field(default_factory=list)
    """When, in milliseconds from the conversation's start, and what."""
    spawning: list[tuple[ToolCall, Spawn]] = field(default_factory=list)
    """Tool calls that started agents, held back until it is known which runs these are."""

    def hold_back(self, tool_call: ToolCall, spawn: Spawn) -> None:
        """A tool call that started agents waits until it is known which runs these are."""
        self.spawns.append(spawn)
        self.spawning.append((tool_call, spawn))

    @property
    def cost(self) -> float | None:
        """US dollars, where its messages tell and are its own."""
        return self.context.cost if self.context is not None and not self.is_root else None

    @property
    def version(self) -> str | None:
        """The version of its agent: a digest of the system prompt's template."""
        return words(self.chain.start.payload, "agent_version") if self.chain and self.chain.start else None
