"""What is known of the agents of a log beside where their prompts end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from explorer.model import Grade
from explorer.readers._openai._items import Item
from explorer.readers.openai_messages._chains import Chain
from explorer.readers.openai_messages._request import INSTRUCTIONS

_NAME = 40
"""Characters of a name that is the beginning of the instructions."""


class Asked(NamedTuple):
    """A tool that was asked for, until its result is in a prompt."""

    ordinal: int
    step_ordinal: int
    call_id: str | None
    name: str | None
    start_ms: int | None
    offset: int
    length: int
    tasks: tuple[int, ...] = ()
    """Hashes of the texts in its arguments."""


@dataclass(slots=True, eq=False)
class Agent:
    """A chain, and what its requests told."""

    chain: Chain
    grade: Grade
    line: int
    """Of its first request."""
    began: int = 0
    """Messages of its first prompt; 0 where that names an answer and does not repeat what came before."""
    last_line: int = 0
    """Of its last request."""
    failed: bool = False
    """Whether its last request ended in an error."""
    name: str | None = None
    label: str | None = None
    version: str | None = None
    model: str | None = None
    request_model: str | None = None
    parent: Agent | None = None
    spawn: Asked | None = None
    """The call that asked for it."""
    forked: bool = False
    """Whether its prompts branch off those of its parent."""
    last: tuple[int, int] = (0, 0)
    """The place of its last answer."""
    length: int = 0
    """Messages of its last prompt."""
    tokens: int | None = None
    """Of its last prompt."""
    said: int | None = None
    """The hash of the text of its last answer."""
    latest: int | None = None
    """The hash of its last answer's id."""
    cost: float | None = None
    """What its calls cost, in dollars, as far as the log says so."""
    steps: int = 0
    calls: int = 0
    events: int = 0
    doubtful: int = 0
    """Requests that may be another agent's."""
    doubtful_line: int | None = None
    """The first of them."""
    rewritten: int = 0
    """Prompts with another beginning."""
    rewritten_line: int | None = None
    """The first of them."""
    repeated: list[int] = field(default_factory=lambda: [0] * 5)
    """Of lines that stand twice: how many, and their tokens in, from the cache, to the cache, and out."""
    start_ms: int | None = None
    end_ms: int | None = None
    open: dict[str, Asked] = field(default_factory=dict)
    children: dict[str, Agent] = field(default_factory=dict)
    """By the call that asked for them, until its result is there."""

    def introduce(self, name: str | None, items: Sequence[Item], tools: Sequence[object]) -> None:
        """Name it by its first prompt: by what the log calls it, else by its instructions."""
        instructions = [item.text for item in items if item.role in INSTRUCTIONS]
        self.name = name or (short(instructions[0], _NAME) if instructions else None) or "agent"
        asked = list(takewhile(lambda item: item.role != "assistant", items))
        self.label = short(next((item.text for item in reversed(asked) if item.role == "user"), ""))
        if instructions or tools:
            digest = hashlib.blake2b(digest_size=4)
            for text in (*instructions, *map(repr, tools)):
                digest.update(text.encode("utf-8", "replace") + b"\0")
            self.version = digest.hexdigest()

    def reached(self, start: int | None, end: int | None) -> None:
        """Something of it was recorded at this time."""
        for at in (start, end):
            if at is not None:
                self.start_ms = at if self.start_ms is None else min(self.start_ms, at)
                self.end_ms = at if self.end_ms is None else max(self.end_ms, at)


def short(text: str, characters: int = 60) -> str | None:
    """The first words of a text, on one line."""
    words = " ".join(text[: 8 * characters].split())
    return (words if len(words) <= characters else f"{words[: characters - 1].rstrip()}…") or None
