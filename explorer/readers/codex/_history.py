"""The prompt that a thread's history amounts to: what the model was sent is not in a rollout, what it was made of is.

It is the logical prompt: instructions, then the items in their order, begun anew by each compaction. Tools and what
the recorder filters on sending are not in it.
"""

from __future__ import annotations

from copy import copy
from typing import Final

from explorer.readers._prompts import Prompt, PromptParts, Stretch
from explorer.readers.codex._items import fingerprint, kind_of, parts_of

CONTEXT: Final = (
    "<environment_context>", "<user_instructions>", "# AGENTS.md instructions", "<permissions instructions>",
    "<turn_aborted>", "<subagent_notification>", "<user_shell_command>", "<skill>", "<INSTRUCTIONS>",
)  # fmt: skip
"""Beginnings of messages in the user's role that the recorder wrote."""


def asked(item: object) -> str | None:
    """What the user said, if the item is that."""
    if not isinstance(item, dict) or kind_of(item) != "message" or item.get("role") != "user":
        return None
    text = next((text for _, text, _ in parts_of(item.get("content")) if text.strip()), "")
    return None if text.lstrip().startswith(CONTEXT) else text


REBUILT: Final = "of session files: what the history amounts to, without the tools; not what was sent"
"""What must be known of the prompts of a rollout."""


class History:
    """The history of one thread, as it grows."""

    def __init__(self, parts: PromptParts, instructions: str | None) -> None:
        self._begin = Prompt(parts)
        if instructions:
            self._begin.add(fingerprint(instructions))
        self._prompt = self._begin.copy()
        self._turns: list[Prompt] = []  # what stood before each message of the user's
        self._users: list[int] = []

    def add(self, item: object, is_turn: bool = False) -> None:
        """Put an item at the end; ``is_turn`` for a message of the user's, and whatever else begins a turn."""
        part = fingerprint(item)
        if is_turn:
            self._turns.append(self._prompt.copy())
            self._users.append(part)
        self._prompt.add(part)

    def compact(self, replacement: object, summary: object) -> None:
        """Begin anew with what a compaction left: a list of items, or the user's messages and a summary of the rest."""
        users, self._turns, self._users = self._users, [], []
        self._prompt = self._begin.copy()
        if isinstance(replacement, list):
            for item in replacement:
                self.add(item, is_turn=asked(item) is not None)
            return
        for part in users:
            self._prompt.add(part)
        if isinstance(summary, str):
            text = [{"type": "input_text", "text": summary}]
            self.add({"type": "message", "role": "user", "content": text}, is_turn=True)

    def roll_back(self, turns: int) -> None:
        """Take back the last turns of the user's."""
        kept = max(len(self._turns) - turns, 0)
        if turns > 0 and kept < len(self._turns):
            self._prompt = self._turns[kept].copy()
            del self._turns[kept:], self._users[kept:]

    def copy(self) -> History:
        """Another one that begins with all of this one."""
        other = copy(self)
        other._prompt, other._turns, other._users = self._prompt.copy(), self._turns.copy(), self._users.copy()
        return other

    def stretches(self) -> list[Stretch]:
        """The prompt as it is now."""
        return self._prompt.stretches()
