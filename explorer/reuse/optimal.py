"""What a cache could hit at best that knows the future: Belady's rule, for every capacity in one pass.

Between two calls a cache of C blocks may hold any C of those that it held and those of the prompt it just served. It
hits most when it holds those that are needed soonest. A prompt needs its blocks from its root on, so of blocks that the
same prompt needs next the one nearer to the root counts as sooner: then no block is held without those before it, and
what is evicted is always a leaf.

What a cache of C blocks holds is in what one of C + 1 holds, so all caches are one list: its first C places are the
cache of C blocks. It is kept as pieces of blocks that the same prompt needs next; blocks that nobody needs any more
leave free places. Where ids are not chained, it is a bound that may be out of reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

from explorer.reuse.recency import Reused

_Piece: TypeAlias = tuple[int, int, int]
"""The prompt that needs these blocks next, the position of the first in it, and how many: sorts soonest first."""

_NOBODY = -1
"""The prompt of free places."""


class Kept(NamedTuple):
    """Blocks that follow each other in a prompt, and the caches that would have kept them for it."""

    position: int
    blocks: int
    first: int
    """The least capacity that hits the first of them; each of the others needs one more, or none does."""
    last: int


def optimal(reused: Sequence[Sequence[Reused]], grown: Sequence[int]) -> Iterator[list[Kept]]:
    """For each prompt in turn, what of it is hit at which capacity when it is first read.

    ``reused`` has for each prompt the leading blocks that were there before (``Recency.reused``). Blocks that a prompt
    has twice are hit by any cache. One that grew was read several times, and what was there each time is needed so soon
    that any cache has it that can hold it: ``grown`` is how many blocks it had before it grew the last time, else 0.
    """
    needed: list[list[_Piece]] = [[] for _ in reused]
    for number, pieces in enumerate(reused):
        for earlier, position, blocks in pieces:
            if earlier != number:
                _put(needed[earlier], number, position, blocks)
    places: list[_Piece] = []
    for number, (pieces, again) in enumerate(zip(reused, grown, strict=True)):
        kept = [Kept(position, blocks, 1, 1) for earlier, position, blocks in pieces if earlier == number]
        if len(places) == 1 and places[0][0] == number:  # as mostly of a lone agent: all of it is hit
            _, position, blocks = places.pop()
            kept.append(Kept(position, blocks, 1, blocks))
        if not places:
            places = needed[number]
        else:
            due = sum([blocks for earlier, _, blocks in pieces if earlier != number])
            if again:
                _serve(places, number, due, [(number, 0, again)], kept)
                _serve(places, number, again, needed[number], [])
            else:
                _serve(places, number, due, needed[number], kept)
        yield kept


def _serve(places: list[_Piece], number: int, due: int, waiting: list[_Piece], kept: list[Kept]) -> None:
    """Hit the ``due`` blocks of a prompt, and let those ``waiting`` that are needed sooner move ahead of others.

    From the first place on, each takes the soonest of those that wait and the one that is there; the other waits on.
    """
    new: list[_Piece] = []
    capacity = seen = 0
    for piece in places:
        if not waiting and not due:
            break
        seen += 1
        user, position, blocks = piece
        if user == number:
            kept.append(Kept(position, blocks, capacity + 1, capacity + blocks))
            due -= blocks
            user = _NOBODY
        _fill(new, (user, position, blocks), waiting)
        capacity += blocks
    while waiting:
        _put(new, *heappop(waiting))
    if seen == len(places):
        while new and new[-1][0] == _NOBODY:
            new.pop()
    places[:seen] = new


def _fill(new: list[_Piece], piece: _Piece, waiting: list[_Piece]) -> None:
    """Decide who gets the places of a piece, or free ones; what has to leave them waits."""
    user, position, blocks = piece
    left = blocks
    while waiting and left and (user == _NOBODY or waiting[0] < piece):
        other, at, count = heappop(waiting)
        taken = min(count, left)
        _put(new, other, at, taken)
        left -= taken
        if taken < count:
            heappush(waiting, (other, at + taken, count - taken))
    if left:
        _put(new, user, position, left)
    if left < blocks and user != _NOBODY:
        heappush(waiting, (user, position + left, blocks - left))


def _put(pieces: list[_Piece], user: int, position: int, blocks: int) -> None:
    """Add a piece, as one with the last where it goes on from it."""
    if pieces:
        last, at, count = pieces[-1]
        if last == user and (user == _NOBODY or at + count == position):
            pieces[-1] = (user, at, count + blocks)
            return
    pieces.append((user, position, blocks))
