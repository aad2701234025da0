"""Runs from parts: what is not certain is given to the run that it fits best, and says so."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._events import CALL, END, RESULT, START, Event
from explorer.readers.codegraff._exchange import exchange
from explorer.readers.codegraff._parts import Part


class Assembly:
    """Chains from parts: what is not certain is given to the run it fits best."""

    def __init__(self, parts: list[Part], levels: Mapping[int, list[Event]], errors: Sequence[int]) -> None:
        self.parts = sorted(parts, key=lambda part: (part.first, -len(part.at), part.first_row))
        self.levels = levels
        self.errors = errors
        self.cores = self._anchors()
        """What is certain of each chain."""
        self.taken = [dict(core.at) for core in self.cores]
        """What each chain has, by number, with what was given to it."""
        self.order = [sorted(core.at) for core in self.cores]
        """The numbers of that."""
        self.given: dict[int, list[tuple[Part, list[int]]]] = {}
        """Index of a chain -> the parts that were given to it, with the indices of all chains they fit."""
        self.sure: dict[int, list[Part]] = {}
        """Those of them that fit no other."""

    def _anchors(self) -> list[Part]:
        """Parts that are certainly of different runs: the starts, or what is better known of the same runs.

        Siblings that started together have starts that are alike, and more may be certain of what they did later.
        """
        heads = [part for part in self.parts if part.start]
        alike: dict[int, list[Part]] = {}
        for head in heads:
            alike.setdefault(head.first, []).append(head)
        for group in alike.values():
            if len(group) > 1 and (better := self._better(group, heads)):
                heads = [head for head in heads if not any(head is each for each in group)] + better
        return heads or self._at_most()

    def _better(self, group: list[Part], heads: list[Part]) -> list[Part] | None:
        """Parts at one number that are the further way of just these starts, if more is certain of them."""
        others = [head for head in heads if not any(head is each for each in group)]
        best, most = None, sum(len(head.at) for head in group)
        at: dict[int, list[Part]] = {}
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

    def _at_most(self) -> list[Part]:
        """Without any start: the parts at the number that most runs have written."""
        most = max(map(len, self.levels.values()))
        seq = next(seq for seq, events in self.levels.items() if len(events) == most)
        return [part for part in self.parts if seq in part.at]

    def chains(self) -> list[Chain]:
        """All of them."""
        cores = set(self.cores)
        rest = [part for part in self.parts if part not in cores]
        self._give_edges([part for part in rest if part.start])
        self._give_edges([part for part in rest if part.end and not part.start])
        bodies = [part for part in rest if not part.start and not part.end]
        self._give([part for part in bodies if part.label])
        self._give([part for part in bodies if not part.label])
        chains = [Chain() for _ in self.cores]
        for index, chain in enumerate(chains):
            self._fill(chain, index, chains)
        exchange(chains)
        twice = {before.seq for chain in chains for before, after in pairwise(chain.events) if before.seq == after.seq}
        for chain in chains:
            # A number that another run has twice is not missing.
            seqs = [event.seq for event in chain.events]
            between = [gap for gap in pairwise(seqs) if gap[1] > gap[0] + 1]
            chain.gaps = [gap for gap in between if not twice.issuperset(range(gap[0] + 1, gap[1]))]
        return chains

    def _give_edges(self, edges: list[Part]) -> None:
        """Give starts, or ends, to the chains that have none; what fits nowhere is a run of its own."""
        options = [[i for i in range(len(self.cores)) if self._fits(i, edge)] for edge in edges]
        ranked = [
            sorted((i for i in fitting if self._reach(i, edge)[0]), key=lambda i: abs(self._began(i) - edge.began))
            for edge, fitting in zip(edges, options, strict=True)
        ]
        matched = match(ranked)
        for number, edge in enumerate(edges):
            if number in matched:
                self._add(matched[number], edge, options[number])
            else:
                self._begin(edge)

    def _began(self, index: int) -> int:
        return min(self.cores[index].began, *(part.began for part, _ in self.given.get(index, ())), 1 << 62)

    def _begin(self, core: Part) -> None:
        self.cores.append(core)
        self.taken.append(dict(core.at))
        self.order.append(sorted(core.at))

    def _add(self, index: int, part: Part, fitting: list[int]) -> None:
        self.taken[index] |= part.at
        self.order[index] += part.at
        self.order[index].sort()
        if len(fitting) <= 1:
            fitting = [index]
            self.sure.setdefault(index, []).append(part)
        self.given.setdefault(index, []).append((part, fitting))

    def _give(self, bodies: list[Part]) -> None:
        """Give bodies to chains, those that begin at the same number together."""
        waiting: dict[int, list[Part]] = {}
        for body in bodies:
            waiting.setdefault(body.first, []).append(body)
        for seq in sorted(waiting):
            group = waiting[seq]
            options = [[i for i in range(len(self.cores)) if self._fits(i, body)] for body in group]
            reached = [sorted((*self._reach(i, body), i) for i in fitting)
                       for body, fitting in zip(group, options, strict=True)]  # fmt: skip
            free = [[i for is_free, _, i in each if is_free] for each in reached]
            matched = match(free)
            for number, body in enumerate(group):
                if number in matched:
                    index = matched[number]
                elif options[number] and self._covering(seq) >= len(self.levels[seq]):
                    index = min(options[number], key=lambda i: self._reach(i, body)[1])
                else:
                    self._begin(body)
                    continue
                self._add(index, body, options[number])

    def _fits(self, index: int, body: Part) -> bool:
        core = self.cores[index]
        if not core.fits(body, self.errors):
            return False
        sure = self.sure.get(index)
        return sure is None or all(part.fits(body, self.errors) for part in sure)

    def _reach(self, index: int, body: Part) -> tuple[bool, tuple[bool, int, int]]:
        """Whether the body has its place free in the chain, and how far the nearest event before it is.

        Free: none of its numbers is taken, and it is in order with what the chain has. The distance is one in numbers,
        then in time; its own call is nearest.
        """
        taken, first = self.taken[index], body.at[body.first]
        before, after = self._around(index, body.first, body.last)
        last = taken[before] if before is not None else None
        next_ = taken[after] if after is not None else None
        is_free = (
            (last is None or (last.row < body.first_row and last.kind != END))
            and (next_ is None or (body.last_row < next_.row and next_.kind != START))
            and taken.keys().isdisjoint(body.at)
        )
        if last is None or before is None:
            return is_free, (first.kind == RESULT, 1 << 60, 0)
        lonely = first.kind == RESULT and not (last.kind == CALL and last.call_id == first.call_id)
        return is_free, (lonely, body.first - before, abs(first.ts - last.ts))

    def _around(self, index: int, first: int, last: int) -> tuple[int | None, int | None]:
        """The nearest numbers that the chain has before the first and behind the last."""
        order = self.order[index]
        at, behind = bisect_left(order, first), bisect_right(order, last)
        return order[at - 1] if at else None, order[behind] if behind < len(order) else None

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
            named: set[int] = set()
            if part.label and chain.label in (None, part.label):
                chain.label, named = part.label, part.labelled
                labelled |= named
            if (part.end or part.label) and not sure:
                chain.grade = "ambiguous"
            if part.start and not sure:
                chain.start_grade = "ambiguous"
            events += part.at.values()
            among = [chain, *(chains[i] for i in fitting if i != index)]
            for event in part.at.values():
                chain.grades[event.row] = "derived" if sure else "ambiguous"
                # A conversation that one run alone wrote names that run, whichever start and end are its own.
                if not sure and event.row not in named:
                    chain.candidates[event.row] = among
        for row in labelled:
            chain.grades.pop(row, None)
        # In doubt two events of one number may have been given to one run.
        chain.events = sorted(events, key=lambda event: (event.seq, event.row))


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
