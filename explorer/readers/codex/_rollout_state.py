"""What is known of a thread while its file is read."""

from __future__ import annotations

from explorer.readers._prompts import PromptParts
from explorer.readers.codex._draft import ThreadDraft, TurnDraft
from explorer.readers.codex._history import REBUILT, History
from explorer.readers.codex._rollout_head import Head
from explorer.readers.codex._rollout_notes import Notes
from explorer.readers.codex._rollout_tokens import Tokens
from explorer.readers.codex._rollout_tools import Tools
from explorer.readers.codex._rollout_turns import Turns
from explorer.readers.codex._traffic import Traffic


class State:
    """Of one file."""

    def __init__(self, source_id: str, head: Head, parts: PromptParts, before: History | None) -> None:
        self.head = head
        self.draft = ThreadDraft(
            head.thread_id, source_id, parent_thread_id=head.parent_thread_id, session_id=head.session_id,
            forked_from_id=head.forked_from_id, path=head.path, nickname=head.nickname, role=head.role, cwd=head.cwd,
            start=head.start, extra={**head.extra, "prompts": REBUILT},
        )  # fmt: skip
        self.notes = Notes(source_id, head.thread_id)
        self.traffic = Traffic(self.draft, head.spawned)
        self.history = before.copy() if before else History(parts, head.instructions)
        self.turns = Turns(self.draft, head.provider, self.history.stretches)
        self.tools = Tools()
        self.tokens = Tokens(self.notes, self.turns, head.thread_id)
        self.ordinal = 0
        """Of the line that is read."""
        self.turn_ids: set[str] = set()
        """Every turn that begins in the file, copied ones too."""
        self.began: dict[int, int] = {}
        """Ordinal at which each turn began, by the turn's identity."""
        self.triggered = False
        """Whether the agent message that comes next begins a turn."""

    def begin(self, turn_id: str | None, at: int | None, started: bool = True) -> TurnDraft:
        """A turn begins."""
        if turn_id is not None:
            self.turn_ids.add(turn_id)
        turn = self.turns.begin(turn_id, at, started)
        self.began[id(turn)] = self.ordinal
        return turn

    def set(self, **settings: object) -> None:
        """Settings that are in force from here on."""
        self.turns.settings |= {name: value for name, value in settings.items() if isinstance(value, str)}
