"""Tell the runs apart that wrote under one (conversation, agent).

A recorder counts ``seq`` up by one from the highest there was when it started, and writes in order. So runs that follow
each other never repeat a ``seq``, and runs that were at work together do: as many of them were there as a ``seq`` has
rows. Which row is whose then follows, as far as it does, from what only one of them can have written:

1. a call whose id stands in one conversation's messages alone is that conversation's run;
2. a result belongs to the run of its call;
3. what stands at ``seq`` + 1 goes on from what stands at ``seq``, where only one can (a start begins, an end ends);
4. an end counts the run's calls, so it tells where the run began: ``end - start = 1 + 2 * tool_calls + errors``,
   and its ``wall_ms`` tells when.

What is left fits several runs, is given to one of them, and says so. Nothing is ``exact`` that rests on 3 or 4 among
runs at work together: a row that the recorder failed to insert would make them wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import le

from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._events import END, START, Event
from explorer.readers.codegraff._knot import Knot


def separate(events: Sequence[Event], labels: Mapping[int, str]) -> list[Chain]:
    """The runs among events in the order of writing, by their first event.

    ``labels`` names, by row, the conversation whose messages alone hold a call's id.
    """
    if not events:
        return []
    seqs = [event.seq for event in events]
    if any(map(le, seqs[1:], seqs)):
        return Knot(events, labels).chains()
    if seqs[-1] - seqs[0] == len(seqs) - 1 and events[0].kind == START and events[-1].kind == END:
        kinds = [event.kind for event in events]
        if kinds.count(START) == kinds.count(END) == 1:
            whole_run = Chain(list(events), events[0], events[-1], next(iter(labels.values()), None))
            if whole_run.adds_up():
                return [whole_run]
    chains = list(_in_turn(events, labels))
    for chain in chains:
        if not chain.adds_up():
            chain.grade = "derived"
            chain.grades = {event.row: "derived" for event in chain.events}
    return chains


def _in_turn(events: Iterable[Event], labels: Mapping[int, str]) -> Iterator[Chain]:
    """Runs that follow each other: nobody repeats a number."""
    chain: Chain | None = None
    last = 0
    for event in events:
        label = labels.get(event.row)
        if (
            chain is None
            or event.kind == START
            or chain.end is not None
            or (chain.start is None and label is not None and chain.label is not None and label != chain.label)
        ):
            if chain is not None:
                yield chain
            gap = chain is not None and event.kind != START and event.seq != last + 1
            chain = Chain(start=event if event.kind == START else None, gaps=[(last, event.seq)] if gap else [])
        elif event.seq != last + 1:
            chain.gaps.append((last, event.seq))
        if chain.gaps and event.kind != START:
            # A lost row may have been the start of another run.
            chain.grades[event.row] = chain.grade = chain.start_grade = "derived"
        chain.events.append(event)
        chain.label = chain.label or label
        if event.kind == END:
            chain.end = event
        last = event.seq
    if chain is not None:
        yield chain
