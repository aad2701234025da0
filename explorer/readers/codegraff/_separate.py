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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from explorer.model import Grade
from explorer.readers.codegraff._events import ANONYMOUS, CALL, END, RESULT, START, Event, whole

CLOCK_MS = 50
"""How far apart two clock readings of one moment may be."""


@dataclass(slots=True, eq=False)
class Chain:
    """The events of one run, in the order of ``seq``."""

    events: list[Event] = field(default_factory=list)
    start: Event | None = None
    end: Event | None = None
    label: str | None = None
    """The conversation whose messages hold its calls."""
    grade: Grade = "exact"
    """How sure it is that the end, and with it the sums, is that of these events."""
    start_grade: Grade = "exact"
    """How sure it is that the start is; those of siblings that started together are alike but for the time."""
    grades: dict[int, Grade] = field(default_factory=dict)
    """Row -> how sure it is that the event is of this run; ``exact`` if it is not there."""
    candidates: dict[int, list[Chain]] = field(default_factory=dict)
    """Row of an ambiguous event -> all chains it may be of, this one first."""
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """Numbers that are missing: the ``seq`` before and the one behind."""
    together: int = 1
    """Most of the runs that were at work with this one under the same key, itself included."""


def separate(events: Sequence[Event], labels: Mapping[int, str]) -> list[Chain]:
    """The runs among events in the order of writing, by their first event.

    ``labels`` names, by row, the conversation whose messages alone hold a call's id.
    """
    if any(after.seq <= before.seq for before, after in pairwise(events)):
        return _Knot(events, labels).chains()
    chains = list(_in_turn(events, labels))
    for chain in chains:
        if not _adds_up(chain):
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


def _adds_up(chain: Chain) -> bool:
    """Whether the run wrote as many calls, results and errors as its end counts; an open run has no count."""
    if chain.end is None or chain.start is None or (calls := whole(chain.end.payload, "tool_calls")) is None:
        return True
    kinds = [event.kind for event in chain.events]
    return kinds.count(CALL) == kinds.count(RESULT) == calls and chain.events[0] is chain.start


class _Part:
    """Events that are certainly of one run."""

    __slots__ = ("at", "end", "label", "labelled", "start")

    def __init__(self, event: Event, label: str | None) -> None:
        self.at = {event.seq: event}
        self.start = event if event.kind == START else None
        self.end = event if event.kind == END else None
        self.label = label
        self.labelled = {event.row} if label else set()

    @property
    def first(self) -> int:
        return min(self.at)

    @property
    def last(self) -> int:
        return max(self.at)

    def fits(self, other: _Part, errors: Sequence[int]) -> bool:
        """Whether both may be of one run."""
        if (self.start and other.start) or (self.end and other.end):
            return False
        if self.label and other.label and self.label != other.label:
            return False
        if not self.at.keys().isdisjoint(other.at):
            return False
        start, end = self.start or other.start, self.end or other.end
        if start and min(self.first, other.first) < start.seq:
            return False
        if end and max(self.last, other.last) > end.seq:
            return False
        if end and not _counts_fit(start, end, self, other, errors):
            return False
        return self._in_order(other)

    def _in_order(self, other: _Part) -> bool:
        """A recorder writes in the order in which it counts."""
        if self.last < other.first:
            return self.at[self.last].row < other.at[other.first].row
        if other.last < self.first:
            return other.at[other.last].row < self.at[self.first].row
        rows = [event.row for _, event in sorted((self.at | other.at).items())]
        return rows == sorted(rows)

    def take(self, other: _Part) -> None:
        self.at |= other.at
        self.start, self.end = self.start or other.start, self.end or other.end
        self.label = self.label or other.label
        self.labelled |= other.labelled


def _counts_fit(start: Event | None, end: Event, one: _Part, other: _Part, errors: Sequence[int]) -> bool:
    """Whether what an end says of its run holds for two parts of it together."""
    calls, failed, wall = (whole(end.payload, name) for name in ("tool_calls", "tool_errors", "wall_ms"))
    events = [event for part in (one, other) for event in part.at.values()]
    if calls is not None:
        if sum(event.kind == CALL for event in events) > calls:
            return False
        if start is not None:
            between = end.seq - start.seq - 1 - 2 * calls
            if not 0 <= between <= sum(start.seq < seq < end.seq for seq in errors):
                return False
    if failed is not None and sum(event.kind == RESULT and event.is_error for event in events) > failed:
        return False
    if wall is not None and end.ts:
        began = end.ts - wall
        for event in events:
            if event.ts and (event.ts > began + CLOCK_MS if event.kind == START else event.ts < began - CLOCK_MS):
                return False
    return True


class _Knot:
    """Runs that were at work together."""

    def __init__(self, events: Sequence[Event], labels: Mapping[int, str]) -> None:
        self.events = events
        self.levels: dict[int, list[Event]] = {}
        for event in events:
            self.levels.setdefault(event.seq, []).append(event)
        self.errors = sorted(event.seq for event in events if event.kind not in (START, END, CALL, RESULT))
        labels = self._of_one_run(labels)
        self.parts = {event.row: _Part(event, labels.get(event.row)) for event in events}
        self.together = max(map(len, self.levels.values()))

    def _of_one_run(self, labels: Mapping[int, str]) -> dict[int, str]:
        """The labels without those under which several runs wrote at once, as tasks of one ``session_id`` do."""
        seen: set[tuple[str, int]] = set()
        several: set[str] = set()
        for event in self.events:
            label = labels.get(event.row)
            if label is not None:
                several.update({label} if (label, event.seq) in seen else ())
                seen.add((label, event.seq))
        rows = {event.row for event in self.events}
        return {row: label for row, label in labels.items() if row in rows and label not in several}

    def chains(self) -> list[Chain]:
        """All of them, by their first event."""
        certain = self._certain()
        self._join_calls()
        self._join_labels()
        while self._join_neighbours():
            pass
        parts = list({id(part): part for part in self.parts.values()}.values())
        chains = _Assembly(parts, self.levels, self.errors).chains()
        for chain in chains:
            chain.together = self.together
            sure = chain.start is not None and chain.grades.get(chain.start.row) != "ambiguous"
            if sure and chain.start and chain.start.row in certain and _adds_up(chain):
                for row in certain & chain.grades.keys():
                    del chain.grades[row]
                    chain.candidates.pop(row, None)
        return sorted(chains, key=lambda chain: chain.events[0].row)

    def _certain(self) -> set[int]:
        """The rows of the first run as long as it was alone."""
        rows: set[int] = set()
        if self.events[0].kind != START:
            return rows
        last = self.events[0].seq - 1
        lowest = min(self.levels)
        for event in self.events:
            if event.seq != last + 1 or len(self.levels[event.seq]) > 1 or lowest < self.events[0].seq:
                break
            if rows and event.kind == START:
                break
            rows.add(event.row)
            last = event.seq
        return rows

    def _join(self, one: Event, other: Event) -> bool:
        here, there = self.parts[one.row], self.parts[other.row]
        if here is there or not here.fits(there, self.errors):
            return False
        if len(here.at) < len(there.at):
            here, there = there, here
        here.take(there)
        for event in there.at.values():
            self.parts[event.row] = here
        return True

    def _join_calls(self) -> None:
        """A result and its call, where the id stands for one call."""
        calls: dict[str, list[Event]] = {}
        results: dict[str, list[Event]] = {}
        for event in self.events:
            if event.call_id and not event.call_id.startswith(ANONYMOUS):
                (calls if event.kind == CALL else results).setdefault(event.call_id, []).append(event)
        for call_id, asked in calls.items():
            answered = results.get(call_id, [])
            if len(asked) == len(answered) == 1 and asked[0].row < answered[0].row:
                self._join(asked[0], answered[0])

    def _join_labels(self) -> None:
        """What stands in one conversation, unless a run ended and another began in between."""
        of: dict[str, list[Event]] = {}
        for event in self.events:
            label = self.parts[event.row].label
            if label is not None:
                of.setdefault(label, []).append(event)
        for events in of.values():
            events.sort(key=lambda event: event.seq)
            for before, after in pairwise(events):
                between = [event.kind for seq in range(before.seq + 1, after.seq) for event in self.levels.get(seq, ())]
                if not (END in between and START in between):
                    self._join(before, after)

    def _join_neighbours(self) -> bool:
        """What goes on from what, where only one thing can; whether anything was found."""
        found = False
        for seq in sorted(self.levels):
            below, above = self.levels[seq], self.levels.get(seq + 1, [])
            open_ = [event for event in below if event.kind != END and seq + 1 not in self.parts[event.row].at]
            new = [event for event in above if event.kind != START and seq not in self.parts[event.row].at]
            fitting = {event.row: [e for e in open_ if self._goes_on(e, event)] for event in new}
            for event in new:
                if len(fitting[event.row]) == 1:
                    found |= self._join(fitting[event.row][0], event)
            if len(open_) == len(new):
                for event in open_:
                    followers = [e for e in new if event in fitting[e.row]]
                    if len(followers) == 1:
                        found |= self._join(event, followers[0])
        return found

    def _goes_on(self, before: Event, after: Event) -> bool:
        return follows(before, after) and self.parts[before.row].fits(self.parts[after.row], self.errors)


def follows(before: Event, after: Event) -> bool:
    """Whether a recorder may have written one right behind the other."""
    if before.row > after.row or before.kind == END or after.kind == START:
        return False
    if after.kind == RESULT:
        # Calls of one batch are all written first, then their results.
        return before.kind in (CALL, RESULT) and (before.name == after.name or before.call_id == after.call_id)
    if after.kind == CALL and before.kind == CALL:
        return before.name == after.name
    return True


class _Assembly:
    """Chains from parts: what is not certain is given to the run it fits best."""

    def __init__(self, parts: list[_Part], levels: Mapping[int, list[Event]], errors: Sequence[int]) -> None:
        self.parts = sorted(parts, key=lambda part: (part.first, -len(part.at), part.at[part.first].row))
        self.levels = levels
        self.errors = errors
        self.cores = self._anchors()
        """What is certain of each chain."""
        self.taken = [dict(core.at) for core in self.cores]
        """What each chain has, by number, with what was given to it."""
        self.given: dict[int, list[tuple[_Part, list[int]]]] = {}
        """Index of a chain -> the parts that were given to it, with the indices of all chains they fit."""

    def _anchors(self) -> list[_Part]:
        """Parts that are certainly of different runs: the starts, or what is better known of the same runs.

        Siblings that started together have starts that are alike, and more may be certain of what they did later.
        """
        heads = [part for part in self.parts if part.start]
        alike: dict[int, list[_Part]] = {}
        for head in heads:
            alike.setdefault(head.first, []).append(head)
        for group in alike.values():
            if len(group) > 1 and (better := self._better(group, heads)):
                heads = [head for head in heads if not any(head is each for each in group)] + better
        return heads or self._at_most()

    def _better(self, group: list[_Part], heads: list[_Part]) -> list[_Part] | None:
        """Parts at one number that are the further way of just these starts, if more is certain of them."""
        others = [head for head in heads if not any(head is each for each in group)]
        best, most = None, sum(len(head.at) for head in group)
        at: dict[int, list[_Part]] = {}
        for part in self.parts:
            if not part.start and not any(other.fits(part, self.errors) for other in others):
                for seq in part.at:
                    at.setdefault(seq, []).append(part)
        for parts in at.values():
            certain = sum(len(part.at) for part in parts)
            if len(parts) == len(group) and certain > most:
                options = [[i for i, head in enumerate(group) if head.fits(part, self.errors)] for part in parts]
                if len(match(options)) == len(group):
                    best, most = parts, certain
        return best

    def _at_most(self) -> list[_Part]:
        """Without any start: the parts at the number that most runs have written."""
        most = max(map(len, self.levels.values()))
        seq = next(seq for seq, events in self.levels.items() if len(events) == most)
        return [part for part in self.parts if seq in part.at]

    def chains(self) -> list[Chain]:
        """All of them."""
        rest = [part for part in self.parts if not any(part is core for core in self.cores)]
        self._give_edges([part for part in rest if part.start], _began)
        self._give_edges([part for part in rest if part.end and not part.start], _began)
        bodies = [part for part in rest if not part.start and not part.end]
        self._give([part for part in bodies if part.label])
        self._give([part for part in bodies if not part.label])
        chains = [Chain() for _ in self.cores]
        for index, chain in enumerate(chains):
            self._fill(chain, index, chains)
        return chains

    def _give_edges(self, edges: list[_Part], began: Callable[[_Part], int]) -> None:
        """Give starts, or ends, to the chains that have none; what fits nowhere is a run of its own."""
        options = [[i for i in range(len(self.cores)) if self._fits(i, edge)] for edge in edges]
        ranked = [
            sorted((i for i in fitting if self._is_free(i, edge)), key=lambda i: abs(self._began(i) - began(edge)))
            for edge, fitting in zip(edges, options, strict=True)
        ]
        matched = match(ranked)
        for number, edge in enumerate(edges):
            if number in matched:
                self._add(matched[number], edge, options[number])
            else:
                self.cores.append(edge)
                self.taken.append(dict(edge.at))

    def _began(self, index: int) -> int:
        return min(_began(self.cores[index]), *(_began(part) for part, _ in self.given.get(index, ())), 1 << 62)

    def _add(self, index: int, part: _Part, fitting: list[int]) -> None:
        self.taken[index] |= part.at
        self.given.setdefault(index, []).append((part, fitting if len(fitting) > 1 else [index]))

    def _give(self, bodies: list[_Part]) -> None:
        """Give bodies to chains, those that begin at the same number together."""
        waiting: dict[int, list[_Part]] = {}
        for body in bodies:
            waiting.setdefault(body.first, []).append(body)
        for seq in sorted(waiting):
            group = waiting[seq]
            options = [[i for i in range(len(self.cores)) if self._fits(i, body)] for body in group]
            free = [sorted((i for i in fitting if self._is_free(i, body)), key=lambda i: self._reach(i, body))
                    for body, fitting in zip(group, options, strict=True)]  # fmt: skip
            matched = match(free)
            for number, body in enumerate(group):
                if number in matched:
                    index = matched[number]
                elif options[number] and self._covering(seq) >= len(self.levels[seq]):
                    index = min(options[number], key=lambda i: self._reach(i, body))
                else:
                    self.cores.append(body)
                    self.taken.append(dict(body.at))
                    continue
                self._add(index, body, options[number])

    def _fits(self, index: int, body: _Part) -> bool:
        core = self.cores[index]
        if not core.fits(body, self.errors):
            return False
        return all(part.fits(body, self.errors) for part, fitting in self.given.get(index, ()) if len(fitting) == 1)

    def _is_free(self, index: int, body: _Part) -> bool:
        """Whether no number of the body is taken, and it is in order with what the chain has."""
        taken = self.taken[index]
        if not taken.keys().isdisjoint(body.at):
            return False
        first, last = body.first, body.last
        before = max((seq for seq in taken if seq < first), default=None)
        after = min((seq for seq in taken if seq > last), default=None)
        return (before is None or (taken[before].row < body.at[first].row and taken[before].kind != END)) and (
            after is None or (body.at[last].row < taken[after].row and taken[after].kind != START)
        )

    def _reach(self, index: int, body: _Part) -> tuple[int, int]:
        """How far the chain's nearest event before the body is: in numbers, then in time."""
        taken = self.taken[index]
        before = max((seq for seq in taken if seq < body.first), default=None)
        if before is None:
            return 1 << 60, 0
        return body.first - before, abs(body.at[body.first].ts - taken[before].ts)

    def _covering(self, seq: int) -> int:
        """How many chains may have written this number."""
        return sum(
            (core.start is None or core.start.seq <= seq) and (core.end is None or seq <= core.end.seq)
            for core in self.cores
        )

    def _fill(self, chain: Chain, index: int, chains: list[Chain]) -> None:
        core = self.cores[index]
        events = list(core.at.values())
        chain.start, chain.end, chain.label = core.start, core.end, core.label
        labelled = set(core.labelled)
        for event in core.at.values():
            chain.grades[event.row] = "derived"
        chain.grade = chain.start_grade = "derived"
        for part, fitting in self.given.get(index, ()):
            sure = len(fitting) == 1
            chain.start, chain.end = chain.start or part.start, chain.end or part.end
            if part.label and not chain.label:
                chain.label = part.label
                labelled |= part.labelled
            if (part.end or part.label) and not sure:
                chain.grade = "ambiguous"
            if part.start and not sure:
                chain.start_grade = "ambiguous"
            events += part.at.values()
            for event in part.at.values():
                chain.grades[event.row] = "derived" if sure else "ambiguous"
                # A conversation that one run alone wrote names that run, whichever start and end are its own.
                if not sure and event.row not in part.labelled:
                    chain.candidates[event.row] = [chain, *(chains[i] for i in fitting if i != index)]
        for row in labelled:
            chain.grades.pop(row, None)
        # In doubt two events of one number may have been given to one run.
        chain.events = sorted(events, key=lambda event: (event.seq, event.row))
        chain.gaps = [(before.seq, after.seq) for before, after in pairwise(chain.events) if after.seq > before.seq + 1]


def _began(part: _Part) -> int:
    """When the run of a part was under way, in milliseconds since 1970: by its end if it has one."""
    if part.end:
        return part.end.ts - (whole(part.end.payload, "wall_ms") or 0)
    return part.at[part.first].ts


def match(options: Sequence[Sequence[int]]) -> dict[int, int]:
    """Give as many as possible one of their options each, none twice; earlier options are preferred (Kuhn)."""
    owner: dict[int, int] = {}

    def give(number: int, seen: set[int]) -> bool:
        for option in options[number]:
            if option in seen:
                continue
            seen.add(option)
            if option not in owner or give(owner[option], seen):
                owner[option] = number
                return True
        return False

    for number in range(len(options)):
        give(number, set())
    return {number: option for option, number in owner.items()}
