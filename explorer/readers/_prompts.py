"""Prompts without block ids: their parts become the blocks, numbered by first appearance.

A part is the same block as another when it is the same text behind the same parts, as in a prefix cache. Numbers that
follow each other by first appearance make a prompt that goes on from an earlier one a few stretches, however long.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias

Stretch: TypeAlias = tuple[int, int]
"""First block and how many follow each other from it."""


class PromptParts:
    """The numbering of one namespace."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}  # by the hash of a part and of the block before it

    def __len__(self) -> int:
        """How many blocks there are; the next new one gets this number."""
        return len(self._numbers)

    def stretches(self, parts: Iterable[Hashable]) -> list[Stretch]:
        """A whole prompt."""
        prompt = Prompt(self)
        for part in parts:
            prompt.add(part)
        return prompt.stretches()

    def number(self, behind: int, part: Hashable) -> int:
        """The block of a part that stands behind another block, -1 for the first.

        Parts are told apart by Python's own hash: 64 bits, keyed anew in each process, and several times faster than
        a digest. The numbers do not depend on its values.
        """
        return self._numbers.setdefault(hash((behind, hash(part))), len(self._numbers))

    def take_over(self, other: MovableParts) -> Renumbering:
        """Number the parts of another numbering behind those there are, as if they had appeared here in that order."""
        found: list[int] = []
        for behind, part in other.pairs:
            key = hash((found[behind] if behind >= 0 else behind, part))
            found.append(self._numbers.setdefault(key, len(self._numbers)))
        return Renumbering(found)


class MovableParts(PromptParts):
    """A numbering that another one may take over."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[int, int]] = []
        """Of every block the one before it, -1 for none, and the hash of its part."""

    def number(self, behind: int, part: Hashable) -> int:
        """The block of a part that stands behind another block, -1 for the first."""
        found, known = super().number(behind, part), len(self.pairs)
        if found == known:
            self.pairs.append((behind, hash(part)))
        return found


_FIRST_ROOM, _MOST_ROOM = 8, 256
"""Blocks that follow each other where a prompt leaves the others, and once it has grown long."""


class GrowingParts(PromptParts):
    """The numbering of a namespace whose prompts grow side by side, in any number and turn about.

    Numbered by first appearance alone, each would be a stretch for every turn. So there is room for what comes behind
    the end of a prompt, twice as much whenever it is used up: a prompt is a handful of stretches, and there are gaps.
    """

    def __init__(self) -> None:
        super().__init__()
        self._room: dict[int, tuple[int, int]] = {}  # behind the end of a stretch: how much is left, and of how much
        self._next = 0

    def __len__(self) -> int:
        """The lowest number above all that there are or have room."""
        return self._next

    def number(self, behind: int, part: Hashable) -> int:
        """The block of a part that stands behind another block, -1 for the first."""
        key = hash((behind, hash(part)))
        found = self._numbers.get(key)
        if found is None:
            left, size = self._room.pop(behind, (0, _FIRST_ROOM // 2))
            if left:
                found = behind + 1
            else:
                left = size = min(2 * size, _MOST_ROOM)
                found = self._next
                self._next += size
            self._room[found] = left - 1, size
            self._numbers[key] = found
        return found


class Renumbering:
    """What the blocks of one numbering are in another."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers
        """By block."""
        self._ends = [at for at in range(1, len(numbers)) if numbers[at] != numbers[at - 1] + 1] + [len(numbers)]
        """Where blocks that follow each other do so no more."""

    def stretches(self, prompt: Iterable[Stretch]) -> list[Stretch]:
        """A prompt in the other numbering."""
        found: list[Stretch] = []
        last = -2
        for first, count in prompt:
            stop = first + count
            while first < stop:
                end = min(stop, self._ends[bisect_right(self._ends, first)])
                number, length = self._numbers[first], end - first
                if number == last + 1:
                    found[-1] = found[-1][0], found[-1][1] + length
                else:
                    found.append((number, length))
                last, first = number + length - 1, end
        return found


class Prompt:
    """A prompt that grows, from nothing or from another one."""

    def __init__(self, parts: PromptParts, base: Sequence[Stretch] = ()) -> None:
        self._parts = parts
        self._stretches = [*base]
        self._last = sum(base[-1]) - 1 if base else -1

    @property
    def last(self) -> int:
        """The block at its end, which stands for all of it; -1 of an empty one."""
        return self._last

    def add(self, part: Hashable) -> None:
        """Put a part at the end."""
        number = self._parts.number(self._last, part)
        if self._stretches and number == self._last + 1:
            first, count = self._stretches[-1]
            self._stretches[-1] = first, count + 1
        else:
            self._stretches.append((number, 1))
        self._last = number

    def copy(self) -> Prompt:
        """Another one that begins with all of this one."""
        other = Prompt(self._parts)
        other._stretches, other._last = self._stretches.copy(), self._last
        return other

    def stretches(self) -> list[Stretch]:
        """The prompt as it is now."""
        return self._stretches.copy()
