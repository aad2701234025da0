"""How long ago the blocks of a prompt were last touched: in blocks (LRU stack distance) and by which call.

A cache that evicts the least recently used block first, whatever its capacity, holds the top of one stack, so one pass
tells what every capacity would hit. A prompt is first read, then touched from its tail to its root: what is nearer to
the root is then always the more recent, and no block is held without those before it.

The stack is never written out. What it holds of one call's prompt are stretches of positions in that prompt, nearly
always its tail, because later calls took over the head; how many blocks lie above it is a sum over the calls since.
Prompts that go on from each other with new blocks (``streaks``) are one, which holds what the last of them holds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple, TypeAlias

from explorer.reuse.calls import Stretch

_Piece: TypeAlias = tuple[int, int, int, int]
"""First id, end, the prompt that touched them last, and the position of the first in it."""

_Space: TypeAlias = tuple[list[int], list[int], list[int], list[int]]
"""Disjoint pieces, sorted, as columns."""


class Touched(NamedTuple):
    """Blocks that follow each other in a prompt and would be hit alike."""

    blocks: int
    first: int
    """The least capacity, in blocks, at which the first of them is hit; blocks before it count as well."""
    last: int
    """That of the last: either each needs one more than the one before it, or all need the same."""
    prompt: int
    """0-based number of the prompt that had touched them, or one before them, the longest time ago."""


Reused: TypeAlias = tuple[int, int, int]
"""Blocks that follow each other in a prompt: the one that had touched them last, the position of the first, and how
many. The prompt itself, where it has them twice."""


class Recency:
    """The stack of one cache, prompt by prompt. Block ids of different namespaces are different blocks."""

    def __init__(self, prompts: int) -> None:
        """``prompts``: how many will be added at most."""
        self.reused: list[Reused] = []
        """The leading blocks of the last prompt that were there, by who had touched each of them last."""
        self.last = 0
        """How many blocks the last prompt holds."""
        self.below = 0
        """How many blocks all others hold: with these, those that were touched so far."""
        self._held: list[list[int]] = []  # by prompt: start, end, start, end … of the positions that it touched last
        self._sums = [0] * (prompts + 1)  # Fenwick tree over all prompts but the last: how many blocks each holds
        self._spaces: dict[str, _Space] = {}

    def since(self, prompt: int) -> int:
        """How many blocks were touched by this prompt or later ones, but not by the last: their part of the stack."""
        return self.below - self._before(prompt) if prompt < len(self._held) - 1 else 0

    def add(self, namespace: str, stretches: list[Stretch]) -> list[Touched]:
        """Read the next prompt, then touch it. The leading blocks that the stack holds are returned."""
        if namespace not in self._spaces:
            self._spaces[namespace] = ([], [], [], [])
        starts, ends, users, places = self._spaces[namespace]
        number = len(self._held)
        prompt = _Prompt(number)
        position = 0
        for first, count in stretches:
            end = first + count
            low = bisect_right(ends, first)
            high = bisect_left(starts, end, low)
            if high == low:
                prompt.leading = False
                starts.insert(low, first)
                ends.insert(low, end)
                users.insert(low, number)
                places.insert(low, position)
            elif high == low + 1 and starts[low] == first and ends[low] <= end and users[low] < number:
                self._touch(prompt, users[low], places[low], ends[low] - first)
                if ends[low] < end:
                    prompt.leading = False
                ends[low], users[low], places[low] = end, number, position
            else:
                old = list(zip(starts[low:high], ends[low:high], users[low:high], places[low:high], strict=True))
                new = self._replace(prompt, old, first, end, position)
                starts[low:high], ends[low:high], users[low:high], places[low:high] = map(list, zip(*new, strict=True))
                position += count
                continue
            prompt.hold(position, position + count)
            position += count
        if self.last:
            self._change(number - 1, self.last)
        self._held.append(prompt.held)
        self.last = sum(prompt.held[1::2]) - sum(prompt.held[::2])
        self.reused = prompt.reused
        return prompt.found

    def grow(self, namespace: str, stretches: list[Stretch]) -> None:
        """Let the last prompt, which has each block once, go on with new ones that it has once, or with none."""
        if not stretches:
            return
        starts, ends, users, places = self._spaces[namespace]
        number, position = len(self._held) - 1, self.last
        for first, count in stretches:
            low = bisect_right(ends, first)
            at = low - 1  # what ends where these begin, in the ids and in the prompt, goes on
            if low and ends[at] == first and users[at] == number and places[at] + first - starts[at] == position:
                ends[at] += count
            else:
                starts.insert(low, first)
                ends.insert(low, first + count)
                users.insert(low, number)
                places.insert(low, position)
            position += count
        self._held[-1] = [0, position]
        self.last = position

    def _replace(self, prompt: _Prompt, old: list[_Piece], first: int, end: int, position: int) -> list[_Piece]:
        """Touch the ids [first, end), of which earlier prompts touched the ``old`` pieces: what stands there then."""
        new: list[_Piece] = []
        current = len(self._held)
        at = piece = first
        for start, stop, user, place in old:
            if start > at:
                prompt.leading, at = False, start
            upto = min(stop, end)
            if user == current:  # twice in this prompt: the place nearer to the root stays
                if piece < at:
                    new.append((piece, at, user, position + piece - first))
                    prompt.hold(position + piece - first, position + at - first)
                new.append((start, stop, user, place))
                prompt.repeat(upto - at)
                piece = stop
            else:
                if start < at:
                    new.append((start, at, user, place))
                if stop > end:
                    new.append((end, stop, user, place + end - start))
                self._touch(prompt, user, place + at - start, upto - at)
            at = upto
        if at < end:
            prompt.leading = False
        if piece < end:
            new.append((piece, end, current, position + piece - first))
            prompt.hold(position + piece - first, position + end - first)
        return sorted(new)

    def _touch(self, prompt: _Prompt, user: int, place: int, blocks: int) -> None:
        """Blocks that an earlier prompt held, from one place in it on, are touched by this one."""
        held = self._held[user]
        rank = at = 0  # rank: how many of the held positions are ahead of the place
        while held[at + 1] <= place:
            rank += held[at + 1] - held[at]
            at += 2
        start, end = held[at], held[at + 1]
        last = user == len(self._held) - 1
        if prompt.leading:
            # What this prompt touched so far lies above them too: it did so before, or they are hit no sooner than it.
            between = 0 if last else self.last + self.below - self._before(user + 1)
            prompt.find(blocks, between + rank + place - start + 1, user)
        prompt.above += blocks
        if last:
            self.last -= blocks
        else:
            self._change(user, -blocks)
        behind = place + blocks
        if start < place:
            held[at : at + 2] = [start, place, behind, end] if behind < end else [start, place]
        elif behind < end:
            held[at] = behind
        else:
            del held[at : at + 2]

    def _before(self, prompt: int) -> int:
        """How many blocks the prompts before this one hold, the last not counted."""
        total, sums = 0, self._sums
        while prompt:
            total += sums[prompt]
            prompt &= prompt - 1
        return total

    def _change(self, prompt: int, blocks: int) -> None:
        self.below += blocks
        sums, size = self._sums, len(self._sums)
        prompt += 1
        while prompt < size:
            sums[prompt] += blocks
            prompt += prompt & -prompt


class _Prompt:
    """What is known of a prompt while it is read from its root on."""

    __slots__ = ("above", "at", "deepest", "found", "held", "leading", "number", "oldest", "reused")

    def __init__(self, number: int) -> None:
        self.number = number
        self.found: list[Touched] = []
        self.reused: list[Reused] = []
        self.at = 0  # leading blocks that were there
        self.held: list[int] = []
        self.above = 0  # blocks of it that were on the stack
        self.deepest = 0
        self.oldest = number
        self.leading = True  # all blocks so far were

    def find(self, blocks: int, distance: int, user: int) -> None:
        """Blocks at this distance, the first of them, below those of this prompt; none is hit before those ahead.

        ``user`` had touched them last.
        """
        self.reused.append((user, self.at, blocks))
        self.at += blocks
        distance += self.above
        self.oldest = min(self.oldest, user)
        if distance <= self.deepest:
            flat = min(self.deepest - distance + 1, blocks)
            self.again(flat)
            distance, blocks = distance + flat, blocks - flat
        if blocks:
            self.deepest = distance + blocks - 1
            if self.found:
                before, first, last, oldest = self.found[-1]
                if oldest == self.oldest and last + 1 == distance and last - first + 1 == before:
                    self.found[-1] = Touched(before + blocks, first, self.deepest, oldest)
                    return
            self.found.append(Touched(blocks, distance, self.deepest, self.oldest))

    def again(self, blocks: int) -> None:
        """Blocks that are hit whenever those ahead of them are."""
        if self.leading and blocks:
            self.found.append(Touched(blocks, self.deepest, self.deepest, self.oldest))

    def repeat(self, blocks: int) -> None:
        """Blocks that this prompt has had already."""
        if self.leading:
            self.again(blocks)
            self.reused.append((self.number, self.at, blocks))
            self.at += blocks

    def hold(self, start: int, end: int) -> None:
        """Positions that this prompt is the last to touch."""
        if self.held and self.held[-1] == start:
            self.held[-1] = end
        else:
            self.held += [start, end]
