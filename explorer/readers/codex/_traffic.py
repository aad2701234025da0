"""What a thread's rollout tells of other threads: whom it asked for what, and what it got from them.

Format: openai/codex codex-rs/core/src/tools/handlers/{multi_agents,multi_agents_v2}, core/src/context @b3cc2173.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from explorer.model import EdgeKind
from explorer.readers.codex._draft import ThreadDraft, ToolDraft, TurnDraft, Where
from explorer.readers.codex._items import Letter, is_sealed, parts_of

AGENT_TOOLS: Mapping[str, EdgeKind] = {
    "spawn_agent": "spawn", "followup_task": "assign", "assign_task": "assign", "send_input": "assign",
    "send_message": "message", "resume_agent": "resume", "close_agent": "close", "interrupt_agent": "close",
}  # fmt: skip
"""The tools by which an agent speaks to another one, and the edge that a call of each is."""

_NOTICE = re.compile(r"\s*<subagent_notification>\s*(\{.*\})\s*</subagent_notification>", re.DOTALL)
_MOST_TEXT = 1 << 16


@dataclass(slots=True)
class AgentCall:
    """A call of one of these tools."""

    kind: EdgeKind
    tool: ToolDraft
    turn: TurnDraft
    at: int | None
    where: Where
    arguments: Mapping[str, object] = field(default_factory=dict)
    output: Mapping[str, object] = field(default_factory=dict)
    thread_id: str | None = None
    """The other agent's thread, as told by an activity or by the tool."""
    path: str | None = None

    @property
    def target(self) -> str | None:
        """How the model named the other agent."""
        for name in ("target", "id", "agent_id", "task_name"):
            if isinstance(value := self.arguments.get(name), str) and value:
                return value
        return None

    @property
    def message(self) -> str:
        """What the model had to say; ciphertext in most builds since June 2026."""
        for name in ("message", "prompt", "items"):
            if isinstance(value := self.arguments.get(name), str):
                return value
        return ""

    @property
    def is_sealed(self) -> bool:
        """Whether that is ciphertext."""
        return is_sealed(self.message)


@dataclass(slots=True)
class Delivery:
    """Something that came in from another agent."""

    turn: TurnDraft
    at: int | None
    where: Where
    letter: Letter | None = None
    sender: str | None = None
    """Thread or path of the agent whose result this is, told by a tool or a notice of the first multi-agent version."""
    text: str | None = None
    taken: bool = False


@dataclass(slots=True)
class Final:
    """A turn that ended with an answer."""

    turn: TurnDraft
    text: str
    at: int | None
    where: Where


@dataclass(slots=True)
class Traffic:
    """All of that of one thread."""

    thread: ThreadDraft
    spawned: bool = False
    is_cut: bool = False
    """Whether its last line is torn: what came in later may be lost."""
    last_at: int | None = None
    calls: dict[str, AgentCall] = field(default_factory=dict)
    """By call id, in order."""
    deliveries: list[Delivery] = field(default_factory=list)
    finals: list[Final] = field(default_factory=list)
    prompts: list[tuple[str, Where, TurnDraft]] = field(default_factory=list)
    """What its user, or a parent in the user's place, said in the first turn."""


def edge_of(tool: str | None) -> EdgeKind | None:
    """The edge that a call of a tool is."""
    return AGENT_TOOLS.get((tool or "").rpartition(".")[2])


def object_of(text: object) -> Mapping[str, object]:
    """JSON in a text, or an object itself; empty for anything else."""
    if isinstance(text, str) and len(text) < _MOST_TEXT and text.lstrip().startswith("{"):
        try:
            text = orjson.loads(text)
        except ValueError:
            return {}
    return text if isinstance(text, dict) else {}


def results_in(item: Mapping[str, object], tool: str | None) -> Iterator[tuple[str, str | None]]:
    """The results that an item brings in the first multi-agent version: the agent's name or thread, and its answer."""
    if item.get("type") == "message":
        for _, text, _ in parts_of(item.get("content")):
            if text.lstrip()[:24].startswith("<subagent_notification>") and (found := _NOTICE.match(text)):
                told = object_of(found[1])
                sender, status = told.get("agent_path", told.get("agent_id")), told.get("status")
                if isinstance(sender, str) and (done := _answer(status)):
                    yield sender, done[0]
        return
    if (tool or "").rpartition(".")[2] in ("wait", "wait_agent"):
        status = object_of(item.get("output")).get("status")
        for sender, each in status.items() if isinstance(status, dict) else ():
            if done := _answer(each):
                yield sender, done[0]


def _answer(status: object) -> tuple[str | None] | None:
    """The answer in a state of an agent that is done; None for one that is not."""
    if not isinstance(status, dict):
        return None
    for name in ("completed", "errored"):
        if name in status:
            text = status[name]
            return (text if isinstance(text, str) else None,)
    return None


def short(text: str) -> str:
    """As much of a text as is needed to know it again."""
    return text[:_MOST_TEXT]
