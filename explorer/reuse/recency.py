"""How long ago the blocks of a prompt were last touched: in blocks (LRU stack distance) and by which call.

A cache that evicts the least recently used block first, whatever its capacity, holds the top of one stack, so one pass
tells what every capacity would hit. A prompt is first read, then touched from its tail to its root: what is nearer to
the root is then always the more recent, and no block is held without those before it.

The stack is never written out. What it holds of one call's prompt are stretches of positions in that prompt, nearly
always its tail, because later calls took over the head; how many blocks lie above it is a sum over the calls since.
Calls of which each repeats all of the one before it and goes on are one row: they hold what the last of them holds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from explorer.reuse.calls import Stretch

_Piece: TypeAlias = tuple[int, int, int, int]
"""First id, end, the row of calls that touched them last, and the position of the first in their prompt."""

_Space: TypeAlias = tuple[list[int], list[int], list[int], list[int]]
"""Disjoint pieces, sorted, as columns."""


class Touched(NamedTuple):
    """Blocks that follow each other in a prompt and would be hit alike."""

    blocks: int
    first: int
    """The least capacity, in blocks, at which the first of them is hit; blocks before it count as well."""
    last: int
    """That of the last: either each needs one more than the one before it, or all need the same."""
    call: int
    """0-based number of the call that had touched them, or one before them, the longest time ago."""


Reused: TypeAlias = tuple[int, int, int]
"""Blocks that follow each other in a prompt: the call that had touched them last, the position of the first, and how
many. The call itself, where the prompt has them twice."""


class Recency:
    """The stack of one cache, call by call. Block ids of different namespaces are different blocks."""

    def __init__(self, calls: int) -> None:
        """``calls``: how many will be added at most."""
        self.number = 0
        """Of calls so far."""
        self.reused: list[Reused] = []
        """The leading blocks of the last prompt that were there, by who had touched each of them last."""
        self._held: list[list[int]] = []  # by row: start, end, start, end … of the positions that it touched last
        self._latest: list[int] = []  # by row: its last call
        self._rows: list[int] = []  # by call: its row
        self._sums = [0] * (calls + 1)  # Fenwick tree over all rows but the last: how many blocks each holds
        self._below = 0  # sum of these
        self._last = 0  # how many blocks the last row holds
        self._prompt: tuple[str, list[Stretch], int] = ("", [], 0)  # the last one, and its blocks
        self._spaces: dict[str, _Space] = {}

    @property
    def distinct(self) -> int:
        """How many blocks were touched so far."""
        return self._last + self._below

    def since(self, call: int) -> int:
        """How many blocks were touched by this call or later ones: the working set of that time."""
        row = self._rows[call]
        return self._last if row == self._rows[-1] else self._last + self._below - self._before(row)

    def add(self, namespace: str, stretches: list[Stretch]) -> list[Touched]:
        """Read the prompt of the next call, then touch it. The leading blocks that the stack holds are returned."""
        if namespace not in self._spaces:
            self._spaces[namespace] = ([], [], [], [])
        known = self._last
        if self._go_on(namespace, stretches):
            self.reused = [(self.number - 2, 0, known)]
            return [Touched(known, 1, known, self.number - 2)]
        starts, ends, rows, places = self._spaces[namespace]
        row = len(self._held)
        prompt = _Prompt(self.number)
        position = 0
        for first, count in stretches:
            end = first + count
            low = bisect_right(ends, first)
            high = bisect_left(starts, end, low)
            if high == low:
                prompt.leading = False
                starts.insert(low, first)
                ends.insert(low, end)
                rows.insert(low, row)
                places.insert(low, position)
            elif high == low + 1 and starts[low] == first and ends[low] <= end and rows[low] < row:
                self._touch(prompt, rows[low], places[low], ends[low] - first)
                if ends[low] < end:
                    prompt.leading = False
                ends[low], rows[low], places[low] = end, row, position
            else:
                old = list(zip(starts[low:high], ends[low:high], rows[low:high], places[low:high], strict=True))
                new = self._replace(prompt, old, first, end, position)
                starts[low:high], ends[low:high], rows[low:high], places[low:high] = map(list, zip(*new, strict=True))
                position += count
                continue
            prompt.hold(position, position + count)
            position += count
        if self._last:
            self._change(row - 1, self._last)
        self._held.append(prompt.held)
        self._last = sum(prompt.held[1::2]) - sum(prompt.held[::2])
        self._latest.append(self.number)
        self._rows.append(row)
        self._prompt = namespace, stretches, position
        self.number += 1
        self.reused = prompt.reused
        return prompt.found

    def _go_on(self, namespace: str, stretches: list[Stretch]) -> bool:
        """Take a prompt into the last row, if it is all of the last one, which that row holds whole, and new blocks."""
        of, before, whole = self._prompt
        last = len(before) - 1
        if last < 0 or self._held[-1] != [0, whole] or namespace != of or len(stretches) <= last:
            return False
        (first, count), (start, more) = before[last], stretches[last]
        if start != first or more < count or stretches[:last] != before[:last]:
            return False
        starts, ends, rows, places = self._spaces[namespace]
        low = bisect_right(ends, first + count)
        if low < len(starts) and starts[low] < first + more:
            return False
        further = stretches[last + 1 :]
        if further and not self._are_new([(first + count, more - count), *further], starts, ends):
            return False
        ends[low - 1] = first + more
        position = whole + more - count
        for at, blocks in further:
            low = bisect_right(ends, at)
            starts.insert(low, at)
            ends.insert(low, at + blocks)
            rows.insert(low, len(self._held) - 1)
            places.insert(low, position)
            position += blocks
        self._held[-1] = [0, position]
        self._last = position
        self._latest[-1] = self.number
        self._rows.append(len(self._held) - 1)
        self._prompt = namespace, stretches, position
        self.number += 1
        return True

    @staticmethod
    def _are_new(stretches: list[Stretch], starts: list[int], ends: list[int]) -> bool:
        """Whether stretches overlap neither each other nor the disjoint pieces."""
        if any(a + n > b for (a, n), (b, _) in pairwise(sorted(stretches))):
            return False
        lows = [bisect_right(ends, at) for at, _ in stretches]
        return all(low == len(starts) or starts[low] >= at + n for low, (at, n) in zip(lows, stretches, strict=True))

    def _replace(self, prompt: _Prompt, old: list[_Piece], first: int, end: int, position: int) -> list[_Piece]:
        """Touch the ids [first, end), of which earlier calls touched the ``old`` stretches: what stands there then."""
        new: list[_Piece] = []
        current = len(self._held)
        at = piece = first
        for start, stop, row, place in old:
            if start > at:
                prompt.leading, at = False, start
            upto = min(stop, end)
            if row == current:  # twice in this prompt: the place nearer to the root stays
                if piece < at:
                    new.append((piece, at, row, position + piece - first))
                    prompt.hold(position + piece - first, position + at - first)
                new.append((start, stop, row, place))
                prompt.repeat(self.number, upto - at)
                piece = stop
            else:
                if start < at:
                    new.append((start, at, row, place))
                if stop > end:
                    new.append((end, stop, row, place + end - start))
                self._touch(prompt, row, place + at - start, upto - at)
            at = upto
        if at < end:
            prompt.leading = False
        if piece < end:
            new.append((piece, end, current, position + piece - first))
            prompt.hold(position + piece - first, position + end - first)
        return sorted(new)

    def _touch(self, prompt: _Prompt, row: int, place: int, blocks: int) -> None:
        """Blocks that earlier calls held, from one place in their prompt on, are touched by this one."""
        held = self._held[row]
        rank = at = 0  # rank: how many of the held positions are ahead of the place
        while held[at + 1] <= place:
            rank += held[at + 1] - held[at]
            at += 2
        start, end = held[at], held[at + 1]
        last = row == len(self._held) - 1
        if prompt.leading:
            call = self._latest[row]
            # What this prompt touched so far lies above them too: it did so before, or they are hit no sooner than it.
            between = 0 if last else self._last + self._below - self._before(row + 1)
            prompt.find(blocks, between + rank + place - start + 1, call)
            prompt.reused.append((call, prompt.at, blocks))
            prompt.at += blocks
        prompt.above += blocks
        if last:
            self._last -= blocks
        else:
            self._change(row, -blocks)
        behind = place + blocks
        if start < place:
            held[at : at + 2] = [start, place, behind, end] if behind < end else [start, place]
        elif behind < end:
            held[at] = behind
        else:
            del held[at : at + 2]

    def _before(self, row: int) -> int:
        """How many blocks the rows before this one hold, the last not counted."""
        total, sums = 0, self._sums
        while row:
            total += sums[row]
            row &= row - 1
        return total

    def _change(self, row: int, blocks: int) -> None:
        self._below += blocks
        sums, size = self._sums, len(self._sums)
        row += 1
        while row < size:
            sums[row] += blocks
            row += row & -row


class _Prompt:
    """What is known of a prompt while it is read from its root on."""

    __slots__ = ("above", "at", "deepest", "found", "held", "leading", "oldest", "reused")

    def __init__(self, call: int) -> None:
        self.found: list[Touched] = []
        self.reused: list[Reused] = []
        self.at = 0  # leading blocks that were there
        self.held: list[int] = []
        self.above = 0  # blocks of it that were on the stack
        self.deepest = 0
        self.oldest = call
        self.leading = True  # all blocks so far were

    def find(self, blocks: int, distance: int, call: int) -> None:
        """Blocks at this distance, the first of them, below those of this prompt; none is hit before those ahead."""
        distance += self.above
        self.oldest = min(self.oldest, call)
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

    def repeat(self, call: int, blocks: int) -> None:
        """Blocks that this prompt has had already."""
        if self.leading:
            self.again(blocks)
            self.reused.append((call, self.at, blocks))
            self.at += blocks

    def hold(self, start: int, end: int) -> None:
        """Positions that this prompt is the last to touch."""
        if self.held and self.held[-1] == start:
            self.held[-1] = end
        else:
            self.held += [start, end]
