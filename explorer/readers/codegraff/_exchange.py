"""Among what fits several runs, put results where their calls are.

What is ambiguous was given to its runs row by row, so a call may have come to one run and its result to another. Either
would be shown as a call of its own, and a sum over the runs would count one too many.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product

from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._events import CALL, END, RESULT, START, Event, whole

_LONGEST = 8
"""Numbers in a row that are exchanged at once."""

_MOST_TRIES = 4_000
"""Exchanges that are tried among the runs of one collision."""


def exchange(chains: Sequence[Chain]) -> None:
    """Exchange ambiguous events between runs that they fit, as long as less is odd about them then."""
    tries = _MOST_TRIES
    waiting = [(chain, event) for chain in chains if chain.candidates for event in _odd(chain.events)]
    while waiting and tries:
        chain, event = waiting.pop()
        if event.row not in chain.candidates:
            continue
        for here, other in product(_sets(chain.events, event), chain.candidates[event.row][1:]):
            tries -= 1
            if _try(chain, other, here):
                waiting += [(each, odd) for each in (chain, other) for odd in _odd(each.events)]
                break
            if not tries:
                break
    _reunite(chains)


def _reunite(chains: Sequence[Chain]) -> None:
    """Let results that are still alone change runs until calls of their id that are have one, whatever the numbers.

    Which call got which result is in doubt as before; but apart they would be shown as two calls where there was one.
    """
    if not any(chain.candidates for chain in chains):
        return
    alone = [(event, chain) for chain in chains for event in _alone(chain.events)]
    calls = [each for each in alone if each[0].kind == CALL]
    results = sorted((each for each in alone if each[0].kind == RESULT), key=lambda each: each[0].seq)
    for reunite in (_hand, _pass_on):
        tries = iter(range(_MOST_TRIES))
        for result, there in list(results):
            for call, here in [each for each in calls if each[0].call_id == result.call_id]:
                if next(tries, None) is not None and reunite(result, there, call, here, chains, tries):
                    calls.remove((call, here))
                    results.remove((result, there))
                    break


def _hand(result: Event, there: Chain, call: Event, here: Chain, chains: Sequence[Chain], tries: Iterator[int]) -> bool:
    """Put a result to a call, or the call to it: whichever is in doubt."""
    if not _answers(result, call):
        return False
    if result.row in there.candidates:
        _move(there, here, result)
    elif call.row in here.candidates:
        _move(here, there, call)
    else:
        return False
    return True


def _answers(result: Event, call: Event) -> bool:
    """Whether a result was counted and written behind a call."""
    return call.seq < result.seq and call.row < result.row


def _pass_on(
    result: Event, there: Chain, call: Event, here: Chain, chains: Sequence[Chain], tries: Iterator[int]
) -> bool:
    """Put a result that came before the call in the place of another, that in the place of a third, until one fits."""
    waiting = deque([[(result, there)]])
    seen = {result.row}
    while waiting:
        path = waiting.popleft()
        last, of = path[-1]
        if last.row not in of.candidates:
            continue
        if _answers(last, call):
            for (event, before), (_, behind) in reversed(list(pairwise([*path, (call, here)]))):
                _move(before, behind, event)
            return True
        for middle in chains:
            passed = any(middle is chain for _, chain in path)
            for other in () if passed else middle.events:
                if other.kind == RESULT and other.call_id == result.call_id and other.row not in seen:
                    taken = _with(middle.events, (last,), (other,))
                    if next(tries, None) is not None and _number_alone(taken) <= _number_alone(middle.events):
                        seen.add(other.row)
                        waiting.append([*path, (other, middle)])
    return False


def _number_alone(events: Iterable[Event]) -> int:
    return sum(1 for _ in _alone(events))


def _move(chain: Chain, to: Chain, event: Event) -> None:
    if chain is not to:
        chain.events, to.events = _with(chain.events, (), (event,)), _with(to.events, (event,), ())
        _hand_over(chain, to, event)


def _sets(events: Sequence[Event], event: Event) -> Iterator[list[Event]]:
    """What may go with an event: nothing, its call or result, or what stands around it."""
    yield [event]
    same = [each for each in events if each.call_id == event.call_id and each.kind in (CALL, RESULT)]
    for call, result in pairwise(same):
        if event in (call, result) and (call.kind, result.kind) == (CALL, RESULT):
            yield [call, result]
    for length in range(1, _LONGEST):
        yield [each for each in events if event.seq - length <= each.seq <= event.seq]
        yield [each for each in events if event.seq <= each.seq <= event.seq + length]


def _odd(events: Sequence[Event]) -> Iterator[Event]:
    """What a run cannot have written like this: several of one number, calls and results that are alone."""
    for before, event in pairwise(events):
        if before.seq == event.seq:
            yield before
            yield event
    yield from _alone(events)


def _alone(events: Iterable[Event]) -> Iterator[Event]:
    """Calls without a result, and results without a call."""
    open_: dict[str | None, list[Event]] = {}
    for event in events:
        if event.kind == CALL:
            open_.setdefault(event.call_id, []).append(event)
        elif event.kind == RESULT:
            calls = open_.get(event.call_id)
            if calls:
                calls.pop()
            else:
                yield event
    for calls in open_.values():
        yield from calls


def _try(chain: Chain, other: Chain, here: Sequence[Event]) -> bool:
    """Exchange events of a run for what another has at their numbers, or move them to it, if that is better."""
    if not all(_is_movable(chain, other, event) for event in here):
        return False
    seqs = {event.seq for event in here}
    there = [event for event in other.events if event.seq in seqs]
    before = _cost(chain, chain.events) + _cost(other, other.events)
    for back in [there, []] if there and all(_is_movable(other, chain, event) for event in there) else [[]]:
        here_after, there_after = _with(chain.events, back, here), _with(other.events, here, back)
        if not _in_order(here_after) or not _in_order(there_after):
            continue
        if _cost(chain, here_after) + _cost(other, there_after) < before:
            chain.events, other.events = here_after, there_after
            for event in here:
                _hand_over(chain, other, event)
            for event in back:
                _hand_over(other, chain, event)
            return True
    return False


def _is_movable(chain: Chain, to: Chain, event: Event) -> bool:
    return event.kind not in (START, END) and any(to is each for each in chain.candidates.get(event.row, ()))


def _with(events: Sequence[Event], new: Sequence[Event], old: Sequence[Event]) -> list[Event]:
    """The events with others in the place of some."""
    rows = {event.row for event in old}
    kept = [event for event in events if event.row not in rows]
    return sorted([*kept, *new], key=lambda event: (event.seq, event.row))


def _in_order(events: Sequence[Event]) -> bool:
    """Whether a recorder may have written these: as it counts, from its start to its end."""
    rows = [event.row for event in events]
    kinds = [event.kind for event in events]
    return rows == sorted(rows) and START not in kinds[1:] and END not in kinds[:-1]


def _cost(chain: Chain, events: Sequence[Event]) -> int:
    """How odd a run is: calls and results alone, numbers twice or missing, more or fewer calls than its end counts."""
    calls = sum(event.kind == CALL for event in events)
    counted = whole(chain.end.payload, "tool_calls") if chain.end else None
    seqs = {event.seq for event in events}
    twice = len(events) - len(seqs)
    missing = max(seqs) - min(seqs) + 1 - len(seqs) if seqs else 0
    return 3 * _number_alone(events) + twice + missing + (abs(calls - counted) if counted is not None else 0)


def _hand_over(chain: Chain, to: Chain, event: Event) -> None:
    among = chain.candidates.pop(event.row)
    chain.grades.pop(event.row)
    to.grades[event.row] = "ambiguous"
    to.candidates[event.row] = [to, *(each for each in among if each is not to)]
