"""What a model was shown, part by part, with the branches that a conversation has.

Records name the one before them. A user who goes back leaves a branch behind; two processes on one transcript write
two of them at once; a compaction begins anew. Prompts are the parts of the branch that a call stands on, in the order
of writing: of parallel tools the calls and results are in it as they came, though each result hangs on its own call.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from explorer.readers._prompts import PromptParts, Stretch

Part: TypeAlias = tuple[object, ...]
"""Whose it is, and its text, or what else it is."""

Turn: TypeAlias = Literal["back", "again"]
"""The user went back; a branch that had been left goes on, so that two are at work."""

LONGEST_CYCLE = 1_000
"""Records that lead back to the first of them, at most."""


class Orphan(NamedTuple):
    """A record that goes on from one that was not there before it."""

    uuid: str | None
    parent: str
    line: int


class Branch:
    """One line of a conversation."""

    __slots__ = ("_first", "_stretches", "last", "left", "left_by", "said")

    def __init__(self, stretches: Iterable[Stretch] = (), said: int = 0) -> None:
        self._stretches = list(stretches)
        """The blocks of its parts but for the last ones that follow each other, which begin with ``_first``."""
        self._first, count = self._stretches.pop() if self._stretches else (0, 0)
        self.last = self._first + count - 1
        """The block of the latest part; -1 without any."""
        self.said = said
        """Prompts and answers on it."""
        self.left = False
        """Whether the user went back behind its end, and it has not gone on since."""
        self.left_by: str | None = None
        """The record that was said instead, when it was left last."""

    @property
    def stretches(self) -> list[Stretch]:
        """The blocks of its parts."""
        open_ = self.last + 1 - self._first
        return [*self._stretches, (self._first, open_)] if open_ else self._stretches.copy()

    def add(self, block: int) -> None:
        """A part at the end."""
        if block != self.last + 1:
            if open_ := self.last + 1 - self._first:
                self._stretches.append((self._first, open_))
            self._first = block
        self.last = block

    def up_to(self, last: int, said: int) -> Branch:
        """Another branch, that begins with the parts up to this one's block; no part is twice on a branch."""
        kept: list[Stretch] = []
        for first, count in self.stretches if last >= 0 else ():
            if first <= last < first + count:
                return Branch([*kept, (first, last + 1 - first)], said)
            kept.append((first, count))
        return Branch((), said)


class Conversing:
    """The branches of one agent's conversation."""

    __slots__ = ("_parts", "_places", "active", "orphans", "tip")

    def __init__(self, parts: PromptParts) -> None:
        self._parts = parts
        # Of a record: its branch, the last part and what was said by then, and what it says that it goes on from.
        self._places: dict[str, tuple[Branch, int, int, object]] = {}
        self.active = Branch()
        self.tip: str | None = None
        self.orphans: list[Orphan] = []
        """Records whose parent had not been read before them."""

    def begin(self) -> None:
        """A compaction: the prompt begins anew."""
        self.active, self.tip = Branch(), None

    def move(self, uuid: str | None, parent: str, is_prompt: bool, line: int) -> Turn | None:
        """Go to where the next record hangs, which is not the tip."""
        place = self._places.get(parent)
        if place is None:
            if self._places:
                self.orphans.append(Orphan(uuid, parent, line))
            return None
        branch, last, said, _ = place
        if is_prompt and said < branch.said:
            self.active.left, self.active.left_by = True, uuid
            self.active = branch.up_to(last, said)
            return "back"
        if branch is not self.active:
            again, branch.left, self.active = branch.left, False, branch
            return "again" if again else None
        return None

    def add(self, part: Part) -> None:
        """Put a part at the end of the prompt."""
        branch = self.active
        last = branch.last
        block = self._parts.number(last, part)
        if block == last + 1:
            branch.last = block
        else:
            branch.add(block)

    def note(self, uuid: str, parent: object, says: bool) -> None:
        """A record that is at the end now; ``says`` for a prompt or an answer."""
        branch = self.active
        branch.said += says
        self._places[uuid] = branch, branch.last, branch.said, parent
        self.tip = uuid

    def doubt(self, orphan: Orphan) -> Literal["missing", "cycle"] | None:
        """What is wrong with a record whose parent was not there; None when it only came late."""
        if orphan.parent not in self._places:
            return "missing"
        here: object = orphan.parent
        for _ in range(LONGEST_CYCLE):
            if here == orphan.uuid:
                return "cycle"
            place = self._places.get(here) if type(here) is str else None
            if place is None:
                return None
            here = place[3]
        return None

    def prompt(self) -> list[Stretch]:
        """What a call now is shown."""
        return self.active.stretches
