"""What is wrong or doubtful in the events of runs, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from explorer.model import Severity
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._events import CALL, KINDS, RESULT, Event, whole

_SHOWN = 8


class Doubt(NamedTuple):
    """A finding to be."""

    code: str
    severity: Severity
    message: str
    event: Event


def of_run(chain: Chain) -> Iterator[Doubt]:
    """What is wrong with one run's events."""
    if chain.start is None and chain.end is not None:
        text = "the run has an end and no start: it began under a version that wrote none, or the row is lost"
        yield Doubt("missing-start", "warning", text, chain.events[0])
    for before, after in chain.gaps:
        lost = after - before - 1
        which = f"seq {before + 1} to {after - 1} are" if lost > 1 else f"seq {before + 1} is"
        event = next(event for event in chain.events if event.seq == after)
        yield Doubt("seq-gap", "warning", f"{which} missing: {lost:,} of its rows were not written", event)
    asked = [event.call_id for event in chain.events if event.kind == CALL]
    if len(set(asked)) < len(asked):
        for call_id, number in Counter(asked).items():
            if number > 1:
                text = (
                    f"call id {call_id} stands for {number} calls of this run: a result goes with the nearest of them"
                )
                yield Doubt("repeated-call-id", "info", text, chain.events[0])
    kinds = [event.kind for event in chain.events]
    if len(asked) < kinds.count(RESULT) or not KINDS.issuperset(kinds):
        yield from _unpaired(chain)


def _unpaired(chain: Chain) -> Iterator[Doubt]:
    open_: Counter[str | None] = Counter()
    for event in chain.events:
        if event.kind == CALL:
            open_[event.call_id] += 1
        elif event.kind == RESULT and open_[event.call_id] > 0:
            open_[event.call_id] -= 1
        elif event.kind == RESULT and event.row not in chain.candidates:  # else its call may be another run's
            yield Doubt("unpaired-result", "warning", f"a result of {event.name or 'a tool'} without its call", event)
        elif event.kind not in KINDS:
            text = f"an event of the unknown kind {event.kind}: kept as a step"
            yield Doubt("unknown-kind", "info", text, event)


def of_collision(agent: str, chains: Sequence[Chain]) -> Doubt:
    """Runs that share their key: how many, where, what one would take them for, and what they are."""
    counts = Counter(event.seq for chain in chains for event in chain.events)
    twice = sorted(seq for seq, number in counts.items() if number > 1)
    grades = Counter(chain.grades.get(event.row, "exact") for chain in chains for event in chain.events)
    together = max(chain.together for chain in chains)
    calls = [sum(event.kind == CALL for event in chain.events) for chain in chains]
    tokens = [whole(chain.end.payload, "prompt_tokens") if chain.end else None for chain in chains]
    known = [each for each in tokens if each is not None]
    shown = ", ".join(map(str, twice[:_SHOWN])) + (f" and {len(twice) - _SHOWN:,} more" if len(twice) > _SHOWN else "")
    own = [
        f"{number:,} calls{f' and {each:,} tokens' if each is not None else ', without an end'}"
        for number, each in zip(calls, tokens, strict=True)
    ]
    listed = "; ".join(own[:_SHOWN]) + (f"; and {len(own) - _SHOWN} more runs" if len(own) > _SHOWN else "")
    merged = f"{sum(calls):,} tool calls" + (f" and {sum(known):,} input tokens" if known else "")
    text = (
        f"{len(chains)} runs of {agent} share the key (conversation, agent), {together} of them at work together: "
        f"{len(twice):,} seq {'occurs' if len(twice) == 1 else 'occur'} more than once ({shown}). Merged they would be "
        f"one run of {merged}; they are: {listed}. Of {sum(grades.values()):,} events {grades['exact']:,} are certain, "
        f"{grades['derived']:,} follow from the others, {grades['ambiguous']:,} fit several of the runs"
    )
    return Doubt("run-collision", "warning", text, chains[0].events[0])
