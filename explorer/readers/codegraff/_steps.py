"""The steps of one run: its tool calls as the trajectory has them, in the model calls that its messages tell of."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.model import Grade
from explorer.readers.codegraff._chain import Chain
from explorer.readers.codegraff._contexts import Asked, ModelCall
from explorer.readers.codegraff._events import CALL, END, RESULT, START, Event, whole

_WORSE: dict[Grade, int] = {"exact": 0, "derived": 1, "ambiguous": 2, "not_recorded": 3}


class Pair(NamedTuple):
    """A tool call with its result, either of which may be missing."""

    call: Event | None
    result: Event | None

    @property
    def event(self) -> Event:
        """The first of them that there is."""
        found = self.call or self.result
        assert found
        return found


@dataclass(slots=True)
class Draft:
    """A step to be written."""

    order: tuple[int, int]
    pairs: list[Pair] = field(default_factory=list)
    error: Event | None = None
    """An event that is neither call nor result."""
    model_call: ModelCall | None = None

    @property
    def events(self) -> list[Event]:
        """What of the trajectory it is made of."""
        return [event for pair in self.pairs for event in pair if event] + ([self.error] if self.error else [])


def pair(events: Iterable[Event]) -> tuple[list[Pair], list[Event]]:
    """Calls with their results in the order of ``seq``, and what is neither; starts and ends left out.

    Ids may repeat: a result goes with the call right before it, else with the first open call of its id.
    """
    pairs: list[Pair] = []
    others: list[Event] = []
    open_: dict[str | None, list[int]] = {}
    waiting: Event | None = None  # a call whose result may come next, as nearly all do
    for event in events:
        kind = event.kind
        if kind == CALL:
            if waiting is not None:
                open_.setdefault(waiting.call_id, []).append(len(pairs))
                pairs.append(Pair(waiting, None))
            waiting = event
            continue
        if kind == RESULT and waiting is not None and waiting.call_id == event.call_id:
            pairs.append(Pair(waiting, event))
            waiting = None
            continue
        if waiting is not None:
            open_.setdefault(waiting.call_id, []).append(len(pairs))
            pairs.append(Pair(waiting, None))
            waiting = None
        if kind == RESULT:
            if earlier := open_.get(event.call_id):
                number = earlier.pop(0)
                pairs[number] = Pair(pairs[number].call, event)
            else:
                pairs.append(Pair(None, event))
        elif kind not in (START, END):
            others.append(event)
    if waiting is not None:
        pairs.append(Pair(waiting, None))
    return pairs, others


def grade_of(chain: Chain, events: Iterable[Event]) -> Grade:
    """How sure it is that all of these are of the chain's run."""
    return max((chain.grades.get(event.row, "exact") for event in events), key=_WORSE.__getitem__, default="exact")


def drafts(chain: Chain, model_calls: Sequence[ModelCall], told: Container[int] = ()) -> list[Draft]:
    """The steps of a run in order.

    A model call holds the tool calls that it asked for. Tool calls of which no message is left, after a compaction or
    where there are no messages at all, are steps by themselves, and so are errors. But one that may be of several runs
    is a step of its own only if there is one of them of which the messages do not tell everything: ``told`` holds the
    ``id`` of the others' chains.
    """
    pairs, others = pair(chain.events)
    held, found = _placed(chain, pairs, model_calls, told)
    found += [Draft((event.seq, 0), error=event) for event in others]
    before = (chain.events[0].seq if chain.events else 0, 0)
    for number, model_call in enumerate(model_calls):
        draft = Draft((before[0], before[1] + 1), held.get(number, []), model_call=model_call)
        before = draft.order
        if draft.pairs:
            draft.order = draft.pairs[0].event.seq, 0
            before = max(event.seq for event in draft.events), 0
        found.append(draft)
    return sorted(found, key=lambda draft: draft.order)


def _placed(
    chain: Chain, pairs: Sequence[Pair], model_calls: Sequence[ModelCall], told: Container[int]
) -> tuple[dict[int, list[Pair]], list[Draft]]:
    """Which tool calls each model call asked for, by its number, and those that are steps by themselves."""
    asked: dict[str | None, deque[int]] = {}
    for number, model_call in enumerate(model_calls):
        for each in model_call.calls:
            asked.setdefault(each.call_id, deque()).append(number)
    held: dict[int, list[Pair]] = {}
    alone: list[Draft] = []
    # What is certain comes first, and the last of it: ids may repeat, and what messages have lost is their beginning.
    for recorded in reversed(pairs):
        if _candidates(chain, recorded):
            continue
        if waiting := asked.get(recorded.event.call_id):
            held.setdefault(waiting.pop(), []).insert(0, recorded)
        else:
            alone.append(Draft((recorded.event.seq, 0), [recorded]))
    for recorded in pairs:
        among = _candidates(chain, recorded)
        if among and (waiting := asked.get(recorded.event.call_id)):
            held.setdefault(waiting.popleft(), []).append(recorded)
        elif any(id(each) not in told for each in among):
            alone.append(Draft((recorded.event.seq, 0), [recorded]))
    return held, alone


def _candidates(chain: Chain, recorded: Pair) -> list[Chain]:
    """All runs that a pair may be of; none when it is certain of this one.

    Where it is in doubt whose end, and with it whose messages, a run has, its calls may be of the others as well.
    """
    events = [*recorded, chain.end if chain.grade == "ambiguous" else None]
    return [each for event in events if event for each in chain.candidates.get(event.row, ())]


def tells_all(chain: Chain, model_calls: Sequence[ModelCall]) -> bool:
    """Whether these are all calls of the run, by the count of its end."""
    counted = whole(chain.end.payload, "tool_calls") if chain.end else None
    return bool(model_calls) and counted == sum(len(call.calls) for call in model_calls)


def of_run(chain: Chain, model_calls: Sequence[ModelCall]) -> list[ModelCall]:
    """Which of a conversation's model calls are those of a run: a user's message begins a run.

    Those that answer a message of which one call is the run's, by an id that no other message's calls have; and those
    whose usage is what the run's end reports.
    """
    turns: dict[int, list[ModelCall]] = {}
    in_turns: dict[str, set[int]] = {}
    for call in model_calls:
        turns.setdefault(call.turn, []).append(call)
        for asked in call.calls:
            if asked.call_id:
                in_turns.setdefault(asked.call_id, set()).add(call.turn)
    if len(turns) == 1 and chain.label is not None:
        return list(model_calls)
    own = {event.call_id for event in chain.events if event.call_id and len(in_turns.get(event.call_id, ())) == 1}
    return [
        call
        for calls in turns.values()
        if any(asked.call_id in own for call in calls for asked in call.calls) or _is_reported(chain, calls)
        for call in calls
    ]


def _is_reported(chain: Chain, calls: Sequence[ModelCall]) -> bool:
    payload = chain.end.payload if chain.end else None
    if not payload or payload.get("turns") != len(calls):
        return False
    sums = [sum(filter(None, (usage and usage[i] for usage in (call.usage for call in calls)))) for i in (0, 1)]
    return sums[0] > 0 and sums == [payload.get("prompt_tokens"), payload.get("completion_tokens")]


def matching(draft: Draft) -> list[tuple[Asked | None, Pair | None]]:
    """The tool calls of a step: what the message asked for beside what the trajectory has of it."""
    left = list(draft.pairs)
    found: list[tuple[Asked | None, Pair | None]] = []
    for asked in draft.model_call.calls if draft.model_call else ():
        mine = next((each for each in left if each.event.call_id == asked.call_id), None)
        if mine is not None:
            left.remove(mine)
        found.append((asked, mine))
    return found + [(None, each) for each in left]
