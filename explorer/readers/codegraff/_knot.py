"""Runs that were at work together under one key: what is certain of each, by what only one of them can have written."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from explorer.readers.codegraff._assembly import Assembly
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._events import ANONYMOUS, CALL, END, RESULT, START, Event, whole
from explorer.readers.codegraff._parts import Part

_Place: TypeAlias = tuple[Event, Part]
"""An event, and what it is part of."""

_OF_RUNS = frozenset((START, END, CALL, RESULT))
_NEVER = 1 << 62


class Knot:
    """Runs that were at work together."""

    def __init__(self, events: Sequence[Event], labels: Mapping[int, str]) -> None:
        self.events = events
        self.levels: dict[int, list[Event]] = {}
        for event in events:
            self.levels.setdefault(event.seq, []).append(event)
        self.errors = sorted([event.seq for event in events if event.kind not in _OF_RUNS])
        labels = self._of_one_run(labels)
        self.parts = self._begin(labels)
        """Row -> what is certainly of the same run."""
        self.together = max(map(len, self.levels.values()))

    def _begin(self, labels: Mapping[int, str]) -> dict[int, Part]:
        """Each event by itself, and a call with its result where the id stands for one call and they are neighbours."""
        calls: dict[str, Event | None] = {}  # None where there are several
        results: dict[str, Event | None] = {}
        for event in self.events:
            call_id = event.call_id
            if call_id:
                alike = calls if event.kind == CALL else results
                alike[call_id] = None if call_id in alike else event
        parts: dict[int, Part] = {}
        self.apart: list[tuple[Event, Event]] = []
        for call_id, call in calls.items():
            result = results.get(call_id)
            if call and result and call.row < result.row and not call_id.startswith(ANONYMOUS):
                if result.seq == call.seq + 1:
                    parts[call.row] = parts[result.row] = Part(call, labels.get(call.row), result)
                else:
                    self.apart.append((call, result))
        for event in self.events:
            if event.row not in parts:
                parts[event.row] = Part(event, labels.get(event.row))
        return parts

    def _of_one_run(self, labels: Mapping[int, str]) -> dict[int, str]:
        """The labels without those under which several runs wrote at once, as tasks of one ``session_id`` do."""
        if not labels:
            return {}
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
        self._join_neighbours()
        parts = list({id(part): part for part in self.parts.values()}.values())
        chains = Assembly(parts, self.levels, self.errors).chains()
        for chain in chains:
            chain.together = self.together
            sure = chain.start is not None and chain.grades.get(chain.start.row) != "ambiguous"
            if sure and chain.start and chain.start.row in certain and chain.adds_up():
                for row in certain & chain.grades.keys():
                    del chain.grades[row]
                    chain.candidates.pop(row, None)
        return sorted(chains, key=lambda chain: chain.events[0].row)

    def _certain(self) -> set[int]:
        """The rows of the first run as long as it was alone."""
        rows: set[int] = set()
        if self.events[0].kind != START or not self._is_whole():
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

    def _is_whole(self) -> bool:
        """Whether no start, call or result is missing by what the ends count: what stands alone may miss another's."""
        number = Counter(event.kind for event in self.events)
        counted = [whole(event.payload, "tool_calls") for event in self.events if event.kind == END]
        if number[START] != number[END] or None in counted:
            return False
        return number[CALL] == number[RESULT] == sum(each or 0 for each in counted)

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
        """Results that are not next to their calls, as those of a batch."""
        for call, result in self.apart:
            self._join(call, result)

    def _join_labels(self) -> None:
        """What stands in one conversation, unless a run ended and another began in between."""
        of: dict[str, list[Event]] = {}
        numbers = sorted(self.levels)
        for event in self.events:
            label = self.parts[event.row].label
            if label is not None:
                of.setdefault(label, []).append(event)
        for events in of.values():
            events.sort(key=lambda event: event.seq)
            for before, after in pairwise(events):
                inside = numbers[bisect_right(numbers, before.seq) : bisect_left(numbers, after.seq)]
                between = [event.kind for seq in inside for event in self.levels[seq]]
                if not (END in between and START in between):
                    self._join(before, after)

    def _join_neighbours(self) -> None:
        """What goes on from what, where only one thing can.

        Parts that were joined may leave only one thing at their ends, so the numbers there are looked at again.
        """
        pending = {seq for part in set(self.parts.values()) for seq in part.ends()}
        while pending:
            looking, pending = sorted(pending), set()
            for seq in looking:
                for part in self._joined_at(seq):
                    pending.update((part.first - 1, part.last))

    def _joined_at(self, seq: int) -> list[Part]:
        """Join what stands at a number to what stands at the next; gives the parts that have grown."""
        parts = self.parts
        open_ = [(e, own) for e in self.levels.get(seq, ())
                 if seq + 1 not in (own := parts[e.row]).at and e.kind != END]  # fmt: skip
        new = [(e, own) for e in self.levels.get(seq + 1, ()) if open_
               if seq not in (own := parts[e.row]).at and e.kind != START]  # fmt: skip
        if not open_ or not new:
            return []
        find = _by_order if all(map(_ends_in_result, open_)) and all(map(_begins_with_call, new)) else self._by_all
        return [parts[before.row] for before, after in find(open_, new) if self._join(before, after)]

    def _by_all(self, open_: Sequence[_Place], new: Sequence[_Place]) -> list[tuple[Event, Event]]:
        """What only one thing can go on from, and only one thing can go on with, by all that is known of either."""
        errors = self.errors
        fits = [[follows(before, after) and own.fits(other, errors) for before, own in open_] for after, other in new]
        pairs = [(open_[row.index(True)][0], after)
                 for (after, _), row in zip(new, fits, strict=True) if row.count(True) == 1]  # fmt: skip
        if len(open_) == len(new):
            pairs += [(before, new[column.index(True)][0])
                      for (before, _), column in zip(open_, zip(*fits, strict=True), strict=True)
                      if column.count(True) == 1]  # fmt: skip
        return pairs


def _by_order(open_: Sequence[_Place], new: Sequence[_Place]) -> list[tuple[Event, Event]]:
    """The same where nothing is known but the order of writing, in which both are: nearly all calls behind results."""
    before, after = [event for event, _ in open_], [event for event, _ in new]
    first, second = before[0].row, before[1].row if len(before) > 1 else _NEVER
    pairs = [(before[0], event) for event in after if first < event.row < second]
    if len(before) == len(after):
        last, previous = after[-1].row, after[-2].row if len(after) > 1 else -_NEVER
        pairs += [(event, after[-1]) for event in before if previous < event.row < last]
    return pairs


def _ends_in_result(place: _Place) -> bool:
    event, part = place
    return part.bare and part.last == event.seq and event.kind == RESULT


def _begins_with_call(place: _Place) -> bool:
    event, part = place
    return part.bare and part.first == event.seq and event.kind == CALL


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
