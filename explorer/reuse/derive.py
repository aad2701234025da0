"""Everything that is stored about the reuse of a namespace, from its calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from explorer.model import HASHES, PROMPT_PARTS, HiddenAgent, NamespaceAudit, Rows, RunFootprint, SiblingPair, StepReuse
from explorer.reuse.attribution import Attributed, Attribution
from explorer.reuse.audit import audit
from explorer.reuse.calls import Call, Lineage, by_start
from explorer.reuse.hidden import hidden_agents
from explorer.reuse.identity import prefix_hits, renumbered
from explorer.reuse.intervals import IntervalSet
from explorer.reuse.numbering import numbering
from explorer.reuse.sharing import footprints, share
from explorer.reuse.streaks import Streak, streaks

BATCH = 1_000
"""Rows that are given at once, or a streak more."""


def derive(
    conversations: dict[str, list[Call]], scopes: dict[str, str | None], lineage: Lineage
) -> Iterator[Rows | RunFootprint | SiblingPair | NamespaceAudit | HiddenAgent]:
    """The rows of one namespace.

    ``conversations`` holds the calls of each conversation in it, in the order of the record. Without a common clock,
    several conversations are laid over each other with their starts at 0.
    """
    if set(scopes.values()) == {HASHES}:
        conversations = renumbered(conversations)
    calls = [call for recorded in conversations.values() for call in recorded]
    started = by_start(*conversations.values())
    attribution = Attribution(lineage)
    of_run: dict[str, list[Streak]] = {}
    hits: Counter[str] = Counter()  # by run
    rows: list[Attributed] = []
    for streak in streaks(started):
        run = streak.calls[0].run_id
        of_run.setdefault(run, []).append(streak)
        found = attribution.add_all(streak)
        hits[run] += sum([row[3] + row[4] + row[5] + row[6] for row in found])
        rows += found
        if len(rows) >= BATCH:
            yield Rows(StepReuse, list(zip(*rows, strict=True)))
            rows = []
    if rows:
        yield Rows(StepReuse, list(zip(*rows, strict=True)))
    by_prefix = hits if attribution.chain.holds else prefix_hits(started)
    yield from share(calls, lineage, footprints(calls, lineage, attribution.arrived.agents))
    for conversation_id, recorded in conversations.items():
        if not recorded:
            continue
        alone = len(recorded) == len(calls)
        in_turn = started if alone else by_start(recorded)
        by_time = attribution.numbering if alone else numbering(call.stretches for call in in_turn)
        ids = attribution.arrived.everyone if alone else _distinct(recorded)
        scope = scopes.get(conversation_id)
        runs = dict.fromkeys(call.run_id for call in recorded)
        known = sum(hits[run] for run in runs), sum(by_prefix[run] for run in runs)
        yield audit(conversation_id, scope, recorded, in_turn, lineage, by_time, ids, attribution.chain.holds, known)
        if scope != PROMPT_PARTS:  # where there are prompts, every call is known to be its agent's
            for run in runs:
                if lineage.parent_run.get(run) is None:
                    yield from hidden_agents(of_run[run])


def _distinct(calls: list[Call]) -> IntervalSet:
    ids = IntervalSet()
    for call in calls:
        ids.update(call.stretches)
    return ids
