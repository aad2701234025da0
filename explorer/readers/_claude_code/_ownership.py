"""Each model call counts once, however many transcripts have it.

A fork, a resumed or a backgrounded session begins with a copy of the whole history: the same records under another
session. The session that was there first counts its calls, all others show them as replayed. Which one was first, no
record says outright: in this order, a pointer from the copy or to it; that it was not backgrounded; whose own first
record, one that no other session has, is the earlier, with a session that has none before all others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from explorer.readers._claude_code._content import most
from explorer.readers._claude_code._draft import Key, Session, Step

_NEVER = -1


def ranked(sessions: Iterable[Session]) -> list[Session]:
    """Sessions in the order in which they own what they have in common."""
    known = {session.session_id: session for session in sessions}
    if len(known) < 2:
        return list(known.values())
    holders = Counter(uuid for session in known.values() for uuid in session.of_record)
    above = {session.session_id: session.forked_from for session in known.values()}
    for session in known.values():
        if session.continued_in in above and above[session.continued_in] is None:
            above[session.continued_in] = session.session_id

    def depth(session_id: str) -> int:
        seen: set[str] = set()
        here: str | None = session_id
        while here is not None and here not in seen:
            seen.add(here)
            here = above.get(here)
        return len(seen)

    order = {session_id: number for number, session_id in enumerate(known)}
    return sorted(
        known.values(),
        key=lambda each: (
            depth(each.session_id), each.background, _first_own(each, holders), order[each.session_id]
        ),
    )  # fmt: skip


def _first_own(session: Session, holders: Counter[str]) -> int:
    """When it first wrote what no other session has."""
    own = [
        step.first
        for agent in session.agents.values()
        for step in agent.steps.values()
        if step.first is not None and step.uuid is not None and holders[step.uuid] == 1
    ]
    return min(own, default=_NEVER)


def settle(sessions: Sequence[Session]) -> None:
    """Give every call that stands more than once its owner, and the owner the maximum of each figure."""
    calls: dict[Key, list[Step]] = {}
    place: dict[Step, tuple[int, bool, bool, int, int]] = {}
    for rank, session in enumerate(sessions):
        for agent in session.agents.values():
            for key, step in agent.steps.items():
                first = step.first if step.first is not None else _NEVER
                place[step] = rank, not agent.is_main, agent.helper is not None, first, len(place)
                calls.setdefault(key, []).append(step)
    owners = [_owner(found, place) for found in calls.values()]
    of_message = {owner.key[0]: owner for owner in reversed(owners) if owner.key[0] and owner.run.agent.is_main}
    for owner in owners:
        # A question asked aside replays its session's answers, under request ids of its own.
        main = of_message.get(owner.key[0])
        if main is not None and main is not owner and not owner.run.agent.is_main:
            _copy(owner, main)


def _owner(found: Sequence[Step], place: Mapping[Step, tuple[int, bool, bool, int, int]]) -> Step:
    """The first of the records of one call, with the others as its copies."""
    owner = min(found, key=place.__getitem__)
    for step in found:
        if step is not owner:
            _copy(step, owner)
    return owner


def _copy(step: Step, owner: Step) -> None:
    step.owner = owner
    owner.finish_reason = owner.finish_reason or step.finish_reason
    owner.usage = most(owner.usage, step.usage)
